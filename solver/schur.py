"""What the dense factor of the crossed factors gives: Omega, Q and H, and the sums of their blocks.

M = I + T'ST = L L' with the block-diagonal T of the factors, Omega = T M^-1 T', Q = (I + S G)^-1 = I - S Omega and
H = Q S. Where a G is not close to singular, its rows of Q are those of G^-1 Omega, and H is (I - Q) G^-1 between two
such factors, which spares the products of large matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import lapack

from relmer.solver.coupling import Coupling, mirrored
from relmer.solver.design import Array
from relmer.solver.errors import ModelError
from relmer.solver.levels import Codes, products

# Smallest eigenvalue of a working G above which its inverse is used.
REGULAR = 1e-4


@dataclass(frozen=True)
class Part:
    """One of the other factors: its effects, and their levels and columns."""

    effects: slice
    levels: int
    width: int


def parts_of(levels: Sequence[int], widths: Sequence[int]) -> tuple[Part, ...]:
    """The parts of factors whose effects follow each other, a level's columns side by side."""
    ends = np.cumsum([0, *(l * c for l, c in zip(levels, widths, strict=True))]).tolist()
    return tuple(Part(slice(a, b), l, c) for (a, b), l, c in zip(pairwise(ends), levels, widths, strict=True))


def effects_of(parts: Sequence[Part], codes: Sequence[Codes]) -> Codes:
    """The effect that each number of the columns (k, n) of Z multiplies."""
    return np.concatenate(
        [
            part.effects.start + code * part.width + np.arange(part.width)[:, None]
            for part, code in zip(parts, codes, strict=True)
        ]
    )


@dataclass(frozen=True)
class Inverse:
    """Omega (q, q), and what is cheapest for Q = I - S Omega and H = Q S, part by part.

    Attributes
    ----------
    G_inverse
        Of each part whose G is not close to singular, whose rows of Q are those of G^-1 Omega.
    Q
        The rows of Q (l, c, q) of the other parts; nothing for those above.
    zero
        Whether T, and so Omega, is zero.
    """

    parts: tuple[Part, ...]
    S: Array
    omega: Array
    G_inverse: list[Array | None]
    Q: list[Array]
    zero: bool

    def returned(self, coupling: Coupling, U: Array) -> Array:
        """U_i B_i Omega B_i'U_i' of each level of the first factor, (c, c, l)."""
        return products(U, products(U, coupling.gather(self.omega)))

    def omega_times(self, X: Array) -> Array:
        """Omega X for X (k, q, q)."""
        return np.zeros_like(X) if self.zero else self.omega @ X

    def moved(self, j: int, v: Array) -> Array:
        """The rows of Q v that belong to part j, for v (q, m): (l, c, m)."""
        part, back = self.parts[j], self.G_inverse[j]
        if back is not None:
            return np.asarray(back @ (by_level(self.omega, part) @ v))
        return by_level(v, part) if self.zero else np.asarray(self.Q[j] @ v)

    def own(self, j: int) -> Array:
        """Sum of the blocks of part j on the diagonal of H = Q S."""
        part, back = self.parts[j], self.G_inverse[j]
        if back is not None:
            return np.asarray(back @ dots(by_level(self.omega, part), by_level(self.S, part)))
        return diagonal(self.S, part) if self.zero else dots(self.Q[j], by_level(self.S, part))

    def turned(self, j: int, X: Array, omega_X: Array) -> Array:
        """Sum of the blocks of part j on the diagonal of Q X Q', for X (q, q)."""
        part, back = self.parts[j], self.G_inverse[j]
        if back is not None:
            return np.asarray(back @ dots(by_level(omega_X, part), by_level(self.omega, part)) @ back)
        return diagonal(X, part) if self.zero else dots(self.Q[j] @ X, self.Q[j])

    def block(self, j: int, m: int) -> Array:
        """A block of H as (l, c, l', c')."""
        part, other = self.parts[j], self.parts[m]
        left, right = self.G_inverse[j], self.G_inverse[m]
        shape = (part.levels, part.width, other.levels, other.width)
        if self.zero:
            return self.S[part.effects, other.effects].reshape(shape)
        if left is None:
            return (self.Q[j] @ self.S[:, other.effects]).reshape(shape)
        if right is None:
            return self.block(m, j).transpose(2, 3, 0, 1)
        if part.width == other.width == 1:
            block = (self.omega[part.effects, other.effects] * -(left * right)).reshape(shape)
        else:
            half = self.omega[part.effects, other.effects].reshape(-1, other.width) @ -right
            block = (left @ half.reshape(part.levels, part.width, -1)).reshape(shape)
        if j == m:
            each = np.arange(part.levels)
            block[each, :, each, :] += left
        return block


@dataclass(frozen=True)
class Factor:
    """T, S and the Cholesky factor of M, upper triangular in Fortran's order; None where T is zero and M is I."""

    parts: tuple[Part, ...]
    S: Array
    T: Sequence[Array]
    L: Array | None

    def omega_times(self, columns: Array) -> Array:
        """Omega times columns (q, m)."""
        if self.L is None:
            return np.zeros_like(columns)
        solution = lapack.dpotrs(self.L, times(columns.T, self.T, self.parts).T)[0]
        return times(solution.T, [each.T for each in self.T], self.parts).T


