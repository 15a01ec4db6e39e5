"""Faults of rung 5: the residual standard deviation and the variance components."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from relmer.reference.answers import Answer
from relmer.solver.model import covariance
from relmer.solver.paths import solve_at

from .court import Court
from .data import single
from .fault import (
    ANYWHERE,
    FIXED,
    FREE,
    GROUPED,
    LIKELIHOOD,
    ONE_COLUMN,
    RESTRICTED,
    SLOPES,
    THREE,
    Fault,
    table,
)
from .telling import Plant, Vector, correlations, divisor, of_the_start, told


def of_G(change: Callable[[Court, Vector], Vector], rows: bool = False) -> Plant:
    """Variance components of another matrix than G, term by term; by columns or by rows."""

    def plant(court: Court) -> Answer | None:
        entries: list[float] = []
        for T in court.T:
            M, width = change(court, covariance(T, court.fit.sigma)), len(T)
            places = [(i, j) for j in range(width) for i in range(j, width)]
            entries += [float(M[place]) for place in (sorted(places) if rows else places)]
        return court.says(varcomp=tuple(entries))

    return plant


def with_diagonal(diagonal: Callable[[Vector], Vector], court: Court, G: Vector) -> Vector:
    """Correlations below a diagonal of its own."""
    C = correlations(G)
    np.fill_diagonal(C, diagonal(np.diag(G)))
    return C


def transposed(court: Court, G: Vector) -> Vector:
    """T'T for TT'."""
    (T,) = [T for T in court.T if np.array_equal(covariance(T, court.fit.sigma), G)][:1]
    return covariance(T.T, court.fit.sigma)


def of_sigma_and_G() -> Iterator[Fault]:
    """The residual standard deviation and the variance components."""
    C = GROUPED
    yield from table(
        5,
        [
            ("sigma²", "the residual variance, not its root", ANYWHERE, told("sigma", lambda c, v: v**2), "sigma"),
            (
                "sigma by n for n - p",
                "with the divisor",
                RESTRICTED & FIXED,
                told("sigma", lambda c, v: v / np.sqrt(divisor(c))),
                "sigma",
            ),
            (
                "sigma by n - p for n",
                "with the divisor",
                LIKELIHOOD & FIXED,
                told("sigma", lambda c, v: v * np.sqrt(divisor(c))),
                "sigma",
            ),
            ("sigma of the residuals alone", "penalty|entry", C, told("sigma", without_penalty), "sigma"),
            ("sigma of where it began", "entry|penalty|divisor", C, of_the_start("sigma"), "sigma"),
            ("sigma in single precision", "single precision", ANYWHERE, told("sigma", lambda c, v: single(v)), "sigma"),
            (
                "correlations for covariances",
                "correlations, not covariances",
                SLOPES,
                of_G(partial(with_diagonal, np.asarray)),
                "varcomp",
            ),
            (
                "standard deviations and correlations",
                "standard deviations and correlations",
                SLOPES,
                of_G(partial(with_diagonal, np.sqrt)),
                "varcomp",
            ),
            (
                "standard deviations for variances",
                "standard deviations, not variances",
                ONE_COLUMN,
                of_G(lambda c, G: np.sqrt(G)),
                "varcomp",
            ),
            ("variances without sigma²", r"in units of sigma\^2", C, of_G(lambda c, G: G / c.fit.sigma**2), "varcomp"),
            (
                "variances by n for n - p",
                "variance components times",
                C & RESTRICTED & FIXED,
                of_G(lambda c, G: G / divisor(c)),
                "varcomp",
            ),
            (
                "variances by n - p for n",
                "variance components times",
                C & LIKELIHOOD & FIXED,
                of_G(lambda c, G: G * divisor(c)),
                "varcomp",
            ),
            ("T for G", "of T|entry", C & FREE, told("varcomp", lambda c, v: np.array(c.theta)), "varcomp"),
            ("T'T for TT'", "transpose of T|entry", SLOPES & FREE, of_G(transposed), "varcomp"),
            ("G by rows", "by rows, not by columns", THREE, of_G(lambda c, G: G, rows=True), "varcomp"),
            ("components in reverse order", "order|entry", C, told("varcomp", lambda c, v: v[::-1]), "varcomp"),
            ("components a place late", "order|entry", C, told("varcomp", lambda c, v: np.roll(v, 1)), "varcomp"),
            ("covariances 0", "entry|without", SLOPES, of_G(lambda c, G: np.diag(np.diag(G))), "varcomp"),
            ("the inverse of G", "entry|inverse", C, of_G(lambda c, G: np.linalg.pinv(G)), "varcomp"),
            ("components of where it began", "entry|units", C, of_the_start("varcomp"), "varcomp"),
        ],
    )


def without_penalty(court: Court, sigma: Vector) -> Vector:
    """The root of the residual sum of squares over its divisor, |u|^2 left out."""
    at = solve_at(court.prepared, np.array(court.theta))
    return np.asarray(sigma * np.sqrt(1 - float(at.u @ at.u) / at.pwrss))


FAULTS = (*of_sigma_and_G(),)
