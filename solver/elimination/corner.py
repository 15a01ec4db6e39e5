"""What is left when every random effect is eliminated: C = [X y]'V^-1 [X y], and what the criterion makes of it.

C = RC'RC holds RX, beta and pwrss: RC = [RX RX beta; 0 sqrt(pwrss)]. For first derivatives C_k, whitened by RC,

    log|RX|^2 and log pwrss change by tr(C_k) over X, and by C_k[y, y],

so that the criterion weighs the columns by w = (1 for REML else 0, ..., N) and loses in its second derivative the
products of C_k[r, s] C_l[r, s] with w_rs: for r, s of X the same as w_r, and N where one of them is y.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError

NO_RESIDUAL = "the model fits the response without residual; there is no variance to estimate"


@dataclass(frozen=True)
class Weights:
    """w (p + 1,) of the columns [X y], and of their pairs (p + 1, p + 1)."""

    columns: Array
    pairs: Array


@lru_cache(maxsize=64)
def weights(p: int, n: int, REML: bool) -> Weights:
    """Weights of the columns in the derivatives of the criterion."""
    return weighing(p, float(REML), float(n - p if REML else n))


@lru_cache(maxsize=64)
def expected(p: int, swept: bool = True) -> Weights:
    """The weights that leave tr(P E) of first derivatives and -tr(P E P F) of second ones; if not swept, V^-1 for P."""
    return weighing(p, float(swept), 0.0)


def weighing(p: int, X: float, y: float) -> Weights:
    """One weight for the columns of X and their pairs, another for y and all its pairs."""
    columns, pairs = np.full(p + 1, X), np.full((p + 1, p + 1), X)
    columns[p] = pairs[p] = pairs[:, p] = y
    return Weights(columns, pairs)


@dataclass(frozen=True)
class Corner:
    """log|V|, and the upper triangular RC (p + 1, p + 1) of C = RC'RC with its inverse."""

    logdet: float
    RC: Array
    inverse: Array

    @property
    def logdet_RX(self) -> float:
        """log|RX|^2 for the X of the rows."""
        return 2.0 * float(np.log(self.RC.diagonal()[:-1]).sum())

    @property
    def root_pwrss(self) -> float:
        """Square root of the penalized residual sum of squares."""
        return float(self.RC[-1, -1])


def solved(C: Array) -> tuple[Array, Array]:
    """RC and its inverse.

    Raises
    ------
    ModelError
        C is not positive definite: no residual is left, or V is not finite.
    """
    RC, status = lapack.dpotrf(C)
    if status:
        raise ModelError(NO_RESIDUAL)
    return RC, lapack.dtrtri(RC)[0]


def diagonals(C: Array) -> Array:
    """The diagonals of RC (k, p + 1) for C (k, p + 1, p + 1).

    Raises
    ------
    ModelError
        As `solved` does.
    """
    try:
        return np.diagonal(np.linalg.cholesky(C), axis1=1, axis2=2)
    except np.linalg.LinAlgError:
        raise ModelError(NO_RESIDUAL) from None


def whiten(at: Corner, N: Array) -> Array:
    """Columns (m, c, l), the last of which are [X y], with these multiplied by RC^-1."""
    count = len(at.RC)
    Xy = at.inverse.T @ N[len(N) - count :].reshape(count, -1)
    if count == len(N):
        return Xy.reshape(N.shape)
    return np.concatenate([N[: len(N) - count], Xy.reshape(count, *N.shape[1:])])


def own_second(H: Array, Y: Array) -> Array:
    """Sum over the levels of -tr(H E H F) + 2 tr(E H F Y) as a matrix (c c, c c) for E and F flat."""
    c, _, levels = H.shape
    flat = H.reshape(c * c, levels) @ (2 * Y - H).reshape(c * c, levels).T
    if c == 1:
        return np.asarray(flat)
    return np.asarray(flat.reshape(c, c, c, c).transpose(3, 0, 1, 2).reshape(c * c, c * c))


def squares(full: Array) -> Array:
    """Sums over the levels of h_a,r h_b,s: (c c, (p + 1)(p + 1)) of h (c, p + 1, l)."""
    c, count, levels = full.shape
    flat = full.reshape(c * count, levels)
    gram = (flat @ flat.T).reshape(c, count, c, count)
    return gram.transpose(0, 2, 1, 3).reshape(c * c, count * count)
