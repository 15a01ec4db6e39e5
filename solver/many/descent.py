"""Newton's descents of many responses side by side, each from a theta of its own, by the rules of `search`.

Every response takes its own steps and ends for itself. What can't be shown to be a regular minimum, or a singular one
with its duals, is left to the search of one response.
"""

from dataclasses import dataclass

import numpy as np

from relmer.solver.arrays import Array, Booleans
from relmer.solver.many.criterion import Values, derivatives_at, values_at
from relmer.solver.many.rows import Responses, Shared
from relmer.solver.search import EPS, FLAT, FLATTEST, LONGEST, NOISE, SETTLED

# Steps after which a response is left to the search of one.
MOST_STEPS = 60
# Times that a step is halved.
HALVINGS = 34


@dataclass(frozen=True)
class Ends:
    """Where descents ended: theta (m, k), the criterion (m,), and whether what is left of the gap is rounding (m,)."""

    theta: Array
    value: Array
    settled: Booleans


def descend(shared: Shared, of: Responses, REML: bool, begun: Array, enough: float = SETTLED) -> Ends:
    """Descend from theta (m, k) until what is left to gain is below `enough`."""
    m = len(begun)
    theta, settled = begun.copy(), np.zeros(m, dtype=bool)
    left, own, at = np.arange(m), of, values_at(shared, of, REML, begun)
    value = at.value.copy()
    previous, least = np.full(m, np.inf), np.full(m, np.inf)
    for _ in range(MOST_STEPS):
        step = step_at(shared, own, REML, theta[left], at)
        noise = NOISE * at.size
        hidden = (step.decrement <= noise) & (step.decrement > least / 4)
        ended = ~step.known | (step.decrement <= enough) | hidden
        settled[left[ended & step.known & step.regular]] = True
        # After full steps decrements fall as their squares: the step after which nothing is left is the last.
        with np.errstate(invalid="ignore"):
            ratio = np.where(np.isfinite(previous), (step.decrement / previous) ** 2, FLATTEST * step.decrement)
            last = step.full & (step.decrement * np.minimum(1.0, ratio) <= 1e-4 * enough)
        moved, there, full = advanced(shared, own, REML, theta[left], at, step, noise, ~ended)
        lower = ~ended & np.isfinite(there.value)
        theta[left[lower]], value[left[lower]] = moved[lower], there.value[lower]
        settled[left[lower & last & full & step.regular]] = True
        going = lower & ~(last & full)
        if not going.any():
            break
        previous = np.where(full & step.full, step.decrement, np.inf)[going]
        least = np.minimum(least, step.decrement)[going]
        if going.all():
            at = there
        else:
            left = left[going]
            at, own = there.taken(going), own.taken(going)
    return Ends(theta=theta, value=value, settled=settled)


@dataclass(frozen=True)
class Steps:
    """Newton's steps.

    Attributes
    ----------
    step
        (m, k).
    slope, decrement
        Of the criterion along it, and what it promises (m,).
    known
        Whether there are derivatives.
    full
        Whether no axis was too long.
    regular
        Whether every curvature counts.
    """

    step: Array
    slope: Array
    decrement: Array
    known: Booleans
    full: Booleans
    regular: Booleans


def step_at(shared: Shared, of: Responses, REML: bool, theta: Array, at: Values) -> Steps:
    """Newton's steps from theta (m, k), curvatures counting by their size (theory.md, 39)."""
    found = derivatives_at(shared, of, REML, theta, at)
    known = np.isfinite(at.value) & np.isfinite(found.hessian).all(axis=(1, 2))
    curvatures, axes = np.linalg.eigh(np.where(known[:, None, None], found.hessian, 0.0))
    gradient = np.where(known[:, None], found.gradient, 0.0)
    along = (gradient[:, None] @ axes)[:, 0]
    sizes = np.abs(curvatures)
    floor = FLAT * np.maximum(sizes.max(axis=1, keepdims=True), EPS)
    lengths = along / np.maximum(sizes, floor)
    reach = np.maximum(LONGEST, np.abs(theta).max(axis=1, keepdims=True))
    taken = np.clip(lengths, -reach, reach)
    step = -(axes @ taken[:, :, None])[:, :, 0]
    return Steps(
        step=step,
        slope=np.einsum("ma,ma->m", gradient, step),
        decrement=np.where(known, np.einsum("ma,ma->m", along, lengths) / 2, np.inf),
        known=known,
        full=(taken == lengths).all(axis=1),
        regular=(curvatures > floor).all(axis=1),
    )


def advanced(
    shared: Shared, of: Responses, REML: bool, theta: Array, at: Values, step: Steps, noise: Array, going: Booleans
) -> tuple[Array, Values, Booleans]:
    """Where the steps lead, halved until the criterion falls; infinite where it never does; and which were whole."""
    moved = theta + step.step
    there = values_at(shared, of, REML, moved)
    fraction = np.ones(len(theta))
    for _ in range(HALVINGS):
        # Once a step promises less than rounding hides, the criterion cannot judge it; the derivatives can.
        falls = there.value <= at.value + 1e-4 * fraction * step.slope + noise
        bad = np.flatnonzero(going & ~(falls | ((step.decrement <= noise) & np.isfinite(there.value))))
        if not len(bad):
            break
        fraction[bad] /= 2
        moved[bad] = theta[bad] + fraction[bad, None] * step.step[bad]
        there.put(bad, values_at(shared, of.taken(bad), REML, moved[bad]))
    else:
        there.value[bad] = np.inf
    return moved, there, fraction == 1.0
