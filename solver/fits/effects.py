"""Fixed effects, random effects with their conditional variances, and coefficients per level: by R's names."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import spsolve_triangular

from relmer.solver.arrays import Array, Integers
from relmer.solver.language import model_matrix

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

# Columns of Lambda' for which L is solved at once: 256 x q doubles.
AT_ONCE = 256


def fixef(fit: "Fit", add_dropped: bool = False) -> "pd.Series[float]":
    """Fixed effects, `Fit.beta`; on request with the columns that were dropped, as NaN in their places.

    Parameters
    ----------
    fit : Fit
        Of any model.
    add_dropped : bool
        Whether dropped columns are told of: lme4's add.dropped.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver import lmer
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc"), "x": 1.0})
    >>> print(fixef(lmer("y ~ x + (1 | g)", data), add_dropped=True).round(3).to_dict())
    {'(Intercept)': 4.833, 'x': nan}
    """
    if not add_dropped or not fit.dropped:
        return fit.beta
    every = model_matrix(fit.frame.formula.fixed, fit.frame)[1]
    return pd.Series({name: fit.beta.get(name, np.nan) for name in every})


def ranef(fit: "Fit", condVar: bool = False) -> dict[str, pd.DataFrame]:
    """Conditional modes of the random effects, a table per grouping factor, its terms side by side.

    Parameters
    ----------
    fit : Fit
        With any number of terms.
    condVar : bool
        Whether conditional standard deviations stand beside the modes; `postVar` has the covariances too.

    Returns
    -------
    dict of str to (l, k) DataFrame
        A row per level. With condVar the columns are those of "condval", then the same of "condsd".

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> print(ranef(fit, condVar=True)["Subject"].head(2).round(3)["condsd"])
         (Intercept)   Days
    308       12.071  2.305
    309       12.071  2.305
    """
    b = fit.b.to_numpy()
    tables = {
        group: pd.DataFrame(b[places], index=list(levels), columns=list(columns))
        for group, levels, columns, places in per_factor(fit)
    }
    if not condVar:
        return tables
    deviations = {group: np.sqrt(np.diagonal(V, axis1=1, axis2=2)) for group, V in postVar(fit).items()}
    return {
        group: pd.concat(
            {"condval": table, "condsd": pd.DataFrame(deviations[group], table.index, table.columns)}, axis=1
        )
        for group, table in tables.items()
    }


def postVar(fit: "Fit") -> dict[str, Array]:
    """Covariances of the random effects of each level, given y, beta and theta: lme4's postVar.

    With L L' = P (Lambda'Z'WZ Lambda + I) P' they are the blocks of sigma^2 C'C, C = L^-1 P Lambda' (theory.md, 11).

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    dict of str to (l, k, k) array
        By grouping factor: levels and columns are those of `ranef`. lme4 has the levels last, and where a factor has
        several terms a list of them, without the covariances between terms.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> postVar(fit)["Subject"][0].round(2).tolist()
    [[145.71, -21.44], [-21.44, 5.31]]
    """
    found: dict[str, Array] = {}
    for group, levels, columns, places in per_factor(fit):
        l, k = len(levels), len(columns)
        blocks = np.empty((l, k, k))
        step = max(1, AT_ONCE // k)
        for first in range(0, l, step):
            own = places[first : first + step]
            half = half_of(fit, sparse.csc_array(fit.Lambda.T)[:, own.ravel()]).reshape(-1, len(own), k)
            blocks[first : first + step] = np.einsum("qla,qlb->lab", half, half)
        found[group] = fit.sigma**2 * blocks
    return found


def half_of(fit: "Fit", right: sparse.csc_array) -> Array:
    """L^-1 P times what is right (q, m), dense."""
    if not right.shape[1] or not right.shape[0]:
        return np.zeros(right.shape)
    return np.asarray(spsolve_triangular(sparse.csr_array(fit.L), (fit.P @ right).toarray(), lower=True))


def per_factor(fit: "Fit") -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], Integers]]:
    """Each grouping factor: its levels (l), the columns of its terms (k), and where b has their effects (l, k)."""
    columns: dict[str, list[str]] = {}
    places: dict[str, list[Integers]] = {}
    levels: dict[str, tuple[str, ...]] = {}
    first = 0
    for term in fit.design.terms:
        l, c = len(term.levels), len(term.columns)
        levels[term.group] = term.levels
        columns.setdefault(term.group, []).extend(term.columns)
        places.setdefault(term.group, []).append(first + np.arange(l * c).reshape(l, c))
        first += l * c
    for group, found in places.items():
        yield group, levels[group], tuple(columns[group]), np.concatenate(found, axis=1)


def coef(fit: "Fit") -> dict[str, pd.DataFrame]:
    """Coefficients of each level: the fixed effects plus the level's random effects.

    Parameters
    ----------
    fit : Fit
        With any number of terms.

    Returns
    -------
    dict of str to (l, k) DataFrame
        By grouping factor, its terms taken together. The columns are the random effects without a fixed effect,
        for which that counts as zero, then the fixed effects.

    Notes
    -----
    Document 002, item 3: intercepts and slopes of the subjects; lme4's coef.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy_three").frame)
    >>> print(coef(fit)["Subject"].round(2))
         (Intercept)  Days
    309       205.30  2.41
    330       282.32  4.42
    371       260.75  7.63
    """
    terms = fit.design.terms
    names = dict.fromkeys([name for term in terms for name in term.columns if name not in fit.beta.index])
    start = pd.Series(0.0, index=[*names, *fit.beta.index])
    start[fit.beta.index] = fit.beta
    tables: dict[str, pd.DataFrame] = {}
    first = 0
    effects = fit.b.to_numpy()
    for term in terms:
        l, c = len(term.levels), len(term.columns)
        if term.group not in tables:
            values = np.tile(start.to_numpy(), (l, 1))
            tables[term.group] = pd.DataFrame(values, index=list(term.levels), columns=start.index)
        tables[term.group][list(term.columns)] += effects[first : first + l * c].reshape(l, c)
        first += l * c
    return tables
