"""Profile intervals by the definition, and what one loses who interpolates the profile by splines, as lme4 does."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from scipy import special

from relmer.reference.answers import Intervals
from relmer.reference.own_inference import profiled
from relmer.reports.evidence.landscape import Landscape
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Profile, profile

# lme4 profiles as far as the joint region of 0.99, in steps of an eighth.
JOINT, STEPS = 0.99, 8
# Knots beyond an end, and the phases in which they may stand.
BEYOND, PHASES = 2, (0.0, 0.5)
# lme4's knots are not these ones: an error of h^4 is at most so many times that of steps two fifths longer.
LONGER = 4.0
# Knots of which a spline is told.
FEWEST = 4
# A parabola falls no further than to a fifth of its middle slope.
STEADY = 0.8


@dataclass(frozen=True)
class Profiled:
    """The profile intervals of all parameters (k,) of a model; in vectors of ends (2k,) the lower ones stand first.

    Attributes
    ----------
    view
        Whose model it is.
    ends
        By the definition.
    """

    view: Landscape
    ends: Intervals

    @cached_property
    def profile(self) -> Profile:
        """By maximum likelihood."""
        return profile(self.view.fit)

    @property
    def z(self) -> float:
        """The normal quantile of the level."""
        return float(special.ndtri((1 + self.ends.level) / 2))

    @property
    def deviations(self) -> Array:
        """Which parameters are standard deviations (k,)."""
        return np.array([one.least == 0 and math.isinf(one.largest) for one in self.profile.parameters])

    @cached_property
    def vector(self) -> Array:
        """The ends (2k,)."""
        return np.array([*self.ends.lower, *self.ends.upper])

    @cached_property
    def inside(self) -> Array:
        """Which ends (2k,) are roots, and not the bound of what a parameter can be."""
        own = [*self.profile.parameters] * 2
        return np.array([one.least < end < one.largest for one, end in zip(own, self.vector, strict=True)])

    def zeta(self, said: Array) -> Array:
        """The signed roots of the deviance's rise at ends (2k,); NaN where it is not defined."""
        values = []
        for own, value in zip([*self.profile.parameters] * 2, said, strict=True):
            try:
                values.append(self.profile.zeta(own.old, float(value)))
            except ModelError:
                values.append(math.nan)
        return np.array(values)

    @cached_property
    def slopes(self) -> Array:
        """d zeta^2/dv = 2 z dzeta/dv at the ends (2k,), by a difference of a thousandth of the width; 0 at a bound."""
        width = np.tile(np.array(self.ends.upper) - np.array(self.ends.lower), 2)
        inwards = np.repeat([1.0, -1.0], len(width) // 2) * width * 1e-3
        moved = (self.z**2 - self.zeta(self.vector + inwards) ** 2) / np.abs(inwards)
        return np.asarray(np.where(self.inside, moved, 0.0))

    def moved(self, deviance: float) -> Array:
        """How far an error of the deviance, both at its least and at an end, moves the ends (2k,)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(self.inside, 2 * deviance / np.abs(self.slopes), 0.0))

    @cached_property
    def splines(self) -> Array:
        """How far interpolation moves the ends (2k,): what splines through exact values of the profile lose."""
        k = len(self.profile.parameters)
        step = math.sqrt(special.chdtri(k, 1 - JOINT)) / STEPS
        lost = np.zeros(2 * k)
        for place in np.flatnonzero(self.inside):
            lost[place] = LONGER * max(
                self.lost(int(place) % k, 1 if place >= k else -1, step, phase) for phase in PHASES
            )
        return lost

    def lost(self, j: int, side: int, step: float, phase: float) -> float:
        """What one set of knots loses of an end.

        As lme4's profile: zeta by a natural cubic spline through the knots, and back by a cubic from knot to knot with
        the inverse slopes. Where zeta does not rise from knot to knot no spline tells anything.
        """
        own, lower, upper = self.profile.parameters[j], self.ends.lower[j], self.ends.upper[j]
        end, z = (upper, self.z) if side > 0 else (lower, -self.z)
        middle = own.estimate if lower < own.estimate < upper else (lower + upper) / 2
        asked = side * step * (np.arange(-BEYOND, math.ceil(self.z / step) + BEYOND + 1) + phase)
        # Where zeta is about what is asked: on the parabola through the estimate and both ends, if it rises.
        rise, bend = (upper - lower) / (2 * self.z), (upper + lower - 2 * middle) / (2 * self.z**2)
        if 2 * abs(bend) * float(np.abs(asked).max()) > STEADY * rise:
            rise, bend = abs(end - middle) / self.z, 0.0
        knots = np.unique(middle + rise * asked + bend * asked**2)
        knots = knots[(knots > own.least) & (knots < own.largest)]
        zetas = np.array([self.profile.zeta(own.old, float(value)) for value in knots])
        if len(knots) < FEWEST or np.any(np.diff(zetas) <= 0):
            return math.inf
        slopes = scipy.interpolate.CubicSpline(knots, zetas, bc_type="natural")(knots, 1)
        if np.any(slopes <= 0):
            return math.inf
        back = scipy.interpolate.CubicHermiteSpline(zetas, knots, 1 / slopes)
        return abs(float(back(z)) - end)


def profiled_at(view: Landscape, level: float) -> Profiled | str:
    """The definition's intervals, kept for the next who asks; or why there are none."""
    key = ("profiled", level)
    if key not in view.remembered:
        try:
            view.remembered[key] = Profiled(view, profiled(view.fit, level))
        except ModelError as error:
            view.remembered[key] = str(error)
    found: Profiled | str = view.remembered[key]
    return found
