"""What an engine's theta is, in the space of G: the chart theta has stationary points that are no minima.

Let S = df/dG be the dual of a term. At a minimum S is positive semi-definite and S G = 0. For any vector v the step
G + t vv' stays a covariance matrix and changes the criterion by t v'S v, so a negative eigenvalue on the null space of
G shows a way down that theta's chart may hide: where T has a zero on its diagonal, some steps of theta do not move
G = T T' at first order, and the bound cuts off others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, criterion_at
from relmer.reports.records import Optimality
from relmer.solver.algebra import root_by_columns
from relmer.solver.arrays import Array
from relmer.solver.model import (
    RandomTerm,
    factors,
    group_names,
    is_structured,
    par_bounds,
    par_of,
    pars,
    split,
    theta_of,
    theta_of_par,
)
from relmer.solver.paths import Derivatives

# Points of a straight line in G at which the criterion must fall.
LINE = 8


@dataclass(frozen=True)
class Stationarity:
    """What a theta is, and the numbers behind it."""

    optimality: Optimality
    reason: str


def optimality(view: Landscape, theta: Sequence[float], gap: float) -> Stationarity:
    """Say what a theta is whose criterion lies `gap` above the proved optimum."""
    noise = tolerances.GAP * view.size
    if abs(gap) <= noise:
        return Stationarity(Optimality.OPTIMUM, f"within rounding ({noise:.0e}) of the optimum")
    if gap < 0:
        below = f"{-gap:.4g} below the certified optimum, which is proved to be a local one only"
        return Stationarity(Optimality.ANOTHER, below)
    at = view.derivatives(np.asarray(theta, dtype=float))
    blocks = factors(view.fit.design.terms, np.asarray(theta, dtype=float))
    decrement = face_decrement(view, at, np.asarray(theta, dtype=float))
    if abs(decrement - gap) <= tolerances.DECREMENT * gap + noise:
        near = f"{gap:.1e} above the optimum; the Newton decrement there is {decrement:.1e}"
        return Stationarity(Optimality.EARLY, near)
    if gap <= tolerances.EARLY and falls(view, theta):
        return Stationarity(Optimality.EARLY, f"{gap:.1e} above the optimum, to which the criterion falls all the way")
    return astray(view, at, blocks, gap, decrement)


def astray(view: Landscape, at: Derivatives, blocks: Sequence[Array], gap: float, decrement: float) -> Stationarity:
    """Say what a theta is from which no straight way leads down to the optimum."""
    if not decrement <= tolerances.DECREMENT * gap:
        return Stationarity(Optimality.NOWHERE, f"{gap:.4g} above the optimum, and no minimum is near")
    where = f"{gap:.4g} above the optimum, while theta's chart promises a fall of {decrement:.2g}"
    dual, term = smallest_dual(at, blocks)
    if dual < 0:
        group = group_names(view.fit.design.terms)[term]
        down = f"the dual of {group} has the eigenvalue {dual:.4g}, which is a way down in G"
        return Stationarity(Optimality.FALSE, f"{where}; {down}")
    return Stationarity(Optimality.ANOTHER if decrement <= tolerances.EARLY else Optimality.NOWHERE, where)


def falls(view: Landscape, theta: Sequence[float]) -> bool:
    """Whether the criterion falls all the way from the G of a theta, in a straight line, to that of the optimum.

    The line stays among covariance matrices, which are convex, and asks nothing of theta's chart. Rounding may lift it.
    Those of a structure are not convex: there it is a straight line in par.
    """
    design, optimum = view.fit.design, view.fit.optimum.theta
    ends = [np.asarray(at, dtype=float) for at in (theta, optimum)]
    start, end = ([T @ T.T for T in factors(design.terms, at)] for at in ends)
    first, last = (par_of(design.terms, at) for at in ends)

    def at(t: float) -> list[float]:
        if is_structured(design.terms):
            return [float(x) for x in theta_of_par(design.terms, (1 - t) * first + t * last)]
        between = [root_by_columns((1 - t) * G + t * best) for G, best in zip(start, end, strict=True)]
        return [float(entry) for entry in theta_of(between)]

    line = [theta, *(at(t / LINE) for t in range(1, LINE)), optimum.tolist()]
    return bool(np.all(np.diff([criterion_at(view, point) for point in line]) <= tolerances.GAP * view.size))


def face_decrement(view: Landscape, at: Derivatives, theta: Array) -> float:
    """Half g'H^-1 g over the steps of par that its bounds allow and that move G; NaN where H is not positive there.

    A par at its bound is held where the criterion falls beyond it, as an optimiser with bounds sees it: a zero on the
    diagonal of T, or of a structure a standard deviation of zero or a correlation at its end.
    """
    terms = view.fit.design.terms
    par, (lower, upper) = par_of(terms, theta), par_bounds(terms)
    free = ~(((par <= lower) & (at.gradient > 0)) | ((par >= upper) & (at.gradient < 0)))
    changes = [changed(term, own) for term, own in zip(terms, pars(terms, theta), strict=True)]
    _, moved, steps = linalg.svd(linalg.block_diag(*changes)[:, free])
    axes = steps[: len(moved)][moved > tolerances.SINGULAR * max(1.0, float(moved.max(initial=0.0)))]
    H, g = axes @ at.hessian[np.ix_(free, free)] @ axes.T, axes @ at.gradient[free]
    if len(g) == 0:
        return 0.0
    curvature, turn = linalg.eigh(H)
    return float(np.sum((turn.T @ g) ** 2 / curvature) / 2) if curvature[0] > 0 else float("nan")


def changed(term: RandomTerm, par: Array) -> Array:
    """Derivatives of the entries of G, a column for each par; of a free term dG = dT T' + T dT'.

    Only the layout of theta is the solver's: its chart, by which it searches, is what is judged.
    """
    width = len(term.columns)
    if not term.is_free:
        return np.asarray(term.structure.changes(par, width).reshape(len(par), -1).T)
    (T,) = split(par, [width])
    units = [split(unit, [width])[0] for unit in np.eye(len(par))]
    return np.column_stack([(dT @ T.T + T @ dT.T).ravel() for dT in units])


def smallest_dual(at: Derivatives, blocks: Sequence[Array]) -> tuple[float, int]:
    """Smallest eigenvalue of S, and its term, among the terms whose S is not positive on what T T' has not.

    0 if there are none: then G has no way down that theta's chart hides. The search tests its duals by
    itself, and this test must not share its code, for it judges where that search ends.
    """
    found = [(0.0, 0)]
    for k, (S, T) in enumerate(zip(at.duals, blocks, strict=True)):
        left, singular, _ = linalg.svd(T)
        N = left[:, singular <= tolerances.SINGULAR * max(1.0, float(singular.max()))]
        if N.shape[1] and linalg.eigvalsh(N.T @ S @ N)[0] < 0:
            found.append((float(linalg.eigvalsh(S)[0]), k))
    return min(found)
