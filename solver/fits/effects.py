"""Coefficients per level: fixed effects plus random effects."""

import numpy as np
import pandas as pd

from relmer.solver.fits.fit import Fit


def coef(fit: Fit) -> dict[str, pd.DataFrame]:
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
