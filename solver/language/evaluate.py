"""The variables of a formula, evaluated on data."""

from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.columns import read_column
from relmer.solver.language.factors import Factor, Variable, or_none
from relmer.solver.language.functions import Argument, Result
from relmer.solver.language.syntax import Call, Name, Node, Number, deparse


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
        return function.compute(*arguments)
