"""Confidence intervals: Wald, by the profile likelihood, and by the parametric bootstrap."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy
from scipy import special

from relmer.solver.errors import ModelError
from relmer.solver.fits.bootstrapping import boot_ends
from relmer.solver.fits.profiling import Parameter, parameters
from relmer.solver.fits.refitting import Progress
from relmer.solver.search import optimise
from relmer.solver.threads import one_thread

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

METHODS = ("Wald", "profile", "boot")
# An end is found to this part of itself: two digits beyond the ten that are told.
END = 1e-12
# A deviance that has not risen so many doublings away from the estimate is flat.
DOUBLINGS = 60


def by_ml(fit: "Fit") -> "Fit":
    """The fit, or that of the same model by maximum likelihood: lme4 too compares and profiles these alone."""
    if not fit.REML:
        return fit
    with one_thread():
        optimum, solution = optimise(fit.prepared, False, fit.optimum.theta, alone=False)
    return replace(fit, REML=False, optimum=optimum, solution=solution)


@dataclass(frozen=True)
class Profile:
    """The profile likelihood of the parameters of a model by maximum likelihood.

    Attributes
    ----------
    fit
        By maximum likelihood.
    parameters
        Those that were asked for.
    """

    fit: "Fit"
    parameters: tuple[Parameter, ...]

    def zeta(self, name: str, value: float) -> float:
        """The signed root of the deviance's rise at a value of a parameter.

        Raises
        ------
        ModelError
            The parameter has no such value, or there is no such parameter.
        """
        own = chosen(self.parameters, [name])[0]
        if not own.least <= value <= own.largest or (own.old == ".sigma" and value == 0):
            raise ModelError(f"{name} is {value:g}; it must be from {own.least:g} to {own.largest:g}")
        with one_thread():
            rise = own.deviance(value) - self.fit.criterion
        return math.copysign(math.sqrt(max(0.0, rise)), value - own.estimate)


def profile(fit: "Fit", which: "Sequence[str] | str | None" = None) -> Profile:
    """The profile likelihood of standard deviations, correlations, sigma and coefficients.

    Parameters
    ----------
    fit
        By REML it is fitted again by maximum likelihood, as lme4 does.
    which
        Names as in `confint`; all if None.

    Returns
    -------
    Profile
        Values come on demand, not from a grid: `zeta` is the signed root at any value.

    Raises
    ------
    ModelError
        A name is not known, a term has a structure, or a profile is flat as the data leave a parameter open.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    >>> f"{profile(fit, 'sigma').zeta('sigma', 60.0):.4f}"
    '1.2513'
    """
    at = by_ml(fit)
    with one_thread():
        return Profile(at, tuple(chosen(parameters(at), which)))


def confint(
    fit: "Fit",
    level: float = 0.95,
    method: str = "Wald",
    parm: "Sequence[str] | str | None" = None,
    nsim: int = 500,
    seed: int | None = None,
    boot_type: str = "perc",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Confidence intervals of the parameters.

    Parameters
    ----------
    fit
        For "profile" a fit by REML is fitted again by maximum likelihood, as lme4 does.
    level
        Of confidence.
    method : {"Wald", "profile", "boot"}
        Of Wald only coefficients have intervals, estimate and normal quantile; the rest are NaN, as in lme4.
    parm
        Names, lme4's (".sig01", ".sigma") or readable ones ("sd_Days|Subject", "sigma"), "theta_" for all but
        coefficients, or "beta_"; all if None.
    nsim, seed, progress
        Of "boot": how many responses are drawn, as of `bootstrap`. A seed gives the same draws on any machine.
    boot_type : {"perc", "basic", "norm"}
        Percentiles of the draws, these mirrored at the estimate, or the estimate without their bias and a normal
        quantile of their standard deviation.

    Returns
    -------
    (k, 2) DataFrame
        With R's labels. Of "profile", where a standard deviation of 0, or a correlation of -1 or 1, is within the
        interval, that is the end; ``attrs["boundary"]`` names these parameters. Of "boot" ``attrs["failures"]`` counts
        the draws that have no fit.

    Raises
    ------
    ModelError
        An argument is not known, or a profile is flat.

    Notes
    -----
    lme4's `confint` interpolates the profile by splines; here each end is the root of zeta itself.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    >>> print(confint(fit, method="profile").round(3))
                    2.5 %    97.5 %
    .sig01         12.197    84.063
    .sigma         38.230    67.658
    (Intercept)  1486.451  1568.549
    """
    if method not in METHODS:
        raise ModelError(f"method {method!r:.60} is not known; choose one of {', '.join(METHODS)}")
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ModelError(f"level is {level!r:.40}; it must be a number between 0 and 1")
    z = float(special.ndtri((1 + level) / 2))
    labels = [f"{100 * (1 - level) / 2:.3g} %", f"{100 * (1 + level) / 2:.3g} %"]
    if method == "Wald":
        return wald(fit, z, labels, parm)
    if method == "boot":
        picked(fit, wald(fit, z, labels, None), parm)
        return picked(fit, boot_ends(fit, level, labels, nsim, seed, boot_type, progress), parm)
    found = profile(fit, parm)
    rows, boundary = [], []
    with one_thread():
        for own in found.parameters:
            ends = [end(own, found.fit.criterion, z, side) for side in (-1, 1)]
            rows.append(ends)
            if (own.least == 0 and ends[0] == 0) or (own.least == -1 and (ends[0] == -1 or ends[1] == 1)):
                boundary.append(own.old)
    table = pd.DataFrame(rows, [own.old for own in found.parameters], labels, dtype=float)
    table.attrs["boundary"] = tuple(boundary)
    return table


