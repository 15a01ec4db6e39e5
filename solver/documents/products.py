"""Z from its parts: the indicator matrix J_i of a grouping factor, the raw model matrix X_i, and their product.

Z_i = (J_i' * X_i')', with * the Khatri-Rao product (Bates et al. 2015, equation 6; document 002). The letters are the
document's: i is a term, and J_i no derivative.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.language import as_factor, read_column


def indicators(f: "pd.Series[Any] | pd.Categorical | ArrayLike") -> tuple[sparse.csc_array, tuple[str, ...]]:
    """Indicator matrix J_i of a grouping factor.

    Parameters
    ----------
    f : (n,) Series, Categorical or array-like
        The level of each row; a row without a value belongs to no level.

    Returns
    -------
    J : (n, l) sparse array
        One where the row belongs to the level, else zero.
    levels : tuple of str
        The l levels that occur, in order.

    Notes
    -----
    Document 002, `t(as(f, Class = "sparseMatrix"))`.

    Examples
    --------
    >>> J, levels = indicators([1, 1, 2, 2, 3, 3])
    >>> levels, J.T.toarray().astype(int).tolist()
    (('1', '2', '3'), [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]])
    """
    factor = as_factor(*read_column(pd.DataFrame({"f": f}), "f"))
    rows = np.flatnonzero(factor.codes >= 0)
    shape = (len(factor.codes), len(factor.levels))
    J = sparse.csc_array((np.ones(len(rows)), (rows, factor.codes[rows])), shape=shape)
    return J, factor.levels


def khatri_rao(A: Any, B: Any) -> sparse.csc_array:
    """Column-wise Kronecker product: column k is kron(A[:, k], B[:, k]).

    Parameters
    ----------
    A : (a, n) sparse array or array-like
        Left factor.
    B : (b, n) sparse array or array-like
        Right factor.

    Returns
    -------
    (a b, n) sparse array
        Only products of stored entries are formed.

    Raises
    ------
    ModelError
        If A and B have different numbers of columns.

    Notes
    -----
    Document 002, `KhatriRao`.

    Examples
    --------
    >>> J, levels = indicators([1, 1, 2, 2, 3, 3])
    >>> khatri_rao(J.T, [[1, 1, 1, 1, 1, 1], [-1, 1, -1, 1, -1, 1]]).T.toarray().astype(int)
    array([[ 1, -1,  0,  0,  0,  0],
           [ 1,  1,  0,  0,  0,  0],
           [ 0,  0,  1, -1,  0,  0],
           [ 0,  0,  1,  1,  0,  0],
           [ 0,  0,  0,  0,  1, -1],
           [ 0,  0,  0,  0,  1,  1]])
    """
    left, right = as_columns(A), as_columns(B)
    if left.shape[1] != right.shape[1]:
        raise ModelError(
            f"A has {left.shape[1]} columns and B {right.shape[1]}; give both one column per row of the data"
        )
    left_counts, right_counts = np.diff(left.indptr), np.diff(right.indptr)
    ends = np.cumsum(left_counts * right_counts)
    starts = np.concatenate([[0], ends])
    column = np.repeat(np.arange(left.shape[1]), left_counts * right_counts)
    within = np.arange(starts[-1]) - starts[column]
    i = left.indptr[column] + within // right_counts[column]
    j = right.indptr[column] + within % right_counts[column]
    rows = left.indices[i] * right.shape[0] + right.indices[j]
    shape = (left.shape[0] * right.shape[0], left.shape[1])
    return sparse.csc_array((left.data[i] * right.data[j], rows, starts), shape=shape)


def as_columns(M: Any) -> sparse.csc_array:
    """A sparse or dense matrix (m, n) with its columns stored one after the other."""
    is_sparse = sparse.issparse(M)
    return sparse.csc_array(M if is_sparse else np.atleast_2d(np.asarray(M, dtype=float)))


def Zb(fit: Fit) -> "pd.Series[float]":
    """The random part Z b of the fitted values.

    Parameters
    ----------
    fit : Fit
        Of n rows.

    Returns
    -------
    (n,) Series
        Its index is that of `fit.X`.

    Notes
    -----
    Document 002, item 4, `as.matrix(Zi) %*% b`.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy_three").frame)
    >>> Zb(fit).iloc[[0, 10, 20]].round(2).tolist()
    [-44.16, 32.86, 11.29]
    """
    return pd.Series(fit.Z @ fit.b.to_numpy(), index=fit.index)
