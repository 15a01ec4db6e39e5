"""A least-squares fit to each level of a factor by itself, as lme4's lmList."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.algebra import full_rank_columns, inverse_of_cross_product, least_squares
from relmer.solver.errors import ModelError
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import checks_of, response

UNCHECKED = {"check.nobs.vs.nlev": "ignore", "check.nobs.vs.nRE": "ignore"}


@dataclass(frozen=True)
class LmList:
    """A fit for each of l levels.

    Attributes
    ----------
    coef
        (l, p); NaN where the rows of a level do not determine a coefficient.
    se
        Standard errors (l, p), by the pooled sigma.
    sigma
        Pooled residual standard deviation.
    df
        Pooled residual degrees of freedom.
    sigmas
        Residual standard deviation of each level (l,), NaN where no row is left for it.
    """

    coef: pd.DataFrame
    se: pd.DataFrame
    sigma: float
    df: int
    sigmas: "pd.Series[float]"

    def __len__(self) -> int:
        """How many levels."""
        return len(self.coef)

    def __repr__(self) -> str:
        """In a line: how many, and what is left."""
        return f"{len(self)} least-squares fits, sigma {self.sigma:.6g} on {self.df} degrees of freedom"


def lmList(formula: str, data: pd.DataFrame, **arguments: Any) -> LmList:
    """Fit least squares to each level of a factor by itself.

    Parameters
    ----------
    formula
        As "y ~ x | g": the model of each level, a bar, and the factor.
    data
        One row per observation.
    arguments
        weights, offset, subset or na_action, as of `lmer`.

    Returns
    -------
    LmList
        By level.

    Raises
    ------
    ModelError
        The formula has not one bar, or formula or data do not make a model.

    Notes
    -----
    Columns are those of all rows: a factor is coded, and `poly` or `scale` computed, once for all levels. R's `lm` does
    so anew for each, which is another meaning of such coefficients. Sigma is of weighted residuals, as that of `lm`;
    lme4 pools them without their weights.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> found = lmList("Reaction ~ Days | Subject", load("sleepstudy").frame)
    >>> found
    18 least-squares fits, sigma 25.5918 on 144 degrees of freedom
    >>> found.coef.iloc[0].round(3).to_dict()
    {'(Intercept)': 244.193, 'Days': 21.765}
    """
    parsed = parse(formula)
    if len(parsed.bars) != 1 or parsed.fixed.terms:
        raise ModelError("lmList takes one model and one factor: write 'y ~ x | g'")
    if unknown := [name for name in arguments if name not in ("weights", "offset", "subset", "na_action")]:
        raise ModelError(f"{unknown[0]!r:.40} is no argument of lmList; there are weights, offset, subset, na_action")
    design = build(model_frame(parsed, data, **arguments), checks_of(UNCHECKED))
    term, y = design.terms[0], response(design)
    root = np.ones(len(y)) if design.weights is None else np.sqrt(design.weights)
    l, p = len(term.levels), len(term.columns)
    coef, unit = np.full((l, p), np.nan), np.full((l, p), np.nan)
    rss, dfs = np.zeros(l), np.zeros(l, dtype=int)
    order = np.argsort(term.codes, kind="stable")
    for k, rows in enumerate(np.split(order, np.cumsum(np.bincount(term.codes, minlength=l))[:-1])):
        kept = full_rank_columns(term.X[rows])
        X, own = root[rows, None] * term.X[rows][:, kept], root[rows] * y[rows]
        beta, R = least_squares(X, own)
        coef[k, kept] = beta
        unit[k, kept] = np.sqrt(np.diagonal(inverse_of_cross_product(R, 1.0)))
        dfs[k] = len(rows) - len(kept)
        rss[k] = float(((own - X @ beta) ** 2).sum()) if dfs[k] else 0.0
    df = int(dfs.sum())
    sigma = math.sqrt(rss.sum() / df) if df else math.nan
    levels, columns = list(term.levels), list(term.columns)
    return LmList(
        coef=pd.DataFrame(coef, levels, columns),
        se=pd.DataFrame(sigma * unit, levels, columns),
        sigma=sigma,
        df=df,
        sigmas=pd.Series(np.sqrt(np.where(dfs > 0, rss / np.maximum(dfs, 1), np.nan)), index=levels),
    )
