"""What Python's façade offers beside a fit: judge, certify, and hold two fits against each other."""

from relmer.reports.python.certifying import certify
from relmer.reports.python.comparing import compare
from relmer.reports.python.judging import judge

__all__ = ["certify", "compare", "judge"]
