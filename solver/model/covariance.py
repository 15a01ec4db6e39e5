"""What a structure of the covariance of one level's effects is, and the one that has none (theory.md, 44 to 46).

    par -> G = diag(s) R(rho) diag(s) -> T with T T' = G -> theta, the entries of T that may differ

`us` is the structure without any: par, theta and the lower triangle of T are the same. The others are those of
lme4 2.x: `diag`, `cs`, `ar1` have standard deviations s, all equal if `hom`, and but for `diag` one correlation rho.
G is a polynomial of par, so derivatives need no T, and hold where G is singular.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from relmer.solver.algebra import lower_triangle, root_by_columns
from relmer.solver.arrays import Array


@dataclass(frozen=True)
class Pattern:
    """Where theta stands in T (c, c): T[rows, columns] = theta[entry]; all else is zero."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    entry: NDArray[np.int64]

    @cached_property
    def size(self) -> int:
        """How many entries theta has."""
        return int(self.entry.max(initial=-1)) + 1


class Covariance(Protocol):
    """A structure of G (c, c); `width` is c."""

    name: ClassVar[str]

    @property
    def hom(self) -> bool:
        """Whether all standard deviations are the same."""

    def pattern(self, width: int) -> Pattern:
        """Where theta stands in T."""

    def theta(self, par: Array, width: int) -> Array:
        """theta (m,), by the closed form of the Cholesky factor of G."""

    def par(self, theta: Array, width: int) -> Array:
        """par (k,), given theta of this structure; a correlation that theta does not show is 0."""

    def nearest(self, T: Array) -> Array:
        """par (k,), given a T (c, c) that has this structure but for rounding."""

    def G(self, par: Array, width: int) -> Array:
        """G (c, c) as it is defined."""

    def changes(self, par: Array, width: int) -> Array:
        """dG/dpar (k, c, c)."""

    def bend(self, par: Array, dual: Array) -> Array:
        """tr(dual d2G/dpar2) (k, k) for a symmetric dual (c, c)."""

    def bounds(self, width: int) -> tuple[Array, Array]:
        """Least and largest par (k,), those of lme4 2.x."""

    def par_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """lme4's names of par."""

    def theta_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """lme4's names of theta."""


def root(structure: Covariance, par: Array, width: int, defined: bool = False) -> Array:
    """Lower triangular root (c, c) of G, by theta or, if `defined`, by Cholesky's steps from G as it is defined."""
    if defined:
        return root_by_columns(structure.G(par, width))
    return factor(structure.pattern(width), structure.theta(par, width), width)


def moves(structure: Covariance, par: Array, width: int) -> Array:
    """The changes (k, c, c) of G by par; by the square of a standard deviation that is zero and moves G by that alone.

    Examples
    --------
    >>> from relmer.solver.model.structures import Diagonal
    >>> moves(Diagonal(), np.array([0.0, 3.0]), 2).tolist()
    [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 6.0]]]
    """
    found, unbounded = structure.changes(par, width), np.isinf(structure.bounds(width)[1])
    for a in np.flatnonzero(unbounded & ~found.any(axis=(1, 2))):
        found[a] = structure.G(np.where(np.arange(len(par)) == a, 1.0, np.where(unbounded, 0.0, par)), width)
    return found


def factor(pattern: Pattern, theta: Array, width: int) -> Array:
    """T (c, c), lower triangular, of theta (m,)."""
    T = np.zeros((width, width))
    T[pattern.rows, pattern.columns] = theta[pattern.entry]
    return T


@lru_cache(maxsize=64)
def whole_triangle(width: int) -> Pattern:
    """The pattern of a T whose entries are all free."""
    rows, columns = lower_triangle(width)
    return Pattern(rows, columns, np.arange(len(rows)))


def triangle_names(group: str, columns: Sequence[str]) -> list[str]:
    """group.column on the diagonal, group.row.column below it."""
    places = zip(*lower_triangle(len(columns)), strict=True)
    return [f"{group}.{columns[i]}" if i == j else f"{group}.{columns[i]}.{columns[j]}" for i, j in places]


@dataclass(frozen=True)
class Unstructured:
    """`us`: any G; par is theta, the lower triangle of T column by column.

    Examples
    --------
    >>> Unstructured().G(np.array([1.0, 2.0, 3.0]), 2)
    array([[ 1.,  2.],
           [ 2., 13.]])
    """

    name: ClassVar[str] = "us"
    hom: ClassVar[bool] = False

    def pattern(self, width: int) -> Pattern:
        """The whole lower triangle."""
        return whole_triangle(width)

    def theta(self, par: Array, width: int) -> Array:
        """par."""
        return par

    def par(self, theta: Array, width: int) -> Array:
        """theta."""
        return theta

    def nearest(self, T: Array) -> Array:
        """Its lower triangle."""
        return np.asarray(T[lower_triangle(len(T))])

    def G(self, par: Array, width: int) -> Array:
        """T T'."""
        T = factor(whole_triangle(width), par, width)
        return np.asarray(T @ T.T)

    def changes(self, par: Array, width: int) -> Array:
        """dT T' + T dT' for a unit of each entry."""
        T, (rows, columns) = factor(whole_triangle(width), par, width), lower_triangle(width)
        half = np.zeros((len(rows), width, width))
        half[np.arange(len(rows)), rows] = T[:, columns].T
        return half + half.transpose(0, 2, 1)

    def bend(self, par: Array, dual: Array) -> Array:
        """2 tr(dual T_a T_o'), which is not zero for entries of the same column (theory.md, 35)."""
        rows, columns = lower_triangle(len(dual))
        return np.asarray(2.0 * dual[rows[:, None], rows] * (columns[:, None] == columns))

    def bounds(self, width: int) -> tuple[Array, Array]:
        """A diagonal of T is not negative."""
        diagonal = np.equal(*lower_triangle(width))
        return np.where(diagonal, 0.0, -np.inf), np.full(len(diagonal), np.inf)

    def par_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """As those of theta."""
        return triangle_names(group, columns)

    def theta_names(self, group: str, columns: Sequence[str]) -> list[str]:
        """group.column on the diagonal, group.row.column below it."""
        return triangle_names(group, columns)


UNSTRUCTURED = Unstructured()
