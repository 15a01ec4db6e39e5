"""Certified values, as they are kept and read."""
