"""Where a search begins if no theta is given, at the moment estimate, and where else a minimum may be."""

from collections.abc import Sequence

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.paths import parts
from relmer.solver.search.moments import Moments
from relmer.solver.search.objective import Objective, Point
from relmer.solver.search.term_parts import Par

# Multiples of T = I at which other minima are looked for.
RAY: Array = 4.0 ** np.arange(-2.0, 4.0)
# Where the search begins again after a singular minimum of few effects, as multiples of T = I, and by what the minimum
# is raised. Of 8,360 drawn designs of 24 to 60 rows the first search missed the lowest minimum of 13, all of them with
# a singular minimum; one of the four found each.
AGAIN = (0.1, 1.0, 3.0)
RAISED = 0.5
FEW = 300
# Values of rho, as parts of the way to its bounds, from which a search with a structure begins too.
CORRELATED = (-0.7, 0.7)


def begin(objective: Objective, found: Moments, start: Sequence[Array] | None) -> Point:
    """Start at the given parts, else at the moment estimate, else, if that is no better than G = 0, at G = I."""
    if start is not None:
        return objective.at(start)
    parts_of = objective.coordinates.parts
    if found.G is not None:
        there = objective.at([part.near(G) for part, G in zip(parts_of, found.G, strict=True)])
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
    pairs = zip(objective.coordinates.parts, here.blocks, strict=True)
    raised = objective.at([part.raised(own, RAISED) for part, own in pairs])
    return [raised, *(at_multiple(objective, scale) for scale in AGAIN)]


def correlated(objective: Objective) -> list[Point]:
    """Where rho of a structure is far from zero, on either side: in rho the criterion may have several minima."""
    if not any(isinstance(part, Par) and part.has_rho for part in objective.coordinates.parts):
        return []
    return [at_multiple(objective, 1.0, rho) for rho in CORRELATED]


def at_multiple(objective: Objective, scale: float, rho: float = 0.0) -> Point:
    """The criterion at a multiple of T = I, and with rho so far to its bounds."""
    return objective.at([part.multiple(scale, rho) for part in objective.coordinates.parts])
