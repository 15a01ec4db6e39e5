"""Minimise the profiled criterion: Newton steps with exact derivatives, and optimality judged in G.

The criterion is a function of G = T T', even in the signs of T, so theta is searched without bounds. Where G is
singular, a stationary theta need not be a minimum: the chart theta hides directions of G. There the dual
S = df/dG decides: it must be positive semi-definite on the null space of G; an eigenvector along which it is negative
leads further down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from relmer.solver import pls, structure
from relmer.solver.chart import chain
from relmer.solver.criterion import Prepared, criterion, parts, prepare, profile
from relmer.solver.design import Array, factors, response, split, theta_of
from relmer.solver.errors import ModelError
from relmer.solver.moments import Moments, moments
from relmer.solver.profile import Profile, logdet_triangle
from relmer.solver.root import Solved, weights
from relmer.solver.standard import lower_trapezoid, original, standardise

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
MAXIMUM_STEPS = 200
# The criterion is a sum of about n terms of its own size, each rounded: differences below this are noise.
NOISE = 64 * EPS
# A gap below this moves the logarithm of an eigenvalue of V by less than 2e-13: the curvature in it is at least half a
# degree of freedom, however large the criterion.
SETTLED = 1e-26
# Gap, as the average information predicts it, at which a costly Hessian is found exactly.
CLOSE = 1e-4
# Least eigenvalue of a working G at the start, relative to the largest one, or to 1: at zero theta's chart is flat.
FLOOR = 1e-2
# Largest k for which a first step may be the last: an estimate of a variance that is a tenth of its standard error.
FLATTEST = 1e4
# Steps in a row that rounding hides, though their decrement says otherwise: the derivatives have no more digits.
HIDDEN = 3
# Longest step along an axis of the Hessian, or the length of theta: near an inflection the curvature says nothing of
# the distance.
LONGEST = 4.0
# A working T beyond which sigma is rounding: of one factor nothing is subtracted, and sigma is known to some eps of the
# random effects; else pwrss is a difference, and sigma is known to the square root of that.
UNBOUNDED = (1e13, 1e7)
NO_RESIDUAL = "the random effects fit the response without residual; there is no variance to estimate"
# Multiples of T = I at which other minima are looked for.
RAY: Array = 4.0 ** np.arange(-2.0, 4.0)
# Where the search begins again after a singular minimum of few effects, as multiples of T = I, and by what the minimum
# is raised. Of 8,360 drawn designs of 24 to 60 rows the first search missed the lowest minimum of 13, all of them with
# a singular minimum; one of the four found each.
AGAIN = (0.1, 1.0, 3.0)
RAISED = 0.5
FEW = 300
# Eigenvalues of a working G below this are taken for zero if the criterion then does not rise.
RANK = 1e-9


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


@dataclass(frozen=True)
class Point:
    """The criterion at the factors T of the working coordinates, and the size of its parts."""

    blocks: list[Array]
    value: float
    size: float


class Problem:
    """The criterion in working coordinates as a function of the factors T, and its derivatives.

    Only what was solved last is kept: of a large model it takes as much memory as the data.
    """

    def __init__(self, prepared: Prepared, REML: bool) -> None:
        design = prepared.design
        self.design, self.REML = design, REML
        self.state: pls.State = prepared.state if prepared.path is pls else pls.prepare(design)
        self.effects = sum(len(term.levels) * len(term.columns) for term in design.terms)
        n, p = design.X.shape
        self.weights = weights(p, n, REML)
        self.constant = logdet_triangle(self.state.RX0) if REML else 0.0
        self.path: Prepared | None = None
        if prepared.path is not pls:
            self.path = prepare(standardise(design).design, prepared.path.__name__.rpartition(".")[2])
        self.unbounded = UNBOUNDED[len(self.state.structure.factors) > 1]
        self.last: tuple[Point, structure.State] | None = None
        self.correction: Array | None = None
        self.order = 1 if structure.is_costly(self.state.structure) else 2
        self.evaluations = 1

    def at(self, blocks: Sequence[Array]) -> Point:
        """Evaluate the criterion, by the path that was asked for."""
        self.evaluations += 1
        self.last = None
        at = self.solve(blocks)
        found = self.parts(at)
        value = sum(found)
        if self.path is not None:
            value = criterion(self.design, self.profile(blocks), self.REML)
        point = Point(list(blocks), value, sum(map(abs, found)))
        self.last = point, at
        return point

    def solve(self, blocks: Sequence[Array]) -> structure.State:
        """Eliminate the random effects at the factors T."""
        return structure.solve(self.state.structure, [T @ T.T for T in blocks])

    def solved(self, here: Point) -> structure.State:
        """What was solved at a point, which may take solving it once more."""
        if self.last is None or self.last[0] is not here:
            self.last = None
            self.last = here, self.solve(here.blocks)
        return self.last[1]

    def profile(self, blocks: Sequence[Array]) -> Profile:
        """The solution by the path that was asked for."""
        assert self.path is not None
        try:
            return profile(self.path, theta_of(blocks))
        except np.linalg.LinAlgError as error:
            raise ModelError(
                "V is singular to rounding where the random effects fit the response; method 'pls' says whether "
                "there is a residual"
            ) from error

    def parts(self, at: Solved) -> list[float]:
        """What the criterion of the solution is the sum of."""
        return parts(self.design, self.REML, at.logdet, at.logdet_RX + self.constant, at.root_pwrss**2)

    def curvature(self, here: Point) -> tuple[list[Array], Array]:
        """df/dG of every term, and d2f/dgamma2 of all.

        Where second derivatives are costly, the average information A takes their place until the gap is small. Then
        the exact D = L M L', with A = L L', is found once, and elsewhere L M L' is taken with the L found there.
        """
        model, at = self.state.structure, self.solved(here)
        if not structure.is_costly(model):
            return structure.curvature(model, at, self.weights)
        duals, information = structure.curvature(model, at, self.weights, exact=False)
        L, status = lapack.dpotrf(information, lower=1)
        if status:
            return structure.curvature(model, at, self.weights)
        if self.correction is None and all(is_regular(T) for T in here.blocks):
            if newton_step(*chain(here.blocks, duals, information))[0] > CLOSE:
                return duals, information
            exact = structure.curvature(model, at, self.weights)[1]
            half = lapack.dtrtrs(L, exact, lower=1)[0]
            self.correction = lapack.dtrtrs(L, half.T, lower=1)[0]
        return duals, information if self.correction is None else L @ self.correction @ L.T


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


def along_ray(problem: Problem) -> list[Point]:
    """Where the criterion is lowest among its neighbours on the ray of the multiples of T = I, if more than once.

    Two minima need a ridge between them: random effects that explain little and leave sigma large, or much.
    """
    logdet, diagonal = structure.ray(problem.state.structure, RAY**2)
    logdet_RX = 2.0 * np.log(diagonal[:, :-1]).sum(axis=1) + problem.constant
    along = zip(logdet.tolist(), logdet_RX.tolist(), (diagonal[:, -1] ** 2).tolist(), strict=True)
    values = [np.inf, *(sum(parts(problem.design, problem.REML, *each)) for each in along), np.inf]
    problem.evaluations += len(RAY)
    lowest = [scale for k, scale in enumerate(RAY, 1) if values[k] < min(values[k - 1], values[k + 1])]
    return [at_multiple(problem, scale) for scale in lowest] if len(lowest) > 1 else []


def off_face(problem: Problem, here: Point) -> list[Point]:
    """Regular points around a singular minimum: few effects may leave several faces a minimum of their own."""
    raised = problem.at([lower_trapezoid(np.column_stack([T, RAISED * np.eye(len(T))])) for T in here.blocks])
    return [raised, *(at_multiple(problem, scale) for scale in AGAIN)]


def at_multiple(problem: Problem, scale: float) -> Point:
    """The criterion at a multiple of T = I."""
    return problem.at([scale * np.eye(len(C)) for C in problem.state.scales])


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


def begin(problem: Problem, found: Moments, theta: Array | None) -> Point:
    """Give theta, or else the moments, or, where these are no better than G = 0, G = I."""
    state, design = problem.state, problem.design
    if theta is not None:
        T = factors(design.terms, theta)
        return problem.at([lower_trapezoid(C.T @ each) for C, each in zip(state.scales, T, strict=True)])
    if found.G is not None:
        there = problem.at([positive(G) for G in found.G])
        if there.value < sum(problem.parts(found.at)):
            return there
    return at_multiple(problem, 1.0)


def positive(G: Array) -> Array:
    """A root T of G with its small and negative eigenvalues raised."""
    values, vectors, _ = lapack.dsyev(G)
    least = FLOOR * max(1.0, values[-1])
    if values[0] >= least:
        return np.asarray(lapack.dpotrf(G, lower=1)[0])
    return lower_trapezoid(vectors * np.sqrt(np.maximum(values, least)))


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
        if gap <= SETTLED and fraction == 1.0:
            break
        previous = decrement
    return here, gap


def left(decrement: float, previous: float, order: int) -> float:
    """Part of the decrement that a full step leaves."""
    if np.isfinite(previous):
        return min(1.0, decrement / previous) ** order
    return min(1.0, FLATTEST * decrement) if order == 2 else 1.0


def newton_step(gradient: Array, hessian: Array) -> tuple[float, Array, Array]:
    """The decrement, and the lengths of the step along the axes of the Hessian, curvatures counting by their size."""
    curvature, axes, _ = lapack.dsyev(hessian)
    along = axes.T @ gradient
    size = np.abs(curvature)
    lengths = along / np.maximum(size, 1e-10 * max(size[-1], size[0], EPS))
    return float(along @ lengths / 2), lengths, axes


def is_regular(T: Array) -> bool:
    """Whether no direction of G = T T' has negligible variance."""
    variances = lapack.dsyev(T @ T.T, compute_v=0)[0]
    return bool(variances[0] > RANK * max(1.0, variances[-1]))


def reduced_root(T: Array) -> Array:
    """Root (c, r) of G = T T' without the directions of negligible variance."""
    left, singular, _ = np.linalg.svd(T)
    kept = singular**2 > RANK * max(1.0, float(singular.max() ** 2))
    return np.asarray(left[:, kept] * singular[kept])


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
