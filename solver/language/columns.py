"""Columns of a data frame as R sees them: numbers, logicals and factors, with what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.syntax import number_label

_LOGICAL_LEVELS = ("FALSE", "TRUE")
_LARGEST_INTEGER = 2**31 - 1
# Counting integers is faster than hashing them while the counts take at most this many times their memory.
_WIDEST = 4
_NUMBER_KINDS = ("integer", "floating", "mixed-integer-float")
Missing = Booleans | None


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
    """

    levels: tuple[str, ...]
    codes: Integers
    ordered: bool = False


Column = Array | Integers | Booleans | Factor


def read_column(data: pd.DataFrame, name: str) -> tuple[Column, Missing]:
    """Take one column out of a data frame.

    Parameters
    ----------
    data : DataFrame
        The data; the column must exist.
    name : str
        Its name.

    Returns
    -------
    column : float64, int64 or bool array, or Factor
        Text and categories are factors. An int64 array is an integer in R, too. Numbers may be a view of the data.
    missing : (n,) bool array or None
        Where there is no value; what the column holds there has no meaning. None if there is a value everywhere.

    Raises
    ------
    ModelError
        If the type has no meaning in a model, such as dates or mixed objects.
    """
    series = data[name]
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return _plain(series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.array(series.array.codes, dtype=np.int64)
        return _categories(dtype, codes, name), _or_none(codes < 0)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "string":
        found, uniques = pd.factorize(series)
        codes = np.asarray(found, dtype=np.int64)
        return _sorted_factor([str(value) for value in uniques], codes), _or_none(codes < 0)
    missing = series.isna().to_numpy(dtype=bool)
    if kind == "boolean":
        values = series.to_numpy(dtype=object, copy=True)
        values[missing] = False
        return values.astype(bool), _or_none(missing)
    if kind in _NUMBER_KINDS or (kind == "empty" and bool(missing.all())):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        if pd.api.types.is_integer_dtype(dtype):
            return _integers(np.where(missing, 0, numbers)), _or_none(missing)
        return numbers, _or_none(missing)
    raise ModelError(f"column '{name}' holds {kind} ({dtype}); convert it to numbers, text or categories")


def _plain(values: NDArray[Any]) -> tuple[Column, Missing]:
    """Read numbers of numpy's own types, of which only NaN is missing."""
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64, copy=False)
        return numbers, _or_none(np.isnan(numbers))
    return (values if values.dtype.kind == "b" else _integers(values)), None


def _or_none(missing: Booleans) -> Missing:
    return missing if missing.any() else None


def _integers(values: NDArray[Any]) -> Array | Integers:
    """Whole numbers as R holds them: integers if they all fit into 32 bits, else doubles."""
    fit = values.size == 0 or (values.max() <= _LARGEST_INTEGER and values.min() >= -_LARGEST_INTEGER)
    return values.astype(np.int64, copy=False) if fit else values.astype(np.float64)


def _categories(dtype: pd.CategoricalDtype, codes: Integers, name: str) -> Factor:
    values = dtype.categories.tolist()
    if all(type(value) is str for value in values):
        return Factor(tuple(values), codes, bool(dtype.ordered))
    if pd.api.types.infer_dtype(dtype.categories, skipna=False) in ("string", "integer"):
        return Factor(tuple(map(str, values)), codes, bool(dtype.ordered))
    return _merged([_category_label(value, name) for value in values], codes, bool(dtype.ordered))


def _category_label(category: object, name: str) -> str:
    if isinstance(category, str):
        return category
    if isinstance(category, bool | np.bool_):
        return _LOGICAL_LEVELS[int(category)]
    if isinstance(category, int | np.integer):
        return str(int(category))
    if isinstance(category, float | np.floating):
        return _number_text(float(category))
    raise ModelError(f"column '{name}' has a category {category!r}; convert the categories to text")


def _number_text(value: float) -> str:
    if np.isfinite(value):
        return number_label(value)
    return "Inf" if value > 0 else "-Inf"


def _merged(labels: list[str], codes: Integers, ordered: bool) -> Factor:
    """Give one level to equal labels, as R's ``factor`` does (numbers that agree in 15 digits)."""
    levels = tuple(dict.fromkeys(labels))
    if len(levels) == len(labels):
        return Factor(levels, codes, ordered)
    places = {level: i for i, level in enumerate(levels)}
    return Factor(levels, np.array([places[label] for label in labels] + [-1], dtype=np.int64)[codes], ordered)


def _sorted_factor(labels: list[str], codes: Integers) -> Factor:
    order = sorted(range(len(labels)), key=labels.__getitem__)
    return Factor(tuple(labels[i] for i in order), _places(order, len(labels))[codes])


def _places(order: Sequence[int] | Integers, size: int) -> Integers:
    """Where each of `size` codes stands in an order that may lack some; -1 if it lacks it, and for the code -1."""
    places = np.full(size + 1, -1, dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def as_factor(column: Column, missing: Missing = None) -> Factor:
    """Make a factor of a column as R's ``factor`` does, without unused levels.

    Parameters
    ----------
    column : Column
        Numbers become sorted levels with 15 significant digits, logicals FALSE and TRUE.
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
    values, codes = distinct(column if missing is None else column[~missing])
    if missing is not None:
        present, codes = codes, np.full(len(column), -1, dtype=np.int64)
        codes[~missing] = present
    if column.dtype == np.bool_:
        return Factor(tuple(_LOGICAL_LEVELS[int(value)] for value in values), codes)
    if column.dtype == np.int64:
        return Factor(tuple(map(str, values.tolist())), codes)
    return _merged([_number_text(float(value)) for value in values], codes, ordered=False)


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
    if values.size and values.dtype.kind != "f":
        least = int(values.min())
        if int(values.max()) - least < _WIDEST * values.size:
            above = values - least
            found = np.flatnonzero(np.bincount(above))
            return found + least, _places(found, int(found[-1]) + 1)[above]
    codes, found = pd.factorize(values)
    order = np.argsort(found)
    return found[order], _places(order, order.size)[codes]


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
    return Factor(tuple(factor.levels[i] for i in kept), _places(kept, size)[codes], factor.ordered)
