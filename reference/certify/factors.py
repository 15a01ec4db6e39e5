"""Covariances by their factors, G = R R': derivatives in R, and the chart of a rank.

With M = sum over v of f_v D_v, D_v = e_a e_b' + e_b e_a' for v = (a, b), which is twice df/dG,

    dG_v / dR_ik = (D_v R)_ik,   f_R = M R,   f_RR = J' f_GG J + I (x) M.

A square R has no false minima. If R u = 0, moving R along v u' moves G by v v' |u|^2 in second order only, and the
curvature there is v'M v: where that is negative, R is a saddle and the search goes on. The lower triangular R of lme4's
theta has lost these directions where its diagonal is zero.

A G of rank r has one R that is lower trapezoidal in chosen rows, the pivots, with a positive diagonal: a chart of the
face of matrices of rank r, without boundary and without redundancy.
"""

from collections.abc import Sequence

import numpy as np

from relmer.reference.certify.criterion import Point, directions, transposed
from relmer.reference.certify.data import Array


def in_factors(point: Point, factors: Sequence[Array]) -> tuple[Array, Array]:
    """Gradient (..., m) and Hessian (..., m, m) by the entries of the factors, term after term, column by column.

    Parameters
    ----------
    point
        The criterion at G_j = R_j R_j'.
    factors
        R_j (..., c, r).
    """
    lead, dtype = point.gradient.shape[:-1], point.gradient.dtype
    m = sum(R.shape[-2] * R.shape[-1] for R in factors)
    J = np.zeros((*lead, point.gradient.shape[-1], m), dtype=dtype)
    curvature = np.zeros((*lead, m, m), dtype=dtype)
    row = column = 0
    for R in factors:
        c, r = R.shape[-2:]
        D = directions(c)
        rows, columns = slice(row, row + len(D)), slice(column, column + c * r)
        J[..., rows, columns] = transposed(D @ R[..., None, :, :]).reshape(*lead, len(D), -1)
        M = np.sum(point.gradient[..., rows, None, None] * D, axis=-3)
        for first in range(column, column + c * r, c):
            curvature[..., first : first + c, first : first + c] = M
        row, column = rows.stop, columns.stop
    return (point.gradient[..., None, :] @ J)[..., 0, :], transposed(J) @ point.hessian @ J + curvature


def duals(point: Point, factors: Sequence[Array]) -> list[float | None]:
    """Smallest eigenvalue of N'(df/dG)N for each term, N an orthonormal basis of G's null space; None if that is 0.

    Of one point in doubles.
    """
    found: list[float | None] = []
    row = 0
    for R in factors:
        c, r = R.shape
        D = directions(c)
        S = np.sum(point.gradient[row : row + len(D), None, None] * D, axis=0) / 2
        N = np.linalg.svd(R)[0][:, r:]
        found.append(None if r == c else float(np.linalg.eigvalsh(N.T @ S @ N)[0]))
        row += len(D)
    return found


def trapezoidal(G: Array, rank: int) -> tuple[list[int], Array]:
    """Factor G = R R', R (c, rank) lower trapezoidal in the rows that are given.

    A pivot is the row with the largest diagonal of what is left; of full rank the rows as they are.

    Examples
    --------
    >>> trapezoidal(np.array([[1.0, 2.0], [2.0, 4.0]]), 1)
    ([1], array([[1.],
           [2.]]))
    """
    left, R = G.copy(), np.zeros((len(G), rank), dtype=G.dtype)
    pivots: list[int] = []
    for k in range(rank):
        pivots.append(k if rank == len(G) else int(np.argmax(np.diag(left))))
        R[:, k] = left[:, pivots[k]] / np.sqrt(left[pivots[k], pivots[k]])
        R[pivots[:k], k] = 0
        left = left - np.outer(R[:, k], R[:, k])
        left[pivots] = left[:, pivots] = 0
    return pivots, R


def free_entries(pivots: Sequence[int], c: int) -> Array:
    """Which entries of a lower trapezoidal R (c, r) are free, column by column: one boolean for each."""
    free = np.ones((c, len(pivots)), dtype=bool)
    for k, row in enumerate(pivots):
        free[row, k + 1 :] = False
    return free.T.ravel()
