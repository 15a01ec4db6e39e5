"""From a CSV text to the exact cross products of a model, by connected components.

Two levels of random factors are linked if a row has both; Z'Z is block diagonal with a block for each connected
component of levels. All blocks are laid out alike: term after term, level after level, column after column; a component
with fewer levels of a term than another has zero rows in their place, which change nothing, for there A = Z'Z and
B = Z'[X y] are zero.

[X y] is replaced by the orthogonal [X y] U, U unit upper triangular, then X by X U_xx S with S powers of two: rational
Gram-Schmidt, exact, so that a mean of 10^12 costs no digit of what follows. With u = U_xy, which is minus the least
squares fit, the model y = X beta + ... becomes y + X u = (X U_xx S) beta* + ..., hence

    beta = U_xx S beta* - u,   vcov = U_xx S vcov* S U_xx',   log|X'V^-1 X| = log|X*'V^-1 X*| - 2 log|S|.

A column of scores over sqrt(norm) is taken without the root, which comes back at the end.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod
from typing import Any, Literal

import numpy as np
from flint import fmpq, fmpz_mat

from relmer.reference.certificates import Column
from relmer.reference.certify.models import Model

Array = np.ndarray[Any, Any]
Reading = Literal["decimal", "double"]
READINGS: tuple[Reading, ...] = ("decimal", "double")
MISSING = ("", "NA")


@dataclass(frozen=True)
class Blocks:
    """Where the levels and columns of each random term stand in the block of a component.

    Attributes
    ----------
    widths
        Columns of each term.
    starts
        Position of each term's first level.
    levels
        Levels of each term in the largest component.
    size
        q, the order of a component.
    """

    widths: tuple[int, ...]
    starts: tuple[int, ...]
    levels: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class Products:
    """Exact cross products (entries are `fmpq`) after the sweep; k is the number of components.

    Attributes
    ----------
    blocks
        Where terms stand in a block.
    A, B
        Z'Z (k, q, q) and Z'[X* y*] (k, q, p + 1).
    C
        [X* y*]'[X* y*] (p + 1, p + 1), diagonal.
    U, S
        The sweep: U (p + 1, p + 1) and the diagonal of S (p,).
    norms
        Of each column of X: it is over sqrt(norm) (p,).
    n, p
        Rows and coefficients.
    """

    blocks: Blocks
    A: Array
    B: Array
    C: Array
    U: Array
    S: Array
    norms: tuple[int, ...]
    n: int
    p: int


def products(model: Model, text: str, reading: Reading) -> Products:
    """Exact cross products of a model on a CSV text.

    Raises
    ------
    ValueError
        The text lacks a column, a field is not a number, or X is rank deficient; one line that names it.
    """
    rows = complete_rows(model, text)
    fixed = [column_values(model, rows, column, reading) for column in (*model.fixed, ("y", model.response))]
    terms = [[column_values(model, rows, column, reading) for column in term.columns] for term in model.random]
    if any(norm != 1 for term in terms for _, norm in term):
        raise ValueError(f"{model.name}: a random term has scores; they are for fixed effects only")
    codes = [level_codes(rows, term.group) for term in model.random]
    blocks, members, places = connect(codes, [len(term) for term in terms])
    Z = [[integers(values) for values, _ in term] for term in terms]
    Xy = [integers(values) for values, _ in fixed]
    q, sums = blocks.size, []
    for component in members:
        M = fmpz_mat(len(component), q + len(Xy))
        for i, row in enumerate(component):
            for place, start, term in zip(places[row], blocks.starts, Z, strict=True):
                for k, (values, _) in enumerate(term):
                    M[i, start + place * len(term) + k] = values[row]
            for k, (values, _) in enumerate(Xy):
                M[i, q + k] = values[row]
        sums.append((M.transpose() * M).tolist())
    scale = [d for term, count in zip(Z, blocks.levels, strict=True) for _, d in term * count] + [d for _, d in Xy]
    scales = np.outer(np.array(scale, dtype=object), np.array(scale, dtype=object))
    W = np.frompyfunc(fmpq, 2, 1)(np.array(sums, dtype=object), scales)
    U, S, diagonal = orthogonalise(np.sum(W[:, q:, q:], axis=0), model)
    T = U.copy()
    T[:, :-1] *= S
    norms = tuple(norm for _, norm in fixed[:-1])
    return Products(
        blocks, W[:, :q, :q], W[:, :q, q:] @ T, np.diag(diagonal) + fmpq(0), U, S, norms, len(rows), len(model.fixed)
    )


def complete_rows(model: Model, text: str) -> list[dict[str, str]]:
    """Rows of a CSV text that have a value in every column that the model uses.

    Raises
    ------
    ValueError
        A column is not there.
    """
    reader = csv.DictReader(io.StringIO(text))
    known = reader.fieldnames or []
    columns = [*model.fixed, *(column for term in model.random for column in term.columns)]
    factors = {factor for column in columns for factor in column[1:]}
    sources = {model.scores[f].column if f in model.scores else f.partition("=")[0] for f in factors}
    used = {model.response, *sources, *(name for term in model.random for name in term.group)}
    if absent := sorted(used - set(known)):
        raise ValueError(f"{model.name}: the data have no column {absent[0]!r}")
    return [row for row in reader if all(row[name] not in MISSING for name in used)]


def column_values(
    model: Model, rows: Sequence[dict[str, str]], column: Column, reading: Reading
) -> tuple[list[Fraction], int]:
    """Values of a product of factors, and the norm over whose root they are to be taken."""
    values = [Fraction(1)] * len(rows)
    for factor in column[1:]:
        source, _, text = factor.partition("=")
        if factor in model.scores:
            score = model.scores[factor]
            factors = [Fraction(score.scores[row[score.column]]) for row in rows]
        elif text:
            factors = [Fraction(row[source] == text) for row in rows]
        else:
            factors = [number(row[factor], reading, factor) for row in rows]
        values = [a * b for a, b in zip(values, factors, strict=True)]
    return values, prod(model.scores[factor].norm for factor in column[1:] if factor in model.scores)


def number(text: str, reading: Reading, column: str) -> Fraction:
    """Exact value of a field: the decimal that stands there, or the double nearest to it.

    Examples
    --------
    >>> number("0.5", "double", "x") == number("0.5", "decimal", "x"), number("0.1", "decimal", "x")
    (True, Fraction(1, 10))
    """
    try:
        return Fraction(text) if reading == "decimal" else Fraction(float(text))
    except (ValueError, OverflowError):
        raise ValueError(f"column {column!r} has {text!r:.40}, which is not a number") from None


def integers(values: Sequence[Fraction]) -> tuple[list[int], int]:
    """Whole numbers and the denominator that they share."""
    shared = lcm(*(value.denominator for value in values))
    return [int(value * shared) for value in values], shared


def level_codes(rows: Sequence[dict[str, str]], group: Sequence[str]) -> list[int]:
    """Level of each row, counted from 0 in the order of appearance."""
    codes: dict[tuple[str, ...], int] = {}
    return [codes.setdefault(tuple(row[name] for name in group), len(codes)) for row in rows]


def connect(
    codes: Sequence[Sequence[int]], widths: Sequence[int]
) -> tuple[Blocks, list[list[int]], list[tuple[int, ...]]]:
    """Find the connected components of levels.

    Returns
    -------
    tuple
        The layout of a block, the rows of each component, and for each row the place of its levels among those of
        their term in its component.
    """
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(node: tuple[int, int]) -> tuple[int, int]:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = parent[above]
            node = above
        return node

    rows = list(zip(*codes, strict=True))
    for row in rows:
        for term, code in enumerate(row):
            parent[root((term, code))] = root((0, row[0]))
    members: dict[tuple[int, int], list[int]] = {}
    seats: dict[tuple[tuple[int, int], int], dict[int, int]] = {}
    places = []
    for i, row in enumerate(rows):
        component = root((0, row[0]))
        members.setdefault(component, []).append(i)
        seated = [seats.setdefault((component, term), {}) for term in range(len(codes))]
        places.append(tuple(seat.setdefault(code, len(seat)) for seat, code in zip(seated, row, strict=True)))
    levels = [max(len(seats[component, term]) for component in members) for term in range(len(codes))]
    starts = np.cumsum([0, *(count * width for count, width in zip(levels, widths, strict=True))]).tolist()
    return Blocks(tuple(widths), tuple(starts[:-1]), tuple(levels), starts[-1]), list(members.values()), places


def orthogonalise(C: Array, model: Model) -> tuple[Array, Array, Array]:
    """Gram-Schmidt in rationals: U unit upper triangular with U' C U diagonal, and powers of two that normalise X.

    Returns
    -------
    tuple
        U (p + 1, p + 1), the diagonal of S (p,), the diagonal of (U S)' C (U S) (p + 1,); y is the last column.

    Raises
    ------
    ValueError
        X is rank deficient.
    """
    size = len(C)
    U = np.array([[fmpq(i == j) for j in range(size)] for i in range(size)], dtype=object)
    diagonal = np.array([fmpq(0)] * size, dtype=object)
    for j in range(size):
        for i in range(j):
            U[:, j] = U[:, j] - U[:, i] * ((U[:, i] @ C[:, j]) / diagonal[i])
        diagonal[j] = U[:, j] @ C @ U[:, j]
        if j < size - 1 and diagonal[j] == 0:
            raise ValueError(f"{model.name}: column {model.fixed[j][0]!r} of X depends on those before it")
    exponents = [(int(d.p).bit_length() - int(d.q).bit_length()) // 2 for d in diagonal[:-1]]
    S = np.array([fmpq(1, 2**e) if e > 0 else fmpq(2**-e) for e in exponents], dtype=object)
    diagonal[:-1] *= S * S
    return U, S, diagonal
