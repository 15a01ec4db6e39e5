"""Faults of rung 5: random effects."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from relmer.reference.answers import Answer
from relmer.solver.model import response

from .court import Court
from .data import number_in
from .fault import (
    GROUPED,
    SLOPES,
    TERMS,
    Fault,
    Where,
    table,
)
from .telling import Plant, Vector, of_the_start, plain, told


def of_b(change: Callable[[Court, int, Vector], Vector]) -> Plant:
    """Random effects told in another way, term by term: a row for each level."""

    def plant(court: Court) -> Answer | None:
        parts, first = [], 0
        b = np.array(court.said.b)
        for k, term in enumerate(court.design.terms):
            shape = (len(term.levels), len(term.columns))
            size = shape[0] * shape[1]
            parts.append(np.asarray(change(court, k, b[first : first + size].reshape(shape))).ravel())
            first += size
        return court.says(b=plain(np.concatenate(parts)))

    return plant


def unscaled(court: Court, k: int, b: Vector) -> Vector:
    """u, where b = T u; what a singular T hides is nought."""
    return np.asarray(np.linalg.pinv(court.T[k]) @ b.T).T


def with_beta(court: Court, k: int, b: Vector) -> Vector:
    """With the coefficient of the same name added, as R's coef has it."""
    names = court.design.coefficients
    at = [court.said.beta[names.index(name)] if name in names else 0.0 for name in court.design.terms[k].columns]
    return b + np.array(at)


def by_number(court: Court, k: int, b: Vector) -> Vector:
    """Levels in the order of the numbers in their labels."""
    levels = court.design.terms[k].levels
    return b[sorted(range(len(levels)), key=lambda j: number_in(levels[j]))]


def unshrunken(court: Court, k: int, b: Vector) -> Vector:
    """Means of the residuals y - X beta of each level, as if its effects were fixed."""
    term, r = court.design.terms[k], response(court.design) - court.design.X @ np.array(court.said.beta)
    means = np.bincount(term.codes, r, len(term.levels)) / np.bincount(term.codes, minlength=len(term.levels))
    return np.column_stack([means, *b.T[1:]])


def to_digits(digits: int, values: Vector) -> Vector:
    """Numbers as they are printed to so many significant digits."""
    return np.array([float(f"{value:.{digits - 1}e}") for value in values.ravel()]).reshape(values.shape)


def terms_exchanged(court: Court) -> Answer | None:
    """The random effects of the last term first."""
    sizes = [len(t.levels) * len(t.columns) for t in court.design.terms]
    parts = np.split(np.array(court.said.b), np.cumsum(sizes)[:-1])
    return court.says(b=plain(np.concatenate(parts[::-1])))


def numbered(court: Court) -> bool:
    """Whether the labels of the first factor are one word, each with a number after it."""
    return len({re.sub(r"\d+$", "#", level) for level in court.design.terms[0].levels}) == 1


ORDERS = "in the order of the(ir)? numbers|first occur|code point"


NUMBERED = GROUPED & Where(
    "labels hold a number each",
    numbered,
)


SAME_NAME = GROUPED & Where(
    "a random effect has a coefficient's name",
    lambda c: bool({*c.design.coefficients} & {n for t in c.design.terms for n in t.columns}),
)


def of_random_effects() -> Iterator[Fault]:
    """b."""
    yield from table(
        5,
        [
            ("b by column", "by column, within it by level", SLOPES, of_b(lambda c, k, b: b.T), "b"),
            ("b a level late", "entry|level late|order", GROUPED, of_b(lambda c, k, b: np.roll(b, 1, axis=0)), "b"),
            ("b in reverse order of levels", "reverse|order", GROUPED, of_b(lambda c, k, b: b[::-1]), "b"),
            (
                "b in the order of the numbers",
                "in the order of the(ir)? numbers|first occur|code point",
                NUMBERED,
                of_b(by_number),
                "b",
            ),
            ("b's columns in reverse order", "order|entry", SLOPES, of_b(lambda c, k, b: b[:, ::-1]), "b"),
            ("u for b", "u, not Lambda u", GROUPED, of_b(unscaled), "b"),
            ("b in units of sigma", "in units of sigma", GROUPED, of_b(lambda c, k, b: b / c.fit.sigma), "b"),
            ("b with the other sign", "sign", GROUPED, of_b(lambda c, k, b: -b), "b"),
            ("b and beta", "with the coefficients added", SAME_NAME, of_b(with_beta), "b"),
            ("b without shrinkage", "shrink|entry", GROUPED, of_b(unshrunken), "b"),
            ("b of where it began", "entry", GROUPED, of_the_start("b"), "b"),
            ("b of 0", "entry", GROUPED, of_b(lambda c, k, b: 0 * b), "b"),
            ("b to 3 digits", "entry", GROUPED, of_b(lambda c, k, b: to_digits(3, b)), "b"),
            ("b of the last term first", "order|entry", TERMS, terms_exchanged, "b"),
            ("b of a level too few", "values, the model has", GROUPED, told("b", lambda c, v: v[:-1]), "b"),
        ],
    )


FAULTS = (*of_random_effects(),)
