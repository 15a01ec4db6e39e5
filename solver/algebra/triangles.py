"""Triangular matrices: where their entries stand, and what follows from a triangular factor."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.arrays import Array


@lru_cache(maxsize=64)
def lower_triangle(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a lower triangle, column by column; read-only.

    Examples
    --------
    >>> lower_triangle(2)
    (array([0, 1, 1]), array([0, 0, 1]))
    """
    columns, rows = np.triu_indices(size)
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns


def triangular_solve(T: Array, rows: Array, lower: bool = False, trans: bool = False) -> Array:
    """T^-1 rows, or T'^-1 rows, for a triangular T (n, n): LAPACK's trtrs, without checks of shape and of every entry.

    `scipy.linalg.solve_triangular` makes the same call and gives the same bits; its checks take twenty times as long
    where n is ten.

    Raises
    ------
    LinAlgError
        T is singular.

    Examples
    --------
    >>> triangular_solve(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]), lower=True)
    array([1., 2.])
    """
    if not len(T):
        return np.zeros(rows.shape)
    found, info = lapack.dtrtrs(T, rows, lower=int(lower), trans=int(trans))
    if info:
        raise np.linalg.LinAlgError(f"a triangular matrix is singular: entry {info} of its diagonal is 0")
    return np.asarray(found)


def logdet_triangle(R: Array) -> float:
    """Log of the squared determinant of a triangular matrix."""
    return float(2 * np.log(np.abs(np.diagonal(R))).sum())


def inverse_of_cross_product(R: Array, scale: float = 1.0) -> Array:
    """scale (R'R)^-1 for an upper triangular R (p, p), symmetric to the bit."""
    inverse = linalg.solve_triangular(R, np.eye(len(R)))
    product = scale * inverse @ inverse.T
    return np.asarray((product + product.T) / 2)


def units_of_rows(M: Array) -> Array:
    """A power of two near the largest entry of every row (r,), 1 for zeros: to divide by before squares are taken.

    Examples
    --------
    >>> units_of_rows(np.array([[3e200, 0.0], [0.0, 0.0]])) > 1e200
    array([ True, False])
    """
    return np.asarray(np.ldexp(1.0, np.frexp(np.abs(M).max(axis=1, initial=0.0))[1]), dtype=float)
