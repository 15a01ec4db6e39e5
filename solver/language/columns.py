"""Columns of a data frame as R sees them: numbers, logicals and factors, with what is missing."""

import math
import sys
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.arrays import Booleans, Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.dates import missing_in, of_days, of_instants
from relmer.solver.language.factors import (
    LOGICAL_LEVELS,
    Dates,
    Factor,
    Variable,
    Whole,
    merged,
    or_none,
    sorted_by_label,
)
from relmer.solver.language.labels import number_label

LARGEST = np.iinfo(np.int64).max
LARGEST_DOUBLE = int(sys.float_info.max)
CURES = {
    "datetime": "make it datetime64 with pd.to_datetime, in one zone",
    **dict.fromkeys(("timedelta64", "timedelta"), "make a number of it, such as days"),
    "complex": "take its real part, its size or its angle",
}
"""What to do about a column, by the kind that pandas infers."""


def read_column(data: pd.DataFrame, name: str) -> Variable:
    """Take one column out of a data frame.

    Parameters
    ----------
    data : DataFrame
        The data; the column must exist.
    name : str
        Its name.

    Returns
    -------
    column : float64, whole-number or bool array, Dates or Factor
        Text and categories are factors. Whole numbers stay exact, whatever their size. Numbers may be a view of the
        data.
    missing : (n,) bool array or None
        Where there is no value; what the column holds there has no meaning. None if there is a value everywhere.

    Raises
    ------
    ModelError
        If the type has no meaning in a model, such as mixed objects, or a number is beyond the doubles.
    """
    return read_values(data[name], f"column '{name}'")


def read_values(series: "pd.Series[Any]", what: str) -> Variable:
    """Read a series as `read_column` reads a column; messages call it `what`."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return from_numpy(series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.array(series.array.codes, dtype=np.int64)
        return from_categories(dtype, codes, what), or_none(codes < 0)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in ("datetime64", "date", "period"):
        return missing_in(calendar(series, what, kind))
    if kind == "string":
        found, uniques = pd.factorize(series)
        codes = np.asarray(found, dtype=np.int64)
        return sorted_by_label([str(value) for value in uniques], codes), or_none(codes < 0)
    return from_objects(series, kind, what)


def from_objects(series: "pd.Series[Any]", kind: str, what: str) -> Variable:
    """Read numbers and logicals that may be missing."""
    dtype = series.dtype
    missing = series.isna().to_numpy(dtype=bool)
    if kind == "boolean":
        values = series.to_numpy(dtype=object, copy=True)
        values[missing] = False
        return values.astype(bool), or_none(missing)
    if kind == "integer":
        return whole_numbers(series, missing, what), or_none(missing)
    if kind in ("floating", "mixed-integer-float") or (kind == "empty" and bool(missing.all())):
        check_doubles(series.to_numpy(dtype=object), what)
        return series.to_numpy(dtype=np.float64, na_value=np.nan), or_none(missing)
    cure = CURES.get(kind, "convert it to numbers, text or categories")
    raise ModelError(f"{what} holds {kind} ({dtype}); {cure}")


def calendar(series: "pd.Series[Any]", what: str, kind: str) -> Dates:
    """Points in time; or days, which are Python's dates and periods of one day."""
    if kind == "datetime64":
        return of_instants(pd.DatetimeIndex(series))
    if isinstance(series.dtype, pd.PeriodDtype):
        if series.dtype.freq.base != pd.offsets.Day():
            raise ModelError(f"{what} holds {series.dtype}; make days, points in time or numbers of it")
        return of_days(series.dt.start_time.to_numpy(dtype="datetime64[D]"))
    values = [np.datetime64("NaT") if pd.isna(value) else np.datetime64(value, "D") for value in series]
    return of_days(np.array(values, dtype="datetime64[D]"))


def from_numpy(values: NDArray[Any]) -> Variable:
    """Read numbers or logicals of numpy's own types, of which only NaN is missing."""
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64, copy=False)
        return numbers, or_none(np.isnan(numbers))
    return (values if values.dtype.kind == "b" else whole_of_numpy(values)), None


def whole_numbers(series: "pd.Series[Any]", missing: Booleans, what: str) -> Whole:
    """Whole numbers of which some may be missing, as int64, else as uint64, else as Python's own within the doubles."""
    if pd.api.types.is_integer_dtype(series.dtype):
        bits = np.uint64 if pd.api.types.is_unsigned_integer_dtype(series.dtype) else np.int64
        return whole_of_numpy(series.to_numpy(dtype=bits, na_value=0))
    values = series.to_numpy(dtype=object, copy=True)
    values[missing] = 0
    with suppress(OverflowError):
        return values.astype(np.int64)
    with suppress(OverflowError):
        return values.astype(np.uint64)
    check_doubles(values, what)
    return np.array([int(value) for value in values], dtype=object)


def whole_of_numpy(values: NDArray[Any]) -> Whole:
    """Numpy's whole numbers as int64, unless one is beyond it."""
    return values if values.size and values.max() > LARGEST else values.astype(np.int64, copy=False)


def check_doubles(values: NDArray[np.object_], what: str) -> None:
    """Refuse a whole number that no double can come near, naming its row."""
    for row, value in enumerate(values, start=1):
        if isinstance(value, int) and abs(value) > LARGEST_DOUBLE:
            raise ModelError(
                f"{what} holds in row {row} a whole number of about 10^{magnitude(value)}, beyond a double "
                "(1.8e308): rescale it, or make it text if it is a label"
            )


def magnitude(value: int) -> int:
    """The power of ten below a whole number, whose digits Python may refuse to spell."""
    return int((abs(value).bit_length() - 1) * math.log10(2))


def from_categories(dtype: pd.CategoricalDtype, codes: Integers, what: str) -> Factor:
    """The factor of a categorical column, its categories as R labels them."""
    values = dtype.categories.tolist()
    if all(type(value) is str for value in values):
        return Factor(tuple(values), codes, bool(dtype.ordered))
    labels = [category_label(value, what) for value in values]
    if pd.api.types.infer_dtype(dtype.categories, skipna=False) in ("string", "integer"):
        return Factor(tuple(labels), codes, bool(dtype.ordered))
    return merged(labels, codes, bool(dtype.ordered))


def category_label(category: object, what: str) -> str:
    """R's label of one category of a column: text, a logical or a number."""
    if isinstance(category, str):
        return str(category)
    if isinstance(category, bool | np.bool_):
        return LOGICAL_LEVELS[int(category)]
    if isinstance(category, int | np.integer) and abs(int(category)) <= LARGEST_DOUBLE:
        return str(int(category))
    if isinstance(category, float | np.floating):
        return number_label(float(category))
    shown = f"of {type(category).__name__} {category!r:.60}" if not isinstance(category, int) else "beyond a double"
    raise ModelError(f"{what} has a category {shown}; convert the categories to text")
