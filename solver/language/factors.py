"""Factors: a level for each row, made and trimmed as R does it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.labels import LARGEST_INTEGER, number_label

LOGICAL_LEVELS = ("FALSE", "TRUE")
# Integers are counted, which is faster than hashing, if their range is less than this many times their number.
WIDEST = 4


class Origin(Enum):
    """Where the levels of a factor, and their order, come from."""

    GIVEN = "categories or logicals, in an order of their own"
    TEXT = "text, sorted by code point"
    SORTED = "a factor made of text, sorted by code point"
    WHOLE = "whole numbers, each a level"
    NUMBERS = "numbers, each a level"
    MERGED = "numbers, of which those that agree in 15 digits are one level, as in R"


Coding = tuple[Array, tuple[str, ...]]
"""A row per level (k, c), and what R appends to the variable's name for each column."""


@dataclass(frozen=True)
class Factor:
    """A categorical variable.

    Attributes
    ----------
    levels : tuple of str
        In order.
    codes : (n,) int64 array
        Index of each row's level, -1 where it is missing.
    ordered : bool
        Whether the order has a meaning, which selects polynomial contrasts.
    origin : Origin
        Where levels and order come from.
    contrasts : Coding or None
        Those that ``C()`` gave it, instead of R's default.
    """

    levels: tuple[str, ...]
    codes: Integers
    ordered: bool = False
    origin: Origin = field(default=Origin.GIVEN, repr=False, compare=False)
    contrasts: Coding | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Matrix:
    """Several columns that are one variable, such as a polynomial.

    Attributes
    ----------
    values : (n, c) float64 array
        NaN where there is no value.
    suffixes : tuple of str
        What R appends to the variable's name for each column; nothing if there is one.
    """

    values: Array
    suffixes: tuple[str, ...]


class Clock(Enum):
    """What R counts a date in, from 1970 on."""

    DAYS = "Date"
    SECONDS = "POSIXct"


@dataclass(frozen=True)
class Dates:
    """Days or points in time.

    Attributes
    ----------
    values : (n,) float64 array
        Days or seconds since 1970-01-01, in universal time; NaN where there is no value.
    clock : Clock
        What it counts.
    local : (n,) datetime64[ns] array
        What a clock on the spot shows.
    """

    values: Array
    clock: Clock
    local: NDArray[np.datetime64]


Whole = Integers | NDArray[np.uint64] | NDArray[np.object_]
"""Whole numbers, exactly: int64, else uint64, else Python's own."""
Plain = Array | Whole | Booleans
Column = Plain | Factor | Matrix | Dates
Missing = Booleans | None
"""Where a column has no value; None if it has one everywhere."""
Variable = tuple[Column, Missing]


def or_none(missing: Booleans) -> Missing:
    """The mask, or None if it is False everywhere."""
    return missing if missing.any() else None


def as_factor(column: Column, missing: Missing = None) -> Factor:
    """Make a factor of a column as R's ``factor`` does, without unused levels.

    Parameters
    ----------
    column : Column
        Real numbers become sorted levels with 15 significant digits, logicals FALSE and TRUE; every whole number is
        a level of its own.
    missing : (n,) bool array, optional
        Rows that get the code -1.

    Returns
    -------
    Factor
        Only with levels that occur.

    Examples
    --------
    >>> as_factor(np.array([2.5, 100000.0, 2.5])).levels
    ('2.5', '1e+05')
    """
    if isinstance(column, Factor):
        return drop_unused_levels(column)
    if isinstance(column, Dates):
        return dated_factor(column)
    if isinstance(column, Matrix):
        raise ModelError("several columns that are one variable make no factor")
    values, codes = distinct(column if missing is None else column[~missing])
    if missing is not None:
        present, codes = codes, np.full(len(column), -1, dtype=np.int64)
        codes[~missing] = present
    if column.dtype == np.bool_:
        return Factor(tuple(LOGICAL_LEVELS[int(value)] for value in values), codes)
    if column.dtype.kind != "f":
        return Factor(whole_labels(values.tolist()), codes, origin=Origin.WHOLE)
    return merged([number_label(float(value)) for value in values], codes, ordered=False)


def dated_factor(dates: Dates) -> Factor:
    """The factor of dates, in their order and spelled as R does: with the time of day if one is not midnight.

    Examples
    --------
    >>> day = np.array(["2020-02-29", "1999-12-31"], dtype="datetime64[ns]")
    >>> dated_factor(Dates(day.astype("datetime64[D]").astype(float), Clock.DAYS, day)).levels
    ('1999-12-31', '2020-02-29')
    """
    found, codes = np.unique(dates.local, return_inverse=True)
    present = ~np.isnat(found)
    seconds = found[present].astype("datetime64[s]")
    unit = "D"
    if dates.clock is Clock.SECONDS and (seconds != seconds.astype("datetime64[D]")).any():
        unit = "s"
    labels = [str(value).replace("T", " ") for value in seconds.astype(f"datetime64[{unit}]")]
    return merged(labels, np.where(present[codes], codes, -1).astype(np.int64), ordered=False, origin=Origin.GIVEN)


