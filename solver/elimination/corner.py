"""What is left when every random effect is eliminated: A = [X y]'V^-1 [X y], and what the criterion makes of it.

A = RXy'RXy holds RX, beta and pwrss: RXy = [RX RX beta; 0 sqrt(pwrss)] (theory.md, 4). Along a change E of G, A
whitened by RXy changes by -h'E h (theory.md, 24), so that

    log|RX|^2 and log pwrss change by the sum of -h_x'E h_x over the columns of X, and by -h_y'E h_y.

So the criterion weighs the columns by w = (1 for REML else 0, ..., d), and loses in its second derivative the products
of h_x'E h_z and h_x'F h_z with weights w_xz: those of X for x and z of X, and d where one of them is y (theory.md, 25
and 26).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from relmer.solver.arrays import Array
from relmer.solver.errors import Unbounded

NO_RESIDUAL = "the model fits the response without residual; there is no variance to estimate"


@dataclass(frozen=True)
class Weights:
    """w_x (p + 1,) of the columns of [X y], and w_xz of their pairs (p + 1, p + 1)."""

    columns: Array
    pairs: Array


@lru_cache(maxsize=64)
def weights(p: int, n: int, REML: bool) -> Weights:
    """Weights of the columns in the derivatives of the criterion; d is n - p for REML, else n."""
    return weighing(p, float(REML), float(n - p if REML else n))


@lru_cache(maxsize=64)
def expected(p: int, swept: bool = True) -> Weights:
    """The weights that leave tr(H_X E) of first derivatives and -tr(H_X E H_X F) of second ones; if not swept, of H."""
    return weighing(p, float(swept), 0.0)


def weighing(p: int, of_X: float, of_y: float) -> Weights:
    """One weight for the columns of X and their pairs, another for y and all its pairs."""
    columns, pairs = np.full(p + 1, of_X), np.full((p + 1, p + 1), of_X)
    columns[p] = pairs[p] = pairs[:, p] = of_y
    return Weights(columns, pairs)


@dataclass(frozen=True)
class Corner:
    """log|V|, and the upper triangular RXy (p + 1, p + 1) of A = RXy'RXy with its inverse."""

    logdet: float
    RXy: Array
    inverse: Array

    @property
    def logdet_RX(self) -> float:
        """log|RX|^2 for the X of the rows."""
        return 2.0 * float(np.log(self.RXy.diagonal()[:-1]).sum())

    @property
    def root_pwrss(self) -> float:
        """Square root of the penalized residual sum of squares."""
        return float(self.RXy[-1, -1])


def solved(A: Array) -> tuple[Array, Array]:
    """RXy and its inverse.

    Raises
    ------
    Unbounded
        A is not positive definite: no residual is left, or V is not finite.
    """
    RXy, status = lapack.dpotrf(A)
    if status:
        raise Unbounded(NO_RESIDUAL)
    return RXy, lapack.dtrtri(RXy)[0]


def diagonals(A: Array) -> Array:
    """The diagonals of RXy (m, p + 1) for A (m, p + 1, p + 1).

    Raises
    ------
    Unbounded
        As `solved` does.
    """
    try:
        return np.diagonal(np.linalg.cholesky(A), axis1=1, axis2=2)
    except np.linalg.LinAlgError:
        raise Unbounded(NO_RESIDUAL) from None


def whiten(at: Corner, N: Array) -> Array:
    """Columns (m, c, l), the last of which are [X y], with these multiplied by RXy^-1."""
    count = len(at.RXy)
    Xy = at.inverse.T @ N[len(N) - count :].reshape(count, -1)
    if count == len(N):
        return Xy.reshape(N.shape)
    return np.concatenate([N[: len(N) - count], Xy.reshape(count, *N.shape[1:])])


def own_second(H: Array, Phi: Array) -> Array:
    """Sum over the levels of -tr(H E H F) + 2 tr(E H F Phi) (theory.md, 30), as (c c, c c) for E and F flat."""
    c, _, levels = H.shape
    flat = H.reshape(c * c, levels) @ (2 * Phi - H).reshape(c * c, levels).T
    if c == 1:
        return np.asarray(flat)
    return np.asarray(flat.reshape(c, c, c, c).transpose(3, 0, 1, 2).reshape(c * c, c * c))


def squares(h: Array) -> Array:
    """Sums over the levels of h_x'E h_z, for E and the pairs x, z flat (c c, (p + 1)(p + 1)), of h (c, p + 1, l)."""
    c, count, levels = h.shape
    flat = h.reshape(c * count, levels)
    gram = (flat @ flat.T).reshape(c, count, c, count)
    return gram.transpose(0, 2, 1, 3).reshape(c * c, count * count)