def factorize(parts: tuple[Part, ...], S: Array, T: Sequence[Array]) -> tuple[Factor, float]:
    """Factor M; also log|M|.

    Raises
    ------
    ModelError
        The covariances are so large that M is not positive definite to rounding.
    """
    if not any(each.any() for each in T):
        return Factor(parts, S, T, None), 0.0
    M = congruent(S, T, parts)
    M[range(len(M)), range(len(M))] += 1.0
    L, status = lapack.dpotrf(M.T, lower=0, clean=0, overwrite_a=1)
    if status:
        raise ModelError("the random effects are so large beside the residual that it is lost in rounding")
    return Factor(parts, S, T, L), 2.0 * float(np.log(L.diagonal()).sum())


def inverse(of: Factor) -> Inverse:
    """Omega, and what is cheapest for the rest."""
    parts, S, T = of.parts, of.S, of.T
    if of.L is None:
        return Inverse(parts, S, np.zeros_like(S), [None] * len(parts), [], True)
    omega = congruent(mirrored(lapack.dpotri(of.L, lower=0)[0].T), [each.T for each in T], parts)
    G_inverse: list[Array | None] = []
    Q: list[Array] = []
    for part, each in zip(parts, T, strict=True):
        regular = lapack.dsyev(each.T @ each, compute_v=0)[0][0] >= REGULAR
        G_inverse.append(np.asarray(np.linalg.inv(each @ each.T)) if regular else None)
        Q.append(np.zeros((0, 0, 0)) if regular else rows_of_Q(S, omega, part))
    return Inverse(parts, S, omega, G_inverse, Q, False)


def rows_of_Q(S: Array, omega: Array, part: Part) -> Array:
    """The rows (l, c, q) of Q = I - S Omega that belong to a part."""
    rows = -(S[part.effects] @ omega)
    own = np.arange(part.effects.stop - part.effects.start)
    rows[own, part.effects.start + own] += 1.0
    return rows.reshape(part.levels, part.width, -1)


def diagonal(X: Array, part: Part) -> Array:
    """Sum of the blocks of a part on the diagonal of X (q, q)."""
    block = X[part.effects, part.effects].reshape(part.levels, part.width, part.levels, part.width)
    return np.asarray(np.einsum("iaib->ab", block))


def by_level(columns: Array, part: Part) -> Array:
    """The rows (q, m) of one factor's effects as (l, c, m)."""
    return columns[part.effects].reshape(part.levels, part.width, -1)


def dots(left: Array, right: Array) -> Array:
    """Sum over the levels of left right' for (l, c, m), (c, c)."""
    if left.shape[1] == 1:
        return np.array([[np.vdot(left, right)]])
    return np.asarray(np.einsum("iam,ibm->ab", left, right))


def pair_second(block: Array, scores: Array, other_scores: Array, w: Array) -> Array:
    """-tr(E H F H) + 2 sum over r of w_r h_r'E H F h_r between two factors, (c c, c' c') for E and F flat.

    The block of H is (l, c, l', c'), the h are (l, c, p + 1) and (l', c', p + 1).
    """
    levels, c, others, d = block.shape
    if c == d == 1:
        flat = block.reshape(levels, others)
        return np.array([[2 * np.vdot(scores[:, 0] * w, flat @ other_scores[:, 0]) - np.vdot(flat, flat)]])
    flat = block.transpose(1, 3, 0, 2).reshape(c * d, -1)
    trace = (flat @ flat.T).reshape(c, d, c, d).transpose(2, 0, 1, 3)
    inner = np.tensordot(block, other_scores * w, axes=(2, 0))
    return np.asarray(2 * np.einsum("iar,ibcdr->abcd", scores, inner) - trace).reshape(c * c, d * d)


def times(matrix: Array, blocks: Sequence[Array], parts: Sequence[Part]) -> Array:
    """Matrix (r, q) times the block-diagonal matrix that repeats each block (c, c) over the levels of its part."""
    if all(part.width == 1 for part in parts):
        return np.asarray(matrix * np.repeat([block[0, 0] for block in blocks], [part.levels for part in parts]))
    product = np.empty_like(matrix, order="C")
    for block, part in zip(blocks, parts, strict=True):
        columns = matrix[:, part.effects]
        product[:, part.effects] = (columns.reshape(-1, part.width) @ block).reshape(columns.shape)
    return product


def congruent(X: Array, blocks: Sequence[Array], parts: Sequence[Part]) -> Array:
    """T'X T for a symmetric X (q, q) and the block-diagonal T of `times`."""
    half = times(X, blocks, parts)
    if all(part.width == 1 for part in parts):
        half *= np.repeat([block[0, 0] for block in blocks], [part.levels for part in parts])[:, None]
        return half
    return times(half.T, blocks, parts)


def symmetric(blocks: Sequence[Sequence[Array]]) -> Array:
    """The symmetric matrix whose lower triangle has the given rows of blocks."""
    ends = np.cumsum([0, *(len(row[0]) for row in blocks)])
    full = np.empty((ends[-1], ends[-1]))
    for i, row in enumerate(blocks):
        for j, block in enumerate(row):
            full[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = block
            full[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] = block.T
    return full


def root_of(G: Array) -> Array:
    """A root T of G = T T', singular or not."""
    if len(G) == 1:
        return np.sqrt(G)
    values, vectors = np.linalg.eigh(G)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
