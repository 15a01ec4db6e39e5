"""What Python's façade offers beside a fit: judge a model or answers, and hold two fits against each other."""

from relmer.reports.python.comparing import compare
from relmer.reports.python.judging import judge

__all__ = ["compare", "judge"]
