"""Faults of rung 6: profile intervals, of small models, as each takes a second."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from relmer.reference.answers import Answer, Intervals
from relmer.reports.evidence import Profiled, profiled_at

from .court import Court
from .fault import FIXED, FREE, GROUPED, Where, table
from .telling import Plant, Vector, plain

PROFILE, LEVEL = "profile interval", 0.95
MOST_ROWS = 40
SMALL = (
    FIXED
    & GROUPED
    & FREE
    & Where("there are few rows", lambda c: c.n <= MOST_ROWS)
    & Where("there is one variance, which the profile has inside", lambda c: len(c.theta) == 1 and inside(c))
)


def right(court: Court, level: float = LEVEL) -> Profiled:
    """The definition's."""
    found = profiled_at(court.made.view, level)
    assert isinstance(found, Profiled)
    return found


def inside(court: Court) -> bool:
    """Whether every end is a root, and zeta rises from knot to knot."""
    found = profiled_at(court.made.view, LEVEL)
    return isinstance(found, Profiled) and bool(found.inside.all() and np.isfinite(found.splines).all())


def profile(change: Callable[[Court, Vector], Vector]) -> Plant:
    """Other ends, all lower ones before the upper ones."""

    def plant(court: Court) -> Answer | None:
        lower, upper = np.split(change(court, right(court).vector), 2)
        told = {**court.concluded.intervals, "profile": Intervals(LEVEL, plain(lower), plain(upper))}
        return replace(court.honest, inference=replace(court.concluded, intervals=told))

    return plant


def with_wald(court: Court, ends: Vector) -> Vector:
    """The coefficients' ends by Wald."""
    wald, half = court.concluded.intervals["wald"], len(ends) // 2
    found = ends.copy()
    found[half - court.p : half], found[-court.p :] = wald.lower, wald.upper
    return found


def variances(court: Court, ends: Vector) -> Vector:
    """Squares of the standard deviations."""
    return np.asarray(np.where(np.tile(right(court).deviations, 2), ends**2, ends))


def moved(court: Court, ends: Vector) -> Vector:
    """The last upper end by a twentieth of its width."""
    found = ends.copy()
    found[-1] += (ends[-1] - ends[len(ends) // 2 - 1]) / 20
    return found


FAULTS = tuple(
    table(
        6,
        [
            (
                "profile interval of level 0.9",
                "of level 0.9,",
                SMALL,
                profile(lambda c, ends: right(c, 0.9).vector),
                PROFILE,
            ),
            (
                "profile interval of variances",
                "variances in the place",
                SMALL,
                profile(variances),
                PROFILE,
            ),
            ("Wald's interval for the profile's", "entry", SMALL, profile(with_wald), PROFILE),
            ("an end of a profile interval too far out", "entry", SMALL, profile(moved), PROFILE),
        ],
    )
)
