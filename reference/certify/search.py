"""The search in doubles: where are the minima? Newton's method from many starts at once, on every face.

It proves nothing. What it finds is refined (`refine`) and proved by the kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from relmer.reference.certify.criterion import DOUBLES, Numbers, evaluate, numbers, transposed
from relmer.reference.certify.data import Array, Products
from relmer.reference.certify.factors import duals, in_factors

STARTS = 100
FACE_STARTS = 8
SEED = 2026
STEPS = 300
# A Newton decrement, relative to the criterion: the search is at the rounding of the gradient.
CONVERGED = 1e-20
# Of the largest eigenvalue of the Hessian: less than this is flat, as R is along R Q with Q orthogonal.
FLAT = 1e-8
# Of a factor in units in which Z'Z has diagonal blocks of 1 on average: a smaller singular value is zero.
ZERO = 1e-6
# Criteria and relative covariances that agree to this are of one point.
SAME, SAME_G = 1e-6, 1e-4


@dataclass(frozen=True)
class Stationary:
    """A stationary point that is not the lowest minimum.

    Attributes
    ----------
    criterion
        Its value there.
    ranks
        Of the covariance matrices.
    dual
        The smallest, not whitened, where the point is stationary on the face of its ranks: it says whether it is a
        minimum. None where it is a local minimum, to which the search among all matrices came.
    """

    criterion: float
    ranks: tuple[int, ...]
    dual: float | None


@dataclass(frozen=True)
class Found:
    """What the search has found.

    Attributes
    ----------
    G
        Relative covariance matrices at the lowest point.
    ranks
        Their ranks.
    criterion
        Its value there.
    tried, reached
        Starts, and how many of them ended there.
    elsewhere
        Other stationary points, the lowest first.
    """

    G: tuple[Array, ...]
    ranks: tuple[int, ...]
    criterion: float
    tried: int
    reached: int
    elsewhere: tuple[Stationary, ...]


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def search(exact: Products, REML: bool) -> Found:
    """Find the lowest minimum from lme4's start and 100 random ones, and what else is stationary on the way.

    Raises
    ------
    ValueError
        No start converged.
    """
    plain = numbers(exact, DOUBLES)
    data, units = whitened(plain)
    widths = exact.blocks.widths
    random = np.random.default_rng(SEED)
    begin = [
        np.concatenate([np.linalg.inv(unit)[None], drawn(random, STARTS, c, c)])
        for unit, c in zip(units, widths, strict=True)
    ]
    factors, values, arrived = minimise(data, begin, REML)
    if not arrived.any():
        raise ValueError("the search has not converged from any start")
    best = int(np.argmin(np.where(arrived, values, np.inf)))
    lowest = [R[best] for R in factors]
    same = arrived & (values < values[best] + SAME)
    for R, at_lowest in zip(factors, lowest, strict=True):
        G = R @ transposed(R)
        same &= np.abs(G - at_lowest @ at_lowest.T).max(axis=(1, 2)) < SAME_G * (1 + np.abs(G).max(axis=(1, 2)))
    # Points of one criterion are one point, rounded here as a certificate has it.
    elsewhere: dict[float, Stationary] = {}
    for ranks in faces(widths):
        for value, there in minima_on_face(data, ranks, REML, random):
            if value > values[best] + SAME:
                elsewhere[round(value, 6)] = Stationary(value, ranks, smallest_dual(plain, units, there, REML))
    for i in np.flatnonzero(arrived & ~same):
        value = float(values[i])
        elsewhere[round(value, 6)] = Stationary(value, ranks_of([R[i] for R in factors]), None)
    return Found(
        tuple(unit @ R @ R.T @ unit.T for unit, R in zip(units, lowest, strict=True)),
        ranks_of(lowest),
        float(values[best]),
        len(values),
        int(same.sum()),
        tuple(elsewhere[value] for value in sorted(elsewhere)),
    )


def whitened(data: Numbers) -> tuple[Numbers, list[Array]]:
    """Cross products in units in which each term's diagonal blocks of Z'Z are I on average, and these units.

    With the unit B of a term its columns of Z are Z B, and G = B G* B'.
    """
    blocks, units = data.blocks, []
    W = np.zeros((blocks.size, blocks.size))
    for start, width, levels in zip(blocks.starts, blocks.widths, blocks.levels, strict=True):
        places = [slice(start + k * width, start + (k + 1) * width) for k in range(levels)]
        all_places = np.concatenate([data.A[:, place, place] for place in places])
        present = all_places[np.trace(all_places, axis1=-2, axis2=-1) > 0]
        units.append(np.linalg.cholesky(np.linalg.inv(present.mean(axis=0))))
        for place in places:
            W[place, place] = units[-1]
    return replace(data, A=W.T @ data.A @ W, B=W.T @ data.B), units


def drawn(random: np.random.Generator, count: int, c: int, r: int) -> Array:
    """Random factors (count, c, r); each column is of a size of its own, from a hundredth to a thousand."""
    return random.standard_normal((count, c, r)) * 10 ** random.uniform(-2, 3, (count, 1, r))


def ranks_of(factors: Sequence[Array]) -> tuple[int, ...]:
    """Numerical ranks of factors."""
    return tuple(int(np.sum(np.linalg.svd(R)[1] > ZERO * np.abs(R).max(initial=1.0))) for R in factors)


def faces(widths: Sequence[int]) -> list[tuple[int, ...]]:
    """Ranks of all proper faces of the cone."""
    return [ranks for ranks in product(*(range(c + 1) for c in widths)) if ranks != tuple(widths)]


def minima_on_face(
    data: Numbers, ranks: tuple[int, ...], REML: bool, random: np.random.Generator
) -> list[tuple[float, list[Array]]]:
    """Minima within a face that are of its ranks: the criterion and the factors."""
    begin = [drawn(random, FACE_STARTS, c, r) for c, r in zip(data.blocks.widths, ranks, strict=True)]
    factors, values, arrived = minimise(data, begin, REML)
    found = [(float(values[i]), [R[i] for R in factors]) for i in np.flatnonzero(arrived)]
    return [(value, R) for value, R in found if ranks_of(R) == ranks]


def smallest_dual(data: Numbers, units: Sequence[Array], factors: Sequence[Array], REML: bool) -> float:
    """The smallest dual, not whitened, at a stationary point of a face."""
    R = [unit @ part for unit, part in zip(units, factors, strict=True)]
    found = duals(evaluate(data, [r @ r.T for r in R], REML), R)
    return min(dual for dual in found if dual is not None)


def minimise(data: Numbers, factors: Sequence[Array], REML: bool) -> tuple[list[Array], Array, Array]:
    """Newton's method with a trust radius, from all starts at once.

    The Hessian's eigenvalues are taken absolutely, which turns from a saddle; where the gradient has vanished at a
    saddle, the step goes along its steepest descent.

    Parameters
    ----------
    data
        The cross products, whitened.
    factors
        Starts R_j (s, c, r).

    Returns
    -------
    tuple
        Factors where it ended, the criterion there (s,), and whether it had converged to a minimum (s,).
    """
    shapes = [R.shape[1:] for R in factors]
    x = np.concatenate([transposed(R).reshape(len(R), -1) for R in factors], axis=1)
    value, gradient, hessian = expansion(data, x, shapes, REML)
    radius, arrived = np.ones(len(x)), np.zeros(len(x), dtype=bool)
    active = np.flatnonzero(np.isfinite(value))
    for _ in range(STEPS if x.shape[1] else 0):
        step, at_minimum = newton_step(value[active], gradient[active], hessian[active], radius[active])
        arrived[active] = at_minimum
        active, step = active[~at_minimum], step[~at_minimum]
        if len(active) == 0:
            break
        trial = expansion(data, x[active] + step, shapes, REML)
        better = trial[0] <= value[active] + 1e-13 * np.abs(value[active])
        taken = active[better]
        x[taken] += step[better]
        value[taken], gradient[taken], hessian[taken] = (part[better] for part in trial)
        length = np.linalg.norm(step, axis=1)
        radius[active] = np.where(better, np.maximum(radius[active], 2 * length), length / 4)
    return unpacked(x, shapes), value, arrived | (x.shape[1] == 0)


def newton_step(value: Array, gradient: Array, hessian: Array, radius: Array) -> tuple[Array, Array]:
    """Step within the radius (s, m), and whether there is none to make (s,)."""
    eigenvalues, vectors = np.linalg.eigh(hessian)
    flat = FLAT * np.abs(eigenvalues).max(axis=1, keepdims=True)
    slopes = (transposed(vectors) @ gradient[..., None])[..., 0]
    lengths = -slopes / np.maximum(np.abs(eigenvalues), flat)
    stationary = np.abs(slopes * lengths).sum(axis=1) < CONVERGED * (1 + np.abs(value))
    saddle = eigenvalues[:, 0] < -flat[:, 0]
    lengths[stationary & saddle, 0] = radius[stationary & saddle]
    size = np.linalg.norm(lengths, axis=1)
    lengths *= (radius / np.maximum(size, radius))[:, None]
    return (vectors @ lengths[..., None])[..., 0], stationary & ~saddle


def expansion(data: Numbers, x: Array, shapes: Sequence[tuple[int, int]], REML: bool) -> tuple[Array, Array, Array]:
    """Criterion, gradient and Hessian in the entries of the factors."""
    factors = unpacked(x, shapes)
    point = evaluate(data, [R @ transposed(R) for R in factors], REML)
    return (point.value, *in_factors(point, factors))


def unpacked(x: Array, shapes: Sequence[tuple[int, int]]) -> list[Array]:
    """Factors (s, c, r) from their entries, term after term, column by column (s, m)."""
    bounds = np.cumsum([0, *(c * r for c, r in shapes)])
    return [
        transposed(x[:, a:b].reshape(len(x), r, c)) for a, b, (c, r) in zip(bounds, bounds[1:], shapes, strict=False)
    ]
