"""The minimum of the criterion over theta (theory.md, 37 to 41)."""

from relmer.solver.search.ending import Ending
from relmer.solver.search.optimise import Optimum, optimise

__all__ = ["Ending", "Optimum", "optimise"]
