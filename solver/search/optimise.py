"""Minimise the profiled criterion: Newton steps with exact derivatives, and optimality judged in G.

The criterion is a function of G = T T', even in the signs of T, so theta is searched without bounds. Where G is
singular, a stationary theta need not be a minimum: the chart theta hides directions of G. There the dual
Delta = df/dG decides (theory.md, 37): it must be positive semi-definite on the null space of G; an eigenvector along
which it is negative leads further down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relmer.solver.algebra import RANK, is_regular, lower_trapezoid, reduced_root
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import (
    chain,
    checked_theta,
    factors,
    inwards,
    original,
    outwards,
    redundant,
    split,
    theta_names,
    theta_of,
)
from relmer.solver.paths import (
    Prepared,
    Reduced,
    Solution,
    criterion,
    given,
    is_drowned,
    is_graded,
    solution,
    solve_at,
    working_roots,
)
from relmer.solver.search.ending import Ending
from relmer.solver.search.look import look_around
from relmer.solver.search.moments import moments, unidentified_at
from relmer.solver.search.objective import NOISE, Objective, Point, newton_step
from relmer.solver.search.residual import check_residual, check_span, drowned
from relmer.solver.search.starts import FEW, along_ray, around_circles, begin, off_face

# The criterion at the theta that is returned may differ by this from that of the covariances that were found.
CARRIED = 1e-10
# Or by this part of its size, if that is more: V written out loses digits as its condition grows.
ROUNDING = 1e-12
TINY = float(np.finfo(float).tiny)
MAXIMUM_STEPS = 200
# Steps times squared entries of theta that all descents of a search may take together, beyond which no other is begun:
# a step of k entries costs k^2 traces at least.
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
# A dual below this is negative: the working G is of order one, and so are the slopes that count.
NEGATIVE = -1e-6


@dataclass(frozen=True)
class Optimum:
    """Where the search ended, and what shows that it is a minimum.

    Attributes
    ----------
    theta
        At the minimum, in the units of the design.
    evaluations
        Evaluations of the criterion by the path.
    converged
        The decrement is at rounding level and every dual is positive on the null space of its G.
    decrement
        The estimated gap to the minimum: delta (theory.md, 39) where derivatives were last taken, times what the steps
        before say that the last step leaves of it (theory.md, 40).
    duals
        Per term the smallest eigenvalue of the dual on the null space of G, in working coordinates; infinite where G
        has full rank.
    ending
        Why the search ended.
    unidentified
        Per direction in which theta, or theta and sigma, can change without any change of the criterion the names of
        those that do: theta is one of many. By REML so may be beta and its standard errors.
    roots
        Of the G of each term that has a column that is not redundant, (r, c), in sound coordinates: what theta, which
        is rounded, stands for.
    """

    theta: Array
    evaluations: int
    converged: bool
    decrement: float
    duals: tuple[float, ...]
    ending: Ending
    unidentified: tuple[tuple[str, ...], ...] = ()
    roots: tuple[Array, ...] = ()


@dataclass(frozen=True)
class Descent:
    """Where a descent ended: the point, the gap that is left there, the smallest dual of every term, and why."""

    here: Point
    gap: float
    duals: tuple[float, ...]
    ending: Ending

    @property
    def regular(self) -> bool:
        """Whether every G has full rank."""
        return all(map(math.isinf, self.duals))

    @property
    def minimal(self) -> bool:
        """Whether the gap is at rounding level, no dual is negative, and no value of the criterion contradicts."""
        settled = self.gap <= NOISE * self.here.size
        return settled and self.ending not in (Ending.OPEN, Ending.CONTRADICTED)


def optimise(prepared: Prepared, REML: bool, start: Array | None = None) -> tuple[Optimum, Solution]:
    """Minimise the criterion over theta, evaluated by the path that was prepared; also the solution at the minimum.

    The derivatives are those of elimination whatever the path. The path "gls" ends with a look around by its own
    values (theory.md, 41), which makes it a second witness of theta.

    Parameters
    ----------
    prepared
        The design as one of the paths wants it.
    REML
        The REML criterion, or the deviance.
    start
        A theta to begin at.

    Raises
    ------
    ModelError
        Nothing is left of the response but rounding, by least squares on X or on X and Z: the criterion has no minimum
        (`residual`). Or the start has not one value for each of theta's names.
    """
    terms, sound = prepared.design.terms, prepared.sound
    begun = None if start is None else inwards(sound, factors(terms, checked_theta(terms, start)))
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
    ends = [descend(objective, begin(objective, found, begun))]
    if start is None and not objective.costly:
        others = along_ray(objective)
        if objective.effects <= FEW and not ends[0].regular:
            others += off_face(objective, ends[0].here)
        if objective.effects <= FEW:
            others += around_circles(objective, ends[0].here)
        for other in others:
            if objective.steps * objective.entries**2 > BUDGET:
                break
            ends.append(descend(objective, other))
    end = min(ends, key=lambda each: each.here.value)
    if prepared.method == "gls":
        end = looked_around(objective, end)
    if not end.minimal:
        check_span(reduced, REML)
    roots = end.here.blocks if end.regular else [reduced_root(T) for T in end.here.blocks]
    inner = original(reduced.scales, roots)
    blocks, turned = outwards(sound, inner)
    at_terms = dict(zip(sound.present, end.duals, strict=True))
    at = solved_again(prepared, objective, end, turned)
    unidentified = found.unidentified
    if is_graded(sound.design) and not objective.structure.elimination.is_sparse:
        covariances = [T @ T.T for T in end.here.blocks]
        unidentified = unidentified_at(prepared, objective.solved(end.here), covariances, REML)
    ending = end.ending
    if at is None:
        at, ending = eliminated(reduced, turned), Ending.DROWNED
    elif not is_close(end.here, criterion(sound.design, at, REML)):
        ending = Ending.DROWNED
    elif not sound.plain and not is_close(end.here, value_at(objective, inwards(sound, blocks))):
        ending = Ending.UNCARRIED
    optimum = Optimum(
        theta=theta_of(blocks),
        evaluations=objective.evaluations,
        converged=end.minimal and ending not in (Ending.UNCARRIED, Ending.DROWNED),
        decrement=end.gap,
        duals=tuple(at_terms.get(k, math.inf) for k in range(len(terms))),
        ending=ending,
        unidentified=idle + unidentified,
        roots=tuple(turned),
    )
    return optimum, given(sound, at)


def solved_again(prepared: Prepared, objective: Objective, end: Descent, roots: Sequence[Array]) -> Solution | None:
    """The solution at the end of a search, by the path; None where the random effects drown the residual for pls."""
    reduced = objective.reduced
    if objective.path is None and end.regular and not is_drowned(reduced.scales, end.here.blocks):
        return solution(reduced, working_roots(reduced.scales, roots), objective.solved(end.here))
    try:
        return prepared.path.solve_at(roots)
    except ModelError:
        if objective.path is None:
            return None
        raise


def eliminated(reduced: Reduced, roots: Sequence[Array]) -> Solution:
    """The solution by elimination, whatever digits it has."""
    working = working_roots(reduced.scales, roots)
    return solution(reduced, working, reduced.structure.solve([root @ root.T for root in working]))


def is_close(here: Point, value: float) -> bool:
    """Whether another evaluation of the criterion differs from that of a point by no more than rounding."""
    return abs(value - here.value) <= max(CARRIED, ROUNDING * here.size)


def value_at(objective: Objective, roots: Sequence[Array]) -> float:
    """The criterion at roots in sound coordinates; infinite where rounding leaves none."""
    try:
        return objective.at([lower_trapezoid(root) for root in working_roots(objective.reduced.scales, roots)]).value
    except ModelError:
        return math.inf


def descend(objective: Objective, here: Point) -> Descent:
    """Descend to a minimum in G."""
    for _ in range(sum(len(T) for T in here.blocks) + 1):
        end = newton(objective, here)
        singular = on_face(objective, end.here)
        if singular is None:
            return end
        directions = null_duals(objective, singular)
        duals = tuple(value for value, _ in directions)
        if min(duals) >= NEGATIVE:
            return Descent(singular, gap=end.gap, duals=duals, ending=end.ending)
        here = singular
        escaped = escape(objective, here, directions)
        if escaped is None:
            break
        here = escaped
    return Descent(here, gap=end.gap, duals=duals, ending=Ending.OPEN)


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
    widths = [len(T) for T in here.blocks]
    gap, previous, hidden, full, ending = np.inf, np.inf, 0, False, Ending.EXHAUSTED
    order = 1 if objective.costly else 2
    for _ in range(MAXIMUM_STEPS):
        if objective.steps * objective.entries**2 > LONGEST_SEARCH * BUDGET and objective.steps > MAXIMUM_STEPS:
            break
        objective.steps += 1
        gradient, hessian = chain(here.blocks, *objective.curvature(here))
        promised = newton_step(gradient, hessian)
        decrement, noise = promised.decrement, NOISE * here.size
        gap = decrement * left_of(decrement, previous if full else np.inf, order)
        if decrement <= SETTLED:
            ending = Ending.SETTLED
            break
        if decrement > previous / 4 and (decrement <= noise or hidden == HIDDEN):
            ending = Ending.ROUNDED
            break
        fraction, theta = 1.0, theta_of(here.blocks)
        longest = max(LONGEST, float(np.abs(theta).max()))
        if longest > objective.unbounded:
            check_span(objective.reduced, objective.REML)
            raise ModelError(drowned(objective.unbounded))
        lengths = np.minimum(np.maximum(promised.lengths, -longest), longest)
        step = -promised.axes @ lengths
        slope = float(gradient @ step)
        while fraction > 1e-10:
            trial = objective.at(split(theta + fraction * step, widths))
            # Once a step promises less than rounding hides, the criterion cannot judge it; the derivatives can.
            if decrement <= noise or trial.value <= here.value + 1e-4 * fraction * slope + noise:
                break
            fraction /= 2
        else:
            ending = Ending.STUCK
            break
        hidden = hidden + 1 if trial.value > here.value - noise else 0
        here = trial
        full = fraction == 1.0 and np.array_equal(lengths, promised.lengths)
        if gap <= TRUSTED * SETTLED and full:
            ending = Ending.SETTLED
            break
        previous = decrement
    return Descent(here, gap=gap, duals=(np.inf,) * len(here.blocks), ending=ending)


def left_of(decrement: float, previous: float, order: int) -> float:
    """Part of the decrement that a full step leaves."""
    if np.isfinite(previous):
        return min(1.0, decrement / previous) ** order
    return min(1.0, FLATTEST * decrement) if order == 2 else 1.0


def on_face(objective: Objective, here: Point) -> Point | None:
    """The point without its directions of negligible variance.

    None if there are none, or if the criterion rises without them.
    """
    if all(is_regular(T) for T in here.blocks):
        return None
    there = objective.at([lower_trapezoid(reduced_root(T)) for T in here.blocks])
    return there if there.value <= here.value + NOISE * here.size else None


def null_duals(objective: Objective, here: Point) -> list[tuple[float, Array]]:
    """`null_dual` of every term at a point."""
    duals = objective.curvature(here)[0]
    return [null_dual(T, dual) for T, dual in zip(here.blocks, duals, strict=True)]


def null_dual(T: Array, dual: Array) -> tuple[float, Array]:
    """Smallest eigenvalue of a dual on the null space of T T', and its direction (c,) (theory.md, 37)."""
    left, singular, _ = np.linalg.svd(T)
    null = left[:, singular**2 <= RANK * max(1.0, float(singular.max() ** 2))]
    if null.shape[1] == 0:
        return np.inf, np.zeros(len(T))
    eigenvalues, vectors = np.linalg.eigh(null.T @ dual @ null)
    return float(eigenvalues[0]), null @ vectors[:, 0]


def escape(objective: Objective, here: Point, directions: Sequence[tuple[float, Array]]) -> Point | None:
    """Leave a false minimum along the most negative dual; None where no step lowers the criterion."""
    worst = int(np.argmin([value for value, _ in directions]))
    direction = directions[worst][1]
    for power in range(0, -40, -1):
        blocks = list(here.blocks)
        blocks[worst] = lower_trapezoid(np.column_stack([blocks[worst], 2.0 ** (power / 2) * direction]))
        trial = objective.at(blocks)
        if trial.value < here.value - NOISE * here.size:
            return trial
    return None
