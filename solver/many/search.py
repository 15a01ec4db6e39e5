"""The lowest minimum of each of many responses, where it can be shown; else the response is left to `search`.

Descents begin where `search` begins them (`starts`): along the ray of the multiples of T = I, at a theta that is given,
around singular minima, and at zero. An end counts if its gap is rounding, all curvatures are positive, and no dual is
negative on the null space of a G (theory.md, 37).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relmer.solver.algebra import RANK, lower_triangle
from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.many.around import around_circles, at_zero
from relmer.solver.many.criterion import derivatives_at, values_at
from relmer.solver.many.descent import Ends, descend
from relmer.solver.many.rows import Responses, Shared, lower
from relmer.solver.search import AGAIN, NEGATIVE, NOISE, RAISED, RAY

# Part of y0's square that X and Z leave at least, as in `paths.spanned`: else sigma is a difference.
MUCH = 1e-4


@dataclass(frozen=True)
class Found:
    """theta (m, k) in working coordinates, and which are shown to be minima, and singular (m,)."""

    theta: Array
    shown: Booleans
    singular: Booleans


def lowest(shared: Shared, of: Responses, REML: bool, start: Array) -> Found:
    """The lowest minimum of each response, searched from theta (k,) too."""
    m = len(of)
    one = identity(shared)
    along = np.stack([values_at(shared, of, REML, np.tile(scale * one, (m, 1))).value for scale in RAY], axis=1)
    framed = np.pad(along, ((0, 0), (1, 1)), constant_values=np.inf)
    minima = (framed[:, 1:-1] < framed[:, :-2]) & (framed[:, 1:-1] < framed[:, 2:])
    raised = np.where(one * start**2 < one * RANK, RAISED, start)
    at_start = values_at(shared, of, REML, np.tile(raised, (m, 1))).value
    best = RAY[np.argmin(along, axis=1)][:, None] * one
    nearer = at_start < along.min(axis=1)
    begun = np.where(nearer[:, None], raised, best)
    found = ended(shared, of, REML, begun)
    others = [(np.flatnonzero(minima[:, j] & (minima.sum(axis=1) > 1)), scale * one) for j, scale in enumerate(RAY)]
    found = again(shared, of, REML, found, others)
    again_at = np.flatnonzero(found.singular)
    lifted = [(again_at, scale * one) for scale in AGAIN]
    others = [(again_at, found.ends.theta[again_at] + RAISED * one), *lifted]
    others += around_circles(shared, of, REML, found.ends.theta, found.singular)
    found = again(shared, of, REML, found, others)
    return again(shared, of, REML, found, at_zero(shared, of, REML, found.ends.value)).found


def identity(shared: Shared) -> Array:
    """theta (k,) of T = I of every term."""
    return np.concatenate([np.eye(width)[lower_triangle(width)] for width in shared.widths])


@dataclass(frozen=True)
class Ended:
    """Ends without their negligible variances, which of them are minima, and singular."""

    ends: Ends
    shown: Booleans
    singular: Booleans

    @property
    def found(self) -> Found:
        """What the search tells."""
        return Found(theta=self.ends.theta, shown=self.shown, singular=self.singular)


def again(shared: Shared, of: Responses, REML: bool, found: Ended, begun: Sequence[tuple[Integers, Array]]) -> Ended:
    """The lower of what was found and what others lead to, pairs of which responses begin again at which theta."""
    theta, value, settled = found.ends.theta.copy(), found.ends.value.copy(), found.ends.settled.copy()
    shown, singular = found.shown.copy(), found.singular.copy()
    for which, at in begun:
        if not len(which):
            continue
        there = ended(shared, of.taken(which), REML, np.broadcast_to(at, (len(which), theta.shape[1])))
        below = there.ends.value < value[which] - NOISE * np.maximum(1.0, np.abs(value[which]))
        at_below = which[below]
        theta[at_below], value[at_below] = there.ends.theta[below], there.ends.value[below]
        settled[at_below], shown[at_below] = there.ends.settled[below], there.shown[below]
        singular[at_below] = there.singular[below]
    return Ended(Ends(theta=theta, value=value, settled=settled), shown=shown, singular=singular)


def ended(shared: Shared, of: Responses, REML: bool, begun: Array) -> Ended:
    """Descend, and see what was reached."""
    ends = descend(shared, of, REML, begun)
    cleared, null = without_little(shared, ends.theta)
    at = values_at(shared, of, REML, cleared)
    kept = null & (at.value <= ends.value + NOISE * at.size)
    theta = np.where(kept[:, None], cleared, ends.theta)
    value = np.where(kept, at.value, ends.value)
    shown = ends.settled.copy()
    which = np.flatnonzero(kept)
    if len(which):
        own = of.taken(which)
        here = values_at(shared, own, REML, theta[which])
        slopes = derivatives_at(shared, own, REML, theta[which], here).slopes
        shown[which] &= least_dual(shared, theta[which], slopes) >= NEGATIVE
    return Ended(Ends(theta=theta, value=value, settled=ends.settled), shown=shown, singular=kept)


def without_little(shared: Shared, theta: Array) -> tuple[Array, Booleans]:
    """theta without its directions of little variance, and where there are any (m,)."""
    found, some, start = [], np.zeros(len(theta), dtype=bool), 0
    for width in shared.widths:
        i, j = lower_triangle(width)
        own = theta[:, start : start + len(i)]
        start += len(i)
        if width == 1:
            little = own[:, 0] ** 2 <= RANK
            found.append(np.where(little[:, None], 0.0, own))
            some |= little
            continue
        T = np.zeros((len(theta), width, width))
        T[:, i, j] = own
        left, sizes, _ = np.linalg.svd(T)
        little = sizes**2 <= RANK * np.maximum(1.0, sizes[:, :1] ** 2)
        if not little.any():
            found.append(own)
            continue
        without = lower(left * np.where(little, 0.0, sizes)[:, None])
        found.append(np.where(little.any(axis=1)[:, None], without[:, i, j], own))
        some |= little.any(axis=1)
    return np.concatenate(found, axis=1), some


def least_dual(shared: Shared, theta: Array, slopes: Array) -> Array:
    """The smallest eigenvalue (m,) of a dual on the null space of its G, from df/dgamma (m, k)."""
    least, start = np.full(len(theta), np.inf), 0
    for width in shared.widths:
        i, j = lower_triangle(width)
        own = slice(start, start + len(i))
        start += len(i)
        T = np.zeros((len(theta), width, width))
        T[:, i, j] = theta[:, own]
        dual = np.zeros_like(T)
        dual[:, i, j] = dual[:, j, i] = slopes[:, own] / np.where(i == j, 1.0, 2.0)
        left, sizes, _ = np.linalg.svd(T)
        null = sizes**2 <= RANK * np.maximum(1.0, sizes[:, :1] ** 2)
        turned = left.transpose(0, 2, 1) @ dual @ left
        # What is no direction of the null space has a dual that is never the least.
        outside = np.where(null, 0.0, np.inf)
        masked = np.where(null[:, :, None] & null[:, None], turned, 0.0)
        far = 1.0 + np.abs(masked).max(axis=(1, 2), initial=0.0)
        masked += np.where(np.isinf(outside), far[:, None], 0.0)[:, :, None] * np.eye(width)
        smallest = np.linalg.eigvalsh(masked)[:, 0]
        least = np.where(null.any(axis=1), np.minimum(least, smallest), least)
    return least


def is_plain(shared: Shared, of: Responses, y0: Array) -> Booleans:
    """Which responses (m,), of squares y0 (m,) about their least squares, X and Z surely leave something of."""
    p = shared.Q.shape[1]
    if not p:
        return of.A_yy > MUCH * y0
    beta = np.linalg.lstsq(of.A_xx, of.A_xy.T, rcond=1e-12)[0].T
    return np.asarray(of.A_yy - np.einsum("mx,mx->m", beta, of.A_xy) > MUCH * y0)
