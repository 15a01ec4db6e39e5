"""The variables of a formula, evaluated on data."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.columns import read_column
from relmer.solver.language.compare import labels_of
from relmer.solver.language.convert import length
from relmer.solver.language.factors import Column, Dates, Factor, Matrix, Variable, or_none, text_factor
from relmer.solver.language.functions import PI
from relmer.solver.language.labels import LARGEST_INTEGER
from relmer.solver.language.signatures import REQUIRED, Argument, Binding, Parameter, Result
from relmer.solver.language.syntax import FLAGS, NOTHING, Call, Constant, Name, Node, Number, Text, deparse

CONSTANTS = {"TRUE": True, "FALSE": False, "Inf": np.inf, "NaN": np.nan, "NA": np.nan, PI: np.pi}
NO_NUMBERS = {
    Factor: ("a factor", ""),
    Matrix: ("several columns", "; pick one of them, as in poly(x, 2)[, 1]"),
    Dates: ("a date", "; write as.numeric(...) for its days or seconds"),
}
"""What is no numbers, and what to do about it."""


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
        The n rows.

    Returns
    -------
    column : Column
        The n values; numbers may be a view of the data.
    missing : (n,) bool array or None
        Where there is no value, which includes NaN from a transformation. None if there is a value everywhere.

    Raises
    ------
    ModelError
        If a function is given what it does not take, or the result has another length than the data.
    """
    column, missing = value_of(node, data)
    if length(column) != len(data):
        raise ModelError(f"'{deparse(node):.80}' has {length(column)} values, but the data have {len(data)} rows")
    if isinstance(column, Matrix) and column.values.shape[1] == 1:
        return column.values[:, 0], missing
    return column, missing


def value_of(node: Node, data: pd.DataFrame) -> Variable:
    """The value of a tree: a column, or a constant of any length."""
    match node:
        case Name(name):
            return read_column(data, name)
        case Text() | Number() | Constant():
            return value_of_constant(node)
        case Call() if not node.makes(Result.NUMBERS):
            variable: Variable = computed(node, data)
            return variable
    values = as_numbers(node, data, dates=True)
    if isinstance(values, Dates):
        return values, or_none(np.isnan(values.values))
    missing = or_none(np.isnan(values))
    if whole_in_R(node, data):
        return (values if missing is None else np.where(missing, 0, values)).astype(np.int64), missing
    return values, missing


def value_of_constant(node: Text | Number | Constant) -> Variable:
    """A constant, as R has it: a vector of one."""
    match node:
        case Text(text):
            return text_factor([text]), None
        case Number(value, whole):
            return np.array([int(value)]) if whole else np.array([value]), None
        case Constant(name) if name in CONSTANTS:
            vector = np.array([CONSTANTS[name]])
            return vector, or_none(np.isnan(vector))
    raise ModelError(f"'{deparse(node)}' has no value here")


def as_numbers(node: Node, data: pd.DataFrame, *, dates: bool = False) -> Any:
    """Evaluate a tree to doubles, NaN where there is no value; refuse a factor, and dates unless they are taken."""
    match node:
        case Number(value):
            return np.array([value])
        case Call(_, (inner,)) if node.makes(Result.ARGUMENT):
            return as_numbers(inner, data, dates=dates)
        case Call() if node.makes(Result.NUMBERS):
            values = computed(node, data)
            if not isinstance(values, Dates):
                return values
            found: Variable = values, None
        case _:
            found = value_of(node, data)
    column, missing = found
    if isinstance(column, Matrix) and column.values.shape[1] == 1:
        column = column.values[:, 0]
    if dates and isinstance(column, Dates):
        return column
    if not isinstance(column, np.ndarray):
        what, cure = NO_NUMBERS[type(column)]
        raise ModelError(f"'{deparse(node)}' is {what}, but the formula does arithmetic with it{cure}")
    values = column.astype(np.float64, copy=False)
    return values if missing is None else np.where(missing, np.nan, values)


def computed(node: Call, data: pd.DataFrame) -> Any:
    """What the function or operator of a call makes of its arguments."""
    function = node.meaning
    assert function is not None, node
    arguments = [
        given(node, parameter, bound, data)
        for parameter, bound in zip(function.parameters, node.bound(function), strict=True)
    ]
    with np.errstate(all="ignore"):
        try:
            result = function.compute(*arguments)
        except ValueError as error:
            if "broadcast" not in str(error):
                raise
            raise ModelError(f"'{deparse(node):.80}' combines different numbers of values") from None
    if function.whole and isinstance(result, np.ndarray) and function.result is Result.NUMBERS:
        if len(node.arguments) > 1:
            check_overflow(node, result, data)
        if np.any(np.signbit(result) & (result == 0)) and all(whole_in_R(each, data) for each in node.arguments):
            # An integer's zero has no sign.
            result = result + 0.0
    return result


