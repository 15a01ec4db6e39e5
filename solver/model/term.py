"""A random-effects term, and the names of what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array, Integers
from relmer.solver.model.theta import split


@dataclass(frozen=True)
class RandomTerm:
    """One random term: every level of a grouping factor has its own coefficients.

    Attributes
    ----------
    group : str
        lme4's name of the grouping factor.
    columns : tuple of str
        Names of the c coefficients.
    levels : tuple of str
        The levels that occur, in order.
    codes : (n,) int64 array
        Index of each row's level.
    X : (n, c) float64 array
        The model matrix left of the bar.
    """

    group: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    codes: Integers
    X: Array


def factors(terms: Sequence[RandomTerm], theta: Array) -> list[Array]:
    """Split theta into the lower triangular T (c, c) of each term."""
    return split(theta, [len(term.columns) for term in terms])


def group_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """Names of the terms; where a grouping factor comes again it gets .1, .2 and so on, as R's make.unique does."""
    seen: dict[str, int] = {}
    names = []
    for term in terms:
        count = seen.get(term.group, 0)
        seen[term.group] = count + 1
        names.append(f"{term.group}.{count}" if count else term.group)
    return tuple(names)


def theta_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """lme4's names of theta: group.column on the diagonal, group.row.column below it."""
    names = []
    for term in terms:
        for i, j in zip(*lower_triangle(len(term.columns)), strict=True):
            row, column = term.columns[i], term.columns[j]
            names.append(f"{term.group}.{row}" if i == j else f"{term.group}.{row}.{column}")
    return tuple(names)