def wald(fit: "Fit", z: float, labels: list[str], parm: "Sequence[str] | str | None") -> pd.DataFrame:
    """Estimate and normal quantile of coefficients, NaN for the rest."""
    thetas = [f".sig{k + 1:02d}" for k in range(len(fit.optimum.theta))]
    ends = pd.DataFrame(
        np.vstack(
            [np.full((len(thetas) + 1, 2), np.nan), np.column_stack([fit.beta - z * fit.se, fit.beta + z * fit.se])]
        ),
        [*thetas, ".sigma", *fit.beta.index],
        labels,
    )
    return picked(fit, ends, parm)


def picked(fit: "Fit", ends: pd.DataFrame, parm: "Sequence[str] | str | None") -> pd.DataFrame:
    """The rows of some parameters."""
    if parm is None:
        return ends
    if parm in ("beta_", "theta_"):
        first = len(ends) - len(fit.beta)
        return ends.iloc[first:] if parm == "beta_" else ends.iloc[:first]
    wanted = [parm] if isinstance(parm, str) else list(parm)
    if unknown := [name for name in wanted if name not in ends.index]:
        raise ModelError(f"{unknown[0]!r:.60} is no parameter; there are {', '.join(ends.index)}")
    return ends.loc[wanted]


def chosen(found: "Sequence[Parameter]", which: "Sequence[str] | str | None") -> list[Parameter]:
    """The parameters of these names, in the model's order."""
    if which is None:
        return list(found)
    if which in ("beta_", "theta_"):
        first = [own.old for own in found].index(".sigma") + 1
        return list(found[first:] if which == "beta_" else found[:first])
    wanted = [which] if isinstance(which, str) else list(which)
    names = {name for own in found for name in (own.name, own.old)}
    if unknown := [name for name in wanted if name not in names]:
        raise ModelError(f"{unknown[0]!r:.60} is no parameter; there are {', '.join(own.old for own in found)}")
    return [own for own in found if own.name in wanted or own.old in wanted]


def end(own: Parameter, least: float, z: float, side: int) -> float:
    """Where zeta is z on one side of the estimate, or the boundary if that is nearer."""

    @cache
    def above(value: float) -> float:
        return math.sqrt(max(0.0, own.deviance(value) - least)) - z

    limit = own.least if side < 0 else own.largest
    inner, step = own.estimate, 2 * own.width
    if inner == limit:
        return limit
    for _ in range(DOUBLINGS):
        outer = inner + side * step
        if side * (limit - outer) <= 0:
            if own.old == ".sigma":
                outer = inner / 2
            elif above(limit) <= 0:
                return limit
            else:
                outer = limit
        if above(outer) > 0:
            return float(scipy.optimize.brentq(above, inner, outer, xtol=END * abs(outer - inner), rtol=END))
        inner, step = outer, 2 * step
    raise ModelError(
        f"the profile of {own.name} is flat: the deviance does not rise {'below' if side < 0 else 'above'} it"
    )
