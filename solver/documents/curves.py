"""The profiled criterion along one or two entries of theta, as tables for curves and contours.

beta and sigma are profiled out (theory.md, 8); the other entries of theta are held where the fit has them. This is a
cut through the criterion, not lme4's `profile`, which optimises over the other entries at every point.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.paths import criterion, solve_at


def profile_curve(fit: Fit, name: str, values: ArrayLike) -> "pd.Series[float]":
    """Profiled deviance, or REML criterion, along one entry of theta; the others are held at the optimum.

    Parameters
    ----------
    fit : Fit
        Whose criterion it is: the deviance for maximum likelihood, else the REML criterion.
    name : str
        One of `fit.theta.index`.
    values : (k,) array-like
        Where to evaluate. Changing the sign of a whole column of a T changes nothing.

    Returns
    -------
    (k,) Series
        The criterion by value of theta.

    Raises
    ------
    ModelError
        If theta has no entry of that name, or more than one, or a value is not finite.

    Notes
    -----
    Document 004: the profiled deviance (slide 13) and the profiled REML criterion (slide 15).

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame, REML=False)
    >>> profile_curve(fit, "Batch.(Intercept)", [0.0, fit.theta.iloc[0], 1.5]).round(3).tolist()
    [332.73, 327.327, 329.865]
    """
    points = finite(name, values)
    results = criterion_moved(fit, [position(fit, name)], [(value,) for value in points])
    return pd.Series(results, index=pd.Index(points, name=name), name="criterion")


def profile_surface(fit: Fit, name1: str, values1: ArrayLike, name2: str, values2: ArrayLike) -> pd.DataFrame:
    """Profiled deviance, or REML criterion, over two entries of theta; the others are held at the optimum.

    Parameters
    ----------
    fit : Fit
        Whose criterion it is.
    name1, name2 : str
        Two of `fit.theta.index`.
    values1, values2 : (k,) and (l,) array-like
        The grid.

    Returns
    -------
    (k, l) DataFrame
        The criterion; values1 down the index, values2 along the columns.

    Raises
    ------
    ModelError
        If theta has no entry of such a name, the names are the same, or a value is not finite.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days || Subject)", load("sleepstudy").frame)
    >>> surface = profile_surface(fit, "Subject.(Intercept)", [0.5, 1.0], "Subject.Days", [0.0, 0.2, 0.4])
    >>> surface.loc[1.0].round(1).to_dict()
    {0.0: 1787.4, 0.2: 1744.2, 0.4: 1749.2}
    """
    points1, points2 = finite(name1, values1), finite(name2, values2)
    entries = [position(fit, name1), position(fit, name2)]
    if entries[0] == entries[1]:
        raise ModelError(f"both names are {name1!r}; a surface needs two entries of theta")
    results = criterion_moved(fit, entries, [(a, b) for a in points1 for b in points2])
    return pd.DataFrame(
        np.reshape(results, (len(points1), len(points2))),
        index=pd.Index(points1, name=name1),
        columns=pd.Index(points2, name=name2),
    )


def criterion_moved(fit: Fit, entries: Sequence[int], points: Sequence[tuple[float, ...]]) -> list[float]:
    """Criterion of the fit with the given entries of theta replaced by each point in turn."""
    theta = fit.optimum.theta.copy()
    results = []
    for point in points:
        theta[list(entries)] = point
        results.append(criterion(fit.design, solve_at(fit.prepared, theta), fit.REML))
    return results


def position(fit: Fit, name: str) -> int:
    """Where theta has the entry of that name."""
    found = np.flatnonzero(fit.theta.index == name)
    if len(found) != 1:
        said = "no entry" if len(found) == 0 else f"{len(found)} entries"
        raise ModelError(f"theta has {said} {name!r}; its names are {', '.join(fit.theta.index)}")
    return int(found[0])


def finite(name: str, values: ArrayLike) -> Array:
    """Values as a vector of finite numbers."""
    points = np.atleast_1d(np.asarray(values, dtype=float))
    if points.ndim != 1 or not np.all(np.isfinite(points)):
        raise ModelError(f"values of {name} must be a list of finite numbers")
    return points
