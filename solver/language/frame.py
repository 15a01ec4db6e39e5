"""The model frame: every variable of a formula, evaluated, on the rows that have them all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.contrasts import chosen_contrasts
from relmer.solver.language.dropped import Dropped, complete_rows, dropped_rows, no_rows_left, refused_rows
from relmer.solver.language.evaluate import check_columns, constants, evaluate
from relmer.solver.language.factors import Coding, Column, Dates, Factor, Matrix, drop_unused_levels, numbers_or_factor
from relmer.solver.language.formula import Formula, dot_note, filled
from relmer.solver.language.functions import OFFSET, PI
from relmer.solver.language.notes import level_notes
from relmer.solver.language.per_row import doubles, numbers_per_row
from relmer.solver.language.replay import NOTHING_LEARNT, Learnt, learnt_from
from relmer.solver.language.subset import NaAction, na_action_of, selected
from relmer.solver.language.syntax import Name, call, deparse, parse_expression


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
    dropped : Dropped
        How many rows of those that were asked for are not kept, and why.
    contrasts : mapping of str to Coding
        Of factors of the fixed effects, where they are not R's default.
    shown : (m,) int64 array
        Positions in the data of the rows for which fitted values and residuals are told: those that are kept, and with
        na.exclude those that were dropped too.
    subset : str
        Which rows were asked for, in one line; empty if all were.
    learnt : Learnt
        What the variables learnt from all rows, for rows of other data.
    """

    formula: Formula
    y: Array
    columns: Mapping[str, Column]
    rows: Integers
    weights: Array | None
    offset: Array | None
    dropped: Dropped
    contrasts: Mapping[str, Coding]
    shown: Integers
    subset: str = ""
    learnt: Learnt = NOTHING_LEARNT

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What should be told about how the data were read: a line each for dropped rows and surprising levels."""
        told = (
            *self.formula.notes,
            dot_note(self.formula),
            self.subset,
            str(self.dropped),
            *level_notes(self.formula, self.columns),
        )
        return tuple(note for note in told if note)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: a view of a dict is neither."""
        return {**self.__dict__, "columns": dict(self.columns)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The columns are read only again."""
        self.__dict__.update(state, columns=MappingProxyType(state["columns"]))


def model_frame(
    formula: Formula,
    data: pd.DataFrame,
    weights: ArrayLike | str | None = None,
    offset: ArrayLike | str | None = None,
    contrasts: Mapping[str, Any] | None = None,
    subset: ArrayLike | str | None = None,
    na_action: str | None = None,
) -> ModelFrame:
    """Evaluate the variables of a formula, and keep the rows that are asked for and miss none.

    Transformations see all rows, as in R: ``scale(x)`` uses the mean of all rows, of a subset too.

    Parameters
    ----------
    formula : Formula
        A formula that was read by `parse`.
    data : DataFrame
        One row per observation.
    weights, offset : str, Series, or array-like of one number per row of the data, optional
        A column or an expression of columns; or numbers, those of a Series by the labels of its index. A missing value
        drops the row.
    contrasts : mapping of str to contrasts, optional
        By factor of the fixed effects: the name of R's contrasts, or a matrix with a row per level that occurs. Random
        effects keep R's default, as in lme4.
    subset : str, Series, or array-like of one logical per row of the data, optional
        The rows to take, as a condition on columns, or as logicals.
    na_action : str, optional
        What becomes of rows that lack a value: "na.omit" and "na.exclude" drop them, "na.fail" and "na.pass" refuse.

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
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"data must be a pandas DataFrame, not {type(data).__name__}")
    if formula.dotted:
        if weights is not None or offset is not None:
            raise ModelError("'.' beside weights or an offset, which lme4 takes for predictors; write the columns out")
        formula = filled(formula, data.columns)
    check_columns(formula.columns, data)
    if PI in data.columns and any(PI in constants(tree) for tree in (formula.response, formula.right)):
        raise ModelError(f"the data have a column '{PI}', which R takes in place of the constant: rename the column")
    response, response_missing = evaluate(formula.response, data)
    response_name = formula.outcome
    if not isinstance(response, np.ndarray):
        raise ModelError(f"response '{response_name:.80}' is not numeric; convert it to numbers")
    evaluated = {label: evaluate(node, data) for label, node in formula.predictors.items()}
    extras = {
        name: numbers_per_row(name, values, data)
        for name, values in (("weights", weights), ("offset", offset))
        if values is not None
    }
    inner = {deparse(call(OFFSET, node)): doubles("offset", *evaluate(node, data)) for node in formula.offsets}
    missing = {response_name: response_missing, **{name: where for name, (_, where) in evaluated.items()}}
    missing |= {f"{name}=": where for name, (_, where) in extras.items()}
    missing |= {name: where for name, (_, where) in inner.items()}
    action, asked = na_action_of(na_action), None if subset is None else selected(subset, data)
    if asked is not None:
        missing = {name: asked.within(where) for name, where in missing.items()} | {"subset=": asked.missing}
    taken = np.arange(len(data)) if asked is None else np.flatnonzero(asked.rows)
    rows = complete_rows(list(missing.values()), taken)
    if rows.size == 0:
        raise ModelError(no_rows_left(missing, taken.size))
    columns = {name: kept_rows(column, rows) for name, (column, _) in evaluated.items()}
    y = kept_numbers(response, rows).astype(np.float64, copy=False)
    if inner:
        # R adds them up in this order.
        given = [extras["offset"]] if "offset" in extras else []
        extras["offset"] = reduce(np.add, [values for values, _ in [*given, *inner.values()]]), None
    kept = {name: kept_numbers(values, rows) for name, (values, _) in extras.items()}
    for name, column in [(response_name, y), *columns.items(), *kept.items()]:
        check_finite(name, column, rows)
    if "weights" in kept:
        check_positive(kept["weights"], rows)
    dropped = Dropped(rows=0, given=taken.size)
    if rows.size < taken.size:
        nodes = {
            response_name: formula.response,
            **formula.predictors,
            **dict(zip(inner, formula.offsets, strict=True)),
        }
        both = {name: (column, columns[name]) for name, (column, _) in evaluated.items()}
        dropped = dropped_rows(rows, taken, missing, nodes, both, data)
        if action in (NaAction.FAIL, NaAction.PASS):
            raise ModelError(refused_rows(dropped, action))
    return ModelFrame(
        formula,
        y,
        MappingProxyType(columns),
        rows,
        weights=kept.get("weights"),
        offset=kept.get("offset"),
        dropped=dropped,
        contrasts=read_contrasts(contrasts, formula, columns),
        shown=taken if action is NaAction.EXCLUDE else rows,
        subset="" if asked is None else asked.told(len(data)),
        learnt=learnt_from(formula, offset, data, {name: column for name, (column, _) in evaluated.items()}),
    )


