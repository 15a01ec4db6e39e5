"""How large the matrices of a model will be, which is known before they are made: what is too large is refused."""

import re
from collections.abc import Sequence
from math import prod

import numpy as np

from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.factors import Coding, Column, Factor, Matrix, Origin
from relmer.solver.language.terms import Terms
from relmer.solver.model import RandomTerm

MOST_BYTES = 2**32
"""Of one dense matrix."""
MOST_COLUMNS, MOST_WORK = 1000, 2e10
"""Beyond so many columns p of n rows, n p^2 is bounded too, which orthogonalising them costs several times over."""
MOST_PARAMETERS = 1000
"""Entries of theta: the search inverts a matrix of that order, and keeps one of a term's size for each entry."""
DOUBLE = 8
Widths = tuple[int, int]
"""How many columns a variable makes in a term: by its contrasts, and in full."""
NUMBER = r"\s*[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?\s*"
DATE = r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?"


def check_columns_of_terms(terms: Terms, widths: Sequence[Widths], full: set[tuple[int, int]], n: int) -> None:
    """Refuse terms that make more columns than can be worked with.

    Parameters
    ----------
    terms : Terms
        A right-hand side.
    widths : sequence of Widths
        Of its variables.
    full : set of (int, int)
        The pairs of a term and a variable that get a column for each level.
    n : int
        How many rows there are.

    Raises
    ------
    ModelError
        With the number of columns, and the term that makes most of them.
    """
    columns = columns_of_terms(terms, widths, full)
    p = terms.intercept + sum(columns)
    size, work = DOUBLE * n * p, n * p**2
    if size <= MOST_BYTES and (p <= MOST_COLUMNS or work <= MOST_WORK):
        return
    widest = max(range(len(columns)), key=columns.__getitem__)
    raise ModelError(
        f"{p:,} columns for {n:,} rows, {size / 2**30:.1f} GiB, are more than can be worked with; "
        f"{shortened(terms.labels[widest])} makes {columns[widest]:,} of them: make it a grouping factor, as in "
        f"(1 | {shortened(terms.labels[widest], 40)}), or leave it out"
    )


def columns_of_terms(terms: Terms, widths: Sequence[Widths], full: set[tuple[int, int]]) -> list[int]:
    """How many columns each term makes; see `check_columns_of_terms`."""
    return [prod(widths[i][(j, i) in full] for i in term) for j, term in enumerate(terms.terms)]


def width(variable: Column, chosen: Coding | None = None) -> Widths:
    """How many columns a variable makes in a term: by its contrasts, and in full."""
    if isinstance(variable, Matrix):
        return variable.values.shape[1], variable.values.shape[1]
    if not isinstance(variable, Factor):
        return 1, 1
    k = len(variable.levels)
    chosen = variable.contrasts if chosen is None else chosen
    return k - 1 if chosen is None else chosen[0].shape[1], k


def check_parameters(terms: Sequence[RandomTerm]) -> None:
    """Refuse random terms whose covariance matrices have more entries than can be searched for."""
    counts = [len(term.columns) * (len(term.columns) + 1) // 2 for term in terms]
    if sum(counts) > MOST_PARAMETERS:
        largest = terms[max(range(len(counts)), key=counts.__getitem__)]
        raise ModelError(
            f"{sum(counts):,} variances and covariances are more than can be searched for, {MOST_PARAMETERS:,}: "
            f"the random term of {shortened(largest.group)} has {len(largest.columns):,} columns; leave out a slope, "
            "or make its factor a grouping factor"
        )


def check_levels(terms: Terms, variables: Sequence[Column], n: int) -> None:
    """Refuse a factor that alone has a level for each row; if it is text that looks like something else, say so.

    Its columns, and that of ones, are as many as its levels, each of which has a row.
    """
    for term in terms.terms:
        variable = variables[term[0]]
        if len(term) == 1 and isinstance(variable, Factor) and len(variable.levels) >= n:
            raise ModelError(
                f"{n} rows do not determine {len(variable.levels)} coefficients: '{shortened(terms.names[term[0]])}' "
                f"has a level for each row{looks_like(variable)}; make it a number or leave it out"
            )


def looks_like(factor: Factor) -> str:
    """What text that is taken for a factor may be instead; nothing if that is not known."""
    if factor.origin not in (Origin.TEXT, Origin.SORTED):
        return ""
    levels = np.array(factor.levels)
    for pattern, what in ((DATE, "dates"), (NUMBER, "numbers")):
        fits = np.array([bool(re.fullmatch(pattern, level)) for level in factor.levels])
        if 2 * fits.sum() >= len(levels):
            stray = "" if fits.all() else f", but for {levels[~fits][0]!s:.40}"
            return f" (it is text, with {what} such as {levels[fits][0]!s:.40}{stray})"
    return ""
