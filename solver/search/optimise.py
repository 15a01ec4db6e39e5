"""Minimise the profiled criterion: Newton steps with exact derivatives, and optimality judged in G.

The criterion is a function of G = T T', even in the signs of T, so theta is searched without bounds. Where G is
singular, a stationary theta need not be a minimum: the chart theta hides directions of G. There the dual
S = df/dG decides: it must be positive semi-definite on the null space of G; an eigenvector along which it is negative
leads further down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relmer.solver.algebra import RANK, is_regular, lower_trapezoid, reduced_root
from relmer.solver.arrays import Array
from relmer.solver.elimination import structure
from relmer.solver.errors import ModelError
from relmer.solver.model import chain, factors, original, response, split, theta_of
from relmer.solver.paths import Prepared, Profile, pls, profile
from relmer.solver.search.moments import moments
from relmer.solver.search.objective import EPS, Point, Problem, newton_step
from relmer.solver.search.starts import FEW, along_ray, begin, off_face

TINY = float(np.finfo(float).tiny)
MAXIMUM_STEPS = 200
# The criterion is a sum of about n terms of its own size, each rounded: differences below this are noise.
NOISE = 64 * EPS
# A gap below this moves the logarithm of an eigenvalue of V by less than 2e-13: the curvature in it is at least half a
# degree of freedom, however large the criterion.
SETTLED = 1e-26
# A gap that is not seen but predicted must be below this part of that: on a face of G predictions were 1e3 too low.
TRUSTED = 1e-4
# Largest k for which a first step may be the last: an estimate of a variance that is a tenth of its standard error.
FLATTEST = 1e4
# Steps in a row that rounding hides, though their decrement says otherwise: the derivatives have no more digits.
HIDDEN = 3
# Longest step along an axis of the Hessian, or the length of theta: near an inflection the curvature says nothing of
# the distance.
LONGEST = 4.0
NO_RESIDUAL = "the random effects fit the response without residual; there is no variance to estimate"


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
        The estimated gap to the minimum: half g'H^-1 g where derivatives were last taken, times what the steps before
        say that the last step leaves of it.
    duals
        Per term the smallest eigenvalue of the dual on the null space of G, in working coordinates; infinite where G
        has full rank.
    unidentified
        Per direction in which theta, or theta and sigma, can change without any change of V the names of those that
        do: theta is one of many, while V, beta and the criterion are as good as ever.
    """

    theta: Array
    evaluations: int
    converged: bool
    decrement: float
    duals: tuple[float, ...]
    unidentified: tuple[tuple[str, ...], ...] = ()


def optimise(prepared: Prepared, REML: bool, start: Array | None = None) -> tuple[Optimum, Profile]:
    """Minimise the criterion over theta, evaluated by the path that was prepared; also the solution at the minimum.

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
        Nothing is left of the response but rounding, by least squares or once the random effects are as free as they
        like: the criterion has no minimum.
    """
    design = prepared.design
    problem = Problem(prepared, REML)
    check_residual(problem.state)
    if not design.terms:
        return Optimum(np.zeros(0), 1, True, 0.0, ()), profile(prepared, np.zeros(0))
    found = moments(problem.state, REML)
    ends = [descend(problem, begin(problem, found, start))]
    if start is None and not structure.is_costly(problem.state.structure):
        ends += [descend(problem, other) for other in along_ray(problem)]
        if problem.effects <= FEW and np.isfinite(ends[0][2]).any():
            ends += [descend(problem, other) for other in off_face(problem, ends[0][0])]
    here, decrement, duals_of, minimal = min(ends, key=lambda end: end[0].value)
    regular = all(np.isinf(duals_of))
    roots = here.blocks if regular else [reduced_root(T) for T in here.blocks]
    theta = theta_of(original(problem.state.scales, roots))
    converged = minimal and decrement <= NOISE * here.size
    if not converged:
        check_free(problem)
    optimum = Optimum(theta, problem.evaluations, converged, decrement, duals_of, found.unidentified)
    if problem.path is None and regular:
        T = factors(design.terms, theta)
        return optimum, pls.solution(
            problem.state, [C.T @ each for C, each in zip(problem.state.scales, T, strict=True)], problem.solved(here)
        )
    return optimum, profile(prepared, theta)


def descend(problem: Problem, here: Point) -> tuple[Point, float, tuple[float, ...], bool]:
    """Descend to a minimum in G; also the gap there, the smallest dual of every term, and whether none is negative."""
    for _ in range(sum(len(T) for T in here.blocks) + 1):
        here, decrement = newton(problem, here)
        singular = reduced(problem, here)
        if singular is None:
            return here, decrement, (np.inf,) * len(here.blocks), True
        here, duals = singular, problem.curvature(singular)[0]
        directions = [null_dual(T, S) for T, S in zip(here.blocks, duals, strict=True)]
        escaped = escape(problem, here, directions)
        if escaped is None:
            break
        here = escaped
    return here, decrement, tuple(value for value, _ in directions), escaped is None