def read_contrasts(
    given: Mapping[str, Any] | None, formula: Formula, columns: Mapping[str, Column]
) -> Mapping[str, Coding]:
    """The contrasts of the factors for which they are given."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ModelError(f"contrasts are {type(given).__name__}: give a dict of factor and contrasts")
    found: dict[str, Coding] = {}
    for key, contrasts in given.items():
        name = deparse(Name(str(key)))
        if name not in formula.fixed.names and isinstance(key, str):
            name = deparse(parse_expression(key))
        column = numbers_or_factor(columns[name]) if name in formula.fixed.names else None
        if not isinstance(column, Factor):
            raise ModelError(
                f"contrasts are given for '{shortened(name)}', which is no factor of the fixed effects; random effects "
                "keep R's default, as in lme4"
            )
        found[name] = chosen_contrasts(name, contrasts, column)
    return found


def kept_rows(column: Column, rows: Integers) -> Column:
    """A column on some rows, as a copy, without the levels that none of them has."""
    if isinstance(column, Matrix):
        return replace(column, values=kept_numbers(column.values, rows))
    if isinstance(column, Dates):
        return replace(column, values=kept_numbers(column.values, rows), local=kept_numbers(column.local, rows))
    if not isinstance(column, Factor):
        return kept_numbers(column, rows)
    if rows.size < column.codes.size:
        column = replace(column, codes=column.codes[rows])
    return drop_unused_levels(column)


def kept_numbers(values: NDArray[Any], rows: Integers) -> NDArray[Any]:
    """Numbers or logicals on some rows, as a copy."""
    return values[rows] if rows.size < len(values) else values.copy()


def check_finite(name: str, column: Column, rows: Integers) -> None:
    """Refuse an infinite value, naming the first row that has one."""
    if isinstance(column, Factor):
        return
    values = column.values if isinstance(column, Matrix | Dates) else column
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    infinite = np.flatnonzero(np.isinf(values).any(axis=1) if values.ndim > 1 else np.isinf(values))
    value = "Inf" if np.any(values[infinite[0]] > 0) else "-Inf"
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
