"""Faults of rung 1: other values, other rows, other levels; the wrong data are fitted as they should be."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from relmer.reference.answers import Answer, grouping
from relmer.solver.model import RandomTerm

from .court import Court
from .fault import ANYWHERE, GAPS, GROUPED, NO_GAPS, OFFSET, UNSORTED, WEIGHTED, Fault, Where, table

Vector = np.ndarray
DIGEST = "sha256 .* against sha256"
POSITIVE = Where("the response is positive", lambda court: bool(np.all(court.design.y > 0)))
SHOWS_MEAN = Where("the mean of the response is not 0", lambda court: float(court.design.y.mean()) != 0)


def of_y(change: Callable[[Vector], Vector]) -> Callable[[Court], Answer | None]:
    """Another response."""
    return lambda court: court.builds(y=np.asarray(change(court.design.y.copy()), dtype=float))


def one_cell(y: Vector) -> Vector:
    """A cell in the middle, a tenth of the spread off."""
    y[len(y) // 2] += 0.1 * np.ptp(y)
    return y


def last_digit(y: Vector) -> Vector:
    """A cell off by the last bit of a double."""
    y[0] = np.nextafter(y[0], np.inf)
    return y


def swapped(y: Vector) -> Vector:
    """The first row and the last that has another value exchanged."""
    other = int(np.flatnonzero(y != y[0])[-1])
    y[[0, other]] = y[[other, 0]]
    return y


def of_rows(choose: Callable[[Court], Any]) -> Callable[[Court], Answer | None]:
    """Other rows, or the same in another order, of everything."""
    return lambda court: court.builds(**taken(court, np.asarray(choose(court))))


def taken(court: Court, rows: Vector) -> dict[str, Any]:
    """The parts of the design with these rows only; levels that occur no more go."""
    design = court.design
    parts: dict[str, Any] = {"y": design.y[rows], "X": design.X[rows]}
    parts |= {name: values[rows] for name in ("weights", "offset") if (values := getattr(design, name)) is not None}
    return parts | {"terms": tuple(occurring(replace(t, codes=t.codes[rows], X=t.X[rows])) for t in design.terms)}


def occurring(term: RandomTerm) -> RandomTerm:
    """The term without the levels of which there is no row."""
    used, codes = np.unique(term.codes, return_inverse=True)
    return replace(term, levels=tuple(term.levels[k] for k in used), codes=codes)


def of_factor(change: Callable[[RandomTerm], RandomTerm | None]) -> Callable[[Court], Answer | None]:
    """Another first grouping factor, wherever it stands."""

    def plant(court: Court) -> Answer | None:
        terms = court.design.terms
        changed = [change(term) if term.group == terms[0].group else term for term in terms]
        return None if None in changed else court.builds(terms=tuple(changed))

    return plant


def renamed(term: RandomTerm) -> RandomTerm:
    """The first level misspelt."""
    return replace(term, levels=(term.levels[0] + "x", *term.levels[1:]))


def with_blanks(term: RandomTerm) -> RandomTerm:
    """Labels with the blank before them that a file of fixed width leaves."""
    return replace(term, levels=tuple(f" {level}" for level in term.levels))


def merged(term: RandomTerm) -> RandomTerm | None:
    """The last level read as the one before it."""
    if len(term.levels) < 4:
        return None
    codes = np.minimum(term.codes, len(term.levels) - 2)
    return replace(term, levels=term.levels[:-1], codes=codes)


def two_rows_exchanged(term: RandomTerm) -> RandomTerm:
    """Two rows with each other's level."""
    codes = term.codes.copy()
    other = int(np.flatnonzero(codes != codes[0])[-1])
    codes[[0, other]] = codes[[other, 0]]
    return replace(term, codes=codes)


def ordered(order: Callable[[RandomTerm], list[int]], term: RandomTerm) -> RandomTerm | None:
    """Levels in another order, if it is another."""
    places = order(term)
    if places == [*range(len(places))]:
        return None
    rank = np.empty(len(places), dtype=np.int64)
    rank[places] = np.arange(len(places))
    return replace(term, levels=tuple(term.levels[k] for k in places), codes=rank[term.codes])


