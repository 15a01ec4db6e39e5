"""How the levels of the first factor couple the random effects of the others: B (c, r) of each of l levels.

Everything that the elimination of the first factor needs of them (theory.md, 19, 28 and 34) is one of four products.
Where the levels touch few of the r effects, the products of all pairs that a level touches are listed once; then the
sum of B' inner B is a sparse matrix times the inner matrices, and B outer B' its transpose times the outer one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array, Codes

# A product of a pair of the list takes about as long as this many of a dense matrix product.
PAIR = 40
# Rows that are mirrored at a time.
BLOCK = 64
# Largest dense B, in numbers.
DENSE = 2**24
# B smaller than this is dense whatever it holds: calls cost more than numbers.
SMALL = 2**15
# Changes from which on they are spread all at once: calls cost more than copies.
MANY = 6


@dataclass(frozen=True)
class DenseCoupling:
    """B as an array (c, l, r)."""

    B: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and pseudo-rows."""
        return self.B.shape[1], self.B.shape[0]

    def spread(self, inner: Array) -> Array:
        """Sum of B' inner B over the levels, for k symmetric (c, c) in each, (k, c, c, l): (k, r, r)."""
        c, levels, r = self.B.shape
        flat = self.B.reshape(c * levels, r)
        if MANY < len(inner) <= DENSE // self.B.size:
            turned = inner.transpose(3, 0, 2, 1).reshape(levels, -1, c) @ self.B.transpose(1, 0, 2)
            each = turned.reshape(levels, len(inner), c, r).transpose(1, 3, 2, 0).reshape(len(inner), r, c * levels)
            return np.asarray(each @ flat)
        weighed = [sum(one[a, :, :, None] * self.B[a] for a in range(c)).reshape(c * levels, r) for one in inner]
        return np.array([each.T @ flat for each in weighed])

    def gather(self, outer: Array) -> Array:
        """B outer B' of each level, (c, c, l), for a symmetric outer (r, r)."""
        return np.asarray(np.einsum("alx,blx->abl", self.B @ outer, self.B))

    def down(self, columns: Array) -> Array:
        """Sum of B' columns over the levels, (r, m), for columns (c, m, l)."""
        return np.asarray(sum(columns[a] @ self.B[a] for a in range(len(self.B))).T)

    def up(self, b: Array) -> Array:
        """B b of each level, (c, m, l), for b (r, m)."""
        return np.asarray((self.B @ b).transpose(0, 2, 1))


