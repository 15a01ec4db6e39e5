"""The minimum of the criterion over theta (theory.md, 37 to 41)."""

from relmer.solver.search.ending import Ending, Optimum
from relmer.solver.search.objective import EPS, FLAT, NOISE
from relmer.solver.search.optimise import FLATTEST, LONGEST, NEGATIVE, SETTLED, optimise
from relmer.solver.search.starts import AGAIN, RAISED, RAY

__all__ = [
    "AGAIN",
    "EPS",
    "FLAT",
    "FLATTEST",
    "LONGEST",
    "NEGATIVE",
    "NOISE",
    "RAISED",
    "RAY",
    "SETTLED",
    "Ending",
    "Optimum",
    "optimise",
]