def check_residual(state: pls.State) -> None:
    """Refuse a response that the fixed effects fit without residual."""
    y = response(state.design)
    residual = state.residual0 if state.design.weights is None else state.residual0 / np.sqrt(state.design.weights)
    if np.abs(residual).max() <= 100 * EPS * max(np.abs(y).max(), TINY):
        raise ModelError("the fixed effects fit the response without residual; there is no variance to estimate")


def check_free(problem: Problem) -> None:
    """Refuse a response that the random effects fit without residual, were their variances without bound."""
    G = [problem.unbounded**2 * np.eye(len(C)) for C in problem.state.scales]
    left = structure.solve(problem.state.structure, G).root_pwrss
    if left <= np.linalg.norm(problem.state.residual0) * 100 / problem.unbounded:
        raise ModelError(NO_RESIDUAL)


def newton(problem: Problem, here: Point) -> tuple[Point, float]:
    """Descend to a stationary point of theta's chart by damped Newton steps; also the gap there.

    Where steps were full, d, d', d'' of successive decrements obey d'' = d' (d'/d)^2, or d' (d'/d) with a Hessian that
    stands still: so the search ends with the step after which, not before which, the gap is settled. Of the first one
    d' = k d^2 is known, where k is 1 / l for a variance of l levels, and grows as its theta nears zero.
    """
    widths = [len(T) for T in here.blocks]
    previous, hidden = np.inf, 0
    for _ in range(MAXIMUM_STEPS):
        gradient, hessian = chain(here.blocks, *problem.curvature(here))
        decrement, lengths, axes = newton_step(gradient, hessian)
        noise = NOISE * here.size
        gap = decrement * left(decrement, previous, problem.order)
        if decrement <= SETTLED or (decrement > previous / 4 and (decrement <= noise or hidden == HIDDEN)):
            break
        fraction, theta = 1.0, theta_of(here.blocks)
        longest = max(LONGEST, float(np.abs(theta).max()))
        if longest > problem.unbounded:
            raise ModelError(NO_RESIDUAL)
        step = -axes @ np.minimum(np.maximum(lengths, -longest), longest)
        slope = float(gradient @ step)
        while fraction > 1e-10:
            trial = problem.at(split(theta + fraction * step, widths))
            # Once a step promises less than rounding hides, the criterion cannot judge it; the derivatives can.
            if decrement <= noise or trial.value <= here.value + 1e-4 * fraction * slope + noise:
                break
            fraction /= 2
        else:
            break
        hidden = hidden + 1 if trial.value > here.value - noise else 0
        here = trial
        if gap <= TRUSTED * SETTLED and fraction == 1.0:
            break
        previous = decrement
    return here, gap


def left(decrement: float, previous: float, order: int) -> float:
    """Part of the decrement that a full step leaves."""
    if np.isfinite(previous):
        return min(1.0, decrement / previous) ** order
    return min(1.0, FLATTEST * decrement) if order == 2 else 1.0


def reduced(problem: Problem, here: Point) -> Point | None:
    """Give the point without its directions of negligible variance; None if it has none, or if they count."""
    if all(is_regular(T) for T in here.blocks):
        return None
    there = problem.at([lower_trapezoid(reduced_root(T)) for T in here.blocks])
    return there if there.value <= here.value + NOISE * here.size else None


def null_dual(T: Array, S: Array) -> tuple[float, Array]:
    """Smallest eigenvalue of S on the null space of T T', and its direction (c,)."""
    left, singular, _ = np.linalg.svd(T)
    null = left[:, singular**2 <= RANK * max(1.0, float(singular.max() ** 2))]
    if null.shape[1] == 0:
        return np.inf, np.zeros(len(T))
    eigenvalues, vectors = np.linalg.eigh(null.T @ S @ null)
    return float(eigenvalues[0]), null @ vectors[:, 0]


def escape(problem: Problem, here: Point, directions: Sequence[tuple[float, Array]]) -> Point | None:
    """Leave a false minimum along the most negative dual; None where all duals are positive."""
    worst = int(np.argmin([value for value, _ in directions]))
    value, direction = directions[worst]
    if value >= -1e-6:
        return None
    for power in range(0, -40, -1):
        blocks = list(here.blocks)
        blocks[worst] = lower_trapezoid(np.column_stack([blocks[worst], 2.0 ** (power / 2) * direction]))
        trial = problem.at(blocks)
        if trial.value < here.value - NOISE * here.size:
            return trial
    return None
