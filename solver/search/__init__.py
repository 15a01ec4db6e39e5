"""The minimum of the criterion over theta."""
