"""A fault: what is done to an honest answer, the rung that must fail first, the words, and where it shows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from relmer.reference.answers import Answer
from relmer.reports.records import RUNGS
from relmer.solver.model import is_structured

from .court import Court


@dataclass(frozen=True)
class Where:
    """On which cases a fault shows, by theory: in words, and as a predicate.

    Attributes
    ----------
    told
        Such as "the fit is by REML".
    holds
        Of a case.
    """

    told: str
    holds: Callable[[Court], bool]

    def __and__(self, other: "Where") -> "Where":
        """Where both hold."""
        return Where(f"{self.told}, and {other.told}", lambda court: self.holds(court) and other.holds(court))


@dataclass(frozen=True)
class Fault:
    """A fault of an engine that is honest otherwise.

    Attributes
    ----------
    name
        What the engine does.
    rung
        The rung that must fail first.
    words
        A regular expression that the evidence there must contain.
    where
        Where it shows; where that does not hold, it cannot.
    plant
        What the engine answers; None if the case has no room for the fault.
    quantity
        The comparison that names it; any of the rung if empty.
    silent
        Whether the engine tells neither its data nor its model, so that its numbers alone can give it away.
    cut
        What of its answer an engine gives that gives but a part; None of one that gives all.
    hidden
        Why nobody can see it, and it must not be accused; empty of what shows.
    """

    name: str
    rung: int
    words: str
    where: Where
    plant: Callable[[Court], Answer | None]
    quantity: str = ""
    silent: bool = False
    hidden: str = ""
    cut: Callable[[Court, Answer], Answer] | None = None

    @property
    def kind(self) -> str:
        """The name of its rung."""
        return RUNGS[self.rung]


Row = tuple[Any, ...]


def table(rung: int, rows: Iterable[Row], silent: bool = False) -> Iterator[Fault]:
    """Faults of a rung: name, words, where, plant, and the quantity that names it if it is one alone."""
    for name, words, where, plant, *quantity in rows:
        yield Fault(name, rung, words, where, plant, quantity="".join(quantity), silent=silent)


def in_order(court: Court) -> bool:
    """Whether the rows stand sorted by the first factor."""
    codes = court.design.terms[0].codes
    return bool(np.all(np.diff(codes) >= 0))


def slopes(court: Court) -> list[str]:
    """Numeric variables of the data that stand in the formula, the response not among them."""
    right = court.formula.partition("~")[2]
    return [name for name in court.frame.select_dtypes("number") if name in right]


ANYWHERE = Where("every case", lambda court: True)
GROUPED = Where("there are random effects", lambda court: bool(court.widths))
FREE = Where("the covariances have no structure", lambda court: not is_structured(court.design.terms))
RESTRICTED = Where("the fit is by REML", lambda court: court.REML)
LIKELIHOOD = Where("the fit is by ML", lambda court: not court.REML)
WEIGHTED = Where("there are weights", lambda court: court.design.weights is not None)
OFFSET = Where("there is an offset", lambda court: court.design.offset is not None)
GAPS = Where("rows lack a value", lambda court: court.n < len(court.frame))
NO_GAPS = Where("no row lacks a value", lambda court: court.n == len(court.frame))
SLOPES = GROUPED & FREE & Where("a term has more than one column", lambda court: max(court.widths) > 1)
THREE = GROUPED & FREE & Where("a term has three columns", lambda court: max(court.widths) > 2)
ONE_COLUMN = GROUPED & Where("every term has one column", lambda court: max(court.widths) == 1)
TERMS = GROUPED & Where("there are several terms", lambda court: len(court.widths) > 1)
COEFFICIENTS = Where("there are several coefficients", lambda court: court.p > 1)
FIXED = Where("there is a coefficient", lambda court: court.p > 0)
UNSORTED = GROUPED & Where("the rows are not sorted by the first factor", lambda court: not in_order(court))
REGULAR = GROUPED & Where("no covariance matrix is singular at the optimum", lambda court: not court.fit.singular)
INTERCEPT = FIXED & Where("there is an intercept", lambda court: court.design.coefficients[0] == "(Intercept)")
