"""Faults of rung 3: a theta that stands for something else, or another model of an engine that tells nothing of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from relmer.reference.answers import Answer, CriterionValue
from relmer.solver.model import factors, theta_near

from .court import Court
from .criterion import Parts, by_the_other, evaluates, lower, parts
from .fault import (
    FIXED,
    FREE,
    GROUPED,
    OFFSET,
    SLOPES,
    THREE,
    WEIGHTED,
    Fault,
    table,
)


def reads(reading: Callable[[np.ndarray], np.ndarray]) -> Callable[[Court], Answer]:
    """An engine that evaluates at another T than theta's."""

    def formula(at: Parts) -> float:
        terms = at.court.design.terms
        made = theta_near(terms, [lower(reading(T)) for T in factors(terms, np.array(at.theta))])
        return parts(at.court, made).put()

    return evaluates(formula)


def by_rows(T: np.ndarray) -> np.ndarray:
    """The G of a theta that is read by rows."""
    width = len(T)
    by_columns = [(i, j) for j in range(width) for i in range(j, width)]
    S = np.zeros_like(T)
    for place, entry in zip(sorted(by_columns), (T[at] for at in by_columns), strict=True):
        S[place] = entry
    return S @ S.T


def silently(change: dict[str, object], REML: bool | None = None) -> Callable[[Court], Answer | None]:
    """An engine that fits another design, and tells nothing of it."""

    def plant(court: Court) -> Answer | None:
        made = {name: of(getattr(court.design, name)) if callable(of) else of for name, of in change.items()}
        return court.builds(**made)

    return plant


def slopes_exchanged(court: Court) -> Answer | None:
    """The columns of a term after the first in reverse order."""
    terms = [replace(t, X=t.X[:, [0, *reversed(range(1, t.X.shape[1]))]]) for t in court.design.terms]
    return court.builds(terms=tuple(terms))


LATENT = FREE & GROUPED


def theta_misread() -> Iterator[Fault]:
    """Right for a theta that stands for another T."""
    yield from table(
        3,
        silent=True,
        rows=[
            ("T transposed", "transpose of T", SLOPES, reads(lambda T: T.T @ T), "criterion, random"),
            ("T by rows", "read by rows", THREE, reads(by_rows), "criterion, random"),
            (
                "covariances forgotten",
                "without its entries below the diagonal",
                SLOPES,
                reads(lambda T: np.diag(np.diag(T) ** 2)),
                "criterion, random",
            ),
            (
                "theta read as the triangle of G",
                r"lower triangle of G / sigma\^2",
                LATENT,
                of_triangle,
                "criterion, random",
            ),
            ("theta in the units of the response", "units of the response", LATENT, in_units, "criterion, random"),
        ],
    )


def of_triangle(court: Court) -> Answer:
    """Right for a theta that is the lower triangle of G; of what is no covariance matrix it says nothing."""

    def value(theta: tuple[float, ...]) -> float | None:
        terms = court.design.terms
        G = [T + np.tril(T, -1).T for T in factors(terms, np.array(theta))]
        if any(np.linalg.eigvalsh(one)[0] < 0 for one in G):
            return None
        return parts(court, tuple(theta_near(terms, list(map(lower, G))))).put()

    return replace(court.honest, criterion=tuple(CriterionValue(theta, value(theta)) for theta in court.asked))


def in_units(court: Court) -> Answer:
    """The criterion at theta / sigma."""
    return evaluates(lambda at: parts(court, np.array(at.theta) / court.fit.sigma).put())(court)


def silent() -> Iterator[Fault]:
    """Other data or another model, of an engine that tells neither: its criterion alone gives it away."""
    yield from table(
        3,
        silent=True,
        rows=[
            (
                "in silence, the other of ML and REML",
                "by ML, not by REML|by REML, not by ML",
                FIXED,
                by_the_other,
                "criterion, start",
            ),
            ("in silence, no offset", "without the offset", OFFSET, silently({"offset": None}), "criterion, start"),
            (
                "in silence, the offset's sign",
                "offset added, not taken off",
                OFFSET,
                silently({"offset": np.negative}),
                "criterion, random",
            ),
        ],
    )
    weights: dict[str, tuple[object, str, str]] = {
        "ignored": (None, "without the weights", "start"),
        "squared": (np.square, "weights squared", "start"),
        "as variances": (np.reciprocal, "weights as variances", "start"),
        "as roots": (np.sqrt, "roots of the weights", "random"),
        "over their mean": (lambda w: w / w.mean(), "over their mean", "start"),
    }
    for told, (change, words, kind) in weights.items():
        quantity, where = f"criterion, {kind}", WEIGHTED
        plant = silently({"weights": change})
        yield Fault(f"in silence, weights {told}", 3, words, where, plant, quantity=quantity, silent=True)
    yield from table(
        3,
        silent=True,
        rows=[
            (
                "in silence, slopes in another order",
                "columns of a term in the order 1, 3, 2",
                THREE,
                slopes_exchanged,
                "criterion, random",
            ),
        ],
    )


FAULTS = (*theta_misread(), *silent())
