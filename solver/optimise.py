"""Minimise the profiled criterion: Newton steps with exact derivatives, and optimality judged in G.

The criterion is a function of G = T T', even in the signs of T, so theta is searched without bounds. Where G is
singular, a stationary theta need not be a minimum: the chart theta hides directions of G. There the dual
S = df/dG decides: it must be positive semi-definite on the null space of G; an eigenvector along which it is negative
leads further down.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.solver.criterion import criterion, prepare, profile
from relmer.solver.derivatives import CrossProducts, Derivatives, cross_products, derivatives
from relmer.solver.design import Array, Design, factors, split, start, theta_of
from relmer.solver.errors import ModelError
from relmer.solver.standard import lower_trapezoid, original, standardise

EPS = float(np.finfo(float).eps)
MAXIMUM_STEPS = 200
# The criterion is a sum of about n terms of its own size, each rounded: differences below this are noise.
NOISE = 64 * EPS
# A Newton decrement below this moves theta by less than its own rounding once the step is taken (error squared).
DECREMENT = 1e-18
# Longest step along an axis of the Hessian: near an inflection the curvature says nothing of the distance.
LONGEST = 4.0
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
        Half g'H^-1 g at the end: the estimated gap to the minimum.
    duals
        Per term the smallest eigenvalue of the dual on the null space of G, in working coordinates; infinite where G
        has full rank.
    """

    theta: Array
    evaluations: int
    converged: bool
    decrement: float
    duals: tuple[float, ...]


@dataclass(frozen=True)
class Problem:
    """The criterion in working coordinates as a function of the factors T, and its derivatives."""

    value: Callable[[Sequence[Array]], float]
    products: CrossProducts
    REML: bool

    def derivatives(self, blocks: Sequence[Array]) -> Derivatives:
        """Exact derivatives at the given factors."""
        return derivatives(self.products, blocks, self.REML)


def optimise(design: Design, method: str, REML: bool) -> Optimum:
    """Minimise the criterion over theta, evaluated by the path `method`.

    Raises
    ------
    ModelError
        The least-squares residual is zero to rounding: the criterion has no minimum.
    """
    check_residual(design)
    if not design.terms:
        return Optimum(np.zeros(0), 1, True, 0.0, ())
    standard = standardise(design)
    prepared = prepare(standard.design, method)
    count = 0

    def value(blocks: Sequence[Array]) -> float:
        nonlocal count
        count += 1
        return criterion(design, profile(prepared, theta_of(blocks)), REML)

    problem = Problem(value, cross_products(standard.design), REML)
    blocks = factors(standard.design.terms, start(design))
    for _ in range(sum(len(T) for T in blocks) + 1):
        blocks, decrement = newton(problem, blocks)
        roots = [reduced_root(T) for T in blocks]
        blocks = lowered(problem, blocks, [lower_trapezoid(root) for root in roots])
        directions = [null_dual(T, S) for T, S in zip(blocks, problem.derivatives(blocks).duals, strict=True)]
        smallest = tuple(value for value, _ in directions)
        escaped = escape(problem, blocks, directions)
        if escaped is None:
            break
        blocks = escaped
    theta = theta_of(original(standard.scales, [reduced_root(T) for T in blocks]))
    f = abs(value(blocks))
    return Optimum(theta, count, decrement <= NOISE * max(1.0, f) and escaped is None, decrement, smallest)


def check_residual(design: Design) -> None:
    """Refuse a response that the fixed effects fit without residual."""
    y = design.y if design.offset is None else design.y - design.offset
    beta = linalg.lstsq(design.X, y)[0]
    residual = y - design.X @ beta
    if np.abs(residual).max() <= 100 * EPS * max(np.abs(y).max(), np.finfo(float).tiny):
        raise ModelError("the fixed effects fit the response without residual; there is no variance to estimate")


def newton(problem: Problem, blocks: Sequence[Array]) -> tuple[list[Array], float]:
    """Descend to a stationary point of theta's chart by damped Newton steps; also the last decrement."""
    blocks = list(blocks)
    widths = [len(T) for T in blocks]
    f = problem.value(blocks)
    decrement = np.inf
    for _ in range(MAXIMUM_STEPS):
        at = problem.derivatives(blocks)
        curvature, axes = linalg.eigh(at.hessian)
        floor = 1e-10 * max(np.abs(curvature).max(), EPS)
        along = axes.T @ at.gradient
        newton_step = along / np.maximum(np.abs(curvature), floor)
        decrement = float(along @ newton_step / 2)
        step = -axes @ np.clip(newton_step, -LONGEST, LONGEST)
        slope = float(at.gradient @ step)
        allowance = NOISE * max(1.0, abs(f))
        fraction, moved = 1.0, None
        while fraction > 1e-10:
            trial = split(theta_of(blocks) + fraction * step, widths)
            f_trial = problem.value(trial)
            if f_trial <= f + 1e-4 * fraction * slope + allowance:
                moved = trial
                break
            fraction /= 2
        if moved is None:
            break
        blocks, f = moved, f_trial
        if decrement <= DECREMENT * max(1.0, abs(f)):
            break
    return blocks, decrement


def reduced_root(T: Array) -> Array:
    """Root (c, r) of G = T T' without the directions of negligible variance."""
    left, singular, _ = linalg.svd(T)
    kept = singular**2 > RANK * max(1.0, float(singular.max() ** 2))
    return np.asarray(left[:, kept] * singular[kept])


def lowered(problem: Problem, blocks: Sequence[Array], candidate: Sequence[Array]) -> list[Array]:
    """Give the candidate if its criterion is not above that of the blocks, else the blocks."""
    f = problem.value(blocks)
    return list(candidate if problem.value(candidate) <= f + NOISE * max(1.0, abs(f)) else blocks)


def null_dual(T: Array, S: Array) -> tuple[float, Array]:
    """Smallest eigenvalue of S on the null space of T T', and its direction (c,)."""
    left, singular, _ = linalg.svd(T)
    null = left[:, singular**2 <= RANK * max(1.0, float(singular.max() ** 2))]
    if null.shape[1] == 0:
        return np.inf, np.zeros(len(T))
    eigenvalues, vectors = linalg.eigh(null.T @ S @ null)
    return float(eigenvalues[0]), null @ vectors[:, 0]


def escape(problem: Problem, blocks: Sequence[Array], directions: Sequence[tuple[float, Array]]) -> list[Array] | None:
    """Leave a false minimum along the most negative dual; None where all duals are positive."""
    worst = int(np.argmin([value for value, _ in directions]))
    value, direction = directions[worst]
    f = problem.value(blocks)
    if value >= -1e-6:
        return None
    for power in range(0, -40, -1):
        trial = list(blocks)
        trial[worst] = lower_trapezoid(np.column_stack([blocks[worst], 2.0 ** (power / 2) * direction]))
        if problem.value(trial) < f - NOISE * max(1.0, abs(f)):
            return trial
    return None