def by(key: Callable[[str], Any]) -> Callable[[RandomTerm], list[int]]:
    """The places of the levels, sorted by a key."""
    return lambda term: sorted(range(len(term.levels)), key=lambda k: key(term.levels[k]))


def number_in(level: str) -> tuple[int, str]:
    """The number in a label, and the label."""
    digits = "".join(filter(str.isdigit, level))
    return (int(digits) if digits else -1, level)


def hollow(court: Court) -> Answer:
    """An engine that counts a level that does not occur."""
    data = court.honest.data
    assert data is not None
    group = court.design.terms[0].group
    seen = data.groupings[group]
    return replace(
        court.honest, data=replace(data, groupings={**data.groupings, group: replace(seen, levels=seen.levels + 1)})
    )


def filled(value: Callable[[pd.Series], float]) -> Callable[[Court], Answer | None]:
    """Missing numbers filled, where their rows should be dropped; rows without a level stay dropped."""

    def plant(court: Court) -> Answer | None:
        numbers = court.frame.select_dtypes("number")
        return court.reads(frame=court.frame.fillna({name: value(column) for name, column in numbers.items()}))

    return plant


def of_own(name: str, change: Callable[[Vector], Vector]) -> Callable[[Court], Answer | None]:
    """Other weights, or another offset."""
    return lambda court: court.builds(**{name: change(getattr(court.design, name))})


def single(values: Vector) -> Vector:
    """In single precision."""
    return values.astype(np.float32).astype(float)


def coarse(court: Court) -> bool:
    """Whether single precision cannot hold the response."""
    return bool(np.any(single(court.design.y) != court.design.y))


DISTINCT = Where("not every response is the same", lambda court: float(np.ptp(court.design.y)) > 0)
NOT_SINGLE = Where("single precision cannot hold the response", coarse)
UNORDERED = Where("the response is not in ascending order", lambda court: bool(np.any(np.diff(court.design.y) < 0)))
NOT_ROUND = Where("the response has decimals", lambda court: bool(np.any(np.round(court.design.y) != court.design.y)))


def responses() -> Iterator[Fault]:
    """Another response."""
    yield from table(
        1,
        [
            ("a cell of the response mistyped", DIGEST, DISTINCT, of_y(one_cell), "response"),
            ("a cell of the response off by its last bit", DIGEST, ANYWHERE, of_y(last_digit), "response"),
            ("two cells of the response exchanged", DIGEST, DISTINCT, of_y(swapped), "response"),
            ("the response in single precision", "single precision", NOT_SINGLE, of_y(single), "response"),
            ("the response rounded to integers", "rounded to integers", NOT_ROUND, of_y(np.round), "response"),
            ("the response about its mean", "about its mean", SHOWS_MEAN, of_y(lambda y: y - y.mean()), "response"),
            (
                "the response standardised",
                "units of its standard deviation",
                SHOWS_MEAN,
                of_y(lambda y: (y - y.mean()) / y.std(ddof=1)),
                "response",
            ),
            ("the logarithm of the response", "logarithm", POSITIVE, of_y(np.log), "response"),
            ("the response times 1000", "times 1000", DISTINCT, of_y(lambda y: 1000 * y), "response"),
            ("the response with the other sign", "other sign", DISTINCT, of_y(lambda y: -y), "response"),
            ("the response sorted by itself", "ascending", UNORDERED, of_y(np.sort), "response"),
            ("the response a row late", "a row late", DISTINCT, of_y(lambda y: np.roll(y, 1)), "response"),
        ],
    )


