"""Faults of rung 2: other columns of X; the wrong model is fitted as it should be."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from relmer.reference.answers import Answer

from .court import Court
from .data import single
from .fault import COEFFICIENTS, INTERCEPT, NO_GAPS, Fault, Where, table
from .reading import COVARIATE, by_formula, fixed_factors, fixed_numbers, fixed_part

# The comparison that shows other columns of X.
NAMES = "coefficient names"
# Of a centred design a column in reverse is its own negative.
MIRRORED = "other sign|rows .*in reverse order"


def of_X(change: Callable[[Court, np.ndarray], Any], *columns: str) -> Callable[[Court], Answer | None]:
    """Another X, of as many columns."""
    return lambda court: court.builds(X=np.asarray(change(court, court.design.X.copy()), dtype=float))


def chosen(order: Callable[[Court], list[int]]) -> Callable[[Court], Answer | None]:
    """Some columns of X, in an order, with their names."""

    def plant(court: Court) -> Answer | None:
        places, design = order(court), court.design
        names = tuple(design.coefficients[k] for k in places)
        return court.builds(X=design.X[:, places], coefficients=names)

    return plant


def last_column(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Court], Answer | None]:
    """Another last column of X."""

    def changed(court: Court, X: np.ndarray) -> np.ndarray:
        X[:, -1] = change(X[:, -1])
        return X

    return of_X(changed)


def contrasts(kind: str, ordered: bool) -> Callable[[Court], Answer | None]:
    """Other contrasts of every factor of the fixed effects that is ordered, or is not."""

    def plant(court: Court) -> Answer | None:
        named = dict.fromkeys(fixed_factors(court, ordered), f"contr.{kind}")
        return court.reads(contrasts=named) if named else None

    return plant


def as_factor(court: Court) -> Answer | None:
    """A numeric covariate of few values read as a factor."""
    few = [name for name in fixed_numbers(court) if 2 < court.frame[name].nunique() <= 12]
    return (
        court.reads(frame=court.frame.assign(**{name: court.frame[name].astype(str) for name in few})) if few else None
    )


def as_number(court: Court) -> Answer | None:
    """Factors of the fixed effects read as the numbers of their levels."""
    named = [*fixed_factors(court, True), *fixed_factors(court, False)]
    numbers = {name: pd.Categorical(court.frame[name]).codes.astype(float) for name in named}
    return court.reads(frame=court.frame.assign(**numbers)) if named else None


def another_first_level(court: Court) -> Answer | None:
    """Factors of the fixed effects with their second level for the reference."""
    named = fixed_factors(court, False)
    if not named or court.arguments.get("contrasts"):
        return None
    columns = {}
    for name in named:
        first, second, *others = pd.Categorical(court.frame[name]).categories
        columns[name] = pd.Categorical(court.frame[name], [second, first, *others])
    return court.reads(frame=court.frame.assign(**columns))


FACTORS = Where("a factor of three levels or more is in the fixed effects", lambda c: bool(fixed_factors(c, False)))


ORDERED = Where("an ordered factor is in the fixed effects", lambda c: bool(fixed_factors(c, True)))


NOT_SINGLE = Where("single precision cannot hold X", lambda c: bool(np.any(single(c.design.X) != c.design.X)))


SPREAD = COEFFICIENTS & Where("the last column of X is not centred", lambda c: abs(c.design.X[:, -1].mean()) > 1e-9)


def of_X_faults() -> Iterator[Fault]:
    """Another matrix of the fixed effects."""
    yield from table(
        2,
        [
            (
                "the last coefficient left out",
                "against|without|order",
                COEFFICIENTS,
                chosen(lambda c: [*range(c.p - 1)]),
                NAMES,
            ),
            (
                "the intercept left out",
                "against|without|order",
                INTERCEPT & COEFFICIENTS,
                chosen(lambda c: [*range(1, c.p)]),
                NAMES,
            ),
            (
                "a quadratic term too many",
                "against|without|order",
                COVARIATE & NO_GAPS,
                by_formula(
                    lambda c: (
                        fixed_part(c, lambda text: f"I({fixed_numbers(c)[0]}^2) + {text}")
                        if f"{fixed_numbers(c)[0]}^2" not in c.formula
                        else c.formula
                    )
                ),
                NAMES,
            ),
            (
                "interactions left out",
                "against|without|order",
                Where("there is an interaction", lambda c: "*" in c.formula),
                by_formula(lambda c: fixed_part(c, lambda text: text.replace("*", "+"))),
                NAMES,
            ),
            (
                "columns of X in reverse order",
                "against|without|order",
                COEFFICIENTS,
                chosen(lambda c: [*reversed(range(c.p))]),
                NAMES,
            ),
            (
                "columns of X in reverse order, under their old names",
                "another order|reverse order",
                COEFFICIENTS,
                of_X(lambda c, X: X[:, ::-1]),
                "X",
            ),
            (
                "the intercept last",
                "against|without|order",
                INTERCEPT & COEFFICIENTS,
                chosen(lambda c: [*range(1, c.p), 0]),
                NAMES,
            ),
        ],
    )
    changes: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, Where]] = {
        "with the other sign": (np.negative, MIRRORED, COEFFICIENTS),
        "times 1000": (lambda x: 1000 * x, "times 1000", COEFFICIENTS),
        "about its mean": (lambda x: x - x.mean(), "about its mean", SPREAD),
        "standardised": (lambda x: (x - x.mean()) / x.std(ddof=1), "standard deviation", SPREAD),
        "in reverse": (
            lambda x: x[::-1],
            # In a balanced design it may be another column.
            "rows .*in reverse order|it is column",
            COEFFICIENTS
            & Where("it is another in reverse", lambda c: bool(np.any(c.design.X[::-1, -1] != c.design.X[:, -1]))),
        ),
    }
    for told, (change, words, where) in changes.items():
        yield Fault(f"the last column of X {told}", 2, words, where, last_column(change), "X")
    yield from table(
        2,
        [
            ("X in single precision", "single precision", NOT_SINGLE, of_X(lambda c, X: single(X)), "X"),
        ],
    )


def of_coding() -> Iterator[Fault]:
    """Another reading of factors."""
    for kind in ("treatment", "sum", "helmert", "SAS"):
        yield Fault(
            f"contrasts {kind} for polynomials", 2, "against|without|order", ORDERED, contrasts(kind, True), NAMES
        )
    for kind in ("sum", "helmert", "SAS", "poly"):
        yield Fault(
            f"contrasts {kind} for treatment", 2, "against|without|order", FACTORS, contrasts(kind, False), NAMES
        )
    yield from table(
        2,
        [
            ("another reference level", "against|without|order", FACTORS, another_first_level, NAMES),
            (
                "factors read as numbers",
                "against|without|order",
                Where("a factor is in the fixed effects", lambda c: FACTORS.holds(c) or ORDERED.holds(c)),
                as_number,
                NAMES,
            ),
            (
                "a covariate read as a factor",
                "against|without|order",
                Where("a covariate has few values", lambda c: as_factor(c) is not None),
                as_factor,
                NAMES,
            ),
        ],
    )


FAULTS = (*of_X_faults(), *of_coding())
