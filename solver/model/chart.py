"""From derivatives in the covariances G to derivatives in theta, or in the par of a structure (theory.md, 35 and 36).

gamma lists the lower triangles of the symmetric G, column by column; a unit of an entry off the diagonal changes two
entries of G. With the duals Delta = df/dG, symmetric, J = dgamma/dtheta and T_a = dT/dtheta_a, G = T T' gives

    df/dtheta = J df/dgamma,   d2f/dtheta2 = J d2f/dgamma2 J' + 2 tr(Delta T_a T_o') in row a and column o.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array
from relmer.solver.model.covariance import Covariance

# Width of a G up to which a product with all its changes takes less time than the calls that add up entries.
NARROW = 4


@lru_cache(maxsize=64)
def units(width: int) -> Array:
    """Unit changes of the lower triangle of a T, (m, c, c)."""
    rows, columns = lower_triangle(width)
    each = np.zeros((len(rows), width, width))
    each[np.arange(len(rows)), rows, columns] = 1.0
    return each


@lru_cache(maxsize=64)
def symmetric_units(width: int) -> Array:
    """The changes E_a of a symmetric G (c, c) by a unit of each entry a of gamma, flat: (m, c c)."""
    each = units(width)
    changes = np.maximum(each, each.transpose(0, 2, 1))
    return changes.reshape(len(each), -1)


def by_entry(flat: Array, width: int) -> Array:
    """`symmetric_units` times (c c, m): what stands at the one or two places of each entry of gamma, added up."""
    if width <= NARROW:
        return symmetric_units(width) @ flat
    rows, columns = lower_triangle(width)
    found: Array = flat[rows * width + columns]
    twice = rows != columns
    found[twice] += flat[(columns * width + rows)[twice]]
    return found


@dataclass(frozen=True)
class Places:
    """Where chain takes its numbers from, among those of all T, or all duals, flat one after the other.

    An entry of J is the sum of two entries of T times 0 or 1, and d2f/dtheta2 has an entry of a dual times 0 or 2.

    Attributes
    ----------
    T, factor
        Two index arrays (k, k), and what the numbers there are multiplied by.
    dual, twice
        The same for the second derivative, once.
    gamma, entries
        The same for df/dgamma (k,).
    """

    T: tuple[NDArray[np.int64], NDArray[np.int64]]
    factor: tuple[Array, Array]
    dual: NDArray[np.int64]
    twice: Array
    gamma: NDArray[np.int64]
    entries: Array


@lru_cache(maxsize=64)
def places(widths: tuple[int, ...]) -> Places:
    """The places for terms of these widths."""
    starts = np.cumsum([0, *(width**2 for width in widths)])
    triangles = [lower_triangle(width) for width in widths]
    sizes = [len(rows) for rows, _ in triangles]
    term = np.repeat(np.arange(len(widths)), sizes)
    start, width = starts[term], np.array(widths)[term]
    row, column = (np.concatenate(each) for each in zip(*triangles, strict=True))
    same = term[:, None] == term

    def at(i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(same, start[:, None] + i * width[:, None] + j, 0)

    return Places(
        T=(at(column, column[:, None]), at(row, column[:, None])),
        factor=((same & (row == row[:, None])) * 1.0, (same & (column == row[:, None])) * 1.0),
        dual=at(row, row[:, None]),
        twice=2.0 * (same & (column == column[:, None])),
        gamma=start + row * width + column,
        entries=np.where(row == column, 1.0, 2.0),
    )


def chain(blocks: Sequence[Array], duals: Sequence[Array], second: Array) -> tuple[Array, Array]:
    """Gradient (k,) and Hessian (k, k) in theta from the dual (c, c) of each term and d2f/dgamma2 (k, k)."""
    of = places(tuple(map(len, blocks)))
    T = np.concatenate([each.ravel() for each in blocks])
    Delta = np.concatenate([each.ravel() for each in duals])
    J = of.factor[0] * T[of.T[0]] + of.factor[1] * T[of.T[1]]
    return J @ (of.entries * Delta[of.gamma]), J @ second @ J.T + of.twice * Delta[of.dual]


@dataclass(frozen=True)
class Carrier:
    """A structure whose par leads to the G of one term, and C (c, r), by which G becomes C'G C elsewhere."""

    structure: Covariance
    C: Array

    def changes(self, par: Array) -> Array:
        """d(C'G C)/dpar, the lower triangle of each, (k, m)."""
        return self.here(self.structure.changes(par, len(self.C)))

    def here(self, changes: Array) -> Array:
        """The lower triangles (k, m) of changes (k, c, c) of G, as changes of C'G C."""
        rows, columns = lower_triangle(self.C.shape[1])
        return np.asarray((self.C.T @ changes @ self.C)[:, rows, columns])

    def bend(self, par: Array, dual: Array) -> Array:
        """tr(dual d2(C'G C)/dpar2) (k, k) for the dual (r, r) of C'G C."""
        return self.structure.bend(par, self.C @ dual @ self.C.T)


def chain_of(
    carriers: Sequence[Carrier], par: Sequence[Array], duals: Sequence[Array], second: Array
) -> tuple[Array, Array]:
    """Gradient (k,) and Hessian (k, k) in the par of all terms, from the duals (r, r) and d2f/dgamma2 (m, m) of C'G C.

    With J = dgamma/dpar: df/dpar = J df/dgamma, d2f/dpar2 = J d2f/dgamma2 J' + tr(Delta d2G/dpar2) (theory.md, 46).
    """
    J = linalg.block_diag(*(one.changes(own) for one, own in zip(carriers, par, strict=True)))
    bends = [one.bend(own, dual) for one, own, dual in zip(carriers, par, duals, strict=True)]
    return J @ gamma_of([dual for dual in duals if len(dual)]), J @ second @ J.T + linalg.block_diag(*bends)


def carried(scales: Sequence[Array], second: Array) -> Array:
    """d2f/dgamma2 (k, k) in the covariances G (c, c), given that in the working C'G C (r, r) (theory.md, 36)."""
    shapes = [(len(lower_triangle(len(C))[0]), len(lower_triangle(C.shape[1])[0])) for C in scales]
    J_C = np.zeros(tuple(np.sum(shapes, axis=0)))
    row = column = 0
    for C, (size, inner) in zip(scales, shapes, strict=True):
        i, j = lower_triangle(C.shape[1])
        changes = C.T @ symmetric_units(len(C)).reshape(size, len(C), len(C)) @ C
        J_C[row : row + size, column : column + inner] = changes[:, i, j]
        row, column = row + size, column + inner
    return np.asarray(J_C @ second @ J_C.T)


def gamma_of(duals: Sequence[Array]) -> Array:
    """df/dgamma (k,) from the duals: entries off the diagonal count twice."""
    return np.concatenate([by_entry(dual.ravel(), len(dual)) for dual in duals])


def matrices(gamma: Array, widths: Sequence[int]) -> list[Array]:
    """The symmetric G (c, c) whose lower triangles gamma lists."""
    ends = np.cumsum([0, *(len(lower_triangle(width)[0]) for width in widths)])
    return [
        (gamma[a:b] @ symmetric_units(width)).reshape(width, width)
        for width, a, b in zip(widths, ends, ends[1:], strict=False)
    ]
