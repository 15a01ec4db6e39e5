"""Parts and rearrangements of columns, as R makes them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from relmer.solver.arrays import Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.compare import is_text, labels_of, plain
from relmer.solver.language.convert import length
from relmer.solver.language.factors import Column, Dates, Factor, Matrix, Missing, Variable, or_none, text_factor


def places(index: Variable, size: int, names: tuple[str, ...] = ()) -> Integers:
    """The places, counted from 0, that a subscript picks of so many: by numbers, all but some, logicals or names."""
    column, missing = index
    if isinstance(column, Factor):
        if not is_text(column) or any(label not in names for label in labels_of(column)):
            raise ModelError("a subscript in brackets is numbers, logicals or the name of a column")
        return np.array([names.index(str(label)) for label in labels_of(column)], dtype=np.int64)
    values = plain(column)
    if missing is not None:
        raise ModelError("a subscript in brackets has a value everywhere")
    if isinstance(column, np.ndarray) and column.dtype == np.bool_:
        if column.size not in (1, size):
            raise ModelError(f"a subscript of {column.size} logicals for {size} values")
        return np.flatnonzero(np.broadcast_to(column, size))
    numbers = np.trunc(values).astype(np.int64)
    if (numbers < 0).any():
        if (numbers > 0).any():
            raise ModelError("a subscript has a sign and none")
        return np.setdiff1d(np.arange(size), -numbers - 1)
    if (numbers > size).any():
        raise ModelError(f"a subscript of {numbers.max()} for {size} values")
    return numbers[numbers > 0] - 1


def picked(variable: Variable, which: Integers) -> Variable:
    """The values at some places."""
    column, missing = variable
    lost: Missing = None if missing is None else or_none(np.broadcast_to(missing, length(column))[which])
    match column:
        case Factor():
            return replace(column, codes=column.codes[which]), lost
        case Dates():
            return replace(column, values=column.values[which], local=column.local[which]), lost
        case Matrix():
            raise ModelError("[...] picks values of one column; [, j] picks columns of several")
    return column[which], lost


def elements(variable: Variable, index: Variable) -> Variable:
    """R's ``x[i]``.

    Examples
    --------
    >>> elements((np.array([5.0, 6.0, 7.0]), None), (np.array([-1]), None))[0]
    array([6., 7.])
    """
    return picked(variable, places(index, length(variable[0])))


def columns_of(variable: Variable, index: Variable, drop: bool = True) -> Variable:
    """R's ``x[, j]``, of a matrix."""
    matrix, _ = variable
    if not isinstance(matrix, Matrix):
        raise ModelError("[, j] picks columns of a matrix, such as scale(x) or poly(x, 2)")
    which = places(index, matrix.values.shape[1], matrix.suffixes)
    if not which.size:
        raise ModelError("[, j] picks no column")
    values = matrix.values[:, which]
    lost = or_none(np.asarray(np.isnan(values).any(axis=1)))
    if drop and which.size == 1:
        return values[:, 0], lost
    names = matrix.suffixes if any(matrix.suffixes) else ("",) * matrix.values.shape[1]
    return Matrix(values, tuple(names[i] for i in which)), lost


def size(variable: Variable) -> Variable:
    """R's ``length``."""
    return np.array([length(variable[0])]), None


def levels(variable: Variable) -> Variable:
    """R's ``levels``, of a factor."""
    column, _ = variable
    if not isinstance(column, Factor) or is_text(column):
        raise ModelError("levels() takes a factor: write factor(...) around text or numbers")
    return text_factor(column.levels), None


def number_of_levels(variable: Variable) -> Variable:
    """R's ``nlevels``."""
    return size(levels(variable))


def reversed_order(variable: Variable) -> Variable:
    """R's ``rev``."""
    return picked(variable, np.arange(length(variable[0]))[::-1])


def unrepeated(variable: Variable) -> Variable:
    """R's ``unique``, in the order of the first appearance."""
    column, missing = variable
    keys = column.codes if isinstance(column, Factor) else plain(column)
    if missing is not None:
        keys = np.where(missing, np.nan, keys)
    _, first = np.unique(keys, return_index=True)
    return picked(variable, np.sort(first))


def in_order(variable: Variable, decreasing: bool) -> Variable:
    """R's ``sort``: what is missing is left out, text goes by code point."""
    column, missing = variable
    keys = column.codes if isinstance(column, Factor) else plain(column)
    order = np.argsort(-keys if decreasing else keys, kind="stable")
    if missing is not None:
        order = order[~np.broadcast_to(missing, len(keys))[order]]
    return picked(variable, order)


def pasted(columns: Sequence[Variable], sep: tuple[str, ...] = ("",)) -> Variable:
    """R's ``paste``: texts one after the other, NA where there is none."""
    texts = [text_or_NA(column, missing) for column, missing in columns]
    rows = max(map(len, texts))
    if any(len(text) not in (1, rows) for text in texts) or len(sep) != 1:
        raise ModelError("paste() combines different numbers of values")
    parts = [np.broadcast_to(text, rows) for text in texts]
    return text_factor([sep[0].join(map(str, row)) for row in zip(*parts, strict=True)]), None


def text_or_NA(column: Column, missing: Missing) -> NDArray[np.object_]:
    """Each value as R spells it, NA where there is none."""
    labels = labels_of(column)
    absent = np.array([label is None for label in labels]) if missing is None else missing
    return np.where(absent, "NA", labels)
