"""Where a search begins if no theta is given, at the moment estimate, and where else a minimum may be."""

from collections.abc import Sequence

import numpy as np

from relmer.solver.algebra import lower_trapezoid, positive
from relmer.solver.arrays import Array
from relmer.solver.paths import parts, working_roots
from relmer.solver.search.moments import Moments
from relmer.solver.search.objective import Objective, Point

# Multiples of T = I at which other minima are looked for.
RAY: Array = 4.0 ** np.arange(-2.0, 4.0)
# Where the search begins again after a singular minimum of few effects, as multiples of T = I, and by what the minimum
# is raised. Of 8,360 drawn designs of 24 to 60 rows the first search missed the lowest minimum of 13, all of them with
# a singular minimum; one of the four found each.
AGAIN = (0.1, 1.0, 3.0)
RAISED = 0.5
FEW = 300


def begin(objective: Objective, found: Moments, start: Sequence[Array] | None) -> Point:
    """Start at the given roots, else at the moment estimate, else, if that is no better than G = 0, at G = I."""
    if start is not None:
        return objective.at([lower_trapezoid(root) for root in working_roots(objective.reduced.scales, start)])
    if found.G is not None:
        there = objective.at([positive(G) for G in found.G])
        if there.value < sum(objective.parts(found.at)):
            return there
    return at_multiple(objective, 1.0)


def along_ray(objective: Objective) -> list[Point]:
    """Where the criterion is lowest among its neighbours on the ray of the multiples of T = I, if more than once.

    Two minima need a ridge between them: random effects that explain little and leave sigma large, or much.
    """
    logdet, diagonal = objective.structure.elimination.ray(RAY**2)
    logdet_RX = 2.0 * np.log(diagonal[:, :-1]).sum(axis=1) + objective.constant
    along = zip(logdet.tolist(), logdet_RX.tolist(), (diagonal[:, -1] ** 2).tolist(), strict=True)
    values = [np.inf, *(sum(parts(objective.design, objective.REML, *each)) for each in along), np.inf]
    objective.evaluations += len(RAY)
    lowest = [scale for k, scale in enumerate(RAY, 1) if values[k] < min(values[k - 1], values[k + 1])]
    return [at_multiple(objective, scale) for scale in lowest] if len(lowest) > 1 else []


def off_face(objective: Objective, here: Point) -> list[Point]:
    """Regular points around a singular minimum: few effects may leave several faces a minimum of their own."""
    raised = objective.at([lower_trapezoid(np.column_stack([T, RAISED * np.eye(len(T))])) for T in here.blocks])
    return [raised, *(at_multiple(objective, scale) for scale in AGAIN)]


def at_multiple(objective: Objective, scale: float) -> Point:
    """The criterion at a multiple of T = I."""
    return objective.at([scale * np.eye(len(C)) for C in objective.reduced.scales])
