"""G to log|V|, [X y]'V^-1 [X y] and their derivatives, by the structure of the random effects."""

from relmer.solver.elimination import structure
from relmer.solver.elimination.corner import Solved, expected, weights
from relmer.solver.elimination.structure import Structure

__all__ = ["Solved", "Structure", "expected", "structure", "weights"]
