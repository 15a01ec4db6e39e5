"""Faults of rung 5: coefficients, their standard errors and covariances."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from relmer.reference.answers import Answer
from relmer.solver.model import weighted

from .court import Court
from .data import single
from .fault import (
    COEFFICIENTS,
    FIXED,
    GROUPED,
    INTERCEPT,
    LIKELIHOOD,
    RESTRICTED,
    Fault,
    Where,
    table,
)
from .telling import Plant, Vector, correlations, divisor, of_the_start, plain, told


def least_squares(court: Court, se: Vector) -> Vector:
    """sigma^2 (X'WX)^-1, as if nothing were grouped."""
    _, X, _ = weighted(court.design)
    return np.asarray(court.fit.sigma * np.sqrt(np.diag(np.linalg.inv(X.T @ X))))


def diagonal_only(court: Court, se: Vector) -> Vector:
    """The information's diagonal inverted, not the information."""
    return 1 / np.sqrt(np.diag(np.linalg.inv(np.array(court.said.vcov))))


def coded_otherwise(court: Court) -> Answer | None:
    """The coefficients of another reference level of the factor f, of an engine that fits as it should."""
    return court.reads(frame=court.frame.assign(f=pd.Categorical(court.frame["f"], ["b", "a", "c"])))


HAS_F = Where("the factor is f", lambda c: c.name == "drawn/weights")


def of_coefficients() -> Iterator[Fault]:
    """beta, its standard errors and its covariances."""
    X = FIXED
    yield from table(
        5,
        [
            ("SE of least squares", "of least squares", X & GROUPED, told("se", least_squares), "se"),
            ("SE of the information's diagonal", "diagonal", COEFFICIENTS, told("se", diagonal_only), "se"),
            (
                "SE by n for n - p",
                r"times sqrt\(",
                X & RESTRICTED,
                told("se", lambda c, v: v / np.sqrt(divisor(c))),
                "se",
            ),
            (
                "SE by n - p for n",
                r"times sqrt\(",
                X & LIKELIHOOD,
                told("se", lambda c, v: v * np.sqrt(divisor(c))),
                "se",
            ),
            ("variances for SE", "variances, not standard errors", X, told("se", lambda c, v: v**2), "se"),
            ("SE in units of sigma", "in units of sigma", X, told("se", lambda c, v: v / c.fit.sigma), "se"),
            ("SE times sigma", "entry", X, told("se", lambda c, v: v * c.fit.sigma), "se"),
            ("SE in reverse order", "order|intercept last", COEFFICIENTS, told("se", lambda c, v: v[::-1]), "se"),
            ("SE of where it began", "entry|sqrt|units|least squares", X & GROUPED, of_the_start("se"), "se"),
            ("vcov without sigma²", r"in units of sigma\^2", X, told("vcov", lambda c, v: v / c.fit.sigma**2), "vcov"),
            (
                "vcov by n for n - p",
                "covariances times",
                X & RESTRICTED,
                told("vcov", lambda c, v: v / divisor(c)),
                "vcov",
            ),
            (
                "vcov by n - p for n",
                "covariances times",
                X & LIKELIHOOD,
                told("vcov", lambda c, v: v * divisor(c)),
                "vcov",
            ),
            ("vcov's diagonal alone", "diagonal", COEFFICIENTS, told("vcov", lambda c, v: np.diag(np.diag(v))), "vcov"),
            ("correlations for vcov", "correlations", COEFFICIENTS, told("vcov", lambda c, v: correlations(v)), "vcov"),
            ("the information for vcov", "inverse|information", X, told("vcov", lambda c, v: np.linalg.inv(v)), "vcov"),
            (
                "vcov in reverse order",
                "order|intercept last",
                COEFFICIENTS,
                told("vcov", lambda c, v: v[::-1, ::-1]),
                "vcov",
            ),
            ("vcov's triangle alone", "triangle|entry", COEFFICIENTS, told("vcov", lambda c, v: np.tril(v)), "vcov"),
            ("beta in reverse order", "order|intercept last", COEFFICIENTS, told("beta", lambda c, v: v[::-1]), "beta"),
            (
                "beta with the intercept last",
                "intercept last|order",
                INTERCEPT & COEFFICIENTS,
                told("beta", lambda c, v: np.roll(v, -1)),
                "beta",
            ),
            ("beta with the other sign", "sign|entry", X, told("beta", lambda c, v: -v), "beta"),
            ("beta of least squares", "least squares|entry", X & GROUPED, told("beta", ols), "beta"),
            ("beta of where it began", "entry", X & GROUPED, of_the_start("beta"), "beta"),
            ("beta in single precision", "single precision", X, told("beta", lambda c, v: single(v)), "beta"),
            (
                "the last coefficient 0",
                "entry",
                COEFFICIENTS,
                told("beta", lambda c, v: np.append(v[:-1], 0.0)),
                "beta",
            ),
            ("a coefficient too few", "values, the model has", X, told("beta", lambda c, v: v[:-1]), "beta"),
        ],
    )
    yield Fault("vcov transposed", 5, "", X, told("vcov", lambda c, v: v.T), hidden="it is symmetric")


def ols(court: Court, beta: Vector) -> Vector:
    """Least squares of y on X."""
    y, X, _ = weighted(court.design)
    return np.asarray(np.linalg.lstsq(X, y)[0])


def in_silence() -> Iterator[Fault]:
    """Coefficients in another order or coding, of an engine that does not tell its model."""

    def permuted(order: Callable[[int], list[int]]) -> Plant:
        def plant(court: Court) -> Answer | None:
            said, places = court.said, order(court.p)
            vcov = np.array(said.vcov)[np.ix_(places, places)]
            return court.says(
                beta=plain(np.array(said.beta)[places]), se=plain(np.array(said.se)[places]), vcov=plain(vcov)
            )

        return plant

    yield from table(
        5,
        silent=True,
        rows=[
            (
                "in silence, the intercept last",
                "intercept last",
                INTERCEPT & COEFFICIENTS,
                permuted(lambda p: [*range(1, p), 0]),
                "beta",
            ),
            (
                "in silence, coefficients reversed",
                "in reverse order|intercept last",
                COEFFICIENTS,
                permuted(lambda p: [*reversed(range(p))]),
                "vcov",
            ),
            ("in silence, another reference level", "with fb as the reference level", HAS_F, coded_otherwise, "beta"),
        ],
    )


FAULTS = (*of_coefficients(), *in_silence())
