"""Arithmetic as R does it: what one row gives, and what all rows together give."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError

EPS = np.finfo(np.float64).eps
MOST_DIGITS = 22
"""R's: a double of so many digits is itself."""


def power(base: Array, exponent: Array) -> Array:
    """R's ``^``, which squares by multiplying; C's ``pow`` need not round the same way."""
    return np.where(exponent == 2, base * base, np.power(base, exponent))


def logarithm(x: Array, base: Array | None) -> Array:
    """R's ``log``: ``log2`` and ``log10`` for these bases, else a quotient of natural logarithms."""
    if base is None:
        return np.log(x)
    of_two, of_ten = base == 2, base == 10
    return np.where(of_two, np.log2(x), np.where(of_ten, np.log10(x), np.log(x) / np.log(base)))


def remainder(x: Array, y: Array) -> Array:
    """R's ``%%``, of the sign of the divisor; R takes multiples away in extended precision."""
    if np.isinf(y).any():
        across = np.where((x == 0) | (np.sign(x) == np.sign(y)), x, y)
        return np.where(
            np.isinf(y), np.where(np.isfinite(x), across, np.nan), remainder(x, np.where(np.isinf(y), 1, y))
        )
    wide = y.astype(np.longdouble)
    rest = x - np.floor(x / y) * wide
    whole = np.floor((rest / wide).astype(np.float64))
    return np.where(y == 0, np.nan, (rest - whole * wide).astype(np.float64))


def quotient(x: Array, y: Array) -> Array:
    """R's ``%/%``, rounded down."""
    q = x / y
    down = np.floor(q)
    rest = (x - down * y.astype(np.longdouble)) / y
    return np.where((y == 0) | (np.abs(q) * EPS > 1), q, (down + np.floor(rest)).astype(np.float64))


def rounded(x: Array, digits: float) -> Array:
    """R's ``round``: halves of whole numbers to even; with digits, the nearest decimal number."""
    places = int(np.floor(digits + 0.5))
    return np.rint(x) if places == 0 else once_each(lambda value: round(value, places), x)


def significant(x: Array, digits: float) -> Array:
    """R's ``signif``: the nearest number of so many digits."""
    places = max(1, int(np.floor(digits + 0.5)))
    return x if places > MOST_DIGITS else once_each(lambda value: float(f"{value:.{places - 1}e}"), x)


def once_each(compute: Callable[[float], float], x: Array) -> Array:
    """A function of a number, of each different one; what is not finite stays as it is."""
    codes, values = pd.factorize(x, use_na_sentinel=False)
    return np.array([compute(float(value)) if np.isfinite(value) else value for value in values])[codes]


def least(columns: Sequence[Array], drop: bool) -> Array:
    """R's ``pmin``."""
    return across(np.fmin if drop else np.minimum, columns)


def greatest(columns: Sequence[Array], drop: bool) -> Array:
    """R's ``pmax``."""
    return across(np.fmax if drop else np.maximum, columns)


def across(extreme: Callable[[Array, Array], Array], columns: Sequence[Array]) -> Array:
    """The extreme of some columns in each row."""
    result = columns[0]
    for column in columns[1:]:
        result = extreme(result, column)
    return result


def present(x: Array, drop: bool) -> Array:
    """The values there are, if the others are dropped."""
    return x[~np.isnan(x)] if drop else x


def one(value: float | np.floating) -> Array:
    """One number as R has it, a vector."""
    return np.array([value], dtype=np.float64)


def mean(x: Array, trim: float = 0.0, drop: bool = False) -> Array:
    """R's ``mean``: summed in extended precision, and corrected once; of the middle, if the ends are trimmed."""
    values = present(x, drop).astype(np.longdouble)
    if trim > 0 and values.size:
        if np.isnan(values).any() or trim >= 1 / 2:
            return median(x, drop)
        least = int(values.size * trim)
        values = np.sort(values)[least : values.size - least]
    if not values.size:
        return one(np.nan)
    first = values.sum() / values.size
    return one(np.float64(first + (values - first).sum() / values.size))


def median(x: Array, drop: bool = False) -> Array:
    """R's ``median``."""
    values = present(x, drop)
    return one(np.nan if not values.size or np.isnan(values).any() else np.median(values))


def variance(x: Array, y: Array | None = None, drop: bool = False) -> Array:
    """R's ``var``."""
    if y is not None:
        raise ModelError("var() takes one variable, and na.rm by its name")
    values = present(x, drop)
    if values.size < 2:
        return one(np.nan)
    centred = values.astype(np.longdouble) - np.longdouble(mean(values)[0])
    return one(np.float64((centred**2).sum() / (values.size - 1)))


def deviation(x: Array, drop: bool = False) -> Array:
    """R's ``sd``."""
    return np.sqrt(variance(x, drop=drop))


def smallest(x: Array, drop: bool = False) -> Array:
    """R's ``min``."""
    return one(present(x, drop).min(initial=np.inf))


def largest(x: Array, drop: bool = False) -> Array:
    """R's ``max``."""
    return one(present(x, drop).max(initial=-np.inf))


def total(columns: Sequence[Array], drop: bool = False) -> Array:
    """R's ``sum``."""
    return one(np.float64(present(np.concatenate(columns), drop).astype(np.longdouble).sum()))


def quantile(x: Array, probabilities: Array, drop: bool = False) -> Array:
    """R's ``quantile`` of type 7.

    Examples
    --------
    >>> quantile(np.array([3.0, 1.0, 2.0, 10.0]), np.array([0.25, 0.5]), False)
    array([1.75, 2.5 ])
    """
    values = np.sort(present(x, drop))
    if not values.size or np.isnan(values).any() or not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ModelError("quantile() takes numbers without missing values, and probabilities from 0 to 1")
    index = (values.size - 1) * probabilities
    low = np.floor(index + 4 * EPS).astype(np.int64)
    share = index - low
    share = np.where(np.abs(share) < 4 * EPS, 0.0, share)
    high = np.minimum(low + 1, values.size - 1)
    return np.where(share == 0, values[low], (1 - share) * values[low] + share * values[high])


MOST = 100_000
"""So long may a sequence of constants be."""


def sequence(start: float, stop: float, step: float | None, count: float | None = None) -> Array:
    """R's ``seq``, by steps or of so many numbers."""
    if count is not None:
        if step is not None or not 1 <= count <= MOST:
            raise ModelError(f"seq() takes by, or a length.out of at most {MOST} numbers")
        k = int(np.ceil(count))
        made = start + np.arange(k) * ((stop - start) / (k - 1)) if k > 2 else np.array([start, stop])[:k]
        return np.asarray(made, dtype=float)
    step = (1.0 if stop >= start else -1.0) if step is None else step
    if step == 0 or not 0 <= (stop - start) / step <= MOST:
        raise ModelError(f"seq({start:g}, {stop:g}, by = {step:g}) is no sequence of at most {MOST} numbers")
    return start + step * np.arange(float(int((stop - start) / step + 1e-10) + 1))


def run(start: Array, stop: Array) -> Array:
    """R's ``1:3``."""
    if start.size != 1 or stop.size != 1:
        raise ModelError("':' between constants takes one number on each side")
    return sequence(float(start[0]), float(stop[0]), None)
