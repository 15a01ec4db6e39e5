"""Rows of a response of which X and Z leave little, reduced for `joint` without a subtraction.

Columns of Z are taken in the order of what they explain of y, the most first, so that D = I + R G R'
is graded like its rows and Cholesky's errors are relative to each of them; R has as many rows as Z has rank. y is R b
on top, and what [X Z] leave of it below. Where X has columns that Z spans, they are zero below: X = X_1 RX0 with an X_1
that is orthonormal below or zero there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.algebra import lower_trapezoid, triangular_solve
from relmer.solver.arrays import Array, Codes, Integers
from relmer.solver.elimination.blocks import Part, effects_of, parts_of, times
from relmer.solver.elimination.corner import NO_RESIDUAL
from relmer.solver.elimination.joint import Joint, JointSolved
from relmer.solver.errors import Unbounded

EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Rows:
    """Weighted columns (c, n) of Z; [X y] as rest (n, p + 1) and effects (q, p + 1); the order of the columns of Z."""

    Z: Array
    rest: Array
    effects: Array
    order: Sequence[Integers]


@dataclass(frozen=True)
class Graded(Joint):
    """The same as a joint model, for covariances of any size: from their roots, and nothing is squared.

    Attributes
    ----------
    below
        Triangular root (k, p + 1) of A0.
    """

    below: Array

    def at_roots(self, roots: Sequence[Array]) -> JointSolved:
        """Eliminate all effects at roots T (c, m) of the covariances.

        D = S'S with S = [T'R'; I] = Q D^1/2' (theory.md, 49). In the order of their lengths, of rows and columns,
        Householder's errors are relative to each row by itself (Cox and Higham 1998), so to each column of T.
        """
        square = [lower_trapezoid(root) if root.shape[1] > len(root) else padded(root) for root in roots]
        S = np.vstack([times(self.R, square, self.parts).T, np.eye(len(self.R))])
        S = S[np.argsort(-np.abs(S).max(axis=1), kind="stable")]
        factor, pivots, _, _, _ = lapack.dgeqp3(np.asfortranarray(S), overwrite_a=1)
        half = np.asfortranarray(np.triu(factor[: len(self.R)]).T)
        half *= np.where(half.diagonal() < 0, -1.0, 1.0)
        of = replace(self, R=np.asfortranarray(self.R[pivots - 1]), B=np.asfortranarray(self.B[pivots - 1]))
        N = lapack.dtrtrs(half, of.B, lower=1)[0]
        RXy = triangle_of(np.vstack([N, self.below]))
        RXy *= np.where(RXy.diagonal() < 0, -1.0, 1.0)[:, None]
        if not np.all(RXy.diagonal() > 0):
            raise Unbounded(NO_RESIDUAL)
        logdet = 2.0 * float(np.log(half.diagonal()).sum())
        return JointSolved(logdet, RXy, lapack.dtrtri(RXy)[0], of=of, half=half, N=N)


def prepare(
    rows: Rows, scales: Sequence[Array], widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]
) -> tuple["Graded", Array]:
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
    B = np.column_stack([triangular_solve(RX0, top[:, :-1].T, trans=True).T, top[:, -1]])
    Xy = np.column_stack([X1, below[:, -1]])
    found = Graded(
        parts=parts,
        R=np.asfortranarray(in_working(R, parts, scales)),
        B=np.asfortranarray(B),
        within=Xy.T @ Xy,
        below=triangle_of(Xy),
    )
    return found, RX0


def triangle_of(columns: Array) -> Array:
    """R (k, p) of columns (n, p) = Q R, k = min(n, p)."""
    return np.asarray(linalg.qr(columns, mode="r")[0][: columns.shape[1]], dtype=float)


def padded(root: Array) -> Array:
    """A root (c, m), m <= c, with columns of zeros (c, c)."""
    return np.pad(root, ((0, 0), (0, len(root) - root.shape[1])))


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
        found[:, part.effects] = np.linalg.solve(C, levels).T.reshape(len(R), -1)
    return found
