"""Numbers and dates cut into intervals, as R's ``cut`` does."""

from itertools import pairwise

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.compare import labels_of, plain
from relmer.solver.language.factors import Clock, Column, Dates, Factor, Variable, or_none
from relmer.solver.language.recode import MOST_LEVELS, Texts, factor

INFINITE = {"inf": " Inf", "-inf": "-Inf"}
"""As R's ``formatC`` spells them."""
CALENDAR = {"day": "D", "week": "W", "month": "M", "quarter": "M", "year": "Y"}
"""The units of dates, and those of numpy that they are counted in."""
MONTHS_A_QUARTER, DAYS_A_WEEK, MONDAY = 3, 7, 4


# Digits of the labels of intervals that R writes.
MOST_DIGITS = 50


def cut(
    x: Array | Dates,
    given: Variable,
    labels: Texts | None,
    lowest: bool,
    right: bool,
    digits: float,
    ordered: bool,
) -> Variable:
    """R's ``cut``: intervals between breaks, or so many of one width; of dates, those of the calendar.

    Examples
    --------
    >>> breaks = np.array([0.0, 2.0, 10.0]), None
    >>> cut(np.array([1.0, 2.0, 5.0]), breaks, None, False, True, 3.0, False)[0]
    Factor(levels=('(0,2]', '(2,10]'), codes=array([0, 0, 1]), ordered=False)
    """
    if isinstance(x, Dates):
        return periods(x, given[0])
    breaks = plain(given[0])
    if given[1] is not None:
        raise ModelError("cut() is given a break that is missing")
    if breaks.size == 1:
        breaks = equal_widths(x, breaks[0])
    breaks = np.sort(breaks)
    if np.any(np.diff(breaks) <= 0):
        raise ModelError("cut() is given a break twice")
    k = breaks.size - 1
    codes = np.searchsorted(breaks, x, side="left" if right else "right") - 1
    if lowest:
        codes = np.where(x == breaks[0 if right else -1], 0 if right else k - 1, codes)
    codes = np.where(np.isnan(x) | (codes < 0) | (codes >= k), -1, codes)
    if labels is None:
        if not 0 <= digits <= MOST_DIGITS:
            raise ModelError(f"cut() takes dig.lab from 0 to {MOST_DIGITS}, not {digits:g}")
        labels = interval_labels(breaks, int(digits), lowest, right)
    elif labels == ("FALSE",):
        return codes + 1, or_none(codes < 0)
    if len(labels) != k:
        raise ModelError(f"cut() is given {len(labels)} labels for {k} intervals")
    made, _ = factor((codes, codes < 0), tuple(map(str, range(k))), labels, ordered=ordered)
    return made, or_none(codes < 0)


def breaks_of(x: Array | Dates, given: Variable) -> Array | None:
    """The breaks of a ``cut``; None of dates."""
    if isinstance(x, Dates):
        return None
    breaks = plain(given[0])
    return equal_widths(x, breaks[0]) if breaks.size == 1 else breaks


def equal_widths(x: Array, count: float) -> Array:
    """The breaks of so many intervals of one width, the outermost a thousandth further out."""
    present = x[~np.isnan(x)]
    if not 2 <= count <= MOST_LEVELS or not present.size:
        raise ModelError(f"cut() takes from 2 to {MOST_LEVELS:,} breaks, not {count:g}")
    k = int(count)
    low, high = present.min(), present.max()
    width = high - low
    if width == 0:
        width = abs(low)
        flat: Array = np.linspace(low - width / 1000, high + width / 1000, k + 1)
        return flat
    breaks: Array = low + np.arange(k + 1) * (width / k)
    breaks[0], breaks[-1] = low - width / 1000, high + width / 1000
    return breaks


def interval_labels(breaks: Array, digits: int, lowest: bool, right: bool) -> Texts:
    """Spell intervals with as many digits as tell the breaks apart."""
    for precision in range(digits, max(12, digits) + 1):
        spelled = [f"{value:.{max(1, precision)}g}" for value in breaks + 0]
        if all(a != b for a, b in pairwise(spelled)):
            break
    else:
        spelled = [str(i + 1) for i in range(len(breaks))]
    spelled = [INFINITE.get(text, text) for text in spelled]
    opening, closing = ("(", "]") if right else ("[", ")")
    made = [f"{opening}{a},{b}{closing}" for a, b in pairwise(spelled)]
    if lowest and right:
        made[0] = "[" + made[0][1:]
    if lowest and not right:
        made[-1] = made[-1][:-1] + "]"
    return tuple(made)


def periods(x: Dates, breaks: Column) -> Variable:
    """Days by the week (from Monday), month, quarter or year that they are in, or by several, as "2 months"."""
    text = str(labels_of(breaks)[0]) if isinstance(breaks, Factor) and breaks.codes.size == 1 else ""
    count, unit = (text.split(" ") if " " in text else ["1", text])[:2]
    unit = unit.removesuffix("s")
    if x.clock is not Clock.DAYS or unit not in CALENDAR or not count.isdigit() or int(count) < 1:
        raise ModelError(f"cut() of days takes {', '.join(CALENDAR)}, or several, as '2 months'; else as.numeric(d)")
    known = ~np.isnan(x.values)
    if not known.any():
        raise ModelError("cut() takes dates, of which there are none")
    days = np.where(known, x.values, x.values[known].min()).astype(np.int64).astype("datetime64[D]")
    step = int(count) * {"quarter": MONTHS_A_QUARTER, "week": DAYS_A_WEEK}.get(unit, 1)
    scale = "D" if unit == "week" else CALENDAR[unit]
    first = days.min()
    if unit == "week":
        first = first - np.timedelta64(int((first.astype(np.int64) - MONDAY) % DAYS_A_WEEK), "D")
    start = first.astype(f"datetime64[{scale}]").astype(np.int64)
    if unit == "quarter":
        start -= start % MONTHS_A_QUARTER
    codes = (days.astype(f"datetime64[{scale}]").astype(np.int64) - start) // step
    if codes.max() >= MOST_LEVELS:
        raise ModelError(f"cut() of these dates makes more than {MOST_LEVELS:,} levels; write a longer unit")
    starts = (start + step * np.arange(codes.max() + 1)).astype(f"datetime64[{scale}]").astype("datetime64[D]")
    return Factor(tuple(pd.DatetimeIndex(starts).strftime("%Y-%m-%d")), np.where(known, codes, -1)), or_none(~known)
