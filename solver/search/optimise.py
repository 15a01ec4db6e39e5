"""Minimise the profiled criterion: Newton steps with exact derivatives, and optimality judged in G.

The criterion is a function of G = T T', even in the signs of T, so theta is searched without bounds. Where G is
singular, a stationary theta need not be a minimum: the chart theta hides directions of G. There the dual
Delta = df/dG decides (theory.md, 37): it must be positive semi-definite on the null space of G; an eigenvector along
which it is negative leads further down.
"""

import math
from contextlib import suppress

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import (
    checked_theta,
    redundant,
    theta_names,
)
from relmer.solver.paths import (
    Prepared,
    Solution,
    given,
    is_graded,
    solve_at,
)
from relmer.solver.search.ending import Descent, Ending, Optimum
from relmer.solver.search.faces import escape, has_a_slope, held_out, on_face, probed
from relmer.solver.search.look import look_around
from relmer.solver.search.moments import Moments, moments, unidentified_at, unidentified_par
from relmer.solver.search.objective import MANY, NOISE, NewtonStep, Objective, Point
from relmer.solver.search.places import found_at, parts_at
from relmer.solver.search.residual import check_residual, check_span, drowned
from relmer.solver.search.starts import (
    FEW,
    along_ray,
    around_circles,
    at_multiple,
    begin,
    correlated,
    off_face,
    without,
)
from relmer.solver.search.valleys import slid
from relmer.solver.search.witness import confirmed

MAXIMUM_STEPS = 200
# Squared entries of theta that move, over the steps that all descents of a search may take together, beyond which no
# other is begun: a step of k entries costs k^2 traces at least.
BUDGET = 10**6
# Times the budget after which a descent is broken off too, if it has taken more steps than one by itself may.
LONGEST_SEARCH = 4
# A gap below this moves the logarithm of an eigenvalue of V by less than 2e-13: the curvature in it is at least half a
# degree of freedom, however large the criterion.
SETTLED = 1e-26
# A gap that is not seen but predicted must be below this part of that: on a face of G predictions were 1e3 too low.
TRUSTED = 1e-4
# Largest rho for which a first step may be the last: an estimate of a variance that is a tenth of its standard error.
FLATTEST = 1e4
# Steps in a row that rounding hides, though their decrement says otherwise: the derivatives have no more digits.
HIDDEN = 3
# Longest step along an axis of the Hessian, or the length of theta: near an inflection the curvature says nothing of
# the distance.
LONGEST = 4.0
# Times that a search goes outwards once its steps are used up.
OUTWARDS = 4
# A dual below this is negative: the working G is of order one, and so are the slopes that count.
NEGATIVE = -1e-6


def optimise(
    prepared: Prepared, REML: bool, start: Array | None = None, alone: bool = True
) -> tuple[Optimum, Solution]:
    """Minimise the criterion over theta, evaluated by the path that was prepared; also the solution at the minimum.

    The search is that of elimination whatever the path, which then goes on from its end by values of its own. The path
    "gls" also looks around (theory.md, 41), which makes it a second witness of theta.

    Parameters
    ----------
    prepared
        The design as one of the paths wants it.
    REML
        The REML criterion, or the deviance.
    start
        A theta to begin at.
    alone
        Whether to begin nowhere else. If not, the search begins at the start too, and takes what it finds there only if
        that is lower.

    Raises
    ------
    ModelError
        Nothing is left of the response but rounding, by least squares on X or on X and Z: the criterion has no minimum
        (`residual`). Or the start has not one value for each of theta's names.
    """
    terms, sound = prepared.design.terms, prepared.sound
    given_start = None if start is None else checked_theta(terms, start)
    check_residual(prepared.reduced, REML)
    idle = redundant(prepared.design, sound.bases)
    if not sound.present:
        theta = np.zeros(len(theta_names(terms)))
        none = Optimum(
            theta=theta,
            evaluations=1,
            converged=True,
            decrement=0.0,
            duals=(),
            ending=Ending.NOTHING,
            unidentified=idle,
        )
        return none, solve_at(prepared, theta)
    objective = Objective(prepared, REML)
    reduced = objective.reduced
    found = moments(prepared, REML)
    objective.level = found.level
    begun = None if given_start is None else parts_at(prepared, objective, given_start)
    end = unsearched(objective, begun) if found.unseen else lowest(objective, found, begun, alone)
    if prepared.method != "pls" and not found.unseen:
        end = by_path(prepared, objective, end)
    if not end.minimal:
        check_span(reduced, REML)
    here = end.here
    theta, turned = found_at(prepared, objective, here, end.regular)
    at_terms = dict(zip(sound.present, end.duals, strict=True))
    unidentified = found.unidentified
    if not objective.coordinates.free:
        unidentified = unidentified_par(prepared, objective.coordinates, here.blocks, objective.solved(here), REML)
    elif is_graded(sound.design) and not objective.structure.elimination.is_sparse:
        covariances = [T @ T.T for T in end.here.blocks]
        unidentified = unidentified_at(prepared, objective.solved(end.here), covariances, REML)
    at, ending = confirmed(prepared, objective, here, end.regular, end.ending, theta, turned)
    if objective.near and not unidentified and objective.unbounded_step(here).level:
        ending = Ending.DROWNED
    optimum = Optimum(
        theta=theta,
        evaluations=objective.evaluations,
        converged=end.minimal and ending not in (Ending.UNCARRIED, Ending.DROWNED),
        decrement=end.gap,
        duals=tuple(at_terms.get(k, math.inf) for k in range(len(terms))),
        ending=ending,
        unidentified=idle + unidentified,
        roots=tuple(turned),
    )
    return optimum, given(sound, at)


