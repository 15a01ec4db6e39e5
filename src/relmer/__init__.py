"""relmer: the independent reference for linear mixed models."""
