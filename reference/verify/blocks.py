"""Large models: cross products in balls, laid out so that levels can be eliminated before the rest.

One factor, the *inner* one, is taken apart level by level: no row has two of its levels. The effects of all others are
the *core*, a dense matrix for each set of levels that rows link. jets.py has what is done with them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat

from relmer.reference.verify.criterion import identity
from relmer.reference.verify.data import Column, Refused, Table
from relmer.reference.verify.patterns import Places, beside_each_other, sides

MOST_COUPLED = 2_000
# Of the data: far more than those of a proof.
DATA_BITS = 1024


@dataclass(frozen=True)
class Core:
    """The effects of the other factors that rows link, and the inner levels beside them.

    Attributes
    ----------
    A, U, columns
        Z_i'Z_i (c x c) of each inner level, Z_i'[Z_core X y] (c x m) without the columns that are zero, and the others.
    S
        Z_core'[Z_core X y] (r x (r + p + 1)).
    places
        For each gamma every (row, column) where it stands in G of the core.
    """

    A: tuple[arb_mat, ...]
    U: tuple[arb_mat, ...]
    columns: tuple[tuple[int, ...], ...]
    S: arb_mat
    places: tuple[Places, ...]

    @property
    def size(self) -> int:
        """r."""
        return int(self.S.nrows())


@dataclass(frozen=True)
class Blocks:
    """The data of a large model in balls; n to gammas as in `Data`.

    Attributes
    ----------
    swept, norms
        The coefficients (p) by which y was swept, exact; columns are divided by their norms, so that all are 1.
    C
        [X y]'W[X y], W the weights, as in all cross products.
    log_weights
        The sum of the logarithms of the weights.
    inner
        For each gamma every (row, column) where it stands in G of an inner level.
    cores
        They have no row in common.
    """

    n: int
    coefficients: tuple[str, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    gammas: tuple[tuple[int, int, int], ...]
    swept: tuple[arb, ...]
    norms: tuple[int, ...]
    C: arb_mat
    log_weights: arb
    inner: tuple[Places, ...]
    cores: tuple[Core, ...]


# ---- the data ----


@dataclass(frozen=True)
class Factor:
    """Terms that have the same levels in all rows: their columns, where those of each term begin, each row's level."""

    columns: list[Column]
    starts: dict[int, int]
    codes: tuple[int, ...]

    @property
    def levels(self) -> int:
        """How many there are."""
        return max(self.codes) + 1


def factors_of(table: Table) -> list[Factor]:
    """The grouping factors of a table, the one with the most effects first."""
    found: dict[tuple[int, ...], Factor] = {}
    for t, own in enumerate(table.zs):
        known: dict[Any, int] = {}
        codes = tuple(known.setdefault(row[t], len(known)) for row in table.levels)
        factor = found.setdefault(codes, Factor([], {}, codes))
        factor.starts[t] = len(factor.columns)
        factor.columns.extend(own)
    return sorted(found.values(), key=lambda factor: -factor.levels * len(factor.columns))


def linked(factors: Sequence[Factor]) -> dict[tuple[int, int], int]:
    """For each (factor, level) a number of the set of levels that rows link it to."""
    nodes = {key: k for k, key in enumerate((f, i) for f, own in enumerate(factors) for i in range(own.levels))}
    root = list(range(len(nodes)))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = node = root[root[node]]
        return node

    for row in set(zip(*(own.codes for own in factors), strict=True)):
        first, *others = (find(nodes[key]) for key in enumerate(row))
        for other in others:
            root[find(other)] = first = find(first)
    return {key: find(node) for key, node in nodes.items()}


def largest_set(table: Table) -> int:
    """How many effects rows link at most."""
    factors = factors_of(table)
    counts: Counter[int] = Counter()
    for (f, _), number in linked(factors).items():
        counts[number] += len(factors[f].columns)
    return max(counts.values())


def scale(column: Column, share: int) -> arb:
    """What the whole numbers of a column are to be multiplied by, with half of what weights are to be divided by."""
    _, d, norm = column
    return arb(norm * share).rsqrt() / d


def balls(sums: Sequence[Sequence[Any]], left: Sequence[arb], right: Sequence[arb]) -> arb_mat:
    """Sums of products of whole numbers as those of the columns."""
    if not sums:
        return arb_mat(0, len(right))
    zero, rows = arb(0), zip(sums, left, strict=True)
    return arb_mat([[arb(s) * a * b if s else zero for s, b in zip(row, right, strict=True)] for row, a in rows])


