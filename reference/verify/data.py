"""What a certificate speaks of, read exactly: untrusted JSON, and a data file's cross products in rationals.

The first part of the kernel; it does no ball arithmetic.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from math import inf, lcm
from typing import Any

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

MODEL = {"response": str, "fixed": [[str]], "random": [{"name": str, "group": [str], "columns": [[str]]}]}
SCORES = {str: {"column": str, "scores": {str: int}, "norm": int}}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
LONGEST = 1500
Column = tuple[list[int], int, int]
"""a, d, norm: the column a / (d sqrt(norm))."""


class Refused(Exception):
    """A claim that is not proved; the message is one line that says which."""


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
    """

    places: tuple[tuple[tuple[int, int], ...], ...]
    ZZ: fmpq_mat
    Zxy: fmpq_mat
    norms: tuple[int, ...]


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
    """

    n: int
    coefficients: tuple[str, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    gammas: tuple[tuple[int, int, int], ...]
    swept: tuple[fmpq, ...]
    xyxy: fmpq_mat
    norms: tuple[int, ...]
    components: tuple[Component, ...]


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


def read(model: Mapping[str, Any], reading: str, text: str) -> Data:
    """Read a CSV text by the description of a model: exact cross products, by components.

    Parameters
    ----------
    model
        response, fixed, random and scores, as in a certificate.
    reading
        "decimal" (a number is the decimal in the text) or "double" (it is the double nearest to it).
    text
        A table with a header. Rows with an empty field or NA in a used column are left out.

    Raises
    ------
    Refused
        The description is malformed or does not fit the data, or X has not full rank.
    """
    require(model, MODEL, "model")
    require(scores := model.get("scores", {}), SCORES, "model.scores")
    fixed, random = model["fixed"], model["random"]
    items = [*fixed, *(item for term in random for item in term["columns"])]
    if not (fixed and random and all(items) and all(term["columns"] and term["group"] for term in random)):
        raise Refused("the model has an empty part")
    coefficients = tuple(item[0] for item in fixed)
    terms = tuple((term["name"], tuple(item[0] for item in term["columns"])) for term in random)
    for names in (coefficients, tuple(name for name, _ in terms), *(columns for _, columns in terms)):
        if len(set(names)) < len(names):
            raise Refused(f"the model has a name twice in {', '.join(names)}")
    try:
        table = list(csv.reader(StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise Refused(f"the data are not CSV: {error}") from None
    if len({len(line) for line in table}) != 1:
        raise Refused("the data are not a table")
    header = table[0]

    def place(factor: str) -> int:
        name = scores[factor]["column"] if factor in scores else factor
        name = name if name in header else name.partition("=")[0]
        if header.count(name) != 1:
            raise Refused(f"the data have no column {name}, or two")
        return header.index(name)

    groups = [[place(name) for name in term["group"]] for term in random]
    used = {place(model["response"])}.union(*groups, (place(factor) for item in items for factor in item[1:]))
    rows = [line for line in table[1:] if all(line[i] not in ("", "NA") for i in used)]

    def column(factors: Sequence[str]) -> Column:
        values, d, norm = [1] * len(rows), 1, 1
        for factor in factors:
            texts = [row[place(factor)] for row in rows]
            if factor in scores:
                known = {text: (scores[factor]["scores"].get(text), 1) for text in set(texts)}
                norm *= scores[factor]["norm"]
            elif factor in header:
                known = {text: ratio(text, reading) for text in set(texts)}
            else:
                known = {text: (int(text == factor.partition("=")[2]), 1) for text in set(texts)}
            if norm <= 0 or any(above is None for above, _ in known.values()):
                raise Refused(f"{factor} has a norm that is not positive or no score for a text in the data")
            common = lcm(*(below for _, below in known.values()))
            whole = {text: above * (common // below) for text, (above, below) in known.items()}
            values, d = [value * whole[text] for value, text in zip(values, texts, strict=True)], d * common
        return values, d, norm

    if len(rows) <= len(fixed):
        raise Refused("there are no more rows than coefficients")
    return cross_products(
        coefficients,
        terms,
        [column(item[1:]) for item in fixed] + [column([model["response"]])],
        [[column(item[1:]) for item in term["columns"]] for term in random],
        list(zip(*([tuple(row[i] for i in group) for row in rows] for group in groups), strict=True)),
    )


def cross_products(
    coefficients: tuple[str, ...],
    terms: tuple[tuple[str, tuple[str, ...]], ...],
    xy: list[Column],
    zs: list[list[Column]],
    levels: list[tuple[tuple[str, ...], ...]],
) -> Data:
    """Sum products of columns over the rows, component by component, and sweep y.

    Parameters
    ----------
    coefficients, terms
        As in `Data`.
    xy, zs
        The columns of [X y], and for each term those of its model matrix.
    levels
        For each row the level of each term.
    """
    nodes: dict[tuple[int, tuple[str, ...]], int] = {}
    links = [[nodes.setdefault((t, level), len(nodes)) for t, level in enumerate(row)] for row in levels]
    root = list(range(len(nodes)))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = node = root[root[node]]
        return node

    for first, *others in links:
        for other in others:
            root[find(other)] = find(first)

    gammas = tuple((t, a, b) for t, (_, names) in enumerate(terms) for a in range(len(names)) for b in range(a + 1))
    columns: dict[int, list[Column]] = {find(node): [] for node in nodes.values()}
    places: dict[int, list[list[tuple[int, int]]]] = {node: [[] for _ in gammas] for node in columns}
    start = []
    for (term, _), node in nodes.items():
        at = len(columns[find(node)])
        start.append(at)
        columns[find(node)] += zs[term]
        for k, (t, a, b) in enumerate(gammas):
            if t == term:
                places[find(node)][k] += sorted({(at + a, at + b), (at + b, at + a)})

    ZZ = {node: [[0] * len(own) for _ in own] for node, own in columns.items()}
    Zxy = {node: [[0] * len(xy) for _ in own] for node, own in columns.items()}
    z_rows = zip(*(values for term in zs for values, _, _ in term), strict=True)
    xy_rows = list(zip(*(values for values, _, _ in xy), strict=True))
    for link, z, w in zip(links, z_rows, xy_rows, strict=True):
        zz, zxy = ZZ[find(link[0])], Zxy[find(link[0])]
        at_z = [start[level] + a for level, term in zip(link, zs, strict=True) for a in range(len(term))]
        entries = list(zip(at_z, z, strict=True))
        for i, u in entries:
            if u:
                for j, v in entries:
                    zz[i][j] += u * v
                for j, v in enumerate(w):
                    zxy[i][j] += u * v

    def rational(sums: Sequence[Sequence[int | fmpz]], left: list[Column], right: list[Column]) -> fmpq_mat:
        rows = zip(sums, left, strict=True)
        return fmpq_mat([[fmpq(s, d * e) for s, (_, e, _) in zip(row, right, strict=True)] for row, (_, d, _) in rows])

    p = len(coefficients)
    W = fmpz_mat(xy_rows)
    xyxy = rational((W.transpose() * W).tolist(), xy, xy)
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
            )
            for node, own in columns.items()
        ),
    )
