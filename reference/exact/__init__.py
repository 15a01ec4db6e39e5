"""Closed forms in rational arithmetic: balanced designs, NIST's one-way layouts."""

from relmer.reference.exact import estimates
from relmer.reference.exact.layouts import Layout, intercepts

__all__ = ["Layout", "estimates", "intercepts"]
