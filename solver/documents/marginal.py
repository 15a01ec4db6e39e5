"""The marginal covariance V of a fit, the manual way and the automatic way, and the fixed effects that follow from it.

y ~ N(X beta, V) with V = Z Gm Z' + R. Gm repeats the small covariance matrix G_j of each term once per level; R is
sigma^2 W^-1. Given V, beta is the generalized least squares estimate. The letters are document 000's: G_j and V have
sigma^2 in them (theory.md, 3, has not), and R is no factor of a QR.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from relmer.solver.algebra import generalized_least_squares, repeated
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit


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
        blocks.append(block)
    return repeated(blocks, [levels[name] for name in G])
