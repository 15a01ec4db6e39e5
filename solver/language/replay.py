"""What a formula learnt from the data that it was fitted to, and the formula on other data with that kept.

A polynomial, a spline, a mean, the breaks of `cut`, the levels of a factor depend on all rows. For other rows each call
that does so is evaluated by what it learnt: R does the same for poly, scale, ns and bs alone, and takes a mean anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Booleans
from relmer.solver.errors import ModelError
from relmer.solver.language.columns import read_column
from relmer.solver.language.convert import length
from relmer.solver.language.evaluate import given, value_of
from relmer.solver.language.factors import Column, Dates, Factor, Matrix, as_factor
from relmer.solver.language.formula import Formula
from relmer.solver.language.functions import LEARNERS, LEARNING, OFFSET
from relmer.solver.language.per_row import read_expression
from relmer.solver.language.signatures import Function, Result
from relmer.solver.language.syntax import Call, Name, Node, call, deparse, names

KINDS = {"f": "numbers", "i": "numbers", "u": "numbers", "O": "numbers", "b": "logicals"}
"""What a column holds, by numpy's kind."""


@dataclass(frozen=True)
class Learned(Call):
    """A call that is computed by what it learnt."""

    by: Function | None = field(default=None, compare=False)

    @property
    def meaning(self) -> Function | None:
        """What computes it."""
        return self.by


@dataclass(frozen=True)
class Learnt:
    """What the variables of a formula learnt.

    Attributes
    ----------
    nodes
        Each predictor, and each offset, by its spelling: a tree that has what it learnt.
    columns
        Of each column of the data that is used what it holds: its levels if it is a factor, else a word for its kind.
    offsets
        The spellings of the offsets, in the order in which they are added; None stands for numbers that were given.
    """

    nodes: Mapping[str, Node]
    columns: Mapping[str, Factor | str]
    offsets: tuple[str | None, ...]


NOTHING_LEARNT = Learnt({}, {}, ())
GIVEN = "offset="
"""The name of the offset that is an argument."""


def learnt_from(formula: Formula, offset: Any, data: pd.DataFrame, read: Mapping[str, Column]) -> Learnt:
    """What the variables of a formula, and an offset that is an argument, learn from all rows of the data.

    Parameters
    ----------
    formula, offset, data
        As of `model_frame`.
    read
        The predictors on all rows, by their spelling.
    """
    inner = {deparse(call(OFFSET, node)): node for node in formula.offsets}
    outer = {GIVEN: read_expression("offset", offset)} if isinstance(offset, str) else {}
    nodes = {**formula.predictors, **outer, **inner}
    offsets = [*([] if offset is None else [GIVEN if outer else None]), *inner]
    used = dict.fromkeys(name for node in nodes.values() for name in names(node) if name in data.columns)
    plain = {node.name: read[label] for label, node in formula.predictors.items() if isinstance(node, Name)}
    columns = {name: kind_of(plain[name] if name in plain else read_column(data, name)[0]) for name in used}
    return Learnt({label: taught(node, data) for label, node in nodes.items()}, columns, tuple(offsets))


def kind_of(column: Column) -> Factor | str:
    """A factor without rows, or a word."""
    if isinstance(column, Factor):
        return replace(column, codes=np.zeros(0, dtype=np.int64))
    if isinstance(column, Dates):
        return f"dates ({column.clock.value})"
    return "several columns" if isinstance(column, Matrix) else KINDS[column.dtype.kind]


def taught(node: Node, data: pd.DataFrame) -> Node:
    """The tree with what its calls learn from all rows of the data.

    Examples
    --------
    >>> from relmer.solver.language.evaluate import evaluate
    >>> from relmer.solver.language.syntax import parse_expression
    >>> tree = taught(parse_expression("I(x - mean(x))"), pd.DataFrame({"x": [1.0, 2.0, 6.0]}))
    >>> evaluate(tree, pd.DataFrame({"x": [3.0, 5.0]}))[0]
    array([0., 2.])
    """
    if not isinstance(node, Call):
        return node
    arguments = tuple(taught(each, data) for each in node.arguments)
    function = node.meaning
    if function is None or function.name not in LEARNING | LEARNERS.keys():
        return replace(node, arguments=arguments)
    return learned(node, arguments, function, data)


