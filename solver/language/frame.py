"""The model frame: every variable of a formula, evaluated, on the rows that have them all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.language.evaluate import evaluate
from relmer.solver.language.factors import Column, Factor, Missing, drop_unused_levels, or_none
from relmer.solver.language.formula import Formula


@dataclass(frozen=True)
class ModelFrame:
    """The variables of a model without missing values.

    Attributes
    ----------
    formula : Formula
        The formula that the frame was made for.
    y : (n,) float64 array
        The response.
    columns : mapping of str to Column
        Each variable of the right-hand side by R's spelling (``x``, ``log(x)``, ```my column```): a numeric
        array, a bool array or a Factor without unused levels.
    rows : (n,) int64 array
        Positions of the kept rows in the data.
    weights, offset : (n,) float64 array or None
        On the kept rows.
    """

    formula: Formula
    y: Array
    columns: Mapping[str, Column]
    rows: Integers
    weights: Array | None
    offset: Array | None

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: a view of a dict is neither."""
        return {**self.__dict__, "columns": dict(self.columns)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The columns are read only again."""
        self.__dict__.update(state, columns=MappingProxyType(state["columns"]))


def model_frame(
    formula: Formula,
    data: pd.DataFrame,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> ModelFrame:
    """Evaluate the variables of a formula and drop the rows that miss any.

    Transformations see all rows, as in R: ``scale(x)`` uses the mean before rows are dropped.

    Parameters
    ----------
    formula : Formula
        A formula that was read by `parse`.
    data : DataFrame
        One row per observation; its index has no meaning here.
    weights, offset : array-like of one number per row of the data, optional
        A missing value drops the row.

    Returns
    -------
    ModelFrame
        The n complete rows in the order of the data.

    Raises
    ------
    ModelError
        If a column is missing or of a wrong type, a value is infinite, a weight is not positive, or no row
        is left.

    Examples
    --------
    >>> from relmer.solver.language.formula import parse
    >>> data = pd.DataFrame({"y": [1.0, 2.0, None], "g": ["a", "b", "b"]})
    >>> frame = model_frame(parse("y ~ 1 + (1 | g)"), data)
    >>> frame.y, frame.columns["g"].levels, frame.rows
    (array([1., 2.]), ('a', 'b'), array([0, 1]))
    """
    check_columns(formula, data)
    response, response_missing = evaluate(formula.response, data)
    response_name = formula.outcome
    if isinstance(response, Factor) or response.dtype == np.bool_:
        raise ModelError(f"response '{response_name}' is not numeric; convert it to numbers")
    evaluated = {label: evaluate(node, data) for label, node in formula.predictors.items()}
    extras = {
        name: numbers_per_row(name, values, len(data))
        for name, values in (("weights", weights), ("offset", offset))
        if values is not None
    }
    missing = {response_name: response_missing, **{name: where for name, (_, where) in evaluated.items()}}
    rows = complete_rows([*missing.values(), *(where for _, where in extras.values())], len(data))
    if rows.size == 0:
        raise ModelError(no_rows_left(missing, len(data)))
    columns = {name: kept_rows(column, rows) for name, (column, _) in evaluated.items()}
    y = kept_numbers(response, rows).astype(np.float64, copy=False)
    kept = {name: kept_numbers(values, rows) for name, (values, _) in extras.items()}
    for name, column in [(response_name, y), *columns.items(), *kept.items()]:
        check_finite(name, column, rows)
    if "weights" in kept:
        check_positive(kept["weights"], rows)
    return ModelFrame(
        formula, y, MappingProxyType(columns), rows, weights=kept.get("weights"), offset=kept.get("offset")
    )


def check_columns(formula: Formula, data: pd.DataFrame) -> None:
    """Refuse data that do not have each column of the formula exactly once."""
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"data must be a pandas DataFrame, not {type(data).__name__}")
    unique = data.columns.is_unique
    for name in formula.columns:
        if unique and name in data.columns:
            continue
        count = int(np.sum(data.columns == name))
        if count > 1:
            raise ModelError(f"the data have {count} columns '{name}'; rename all but one")
        if count == 0:
            known = [str(column) for column in data.columns]
            close = get_close_matches(name, known) or known[:10]
            raise ModelError(f"the data have no column '{name}'; did you mean {', '.join(close)}?")


def complete_rows(missing: Iterable[Missing], n: int) -> Integers:
    """Positions, among n, of the rows that miss nothing."""
    masks = [mask for mask in missing if mask is not None]
    return np.flatnonzero(~np.logical_or.reduce(masks)) if masks else np.arange(n)


def numbers_per_row(name: str, values: ArrayLike, n: int) -> tuple[Array, Missing]:
    """Read weights or an offset: n doubles, and where there is none."""
    try:
        numbers = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name} must be numbers, one per row of the data") from error
    if numbers.shape != (n,):
        raise ModelError(f"{name} has {numbers.size} values, but the data have {n} rows")
    return numbers.astype(np.float64, copy=False), or_none(np.isnan(numbers))


def kept_rows(column: Column, rows: Integers) -> Column:
    """A column on some rows, as a copy, without the levels that none of them has."""
    if not isinstance(column, Factor):
        return kept_numbers(column, rows)
    if rows.size < column.codes.size:
        column = Factor(column.levels, column.codes[rows], column.ordered)
    return drop_unused_levels(column)


def kept_numbers(values: NDArray[Any], rows: Integers) -> NDArray[Any]:
    """Numbers or logicals on some rows, as a copy."""
    return values[rows] if rows.size < values.size else values.copy()


def check_finite(name: str, column: Column, rows: Integers) -> None:
    """Refuse an infinite value, naming the first row that has one."""
    if isinstance(column, Factor) or np.isfinite(column).all():
        return
    infinite = np.flatnonzero(np.isinf(column))
    value = "Inf" if column[infinite[0]] > 0 else "-Inf"
    raise ModelError(f"'{name}' is {value} {row_label(rows, infinite)}; correct or drop such rows")


def check_positive(weights: Array, rows: Integers) -> None:
    """Refuse a negative weight, and a zero."""
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        raise ModelError(f"weights: negative weight {weights[negative[0]]:g} {row_label(rows, negative)}")
    zero = np.flatnonzero(weights == 0)
    if zero.size:
        raise ModelError(
            f"weights: zero in {zero.size} {'row' if zero.size == 1 else 'rows'}, where the likelihood "
            "is not defined; drop these rows from the data and the weights"
        )


def row_label(rows: Integers, positions: Integers) -> str:
    """Where the first of these places in the frame stands in the data."""
    return f"in row {rows[positions[0]] + 1} of the data, counted from 1"


def no_rows_left(missing: Mapping[str, Missing], n: int) -> str:
    """Why no row is complete, with the variable that is missing most often."""
    if n == 0:
        return "the data have no rows"
    counts = {name: 0 if where is None else int(where.sum()) for name, where in missing.items()}
    worst = max(counts, key=counts.__getitem__)
    return f"no rows left: each misses a value ('{worst}' in {counts[worst]} of {n} rows)"
