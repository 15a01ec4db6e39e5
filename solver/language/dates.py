"""Dates as R counts them: a Date in days, a point in time (POSIXct) in seconds, both from 1970 on."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.factors import Clock, Dates, Factor, Variable, or_none, text_factor

UNITS = ((86400, 86400.0), (3600, 3600.0), (60, 60.0))
"""From so many seconds on the difference of two points in time is in units of so many."""
SHORT = 3


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


def difference(x: Array | Dates, y: Array | Dates) -> Array:
    """R's ``-``, of points in time in the unit that R chooses by the smallest difference.

    Examples
    --------
    >>> moments = of_instants(pd.DatetimeIndex(["2020-01-02", "2020-01-03"]))
    >>> difference(moments, of_instants(pd.DatetimeIndex(["2020-01-01"])))
    array([1., 2.])
    """
    if not isinstance(y, Dates):
        return (x.values if isinstance(x, Dates) else x) - y
    if not isinstance(x, Dates) or x.clock is not y.clock:
        raise ModelError("only a date can be taken away from a date, of the same kind; as.numeric() makes numbers")
    values = x.values - y.values
    if x.clock is Clock.DAYS:
        return values
    smallest = np.nanmin(np.abs(values)) if not np.isnan(values).all() else 0
    return values / next((unit for least, unit in UNITS if smallest >= least), 1.0)


def counted(x: Array | Dates) -> Array:
    """Numbers, or the days of dates; points in time have a mean that R counts in another unit."""
    if not isinstance(x, Dates):
        return x
    if x.clock is Clock.SECONDS:
        raise ModelError("points in time have no mean here; write as.numeric(...)")
    return x.values


def to_days(variable: Variable) -> Variable:
    """R's ``as.Date``, of dates, of points in time (their day in universal time) and of text like 2020-02-29."""
    column, missing = variable
    if isinstance(column, Dates):
        seconds = column.values if column.clock is Clock.SECONDS else column.values * 86400
        known = np.where(np.isnan(seconds), 0, np.floor(seconds / 86400)).astype("datetime64[D]")
        return of_days(np.where(np.isnan(seconds), np.datetime64("NaT"), known)), missing
    if not isinstance(column, Factor):
        raise ModelError("as.Date() takes dates, or text such as 2020-02-29")
    try:
        found = [np.datetime64(level.replace("/", "-"), "D") for level in column.levels]
    except ValueError:
        raise ModelError("as.Date() reads text such as 2020-02-29; make other dates in the data") from None
    return of_days(np.array([*found, np.datetime64("NaT")])[column.codes]), missing


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
