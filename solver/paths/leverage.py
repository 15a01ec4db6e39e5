"""Leverages: the diagonal of the matrix that turns y into fitted values, theta held fixed.

Of the weighted rows, and q rows [I 0] below them, the penalized problem (theory.md, 4) is least squares on the columns

    [Z Lambda  X]
    [   I      0],

and a leverage is the squared length of an upper row of an orthonormal basis of these. The columns are made orthonormal
in three strokes, none of which takes large numbers from each other: those of the grouping factor with most levels,
level by level; what is left of those of the others; what is left of X.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import linalg, sparse

from relmer.solver.algebra import factorize, triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.elimination import Grouping, groupings_of
from relmer.solver.model import Sound
from relmer.solver.paths.criterion import Prepared
from relmer.solver.paths.sweeping import weighted_rows

# Numbers of a block of rows that are turned at once.
AT_ONCE = 2**22
# Effects of all but the largest factor up to which a triangle of 130 MB is written out.
DENSE = 2**12


def leverages(prepared: Prepared, roots: Sequence[Array]) -> Array:
    """h (n,) for roots (r, m) of the G of every term, in sound coordinates as `Optimum.roots`.

    Time is that of the rows times the effects that meet in one; memory that of the effects beside the largest factor,
    squared where they are few and else sparse.
    """
    sound = prepared.sound
    y, X = weighted_rows(sound.design)
    Q = np.linalg.qr(X)[0] if X.shape[1] else X
    if not sound.present:
        return np.asarray((Q**2).sum(axis=1))
    first, *others = groupings_of(sound.design.terms)
    columns = effects_of_rows(sound, roots)
    h, turned, penalty = by_level(first, np.concatenate([columns[k] for k in first.terms], axis=1))
    rest = sparse.csr_array((len(y), 0)) if not others else by_others(others, columns)
    upper, lower = without(turned, penalty, rest)
    fixed, below = without(turned, penalty, Q)
    if others:
        S = sparse.csc_array(sparse.eye_array(rest.shape[1]) + upper.T @ upper + lower.T @ lower)
        half, solve = squared_lengths(upper, S)
        h += half
        effects = solve(upper.T @ fixed + lower.T @ below)
        fixed, below = fixed - upper @ effects, np.vstack([below - lower @ effects, -effects])
    if Q.shape[1]:
        R = np.asarray(np.linalg.qr(np.vstack([fixed, below]), mode="r"))
        h += (triangular_solve(R, fixed.T, trans=True) ** 2).sum(axis=0)
    return np.asarray(h)


def effects_of_rows(sound: Sound, roots: Sequence[Array]) -> list[Array]:
    """The entries (n, m) of Z Lambda of every term in sound coordinates, at the level of each row, rows weighted."""
    weights = sound.design.weights
    root = 1.0 if weights is None else np.sqrt(weights)[:, None]
    return [root * (term.X @ T) for term, T in zip(sound.design.terms, roots, strict=True)]


def by_level(one: Grouping, A: Array) -> tuple[Array, sparse.csr_array, sparse.csr_array]:
    """Columns (n, c) of one factor beside their penalty, made orthonormal: h (n,), upper (n, l c), lower (l c, l c)."""
    n, c = A.shape
    M = np.broadcast_to(np.eye(c), (one.levels, c, c)).copy()
    for a in range(c):
        for b in range(c):
            M[:, a, b] += np.bincount(one.codes, A[:, a] * A[:, b], one.levels)
    inverse = np.linalg.inv(np.linalg.cholesky(M))
    B = np.einsum("nab,nb->na", inverse[one.codes], A)
    places = (one.codes[:, None] * c + np.arange(c)).ravel()
    upper = sparse.csr_array((B.ravel(), places, np.arange(0, n * c + 1, c)), shape=(n, one.levels * c))
    within = np.arange(one.levels)[:, None, None] * c
    rows = np.broadcast_to(within + np.arange(c)[:, None], inverse.shape).ravel()
    columns = np.broadcast_to(within + np.arange(c), inverse.shape).ravel()
    size = (one.levels * c,) * 2
    lower = sparse.csr_array((inverse.swapaxes(1, 2).ravel(), (rows, columns)), shape=size)
    return (B**2).sum(axis=1), upper, lower


def by_others(others: Sequence[Grouping], columns: Sequence[Array]) -> sparse.csr_array:
    """Z Lambda of the other factors, (n, q)."""
    blocks = []
    for one in others:
        A = np.concatenate([columns[k] for k in one.terms], axis=1)
        n, c = A.shape
        places = (one.codes[:, None] * c + np.arange(c)).ravel()
        shape = (n, one.levels * c)
        blocks.append(sparse.csr_array((A.ravel(), places, np.arange(0, n * c + 1, c)), shape=shape))
    return sparse.csr_array(sparse.hstack(blocks))


def without(turned: sparse.csr_array, penalty: sparse.csr_array, columns: Any) -> tuple[Any, Any]:
    """What the orthonormal columns leave of others (n, k), above and below."""
    inside = turned.T @ columns
    return columns - turned @ inside, -(penalty @ inside)


def squared_lengths(rows: sparse.csr_array, S: sparse.csc_array) -> tuple[Array, Callable[[Array], Array]]:
    """r'S^-1 r of every row (n,), a block of rows at once; and the function that solves by S."""
    n, q = rows.shape
    h = np.empty(n)
    step = max(1, AT_ONCE // q)
    if q <= DENSE:
        factor = linalg.cholesky(S.toarray(), lower=True)
        half = triangular_solve(factor, np.eye(q), lower=True)
        for begin in range(0, n, step):
            h[begin : begin + step] = ((rows[begin : begin + step] @ half.T) ** 2).sum(axis=1)
        return h, lambda right: np.asarray(linalg.cho_solve((factor, True), right))
    solve = factorize(S, "MMD_AT_PLUS_A").solve
    for begin in range(0, n, step):
        own = rows[begin : begin + step].toarray()
        h[begin : begin + step] = np.einsum("nq,qn->n", own, solve(own.T.copy()))
    return h, solve
