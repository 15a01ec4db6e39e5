"""What every path returns at one theta."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.solver.design import Array


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
    """

    logdet_L: float
    logdet_RX: float
    pwrss: float
    beta: Array
    u: Array


def logdet_triangle(R: Array) -> float:
    """Log of the squared determinant of a triangular matrix."""
    return float(2 * np.log(np.abs(np.diagonal(R))).sum())


def least_squares(X: Array, y: Array) -> tuple[Array, Array]:
    """beta, and the triangular factor R of X, by Householder QR."""
    p = X.shape[1]
    R: Array = np.asarray(linalg.qr(np.column_stack([X, y]), mode="r", check_finite=False)[0], dtype=float)
    return linalg.solve_triangular(R[:p, :p], R[:p, p], check_finite=False), R[:p, :p]


def sweep(X: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Sweep y by X: orthonormal Q (n, p), R (p, p) of positive diagonal with X = Q R, coefficients, residual (n,).

    The residual is swept once more, which leaves of a mean of any size no more than the rounding of y itself.
    """
    Q, R = (np.asarray(part, dtype=float) for part in linalg.qr(X, mode="economic"))
    sign = np.where(np.diagonal(R) < 0, -1.0, 1.0)
    Q, R = Q * sign, R * sign[:, None]
    beta = linalg.solve_triangular(R, Q.T @ y)
    residual = y - X @ beta
    correction = linalg.solve_triangular(R, Q.T @ residual)
    return Q, R, beta + correction, residual - X @ correction
