"""The minimum of the criterion over theta."""

from relmer.solver.search.optimise import Optimum, optimise

__all__ = ["Optimum", "optimise"]
