"""Dates as R counts them: a Date in days, a point in time (POSIXct) in seconds, both from 1970 on."""

import datetime
import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language import rowwise
from relmer.solver.language.factors import Clock, Dates, Factor, Variable, or_none, text_factor

UNITS = ((86400, 86400.0), (3600, 3600.0), (60, 60.0))
"""From so many seconds on the difference of two points in time is in units of so many."""
SHORT = 3
NO_MOMENT = np.array("NaT", dtype="datetime64[ns]")
NANOSECONDS_A_DAY, NANOSECONDS_A_SECOND = 86400e9, 1e9
DAY_PATTERNS = ("%Y-%m-%d", "%Y/%m/%d")
"""As R tries them."""
DIRECTIVE = re.compile(r"%.")
PIECE = re.compile(r"%.|\s+|[^%\s]")
READ = {"%Y", "%y", "%m", "%d", "%j", "%b", "%B"}
WRITTEN = {*READ, "%a", "%A", "%H", "%M", "%S", "%u", "%U", "%W", "%V", "%G"}
"""What a format may hold, in English."""


def of_days(days: NDArray[np.datetime64]) -> Dates:
    """Days of the calendar."""
    whole = days.astype("datetime64[D]")
    values = np.where(np.isnat(whole), np.nan, whole.astype(np.int64).astype(np.float64))
    return Dates(values, Clock.DAYS, whole)


def of_instants(moments: pd.DatetimeIndex) -> Dates:
    """Points in time; those without a zone are in universal time."""
    local = moments.tz_localize(None) if moments.tz is not None else moments
    universal = moments.tz_convert("UTC").tz_localize(None) if moments.tz is not None else moments
    stamps = universal.to_numpy(dtype="datetime64[ns]")
    counts = stamps.astype(np.int64)
    seconds = counts // 10**9 + (counts % 10**9) / 1e9
    return Dates(np.where(np.isnat(stamps), np.nan, seconds), Clock.SECONDS, local.to_numpy(dtype="datetime64[ns]"))


def difference(x: Array | Dates, y: Array | Dates) -> Array | Dates:
    """R's ``-``, of points in time in the unit that R chooses by the smallest difference.

    Examples
    --------
    >>> moments = of_instants(pd.DatetimeIndex(["2020-01-02", "2020-01-03"]))
    >>> difference(moments, of_instants(pd.DatetimeIndex(["2020-01-01"])))
    array([1., 2.])
    """
    if not isinstance(y, Dates):
        return moved(x, -y) if isinstance(x, Dates) else x - y
    if not isinstance(x, Dates) or x.clock is not y.clock:
        raise ModelError("only a date can be taken away from a date, of the same kind; as.numeric() makes numbers")
    values = x.values - y.values
    if x.clock is Clock.DAYS:
        return values
    smallest = np.nanmin(np.abs(values)) if not np.isnan(values).all() else 0
    return values / next((unit for least, unit in UNITS if smallest >= least), 1.0)


def moved(x: Dates, by: Array) -> Dates:
    """Dates so many days or seconds later."""
    unit = NANOSECONDS_A_DAY if x.clock is Clock.DAYS else NANOSECONDS_A_SECOND
    values = x.values + by
    steps = np.where(np.isnan(by), 0, by) * unit
    local = x.local.astype("datetime64[ns]") + np.round(steps).astype("timedelta64[ns]")
    return Dates(values, x.clock, np.where(np.isnan(values), NO_MOMENT, local))


def total(x: Array | Dates, y: Array | Dates) -> Array | Dates:
    """R's ``+``, which moves a date by a number."""
    if isinstance(x, Dates) and isinstance(y, Dates):
        raise ModelError("two dates have no sum, in R either; as.numeric() makes numbers")
    if isinstance(x, Dates) or isinstance(y, Dates):
        return moved(x, y) if isinstance(x, Dates) else moved(y, x)  # type: ignore[arg-type]
    return np.add(x, y)


def alike(x: Dates, values: Array) -> Dates:
    """Dates with other values, as a clock in universal time shows them."""
    unit = NANOSECONDS_A_DAY if x.clock is Clock.DAYS else NANOSECONDS_A_SECOND
    stamps = np.round(np.where(np.isnan(values), 0, values) * unit).astype("datetime64[ns]")
    return Dates(values, x.clock, np.where(np.isnan(values), NO_MOMENT, stamps))


def mean(x: Array | Dates, trim: float, drop: bool) -> Array | Dates:
    """R's ``mean``, of dates a date."""
    return alike(x, rowwise.mean(x.values, trim, drop)) if isinstance(x, Dates) else rowwise.mean(x, trim, drop)


def median(x: Array | Dates, drop: bool) -> Array | Dates:
    """R's ``median``, of dates a date."""
    return alike(x, rowwise.median(x.values, drop)) if isinstance(x, Dates) else rowwise.median(x, drop)


def of_all(compute: Callable[[Array, bool], Array], columns: Sequence[Array | Dates], drop: bool) -> Array | Dates:
    """What all values of some columns give together, of dates a date."""
    first = columns[0]
    if isinstance(first, Dates) and len(columns) == 1:
        return alike(first, compute(first.values, drop))
    if any(isinstance(each, Dates) for each in columns):
        raise ModelError("min, max and range take one column of dates, or numbers")
    return compute(np.concatenate([each for each in columns if not isinstance(each, Dates)]), drop)