def numbers_or_factor(column: Column) -> Array | Factor | Matrix:
    """A column as it is coded: a logical is a factor with both levels, a date its number of days or seconds."""
    if isinstance(column, Factor | Matrix):
        return column
    if isinstance(column, Dates):
        return column.values
    if column.dtype == np.bool_:
        return Factor(LOGICAL_LEVELS, column.astype(np.int64))
    return column.astype(np.float64, copy=False)


def whole_labels(values: list[int]) -> tuple[str, ...]:
    """Spell distinct whole numbers as R does where that spells the very number, else with all their digits.

    R holds whole numbers as integers if they all fit into 32 bits, else as doubles, which it labels with 15 digits.

    Examples
    --------
    >>> whole_labels([7, 100000]), whole_labels([7, 3 * 10**9, 10**15 + 1])
    (('7', '100000'), ('7', '3e+09', '1000000000000001'))
    """
    if not values or max(abs(values[0]), abs(values[-1])) <= LARGEST_INTEGER:
        return tuple(map(str, values))
    labels = [(value, number_label(float(value))) for value in values]
    return tuple(label if int(Decimal(label)) == value else str(value) for value, label in labels)


def levels_in_R(factor: Factor) -> int:
    """How many levels R's ``factor`` has for the numbers of which one of whole numbers was made.

    Examples
    --------
    >>> levels_in_R(as_factor(np.array([10**16, 10**16 + 1])))
    1
    """
    return len({number_label(float(int(Decimal(level)))) for level in factor.levels})


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], Integers]:
    """Sort the distinct numbers, as ``np.unique`` does, without sorting all n.

    Integers of a narrow range are counted, other numbers hashed.

    Parameters
    ----------
    values : (n,) array
        Numbers or logicals, none of them NaN.

    Returns
    -------
    numbers : (l,) array
        Increasing.
    codes : (n,) int64 array
        values = numbers[codes].

    Examples
    --------
    >>> distinct(np.array([30, 10, 30]))
    (array([10, 30]), array([1, 0, 1]))
    """
    if values.size and values.dtype.kind in "ib":
        least = int(values.min())
        if int(values.max()) - least < WIDEST * values.size:
            above = values - least
            found = np.flatnonzero(np.bincount(above))
            return found + least, places_in(found, int(found[-1]) + 1)[above]
    codes, found = pd.factorize(values)
    order = np.argsort(found)
    return found[order], places_in(order, order.size)[codes]


def drop_unused_levels(factor: Factor) -> Factor:
    """Remove the levels of a factor that no row has.

    Examples
    --------
    >>> drop_unused_levels(Factor(("a", "b", "c"), np.array([2, 0, -1])))
    Factor(levels=('a', 'c'), codes=array([ 1,  0, -1]), ordered=False)
    """
    codes, size = factor.codes, len(factor.levels)
    used = np.bincount(codes if codes.min(initial=0) == 0 else codes[codes >= 0], minlength=size) > 0
    if used.all():
        return factor
    kept = np.flatnonzero(used)
    return Factor(tuple(factor.levels[i] for i in kept), places_in(kept, size)[codes], factor.ordered, factor.origin)


def merged(labels: list[str], codes: Integers, ordered: bool, origin: Origin = Origin.NUMBERS) -> Factor:
    """Give one level to equal labels, as R's ``factor`` does (numbers that agree in 15 digits)."""
    levels = tuple(dict.fromkeys(labels))
    if len(levels) == len(labels):
        return Factor(levels, codes, ordered, origin)
    places = {level: i for i, level in enumerate(levels)}
    merging = np.array([places[label] for label in labels] + [-1], dtype=np.int64)
    return Factor(levels, merging[codes], ordered, Origin.MERGED)


def sorted_by_label(labels: list[str], codes: Integers) -> Factor:
    """A factor with its labels, which are distinct, sorted by code point."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    return Factor(tuple(labels[i] for i in order), places_in(order, len(labels))[codes], origin=Origin.TEXT)


def places_in(order: Sequence[int] | Integers, size: int) -> Integers:
    """The place (size + 1,) of each of `size` codes in an order: -1 where it lacks the code, and at the end.

    The last entry is what the code -1, a missing value, is turned into.
    """
    places = np.full(size + 1, -1, dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def text_factor(labels: Sequence[str | None]) -> Factor:
    """Text as a column of the data would hold it, None where there is none.

    Examples
    --------
    >>> text_factor(["b", None, "a"])
    Factor(levels=('a', 'b'), codes=array([ 1, -1,  0]), ordered=False)
    """
    codes, uniques = pd.factorize(np.array(labels, dtype=object))
    return sorted_by_label([str(value) for value in uniques], np.asarray(codes, dtype=np.int64))
