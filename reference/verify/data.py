"""What a certificate speaks of, read exactly: untrusted JSON, and a data file's cross products in rationals.

The first part of the kernel; it does no ball arithmetic.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Any, Protocol

from flint import arb, arb_mat, fmpq, fmpq_mat, fmpz, fmpz_mat

MODEL: dict[str, Any] = {
    "response": str,
    "fixed": [[str]],
    "random": [{"name": str, "group": [str], "columns": [[str]]}],
}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
LONGEST, LONGEST_MESSAGE = 1500, 400
Column = tuple[list[Any], int, int]
"""a, d, norm: the column a / (d sqrt(norm)); a are whole numbers, or balls with d = norm = 1."""


class Refused(Exception):
    """A claim that is not proved; the message is one line that says which, whatever it quotes of untrusted text."""

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else "?" for c in message[:LONGEST_MESSAGE]))


class Named(Protocol):
    """What all data of a model have, in rationals (`Data`) or in balls (`blocks.Blocks`)."""

    @property
    def n(self) -> int:
        """The number of rows."""

    @property
    def coefficients(self) -> tuple[str, ...]:
        """The names of the coefficients."""

    @property
    def terms(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The name of each term, with those of its columns."""

    @property
    def gammas(self) -> tuple[tuple[int, int, int], ...]:
        """For each distinct entry of the G_j its term, row and column, row >= column."""

    @property
    def swept(self) -> tuple[Any, ...]:
        """The coefficients by which y was swept."""

    @property
    def norms(self) -> tuple[int, ...]:
        """Of the columns of [X y], that they are yet to be divided by the roots of."""

    @property
    def log_weights(self) -> arb:
        """The sum of the logarithms of the weights."""


@dataclass(frozen=True)
class Component:
    """Levels that rows link, with their q columns of Z.

    Attributes
    ----------
    places
        For each gamma every (row, column) where it stands in G.
    ZZ, Zxy
        Z'Z (q x q) and Z'[X y] (q x (p + 1)).
    norms
        q of them: column i of Z is yet to be divided by sqrt(norms[i]).
    effects
        Of each column of Z its term, its level as the texts that stand in the file, and which column of its term it is.
    """

    places: tuple[tuple[tuple[int, int], ...], ...]
    ZZ: fmpq_mat
    Zxy: fmpq_mat
    norms: tuple[int, ...]
    effects: tuple[tuple[int, tuple[str, ...], int], ...]


