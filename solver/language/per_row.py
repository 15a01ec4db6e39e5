"""Weights and offset: one number for each row of the data, given as numbers, by name, or by an expression."""

import re
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.columns import read_values
from relmer.solver.language.evaluate import check_columns, evaluate
from relmer.solver.language.factors import Column, Dates, Factor, Matrix, Missing, or_none
from relmer.solver.language.syntax import Node, deparse, names, parse_expression
from relmer.solver.language.terms import check_arithmetic


def numbers_per_row(name: str, given: Any, data: pd.DataFrame) -> tuple[Array, Missing]:
    """Read weights or an offset.

    Parameters
    ----------
    name : str
        "weights" or "offset".
    given : str, Series, or array-like of n numbers
        Text is a column or an expression of columns, such as "1/se^2". A Series goes by the labels of its index,
        anything else by position.
    data : DataFrame
        The n rows.

    Returns
    -------
    numbers : (n,) float64 array
        The values.
    missing : (n,) bool array or None
        Where there is none.

    Raises
    ------
    ModelError
        They are no numbers (logicals, dates, text and complex numbers are none), or not one for each row, or the index
        of a Series does not say which is whose.
    """
    if isinstance(given, str):
        return expression(name, given, data)
    if isinstance(given, pd.Series):
        return doubles(name, *read_values(aligned(name, given, data.index), name))
    if isinstance(given, Mapping | Set | pd.DataFrame) or np.ndim(given) > 1:
        raise ModelError(f"{name} must be numbers, one per row of the data, not {type(given).__name__}")
    values = pd.Series(given)
    if values.shape != (len(data),):
        raise ModelError(f"{name} has {values.size} values, but the data have {len(data)} rows")
    return doubles(name, *read_values(values, name))


def expression(name: str, text: str, data: pd.DataFrame) -> tuple[Array, Missing]:
    """Evaluate weights or an offset that is a column, or an expression of columns."""
    node = read_expression(name, text)
    check_arithmetic(node)
    if next(names(node), None) is None:
        raise ModelError(f"{name} '{deparse(node)}' uses no column of the data; name one, or give one number per row")
    check_columns(names(node), data)
    return doubles(name, *evaluate(node, data))


def read_expression(name: str, text: str) -> Node:
    """Read an expression that is an argument; what is wrong with it is told of the argument.

    Raises
    ------
    ModelError
        The text is not in the closed grammar.
    """
    try:
        return parse_expression(text)
    except ModelError as error:
        said = str(error).replace("cannot read the formula", f"cannot read {name}", 1)
        raise ModelError(re.sub("^formula has", f"{name} has", said)) from None


def columns_in(**texts: str) -> tuple[str, ...]:
    """The columns that expressions use, each by the name of its argument; an empty text uses none.

    Examples
    --------
    >>> columns_in(weights="1/se^2", offset="", subset="x > mean(x)")
    ('se', 'x')
    """
    read = [read_expression(name, text) for name, text in texts.items() if text]
    return tuple(dict.fromkeys(name for node in read for name in names(node)))


def doubles(name: str, column: Column, missing: Missing) -> tuple[Array, Missing]:
    """The values of a column as doubles, NaN where there is none; text and logicals are refused."""
    if isinstance(column, Factor) or (isinstance(column, np.ndarray) and column.dtype == np.bool_):
        kind = "text or categories" if isinstance(column, Factor) else "True and False"
        raise ModelError(f"{name} must be numbers, one per row of the data, not {kind}; convert them first")
    if isinstance(column, Matrix | Dates):
        raise ModelError(f"{name} must be numbers, one per row of the data, not dates or matrices; convert them first")
    numbers = column.astype(np.float64, copy=False)
    if missing is not None:
        numbers = np.where(missing, np.nan, numbers)
    return numbers, or_none(np.isnan(numbers))


def aligned(name: str, given: "pd.Series[Any]", index: "pd.Index[Any]") -> "pd.Series[Any]":
    """The values in the order of the data, by the labels of both indices."""
    if len(given) == len(index) and given.index.equals(index):
        return given
    by_position = f"pass {name}.to_numpy() if it goes by position"
    for whose, labels in ((name, given.index), ("the data", index)):
        if not labels.is_unique:
            twice = labels[labels.duplicated()][0]
            raise ModelError(
                f"the index of {whose} has the label {twice!s:.60} more than once, so {name} cannot be matched to the "
                f"rows; {by_position}"
            )
    places: Integers = given.index.get_indexer(index)
    if (places < 0).any():
        absent = index[places < 0]
        raise ModelError(
            f"{name} has no value for {len(absent)} of {len(index)} rows by its index, first for the row labelled "
            f"{absent[0]!s:.60}; give {name} the index of the data, or {by_position}"
        )
    if len(given) > len(index):
        raise ModelError(
            f"{name} has values for {len(given) - len(index)} rows that the data lack; pick those of the data with "
            f"{name}.loc[data.index]"
        )
    return given.iloc[places]
