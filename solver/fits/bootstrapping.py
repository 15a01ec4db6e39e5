"""Intervals of the parametric bootstrap, as lme4's `confint(method = "boot")` takes them from R's `boot.ci`."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits.refitting import Progress
from relmer.solver.fits.simulating import bootstrap
from relmer.solver.model import Design

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

TYPES = ("perc", "basic", "norm")
# Draws from which on there is a standard deviation.
LEAST = 2


def boot_ends(
    fit: "Fit", level: float, labels: list[str], nsim: int, seed: int | None, boot_type: str, progress: Progress | None
) -> pd.DataFrame:
    """The ends of all parameters, a row each under lme4's old names; draws without a fit do not count.

    Raises
    ------
    ModelError
        The type is not known, or there are fewer than two draws that have a fit.
    """
    if boot_type not in TYPES:
        raise ModelError(f"boot_type {boot_type!r:.40} is not known; choose one of {', '.join(TYPES)}")
    if isinstance(nsim, bool) or not isinstance(nsim, int | np.integer) or nsim < LEAST:
        raise ModelError(f"nsim is {nsim!r:.40}: give a whole number of at least {LEAST}")
    found = bootstrap(fit, int(nsim), seed, progress)
    sigma = np.array([fit.sigma], dtype=np.float64)
    own = values(fit.design, fit.optimum.theta[None], sigma, fit.solution.beta[None])[0]
    draws = values(fit.design, found.theta.to_numpy(), np.asarray(found.sigma, dtype=float), found.beta.to_numpy())
    thetas = [f".sig{k + 1:02d}" for k in range(draws.shape[1] - 1 - len(fit.beta))]
    rows = [ends(draws[:, k], float(own[k]), level, boot_type) for k in range(draws.shape[1])]
    table = pd.DataFrame(rows, [*thetas, ".sigma", *fit.beta.index], labels, dtype=float)
    table.attrs["failures"] = len(found.failures)
    return table


def values(design: Design, theta: Array, sigma: Array, beta: Array) -> Array:
    """Standard deviations and correlations term by term, sigma, beta, of m fits: (m, k + 1 + p)."""
    parts, first = [], 0
    for term in design.terms:
        width = len(term.columns)
        pattern = term.structure.pattern(width)
        T = np.zeros((len(theta), width, width))
        T[:, pattern.rows, pattern.columns] = theta[:, first + pattern.entry]
        first += pattern.size
        sd = np.sqrt((T**2).sum(axis=2))
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = T / sd[:, :, None]
        i, j = lower_triangle(width)
        correlation = np.einsum("mac,mbc->mab", unit, unit)[:, i, j]
        parts.append(np.where(i == j, sigma[:, None] * sd[:, i], correlation))
    return np.concatenate([*parts, sigma[:, None], beta], axis=1)


def ends(draws: Array, own: float, level: float, boot_type: str) -> tuple[float, float]:
    """Both ends of one parameter, from its draws (m,) and its estimate; draws that are not finite do not count."""
    t = np.sort(draws[np.isfinite(draws)])
    if len(t) < LEAST:
        return math.nan, math.nan
    alpha = np.array([(1 - level) / 2, (1 + level) / 2])
    if boot_type == "norm":
        reach, middle = special.ndtri(alpha) * t.std(ddof=1), 2 * own - t.mean()
        return float(middle + reach[0]), float(middle + reach[1])
    low, high = (quantile(t, each) for each in alpha)
    return (low, high) if boot_type == "perc" else (2 * own - high, 2 * own - low)


def quantile(t: Array, alpha: float) -> float:
    """The (m + 1) alpha-th of m sorted draws; between two of them on the scale of normal quantiles, as in R's boot.ci.

    Examples
    --------
    >>> quantile(np.arange(1.0, 20.0), 0.25), quantile(np.arange(1.0, 20.0), 0.01)
    (5.0, 1.0)
    """
    m = len(t)
    rank = (m + 1) * alpha
    # R too asks whether the product, as it is rounded, is whole.
    k = math.trunc(rank)
    if k == 0 or k >= m:
        return float(t[0] if k == 0 else t[-1])
    if k == rank:
        return float(t[k - 1])
    at, before, after = special.ndtri([alpha, k / (m + 1), (k + 1) / (m + 1)])
    return float(t[k - 1] + (at - before) / (after - before) * (t[k] - t[k - 1]))
