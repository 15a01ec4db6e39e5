"""Columns of a data frame as R sees them: numbers, logicals and factors, with what is missing."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.factors import LOGICAL_LEVELS, Factor, Variable, merged, or_none, sorted_by_label
from relmer.solver.language.labels import number_label

LARGEST_INTEGER = 2**31 - 1
NUMBER_KINDS = ("integer", "floating", "mixed-integer-float")


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
        return from_numpy(series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.array(series.array.codes, dtype=np.int64)
        return from_categories(dtype, codes, name), or_none(codes < 0)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "string":
        found, uniques = pd.factorize(series)
        codes = np.asarray(found, dtype=np.int64)
        return sorted_by_label([str(value) for value in uniques], codes), or_none(codes < 0)
    missing = series.isna().to_numpy(dtype=bool)
    if kind == "boolean":
        values = series.to_numpy(dtype=object, copy=True)
        values[missing] = False
        return values.astype(bool), or_none(missing)
    if kind in NUMBER_KINDS or (kind == "empty" and bool(missing.all())):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        if pd.api.types.is_integer_dtype(dtype):
            return whole_numbers(np.where(missing, 0, numbers)), or_none(missing)
        return numbers, or_none(missing)
    raise ModelError(f"column '{name}' holds {kind} ({dtype}); convert it to numbers, text or categories")


def from_numpy(values: NDArray[Any]) -> Variable:
    """Read numbers or logicals of numpy's own types, of which only NaN is missing."""
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64, copy=False)
        return numbers, or_none(np.isnan(numbers))
    return (values if values.dtype.kind == "b" else whole_numbers(values)), None


def whole_numbers(values: NDArray[Any]) -> Array | Integers:
    """Whole numbers as R holds them: integers if they all fit into 32 bits, else doubles."""
    fit = values.size == 0 or (values.max() <= LARGEST_INTEGER and values.min() >= -LARGEST_INTEGER)
    return values.astype(np.int64, copy=False) if fit else values.astype(np.float64)


def from_categories(dtype: pd.CategoricalDtype, codes: Integers, name: str) -> Factor:
    """The factor of a categorical column, its categories as R labels them."""
    values = dtype.categories.tolist()
    if all(type(value) is str for value in values):
        return Factor(tuple(values), codes, bool(dtype.ordered))
    if pd.api.types.infer_dtype(dtype.categories, skipna=False) in ("string", "integer"):
        return Factor(tuple(map(str, values)), codes, bool(dtype.ordered))
    return merged([category_label(value, name) for value in values], codes, bool(dtype.ordered))


def category_label(category: object, name: str) -> str:
    """R's label of one category of the column `name`: text, a logical or a number."""
    if isinstance(category, str):
        return category
    if isinstance(category, bool | np.bool_):
        return LOGICAL_LEVELS[int(category)]
    if isinstance(category, int | np.integer):
        return str(int(category))
    if isinstance(category, float | np.floating):
        return number_label(float(category))
    raise ModelError(f"column '{name}' has a category {category!r}; convert the categories to text")
