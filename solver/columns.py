"""Columns of a data frame as R sees them: numbers, logicals and factors, with what is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relmer.solver.errors import ModelError
from relmer.solver.syntax import Call, Name, Node, Number, deparse, number_label

_LOGICAL_LEVELS = ("FALSE", "TRUE")
_LARGEST_INTEGER = 2**31 - 1
_NUMBER_KINDS = ("integer", "floating", "mixed-integer-float")

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


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


Column = Floats | Integers | Booleans | Factor


def read_column(data: pd.DataFrame, name: str) -> tuple[Column, Booleans]:
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
        Text and categories are factors. An int64 array is an integer in R, too.
    missing : (n,) bool array
        Where there is no value; what the column holds there has no meaning.

    Raises
    ------
    ModelError
        If the type has no meaning in a model, such as dates or mixed objects.
    """
    series = data[name]
    missing = series.isna().to_numpy(dtype=bool)
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        labels = [_category_label(category, name) for category in dtype.categories]
        codes = np.asarray(series.cat.codes, dtype=np.int64)
        return _merged(labels, codes, bool(dtype.ordered)), missing
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "boolean":
        return _filled(series, missing, False).astype(bool), missing
    if kind in _NUMBER_KINDS or (kind == "empty" and bool(missing.all())):
        return _numbers(series, missing), missing
    if kind == "string":
        found, uniques = pd.factorize(_filled(series, missing, ""), sort=False)
        codes = np.where(missing, -1, np.asarray(found, dtype=np.int64))
        return _sorted_factor([str(value) for value in uniques], codes), missing
    raise ModelError(f"column '{name}' holds {kind} ({dtype}); convert it to numbers, text or categories")


def _filled(series: "pd.Series[Any]", missing: Booleans, fill: object) -> NDArray[np.object_]:
    values = series.to_numpy(dtype=object, copy=True)
    values[missing] = fill
    return values


def _numbers(series: "pd.Series[Any]", missing: Booleans) -> Floats | Integers:
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_integer_dtype(series.dtype):
        integers = np.where(missing, 0, values)
        if np.all(np.abs(integers) <= _LARGEST_INTEGER):
            return integers.astype(np.int64)
    return values


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
    positions = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    recode = np.array([positions[label] for label in labels] + [-1], dtype=np.int64)
    return Factor(tuple(positions), recode[codes], ordered)


def _sorted_factor(labels: list[str], codes: Integers) -> Factor:
    order = sorted(range(len(labels)), key=labels.__getitem__)
    recode = np.full(len(labels) + 1, -1, dtype=np.int64)
    recode[order] = np.arange(len(labels))
    return Factor(tuple(labels[i] for i in order), recode[codes])


def as_factor(column: Column, missing: Booleans) -> Factor:
    """Make a factor of a column as R's ``factor`` does, without unused levels.

    Parameters
    ----------
    column : Column
        Numbers become sorted levels with 15 significant digits, logicals FALSE and TRUE.
    missing : (n,) bool array
        Rows that get the code -1.

    Returns
    -------
    Factor
        Only with levels that occur.

    Examples
    --------
    >>> as_factor(np.array([2.5, 100000.0, 2.5]), np.zeros(3, dtype=bool)).levels
    ('2.5', '1e+05')
    """
    if isinstance(column, Factor):
        return drop_unused_levels(column)
    values, inverse = np.unique(column[~missing], return_inverse=True)
    codes = np.full(len(column), -1, dtype=np.int64)
    codes[~missing] = inverse
    if column.dtype == np.bool_:
        return Factor(tuple(_LOGICAL_LEVELS[int(value)] for value in values), codes)
    if column.dtype == np.int64:
        return Factor(tuple(str(int(value)) for value in values), codes)
    return _merged([_number_text(float(value)) for value in values], codes, ordered=False)


def drop_unused_levels(factor: Factor) -> Factor:
    """Remove the levels of a factor that no row has.

    Examples
    --------
    >>> drop_unused_levels(Factor(("a", "b", "c"), np.array([2, 0, -1])))
    Factor(levels=('a', 'c'), codes=array([ 1,  0, -1]), ordered=False)
    """
    counts = np.bincount(factor.codes[factor.codes >= 0], minlength=len(factor.levels))
    used = np.flatnonzero(counts)
    recode = np.full(len(factor.levels) + 1, -1, dtype=np.int64)
    recode[used] = np.arange(used.size)
    return Factor(tuple(factor.levels[i] for i in used), recode[factor.codes], factor.ordered)


def evaluate(node: Node, data: pd.DataFrame) -> tuple[Column, Booleans]:
    """Evaluate one variable of a formula on all rows of the data.

    Parameters
    ----------
    node : Node
        A column, or one of the known functions of columns.
    data : DataFrame
        The data.

    Returns
    -------
    column : Column
        The values.
    missing : (n,) bool array
        Where there is no value, which includes NaN from a transformation.

    Raises
    ------
    ModelError
        If a function of numbers is given a factor.
    """
    match node:
        case Name(name):
            return read_column(data, name)
        case Call("I" | "(", (inner,)):
            return evaluate(inner, data)
        case Call("factor" | "as.factor", (inner,)):
            column, missing = evaluate(inner, data)
            if node.function == "as.factor" and isinstance(column, Factor):
                return column, missing
            return as_factor(column, missing), missing
    values = _arithmetic(node, data)
    return values, np.isnan(values)


def _arithmetic(node: Node, data: pd.DataFrame) -> Floats:
    match node:
        case Number(value):
            return np.full(len(data), value)
        case Call("I" | "(", (inner,)):
            return _arithmetic(inner, data)
        case Call("scale", (inner,)):
            return _scale(_arithmetic(inner, data))
        case Call(function, arguments) if not function.endswith("factor"):
            operands = [_arithmetic(argument, data) for argument in arguments]
            with np.errstate(all="ignore"):
                return _ARITHMETIC[function, len(operands)](*operands)
    column, missing = evaluate(node, data)
    if isinstance(column, Factor):
        raise ModelError(f"'{deparse(node)}' is a factor, but the formula does arithmetic with it")
    return np.where(missing, np.nan, column.astype(np.float64))


def _scale(values: Floats) -> Floats:
    """Centre and divide by the standard deviation of all values there are, before rows are dropped."""
    present = values[~np.isnan(values)]
    if present.size == 0:
        return values
    with np.errstate(all="ignore"):
        centre = present.mean()
        spread = np.sqrt(np.sum((present - centre) ** 2) / max(1, present.size - 1))
        scaled: Floats = (values - centre) / spread
    return scaled


def _power(base: Floats, exponent: Floats) -> Floats:
    # R squares by multiplying; pow() need not round the same way.
    return np.where(exponent == 2, base * base, np.power(base, exponent))


_ARITHMETIC: dict[tuple[str, int], Callable[..., Floats]] = {
    ("log", 1): np.log,
    ("exp", 1): np.exp,
    ("sqrt", 1): np.sqrt,
    ("log2", 1): np.log2,
    ("log10", 1): np.log10,
    ("log1p", 1): np.log1p,
    ("abs", 1): np.abs,
    ("+", 2): np.add,
    ("-", 2): np.subtract,
    ("*", 2): np.multiply,
    ("/", 2): np.divide,
    ("^", 2): _power,
    ("+", 1): np.positive,
    ("-", 1): np.negative,
}
