"""Columns X = W C' by columns W that are of one size and none of which the others nearly determine.

A column whose mean is 1e12 times its spread lies along the constant to twelve digits. What is left of it, x - a w, is
exact where the doubles are close to each other, and correct to its last digit where the product and the sum are taken
with twice the digits, so that W has all that the doubles of X carry (theory.md, 42). A column of which nothing is left
but the rounding of its own doubles, and of those that determine it, is redundant: W has none for it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from relmer.solver.algebra.doubled import less, product
from relmer.solver.arrays import Array, Integers

# What is left of a column beside those before it, relative to it, from which on cross products keep their digits.
APART = 1e-3
# Mean squares of columns that are taken as they are.
USUAL = (1e-60, 1e60)
# Units in the last place, of a column and of what determines it, that a redundant one may be off by, as root mean
# squares: a rounding is off by 1/sqrt(12) of a unit, so this allows for some fifty of them.
ULPS = 2.0
# Solutions for the coefficients, each of what the one before left.
PASSES = 4


@dataclass(frozen=True)
class Basis:
    """How columns X (n, c) are made of W (n, r): X = W C'.

    Attributes
    ----------
    kept
        (r,), increasing: the columns of X that those before them do not determine.
    C
        (c, r), exact: its rows `kept` are lower triangular with powers of two on the diagonal.
    plain
        Whether W is X itself.
    """

    kept: Integers
    C: Array
    plain: bool

    @property
    def dropped(self) -> Integers:
        """(c - r,), increasing: the columns that are redundant."""
        return np.setdiff1d(np.arange(len(self.C)), self.kept)

    def inwards(self, T: Array) -> Array:
        """C'T (r, m): what T (c, m) is on the columns W."""
        return T if self.plain else product(self.C.T, T)

    def outwards(self, root: Array) -> Array:
        """T (r, m) on the columns kept with C'T = root, for a root (r, m)."""
        return root if self.plain else solved_upper(self.C[self.kept].T, root)

    def coefficients(self, j: int) -> Array:
        """Of the columns kept (r,), that add up to column j."""
        return solved_upper(self.C[self.kept].T, self.C[j])


@lru_cache(maxsize=64)
def plain_basis(c: int) -> Basis:
    """The basis of c columns that are W themselves."""
    return Basis(kept=np.arange(c), C=np.eye(c), plain=True)


def taken_apart(X: Array, full: bool) -> tuple[Basis, Array]:
    """The basis of columns X (n, c), and W (n, r); if they are of full rank, none of them is redundant."""
    c = X.shape[1]
    C, W = np.zeros((c, c)), np.zeros((len(X), 0))
    kept: list[int] = []
    exponents = np.frexp(np.abs(X).max(axis=0))[1]
    scaled = np.ldexp(X, -exponents)
    for j, x in enumerate(scaled.T):
        r = len(kept)
        a, left = np.zeros(r), x
        for _ in range(PASSES if r else 0):
            a = a + np.linalg.solve(W.T @ W, W.T @ left)
            left = less(x, W, a)
        if np.linalg.norm(left) > APART * np.linalg.norm(x):
            a, left = np.zeros(r), x
        elif not full and is_rounding(left, units(x, scaled[:, kept], W, a, triangle(C, kept, exponents))):
            C[j, :r] = np.ldexp(a, exponents[j])
            continue
        size = np.frexp(np.sqrt((left**2).mean()))[1]
        C[j, : r + 1] = np.ldexp([*a, np.ldexp(1.0, size)], exponents[j])
        W = np.column_stack([W, np.ldexp(left, -size)])
        kept.append(j)
    return Basis(kept=np.array(kept, dtype=np.int64), C=C[:, : len(kept)], plain=False), W


def is_plain(X: Array) -> bool:
    """Whether the columns are of a usual size and none is nearly determined by those before it."""
    if X.shape[1] == 0:
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        mean = X.T @ X / len(X)
    squares = mean.diagonal()
    if not USUAL[0] < squares.min() <= squares.max() < USUAL[1]:
        return False
    scale = np.sqrt(squares)
    factor, status = lapack.dpotrf(mean / scale / scale[:, None], lower=1)
    return status == 0 and bool(factor.diagonal().min() > APART)


def triangle(C: Array, kept: list[int], exponents: Integers) -> Array:
    """How the columns kept, scaled, are made of W: lower triangular (r, r)."""
    return np.asarray(np.ldexp(C[kept, : len(kept)], -exponents[kept, None]))


def units(x: Array, others: Array, W: Array, a: Array, C: Array) -> Array:
    """Units in the last place (n,) of a column, of W a, and of the others = W C' that this is made of.

    A constant has no rounding of its own: it is what it is in every row.
    """
    total = np.spacing(np.abs(x))
    for columns, factors in ((W, a), (others, solved_upper(C.T, a))):
        for column, factor in zip(columns.T, factors, strict=True):
            if column.min() < column.max():
                total = total + np.spacing(np.abs(column)) * abs(factor)
    return total


def is_rounding(left: Array, units: Array) -> bool:
    """Whether what is left of a column is no more, on the whole, than some units in the last place."""
    return bool(np.linalg.norm(left) <= ULPS * np.linalg.norm(units))


def solved_upper(R: Array, right: Array) -> Array:
    """R^-1 times (r, m) or (r,) for an upper triangular R, which may be empty."""
    return np.asarray(lapack.dtrtrs(R, right)[0]) if len(R) else right
