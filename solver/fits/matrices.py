"""The matrices of a fit, term by term, as lme4's getME gives them."""

from typing import TYPE_CHECKING

import pandas as pd
from scipy import sparse

from relmer.solver.errors import ModelError
from relmer.solver.model import group_names, random_matrix

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


def Ztlist(fit: "Fit") -> dict[str, sparse.csc_array]:
    """Z_i' of each random term.

    Parameters
    ----------
    fit : Fit
        Of n rows.

    Returns
    -------
    dict of str to (l_i c_i, n) sparse array
        By grouping factor, as in `ngrps`; stacked they are Z'. Row k belongs to the k-th random effect of
        the term in `fit.b`: level after level, column after column.

    Notes
    -----
    Document 002, `lFormula(...)$reTrms$Ztlist`, where the names are the texts of the bars.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy_three").frame)
    >>> Ztlist(fit)["Subject"].toarray().astype(int)[2:4, 8:22]
    array([[0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
           [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]])
    """
    terms = fit.design.terms
    return {
        group: sparse.csc_array(random_matrix(term).T) for group, term in zip(group_names(terms), terms, strict=True)
    }


def mmList(fit: "Fit") -> dict[str, pd.DataFrame]:
    """Raw model matrix X_i of each random term: what stands left of the bar.

    Parameters
    ----------
    fit : Fit
        Of n rows.

    Returns
    -------
    dict of str to (n, c_i) DataFrame
        By grouping factor, as in `ngrps`; the index is that of `fit.X`.

    Notes
    -----
    Document 002, `getME(fm1, "mmList")`.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy_three").frame)
    >>> mmList(fit)["Subject"].iloc[9:12].to_numpy().tolist()
    [[1.0, 9.0], [1.0, 0.0], [1.0, 1.0]]
    """
    terms = fit.design.terms
    return {
        group: pd.DataFrame(term.X, columns=list(term.columns), index=fit.index)
        for group, term in zip(group_names(terms), terms, strict=True)
    }


def model_matrix(fit: "Fit", type: str = "fixed") -> "pd.DataFrame | sparse.csc_array | dict[str, pd.DataFrame]":
    """A model matrix of a fit, as lme4's model.matrix.

    Parameters
    ----------
    fit : Fit
        Of n rows.
    type : {"fixed", "random", "randomListRaw"}
        X, Z, or what stands left of each bar (`mmList`).

    Returns
    -------
    (n, p) DataFrame, (n, q) sparse array, or dict of str to (n, c_i) DataFrame
        As was asked for.

    Raises
    ------
    ModelError
        There is no such type.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> model_matrix(fit).iloc[2].to_dict(), model_matrix(fit, "random").shape
    ({'(Intercept)': 1.0, 'Days': 2.0}, (180, 36))
    """
    if type == "fixed":
        return fit.X
    if type == "random":
        return fit.Z
    if type == "randomListRaw":
        return mmList(fit)
    raise ModelError(f"type {type!r:.40} is not known; choose fixed, random or randomListRaw")
