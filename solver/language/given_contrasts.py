"""Contrasts that a formula spells out: R's functions of them, matrices, and columns side by side."""

from collections.abc import Sequence

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.compare import labels_of, plain
from relmer.solver.language.contrasts import (
    NAMED,
    helmert,
    numbered,
    polynomial,
    polynomial_at,
    sums,
    treatment,
    treatment_on,
    with_what_lacks,
)
from relmer.solver.language.factors import Coding, Column, Factor, Matrix, Missing, Variable, or_none

MOST_LEVELS = 1000
"""Contrasts of so many levels may be spelled out."""


def made_by(name: str, n: Variable, *arguments: object) -> Variable:
    """R's ``contr.sum`` and the like, of a number of levels or of the levels themselves, as a matrix."""
    column, *own = n[0], *arguments
    levels = tuple(map(str, labels_of(column)))
    if len(levels) == 1 and isinstance(column, np.ndarray):
        count = float(plain(column)[0])
        if not 2 <= count <= MOST_LEVELS or count != int(count):
            raise ModelError(f"{name}() takes from 2 to {MOST_LEVELS} levels, not {count:g}")
        levels = numbered(int(count))
    coded: Coding
    if NAMED[name] is polynomial:
        matrix, names = polynomial_at(own[0], levels) if isinstance(own[0], np.ndarray) else polynomial(levels)
        # Without contrasts R keeps the column of ones, and names all by their degrees.
        coded = matrix, names
        if own[-1] is False:
            count = len(levels)
            coded = np.column_stack([np.ones(count), matrix]), tuple(f"^{degree}" for degree in range(count))
    elif own[-1] is False:
        coded = np.eye(len(levels)), levels
    elif NAMED[name] is treatment and isinstance(own[0], float):
        if own[0] not in range(1, len(levels) + 1):
            raise ModelError(f"{name}() is given the base {own[0]:g} for {len(levels)} levels")
        coded = treatment_on(levels, int(own[0]) - 1)
    else:
        coded = NAMED[name](levels)
    matrix, names = coded
    unnamed = NAMED[name] in (sums, helmert) and own[-1] is not False
    return Matrix(matrix, ("",) * len(names) if unnamed else names), None


def completed(given: Column, levels: tuple[str, ...], how_many: float | None) -> Coding:
    """A matrix as the contrasts of a factor, with the columns that it lacks, orthogonal to it, as R's ``contrasts<-``.

    Raises
    ------
    ModelError
        It has another number of rows than there are levels, or its columns and that of ones are dependent.
    """
    k = len(levels)
    matrix = given.values if isinstance(given, Matrix) else plain(given)[:, None]
    names = given.suffixes if isinstance(given, Matrix) else ("",)
    wanted = k - 1 if how_many is None else int(how_many)
    if len(matrix) != k or not np.isfinite(matrix).all() or not 1 <= wanted <= max(k - 1, matrix.shape[1]):
        raise ModelError(f"C() takes contrasts of {k} rows of numbers, for the levels {shortened(', '.join(levels))}")
    present = matrix.shape[1]
    if present < wanted:
        matrix = with_what_lacks(matrix, "contrasts of C()")
        names = (*names, *("",) * (k - 1 - present))
    else:
        matrix, names = matrix[:, :wanted], names[:wanted]
    return matrix, names if any(names) else numbered(len(names))


def side_by_side(columns: Sequence[tuple[str, Variable]]) -> Variable:
    """R's ``cbind``: several columns as one variable."""
    blocks: list[Array] = []
    names: list[str] = []
    lost: list[Missing] = []
    for name, (column, missing) in columns:
        if isinstance(column, Factor):
            raise ModelError("cbind() takes numbers here; add factors as terms of their own")
        block = column.values if isinstance(column, Matrix) else plain(column)[:, None]
        blocks.append(block)
        names += column.suffixes if isinstance(column, Matrix) else [name]
        lost.append(missing)
    rows = max(map(len, blocks))
    if any(len(block) not in (1, rows) for block in blocks):
        raise ModelError("cbind() combines different numbers of values")
    values = np.hstack([np.broadcast_to(block, (rows, block.shape[1])) for block in blocks])
    for block, missing in zip(np.cumsum([block.shape[1] for block in blocks]), lost, strict=True):
        if missing is not None:
            values[np.broadcast_to(missing, rows), block - 1] = np.nan
    return Matrix(values, tuple(names)), or_none(np.asarray(np.isnan(values).any(axis=1)))


def matrix(data: Array, rows: float | None, columns: float | None, by_row: bool) -> Variable:
    """R's ``matrix``."""
    size = data.size
    if any(count is not None and not 1 <= count <= MOST_LEVELS**2 for count in (rows, columns)):
        raise ModelError(f"matrix() takes from 1 to {MOST_LEVELS**2:,} rows and columns")
    if rows is None and columns is None:
        rows, columns = size, 1
    n = int(rows) if rows is not None else -(-size // int(columns or size))
    c = int(columns) if columns is not None else -(-size // max(n, 1))
    if n < 1 or c < 1 or n * c > MOST_LEVELS**2:
        raise ModelError(f"matrix() of {n} rows and {c} columns is none, or too large")
    filled = np.resize(data, n * c)
    values = filled.reshape((n, c)) if by_row else filled.reshape((c, n)).T
    return Matrix(np.array(values), ("",) * c), or_none(np.asarray(np.isnan(values).any(axis=1)))
