"""The structure of the random effects, found once: which factors are nested, which cross, what is eliminated how.

Terms with the same grouping factor count as one factor with the columns of all and a block-diagonal G. A small model of
several factors is solved all at once by `joint` (theory.md, 18), of crossed ones with many columns a larger one too; if
the factors are nested in each other, `nested` solves them inside out (theory.md, 16 and 17); else `crossed` eliminates
the largest one level by level (theory.md, 19 to 23). What they have in common is in `contract`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import linalg

from relmer.solver.algebra import lower_trapezoid, lower_triangle
from relmer.solver.arrays import Array, Codes, Integers
from relmer.solver.elimination import apart, crossed, joint, nested
from relmer.solver.elimination.contract import Eliminated, Elimination
from relmer.solver.elimination.corner import Weights
from relmer.solver.model import RandomTerm, group_names, is_nested


@dataclass(frozen=True)
class Grouping:
    """A grouping factor: the level of each row, the number of levels, the terms that it groups, and their widths."""

    name: str
    codes: Codes
    levels: int
    terms: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(self.widths)


@dataclass(frozen=True)
class Structure:
    """How the random effects are eliminated, and all that is needed of the rows for it.

    Attributes
    ----------
    groupings
        In the order of their elimination.
    elimination
        The reduced rows.
    order
        Where the entries of the terms' gamma, term after term, stand in that of the groupings; None: in that order.
    """

    groupings: tuple[Grouping, ...]
    elimination: Elimination
    order: Integers | None

    def __str__(self) -> str:
        """What is eliminated how, in one line."""
        return self.elimination.describe([f"{one.name} ({one.levels} levels x {one.width})" for one in self.groupings])

    def solve(self, G: Sequence[Array]) -> Eliminated:
        """Eliminate all random effects at the covariances G of the terms."""
        return self.elimination.solve(self.by_grouping(G))

    def at_roots(self, roots: Sequence[Array]) -> Eliminated:
        """The same at covariances G = T T' of roots T (c, m)."""
        if isinstance(self.elimination, apart.Graded):
            return self.elimination.at_roots(self.by_grouping(roots))
        square = self.by_grouping([root if root.shape[0] == root.shape[1] else lower_trapezoid(root) for root in roots])
        return self.elimination.solve([T @ T.T for T in square], square)

    def curvature(self, at: Eliminated, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """The dual df/dG (c, c) of every term, and d2f/dgamma2 of all; if not exact, AI where that is costly."""
        duals, second = at.curvature(weights, exact)
        if self.order is not None:
            second = second[self.order[:, None], self.order]
        return self.by_term(duals, square=True), second

    def curvature_in(self, at: Eliminated, weights: Weights, bases: Sequence[Array]) -> tuple[list[Array], Array]:
        """The same for effects S^-1 b, given S (c, c) of every term, where all effects were eliminated at once."""
        assert isinstance(at, joint.JointSolved)
        return self.curvature(at.in_bases(self.by_grouping(bases)), weights)

    def by_grouping(self, blocks: Sequence[Array]) -> list[Array]:
        """The block-diagonal of every grouping factor, of blocks of the terms."""
        return [
            blocks[one.terms[0]] if len(one.terms) == 1 else linalg.block_diag(*(blocks[k] for k in one.terms))
            for one in self.groupings
        ]

    def effects(self, at: Eliminated) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every term, (c, l)."""
        return self.by_term(at.effects())

    def by_term(self, arrays: Sequence[Array], square: bool = False) -> list[Array]:
        """Split the rows, or rows and columns, of each grouping's array by terms."""
        found: dict[int, Array] = {}
        for one, array in zip(self.groupings, arrays, strict=True):
            first = 0
            for k, width in zip(one.terms, one.widths, strict=True):
                part = slice(first, first + width)
                found[k] = array[part, part] if square else array[part]
                first += width
        return [found[k] for k in sorted(found)]


def groupings_of(terms: Sequence[RandomTerm]) -> tuple[Grouping, ...]:
    """The grouping factors of the terms, most levels first."""
    found: list[Grouping] = []
    for k, (name, term) in enumerate(zip(group_names(terms), terms, strict=True)):
        count, width = len(term.levels), len(term.columns)
        for j, other in enumerate(found):
            if other.levels == count and np.array_equal(other.codes, term.codes):
                found[j] = Grouping(other.name, other.codes, count, (*other.terms, k), (*other.widths, width))
                break
        else:
            found.append(Grouping(name, term.codes, count, (k,), (width,)))
    return tuple(sorted(found, key=lambda one: -one.levels))


def build(terms: Sequence[RandomTerm], columns: Sequence[Array], Xy: Array) -> Structure:
    """Find the structure and reduce the rows.

    Parameters
    ----------
    terms
        The random-effects terms.
    columns
        Per term the columns (c, n) of its Z that its levels share.
    Xy
        Columns (p + 1, n) of X and y.
    """
    order = groupings_of(terms)
    widths, levels = [one.width for one in order], [one.levels for one in order]
    prepare: Callable[..., Elimination] = nested.prepare
    if len(order) > 1 and joint.is_small(Xy.shape[1], len(Xy), widths, levels):
        prepare = joint.prepare
    elif not all(is_nested(a.codes, b.codes) for a, b in pairwise(order)):
        order = tuple(sorted(order, key=lambda one: -one.levels * one.width))
        widths, levels = [one.width for one in order], [one.levels for one in order]
        prepare = joint.prepare if joint.is_wide(Xy.shape[1], len(Xy), widths, levels) else crossed.prepare
    stacked = np.concatenate([*(columns[k] for one in order for k in one.terms), Xy])
    elimination = prepare(stacked, widths, [one.codes for one in order], levels)
    return Structure(order, elimination, positions(tuple((one.terms, one.widths) for one in order)))


def build_apart(
    terms: Sequence[RandomTerm],
    scales: Sequence[Array],
    columns: Sequence[Array],
    rest: Array,
    effects: Array,
    sequence: Sequence[Integers],
) -> tuple[Structure, Array]:
    """The structure for a response of which X and Z leave little, all effects at once; also RX0 (p, p).

    Parameters
    ----------
    terms, scales
        The random-effects terms, and the C of each.
    columns
        Per term the weighted columns (c, n) that its levels share, not in working coordinates.
    rest, effects
        [X y] is rest (n, p + 1) and Z effects (q, p + 1), term after term.
    sequence
        The effects of each column of each term, those that explain most of y first.
    """
    order = groupings_of(terms)
    ends = np.cumsum([len(term.levels) * len(term.columns) for term in terms])
    places = [
        own.reshape(len(term.levels), len(term.columns))
        for own, term in zip(np.split(np.arange(ends[-1]), ends[:-1]), terms, strict=True)
    ]
    here = np.concatenate([np.hstack([places[k] for k in one.terms]).ravel() for one in order])
    there = np.argsort(here)
    rows = apart.Rows(
        Z=np.concatenate([columns[k] for one in order for k in one.terms]),
        rest=rest,
        effects=effects[here],
        order=[there[own] for own in sequence],
    )
    elimination, RX0 = apart.prepare(
        rows,
        [np.asarray(linalg.block_diag(*(scales[k] for k in one.terms))) for one in order],
        [one.width for one in order],
        [one.codes for one in order],
        [one.levels for one in order],
    )
    return Structure(order, elimination, positions(tuple((one.terms, one.widths) for one in order))), RX0


@lru_cache(maxsize=64)
def positions(groupings: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]) -> Integers | None:
    """Where the entries of the terms' gamma stand in that of the groupings, given the terms and widths of each."""
    places: dict[int, Integers] = {}
    first = 0
    for terms, widths in groupings:
        rows, columns = lower_triangle(sum(widths))
        index = np.zeros((sum(widths), sum(widths)), dtype=np.int64)
        index[rows, columns] = first + np.arange(len(rows))
        begin = 0
        for k, width in zip(terms, widths, strict=True):
            i, j = lower_triangle(width)
            places[k] = index[begin + i, begin + j]
            begin += width
        first += len(rows)
    order = np.concatenate([np.zeros(0, dtype=np.int64), *(places[k] for k in sorted(places))])
    return None if np.array_equal(order, np.arange(first)) else order