def unsearched(objective: Objective, begun: list[Array] | None) -> Descent:
    """The start, or T = I, where all have the same criterion: a search would follow rounding, as far as that leads."""
    here = at_multiple(objective, 1.0) if begun is None else objective.at(begun)
    return Descent(here, gap=0.0, duals=(math.inf,) * len(here.blocks), ending=Ending.UNSEEN)


def lowest(objective: Objective, found: Moments, begun: list[Array] | None, alone: bool) -> Descent:
    """The lowest end of descents from the moments, from a ray and off faces; or from the start that is given, alone."""
    ends = [descend(objective, begin(objective, found, begun if alone else None))]
    if not (alone and begun) and not objective.costly:
        others = along_ray(objective) + correlated(objective)
        if objective.effects <= FEW and not ends[0].regular:
            others += off_face(objective, ends[0].here)
        if objective.effects <= FEW and objective.coordinates.free:
            others += around_circles(objective, ends[0].here, ends[0].regular)
        for other in others:
            if objective.work > BUDGET:
                break
            ends.append(descend(objective, other))
        end = min(ends, key=lambda each: each.here.value)
        ends += [descend(objective, other) for other in without(objective, end.here, sum(objective.parts(found.at)))]
    end = min(ends, key=lambda each: each.here.value)
    if begun is None or alone:
        return end
    with suppress(ModelError):
        there = descend(objective, begin(objective, found, begun))
        end = there if there.here.value < end.here.value - NOISE * end.here.size else end
    return end


def descend(objective: Objective, here: Point) -> Descent:
    """Descend to a minimum in G."""
    turned = False
    for _ in range(2 * sum(len(part) for part in here.blocks) + 1):
        end = outwards_too(objective, newton(objective, here))
        singular = on_face(objective, end.here)
        if singular is None:
            return end
        if not turned and has_a_slope(objective, singular):
            here, turned = singular, True
            continue
        turned = False
        probes = probed(objective, singular)
        duals = tuple(probe.rise for probe in probes)
        if min(duals) >= NEGATIVE:
            return Descent(singular, gap=end.gap, duals=duals, ending=end.ending)
        here = singular
        escaped = escape(objective, here, probes)
        if escaped is None:
            break
        here = escaped
    return Descent(here, gap=end.gap, duals=duals, ending=Ending.OPEN)


def outwards_too(objective: Objective, end: Descent) -> Descent:
    """The end of Newton steps, or that of others from farther out where those were used up.

    Where Z has as many independent columns as there are rows, sigma may be zero at the lowest limit of the criterion:
    with all G growing as t^2 it falls as 1/t^2, and a Newton step is a third of what is left to go on for ever. It has
    no minimum then, but a theta from which on no other gains more than rounding.
    """
    for _ in range(OUTWARDS):
        if end.ending is not Ending.EXHAUSTED:
            break
        here = farther(objective, end.here)
        if here is end.here:
            break
        end = newton(objective, here)
    return end


def farther(objective: Objective, here: Point) -> Point:
    """The lowest point at 1, 2, 4, ... times all standard deviations."""
    begun, times = here, 2.0
    while True:
        pairs = zip(objective.coordinates.parts, begun.blocks, strict=True)
        there = objective.at([part.grown(own, times) for part, own in pairs])
        if not there.value < here.value - NOISE * here.size:
            return here
        here, times = there, 2.0 * times


def by_path(prepared: Prepared, objective: Objective, end: Descent) -> Descent:
    """The end of a descent once the path that was prepared has had its say.

    It goes on from there by its own values; where these take twenty times as long, and a descent many steps, they are
    asked for at the end alone (`confirmed`). The path "gls" looks around.
    """
    if prepared.method == "gls" or not objective.near:
        objective.by_own_path(prepared)
    if not objective.near:
        here = objective.at(end.here.blocks)
        end = descend(objective, here) if math.isfinite(here.value) else end
    return looked_around(objective, end) if prepared.method == "gls" else end


