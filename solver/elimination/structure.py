"""The structure of the random effects, found once: which factors are nested, which cross, what is eliminated how.

Terms with the same grouping factor count as one factor with the columns of all and a block-diagonal G. A small model of
several factors is solved all at once by `joint`; if the factors are nested in each other, `nested` solves them inside
out; else `crossed` eliminates the largest one level by level.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination import crossed, joint, nested
from relmer.solver.elimination.corner import Weights, diagonals
from relmer.solver.elimination.coupling import DenseCoupling
from relmer.solver.elimination.levels import AT_ONCE
from relmer.solver.elimination.sparse_schur import SparseFront
from relmer.solver.model import RandomTerm, group_names

Problem = nested.Nested | crossed.Crossed | joint.Joint
State = nested.State | crossed.State | joint.State

# Number of effects in a dense factor from which on products of matrices are spared.
COSTLY = 300


@dataclass(frozen=True)
class Factor:
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
    factors
        In the order of their elimination.
    problem
        The reduced rows.
    order
        Where the entries of the terms' gamma, term after term, stand in that of the factors; None: in that order.
    """

    factors: tuple[Factor, ...]
    problem: Problem
    order: NDArray[np.int64] | None

    def __str__(self) -> str:
        """What is eliminated how, in one line per step."""
        if not self.factors:
            return "no random effects"
        sizes = [f"{one.name} ({one.levels} levels x {one.width})" for one in self.factors]
        if isinstance(self.problem, nested.Nested):
            kind = "one factor" if len(sizes) == 1 else "nested"
            return f"{kind}: {' in '.join(sizes)}, level by level"
        if isinstance(self.problem, joint.Joint):
            return f"joint: {', '.join(sizes)}, all {self.problem.R.shape[1]} effects at once"
        coupling = self.problem.coupling
        how = "dense" if isinstance(coupling, DenseCoupling) else f"{coupling.pairs[0].nnz} pairs of effects"
        q = len(self.problem.s)
        factor = "sparse" if isinstance(self.problem.S, SparseFront) else "dense"
        return f"crossed: {sizes[0]} level by level ({how}), then {', '.join(sizes[1:])} by a {factor} factor of {q}"


def factors(terms: Sequence[RandomTerm]) -> tuple[Factor, ...]:
    """The grouping factors of the terms, most levels first."""
    found: list[Factor] = []
    for k, (name, term) in enumerate(zip(group_names(terms), terms, strict=True)):
        count, width = len(term.levels), len(term.columns)
        for j, other in enumerate(found):
            if other.levels == count and np.array_equal(other.codes, term.codes):
                found[j] = Factor(other.name, other.codes, count, (*other.terms, k), (*other.widths, width))
                break
        else:
            found.append(Factor(name, term.codes, count, (k,), (width,)))
    return tuple(sorted(found, key=lambda one: -one.levels))


def is_nested(inner: Factor, outer: Factor) -> bool:
    """Whether every level of the inner factor lies in one level of the outer."""
    parent = np.zeros(inner.levels, dtype=np.int64)
    parent[inner.codes] = outer.codes
    return np.array_equal(parent[inner.codes], outer.codes)


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
    order = factors(terms)
    widths, levels = [one.width for one in order], [one.levels for one in order]
    prepare: Callable[..., Problem] = nested.prepare
    if len(order) > 1 and joint.is_small(Xy.shape[1], len(Xy), widths, levels):
        prepare = joint.prepare
    elif not all(is_nested(a, b) for a, b in pairwise(order)):
        prepare = crossed.prepare
        order = tuple(sorted(order, key=lambda one: -one.levels * one.width))
        widths, levels = [one.width for one in order], [one.levels for one in order]
    stacked = np.concatenate([*(columns[k] for one in order for k in one.terms), Xy])
    problem = prepare(stacked, widths, [one.codes for one in order], levels)
    return Structure(order, problem, positions(tuple((one.terms, one.widths) for one in order)))


@lru_cache(maxsize=64)
def positions(factors: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]) -> NDArray[np.int64] | None:
    """Where the entries of the terms' gamma stand in that of the factors, given the terms and widths of each."""
    places: dict[int, NDArray[np.int64]] = {}
    first = 0
    for terms, widths in factors:
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


def covariances(structure: Structure, G: Sequence[Array]) -> list[Array]:
    """G of the factors from those of the terms."""
    return [
        G[one.terms[0]] if len(one.terms) == 1 else linalg.block_diag(*(G[k] for k in one.terms))
        for one in structure.factors
    ]


def solve(structure: Structure, G: Sequence[Array]) -> State:
    """Eliminate all random effects at the covariances G of the terms."""
    if isinstance(structure.problem, nested.Nested):
        return nested.solve(structure.problem, covariances(structure, G))
    if isinstance(structure.problem, joint.Joint):
        return joint.solve(structure.problem, covariances(structure, G))
    return crossed.solve(structure.problem, covariances(structure, G))


def ray(structure: Structure, scales: Array) -> tuple[Array, Array]:
    """log|V| (k,) and the diagonals of RC (k, p + 1) at k multiples G = scale I."""
    problem = structure.problem
    if isinstance(problem, nested.Nested) and len(problem.stages) == 1 and problem.rows.size <= AT_ONCE:
        logdet, C = nested.ray(problem, scales)
        return logdet, diagonals(C)
    states: Sequence[State]
    if isinstance(problem, joint.Joint):
        states = joint.ray(problem, scales)
    else:
        identity = by_term(structure, [np.eye(one.width) for one in structure.factors], square=True)
        states = [solve(structure, [scale * each for each in identity]) for scale in scales]
    return np.array([at.logdet for at in states]), np.array([at.RC.diagonal() for at in states])


def is_sparse(structure: Structure) -> bool:
    """Whether a sparse factor is used, of which second derivatives are differences."""
    return isinstance(structure.problem, crossed.Crossed) and isinstance(structure.problem.S, SparseFront)


def is_costly(structure: Structure) -> bool:
    """Whether second derivatives take several times as long as first ones."""
    return isinstance(structure.problem, crossed.Crossed) and len(structure.problem.s) > COSTLY


def curvature(structure: Structure, at: State, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
    """df/dG of every term (c, c), and d2f/dgamma2 of all; of a costly structure, average information if not exact."""
    if isinstance(at, nested.State):
        duals, second = nested.curvature(at, weights)
    elif isinstance(at, joint.State):
        duals, second = joint.curvature(at, weights)
    else:
        duals, second = crossed.curvature(at, weights, exact)
    if structure.order is not None:
        second = second[structure.order[:, None], structure.order]
    return by_term(structure, duals, square=True), second


def effects(structure: Structure, at: State) -> list[Array]:
    """Give e = Z'V^-1 (y - X beta) of every term, (c, l)."""
    if isinstance(at, nested.State):
        return by_term(structure, nested.effects(at))
    return by_term(structure, joint.effects(at) if isinstance(at, joint.State) else crossed.effects(at))


def by_term(structure: Structure, arrays: Sequence[Array], square: bool = False) -> list[Array]:
    """Split the rows, or rows and columns, of each factor's array by terms."""
    found: dict[int, Array] = {}
    for one, array in zip(structure.factors, arrays, strict=True):
        first = 0
        for k, width in zip(one.terms, one.widths, strict=True):
            part = slice(first, first + width)
            found[k] = array[part, part] if square else array[part]
            first += width
    return [found[k] for k in sorted(found)]
