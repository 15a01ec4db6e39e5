"""The variables of a formula, evaluated on data."""

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.columns import Column, Factor, Missing, _or_none, as_factor, read_column
from relmer.solver.language.functions import _ARITHMETIC, _scale
from relmer.solver.language.syntax import Call, Name, Node, Number, deparse


def evaluate(node: Node, data: pd.DataFrame) -> tuple[Column, Missing]:
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
        case Call("I" | "(", (inner,)):
            return evaluate(inner, data)
        case Call("factor" | "as.factor", (inner,)):
            column, missing = evaluate(inner, data)
            if node.function == "as.factor" and isinstance(column, Factor):
                return column, missing
            return as_factor(column, missing), missing
    values = _arithmetic(node, data)
    return values, _or_none(np.isnan(values))


def _arithmetic(node: Node, data: pd.DataFrame) -> Array:
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
    values = column.astype(np.float64, copy=False)
    return values if missing is None else np.where(missing, np.nan, values)