@dataclass(frozen=True)
class Data:
    """The data of a model in rationals.

    Attributes
    ----------
    n
        The number of rows.
    coefficients, terms
        The names of the coefficients, and the name of each term with those of its columns.
    gammas
        For each distinct entry of the G_j its term, row and column, row >= column.
    swept
        The least-squares coefficients (p) by which y was swept, y - X swept, so that balls stay small.
    xyxy, norms
        [X y]'[X y], and the norms of these columns as in `Component`; that of y is 1.
    components
        They have no row in common.
    log_weights
        The sum of the logarithms of the weights, by which the cross products are weighted.
    """

    n: int
    coefficients: tuple[str, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    gammas: tuple[tuple[int, int, int], ...]
    swept: tuple[fmpq, ...]
    xyxy: fmpq_mat
    norms: tuple[int, ...]
    components: tuple[Component, ...]
    log_weights: arb


def require(value: Any, shape: Any, name: str) -> None:
    """Refuse a piece of JSON that has not the shape.

    A shape is a type, a tuple of types to choose from, a list of one shape, or a record with the keys that are written,
    or with any keys where the key is `str`.

    Examples
    --------
    >>> require({"rows": 180}, {"rows": int}, "data")
    >>> require({"rows": True}, {"rows": int}, "data")
    Traceback (most recent call last):
    relmer.reference.verify.data.Refused: data.rows is missing or of the wrong type
    """
    if isinstance(shape, dict) and isinstance(value, dict):
        for key in value if str in shape else shape:
            require(value.get(key), shape.get(key, shape.get(str)), f"{name}.{key}")
    elif isinstance(shape, list) and isinstance(value, list):
        for item in value:
            require(item, shape[0], name)
    elif type(value) is not shape and not (isinstance(shape, tuple) and type(value) in shape):
        raise Refused(f"{name} is missing or of the wrong type")


def ratio(text: str, reading: str = "decimal") -> tuple[int, int]:
    """The decimal that a text shows, or the double nearest to it, as a ratio of integers.

    Examples
    --------
    >>> ratio("0.1"), ratio("0.1", "double")
    ((1, 10), (3602879701896397, 36028797018963968))
    """
    if len(text) > LONGEST or not NUMBER.fullmatch(text) or abs(float(text)) == inf:
        raise Refused(f"{text[:40]!r} is not a number")
    return Decimal(text).as_integer_ratio() if reading == "decimal" else float(text).as_integer_ratio()


@dataclass(frozen=True)
class Table:
    """The columns and levels of a model, row by row.

    Attributes
    ----------
    coefficients, terms
        As in `Data`.
    xy, zs
        The columns of [X y], and for each term those of its model matrix.
    levels
        For each row the level of each term.
    weights
        For each row a whole number or a ball, and what all are to be divided by; Var(e) = sigma^2 / weight. None where
        all are 1.
    """

    coefficients: tuple[str, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    xy: list[Column]
    zs: list[list[Column]]
    levels: list[tuple[Any, ...]]
    weights: tuple[list[Any], int] | None = None

    @property
    def gammas(self) -> tuple[tuple[int, int, int], ...]:
        """As in `Data`."""
        return tuple(
            (t, a, b) for t, (_, names) in enumerate(self.terms) for a in range(len(names)) for b in range(a + 1)
        )

    @property
    def rational(self) -> bool:
        """Whether all columns are whole numbers over a denominator and a root; else some hold balls."""
        numbers = [values for column in (self.xy, *self.zs) for values, _, _ in column]
        return not any(
            isinstance(values[0], arb) for values in [*numbers, *([self.weights[0]] if self.weights else [])]
        )

    @property
    def share(self) -> int:
        """What the weights are to be divided by."""
        return self.weights[1] if self.weights else 1

    def weighted(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Rows of numbers, each times its weight, not divided."""
        if self.weights is None:
            return rows
        return [tuple(u * weight for u in row) for row, weight in zip(rows, self.weights[0], strict=True)]

    def log_weights(self) -> arb:
        """The sum of the logarithms of the weights, at the working precision."""
        numbers, share = self.weights or ([], 1)
        return sum((arb(weight).log() for weight in numbers), arb(0)) - len(numbers) * arb(share).log()

    def cross_products(self) -> list[list[Any]]:
        """[X y]'W[X y] of the numbers, not divided."""
        rows = list(zip(*(values for values, _, _ in self.xy), strict=True))
        left = self.weighted(rows)
        matrix = fmpz_mat if all(isinstance(u, int) for u in (*rows[0], *left[0])) else arb_mat
        return list((matrix(left).transpose() * matrix(rows)).tolist())


def cross_products(table: Table) -> Data:
    """Sum weighted products of rational columns over the rows, component by component, and sweep y.

    Raises
    ------
    Refused
        X has not full rank.
    """
    coefficients, terms, xy, zs, levels = table.coefficients, table.terms, table.xy, table.zs, table.levels
    nodes: dict[tuple[int, Any], int] = {}
    links = [[nodes.setdefault((t, level), len(nodes)) for t, level in enumerate(row)] for row in levels]
    root = list(range(len(nodes)))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = node = root[root[node]]
        return node

    for first, *others in links:
        for other in others:
            root[find(other)] = find(first)

    gammas = table.gammas
    columns: dict[int, list[Column]] = {find(node): [] for node in nodes.values()}
    places: dict[int, list[list[tuple[int, int]]]] = {node: [[] for _ in gammas] for node in columns}
    effects: dict[int, list[tuple[int, tuple[str, ...], int]]] = {node: [] for node in columns}
    start = []
    for (term, level), node in nodes.items():
        at = len(columns[find(node)])
        effects[find(node)] += ((term, level, column) for column in range(len(zs[term])))
        start.append(at)
        columns[find(node)] += zs[term]
        for k, (t, a, b) in enumerate(gammas):
            if t == term:
                places[find(node)][k] += sorted({(at + a, at + b), (at + b, at + a)})

    ZZ = {node: [[0] * len(own) for _ in own] for node, own in columns.items()}
    Zxy = {node: [[0] * len(xy) for _ in own] for node, own in columns.items()}
    xy_rows = list(zip(*(values for values, _, _ in xy), strict=True))
    z_rows = list(zip(*(values for term in zs for values, _, _ in term), strict=True))
    for link, z, left, w in zip(links, z_rows, table.weighted(z_rows), xy_rows, strict=True):
        zz, zxy = ZZ[find(link[0])], Zxy[find(link[0])]
        at_z = [start[level] + a for level, term in zip(link, zs, strict=True) for a in range(len(term))]
        entries = list(zip(at_z, z, strict=True))
        for i, u in zip(at_z, left, strict=True):
            if u:
                for j, v in entries:
                    zz[i][j] += u * v
                for j, v in enumerate(w):
                    zxy[i][j] += u * v

    def rational(sums: Sequence[Sequence[int | fmpz]], left: list[Column], right: list[Column]) -> fmpq_mat:
        rows = [(row, d * table.share) for row, (_, d, _) in zip(sums, left, strict=True)]
        return fmpq_mat([[fmpq(s, d * e) for s, (_, e, _) in zip(row, right, strict=True)] for row, d in rows])

    p = len(coefficients)
    xyxy = rational(table.cross_products(), xy, xy)
    try:
        XX, Xy = ([row[cut] for row in xyxy.tolist()[:p]] for cut in (slice(p), slice(p, None)))
        swept = fmpq_mat(XX).solve(fmpq_mat(Xy)).entries()
    except ZeroDivisionError:
        raise Refused("X has not full rank") from None
    sweep = fmpq_mat([[int(i == j) - (swept[i] if i < p == j else 0) for j in range(p + 1)] for i in range(p + 1)])
    return Data(
        n=len(links),
        coefficients=coefficients,
        terms=terms,
        gammas=gammas,
        swept=tuple(swept),
        xyxy=sweep.transpose() * xyxy * sweep,
        norms=tuple(norm for _, _, norm in xy),
        components=tuple(
            Component(
                places=tuple(map(tuple, places[node])),
                ZZ=rational(ZZ[node], own, own),
                Zxy=rational(Zxy[node], own, xy) * sweep,
                norms=tuple(norm for _, _, norm in own),
                effects=tuple(effects[node]),
            )
            for node, own in columns.items()
        ),
        log_weights=table.log_weights(),
    )
