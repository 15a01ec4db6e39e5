"""Least squares by matrices: ordinary for a linear model, generalized for a mixed one, rows in any order.

The letters are document 001's: u are residuals, k counts coefficients, G, R and V have sigma^2 in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse, special

from relmer.solver.algebra import generalized_least_squares, inverse_of_cross_product, least_squares
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import RandomTerm, is_nested, response


@dataclass(frozen=True)
class LeastSquares:
    """Ordinary least squares of n rows on k coefficients.

    Attributes
    ----------
    betas
        (X'X)^-1 X'y, (k,).
    residuals
        u = y - X betas (n,), under the labels that the data give to the rows used.
    sigma2
        u'u / (n - k).
    vcov
        sigma2 (X'X)^-1, (k, k).
    se, t, p
        Standard errors, t values and two-sided p values with n - k degrees of freedom, (k,).
    df
        n - k.
    """

    betas: "pd.Series[float]"
    residuals: "pd.Series[float]" = field(repr=False)
    sigma2: float
    vcov: pd.DataFrame = field(repr=False)
    se: "pd.Series[float]"
    t: "pd.Series[float]"
    p: "pd.Series[float]"
    df: int

    @property
    def table(self) -> pd.DataFrame:
        """Coefficient table (k, 4): betas, se, tstat and pval."""
        return pd.DataFrame({"betas": self.betas, "se": self.se, "tstat": self.t, "pval": self.p})


@dataclass(frozen=True)
class GeneralizedLeastSquares:
    """Generalized least squares with the V of a fit.

    Attributes
    ----------
    gammas
        (X'V^-1 X)^-1 X'V^-1 y, (p,).
    vcov
        (X'V^-1 X)^-1, (p, p).
    table
        (p, 3): estimate, se and t.
    """

    gammas: "pd.Series[float]"
    vcov: pd.DataFrame = field(repr=False)
    table: pd.DataFrame


@dataclass(frozen=True)
class ClusterCovariances:
    """V cluster by cluster, and as a whole.

    Attributes
    ----------
    group
        The grouping factor whose levels are the clusters.
    blocks
        V_i = Z_i G Z_i' + R_i (n_i, n_i) of each cluster; index and columns are the labels of its rows.
    V
        The blocks put together (n, n), sparse, in the order of the rows of the data.
    """

    group: str
    blocks: dict[str, pd.DataFrame] = field(repr=False)
    V: sparse.csc_array = field(repr=False)


def ols(formula: str, data: pd.DataFrame) -> LeastSquares:
    """Fit a linear model by ordinary least squares.

    Parameters
    ----------
    formula : str
        Without random terms: "y ~ x + f". A column that others determine is left out, as in R.
    data : DataFrame
        Rows that miss a value are left out.

    Returns
    -------
    LeastSquares
        Coefficients, residuals, covariance matrix and coefficient table.

    Raises
    ------
    ModelError
        If the formula has a random term, or formula and data do not make a model.

    Notes
    -----
    Document 001, section 1. X = QR, so that betas and (X'X)^-1 = (R'R)^-1 come from triangular systems.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> ols1 = ols("mpg ~ wt + am", load("mtcars").frame)
    >>> print(ols1.table.round(4))
                   betas      se    tstat    pval
    (Intercept)  37.3216  3.0546  12.2180  0.0000
    wt           -5.3528  0.7882  -6.7908  0.0000
    am           -0.0236  1.5456  -0.0153  0.9879
    """
    parsed = parse(formula)
    if parsed.bars:
        raise ModelError(f"the formula has a random term of {parsed.bars[0].label}; leave it out, or use lmer")
    frame = model_frame(parsed, data)
    design = build(frame)
    names = list(design.coefficients)
    df = len(design.y) - len(names)
    estimates, R = least_squares(design.X, design.y)
    betas = pd.Series(estimates, index=names)
    u = design.y - design.X @ estimates
    sigma2 = float(u @ u) / df
    vcov = pd.DataFrame(sigma2 * inverse_of_cross_product(R), index=names, columns=names)
    se = pd.Series(np.sqrt(np.diagonal(vcov)), index=names)
    t = betas / se
    p = pd.Series(2 * special.stdtr(df, -np.abs(t)), index=names)
    return LeastSquares(betas, pd.Series(u, index=data.index[frame.rows]), sigma2, vcov, se, t, p, df)


def gls_table(fit: Fit) -> GeneralizedLeastSquares:
    """Reconstruct the fixed effects of a fit and their standard errors from X, V and y alone.

    Parameters
    ----------
    fit : Fit
        Of n rows and p coefficients.

    Returns
    -------
    GeneralizedLeastSquares
        gammas, vcov and the coefficient table.

    Notes
    -----
    Document 001, section 2. An offset is taken from y first.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("aritPOST ~ aritPRET + sex + schoolSES + (sex | schoolNR)", load("bdf").frame)
    >>> print(gls_table(fit).table.round(3))
                 estimate     se       t
    (Intercept)     1.228  0.983   1.249
    aritPRET        1.125  0.030  37.692
    sex1           -0.827  0.212  -3.902
    schoolSES       0.266  0.049   5.388
    """
    names = list(fit.design.coefficients)
    beta, RX = generalized_least_squares(fit.design.X, fit.V, response(fit.design))
    gammas = pd.Series(beta, index=names)
    vcov = pd.DataFrame(inverse_of_cross_product(RX), index=names, columns=names)
    se = pd.Series(np.sqrt(np.diagonal(vcov)), index=names)
    return GeneralizedLeastSquares(gammas, vcov, pd.DataFrame({"estimate": gammas, "se": se, "t": gammas / se}))


def cluster_covariances(fit: Fit, index: pd.Index | None = None) -> ClusterCovariances:
    """V of a fit, one matrix V_i per cluster.

    The rows of a cluster may stand anywhere in the data, and rows may be missing: V_i is built from the rows that the
    fit used, found by their level.

    Parameters
    ----------
    fit : Fit
        Whose grouping factors are nested, so that there are clusters without correlation between them.
    index : Index, optional
        Labels of all rows of the data, `data.index`; else rows are labelled by their positions, counted from 0.

    Returns
    -------
    ClusterCovariances
        The blocks by the levels of the outermost grouping factor, and V in the order of the data.

    Raises
    ------
    ModelError
        If there is no random term, grouping factors are crossed, or the index is too short.

    Notes
    -----
    Document 001, section 2: `ml` and `Vm`.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("abcabc")}, index=list("uvwxyz"))
    >>> from relmer.solver import lmer
    >>> blocks = cluster_covariances(lmer("y ~ 1 + (1 | g)", data), data.index).blocks
    >>> [list(block.index) for block in blocks.values()]
    [['u', 'x'], ['v', 'y'], ['w', 'z']]
    """
    term = outermost(fit.design.terms)
    labels = row_labels(fit, index)
    root = sparse.csr_array(fit.Z @ fit.Lambda)
    residual = fit.R.diagonal()
    order = np.argsort(term.codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(term.codes, minlength=len(term.levels)))[:-1])
    dense = [fit.sigma**2 * (root[rows] @ root[rows].T).toarray() + np.diag(residual[rows]) for rows in members]
    blocks = {
        level: pd.DataFrame(V, index=labels[rows], columns=labels[rows])
        for level, rows, V in zip(term.levels, members, dense, strict=True)
    }
    V = sparse.csr_array(sparse.block_diag([sparse.csr_array(block) for block in dense]))
    back = np.argsort(order)
    return ClusterCovariances(term.group, blocks, sparse.csc_array(V[back][:, back]))


def outermost(terms: Sequence[RandomTerm]) -> RandomTerm:
    """Find the term whose grouping factor contains all others: no level of another stands in two of its levels."""
    if not terms:
        raise ModelError("the fit has no random term, so its rows form no clusters; its V is sigma^2 W^-1")
    for term in terms:
        if all(is_nested(other.codes, term.codes) for other in terms):
            return term
    groups = ", ".join(dict.fromkeys(term.group for term in terms))
    raise ModelError(f"grouping factors {groups} are crossed: no clusters are independent; take the whole V by getV")


def row_labels(fit: Fit, index: pd.Index | None) -> pd.Index:
    """Labels of the rows that the fit used."""
    rows = fit.frame.rows
    if index is None:
        return pd.Index(rows)
    if len(index) <= rows.max():
        raise ModelError(
            f"index has {len(index)} labels, but the fit used row {rows.max()} of the data; give data.index"
        )
    return index[rows]
