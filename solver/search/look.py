"""A look around an optimum by values of the criterion alone.

The search of every path takes its derivatives from one elimination. So that a path is a witness of theta too, and not
of the criterion only, its values are taken on both sides of the optimum along the axes of the Hessian, and where the
parabolas through them have their minimum: axes and step lengths decide where the look is cast, not what it sees.

Let nu be the noise of the criterion, and eta the step along an axis of curvature kappa at whose end it rises by
sqrt(nu), eta^2 kappa / 2 = sqrt(nu). The slope from both sides is off by nu / eta for rounding, and by eta^2 mu / 6 for
a third derivative mu. An error zeta of the slope costs zeta^2 / (2 kappa) of the criterion: nu^(3/2) / 4 and, where
kappa = 1, nu mu^2 / 18 (theory.md, 41). That is no more than the noise, so that a gap above the noise is seen.

V written out loses digits as its condition grows, so the noise is measured too: steps of a hundred-thousandth of these
change the criterion by 1e-10 sqrt(nu), which is nothing; what its values differ by there is their rounding.
"""

import math
from collections.abc import Callable

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.search.objective import NOISE, Objective, Point

# Looks in a row that may find a lower point; each takes Newton's step by differences.
LOOKS = 8
# Curvature, relative to the largest or to one, of an axis along which the criterion is flat: a degree of freedom has a
# curvature of about one, and where REML sees nothing of any variance there is no other.
FLAT = 1e-10
# Steps at which the noise is measured, in units of those of the look, and how many times the range of the nine values
# counts: of 20 million looks with normal noise along six axes one in 200,000 then saw a lower point that is none.
SHORT = 1e-5 * np.array([-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0])
RANGES = 5.0


def look_around(objective: Objective, here: Point) -> Point:
    """Walk to the lowest point that values of the criterion alone lead to; `here` itself if they lead nowhere."""
    if not math.isfinite(here.value):
        return here
    for _ in range(LOOKS):
        lower = lower_point(objective, here)
        if lower is None:
            break
        here = lower
    return here


def lower_point(objective: Objective, here: Point) -> Point | None:
    """A point near `here` whose criterion is lower by more than its noise; None if the look finds none."""
    x = objective.coordinates.joined(here.blocks)
    step = objective.unbounded_step(here)
    curvatures = np.abs(step.curvatures)
    curved = np.where(curvatures > FLAT * max(1.0, curvatures.max()), curvatures, 1.0)

    def at(moved: Array) -> Point:
        return objective.moved(np.clip(x + moved, *objective.coordinates.bounds))

    least = NOISE * here.size
    noise = max(least, measured_noise(at, here, step.axes @ lengths(least, curved)))
    candidates = []
    slide = np.zeros(len(x))
    for axis, eta in zip(step.axes.T, lengths(noise, curved), strict=True):
        sides = [point for side in (eta, -eta) if (point := tried(at, side * axis)) is not None]
        candidates += sides
        if len(sides) == 2:
            slope, bend = (sides[0].value - sides[1].value) / 2, sides[0].value + sides[1].value - 2 * here.value
            slide -= eta * slope / bend * axis if bend > noise else 0.0
    candidates += [point for point in [tried(at, slide)] if point is not None]
    lowest = min(candidates, key=lambda point: point.value, default=here)
    return lowest if lowest.value < here.value - noise else None


def lengths(noise: float, curvatures: Array) -> Array:
    """Steps along axes of these curvatures at whose ends the criterion rises by the root of its noise."""
    return np.asarray(np.sqrt(2.0 * math.sqrt(noise) / curvatures))


def measured_noise(at: Callable[[Array], Point], here: Point, step: Array) -> float:
    """What values of the criterion may differ by for rounding, near `here`; `step` is one of the look."""
    points = [tried(at, part * step) for part in SHORT]
    values = [here.value, *(point.value for point in points if point is not None)]
    return RANGES * (max(values) - min(values))


def tried(at: Callable[[Array], Point], moved: Array) -> Point | None:
    """The criterion at a step away; None where it cannot be evaluated."""
    try:
        point = at(moved)
    except ModelError:
        return None
    return point if math.isfinite(point.value) else None
