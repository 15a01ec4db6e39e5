"""What every path returns at one theta."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.design import Array, lower_triangle

# Columns that LAPACK's blocked QR takes at a time.
BLOCK = 32


@dataclass(frozen=True)
class Profile:
    """The penalized least squares problem solved at one theta.

    Attributes
    ----------
    logdet_L
        log|L|^2 = log|Lambda'Z'ZLambda + I| = log|V| in units of sigma^2.
    logdet_RX
        log|RX|^2 = log|X'V^-1 X|.
    pwrss
        Penalized weighted residual sum of squares, |y - X beta - Z Lambda u|^2 + |u|^2.
    beta
        Fixed effects (p,).
    u
        Spherical random effects (q,).
    RX
        Upper triangular (p, p) with a positive diagonal, RX'RX = X'V^-1 X.
    """

    logdet_L: float
    logdet_RX: float
    pwrss: float
    beta: Array
    u: Array
    RX: Array


def logdet_triangle(R: Array) -> float:
    """Log of the squared determinant of a triangular matrix."""
    return float(2 * np.log(np.abs(np.diagonal(R))).sum())


def least_squares(X: Array, y: Array) -> tuple[Array, Array]:
    """beta, and the triangular factor R of X with a positive diagonal, by Householder QR."""
    p = X.shape[1]
    R: Array = np.asarray(linalg.qr(np.column_stack([X, y]), mode="r", check_finite=False)[0], dtype=float)
    R = R[:p] * np.where(np.diagonal(R)[:p] < 0, -1.0, 1.0)[:, None]
    return linalg.solve_triangular(R[:p, :p], R[:p, p], check_finite=False), R[:p, :p]


def sweep(X: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Sweep y by X: orthonormal Q (n, p), R (p, p) of positive diagonal with X = Q R, coefficients, residual (n,).

    The residual is swept once more, which leaves of a mean of any size no more than the rounding of y itself.
    """
    p = X.shape[1]
    if p == 0:
        return X, np.zeros((0, 0)), np.zeros(0), y
    work = BLOCK * p
    reflectors, tau, _, _ = lapack.dgeqrf(X, lwork=work)
    R = np.zeros((p, p))
    columns, rows = lower_triangle(p)
    R[rows, columns] = reflectors[rows, columns]
    Q = lapack.dorgqr(reflectors, tau, lwork=work, overwrite_a=1)[0]
    sign = np.where(R.diagonal() < 0, -1.0, 1.0)
    Q *= sign
    R *= sign[:, None]
    beta = lapack.dtrtrs(R, Q.T @ y)[0]
    residual = y - X @ beta
    correction = lapack.dtrtrs(R, Q.T @ residual)[0]
    return Q, R, beta + correction, residual - X @ correction
