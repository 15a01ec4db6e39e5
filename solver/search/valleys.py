"""Valleys: changes of G with which V hardly changes, straight in G and curved in theta.

With a slope's covariate 1 + e x, and e small, of the variance of (1 | g) and that of (0 + xx | g) only the sum counts
to the first order: the criterion falls along the valley by the order of e, and is lowest at an end of it, or between.
"""

from collections.abc import Sequence

import numpy as np

from relmer.solver.algebra import lower_trapezoid, reduced_root, spectral_root
from relmer.solver.arrays import Array
from relmer.solver.search.objective import NOISE, Objective, Point

# Part of a G that stands for zero where it is asked how far it can change, and by how many times itself it may.
NULL, LONGEST = 1e-12, 4.0


def slid(objective: Objective, here: Point, duals: Sequence[Array]) -> Point | None:
    """A lower point along a change of G with which V hardly changes; None if there is none.

    Such a valley is straight in G, and curved in theta, where a step along it is a step out of it. It is followed to
    its end, where G loses a direction, and to the lowest point of the parabola through that end.
    """
    noise = NOISE * here.size
    G = [T @ T.T for T in here.blocks]
    for direction in objective.level:
        changes = direction.at(G)
        slope = sum(float(np.vdot(dual, E)) for dual, E in zip(duals, changes, strict=True))
        if slope > 0:
            changes = [-E for E in changes]
        end = farthest(G, changes)
        fall = abs(slope) * end
        if not fall > noise:
            continue
        last = moved(objective, G, changes, end)
        bend = last.value - here.value + fall
        between = moved(objective, G, changes, end * fall / (2 * bend)) if 2 * bend > fall else last
        lowest = min(last, between, key=lambda point: point.value)
        if lowest.value < here.value - noise:
            return lowest
    return None


def farthest(G: Sequence[Array], changes: Sequence[Array]) -> float:
    """The largest t for which every G + t E is positive semi-definite, of a change by no more than LONGEST times G."""
    largest = max(float(np.abs(E).max()) for E in changes)
    if largest == 0.0:
        return 0.0
    end = LONGEST * max(1.0, *(float(each.max()) for each in G)) / largest
    for each, E in zip(G, changes, strict=True):
        half = np.linalg.cholesky(each + NULL * max(1.0, float(np.trace(each))) * np.eye(len(each)))
        turned = np.linalg.solve(half, np.linalg.solve(half, E).T)
        least = float(np.linalg.eigvalsh(turned)[0])
        if least * end < -1.0:
            end = -1.0 / least
    return end


def moved(objective: Objective, G: Sequence[Array], changes: Sequence[Array], t: float) -> Point:
    """The point at G + t E, without the directions that this leaves no variance."""
    roots = [
        reduced_root(spectral_root(*np.linalg.eigh(each + t * E), 0.0)) for each, E in zip(G, changes, strict=True)
    ]
    return objective.at([lower_trapezoid(root) for root in roots])
