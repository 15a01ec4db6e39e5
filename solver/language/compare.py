"""Comparisons and logical operators of R, with its third value for what is missing."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relmer.solver.arrays import Array, Booleans
from relmer.solver.errors import ModelError
from relmer.solver.language.factors import (
    Column,
    Dates,
    Factor,
    Matrix,
    Missing,
    Origin,
    Variable,
    or_none,
    text_factor,
)
from relmer.solver.language.labels import number_label

Compared = Callable[..., NDArray[np.bool_]]


def labels_of(column: Column) -> NDArray[np.object_]:
    """Each value as R spells it; None where a factor has none.

    Examples
    --------
    >>> labels_of(np.array([1e5, 0.5])).tolist()
    ['1e+05', '0.5']
    """
    if isinstance(column, Factor):
        return np.array([*column.levels, None], dtype=object)[column.codes]
    if isinstance(column, Matrix | Dates):
        raise ModelError("a matrix or a date cannot be compared with text or categories")
    if column.dtype == np.bool_:
        return np.where(column, "TRUE", "FALSE").astype(object)
    values, codes = np.unique(column, return_inverse=True)
    spelled = [str(v) if column.dtype.kind != "f" else "NaN" if np.isnan(v) else number_label(float(v)) for v in values]
    return np.array(spelled, dtype=object)[codes]


def text_of(labels: NDArray[np.object_], missing: Missing) -> Factor:
    """Text with nothing where it is missing."""
    if missing is None:
        return text_factor(labels.tolist())
    kept = np.broadcast_to(labels, missing.shape).copy()
    kept[missing] = None
    return text_factor(kept.tolist())


def plain(column: Column) -> Array:
    """Numbers or logicals as doubles."""
    if isinstance(column, Factor | Matrix):
        raise ModelError("categories, text and matrices have no numbers to compare; as.numeric() makes some")
    return column.values if isinstance(column, Dates) else column.astype(np.float64, copy=False)


def together(first: Missing, second: Missing) -> Missing:
    """Where either has no value."""
    if first is None or second is None:
        return second if first is None else first
    return first | second


def compared(operator: Compared, first: Variable, second: Variable, *, orders: bool) -> Variable:
    """Hold two columns against each other; text and categories by their labels, or by the order of the levels."""
    (a, _), (b, _) = first, second
    missing = together(first[1], second[1])
    if isinstance(a, Factor) or isinstance(b, Factor):
        check_levels_agree(a, b)
        a_values, b_values = ranks(a, b) if orders else (labels_of(a), labels_of(b))
        values = operator(a_values, b_values)
    else:
        values = operator(plain(a), plain(b))
    return values.astype(np.bool_), None if missing is None else np.broadcast_to(missing, values.shape)


def check_levels_agree(first: Column, second: Column) -> None:
    """Refuse two factors (text is none) that R does not compare."""
    if not isinstance(first, Factor) or not isinstance(second, Factor) or is_text(first) or is_text(second):
        return
    if first.ordered != second.ordered or set(first.levels) != set(second.levels):
        raise ModelError("two factors are compared if they have the same levels; as.character() makes text of them")


def ranks(first: Column, second: Column) -> tuple[Array, Array]:
    """Places in the order of an ordered factor's levels, or of text by code point."""
    ordered = next((each for each in (first, second) if isinstance(each, Factor) and each.ordered), None)
    if ordered is None and any(isinstance(each, Factor) and not is_text(each) for each in (first, second)):
        raise ModelError("'<' and '>' take numbers, text or an ordered factor; as.character(f) is text")
    found = [labels_of(each) for each in (first, second)]
    levels = sorted({label for each in found for label in each if label is not None})
    places = {level: float(i) for i, level in enumerate(levels if ordered is None else ordered.levels)}
    unknown = next((label for each in found for label in each if label is not None and label not in places), None)
    if unknown is not None:
        raise ModelError(f"'{unknown:.60}' is no level of the ordered factor that it is compared with")
    a, b = (np.array([places.get(label, np.nan) for label in each]) for each in found)
    return a, b


def equal(first: Variable, second: Variable) -> Variable:
    """R's ``==``."""
    return compared(np.equal, first, second, orders=False)


def unequal(first: Variable, second: Variable) -> Variable:
    """R's ``!=``."""
    return compared(np.not_equal, first, second, orders=False)


def less(first: Variable, second: Variable) -> Variable:
    """R's ``<``."""
    return compared(np.less, first, second, orders=True)


def greater(first: Variable, second: Variable) -> Variable:
    """R's ``>``."""
    return compared(np.greater, first, second, orders=True)


def at_most(first: Variable, second: Variable) -> Variable:
    """R's ``<=``."""
    return compared(np.less_equal, first, second, orders=True)


def at_least(first: Variable, second: Variable) -> Variable:
    """R's ``>=``."""
    return compared(np.greater_equal, first, second, orders=True)


def among(first: Variable, second: Variable) -> Variable:
    """R's ``%in%`` as a function: whether each value is one of some."""
    (a, missing), (b, lacking) = first, second
    if isinstance(a, Factor) or isinstance(b, Factor):
        values = np.isin(labels_of(a).astype(str), labels_of(b).astype(str))
    else:
        values = np.isin(plain(a), plain(b))
    if missing is not None:
        values = np.where(missing, lacking is not None and lacking.any(), values)
    return values, None


def truth(variable: Variable) -> tuple[Booleans, Booleans]:
    """Where a condition holds, and where that is not known."""
    column, missing = variable
    if isinstance(column, Factor | Matrix | Dates):
        raise ModelError("a condition is made of comparisons, logicals and numbers")
    unknown = np.zeros(column.shape, dtype=bool) if missing is None else missing
    return (column != 0) & ~unknown, unknown


def both(first: Variable, second: Variable) -> Variable:
    """R's ``&``: false if either is false, though the other be missing."""
    (a, a_unknown), (b, b_unknown) = truth(first), truth(second)
    false = (~a & ~a_unknown) | (~b & ~b_unknown)
    return a & b, or_none((a_unknown | b_unknown) & ~false)


def either(first: Variable, second: Variable) -> Variable:
    """R's ``xor``: whether one of two holds, and not the other."""
    (a, a_unknown), (b, b_unknown) = truth(first), truth(second)
    return a != b, or_none(a_unknown | b_unknown)


def negated(variable: Variable) -> Variable:
    """R's ``!``."""
    holds, unknown = truth(variable)
    return ~holds & ~unknown, or_none(unknown)


def is_text(column: Column) -> bool:
    """Whether R has text there, and no factor."""
    return isinstance(column, Factor) and column.origin is Origin.TEXT
