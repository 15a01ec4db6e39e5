"""The variables of a formula, evaluated on data."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.columns import read_column
from relmer.solver.language.factors import Factor, Variable, or_none
from relmer.solver.language.functions import Argument, Result
from relmer.solver.language.labels import LARGEST_INTEGER
from relmer.solver.language.syntax import Call, Name, Node, Number, deparse


def check_columns(names: Iterable[str], data: pd.DataFrame) -> None:
    """Refuse data that do not have each of these columns exactly once."""
    unique = data.columns.is_unique
    for name in names:
        if unique and name in data.columns:
            continue
        count = int(np.sum(data.columns == name))
        if count > 1:
            raise ModelError(f"the data have {count} columns '{name}'; rename all but one")
        if count == 0:
            raise ModelError(f"the data have no column '{name}'; {closest_column(name, data)}")


def closest_column(name: str, data: pd.DataFrame) -> str:
    """What to do about a column that is not there."""
    for column in data.columns:
        if not isinstance(column, str) and str(column) == name:
            return (
                f"their column {column!r} is named by {type(column).__name__}, not by text: data.columns.map(str) does"
            )
    known = [str(column) for column in data.columns]
    close = get_close_matches(name, known) or known[:10]
    return f"did you mean {', '.join(f'{column:.60}' for column in close)}?" if close else "they have none at all"


def evaluate(node: Node, data: pd.DataFrame) -> Variable:
    """Evaluate one variable of a formula on all rows of the data.

    Parameters
    ----------
    node : Node
        A tree that `check_arithmetic` has passed.
    data : DataFrame
        The data.

    Returns
    -------
    column : Column
        The values; numbers may be a view of the data.
    missing : (n,) bool array or None
        Where there is no value, which includes NaN from a transformation. None if there is a value everywhere.

    Raises
    ------
    ModelError
        If a function of numbers is given a factor.
    """
    match node:
        case Name(name):
            return read_column(data, name)
        case Call() if not node.makes(Result.NUMBERS):
            variable: Variable = computed(node, data)
            return variable
    values = as_numbers(node, data)
    return values, or_none(np.isnan(values))


def as_numbers(node: Node, data: pd.DataFrame) -> Array:
    """Evaluate a tree to doubles, NaN where there is no value; refuse a factor."""
    match node:
        case Number(value):
            return np.full(len(data), value)
        case Call(_, (inner,)) if node.makes(Result.ARGUMENT):
            return as_numbers(inner, data)
        case Call() if node.makes(Result.NUMBERS):
            values: Array = computed(node, data)
            return values
    column, missing = evaluate(node, data)
    if isinstance(column, Factor):
        raise ModelError(f"'{deparse(node)}' is a factor, but the formula does arithmetic with it")
    values = column.astype(np.float64, copy=False)
    return values if missing is None else np.where(missing, np.nan, values)


def computed(node: Call, data: pd.DataFrame) -> Any:
    """What the function or operator of a call makes of its arguments."""
    function = node.meaning
    assert function is not None, node
    arguments = [
        as_numbers(argument, data) if kind is Argument.NUMBERS else evaluate(argument, data)
        for kind, argument in zip(function.arguments, node.arguments, strict=True)
    ]
    with np.errstate(all="ignore"):
        result = function.compute(*arguments)
    if function.whole and len(node.arguments) > 1:
        check_overflow(node, result, data)
    return result


def check_overflow(node: Call, values: Array, data: pd.DataFrame) -> None:
    """Refuse what R computes in integers of 32 bits, and loses where a result is beyond them."""
    beyond = np.flatnonzero(np.abs(values) > LARGEST_INTEGER)
    if beyond.size and all(whole_in_R(argument, data) for argument in node.arguments):
        shown = deparse(node)
        raise ModelError(
            f"'{shown}' is {values[beyond[0]]:.0f} in row {beyond[0] + 1} of the data, beyond R's integers, so that R "
            f"has NA in {beyond.size} of {len(values)} rows; write 1 * {deparse(node.arguments[0])} for the first "
            "operand, which makes it a real number"
        )


def whole_in_R(node: Node, data: pd.DataFrame) -> bool:
    """Whether R holds the values of a tree as integers (or logicals); a number in a formula is a double."""
    match node:
        case Name(name):
            column, _ = read_column(data, name)
            if isinstance(column, Factor) or column.dtype.kind == "f":
                return False
            if column.dtype == np.bool_ or not column.size:
                return True
            return bool(column.min() >= -LARGEST_INTEGER and column.max() <= LARGEST_INTEGER)
        case Call(_, arguments) if node.meaning is not None and node.meaning.whole:
            return all(whole_in_R(argument, data) for argument in arguments)
    return False
