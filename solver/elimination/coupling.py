"""How the levels of the first factor couple the random effects of the others: B_i, (c, q) for each of l levels.

Everything that the elimination of the first factor needs of them is one of four products. Where the levels touch few
of the q effects, the products of all pairs that a level touches are listed once; then sum B_i'W_i B_i is a sparse
matrix times the W, and B_i X B_i' its transpose times X.
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


@dataclass(frozen=True)
class DenseCoupling:
    """B as an array (c, l, q)."""

    B: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and pseudo-rows."""
        return self.B.shape[1], self.B.shape[0]

    def spread(self, W: Array) -> Array:
        """Sum of B_i'W_i B_i over the levels, for W (k, c, c, l) symmetric: (k, q, q)."""
        c, levels, q = self.B.shape
        flat = self.B.reshape(c * levels, q)
        weighed = [sum(w[a, :, :, None] * self.B[a] for a in range(c)).reshape(c * levels, q) for w in W]
        return np.array([each.T @ flat for each in weighed])

    def gather(self, X: Array) -> Array:
        """B_i X B_i' of each level, (c, c, l), for a symmetric X (q, q)."""
        return np.asarray(np.einsum("alx,blx->abl", self.B @ X, self.B))

    def down(self, columns: Array) -> Array:
        """Sum of B_i'M_i over the levels, (q, m), for M (c, m, l)."""
        return np.asarray(sum(columns[a] @ self.B[a] for a in range(len(self.B))).T)

    def up(self, b: Array) -> Array:
        """B_i b of each level, (c, m, l), for b (q, m)."""
        return np.asarray((self.B @ b).transpose(0, 2, 1))


@dataclass(frozen=True)
class SparseCoupling:
    """B as sparse (l, q) matrices, one per pseudo-row, and the list of pairs.

    Attributes
    ----------
    B
        c matrices.
    pairs
        For every (a, b) of the lower triangle of W: sparse (q q, l), in column i the mean of B_a,x B_b,y and
        B_b,x B_a,y at x q + y, for x <= y of the effects that level i touches.
    """

    B: tuple[sparse.csr_array, ...]
    pairs: tuple[sparse.csc_array, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and pseudo-rows."""
        return self.B[0].shape[0], len(self.B)

    def spread(self, W: Array) -> Array:
        """Sum of B_i'W_i B_i over the levels, for W (k, c, c, l) symmetric: (k, q, q)."""
        q = self.B[0].shape[1]
        results = []
        for w in W:
            weighed = [w[a, b] if a == b else 2 * w[a, b] for a, b in zip(*lower_triangle(len(self.B)), strict=True)]
            upper = self.pairs[0] @ weighed[0]
            for products, each in zip(self.pairs[1:], weighed[1:], strict=True):
                upper += products @ each
            results.append(mirrored(upper.reshape(q, q).T).T)
        return np.array(results) if len(results) > 1 else results[0][None]

    def gather(self, X: Array) -> Array:
        """B_i X B_i' of each level, (c, c, l), for a symmetric X (q, q)."""
        c, levels = len(self.B), self.B[0].shape[0]
        doubled = 2 * X
        np.fill_diagonal(doubled, X.diagonal())
        gathered = np.empty((c, c, levels))
        for products, a, b in zip(self.pairs, *lower_triangle(c), strict=True):
            gathered[a, b] = gathered[b, a] = products.T @ doubled.ravel()
        return gathered

    def down(self, columns: Array) -> Array:
        """Sum of B_i'M_i over the levels, (q, m), for M (c, m, l)."""
        return np.asarray(sum(B.T @ M.T for B, M in zip(self.B, columns, strict=True)))

    def up(self, b: Array) -> Array:
        """B_i b of each level, (c, m, l), for b (q, m)."""
        return np.array([(B @ b).T for B in self.B])


Coupling = DenseCoupling | SparseCoupling


def mirrored(lower: Array) -> Array:
    """Fill the upper triangle (q, q) of a matrix from its lower one, in place."""
    for begin in range(0, len(lower), BLOCK):
        part = slice(begin, begin + BLOCK)
        lower[:begin, part] = lower[part, :begin].T
        lower[part, part] = np.tril(lower[part, part]) + np.tril(lower[part, part], -1).T
    return lower


def couple(q: Sequence[Array], codes: Codes, levels: int, columns: Array, effects: Codes, size: int) -> Coupling:
    """B_i = sum over the rows of level i of q z'.

    Parameters
    ----------
    q
        The c orthonormal columns (n,) of the first factor.
    codes, levels
        Its level of each row, and how many.
    columns, effects
        Columns (k, n) of the other factors, and the effect that each of their numbers multiplies.
    size
        Number of effects of the other factors.
    """
    row = np.broadcast_to(codes, effects.shape).ravel()
    if len(q) * levels * size <= SMALL:
        index = row * size + effects.ravel()
        return DenseCoupling(
            np.array([np.bincount(index, (columns * one).ravel(), levels * size) for one in q]).reshape(
                -1, levels, size
            )
        )
    shape = (levels, size)
    matrices = []
    for one in q:
        matrix = sparse.coo_array(((columns * one).ravel(), (row, effects.ravel())), shape=shape).tocsr()
        matrix.sum_duplicates()
        matrices.append(matrix)
    touched = np.diff(matrices[0].indptr).astype(np.int64)
    pairs = int((touched * (touched + 1) // 2).sum())
    if len(q) * levels * size <= DENSE and 2 * pairs * PAIR > levels * size * size:
        return DenseCoupling(np.array([matrix.toarray() for matrix in matrices]))
    return SparseCoupling(tuple(matrices), listed(matrices, pairs))


def listed(B: Sequence[sparse.csr_array], count: int) -> tuple[sparse.csc_array, ...]:
    """The products of all pairs x <= y of effects that a level touches."""
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
