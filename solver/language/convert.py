"""From one type to another, as R converts them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.compare import is_text, labels_of, plain, text_of, truth
from relmer.solver.language.factors import (
    Column,
    Dates,
    Factor,
    Matrix,
    Missing,
    Variable,
    dated_factor,
    or_none,
    text_factor,
)
from relmer.solver.language.labels import number_of

TRUE_WORDS, FALSE_WORDS = ("TRUE", "true", "T", "True"), ("FALSE", "false", "F", "False")
"""What R reads as logicals."""


def unchanged(variable: Variable) -> Variable:
    """R's ``I`` and ``(``."""
    return variable


def length(column: Column) -> int:
    """How many values there are."""
    if isinstance(column, Factor):
        return column.codes.size
    return len(column.values) if isinstance(column, Matrix | Dates) else len(column)


def absent(variable: Variable) -> Variable:
    """R's ``is.na``."""
    column, missing = variable
    if isinstance(column, Matrix):
        raise ModelError("is.na() of several columns is as many; pick one of them, as in poly(x, 2)[, 1]")
    return (np.zeros(length(column), dtype=bool) if missing is None else missing), None


def to_numbers(variable: Variable) -> Variable:
    """R's ``as.numeric``: text is read, a factor gives the places of its levels, counted from 1."""
    column, missing = variable
    if not isinstance(column, Factor):
        if isinstance(column, Matrix) and column.values.shape[1] == 1:
            return column.values[:, 0], missing
        return plain(column), missing
    if not is_text(column):
        return (column.codes + 1).astype(np.float64), missing
    read = np.array([*map(number_of, column.levels), np.nan])[column.codes]
    return read, or_none(np.isnan(read))


def to_integers(variable: Variable) -> Variable:
    """R's ``as.integer``: towards zero."""
    values, missing = to_numbers(variable)
    numbers = np.trunc(plain(values))
    if np.any(np.abs(numbers) >= 2**31):
        raise ModelError("as.integer() of a number beyond 32 bits, where R has NA; trunc() keeps it")
    return np.where(np.isnan(numbers), 0, numbers).astype(np.int64), missing


def to_text(variable: Variable) -> Variable:
    """R's ``as.character``."""
    column, missing = variable
    if isinstance(column, Dates):
        return text_factor(labels_of(dated_factor(column)).tolist()), missing
    return text_of(labels_of(column), missing), missing


def to_logicals(variable: Variable) -> Variable:
    """R's ``as.logical``."""
    column, missing = variable
    if isinstance(column, Factor):
        values = np.array([*(level in TRUE_WORDS for level in column.levels), False])[column.codes]
        unknown = ~np.array([*(level in TRUE_WORDS + FALSE_WORDS for level in column.levels), False])[column.codes]
        return values, or_none(unknown)
    return truth((plain(column), missing))[0], missing


def combined(variables: Sequence[Variable]) -> Variable:
    """R's ``c``: text if any is, else numbers, or logicals if all are."""
    columns = [column for column, _ in variables]
    missing: Missing = None
    if any(each is not None for _, each in variables):
        parts = [np.zeros(length(c), dtype=bool) if m is None else np.broadcast_to(m, length(c)) for c, m in variables]
        missing = np.concatenate(parts)
    if all(isinstance(column, Factor) and not is_text(column) for column in columns):
        return of_factors([column for column in columns if isinstance(column, Factor)]), missing
    if all(isinstance(column, Dates) for column in columns):
        return of_dates([column for column in columns if isinstance(column, Dates)]), missing
    if any(isinstance(column, Factor) for column in columns):
        if not all(is_text(column) for column in columns if isinstance(column, Factor)):
            raise ModelError("c() takes texts, numbers or logicals, not categories")
        return text_factor([label for column in columns for label in labels_of(column)]), missing
    if any(isinstance(column, Matrix | Dates) for column in columns):
        raise ModelError("c() takes texts, numbers or logicals")
    values: Array = np.concatenate([column for column in columns if isinstance(column, np.ndarray)])
    return values, missing


def of_factors(factors: Sequence[Factor]) -> Factor:
    """Factors one after the other, with the levels of all; ordered if all are, and alike."""
    levels = tuple(dict.fromkeys(level for factor in factors for level in factor.levels))
    places = {level: i for i, level in enumerate(levels)}
    codes = [np.array([*map(places.__getitem__, factor.levels), -1])[factor.codes] for factor in factors]
    ordered = all(factor.ordered and factor.levels == levels for factor in factors)
    return Factor(levels, np.concatenate(codes), ordered)


def of_dates(dates: Sequence[Dates]) -> Dates:
    """Dates one after the other."""
    if len({each.clock for each in dates}) > 1:
        raise ModelError("c() takes days or points in time, not both")
    values, local = (np.concatenate([getattr(each, name) for each in dates]) for name in ("values", "local"))
    return Dates(values, dates[0].clock, local)


def chosen(test: Variable, yes: Variable, no: Variable) -> Variable:
    """R's ``ifelse``, of numbers, logicals or text; a side that no row takes has no say in the type."""
    holds, unknown = truth(to_logicals(test) if isinstance(test[0], Factor) and is_text(test[0]) else test)
    unused = np.zeros(1, dtype=bool), None
    yes, no = yes if holds.any() else unused, no if np.any(~holds & ~unknown) else unused
    columns = [column.values if isinstance(column, Dates) else column for column in (yes[0], no[0])]
    # R takes a factor for the places of its levels.
    columns = [c.codes + 1 if isinstance(c, Factor) and not is_text(c) else c for c in columns]
    marks = [np.resize(np.zeros(1, dtype=bool) if mark is None else mark, holds.size) for mark in (yes[1], no[1])]
    missing = or_none(unknown | np.where(holds, *marks))
    if any(isinstance(column, Factor) for column in columns):
        labels: NDArray[np.object_] = np.where(holds, *(np.resize(labels_of(c), holds.size) for c in columns))
        return text_of(labels, missing), missing
    plainly = all(isinstance(column, np.ndarray) and column.dtype.kind in "bi" for column in columns)
    numbers = [np.asarray(c) if plainly else plain(c) for c in columns]
    values: Array = np.where(holds, *(np.resize(each, holds.size) for each in numbers))
    return values, missing
