"""Faults of rung 6: intervals, F tests and predictions of a fit that is right."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from scipy import special

from relmer.reference.answers import Answer, FTests, Intervals, Predictions
from relmer.reference.own_inference import F_tested
from relmer.reports.evidence import quantile
from relmer.solver.fits import at_theta

from .court import Court, court
from .fault import FIXED, GROUPED, OFFSET, Fault, Where, table
from .inference import BOTH, ROGER, SATTERTHWAITE, TESTED
from .telling import Plant, Vector, plain

WALD, POPULATION, CONDITIONAL = "Wald interval", "population prediction", "conditional prediction"
SHRUNK = GROUPED & Where("a random effect is not zero", lambda c: bool(np.any(np.array(c.said.b) != 0)))


OF_TERMS = TESTED & Where("a term of the fixed effects has a column", lambda c: bool(F_of(c, SATTERTHWAITE).terms))
SEVERAL = OF_TERMS & Where("a term has several columns", lambda c: max(F_of(c, SATTERTHWAITE).NumDF) > 1)
UNLIKE = OF_TERMS & Where("type I is another hypothesis", lambda c: len(F_of(c, SATTERTHWAITE).terms) > 1)


def F_of(court: Court, method: str) -> FTests:
    """What an honest engine tells of the terms."""
    return court.concluded.F_tests[method]


@cache
def of_type(name: str, type: str) -> FTests:
    """Other hypotheses about the terms of a case, by Satterthwaite's method."""
    at = court(name)
    return F_tested(at_theta(at.fit, np.array(at.theta)), SATTERTHWAITE, type)


def F_tests(method: str, change: Callable[[Court, FTests], FTests]) -> Plant:
    """Other F tests by a method."""

    def plant(court: Court) -> Answer | None:
        told = {**court.concluded.F_tests, method: change(court, F_of(court, method))}
        return replace(court.honest, inference=replace(court.concluded, F_tests=told))

    return plant


def p_of_F(test: FTests, df: Vector) -> tuple[float, ...]:
    """p of F with other degrees of freedom."""
    found: tuple[float, ...] = plain(special.fdtrc(np.array(test.NumDF), df, np.array(test.F)))
    return found


def of_F_tests() -> Iterator[Fault]:
    """Another type, another method, a chi-squared."""
    F, DEN, P = "F (type III, satterthwaite)", "DenDF (type III, satterthwaite)", "p of F (type III, satterthwaite)"
    yield from table(
        6,
        [
            (
                "F tests of type I for III",
                "of type I,",
                UNLIKE,
                F_tests(SATTERTHWAITE, lambda c, f: replace(of_type(c.name, "I"), type="III")),
                F,
            ),
            (
                "F not divided by its rows",
                "not divided by NumDF",
                SEVERAL,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, F=plain(np.array(f.F) * np.array(f.NumDF)))),
                F,
            ),
            (
                "F tests with n - p degrees of freedom",
                "residual, n - p",
                OF_TERMS,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, DenDF=(float(c.n - c.p),) * len(f.terms))),
                DEN,
            ),
            (
                "F tests with Kenward-Roger's degrees of freedom",
                "Kenward-Roger's in the place",
                OF_TERMS & BOTH,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, DenDF=F_of(c, ROGER).DenDF)),
                DEN,
            ),
            (
                "Kenward-Roger's F of the covariance that is not adjusted",
                "Satterthwaite's in the place",
                OF_TERMS & BOTH,
                F_tests(ROGER, lambda c, f: replace(f, F=F_of(c, SATTERTHWAITE).F)),
                "F (type III, kenward-roger)",
            ),
            (
                "p of chi-squared",
                "DenDF is not counted",
                OF_TERMS,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, p=p_of_F(f, np.full(len(f.terms), 1e12)))),
                P,
            ),
            (
                "p of F by n - p degrees of freedom",
                "with degrees of freedom residual, n - p",
                OF_TERMS,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, p=p_of_F(f, np.full(len(f.terms), float(c.n - c.p))))),
                P,
            ),
            (
                "a row too few in a hypothesis",
                "entry",
                SEVERAL,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, NumDF=plain(np.maximum(np.array(f.NumDF) - 1, 1)))),
                "NumDF (type III, satterthwaite)",
            ),
            (
                "F of a larger mean square",
                "entry",
                OF_TERMS,
                F_tests(SATTERTHWAITE, lambda c, f: replace(f, F=plain(1.2 * np.array(f.F)))),
                F,
            ),
        ],
    )


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


FAULTS = (*of_intervals(), *of_F_tests(), *of_predictions())
