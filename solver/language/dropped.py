"""The rows of the data that a frame lacks, and why: plain records that anybody can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relmer.solver.arrays import Booleans, Integers
from relmer.solver.language.columns import read_column
from relmer.solver.language.factors import Column, Dates, Factor, Matrix, Missing, distinct
from relmer.solver.language.syntax import Name, Node, names


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A variable that has no value in some rows, which the frame therefore lacks.

    Attributes
    ----------
    variable : str
        In R's spelling; or weights, offset.
    missing : int
        Rows in which it has none because a column that it uses has none.
    undefined : int
        Rows in which its columns have values, but not it, such as the logarithm of a negative number.
    first : int
        The first row in which it has none, counted from 1.
    """

    variable: str
    missing: int
    undefined: int
    first: int


@dataclass(frozen=True, kw_only=True)
class Shrunk:
    """A factor of which one level is left in the complete rows: how many levels all rows have."""

    variable: str
    levels: int


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What was dropped.

    Attributes
    ----------
    rows, given : int
        How many rows were dropped, of how many.
    lost : tuple of Lost
        Why: each variable that lacks values. A row that several of them lack counts for each.
    shrunk : tuple of Shrunk
        Factors that therefore have one level.
    """

    rows: int
    given: int
    lost: tuple[Lost, ...] = ()
    shrunk: tuple[Shrunk, ...] = ()

    def __str__(self) -> str:
        """One line; empty if nothing was dropped."""
        if not self.rows:
            return ""
        parts = [sentence(lost) for lost in self.lost[:SHOWN]]
        if len(self.lost) > SHOWN:
            parts.append(f"{len(self.lost) - SHOWN} other variables lack values")
        return f"{self.rows} of {self.given} rows dropped: {'; '.join(parts)}"

    def shrinking(self, variable: str) -> str:
        """Why a factor has one level, if dropped rows are the cause; else nothing."""
        for shrunk in self.shrunk:
            if shrunk.variable == variable:
                return f" (in all rows {shrunk.levels}; {self})"
        return ""


SHOWN = 8
"""So many variables are named in a message; the records have them all."""


def sentence(lost: Lost) -> str:
    """Where a variable has no value, and why."""
    name = f"{lost.variable:.80}"
    parts = [f"{name} is missing in {lost.missing}"] if lost.missing else []
    if lost.undefined:
        parts.append(f"{name} is not a number (NaN) in {lost.undefined}, where its columns have values")
    return f"{', '.join(parts)}, first in row {lost.first}"


def dropped_rows(
    rows: Integers,
    taken: Integers,
    missing: Mapping[str, Missing],
    nodes: Mapping[str, Node],
    columns: Mapping[str, tuple[Column, Column]],
    data: pd.DataFrame,
) -> Dropped:
    """Tell what was dropped, if anything was.

    Parameters
    ----------
    rows : (k,) int64 array
        The rows that are kept.
    taken : (m,) int64 array
        The rows that were asked for, of the n of the data.
    missing : mapping of str to (n,) bool array or None
        Where each variable has no value, of the rows that were asked for.
    nodes : mapping of str to Node
        Those of the variables that are part of the formula.
    columns : mapping of str to two Columns
        Each predictor in all rows, and in those that are kept.
    data : DataFrame
        The data.
    """
    left_out = np.ones(len(data), dtype=bool)
    left_out[taken] = False
    lost = [lost_by(name, where, nodes.get(name), data) for name, where in missing.items() if where is not None]
    shrunk = [
        Shrunk(variable=name, levels=levels)
        for name, (before, after) in columns.items()
        if count_levels(after) == 1 and (levels := count_levels(before, either(missing[name], left_out))) > 1
    ]
    return Dropped(rows=len(taken) - len(rows), given=len(taken), lost=tuple(lost), shrunk=tuple(shrunk))


def lost_by(name: str, where: Booleans, node: Node | None, data: pd.DataFrame) -> Lost:
    """What one variable lost; `where` it has no value."""
    total = absent = int(where.sum())
    if node is not None and not isinstance(node, Name):
        masks = [mask for used in dict.fromkeys(names(node)) if (mask := read_column(data, used)[1]) is not None]
        absent = int((where & np.logical_or.reduce(masks)).sum()) if masks else 0
    return Lost(variable=name, missing=absent, undefined=total - absent, first=int(np.argmax(where)) + 1)


def either(missing: Missing, left_out: Booleans) -> Missing:
    """Where a value is missing or was not asked for."""
    return left_out if missing is None else missing | left_out


def count_levels(column: Column, missing: Missing = None) -> int:
    """How many levels a column has as a factor, of those that occur."""
    if isinstance(column, Matrix):
        return len(column.values)
    if missing is not None and missing.all():
        return 0
    values = column.codes if isinstance(column, Factor) else column.values if isinstance(column, Dates) else column
    values = values if missing is None else values[~missing]
    if values.size and (values == values[0]).all():
        return 1
    return len(distinct(values)[0])


def no_rows_left(missing: Mapping[str, Missing], n: int) -> str:
    """Why no row is complete, with the variable that is missing most often."""
    if n == 0:
        return "the data have no rows"
    counts = {name: 0 if where is None else int(where.sum()) for name, where in missing.items()}
    worst = max(counts, key=counts.__getitem__)
    return f"no rows left: each misses a value ('{worst:.80}' in {counts[worst]} of {n} rows)"


def refused_rows(dropped: Dropped, action: str) -> str:
    """Why rows that lack a value are an error."""
    lacking = "; ".join(map(sentence, dropped.lost[:SHOWN]))
    why = ", and a fit has no use for such rows" if action.endswith("pass") else ""
    return f"{action}: {lacking}{why}; na.omit leaves {dropped.rows} of {dropped.given} rows out"


def complete_rows(missing: Sequence[Missing], taken: Integers) -> Integers:
    """Those of the rows that are asked for that miss nothing."""
    masks = [mask for mask in missing if mask is not None]
    return taken[~np.logical_or.reduce(masks)[taken]] if masks else taken