def given(node: Call, parameter: Parameter, bound: Binding, data: pd.DataFrame) -> Any:
    """What a call gives for a parameter: an argument, several of them, or the default."""
    if isinstance(bound, tuple):
        values = [argument(node.arguments[i], parameter.kind, data) for i in bound]
        return [*zip(map(node.label, bound), values, strict=True)] if parameter.kind is Argument.NAMED else values
    if bound is None:
        return parameter.default
    if node.arguments[bound] == NOTHING and parameter.default is not REQUIRED:
        if parameter.null is None and parameter.default is not None:
            raise ModelError(f"{node.function}(): {parameter.name} cannot be NULL; leave it out")
        return parameter.null
    return argument(node.arguments[bound], parameter.kind, data)


def argument(node: Node, kind: Argument, data: pd.DataFrame) -> Any:
    """One argument, as what the function gets it."""
    match kind:
        case Argument.NUMBERS | Argument.VECTOR | Argument.COUNTS | Argument.COUNTED:
            values = as_numbers(node, data, dates=kind in (Argument.COUNTS, Argument.COUNTED))
            return values.values if kind is Argument.COUNTED and isinstance(values, Dates) else values
        case Argument.MATRIX | Argument.COLUMN | Argument.NAMED:
            column, missing = value_of(node, data)
            if kind is Argument.COLUMN and isinstance(column, Matrix) and column.values.shape[1] == 1:
                column = column.values[:, 0]
            return column, missing
        case Argument.FLAG:
            return truth_value(node)
        case Argument.SETTING:
            is_flag = isinstance(node, Constant | Name) and FLAGS.get(node.name, node.name) in FLAGS.values()
            return truth_value(node) if is_flag else as_numbers(node, data)
    return constant(node, kind, data)


def constant(node: Node, kind: Argument, data: pd.DataFrame) -> Any:
    """A number, labels or the name of contrasts."""
    if kind is Argument.CONTRASTS:
        return deparse(node) if isinstance(node, Constant | Text) else value_of(node, data)[0]
    if kind is Argument.NUMBER:
        numbers = as_numbers(node, data)
        if numbers.size != 1 or not np.isfinite(numbers[0]):
            raise ModelError(f"'{deparse(node):.80}' is not one finite number")
        return float(numbers[0])
    column, missing = value_of(node, data)
    labels = labels_of(column)
    if kind is Argument.LEVELS:
        absent = np.zeros(labels.size, dtype=bool) if missing is None else np.broadcast_to(missing, labels.shape)
        return tuple(None if none else str(label) for label, none in zip(labels, absent, strict=True))
    if missing is not None:
        raise ModelError(f"'{deparse(node):.80}' holds missing values, which are no labels")
    return tuple(str(label) for label in labels)


def truth_value(node: Node) -> bool:
    """TRUE or FALSE."""
    name = node.name if isinstance(node, Constant | Name) else ""
    name = FLAGS.get(name, name)
    if name not in FLAGS.values():
        raise ModelError(f"'{deparse(node):.80}' is neither TRUE nor FALSE")
    return bool(CONSTANTS[name])


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
    """Whether R holds the values of a tree as integers (or logicals); a number without L is a double."""
    match node:
        case Number() | Constant():
            return node.whole if isinstance(node, Number) else node.name in FLAGS.values()
        case Name(name):
            return is_whole(read_column(data, name)[0])
        case Call("[", (inner, _)):
            return whole_in_R(inner, data)
        case Call(_, arguments) if node.meaning is not None:
            function = node.meaning
            return function.discrete or (function.whole and all(whole_in_R(each, data) for each in arguments))
    return False


def is_whole(column: Column) -> bool:
    """Whether R holds a column as integers or logicals."""
    if not isinstance(column, np.ndarray) or column.dtype.kind == "f":
        return False
    if column.dtype == np.bool_ or not column.size:
        return True
    return bool(column.min() >= -LARGEST_INTEGER and column.max() <= LARGEST_INTEGER)


def constants(node: Node) -> Iterator[str]:
    """Yield the constants that a tree uses."""
    match node:
        case Constant(name):
            yield name
        case Call(_, arguments):
            for argument in arguments:
                yield from constants(argument)
