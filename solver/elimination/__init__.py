"""G to log|V|, [X y]'V^-1 [X y] and their derivatives, by the structure of the random effects."""

from relmer.solver.elimination.contract import Eliminated
from relmer.solver.elimination.corner import Corner, expected, weights
from relmer.solver.elimination.structure import Structure, build

__all__ = ["Corner", "Eliminated", "Structure", "build", "expected", "weights"]
