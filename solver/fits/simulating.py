"""Responses drawn from a fitted model, and the parametric bootstrap."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array, Booleans
from relmer.solver.errors import ModelError
from relmer.solver.fits.predicting import NO_EFFECTS
from relmer.solver.fits.refitting import Progress, Refits, refit
from relmer.solver.language import bars_of, same_rows
from relmer.solver.model import Lambda, checked_theta

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

# Responses that are drawn from one stream: the same whatever is drawn before or beside them.
STREAM = 64
KNOWN = ("theta", "beta", "sigma")


def simulate(
    fit: "Fit",
    nsim: int = 1,
    seed: int | None = None,
    re_form: str | None = "NA",
    newparams: Mapping[str, Any] | None = None,
    first: int = 0,
) -> pd.DataFrame:
    """Draw responses from the model: y = X beta + Z b + offset + e, with e ~ N(0, sigma^2 / weights).

    Draw number i depends on the seed and on i alone, not on how many are drawn, nor on the machine.

    Parameters
    ----------
    fit
        The model.
    nsim
        How many.
    seed
        A whole number of at least 0; None draws differently each time.
    re_form
        "NA" or "~0" draws new random effects, b ~ N(0, sigma^2 Lambda Lambda'), as lme4 does by default; None keeps
        those of the fit; a formula of bars, such as "~ (1 | Subject)", keeps those of these terms and draws the others.
    newparams
        theta, beta or sigma in place of those of the fit.
    first
        Number of the first draw, from 0: any part of a long series can be drawn by itself.

    Returns
    -------
    DataFrame
        (n, nsim), columns sim_1, sim_2, ... as in R, by the number of the draw, rows under their labels in the data.

    Raises
    ------
    ModelError
        An argument is none of these.

    References
    ----------
    Bates et al. (2015), equations 2 and 3.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver import lmer
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> fit = lmer("y ~ 1 + (1 | g)", data)
    >>> a, b = simulate(fit, 3, seed=1), simulate(fit, 100, seed=1)
    >>> a.shape, a.equals(b.iloc[:, :3]), simulate(fit, 20, seed=1, first=80).equals(b.iloc[:, 80:])
    ((6, 3), True, True)
    """
    nsim, first = checked(nsim, "nsim"), checked(first, "first")
    seed = None if seed is None else checked(seed, "seed")
    kept = kept_effects(fit, re_form)
    names = [f"sim_{k}" for k in range(first + 1, first + nsim + 1)]
    Y = drawn(fit, first, nsim, np.random.SeedSequence(seed), kept, parameters(fit, newparams or {}))
    return pd.DataFrame(Y, index=fit.index[fit._places], columns=names)


def drawn(
    fit: "Fit",
    first: int,
    count: int,
    seed: np.random.SeedSequence,
    kept: Booleans,
    given: tuple[Array, Array, float],
) -> Array:
    """Responses (n, count) from number `first` on, of theta, beta and sigma; the effects that are kept are the fit's.

    Numbers are drawn in streams of 64, each from the seed and its own number, so that any part can be drawn by itself.
    """
    theta, beta, sigma = given
    design = fit.design
    n, q = design.Z.shape
    spread = sigma if design.weights is None else sigma / np.sqrt(design.weights)[:, None]
    mean = design.X @ beta if design.offset is None else design.X @ beta + design.offset
    root = sigma * Lambda(design.template, theta)
    if kept.all():
        mean = mean + (fit.mu - design.X @ fit.solution.beta - (0.0 if design.offset is None else design.offset))
    elif kept.any():
        mean = mean + design.Z @ np.where(kept, fit.b, 0.0)
    Y = np.empty((n, count))
    for stream in range(first // STREAM, -(-(first + count) // STREAM)):
        begun, ended = max(first, STREAM * stream), min(first + count, STREAM * (stream + 1))
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed.entropy, spawn_key=(stream,))))
        normal = random.standard_normal((ended - STREAM * stream, n + q))[begun - STREAM * stream :].T
        y = mean[:, None] + spread * normal[:n]
        if not kept.all():
            y = y + design.Z @ np.where(kept[:, None], 0.0, root @ normal[n:])
        Y[:, begun - first : ended - first] = y
    return Y


def kept_effects(fit: "Fit", re_form: str | None) -> Booleans:
    """Which of the q random effects are those of the fit in every draw.

    Raises
    ------
    ModelError
        A bar is no term of the model.
    """
    kept = np.zeros(fit.design.Z.shape[1], dtype=bool)
    if re_form is None or re_form in NO_EFFECTS:
        return kept if re_form is not None else ~kept
    ends = np.cumsum([len(term.levels) * len(term.columns) for term in fit.design.terms])
    for bar in same_rows(fit.frame, bars_of(fit.frame, re_form)):
        found = [
            (end - len(term.levels) * len(term.columns), end)
            for term, end in zip(fit.design.terms, ends, strict=True)
            if (term.group, term.columns) == (bar.group, bar.columns)
        ]
        if not found:
            wanted = f"({', '.join(bar.columns)} | {bar.group})"
            raise ModelError(f"re_form has the term {wanted:.80}, which the model has not as a whole")
        for first, end in found:
            kept[first:end] = True
    return kept


def checked(value: Any, name: str) -> int:
    """A whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise ModelError(f"{name} is {value!r:.40}: give a whole number of at least 0")
    return int(value)


def parameters(fit: "Fit", given: Mapping[str, Any]) -> tuple[Array, Array, float]:
    """theta, beta and sigma, those of the fit where no others are given."""
    if unknown := [str(name) for name in given if name not in KNOWN]:
        raise ModelError(f"newparams has {unknown[0]!r:.40}: it may have {', '.join(KNOWN)}")
    theta, beta = fit.optimum.theta, fit.solution.beta
    sigma = given.get("sigma", fit.sigma)
    if "theta" in given:
        theta = checked_theta(fit.design.terms, given["theta"])
    if "beta" in given:
        beta = np.asarray(given["beta"], dtype=float)
        if beta.shape != fit.solution.beta.shape or not np.isfinite(beta).all():
            names = ", ".join(fit.design.coefficients)
            raise ModelError(f"newparams: beta needs {len(fit.solution.beta)} numbers: {names:.80}")
    if isinstance(sigma, bool) or not isinstance(sigma, int | float | np.number) or not 0 <= sigma < np.inf:
        raise ModelError(f"newparams: sigma is {sigma!r:.40}; give a number of at least 0")
    return theta, beta, float(sigma)


def bootstrap(fit: "Fit", nsim: int, seed: int | None = None, progress: Progress | None = None) -> Refits:
    """The parametric bootstrap: the model refitted to responses that it draws itself, as lme4's `bootMer`.

    Parameters
    ----------
    fit, nsim, seed
        As of `simulate`.
    progress
        As of `refit`.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver import lmer
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> len(bootstrap(lmer("y ~ 1 + (1 | g)", data), 20, seed=1))
    20
    """
    found = refit(fit, simulate(fit, nsim, seed), progress)
    assert isinstance(found, Refits)
    return found
