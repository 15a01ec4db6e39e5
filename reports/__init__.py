"""The judge and its voices."""
