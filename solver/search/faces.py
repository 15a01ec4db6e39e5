"""Faces: G without directions of its own, where a search goes on in fewer entries, and when it must not stay there.

A G of rank r is T T' with r columns of T that are not zero; the others stay zero, for the criterion is even in each of
them. So a direction that G loses is held out of what follows, and what decides whether it was lost rightly is its dual
once the rest is settled (theory.md, 37).
"""

from collections.abc import Sequence

import numpy as np

from relmer.solver.algebra import lower_trapezoid
from relmer.solver.arrays import Array
from relmer.solver.search.objective import NOISE, Objective, Point
from relmer.solver.search.term_parts import Probe

# Eigenvalue of a working G, relative to the largest one, or to 1, at which a direction may be lost in mid search if the
# criterion is lower without it. Near zero Newton's steps along it are short. Of 28 models with 22 to 361 entries that
# are mostly zero at the minimum 1e-4 took the fewest steps; at 1e-2 one ended in a higher minimum.
LITTLE = 1e-4


def held_out(objective: Objective, here: Point, duals: Sequence[Array]) -> Point | None:
    """The point without its directions of little variance; None if there are none, or the criterion is no lower.

    Only directions count whose dual was positive at the point before, which has these duals. No term has a structure.
    """
    roots = [without_little(T, dual) for T, dual in zip(here.blocks, duals, strict=True)]
    if all(root is None for root in roots):
        return None
    blocks = [T if root is None else lower_trapezoid(root) for T, root in zip(here.blocks, roots, strict=True)]
    there = objective.at(blocks)
    return there if there.value < here.value else None


def without_little(T: Array, dual: Array) -> Array | None:
    """Root (c, m) of G = T T' without the directions of little variance and positive dual; None if there are none."""
    left, singular, _ = np.linalg.svd(T)
    variances = singular**2
    little = (variances > 0) & (variances < LITTLE * max(1.0, variances[0]))
    if not little.any():
        return None
    little &= np.einsum("ia,ij,ja->a", left, dual, left) > 0
    return np.asarray(left[:, ~little] * singular[~little]) if little.any() else None


def on_face(objective: Objective, here: Point) -> Point | None:
    """The point without its negligible variances.

    None if there are none and no bound is reached, or if the criterion rises without them.
    """
    pairs = list(zip(objective.coordinates.parts, here.blocks, strict=True))
    if all(part.is_inside(own) for part, own in pairs):
        return None
    there = objective.at([part.cleared(own) for part, own in pairs])
    return there if there.value <= here.value + NOISE * here.size else None


def has_a_slope(objective: Objective, singular: Point) -> bool:
    """Whether Newton's step at a singular point gains more than rounding, once each T has its columns of zeros last.

    A T with a zero on its diagonal before another column hides a slope: with T_11 = 0 no entry of T turns v of G = v v'
    towards its first coordinate to first order, though that changes G.
    """
    if not objective.coordinates.free:
        return False
    step = objective.newton_step(singular, objective.coordinates.joined(singular.blocks), np.inf)
    return step.decrement > NOISE * singular.size


def probed(objective: Objective, here: Point) -> list[Probe]:
    """How the criterion rises least from the bounds of every term at a point."""
    duals = objective.curvature(here)[0]
    triples = zip(objective.coordinates.parts, here.blocks, duals, strict=True)
    return [part.probe(own, dual) for part, own, dual in triples]


def escape(objective: Objective, here: Point, probes: Sequence[Probe]) -> Point | None:
    """Leave a false minimum on the way on which the criterion falls most; None where no step lowers it."""
    worst = int(np.argmin([probe.rise for probe in probes]))
    part = objective.coordinates.parts[worst]
    for power in range(0, -40, -1):
        blocks = list(here.blocks)
        blocks[worst] = part.along(blocks[worst], probes[worst], 2.0 ** (power / 2))
        trial = objective.at(blocks)
        if trial.value < here.value - NOISE * here.size:
            return trial
    return None