def rows() -> Iterator[Fault]:
    """Other rows."""
    every = [
        ("the rows in reverse order", "reverse order", DISTINCT, lambda c: np.arange(c.n)[::-1], "response"),
        (
            "the rows sorted by a factor",
            "sorted by",
            UNSORTED,
            lambda c: np.argsort(c.design.terms[0].codes, kind="stable"),
            "response",
        ),
        ("the last row lost", "against", ANYWHERE, lambda c: np.arange(c.n - 1), "rows"),
        ("the first row taken for a header", "against", ANYWHERE, lambda c: np.arange(1, c.n), "rows"),
        ("a row twice", "against", ANYWHERE, lambda c: np.append(np.arange(c.n), 0), "rows"),
        ("every row twice", "against", ANYWHERE, lambda c: np.repeat(np.arange(c.n), 2), "rows"),
        (
            "the rows of the last level lost",
            "against",
            GROUPED & Where("it has more than three levels", lambda c: len(c.design.terms[0].levels) > 3),
            lambda c: np.flatnonzero(c.design.terms[0].codes < len(c.design.terms[0].levels) - 1),
            "rows",
        ),
    ]
    for name, words, where, choose, quantity in every:
        yield Fault(name, 1, words, where, of_rows(choose), quantity=quantity)
    yield from table(
        1,
        [
            ("missing values filled with the mean", "against", GAPS, filled(pd.Series.mean), "rows"),
            ("missing values read as 0", "against", GAPS, filled(lambda x: 0.0), "rows"),
            ("missing values read as -99", "against", GAPS, filled(lambda x: -99.0), "rows"),
        ],
    )
    yield Fault(
        "rows with missing values kept where there are none",
        rung=1,
        words="",
        where=NO_GAPS,
        plant=lambda court: court.honest,
        hidden="there are none to keep",
    )


def levels() -> Iterator[Fault]:
    """Another grouping factor."""
    yield from table(
        1,
        [
            ("a level misspelt", "levels, sha256 .* against", GROUPED, of_factor(renamed)),
            ("labels with blanks", "blank|sha256", GROUPED, of_factor(with_blanks)),
            ("two levels read as one", "levels, sha256 .* against", GROUPED, of_factor(merged)),
            ("two rows with each other's level", "levels, sha256 .* against", GROUPED, of_factor(two_rows_exchanged)),
            ("a level counted that does not occur", "levels, sha256 .* against", GROUPED, hollow),
        ],
    )
    orders = {
        "by code point": (by(lambda level: level), "code point"),
        "regardless of case": (by(str.casefold), "regardless of case"),
        "in reverse": (lambda term: [*reversed(range(len(term.levels)))], "reverse"),
        "as they first occur": (lambda term: [*dict.fromkeys(term.codes.tolist())], "first occur"),
        "by the numbers in them": (by(number_in), "numbers"),
    }
    # Where two orders are the same, either name will do; of an interaction's labels no number is known.
    words = "|".join([*(words for _, words in orders.values()), "levels, sha256 .* against"])
    for told, (order, _) in orders.items():
        yield Fault(f"levels {told}", 1, words, GROUPED, of_factor(partial(ordered, order)))
    yield from table(
        1,
        [
            ("codes from 1", "codes from 1", GROUPED, lambda court: replace(court.honest, data=from_one(court))),
        ],
    )


def from_one(court: Court) -> Any:
    """What an engine says it saw that counts levels from 1."""
    data = court.honest.data
    assert data is not None
    seen = {term.group: grouping(term.levels, term.codes + 1) for term in court.design.terms}
    return replace(data, groupings=seen)


def weights_and_offset() -> Iterator[Fault]:
    """Other weights, or another offset; the model is fitted with them."""
    weights = {
        "in single precision": (single, "single precision"),
        "as variances": (lambda w: 1 / w, "reciprocals"),
        "as roots": (np.sqrt, "square roots"),
        "squared": (np.square, "squares"),
        "over their mean": (lambda w: w / w.mean(), "over their mean"),
        "as parts of their sum": (lambda w: w / w.sum(), "parts of their sum"),
        "as standard deviations": (lambda w: 1 / np.sqrt(w), "standard deviations"),
        "read as ones": (np.ones_like, "but ones"),
    }
    for told, (change, words) in weights.items():
        yield Fault(f"weights {told}", 1, words, where=WEIGHTED, plant=of_own("weights", change), quantity="weights")
    offsets = {
        "with the other sign": (np.negative, "other sign"),
        "read as zeros": (np.zeros_like, "zeros"),
        "in single precision": (single, "single precision"),
        "twice": (lambda o: 2 * o, "twice"),
    }
    for told, (change, words) in offsets.items():
        yield Fault(f"offset {told}", 1, words, where=OFFSET, plant=of_own("offset", change), quantity="offset")


FAULTS = (*responses(), *rows(), *levels(), *weights_and_offset())
