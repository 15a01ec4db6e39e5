"""A fit changed: another formula, other data or arguments; by maximum likelihood."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from relmer.solver.errors import ModelError
from relmer.solver.fits.intervals import by_ml
from relmer.solver.language import parse, updated

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


def update(fit: "Fit", formula: str | None = None, data: pd.DataFrame | None = None, **changes: Any) -> "Fit":
    """Fit again, with another formula, other data or other arguments of `lmer`.

    Parameters
    ----------
    fit
        As `lmer` made it.
    formula
        As R's `update.formula` reads it: a dot is that side of the old formula, as in ". ~ . - x + (1 | h)". A random
        term is added or taken out whole; a dot in a product is the fixed terms.
    data
        In the place of those of the fit, which are read again as they are now.
    changes
        Other arguments of `lmer`, such as ``REML=False``; those that are not given are those of the fit, but ``start``.

    Returns
    -------
    Fit
        A new one.

    Raises
    ------
    ModelError
        The formula takes out a random term that is not there, or the fit is of another response than its data's.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> update(fit, ". ~ . - (Days | Subject) + (1 | Subject)").formula
    'Reaction ~ Days + (1 | Subject)'
    """
    from relmer.solver.fits.fitting import lmer  # noqa: PLC0415  which makes a Fit

    if fit.arguments is None:
        raise ModelError("a refit has a response that no data hold: update the fit that it was made of")
    if unknown := [name for name in changes if name not in fit.arguments and name != "start"]:
        raise ModelError(f"{unknown[0]!r:.40} is no argument of lmer; there are {', '.join(fit.arguments)}, start")
    old = fit.arguments["formula"]
    text = old if formula is None else updated(parse(old), formula)
    given = {**fit.arguments, **changes, "formula": text}
    if data is not None:
        given["data"] = data
    return lmer(**given)


def refitML(fit: "Fit") -> "Fit":
    """The same model by maximum likelihood; a fit that is so already as it is.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> f"{refitML(fit).criterion:.6f}"
    '1751.939344'
    """
    return by_ml(fit)
