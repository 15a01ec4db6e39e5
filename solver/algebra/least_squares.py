"""Least squares: ordinary, swept (theory.md, 12), and generalized by the Cholesky factor V^1/2 (theory.md, 9)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import spsolve_triangular

from relmer.solver.algebra.cholesky import factorize
from relmer.solver.algebra.rank import full_rank_columns
from relmer.solver.algebra.triangles import lower_triangle, triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError

# A V that was summed in another order on each side of its diagonal differs there by rounding, never by this.
SYMMETRY = 1e-8
# Columns that LAPACK's blocked QR takes at a time.
BLOCK = 32


def generalized_least_squares(X: Array, V: Any, y: Array) -> tuple[Array, Array]:
    """beta (p,) and the upper triangular RX (p, p) with RX'RX = X'V^-1 X.

    Raises
    ------
    ModelError
        As `getFE`.
    """
    y = y.ravel()
    if X.ndim != 2 or len(X) != len(y):
        raise ModelError(f"X has shape {X.shape} and y {len(y)} rows; give X one row per element of y")
    white = whitened(V, np.column_stack([X, y]))
    if len(full_rank_columns(white[:, :-1])) < X.shape[1]:
        raise ModelError("X has columns that others determine; leave them out")
    return least_squares(white[:, :-1], white[:, -1])


def whitened(V: Any, rows: Array) -> Array:
    """V^-1/2 times rows (n, m), for V (n, n); a sparse V is factored, and the rows come, in a fill-reducing order.

    Raises
    ------
    ModelError
        If V has another shape, is not symmetric positive definite, or a number is not finite.
    """
    n = len(rows)
    is_sparse = sparse.issparse(V)
    matrix: Any = sparse.csc_array(V) if is_sparse else np.asarray(V, dtype=float)
    if matrix.shape != (n, n):
        raise ModelError(f"V has shape {matrix.shape} for {n} rows; it must be {n} x {n}")
    if not (np.isfinite(abs(matrix).max()) and np.all(np.isfinite(rows))):
        raise ModelError("X, V and y must be finite numbers; leave out rows that miss a value")
    if abs(matrix - matrix.T).max() > SYMMETRY * abs(matrix).max():
        raise ModelError("V is not symmetric; a covariance matrix equals its transpose")
    return sparse_whitened(matrix, rows) if is_sparse else dense_whitened(matrix, rows)


def dense_whitened(V: Array, rows: Array) -> Array:
    """`whitened` by a dense Cholesky factor."""
    try:
        half = linalg.cholesky(V, lower=True)
    except linalg.LinAlgError as error:
        raise ModelError("V is not positive definite; add the residual variance R to Z G Z'") from error
    return np.asarray(linalg.solve_triangular(half, rows, lower=True))


def sparse_whitened(V: sparse.csc_array, rows: Array) -> Array:
    """`whitened` by a sparse Cholesky factor."""
    try:
        order = np.argsort(factorize(V, "MMD_AT_PLUS_A").perm_c)
        lu = factorize(sparse.csc_array(V[order][:, order]), "NATURAL")
        pivots = lu.U.diagonal()
    except RuntimeError:
        pivots = np.zeros(1)
    if not np.all(pivots > 0):
        raise ModelError("V is not positive definite; add the residual variance R to Z G Z'")
    half = sparse.csr_array(lu.L @ sparse.diags_array(np.sqrt(pivots)))
    return np.asarray(spsolve_triangular(half, rows[order], lower=True))


def least_squares(X: Array, y: Array) -> tuple[Array, Array]:
    """beta, and the triangular factor R of X with a positive diagonal, by Householder QR."""
    p = X.shape[1]
    R: Array = np.asarray(linalg.qr(np.column_stack([X, y]), mode="r", check_finite=False)[0], dtype=float)
    R = R[:p] * np.where(np.diagonal(R)[:p] < 0, -1.0, 1.0)[:, None]
    return triangular_solve(R[:p, :p], R[:p, p]), R[:p, :p]


@dataclass(frozen=True)
class Swept:
    """y swept by X = Q R: Q (n, p), R (p, p) of positive diagonal, beta (p,), residual (n,).

    Of the rows of a model these are Q, RX0, beta0 and y0 (theory.md, 12).
    """

    Q: Array
    R: Array
    beta: Array
    residual: Array


def sweep(X: Array, y: Array, graded: bool = False) -> Swept:
    """Sweep y (n,) by X (n, p).

    The residual is swept once more, which leaves of a mean of any size no more than the rounding of y itself. Of graded
    rows, of very different weights, Q is X R^-1 row by row, so that the small ones keep their digits beside the large;
    what Q lacks of being orthonormal, RX has (theory.md, 12).
    """
    p = X.shape[1]
    if p == 0:
        return Swept(Q=X, R=np.zeros((0, 0)), beta=np.zeros(0), residual=y)
    work = BLOCK * p
    reflectors, tau, _, _ = lapack.dgeqrf(X, lwork=work)
    R = np.zeros((p, p))
    columns, rows = lower_triangle(p)
    R[rows, columns] = reflectors[rows, columns]
    Q = lapack.dorgqr(reflectors, tau, lwork=work, overwrite_a=1)[0]
    sign = np.where(R.diagonal() < 0, -1.0, 1.0)
    Q *= sign
    R *= sign[:, None]
    if graded:
        Q = np.asfortranarray(linalg.solve_triangular(R, X.T, trans="T").T)
    beta = lapack.dtrtrs(R, Q.T @ y)[0]
    residual = y - X @ beta
    correction = lapack.dtrtrs(R, Q.T @ residual)[0]
    return Swept(Q=Q, R=R, beta=beta + correction, residual=residual - X @ correction)
