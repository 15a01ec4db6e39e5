"""The marginal covariance V of a fit, the manual way and the automatic way, and the fixed effects that follow from it.

y ~ N(X beta, V) with V = Z Gm Z' + R. Gm repeats the small covariance matrix G_j of each term once per level; R is
sigma^2 W^-1. Given V, beta is the generalized least squares estimate.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.sparse.linalg import spsolve_triangular

from relmer.solver.design import Array, factors, group_names
from relmer.solver.errors import ModelError
from relmer.solver.fit import Fit
from relmer.solver.matrix import full_rank_columns
from relmer.solver.pls import factorize
from relmer.solver.profile import least_squares

# A V that was summed in another order on each side of its diagonal differs there by rounding, never by this.
SYMMETRY = 1e-8


def getV(fit: Fit) -> sparse.csc_array:
    """Marginal covariance of the response, sigma^2 (Z Lambda Lambda' Z' + W^-1), for any random-effects terms.

    Parameters
    ----------
    fit : Fit
        Of n rows.

    Returns
    -------
    (n, n) sparse array
        In the order of the rows that the fit used, `fit.frame.rows`.

    Notes
    -----
    Document 000, section 2. Lambda Lambda' is crossprod(Lambdat).

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> getFE(fit.X, getV(fit), fit.design.y).round(5).tolist()
    [251.4051, 10.46729]
    """
    return fit.V


def getFE(X: pd.DataFrame | ArrayLike, V: Any, y: "pd.Series[float] | ArrayLike") -> "pd.Series[float]":
    """Fixed effects by generalized least squares, (X'V^-1 X)^-1 X'V^-1 y.

    Parameters
    ----------
    X : (n, p) DataFrame or array-like
        Of full column rank.
    V : (n, n) sparse array, DataFrame or array-like
        Symmetric and positive definite. Any multiple of it gives the same fixed effects.
    y : (n,) array-like
        The response, its rows in the order of X and V (indices are not aligned).

    Returns
    -------
    (p,) Series
        Named by the columns of X.

    Raises
    ------
    ModelError
        If the shapes do not fit together, V is not symmetric positive definite, or X is rank deficient.

    Notes
    -----
    Document 000, section 1. No inverse is formed: the rows are whitened by the Cholesky factor of V, then fitted by
    least squares.

    Examples
    --------
    >>> getFE([[1, 0], [1, 1], [1, 2]], [[2, 1, 0], [1, 2, 0], [0, 0, 1]], [1.0, 3.0, 4.0]).round(12).tolist()
    [1.0, 1.571428571429]
    """
    names = list(X.columns) if isinstance(X, pd.DataFrame) else list(range(np.shape(X)[-1]))
    beta, _ = generalized_least_squares(np.asarray(X, dtype=float), V, np.asarray(y, dtype=float))
    return pd.Series(beta, index=names)


def generalized_least_squares(X: Array, V: Any, y: Array) -> tuple[Array, Array]:
    """Give beta (p,) and the upper triangular RX (p, p) with RX'RX = X'V^-1 X.

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
    """C^-1 times rows (n, k), where C is a square root of V (n, n): C C' = V.

    For a sparse V, C = P'L with the fill-reducing permutation P of its rows.

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
        C = linalg.cholesky(V, lower=True)
    except linalg.LinAlgError as error:
        raise ModelError("V is not positive definite; add the residual variance R to Z G Z'") from error
    return np.asarray(linalg.solve_triangular(C, rows, lower=True))


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
    L = sparse.csr_array(lu.L @ sparse.diags_array(np.sqrt(pivots)))
    return np.asarray(spsolve_triangular(L, rows[order], lower=True))


def covariances(fit: Fit) -> dict[str, pd.DataFrame]:
    """Covariance matrix G_j = sigma^2 T_j T_j' of the c_j random effects of one level, for each term: lme4's VarCorr.

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    dict of str to (c_j, c_j) DataFrame
        By grouping factor in lme4's order; a factor that comes again gets .1, .2 and so on.

    Notes
    -----
    Document 000, section 1, `bdiag(VarCorr(m1))`.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> print(covariances(fit)["Subject"].round(1))
                 (Intercept)  Days
    (Intercept)        612.1   9.6
    Days                 9.6  35.1
    """
    blocks = factors(fit.design.terms, fit.optimum.theta)
    return {
        group: pd.DataFrame(fit.sigma**2 * T @ T.T, index=list(term.columns), columns=list(term.columns))
        for group, term, T in zip(group_names(fit.design.terms), fit.design.terms, blocks, strict=True)
    }


def ngrps(fit: Fit) -> dict[str, int]:
    """Count the levels of each term's grouping factor, under the names of `covariances`.

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    dict of str to int
        Only levels that occur count.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> ngrps(lmer("y ~ x1 + (1 | sch.cl/tch.cl)", load("three_level").frame))
    {'tch.cl:sch.cl': 30, 'sch.cl': 10}
    """
    return {
        group: len(term.levels) for group, term in zip(group_names(fit.design.terms), fit.design.terms, strict=True)
    }


def expanded(G: Mapping[str, ArrayLike], levels: Mapping[str, int]) -> sparse.csc_array:
    """Covariance Gm of all random effects: kronecker(eye(levels_j), G_j) of each term, stacked along the diagonal.

    Parameters
    ----------
    G : mapping of str to (c_j, c_j) array-like
        One covariance matrix per term, or a number where c_j is one; see `covariances`.
    levels : mapping of str to int
        Number of levels of each term; see `ngrps`.

    Returns
    -------
    (q, q) sparse array
        In the order of G; q is the sum of levels_j c_j.

    Raises
    ------
    ModelError
        If the names differ or a matrix is not square.

    Notes
    -----
    Document 000: `Gm` in sections 1 and 3.

    Examples
    --------
    >>> expanded({"teacher": 1.5, "school": 0.5}, {"teacher": 2, "school": 1}).toarray()
    array([[1.5, 0. , 0. ],
           [0. , 1.5, 0. ],
           [0. , 0. , 0.5]])
    """
    if set(G) != set(levels):
        raise ModelError(f"G has terms {', '.join(G)}, levels has {', '.join(levels)}; name the same terms in both")
    blocks = []
    for name, covariance in G.items():
        block = np.atleast_2d(np.asarray(covariance, dtype=float))
        if block.ndim != 2 or block.shape[0] != block.shape[1]:
            raise ModelError(f"G[{name!r}] has shape {block.shape}; a covariance matrix is square")
        blocks.append(sparse.kron(sparse.eye_array(levels[name]), block))
    return sparse.csc_array(sparse.block_diag(blocks) if blocks else (0, 0))
