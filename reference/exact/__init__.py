"""Closed forms in rational arithmetic: balanced designs, NIST's one-way layouts."""

from relmer.reference.exact import estimates
from relmer.reference.exact.layouts import Layout, NotExact, Term, intercepts
from relmer.reference.exact.rational import rational

__all__ = ["Layout", "NotExact", "Term", "estimates", "intercepts", "rational"]
