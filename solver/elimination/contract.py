"""What every structure of random effects offers: rows reduced once, effects eliminated at any G, and derivatives there.

A new structure is a file with an `Elimination` and what it gives when it has solved, and a line in `structure.build`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.elimination.corner import Weights


class Eliminated(Protocol):
    """All random effects eliminated at one G; `corner.Corner` has what the criterion needs of it (theory.md, 4)."""

    @property
    def logdet(self) -> float:
        """log|V|."""

    @property
    def RXy(self) -> Array:
        """Upper triangular (p + 1, p + 1) with RXy'RXy = A = [X y]'V^-1 [X y]."""

    @property
    def inverse(self) -> Array:
        """RXy^-1."""

    @property
    def logdet_RX(self) -> float:
        """log|RX|^2 for the X of the rows."""

    @property
    def root_pwrss(self) -> float:
        """Square root of the penalized residual sum of squares."""

    def effects(self) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every factor, (c, l) (theory.md, 5)."""

    def curvature(self, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all; if not exact, AI where that is costly."""


class Elimination(Protocol):
    """The rows, reduced to what the elimination of the factors needs of them."""

    @property
    def within(self) -> Array:
        """A0 (p + 1, p + 1): what the rows give to A that no G changes."""

    @property
    def is_swept(self) -> bool:
        """Whether A0 is of rows that are orthogonal to every effect, and not to those of the first factor only."""

    @property
    def is_costly(self) -> bool:
        """Whether second derivatives take several times as long as first ones."""

    @property
    def is_sparse(self) -> bool:
        """Whether a sparse factor is used, of which second derivatives are differences."""

    def solve(self, G: Sequence[Array], roots: Sequence[Array] | None = None) -> Eliminated:
        """Eliminate the factors at the covariances G, one (c, c) each; with T (c, c) of G = T T' to more digits."""

    def ray(self, scales: Array) -> tuple[Array, Array]:
        """log|V| (m,) and the diagonals of RXy (m, p + 1) at m multiples G = scale I."""

    def describe(self, sizes: Sequence[str]) -> str:
        """What is eliminated how, in one line, given the name and the size of every factor."""


def ray_of(at: Callable[[float], Eliminated], scales: Array) -> tuple[Array, Array]:
    """`Elimination.ray`, multiple by multiple."""
    solved = [at(scale) for scale in scales]
    return np.array([each.logdet for each in solved]), np.array([each.RXy.diagonal() for each in solved])
