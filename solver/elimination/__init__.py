"""G to log|V|, A = [X y]'V^-1 [X y] and their derivatives (theory.md, 14 to 34), by the structure of Z."""

from relmer.solver.elimination.contract import Eliminated
from relmer.solver.elimination.corner import Corner, expected, weights
from relmer.solver.elimination.structure import Structure, build

__all__ = ["Corner", "Eliminated", "Structure", "build", "expected", "weights"]
