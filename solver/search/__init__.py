"""The minimum of the criterion over theta (theory.md, 37 to 41)."""

from relmer.solver.search.ending import Ending, Optimum
from relmer.solver.search.objective import EPS, FLAT, NOISE
from relmer.solver.search.optimise import FLATTEST, LONGEST, NEGATIVE, SETTLED, optimise
from relmer.solver.search.starts import (
    AGAIN,
    ANGLES,
    ASIDE,
    LEANING,
    LENGTHS,
    RAISED,
    RAY,
    WIDE,
    is_constant,
    is_told_by_few,
)

__all__ = [
    "AGAIN",
    "ANGLES",
    "ASIDE",
    "EPS",
    "FLAT",
    "FLATTEST",
    "LEANING",
    "LENGTHS",
    "LONGEST",
    "NEGATIVE",
    "NOISE",
    "RAISED",
    "RAY",
    "SETTLED",
    "WIDE",
    "Ending",
    "Optimum",
    "is_constant",
    "is_told_by_few",
    "optimise",
]
