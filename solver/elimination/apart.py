"""Rows of a response of which X and Z leave little, reduced for `joint` without a subtraction.

Columns of Z are taken in the order of what they explain of y, the most first, so that D = I + R G R'
is graded like its rows and Cholesky's errors are relative to each of them; R has as many rows as Z has rank. y is R b
on top, and what [X Z] leave of it below. Where X has columns that Z spans, they are zero below: X = X_1 RX0 with an X_1
that is orthonormal below or zero there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.solver.arrays import Array, Codes, Integers
from relmer.solver.elimination.blocks import Part, effects_of, parts_of
from relmer.solver.elimination.joint import Joint

EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Rows:
    """Weighted columns (c, n) of Z; [X y] as rest (n, p + 1) and effects (q, p + 1); the order of the columns of Z."""

    Z: Array
    rest: Array
    effects: Array
    order: Sequence[Integers]


def prepare(
    rows: Rows, scales: Sequence[Array], widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]
) -> tuple[Joint, Array]:
    """Reduce the rows; also the upper triangular RX0 (p, p).

    Parameters
    ----------
    rows
        The effects in the order of the factors, level after level.
    scales
        C (c, c) of each factor, for working coordinates.
    widths, codes, levels
        Of each factor.
    """
    parts = parts_of(levels, widths)
    n = len(rows.rest)
    Z = np.zeros((n, parts[-1].effects.stop))
    Z[np.arange(n), effects_of(parts, codes)] = rows.Z
    Q, R = triangle(Z, rows.order)
    top = R @ rows.effects + Q.T @ rows.rest
    below = below_of(Q, rows.rest)
    sizes = np.sqrt((top[:, :-1] ** 2).sum(axis=0) + (below[:, :-1] ** 2).sum(axis=0))
    X1, RX0 = orthonormal_or_none(below[:, :-1], sizes)
    B = np.column_stack([linalg.solve_triangular(RX0, top[:, :-1].T, trans="T").T, top[:, -1]])
    Xy = np.column_stack([X1, below[:, -1]])
    return Joint(parts, np.asfortranarray(in_working(R, parts, scales)), np.asfortranarray(B), Xy.T @ Xy), RX0


def below_of(Q: Array, columns: Array) -> Array:
    """What orthonormal Q leaves of columns."""
    for _ in range(2):
        columns = columns - Q @ (Q.T @ columns)
    return columns


def triangle(Z: Array, order: Sequence[Integers]) -> tuple[Array, Array]:
    """Orthonormal Q (n, m) and R (m, q) with Z = Q R, R of full rank and zero below its blocks in the given order."""
    Q, R = np.zeros((len(Z), 0)), np.zeros((0, Z.shape[1]))
    for k, columns in enumerate(order):
        own = Z[:, columns]
        least = max(Z.shape) * EPS * np.linalg.norm(own, axis=0).max(initial=0.0)
        new, own_R, pivots = linalg.qr(below_of(Q, own), mode="economic", pivoting=True)
        rank = int((np.abs(own_R.diagonal()) > least).sum())
        rows = np.zeros((rank, Z.shape[1]))
        rows[:, columns[pivots]] = own_R[:rank]
        later = np.concatenate([*order[k + 1 :], np.zeros(0, dtype=np.int64)])
        new = below_of(Q, np.asarray(new[:, :rank], dtype=float))
        rows[:, later] = new.T @ Z[:, later]
        Q, R = np.column_stack([Q, new]), np.vstack([R, rows])
    return Q, R


def orthonormal_or_none(X: Array, sizes: Array) -> tuple[Array, Array]:
    """X_1 (n, p), orthonormal but for columns of zeros, and the upper triangular R with X = X_1 R.

    A column of which the others leave no more than rounding of its size is zero; R has its size on the diagonal.
    """
    n, p = X.shape
    found, R = np.zeros((n, p)), np.zeros((p, p))
    for j, size in enumerate(sizes):
        along, left = np.zeros(p), X[:, j]
        for _ in range(2):
            step = found.T @ left
            along, left = along + step, left - found @ step
        least, norm = max(n, p) * EPS * size, float(np.linalg.norm(left))
        if norm > least:
            found[:, j] = left / norm
            R[:j, j], R[j, j] = along[:j], norm
        else:
            R[:j, j], R[j, j] = np.where(np.abs(along[:j]) > least, along[:j], 0.0), size
    return found, R


def in_working(R: Array, parts: Sequence[Part], scales: Sequence[Array]) -> Array:
    """The columns of R in working coordinates, those of a level times C^-T."""
    found = np.empty_like(R)
    for part, C in zip(parts, scales, strict=True):
        levels = R[:, part.effects].reshape(-1, part.width).T
        found[:, part.effects] = linalg.solve_triangular(C, levels, lower=True).T.reshape(len(R), -1)
    return found