def by_row(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """The values of columns, row by row."""
    return list(zip(*(values for values, _, _ in columns), strict=True))


def add_products(sums: list[list[Any]], at: int, values: Sequence[Any], others: Sequence[tuple[int, Any]]) -> None:
    """Add the products of values, which stand at `at` and after it, and others, by their places."""
    for row, u in enumerate(values, start=at):
        if u:
            own = sums[row]
            for place, v in others:
                own[place] += u * v


def blocks(table: Table) -> Blocks:
    """Sum weighted products of columns over the rows, and lay them out for elimination, at the working precision.

    Raises
    ------
    Refused
        X has not full rank, or rows link more than MOST_COUPLED effects beside the inner factor.
    """
    inner, *others = factors_of(table)
    # Levels that no other factor links may be taken together.
    sets = linked([inner, *others]) if others else {(0, level): 0 for level in range(inner.levels)}
    scales: dict[int, list[arb]] = {number: [] for number in sets.values()}
    places: dict[tuple[int, int], int] = {}
    for (f, level), number in sets.items():
        if f:
            places[f, level] = len(scales[number])
            scales[number] += (scale(column, table.share) for column in others[f - 1].columns)
    if (most := max(map(len, scales.values()))) > MOST_COUPLED:
        raise Refused(f"rows link {most:,} effects beside the largest factor, and {MOST_COUPLED:,} can be proved")

    c, width = len(inner.columns), len(table.xy)
    A = [[[0] * c for _ in range(c)] for _ in range(inner.levels)]
    U: list[dict[int, list[Any]]] = [{} for _ in range(inner.levels)]
    S = {number: [[0] * (len(own) + width) for _ in own] for number, own in scales.items()}
    z_inner, z_others, xy = by_row(inner.columns), [by_row(own.columns) for own in others], by_row(table.xy)
    left_inner, left_others = table.weighted(z_inner), [table.weighted(zs) for zs in z_others]
    for i, level in enumerate(inner.codes):
        number, z, left = sets[0, level], z_inner[i], left_inner[i]
        at = [places[f, own.codes[i]] for f, own in enumerate(others, start=1)]
        beside = [(first + a, v) for first, zs in zip(at, z_others, strict=True) for a, v in enumerate(zs[i])]
        beside += enumerate(xy[i], start=len(scales[number]))
        add_products(A[level], 0, left, [*enumerate(z)])
        for place, v in beside:
            if v:
                own = U[level].setdefault(place, [0] * c)
                for a, u in enumerate(left):
                    own[a] += u * v
        for first, zs in zip(at, left_others, strict=True):
            add_products(S[number], first, zs[i], beside)

    members: dict[int, list[int]] = {}
    for level in range(inner.levels):
        members.setdefault(sets[0, level], []).append(level)
    seats: dict[int, list[tuple[int, int]]] = {number: [] for number in members}
    for (f, level), first in places.items():
        seats[sets[f, level]].append((f, first))
    xy_scales, own_scales = ([scale(column, table.share) for column in own] for own in (table.xy, inner.columns))
    C = balls(table.cross_products(), xy_scales, xy_scales)
    swept, turn = sweep(C)

    def with_sweep(sums: list[list[Any]], left: Sequence[arb], right: Sequence[arb]) -> arb_mat:
        core, ends = sides(balls(sums, left, [*right, *xy_scales]), len(right))
        return beside_each_other(core, ends * turn)

    def columns_of(level: int) -> tuple[int, ...]:
        r = len(scales[sets[0, level]])
        return (*sorted(place for place in U[level] if place < r), *range(r, r + width))

    def inner_of(level: int) -> arb_mat:
        own, at = scales[sets[0, level]], columns_of(level)
        sums = [[U[level][place][a] if place in U[level] else 0 for place in at] for a in range(c)]
        return with_sweep(sums, own_scales, [own[place] for place in at[: len(at) - width]])

    cores = tuple(
        Core(
            A=tuple(balls(A[level], own_scales, own_scales) for level in levels),
            U=tuple(map(inner_of, levels)),
            columns=tuple(map(columns_of, levels)),
            S=with_sweep(S[number], scales[number], scales[number]),
            places=tuple(
                tuple(
                    pair
                    for f, first in seats[number]
                    if t in others[f - 1].starts
                    for pair in both(first + others[f - 1].starts[t], a, b)
                )
                for t, a, b in table.gammas
            ),
        )
        for number, levels in members.items()
    )
    C = turn.transpose() * C * turn
    return Blocks(
        n=len(table.levels),
        coefficients=table.coefficients,
        terms=table.terms,
        gammas=table.gammas,
        swept=swept,
        norms=(1,) * width,
        C=C,
        log_weights=table.log_weights(),
        inner=tuple(both(inner.starts[t], a, b) if t in inner.starts else () for t, a, b in table.gammas),
        cores=cores,
    )


def both(first: int, a: int, b: int) -> Places:
    """Where an entry of a symmetric block stands that begins at `first`."""
    return ((first + a, first + b),) if a == b else ((first + a, first + b), (first + b, first + a))


def sweep(C: arb_mat) -> tuple[tuple[arb, ...], arb_mat]:
    """Coefficients of the regression of y on X, rounded, and the matrix that takes X times them from y."""
    XX, Xy = sides(arb_mat(C.tolist()[:-1]), C.ncols() - 1)
    try:
        beta = XX.solve(Xy).mid()
    except ZeroDivisionError:
        raise Refused("X has not full rank") from None
    turn = identity(C.nrows())
    for i, entry in enumerate(beta.entries()):
        turn[i, C.nrows() - 1] = -entry
    return tuple(beta.entries()), turn
