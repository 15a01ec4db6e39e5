"""Faults of rung 6: intervals and predictions of a fit that is right."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy import special

from relmer.reference.answers import Answer, Intervals, Predictions
from relmer.reports.evidence import quantile

from .court import Court
from .fault import FIXED, GROUPED, OFFSET, Fault, Where, table
from .inference import SATTERTHWAITE, TESTED
from .telling import Plant, Vector, plain

WALD, POPULATION, CONDITIONAL = "Wald interval", "population prediction", "conditional prediction"
SHRUNK = GROUPED & Where("a random effect is not zero", lambda c: bool(np.any(np.array(c.said.b) != 0)))


def interval(half: Callable[[Court, Vector], Vector | float]) -> Plant:
    """Wald intervals by another half of their width, which is given the standard errors."""

    def plant(court: Court) -> Answer | None:
        beta, se = np.array(court.said.beta), np.array(court.said.se)
        width = half(court, se)
        told = Intervals(0.95, plain(beta - width), plain(beta + width))
        return replace(court.honest, inference=replace(court.concluded, intervals={"wald": told}))

    return plant


def predicts(change: Callable[[Court, Predictions], Predictions]) -> Plant:
    """Other predictions."""

    def plant(court: Court) -> Answer | None:
        honest = court.concluded.predictions
        assert honest is not None
        return replace(court.honest, inference=replace(court.concluded, predictions=change(court, honest)))

    return plant


def without_offset(court: Court, values: tuple[float, ...]) -> tuple[float, ...]:
    """Values less the offset."""
    assert court.design.offset is not None
    told: tuple[float, ...] = plain(np.array(values) - court.design.offset[: len(values)])
    return told


def z(level: float) -> float:
    """The normal quantile."""
    return float(special.ndtri((1 + level) / 2))


def of_intervals() -> Iterator[Fault]:
    """Another level, another quantile, another standard error."""
    yield from table(
        6,
        [
            ("interval of level 0.9", "of level 0.9,", FIXED, interval(lambda c, se: z(0.9) * se), WALD),
            ("interval of level 0.99", "of level 0.99,", FIXED, interval(lambda c, se: z(0.99) * se), WALD),
            ("interval by 2 standard errors", "by 2 in the place", FIXED, interval(lambda c, se: 2 * se), WALD),
            (
                "interval by t of n - p",
                "by t with n - p",
                FIXED,
                interval(lambda c, se: quantile(np.full(c.p, float(c.n - c.p))) * se),
                WALD,
            ),
            (
                "interval by Satterthwaite's t",
                "by t with Satterthwaite's",
                TESTED,
                interval(lambda c, se: quantile(np.array(c.concluded.tests[SATTERTHWAITE].df)) * se),
                WALD,
            ),
            (
                "interval by variances",
                "variances, not standard errors",
                FIXED,
                interval(lambda c, se: z(0.95) * se**2),
                WALD,
            ),
            ("interval of a part of its width", "entry", FIXED, interval(lambda c, se: 0.9 * z(0.95) * se), WALD),
        ],
    )


def of_predictions() -> Iterator[Fault]:
    """Without the offset, with or without random effects."""
    yield from table(
        6,
        [
            (
                "population prediction without the offset",
                "without the offset",
                OFFSET,
                predicts(lambda c, p: replace(p, population=without_offset(c, p.population))),
                POPULATION,
            ),
            (
                "conditional prediction without the offset",
                "without the offset",
                OFFSET,
                predicts(lambda c, p: replace(p, conditional=without_offset(c, p.conditional))),
                CONDITIONAL,
            ),
            (
                "population prediction with random effects",
                "conditional prediction in its place",
                SHRUNK,
                predicts(lambda c, p: replace(p, population=p.conditional)),
                POPULATION,
            ),
            (
                "conditional prediction without random effects",
                "population prediction in its place",
                SHRUNK,
                predicts(lambda c, p: replace(p, conditional=p.population)),
                CONDITIONAL,
            ),
            (
                "predictions in another order",
                "entry",
                SHRUNK,
                predicts(lambda c, p: replace(p, conditional=p.conditional[::-1])),
                CONDITIONAL,
            ),
        ],
    )


FAULTS = (*of_intervals(), *of_predictions())
