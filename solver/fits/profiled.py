"""Intervals by the profile likelihood for the coefficients of many responses of one design, side by side.

With coefficient j held at v its column leaves X for the offset, so that the least deviance is that of the response
y - v x_j in the model without column j (`profiling`). The roots of all responses are sought at once, and each of their
steps is a `refit` of many.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.fits.intervals import DOUBLINGS, END, confint
from relmer.solver.fits.refitting import Refits, refit, responses
from relmer.solver.paths import prepare

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

# Where roots are sought first, in ML standard errors times the normal quantile: most are nearer.
FIRST = 1.25


def profile_ends(fit: "Fit", y: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Profile likelihood intervals of the coefficients for many responses.

    Parameters
    ----------
    fit
        Of the model; one by REML is profiled by maximum likelihood, as in `confint`.
    y
        Responses (n, m).
    level
        Of confidence.

    Returns
    -------
    lower, upper : (m, p) ndarray
        As `confint(refit(fit, y[:, k]), level, "profile", "beta_")` has them; NaN where that raises.

    Raises
    ------
    ModelError
        The responses have another shape, or are not finite.

    Notes
    -----
    Roots by Chandrupatla's method (1997), *Advances in Engineering Software* 28:145-149, in ML standard errors from the
    estimate. A response for which nothing is found side by side is left to `confint`.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> data = load("Dyestuff").frame
    >>> lower, upper = profile_ends(lmer("Yield ~ 1 + (1 | Batch)", data), data[["Yield"]].to_numpy(dtype=float))
    >>> print(f"{lower[0, 0]:.3f} {upper[0, 0]:.3f}")
    1486.451 1568.549
    """
    Y = responses(fit, np.atleast_2d(y))
    design, z = fit.design, float(special.ndtri((1 + level) / 2))
    found = refit(replace(fit, REML=False), Y)
    assert isinstance(found, Refits)
    least, beta, se = found.criterion.to_numpy(), found.beta.to_numpy(), found.se.to_numpy()
    ends = np.full((2, *beta.shape), np.nan)
    for j in range(beta.shape[1]):
        reduced = without(fit, j)

        def above(t: Array, k: Array, j: int = j, reduced: "Fit" = reduced) -> Array:
            which = k.astype(int)
            held = beta[which, j] + t * se[which, j]
            at = refit(reduced, Y[:, which] - held * design.X[:, [j]])
            assert isinstance(at, Refits)
            rise: Array = at.criterion.to_numpy() - least[which]
            return np.sqrt(np.maximum(rise, 0.0)) - z

        known = np.flatnonzero(np.isfinite(least) & (se[:, j] > 0))
        for side, of in zip((-1.0, 1.0), ends, strict=True):
            of[known, j] = beta[known, j] + side * se[known, j] * roots(above, side, known, z)
    for k in np.flatnonzero(np.isnan(ends).any(axis=(0, 2))):
        ends[:, k] = by_itself(fit, Y[:, k], level)
    return ends[0], ends[1]


def without(fit: "Fit", j: int) -> "Fit":
    """The model without coefficient j, by maximum likelihood; its response is still the whole one's."""
    design = fit.design
    keep = np.delete(np.arange(design.X.shape[1]), j)
    names = tuple(design.coefficients[i] for i in keep)
    reduced = replace(design, X=np.ascontiguousarray(design.X[:, keep]), coefficients=names)
    return replace(fit, REML=False, prepared=prepare(reduced, fit.method))


def roots(above: Callable[[Array, Array], Array], side: float, known: Integers, z: float) -> Array:
    """Where `above` is 0 on one side of the estimates of the known responses, in standard errors; NaN if nowhere."""
    from scipy.optimize import elementwise  # noqa: PLC0415  a fifth of a second of every command's start

    if not len(known):
        return np.zeros(0)

    def on_side(t: Array, k: Array) -> Array:
        return above(side * t, k)

    within, beyond = np.zeros(len(known)), np.full(len(known), FIRST * z)
    bracket = elementwise.bracket_root(
        on_side, within, beyond, xmin=within, args=(known.astype(float),), maxiter=DOUBLINGS
    )
    found = np.full(len(known), np.nan)
    if (ok := bracket.success).any():
        sought = elementwise.find_root(
            on_side,
            (bracket.bracket[0][ok], bracket.bracket[1][ok]),
            args=(known[ok].astype(float),),
            tolerances={"xatol": 0.0, "xrtol": END},
        )
        found[ok] = np.where(sought.success, sought.x, np.nan)
    return found


def by_itself(fit: "Fit", y: Array, level: float) -> Array:
    """The ends (2, p) for one response; NaN if it has none."""
    try:
        return confint(refit(fit, y), level, "profile", "beta_").to_numpy().T  # type: ignore[arg-type]
    except ModelError:
        return np.full((2, fit.design.X.shape[1]), np.nan)