def learned(node: Call, arguments: tuple[Node, ...], function: Function, data: pd.DataFrame) -> Node:
    """A call of a function that learns."""
    if function.name not in LEARNERS:
        return remembered(node, function, data)
    values = [given(node, *each, data) for each in zip(function.parameters, node.bound(function), strict=True)]
    compute = LEARNERS[function.name](function.compute, *values)
    return Learned(node.function, arguments, node.labels, replace(function, compute=compute))


def remembered(node: Call, function: Function, data: pd.DataFrame) -> Node:
    """A call whose value is that of the data it was fitted to; one that has a value for each row has none elsewhere."""
    if function.result is Result.NUMBERS:
        value: Any = function.compute(
            *(given(node, *each, data) for each in zip(function.parameters, node.bound(function), strict=True))
        )
        size = length(value)
    else:
        value = value_of(node, data)
        size = length(value[0])
    compute = partial(refused, deparse(node)) if size == len(data) > 1 else partial(constant, value)
    return Learned(node.function, (), (), replace(function, parameters=(), compute=compute))


def constant(value: Any) -> Any:
    """What was learnt."""
    return value


def refused(spelled: str) -> Any:
    """Refuse what goes by the place of a row."""
    raise ModelError(f"'{spelled:.80}' goes by the places of rows, which new data do not have; make it a column")


def recoded(learnt: Learnt, used: Iterator[str], grouping: frozenset[str], data: pd.DataFrame) -> pd.DataFrame:
    """The columns of new data that are used, their factors with the levels that the fit had first.

    Raises
    ------
    ModelError
        A column holds another kind of values than it did.
    """
    found = {}
    for name in dict.fromkeys(used):
        series, was = data[name], learnt.columns[name]
        column, missing = read_column(data, name)
        now = kind_of(column)
        if len(data) and not (missing is not None and missing.all()) and name not in grouping and not alike(was, now):
            raise ModelError(f"column '{name:.60}' held {told(was)} when the model was fitted, and now {told(now)}")
        if isinstance(was, Factor) and isinstance(column, Factor):
            known = list(was.levels)
            new = [level for level in column.levels if level not in set(known)]
            labels = np.array([*column.levels, ""], dtype=object)[column.codes]
            labels[column.codes < 0] = None
            series = pd.Series(pd.Categorical(labels, [*known, *new], ordered=was.ordered), index=data.index)
        found[name] = series
    return pd.DataFrame(found, index=data.index)


def alike(was: Factor | str, now: Factor | str) -> bool:
    """Whether both are factors, or of one kind."""
    return isinstance(was, Factor) == isinstance(now, Factor) and (isinstance(was, Factor) or was == now)


def told(kind: Factor | str) -> str:
    """What a column holds, in words."""
    return "text or categories" if isinstance(kind, Factor) else kind


def on_fitted_levels(label: str, column: Column, fitted: Column) -> tuple[Column, Booleans | None]:
    """A column with the levels of the fit, and where a row has another (then its code has no meaning)."""
    if not isinstance(fitted, Factor):
        if isinstance(column, Matrix) and isinstance(fitted, Matrix) and column.suffixes != fitted.suffixes:
            raise ModelError(f"'{label:.80}' has other columns than when the model was fitted: give it the same levels")
        return column, None
    own = column if isinstance(column, Factor) else as_factor(column)
    known = {level: k for k, level in enumerate(fitted.levels)}
    places = np.array([*(known.get(level, -1) for level in own.levels), -1], dtype=np.int64)
    codes = places[own.codes]
    return replace(fitted, codes=np.maximum(codes, 0)), codes < 0


def unknown_level(label: str, column: Column, where: Booleans, fitted: Factor) -> ModelError:
    """What is said of a level that the fit did not have."""
    own = column if isinstance(column, Factor) else as_factor(column)
    level = own.levels[own.codes[int(np.argmax(where))]]
    shown = ", ".join(f"'{each:.40}'" for each in fitted.levels[:5]) + (", …" if len(fitted.levels) > 5 else "")
    return ModelError(f"'{label:.60}' has the new level '{level:.60}'; the model was fitted to {shown}")
