"""G to log|V|, A = [X y]'V^-1 [X y] and their derivatives (theory.md, 14 to 34), by the structure of Z."""

from relmer.solver.elimination.contract import Eliminated, Elimination
from relmer.solver.elimination.corner import Corner, Weights, expected, weights
from relmer.solver.elimination.levels import orthogonalise
from relmer.solver.elimination.structure import Grouping, Structure, build, build_apart, groupings_of

__all__ = [
    "Corner",
    "Eliminated",
    "Elimination",
    "Grouping",
    "Structure",
    "Weights",
    "build",
    "build_apart",
    "expected",
    "groupings_of",
    "orthogonalise",
    "weights",
]
