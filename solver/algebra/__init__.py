"""Linear algebra on plain arrays; knows nothing of models."""
