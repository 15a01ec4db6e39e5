"""What a fit tells of each row: fitted values and residuals."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from relmer.solver.errors import ModelError

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

PLAIN, WEIGHTED = ("response", "working"), ("pearson", "deviance")


def fitted(fit: "Fit") -> "pd.Series[float]":
    """X beta + Z b + offset (m,), under the rows' labels; with na.exclude also of dropped rows: NaN.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fitted(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)).head(2).round(3).to_dict()
    {0: 253.664, 1: 273.33}
    """
    return fit.padded(fit.mu)


def residuals(fit: "Fit", type: str = "response", scaled: bool = False) -> "pd.Series[float]":
    """y - fitted (m,), under the rows' labels; with na.exclude also of dropped rows: NaN.

    Parameters
    ----------
    fit
        Of any model.
    type : {"response", "working", "pearson", "deviance"}
        The first two are y - fitted, the other two that times the root of the weights: lme4's of a linear model.
    scaled
        Whether they are divided by sigma.

    Raises
    ------
    ModelError
        There is no such type.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> residuals(fit, "pearson", scaled=True).head(2).round(3).to_dict()
    {0: -0.16, 1: -0.571}
    """
    if type not in (*PLAIN, *WEIGHTED):
        raise ModelError(f"type {type!r:.40} is not known; choose {', '.join((*PLAIN, *WEIGHTED))}")
    values = fit.design.y - fit.mu
    if type in WEIGHTED and fit.design.weights is not None:
        values = values * np.sqrt(fit.design.weights)
    return fit.padded(values / fit.sigma if scaled else values)