@dataclass(frozen=True)
class SparseCoupling:
    """B as sparse (l, r) matrices, one per pseudo-row, and the list of pairs.

    Attributes
    ----------
    B
        c matrices.
    pairs
        For every pair of pseudo-rows, first and second, of the lower triangle: sparse (r r, l), in column i the mean of
        B[first, one] B[second, two] and the same with one and two exchanged, at one * r + two, for one <= two of the
        effects that level i touches.
    """

    B: tuple[sparse.csr_array, ...]
    pairs: tuple[sparse.csc_array, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and pseudo-rows."""
        return self.B[0].shape[0], len(self.B)

    def spread(self, inner: Array) -> Array:
        """Sum of B' inner B over the levels, for k symmetric (c, c) in each, (k, c, c, l): (k, r, r)."""
        r = self.B[0].shape[1]
        entries = [*zip(*lower_triangle(len(self.B)), strict=True)]
        results = []
        for one in inner:
            weighed = [one[a, b] if a == b else 2 * one[a, b] for a, b in entries]
            upper = self.pairs[0] @ weighed[0]
            for products, each in zip(self.pairs[1:], weighed[1:], strict=True):
                upper += products @ each
            results.append(mirrored(upper.reshape(r, r).T).T)
        return np.array(results) if len(results) > 1 else results[0][None]

    def gather(self, outer: Array) -> Array:
        """B outer B' of each level, (c, c, l), for a symmetric outer (r, r)."""
        c, levels = len(self.B), self.B[0].shape[0]
        doubled = 2 * outer
        np.fill_diagonal(doubled, outer.diagonal())
        gathered = np.empty((c, c, levels))
        for products, a, b in zip(self.pairs, *lower_triangle(c), strict=True):
            gathered[a, b] = gathered[b, a] = products.T @ doubled.ravel()
        return gathered

    def down(self, columns: Array) -> Array:
        """Sum of B' columns over the levels, (r, m), for columns (c, m, l)."""
        return np.asarray(sum(B.T @ each.T for B, each in zip(self.B, columns, strict=True)))

    def up(self, b: Array) -> Array:
        """B b of each level, (c, m, l), for b (r, m)."""
        return np.array([(B @ b).T for B in self.B])


Coupling = DenseCoupling | SparseCoupling


def mirrored(lower: Array) -> Array:
    """Fill the upper triangle of a matrix (r, r) from its lower one, in place."""
    for begin in range(0, len(lower), BLOCK):
        part = slice(begin, begin + BLOCK)
        lower[:begin, part] = lower[part, :begin].T
        lower[part, part] = np.tril(lower[part, part]) + np.tril(lower[part, part], -1).T
    return lower


def couple(Q: Sequence[Array], codes: Codes, levels: int, columns: Array, effects: Codes, size: int) -> Coupling:
    """B = Q'Z of each level, for the columns Q of the first factor and Z of the others.

    Parameters
    ----------
    Q
        The c orthonormal columns (n,) of the first factor.
    codes, levels
        Its level of each row, and how many.
    columns, effects
        Columns (m, n) of the other factors, and the effect that each of their numbers multiplies.
    size
        The r effects of the other factors.
    """
    row = np.broadcast_to(codes, effects.shape).ravel()
    if len(Q) * levels * size <= SMALL:
        index = row * size + effects.ravel()
        return DenseCoupling(
            np.array([np.bincount(index, (columns * one).ravel(), levels * size) for one in Q]).reshape(
                -1, levels, size
            )
        )
    shape = (levels, size)
    matrices = []
    for one in Q:
        matrix = sparse.coo_array(((columns * one).ravel(), (row, effects.ravel())), shape=shape).tocsr()
        matrix.sum_duplicates()
        matrices.append(matrix)
    touched = np.diff(matrices[0].indptr).astype(np.int64)
    pairs = int((touched * (touched + 1) // 2).sum())
    if len(Q) * levels * size <= DENSE and 2 * pairs * PAIR > levels * size * size:
        return DenseCoupling(np.array([matrix.toarray() for matrix in matrices]))
    return SparseCoupling(tuple(matrices), listed(matrices, pairs))


def listed(B: Sequence[sparse.csr_array], count: int) -> tuple[sparse.csc_array, ...]:
    """The products of all pairs of effects that a level touches, each pair once."""
    levels, size = B[0].shape
    start, effects = B[0].indptr, B[0].indices
    small = np.int32 if max(count, size * size) < 2**31 else np.int64
    entries = np.arange(len(effects), dtype=small)
    partners = np.repeat(start[1:].astype(small), np.diff(start)) - entries
    before = np.cumsum(partners, dtype=np.int64) - partners
    first = np.repeat(entries, partners)
    second = np.arange(count, dtype=small) - np.repeat((before - entries).astype(small), partners)
    target = effects.astype(small)[first] * small(size) + effects.astype(small)[second]
    ends = np.append(before, count)[start].astype(small)
    pairs = []
    for a, b in zip(*lower_triangle(len(B)), strict=True):
        product: Array = B[a].data[first] * B[b].data[second]
        if a != b:
            product = (product + B[b].data[first] * B[a].data[second]) / 2
        pairs.append(sparse.csc_array((product, target, np.asarray(ends)), shape=(size * size, levels)))
    return tuple(pairs)
