"""Which columns R keeps of a rank-deficient matrix."""

import numpy as np
from scipy.linalg import blas, lapack

from relmer.solver.arrays import Array, Integers

# Squared norms whose products neither overflow nor lose digits to underflow.
SAFE_SQUARES = (1e-150, 1e150)
EPS = float(np.finfo(float).eps)


def full_rank_columns(X: Array, tol: float = 1e-7) -> Integers:
    """Choose the columns that R's ``qr(X, tol, LAPACK = FALSE)`` keeps.

    LINPACK's ``dqrdc2`` takes the columns from left to right and moves one to the end when what is left of
    it after the reflections so far has a norm below `tol` times its original norm.

    Parameters
    ----------
    X : (n, p) float64 array
        The columns; it is not changed.
    tol : float
        The relative norm below which a column counts as dependent.

    Returns
    -------
    (rank,) int64 array
        Increasing indices of the columns kept.

    Examples
    --------
    >>> full_rank_columns(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0]]))
    array([0, 2])
    """
    if _well_conditioned(X, tol):
        return np.arange(X.shape[1])
    largest = np.abs(X).max(axis=0)
    # The triangular factor has the columns' norms and angles: what is left of a column is the same.
    A = np.asfortranarray(np.linalg.qr(X / np.where(largest == 0, 1.0, largest), mode="r"))
    n, p = A.shape
    norms = np.linalg.norm(A, axis=0)
    original = np.where(norms == 0, 1.0, norms)
    kept: list[int] = []
    for j in range(p):
        l = len(kept)
        if l == n or norms[j] < original[j] * tol:
            continue
        kept.append(j)
        length = np.linalg.norm(A[l:, j])
        if l + 1 == n or length == 0:
            continue
        _reflect(A, norms, l, j, float(length))
    return np.array(kept, dtype=np.int64)


def _well_conditioned(X: Array, tol: float) -> bool:
    """Whether the cross products alone show that every column is kept.

    With the columns scaled to norm 1, what is left of any column has a squared norm of at least the smallest
    eigenvalue of X'X. Each entry of X'X, a sum of n products, is off by less than (n + 3) eps after the scaling
    (Higham 2002, equation 3.5), so the eigenvalue is by less than p (n + 3) eps (Weyl). It is above a bound where X'X
    less the bound has a Cholesky factor, which is that of a matrix within p (p + 1) eps (theorem 10.3).
    """
    n, p = X.shape
    if p == 0:
        return True
    products = blas.dsyrk(1.0, X, trans=1)
    squares = products.diagonal()
    if not SAFE_SQUARES[0] < squares.min() <= squares.max() < SAFE_SQUARES[1]:
        return False
    scale = np.sqrt(squares)
    correlations = products / scale / scale[:, None]
    correlations.flat[:: p + 1] -= tol**2 + p * (n + p + 4) * EPS
    return bool(lapack.dpotrf(correlations)[1] == 0)


def _reflect(A: Array, norms: Array, l: int, j: int, length: float) -> None:
    """Apply column j's Householder reflection from row l on to the columns after it; update their norms."""
    v = A[l:, j] / np.copysign(length, A[l, j])
    v[0] += 1
    later = A[l:, j + 1 :]
    later -= np.outer(v, v @ later / v[0])
    left = norms[j + 1 :]
    share = np.divide(np.abs(later[0]), left, out=np.zeros_like(left), where=left != 0)
    shrunk = np.maximum(1 - share**2, 0)
    recomputed = np.linalg.norm(later[1:], axis=0)
    norms[j + 1 :] = np.where(left == 0, left, np.where(shrunk < 1e-6, recomputed, left * np.sqrt(shrunk)))
