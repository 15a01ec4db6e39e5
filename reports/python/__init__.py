"""What Python's façade offers beside a fit: two fits held against each other."""

from relmer.reports.python.comparing import compare

__all__ = ["compare"]
