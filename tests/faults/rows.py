"""Faults of rung 5: fitted values and V, row by row."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from relmer.solver.model import covariance

from .court import Court
from .data import single
from .fault import (
    ANYWHERE,
    FIXED,
    GROUPED,
    LIKELIHOOD,
    OFFSET,
    RESTRICTED,
    SLOPES,
    UNSORTED,
    WEIGHTED,
    Fault,
    Where,
    table,
)
from .telling import Vector, divisor, of_the_start, residual_variance, told


def rows_by_factor(court: Court, values: Vector) -> Vector:
    """Of rows sorted by the first factor."""
    return values[np.argsort(court.design.terms[0].codes, kind="stable")]


def marginal(court: Court, T: Sequence[Vector], name: str) -> Vector:
    """Diagonal or row sums of V of other factors, term by term."""
    total = np.zeros((court.n, court.n))
    for term, one in zip(court.design.terms, T, strict=True):
        same = term.codes[:, None] == term.codes[None, :]
        total += same * (term.X @ covariance(one, court.fit.sigma) @ term.X.T)
    V = total + np.diag(residual_variance(court))
    return np.diag(V) if name == "V_diagonal" else V.sum(axis=1)


def population(court: Court) -> Vector:
    """X beta."""
    return np.asarray(court.design.X @ np.array(court.said.beta))


SMALL = Where("V can be written out", lambda c: c.n <= 500)


def of_rows() -> Iterator[Fault]:
    """Fitted values and V."""
    yield from table(
        5,
        [
            ("fitted without b", "without the random effects", GROUPED, told("fitted", without_b), "fitted"),
            (
                "residuals for fitted",
                "residuals, not fitted values",
                ANYWHERE,
                told("fitted", lambda c, v: c.design.y - v),
                "fitted",
            ),
            ("the response for fitted", "response|entry", ANYWHERE, told("fitted", lambda c, v: c.design.y), "fitted"),
            (
                "fitted without the offset",
                "without the offset",
                OFFSET,
                told("fitted", lambda c, v: v - c.design.offset),
                "fitted",
            ),
            ("fitted of rows by factor", "of rows sorted by", UNSORTED, told("fitted", rows_by_factor), "fitted"),
            ("fitted a row late", "entry|row late", ANYWHERE, told("fitted", lambda c, v: np.roll(v, 1)), "fitted"),
            ("fitted of where it began", "entry", GROUPED, of_the_start("fitted"), "fitted"),
            (
                "fitted without X beta",
                "without X beta|residuals",
                FIXED & GROUPED,
                told("fitted", lambda c, v: v - population(c)),
                "fitted",
            ),
            (
                "fitted in single precision",
                "single precision",
                ANYWHERE,
                told("fitted", lambda c, v: single(v)),
                "fitted",
            ),
            (
                "fitted of a row too few",
                "values, the model has",
                ANYWHERE,
                told("fitted", lambda c, v: v[:-1]),
                "fitted",
            ),
        ],
    )
    for name, of in (("V_diagonal", "V's diagonal"), ("V_rowsum", "V's row sums")):
        yield from table(
            5,
            [
                (
                    f"{of} without the residual",
                    "without R",
                    GROUPED,
                    told(name, lambda c, v: v - residual_variance(c)),
                    name,
                ),
                (
                    f"{of} without sigma²",
                    r"in units of sigma\^2",
                    ANYWHERE,
                    told(name, lambda c, v: v / c.fit.sigma**2),
                    name,
                ),
                (f"{of} by n for n - p", "V times", RESTRICTED & FIXED, told(name, lambda c, v: v / divisor(c)), name),
                (f"{of} by n - p for n", "V times", LIKELIHOOD & FIXED, told(name, lambda c, v: v * divisor(c)), name),
                (f"{of} without the weights", "without the weights", WEIGHTED, told(name, unweighted), name),
                (
                    f"{of} of T'T",
                    "transpose of T|entry",
                    SLOPES & SMALL,
                    told(name, partial(of_transposed, name)),
                    name,
                ),
                (f"{of} of rows by factor", "of rows sorted by", UNSORTED, told(name, rows_by_factor), name),
                (
                    f"{of} of the residual alone",
                    "residual|entry",
                    GROUPED,
                    told(name, lambda c, v: residual_variance(c)),
                    name,
                ),
            ],
        )
    yield from table(
        5,
        [
            (
                "standard deviations for V's diagonal",
                "deviations|entry",
                ANYWHERE,
                told("V_diagonal", lambda c, v: np.sqrt(v)),
                "V_diagonal",
            ),
            (
                "V's row sums for its diagonal",
                "row sums|entry",
                GROUPED,
                told("V_diagonal", lambda c, v: np.array(c.said.V_rowsum)),
                "V_diagonal",
            ),
        ],
    )


def without_b(court: Court, fitted: Vector) -> Vector:
    """X beta and the offset."""
    offset = court.design.offset
    return population(court) + (0.0 if offset is None else offset)


def unweighted(court: Court, V: Vector) -> Vector:
    """With sigma^2 for the residual variance of every row."""
    return V - residual_variance(court) + court.fit.sigma**2


def of_transposed(name: str, court: Court, V: Vector) -> Vector:
    """V of T'T."""
    return marginal(court, [T.T for T in court.T], name)


FAULTS = (*of_rows(),)