def looked_around(objective: Objective, end: Descent) -> Descent:
    """The end of a descent once values of the criterion have had their say."""
    here = look_around(objective, end.here)
    return end if here is end.here else Descent(here, gap=end.gap, duals=end.duals, ending=Ending.CONTRADICTED)


def newton(objective: Objective, here: Point) -> Descent:
    """Descend to a stationary point of theta's chart by damped Newton steps.

    Where steps were full, successive decrements obey delta_2 = delta_1 (delta_1 / delta_0)^2, or without the square
    where the Hessian stands still (theory.md, 40): so the search ends with the step after which, not before which, the
    gap is settled. Of the first one, or one after a step that was cut short, delta_1 = rho delta_0^2 is known, where
    rho is 1 / l for a variance of l levels, and grows as its theta nears zero.
    """
    coordinates = objective.coordinates
    gap, previous, least, hidden, full, ending = np.inf, np.inf, np.inf, 0, False, Ending.EXHAUSTED
    order, stepped = 1 if objective.costly else 2, True
    for _ in range(MAXIMUM_STEPS):
        if objective.work > LONGEST_SEARCH * BUDGET and objective.steps > MAXIMUM_STEPS:
            break
        x = coordinates.joined(here.blocks)
        longest = max(LONGEST, float(np.abs(x).max()))
        reach = LONGEST if objective.near else longest
        promised = objective.newton_step(here, x, reach)
        lower = slid(objective, here, promised.duals) if objective.level and stepped else None
        stepped = lower is None
        if lower is not None:
            here, previous, least, full = lower, np.inf, np.inf, False
            continue
        decrement, noise = promised.decrement, NOISE * here.size
        gap = decrement * left_of(decrement, previous if full else np.inf, order)
        if decrement <= SETTLED:
            ending = Ending.SETTLED
            break
        if (decrement <= noise and decrement > least / 4) or (decrement > previous / 4 and hidden == HIDDEN):
            ending = Ending.ROUNDED
            break
        if longest > objective.unbounded:
            check_span(objective.reduced, objective.REML)
            if objective.near:
                ending = Ending.DROWNED
                break
            raise ModelError(drowned(objective.unbounded))
        trial, full = advanced(objective, here, x, promised, reach)
        if trial is None:
            ending = Ending.STUCK
            break
        hidden = hidden + 1 if trial.value > here.value - noise else 0
        here = trial
        if gap <= TRUSTED * SETTLED and full:
            ending = Ending.SETTLED
            break
        previous, least = decrement, min(least, decrement)
        if coordinates.free and objective.entries >= MANY:
            lower = held_out(objective, here, promised.duals)
            if lower is not None:
                here, previous, least, full = lower, np.inf, np.inf, False
    return Descent(here, gap=gap, duals=(np.inf,) * len(here.blocks), ending=ending)


def advanced(
    objective: Objective, here: Point, x: Array, promised: NewtonStep, reach: float
) -> tuple[Point | None, bool]:
    """The point that Newton's step leads to, no longer than `reach` along an axis, and whether the step was full.

    The step is halved until the criterion falls; None if it never does.
    """
    coordinates, noise = objective.coordinates, NOISE * here.size
    reaches = reach if not objective.near else LONGEST / in_rows(objective, here, promised.axes)
    lengths = np.minimum(np.maximum(promised.lengths, -reaches), reaches)
    step = -promised.axes @ lengths
    slope = float(promised.gradient @ step)
    fraction = whole = coordinates.room(x, step)
    while fraction > 1e-10 * whole:
        trial = objective.moved(coordinates.within(x + fraction * step))
        # Once a step promises less than rounding hides, the criterion cannot judge it; the derivatives can.
        if promised.decrement <= noise or trial.value <= here.value + 1e-4 * fraction * slope + noise:
            break
        fraction /= 2
    else:
        return None, False
    as_promised = np.array_equal(lengths, promised.lengths)
    if objective.near and coordinates.free and fraction == whole and (promised.level or not as_promised):
        trial = stretched(objective, x, step, trial)
    return trial, fraction == whole == 1.0 and as_promised


def in_rows(objective: Objective, here: Point, axes: Array) -> Array:
    """Lengths (m,) of axes (k, m), each entry in units of its row of T."""
    return np.asarray((np.abs(axes) / objective.rows(here)[:, None]).max(axis=0))


def stretched(objective: Objective, x: Array, step: Array, here: Point) -> Point:
    """The lowest point at 1, 2, 4, ... times a step from x: `here` is that at 1.

    Where the curvature is rounding it says nothing of how far the criterion falls.
    """
    times = 2.0
    while True:
        there = objective.moved(x + times * step)
        if not there.value < here.value - NOISE * here.size:
            return here
        here, times = there, 2.0 * times


def left_of(decrement: float, previous: float, order: int) -> float:
    """Part of the decrement that a full step leaves."""
    if np.isfinite(previous):
        return min(1.0, decrement / previous) ** order
    return min(1.0, FLATTEST * decrement) if order == 2 else 1.0
