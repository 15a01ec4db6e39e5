"""The matrices of a formula for rows of other data, by what it learnt from those it was fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.bars import Bar
from relmer.solver.language.evaluate import check_columns, evaluate
from relmer.solver.language.factors import Column, Factor, as_factor
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, check_finite, kept_numbers, kept_rows
from relmer.solver.language.matrix import coded_terms, grouping_factor, random_term
from relmer.solver.language.per_row import doubles
from relmer.solver.language.replay import on_fitted_levels, recoded, unknown_level
from relmer.solver.language.syntax import Name, Node, deparse, names
from relmer.solver.model import RandomTerm


@dataclass(frozen=True)
class NewRows:
    """The complete rows of other data, of which there are m.

    Attributes
    ----------
    rows
        Their positions in the data (m,).
    X
        The columns of the fixed effects, dependent ones too (m, p).
    coefficients
        Their p names.
    terms
        The random terms that were asked for, with the levels that these rows have.
    offset
        (m,).
    """

    rows: Integers
    X: Array
    coefficients: tuple[str, ...]
    terms: tuple[RandomTerm, ...]
    offset: Array


def bars_of(frame: ModelFrame, text: str) -> tuple[Bar, ...]:
    """The random terms of a one-sided formula, such as "~ (1 | g)".

    Raises
    ------
    ModelError
        It is no formula of random terms alone, or has variables that the model has not.
    """
    if not isinstance(text, str) or not text.strip().startswith("~"):
        raise ModelError(f"re_form is {text!r:.60}: give None for all random effects, '~0' for none, or '~ (1 | g)'")
    formula = parse(f"{frame.formula.outcome} {text.strip()}")
    if formula.fixed.terms or formula.offsets:
        raise ModelError(
            f"re_form {text!r:.60} has terms outside of bars: give random terms alone, such as '~ (1 | g)'"
        )
    for bar in formula.bars:
        for label in (*bar.terms.names, *bar.factors):
            if label not in frame.columns:
                raise ModelError(f"re_form has '{shortened(label)}', which the model has not")
    return formula.bars


def same_rows(frame: ModelFrame, bars: Sequence[Bar]) -> tuple[RandomTerm, ...]:
    """Random terms on the rows of the fit."""
    made: dict[Node, Factor] = {}
    return tuple(random_term(bar, frame, made) for bar in bars)


def new_rows(frame: ModelFrame, data: pd.DataFrame, bars: Sequence[Bar]) -> NewRows:
    """The rows of other data that have a value of all that is asked for.

    Parameters
    ----------
    frame
        Of the fit.
    data
        One row per prediction.
    bars
        The random terms.

    Raises
    ------
    ModelError
        A column is missing or holds another kind of values, a value is infinite, or a factor has a new level, which
        only a grouping factor may.

    Examples
    --------
    >>> from relmer.solver.language.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0], "x": [3, 5], "g": ["a", "b"]})
    >>> frame = model_frame(parse("y ~ scale(x) + (1 | g)"), data)
    >>> new = new_rows(frame, pd.DataFrame({"x": [4, 6], "g": ["b", "c"]}), frame.formula.bars)
    >>> new.X[:, 1].round(6).tolist(), new.terms[0].levels
    ([0.0, 1.414214], ('b', 'c'))
    """
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"newdata must be a pandas DataFrame, not {type(data).__name__}")
    learnt, fixed = frame.learnt, frame.formula.fixed
    if None in learnt.offsets:
        raise ModelError("the offset was given as numbers: for new data fit with offset(column) in the formula")
    coded = [*fixed.names, *(name for bar in bars for name in bar.terms.names)]
    grouped = [name for bar in bars for name in bar.factors]
    labels = dict.fromkeys([*coded, *grouped])
    offsets = [label for label in learnt.offsets if label is not None]
    trees = {label: learnt.nodes[label] for label in (*labels, *offsets)}
    used = [name for tree in trees.values() for name in names(tree) if name in learnt.columns]
    check_columns(used, data)
    free = set(used) - {name for label in (*coded, *offsets) for name in names(trees[label])}
    recast = recoded(learnt, iter(used), frozenset(free), data)
    found = {label: evaluate(tree, recast) for label, tree in trees.items()}
    offset_values = {label: doubles("offset", *found[label]) for label in offsets}
    missing = [where for _, where in (*found.values(), *offset_values.values()) if where is not None]
    rows = np.flatnonzero(~reduce(np.logical_or, missing, np.zeros(len(data), dtype=bool)))
    columns: dict[str, Column] = {label: taken(found[label][0], rows) for label in labels}
    for label, column in columns.items():
        check_finite(label, column, rows)
    aligned, unknown = dict[str, Column](), dict[str, Booleans]()
    for label, column in columns.items():
        aligned[label], beyond = on_fitted_levels(label, column, frame.columns[label])
        if beyond is not None and beyond.any():
            unknown[label] = beyond
    m = len(rows)
    there = replace(frame, y=np.zeros(m), columns=MappingProxyType(aligned), rows=rows)
    for label in coded:
        if label in unknown:
            raise unknown_level(label, columns[label], unknown[label], as_factor(frame.columns[label]))
    X, coefficients = coded_terms(fixed, aligned, there, frame.contrasts) if m else (np.zeros((0, 0)), ())
    made: dict[Node, Factor] = {}
    terms = tuple(term_of(bar, frame, there, columns, made) for bar in bars) if m else ()
    parts = [kept_numbers(values, rows) for values, _ in offset_values.values()]
    return NewRows(rows, X, coefficients, terms, reduce(np.add, parts, np.zeros(m)))


def taken(column: Column, rows: Integers) -> Column:
    """A column on some rows; a factor keeps its levels."""
    return replace(column, codes=column.codes[rows]) if isinstance(column, Factor) else kept_rows(column, rows)


def term_of(
    bar: Bar, frame: ModelFrame, there: ModelFrame, columns: dict[str, Column], made: dict[Node, Factor]
) -> RandomTerm:
    """A random term of new rows: its columns are coded as in the fit, its levels are theirs."""
    group = grouping_factor(bar.group, {name: as_factor(columns[name]) for name in bar.factors}, made)
    left = dict(there.columns)
    # A grouping column is a factor on the left side too.
    for name in names(bar.group):
        label = deparse(Name(name))
        if label in bar.terms.names:
            left[label], beyond = on_fitted_levels(label, as_factor(columns[label]), as_factor(frame.columns[label]))
            if beyond is not None and beyond.any():
                raise unknown_level(label, columns[label], beyond, as_factor(frame.columns[label]))
    X, coefficients = coded_terms(bar.terms, left, there, {})
    return RandomTerm(bar.label, coefficients, group.levels, group.codes, X, bar.structure)
