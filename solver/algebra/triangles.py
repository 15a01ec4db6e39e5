"""Triangular matrices: where their entries stand, and what follows from a triangular factor."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

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
    return np.asarray(np.ldexp(1.0, np.frexp(np.abs(M).max(axis=1, initial=0.0))[1]))
