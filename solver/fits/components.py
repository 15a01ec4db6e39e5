"""Variance components and group sizes of a fit, under lme4's names."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from relmer.solver.algebra import lower_triangle, units_of_rows
from relmer.solver.errors import ModelError
from relmer.solver.model import RandomTerm, covariance, factors, group_names, par_names, varcorr_names

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


def covariances(fit: "Fit") -> dict[str, pd.DataFrame]:
    """Covariance matrix sigma^2 T_j T_j' of the c_j random effects of one level, for each term: lme4's VarCorr.

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    dict of str to (c_j, c_j) DataFrame
        By grouping factor in lme4's order, under VarCorr's names: where a factor comes again R's make.names tells the
        terms apart, so that ``Lot:Wafer`` beside two terms of ``Lot`` is ``Lot.Wafer``.

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
        group: pd.DataFrame(covariance(T, fit.sigma), index=list(term.columns), columns=list(term.columns))
        for group, term, T in zip(varcorr_names(fit.design.terms), fit.design.terms, blocks, strict=True)
    }


def VarCorr(fit: "Fit") -> pd.DataFrame:
    """Variances, then covariances, of every term, and the residual: as R's as.data.frame(VarCorr(fit)).

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    DataFrame
        Columns grp, var1, var2 (None for a variance), vcov, sdcor: a standard deviation or a correlation, which is NaN
        where a variance is zero.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> table = VarCorr(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame))
    >>> print(table.fillna({"var1": "-", "var2": "-"}).round(3))
            grp         var1  var2     vcov   sdcor
    0   Subject  (Intercept)     -  612.090  24.740
    1   Subject         Days     -   35.072   5.922
    2   Subject  (Intercept)  Days    9.604   0.066
    3  Residual            -     -  654.941  25.592
    """
    rows: list[tuple[str, str | None, str | None, float, float]] = []
    blocks = factors(fit.design.terms, fit.optimum.theta)
    for group, term, T in zip(varcorr_names(fit.design.terms), fit.design.terms, blocks, strict=True):
        unit = units_of_rows(T)
        G = covariance(T / unit[:, None], fit.sigma)
        sd = np.sqrt(np.diagonal(G))
        with np.errstate(over="ignore", under="ignore"):
            variances = G * unit * unit[:, None]
        rows += [(group, name, None, variances[k, k], sd[k] * unit[k]) for k, name in enumerate(term.columns)]
        for i, j in zip(*lower_triangle(len(T)), strict=True):
            if i > j:
                correlation = G[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else np.nan
                rows.append((group, term.columns[j], term.columns[i], variances[i, j], correlation))
    rows.append(("Residual", None, None, fit.sigma**2, fit.sigma))
    return pd.DataFrame(rows, columns=["grp", "var1", "var2", "vcov", "sdcor"])


def isSingular(fit: "Fit", tol: float = 1e-4) -> bool:
    """Whether a diagonal entry of theta is below a bound: lme4's rule, at any theta.

    `Fit.singular` is another thing: whether the search has shown that a covariance matrix has not full rank.

    Parameters
    ----------
    fit : Fit
        With any number of terms.
    tol : float
        The bound, at least 0.

    Raises
    ------
    ModelError
        The bound is no such number.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> isSingular(lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2").frame))
    True
    """
    if isinstance(tol, bool) or not isinstance(tol, int | float | np.number) or not 0 <= tol < np.inf:
        raise ModelError(f"tol is {tol!r:.40}: give a number of at least 0")
    return bool(np.any(fit.optimum.theta[fit.design.template.diagonal] < tol))


def ngrps(fit: "Fit") -> dict[str, int]:
    """Count the levels of each term's grouping factor; one that comes again has .1, .2 and so on at its end.

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


def open_components(fit: "Fit") -> list[bool]:
    """Which rows of `VarCorr` the data leave open: they are one choice of many at one and the same criterion.

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    list of bool
        One per row, the residual's last.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> open_components(lmer("Reaction ~ Days + (1 | Subject) + (Days | Subject)", load("sleepstudy").frame))
    [True, True, False, False, False]
    """
    terms, found = fit.design.terms, fit.unidentified.names
    rows: list[bool] = []
    for term, group in zip(terms, group_names(terms), strict=True):
        places = lower_triangle(len(term.columns))
        is_open = [not found.isdisjoint(names) for names in names_behind(replace(term, group=group))]
        rows += [each for each, i, j in zip(is_open, *places, strict=True) if i == j]
        rows += [each for each, i, j in zip(is_open, *places, strict=True) if i > j]
    return [*rows, "sigma" in found]


def names_behind(term: RandomTerm) -> list[set[str]]:
    """For each entry of the lower triangle of G (c, c), column by column, the names of the par that it is made of.

    Examples
    --------
    >>> import numpy as np
    >>> from relmer.solver.model import structure_of
    >>> cs = RandomTerm("g", ("a", "b"), ("1",), np.zeros(1, dtype=np.int64), np.ones((1, 2)), structure_of("cs"))
    >>> [sorted(names) for names in names_behind(cs)]
    [['g.a'], ['g.a', 'g.b', 'g.rho'], ['g.b']]
    """
    names, width = par_names([term]), len(term.columns)
    if term.is_free:
        return [{name} for name in names]
    has_rho = bool(np.isfinite(term.structure.bounds(width)[1][-1]))
    deviations = names[: len(names) - has_rho] * (width if term.structure.hom else 1)
    rho = set(names[-1:]) if has_rho else set()
    pairs = zip(*lower_triangle(width), strict=True)
    return [{deviations[i]} if i == j else {deviations[i], deviations[j], *rho} if rho else set() for i, j in pairs]
