"""The rows of the data that are asked for, and what becomes of those that lack a value."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Booleans, Integers
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.columns import read_values
from relmer.solver.language.evaluate import check_columns, value_of
from relmer.solver.language.factors import Missing
from relmer.solver.language.per_row import aligned, read_expression
from relmer.solver.language.syntax import Call, Node, call, deparse, names
from relmer.solver.language.terms import check_arithmetic


class NaAction(StrEnum):
    """What becomes of rows that lack a value, by R's names."""

    OMIT = "na.omit"
    EXCLUDE = "na.exclude"
    FAIL = "na.fail"
    PASS = "na.pass"


def na_action_of(given: object) -> NaAction:
    """Read an action by R's name or without its ``na.``.

    Raises
    ------
    ModelError
        There is none of this name.

    Examples
    --------
    >>> na_action_of("exclude")
    <NaAction.EXCLUDE: 'na.exclude'>
    """
    if given is None:
        return NaAction.OMIT
    name = given if isinstance(given, str) else ""
    found = next((each for each in NaAction if name in (each.value, each.value.removeprefix("na."))), None)
    if found is None:
        raise ModelError(f"na_action is {given!r:.60}: give one of {', '.join(NaAction)}")
    return found


@dataclass(frozen=True)
class Selected:
    """Rows that are asked for.

    Attributes
    ----------
    rows : (n,) bool array
        Which they are, with those of which it is not known.
    missing : (n,) bool array or None
        Of which it is not known, since the condition has no value there: R takes a row for each, without any value.
    text : str
        What was asked, for messages.
    """

    rows: Booleans
    missing: Missing
    text: str

    def told(self, n: int) -> str:
        """How many of n rows were asked for, and how."""
        what = f"subset {shortened(self.text)}" if self.text else "subset"
        return f"{what} takes {int(self.rows.sum())} of {n} rows"

    def within(self, missing: Missing) -> Missing:
        """Where a variable lacks a value, of the rows that are asked for."""
        if missing is None:
            return None
        found = missing & self.rows
        return found if found.any() else None


def selected(given: Any, data: pd.DataFrame) -> Selected:
    """Read a subset.

    Parameters
    ----------
    given : str, Series, or array-like of n logicals
        Text is a condition on columns, such as "x > 0 & g %in% c('a', 'b')", in which ``|`` is R's or; or numbers of
        rows, such as "1:20" or "-c(3, 7)", counted from 1. A Series goes by the labels of its index, anything else by
        position.
    data : DataFrame
        The n rows.

    Raises
    ------
    ModelError
        It is no condition, has not one value for each row, or asks for no row.
    """
    if isinstance(given, str):
        mask, missing, text = by_text(given, data)
    else:
        if isinstance(given, Mapping | Set | pd.DataFrame) or np.ndim(given) != 1:
            raise ModelError(f"subset must be True or False for each row of the data, not {type(given).__name__}")
        series = aligned("subset", given, data.index) if isinstance(given, pd.Series) else pd.Series(given)
        column, missing = read_values(series, "subset")
        mask, text = logicals(column, len(data)), ""
    rows = mask if missing is None else mask | missing
    if not rows.any():
        raise ModelError(f"subset{f' {shortened(text)!r}' if text else ''} asks for none of the {len(data)} rows")
    return Selected(rows, missing, text)


def by_text(text: str, data: pd.DataFrame) -> tuple[Booleans, Missing, str]:
    """Which rows a text asks for, of which it is not known, and the text in R's spelling."""
    node = read_expression("subset", text)
    read = without_or(node)
    check_arithmetic(read)
    check_columns(names(read), data)
    column, missing = value_of(read, data)
    if isinstance(column, np.ndarray) and column.dtype != np.bool_ and missing is None:
        return numbered(column, len(data)), None, deparse(node)
    mask = logicals(column, len(data))
    return mask & ~missing if missing is not None else mask, missing, deparse(node)


def without_or(node: Node) -> Node:
    """A tree with ``!(!a & !b)`` for ``a | b``, which is a bar in a formula; R's third value obeys the same law."""
    match node:
        case Call("|", (left, right)):
            neither = call("&", *(call("!", call("(", without_or(side))) for side in (left, right)))
            return call("!", call("(", neither))
        case Call("||", _):
            raise ModelError(f"subset has '||' in '{shortened(deparse(node))}': for each row it is one |")
        case Call(function, arguments, labels):
            return call(function, *map(without_or, arguments), labels=labels)
    return node


def logicals(column: Any, n: int) -> Booleans:
    """One logical for each of n rows."""
    if not isinstance(column, np.ndarray) or column.dtype != np.bool_:
        raise ModelError("subset must be True or False for each row of the data: a condition, such as x > 0")
    if len(column) != n:
        raise ModelError(f"subset has {len(column)} values, but the data have {n} rows")
    return column


def numbered(numbers: Any, n: int) -> Booleans:
    """Rows by their numbers, counted from 1, or all but those."""
    wanted: Integers = numbers.astype(np.int64)
    if (wanted != numbers).any() or not wanted.size:
        raise ModelError("subset is no condition, such as x > 0, and no numbers of rows, such as 1:20")
    omitted = bool((wanted < 0).all())
    size = np.abs(wanted)
    if (not omitted and (wanted < 1).any()) or size.max() > n or (np.diff(size) <= 0).any():
        raise ModelError(
            f"subset by numbers takes rows from 1 to {n}, each once, in ascending order, or all negative; "
            "by a column it takes a condition, such as x == 1"
        )
    mask = np.full(n, omitted)
    mask[size - 1] = not omitted
    return mask
