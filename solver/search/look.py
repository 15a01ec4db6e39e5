"""A look around an optimum by values of the criterion alone.

The search of every path takes its derivatives from one elimination. So that a path is a witness of theta too, and not
of the criterion only, its values are taken on both sides of the optimum along the axes of the Hessian, and where the
parabolas through them have their minimum: axes and step lengths decide where the look is cast, not what it sees.

Let nu be the noise of the criterion, and eta the step along an axis of curvature kappa at whose end it rises by
sqrt(nu), eta^2 kappa / 2 = sqrt(nu). The slope from both sides is off by nu / eta for rounding, and by eta^2 mu / 6 for
a third derivative mu. An error zeta of the slope costs zeta^2 / (2 kappa) of the criterion: nu^(3/2) / 4 and, where
kappa = 1, nu mu^2 / 18 (theory.md, 41). That is no more than the noise, so that a gap above the noise is seen.
"""

import math
from collections.abc import Callable

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import chain, split, theta_of
from relmer.solver.search.objective import NOISE, Objective, Point, newton_step

# Looks in a row that may find a lower point; each takes Newton's step by differences.
LOOKS = 8
# Curvature, relative to the largest, of an axis along which the criterion is flat.
FLAT = 1e-10


def look_around(objective: Objective, here: Point) -> Point:
    """Walk to the lowest point that values of the criterion alone lead to; `here` itself if they lead nowhere."""
    for _ in range(LOOKS):
        lower = lower_point(objective, here)
        if lower is None:
            break
        here = lower
    return here


def lower_point(objective: Objective, here: Point) -> Point | None:
    """A point near `here` whose criterion is lower by more than its noise; None if the look finds none."""
    noise = NOISE * here.size
    widths = [len(T) for T in here.blocks]
    theta = theta_of(here.blocks)
    step = newton_step(*chain(here.blocks, *objective.curvature(here)))
    curvatures = np.abs(step.curvatures)
    curved = curvatures > FLAT * curvatures.max()
    lengths = np.sqrt(2.0 * math.sqrt(noise) / np.where(curved, curvatures, 1.0))

    def at(moved: Array) -> Point:
        return objective.at(split(theta + moved, widths))

    candidates = []
    slide = np.zeros(len(theta))
    for axis, eta in zip(step.axes.T, lengths, strict=True):
        sides = [point for side in (eta, -eta) if (point := tried(at, side * axis)) is not None]
        candidates += sides
        if len(sides) == 2:
            slope, bend = (sides[0].value - sides[1].value) / 2, sides[0].value + sides[1].value - 2 * here.value
            slide -= eta * slope / bend * axis if bend > noise else 0.0
    candidates += [point for point in [tried(at, slide)] if point is not None]
    lowest = min(candidates, key=lambda point: point.value, default=here)
    return lowest if lowest.value < here.value - noise else None


def tried(at: Callable[[Array], Point], moved: Array) -> Point | None:
    """The criterion at a step away; None where it cannot be evaluated."""
    try:
        return at(moved)
    except ModelError:
        return None