def smallest(columns: Sequence[Array | Dates], drop: bool) -> Array | Dates:
    """R's ``min``."""
    return of_all(rowwise.smallest, columns, drop)


def largest(columns: Sequence[Array | Dates], drop: bool) -> Array | Dates:
    """R's ``max``."""
    return of_all(rowwise.largest, columns, drop)


def extremes(columns: Sequence[Array | Dates], drop: bool) -> Array | Dates:
    """R's ``range``."""

    def both(x: Array, drop: bool) -> Array:
        return np.concatenate([rowwise.smallest(x, drop), rowwise.largest(x, drop)])

    return of_all(both, columns, drop)


def to_days(variable: Variable, pattern: tuple[str, ...] | None = None) -> Variable:
    """R's ``as.Date``, of dates, of points in time (their day in universal time) and of text, as 2020-02-29 or else."""
    column, missing = variable
    if isinstance(column, Dates):
        seconds = column.values if column.clock is Clock.SECONDS else column.values * 86400
        known = np.where(np.isnan(seconds), 0, np.floor(seconds / 86400)).astype("datetime64[D]")
        return of_days(np.where(np.isnan(seconds), np.datetime64("NaT"), known)), missing
    if not isinstance(column, Factor):
        raise ModelError("as.Date() takes dates, or text such as 2020-02-29")
    found = np.array([*days_of(column.levels, pattern), np.datetime64("NaT", "D")])[column.codes]
    return of_days(found), or_none(np.isnat(found))


def days_of(texts: Sequence[str], pattern: tuple[str, ...] | None) -> list[np.datetime64]:
    """The days that some texts spell, all in the first of R's ways, or in the way that is said; NaT where one does not.

    Examples
    --------
    >>> [str(day) for day in days_of(["2020/2/29", "2021/13/1"], None)]
    ['2020-02-29', 'NaT']
    """
    if pattern is None:
        way = next((way for way in DAY_PATTERNS if any(day_of(text, way) for text in texts[:1])), None)
        if texts and way is None:
            raise ModelError("as.Date() reads text such as 2020-02-29 or 2020/02/29; any other needs a format")
    elif len(pattern) != 1 or not set(DIRECTIVE.findall(pattern[0])) <= READ:
        raise ModelError(f"as.Date() takes one format, of {' '.join(sorted(READ))}")
    else:
        way = pattern[0]
    days = [day_of(text, way or "") for text in texts]
    return [np.datetime64("NaT", "D") if day is None else np.datetime64(day, "D") for day in days]


def day_of(text: str, pattern: str) -> datetime.date | None:
    """The day that a text begins with, as a pattern has it; None if there is none."""
    parts = {"%Y": r"(\d{1,4})", "%y": r"(\d{1,2})", "%m": r"(\d{1,2})", "%d": r"(\d{1,2})", "%j": r"(\d{1,3})"}
    parts |= {"%b": "([A-Za-z]{3,9})", "%B": "([A-Za-z]{3,9})"}
    pieces = [parts.get(piece, r"\s*" if piece.isspace() else re.escape(piece)) for piece in PIECE.findall(pattern)]
    match = re.match(r"\s*" + "".join(pieces), text)
    if match is None:
        return None
    spelled = " ".join(match.groups())
    try:
        return datetime.datetime.strptime(spelled.title(), " ".join(DIRECTIVE.findall(pattern))).date()
    except ValueError:
        return None


def spelled(variable: Variable, pattern: tuple[str, ...]) -> Variable:
    """R's ``format`` of dates."""
    if len(pattern) != 1 or not set(DIRECTIVE.findall(pattern[0])) <= WRITTEN:
        raise ModelError(f"format() takes dates and one format, of {' '.join(sorted(WRITTEN))}")
    return named(lambda days: days.strftime(pattern[0]), variable)


def named(compute: Callable[[pd.DatetimeIndex], "pd.Index[str]"], variable: Variable) -> Variable:
    """Text that each date gives."""
    column, missing = variable
    if not isinstance(column, Dates):
        raise ModelError("months, weekdays and quarters are those of dates")
    labels = compute(pd.DatetimeIndex(column.local.astype("datetime64[ns]")))
    return text_factor([None if pd.isna(label) else str(label) for label in labels]), missing


def months(variable: Variable, short: bool) -> Variable:
    """R's ``months``, in English."""
    return named(lambda days: shortened(days.month_name(), short), variable)


def weekdays(variable: Variable, short: bool) -> Variable:
    """R's ``weekdays``, in English."""
    return named(lambda days: shortened(days.day_name(), short), variable)


def quarters(variable: Variable) -> Variable:
    """R's ``quarters``: Q1 to Q4."""

    def labels(days: pd.DatetimeIndex) -> "pd.Index[str]":
        return pd.Index([None if pd.isna(quarter) else f"Q{int(quarter)}" for quarter in days.quarter])

    return named(labels, variable)


def shortened(names: "pd.Index[str]", short: bool) -> "pd.Index[str]":
    """The first three letters, if short names are wanted."""
    return names.str[:SHORT] if short else names


def missing_in(dates: Dates) -> Variable:
    """Dates as a column of the data."""
    return dates, or_none(np.isnan(dates.values))
