"""Crossed grouping factors: the first one eliminated level by level, the others by one dense Cholesky factor.

With the first factor eliminated, S = Z'V^-1 Z and s = Z'V^-1 [X y] of the other factors' columns Z is a front as in
`nested`, but a single one of size q: the levels of the first factor couple them. M = I + T'ST = L L' with the
block-diagonal T of the others, Omega = T M^-1 T', b = Omega s, Q = (I + S G)^-1 = I - S Omega and H = Q S. Where no G
is close to singular, Q = G^-1 Omega and H = (I - Q) G^-1, which spares the products of large matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.linalg import lapack

from relmer.solver.chart import symmetric_units
from relmer.solver.coupling import Coupling, couple, mirrored
from relmer.solver.design import Array
from relmer.solver.errors import ModelError
from relmer.solver.levels import Codes, apply, eliminate, orthogonalise, products
from relmer.solver.root import Solved, Weights, own_second, solved, squares, whiten

# Smallest eigenvalue of a working G above which its inverse is used.
REGULAR = 1e-4


@dataclass(frozen=True)
class Part:
    """One of the other factors: its effects, and their levels and columns."""

    effects: slice
    levels: int
    width: int


@dataclass(frozen=True)
class Crossed:
    """What depends on the data alone.

    Attributes
    ----------
    width, levels
        c columns and l levels of the first factor.
    rows
        Its pseudo-rows (c + p + 1 + c, c, l): R, those of X and y, and the identity.
    coupling
        The pseudo-rows of the other factors' columns.
    parts
        The other factors.
    S, s
        What the rows orthogonal to the first factor give to Z'Z (q, q) and Z'[X y] (q, p + 1).
    within
        The same for [X y]: (p + 1, p + 1).
    """

    width: int
    levels: int
    rows: Array
    coupling: Coupling
    parts: tuple[Part, ...]
    S: Array
    s: Array
    within: Array


@dataclass(frozen=True)
class State(Solved):
    """N and D^-1 of the first factor; T, S, s, the Cholesky factor of M (None for I), and b = Omega s of the others."""

    problem: Crossed
    N: Array
    inverse_D: Array
    T: list[Array]
    S: Array
    s: Array
    L: Array | None
    b: Array

    @cached_property
    def others(self) -> "Inverse":
        """Omega, and what is cheapest for the rest."""
        return inverse(self)

    @cached_property
    def solutions(self) -> tuple[Array, Array, Array]:
        """U, h_full of the first factor, and h of the others, X y whitened."""
        return solutions(self)


def prepare(columns: Array, widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]) -> Crossed:
    """Reduce the rows: columns (m, n) of Z of the first factor, of the others, of X and y."""
    first, count = widths[0], sum(widths)
    own = np.concatenate([columns[:first], columns[count:]])
    rows = orthogonalise(own, first, codes[0], levels[0])
    identity = np.broadcast_to(np.eye(first)[:, :, None], (first, first, levels[0]))
    Xy = own[first:]
    sizes = [l * c for l, c in zip(levels[1:], widths[1:], strict=True)]
    ends = np.cumsum([0, *sizes]).tolist()
    parts = tuple(Part(slice(a, b), l, c) for (a, b), l, c in zip(pairwise(ends), levels[1:], widths[1:], strict=True))
    Z = columns[first:count]
    effects = np.concatenate(
        [
            part.effects.start + code * part.width + np.arange(part.width)[:, None]
            for part, code in zip(parts, codes[1:], strict=True)
        ]
    )
    q = ends[-1]
    coupling = couple(list(own[:first]), codes[0], levels[0], Z, effects, q)
    S = cross_products(Z, effects, parts, codes[1:])
    S -= coupling.spread(np.ascontiguousarray(identity)[None])[0]
    sums = [[np.bincount(index, z * x, q) for x in Xy] for z, index in zip(Z, effects, strict=True)]
    return Crossed(
        first, levels[0], np.concatenate([rows, identity]), coupling, parts, S, np.sum(sums, axis=0).T, Xy @ Xy.T
    )


def cross_products(Z: Array, effects: Array, parts: Sequence[Part], codes: Sequence[Codes]) -> Array:
    """Z'Z (q, q) of columns Z (k, n) whose numbers multiply the given effects."""
    q = parts[-1].effects.stop
    S = np.zeros((q, q))
    ends = np.cumsum([0, *(part.width for part in parts)])
    for j, part in enumerate(parts):
        for m, other in enumerate(parts[: j + 1]):
            for x in range(part.width):
                for y in range(other.width):
                    product = Z[ends[j] + x] * Z[ends[m] + y]
                    if j == m:
                        sums = np.diag(np.bincount(codes[j], product, part.levels))
                    else:
                        index = codes[j] * other.levels + codes[m]
                        sums = np.bincount(index, product, part.levels * other.levels).reshape(part.levels, -1)
                    row = slice(part.effects.start + x, part.effects.stop, part.width)
                    column = slice(other.effects.start + y, other.effects.stop, other.width)
                    S[row, column] = sums
                    S[column, row] = sums.T
    return S


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


def solve(problem: Crossed, G: Sequence[Array]) -> State:
    """Eliminate the first factor, then the others, at the covariances G, one (c, c) each."""
    width = problem.width
    N, logdet = eliminate(problem.rows, width, G[0])
    root = N[-width:]
    inverse_D = products(root, root)
    S = problem.coupling.spread(inverse_D[None])[0]
    S += problem.S
    s = problem.s + problem.coupling.down(products(root, N[width:-width]))
    T, parts = [root_of(each) for each in G[1:]], problem.parts
    L, b = None, np.zeros_like(s)
    if any(each.any() for each in T):
        M = congruent(S, T, parts)
        M[range(len(M)), range(len(M))] += 1.0
        L, status = lapack.dpotrf(M.T, lower=0, clean=0, overwrite_a=1)
        if status:
            raise ModelError(f"the covariances {[each.tolist() for each in G]} are too large for doubles")
        logdet += 2.0 * float(np.log(L.diagonal()).sum())
        b = times(lapack.dpotrs(L, times(s.T, T, parts).T)[0].T, [each.T for each in T], parts).T
    Xy = N[width:-width].reshape(len(problem.within), -1)
    C = problem.within + Xy @ Xy.T - s.T @ b
    return State(logdet, *solved(C), problem, N, inverse_D, T, S, s, L, b)


def root_of(G: Array) -> Array:
    """A root T of G = T T', singular or not."""
    if len(G) == 1:
        return np.sqrt(G)
    values, vectors = np.linalg.eigh(G)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def solutions(at: State) -> tuple[Array, Array, Array]:
    """U = R'D^-1 (c, c, l) and h_full (c, p + 1, l) of the first factor, h (q, p + 1) of the others; X y whitened."""
    problem, width = at.problem, at.problem.width
    R, root = at.N[:width], at.N[-width:]
    b = at.b @ at.inverse
    U = products(R, root)
    h = products(R, whiten(at, at.N[width:-width])) - products(U, problem.coupling.up(b).transpose(1, 0, 2))
    return U, h, at.s @ at.inverse - at.S @ b


def effects(at: State) -> list[Array]:
    """Give e = Z'V^-1 (y - X beta) of every factor, (c, l)."""
    _, h, rest = at.solutions
    e = rest[:, -1] * at.root_pwrss
    others = [e[part.effects].reshape(part.levels, part.width).T for part in at.problem.parts]
    return [h[:, -1] * at.root_pwrss, *others]


def curvature(at: State, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
    """df/dG of every factor (c, c), and d2f/dgamma2 of all, or in its place their average information."""
    problem, others, (U, h, rest) = at.problem, at.others, at.solutions
    width, w = problem.width, weights.columns
    units = [symmetric_units(width), *(symmetric_units(part.width) for part in problem.parts)]
    H = products(at.N[:width], at.N[:width])
    Y = products(U, products(U, problem.coupling.gather(others.omega))) + products(h * w[:, None], h)
    scores = [by_level(rest, part) for part in problem.parts]
    duals = [(H - Y).sum(axis=-1)]
    duals += [others.own(j) - dots(score * w, score) for j, score in enumerate(scores)]
    each = [h, *(score.transpose(1, 2, 0) for score in scores)]
    first = np.concatenate([unit @ squares(columns) for unit, columns in zip(units, each, strict=True)])
    if not exact:
        return duals, information(problem, others, U, H, h, rest, first) * w[-1]
    blocks = [[units[0] @ own_second(H, Y) @ units[0].T]]

    # What reaches the others from the first: dS = -B'U'E U B, dv = -B'U'E h.
    changes, turned_U = units[0].reshape(-1, width, width), U.transpose(1, 0, 2)
    dS = problem.coupling.spread(np.array([products(turned_U, -apply(E, U).transpose(1, 0, 2)) for E in changes]))
    dv = [problem.coupling.down(products(turned_U, -apply(E, h).transpose(1, 0, 2))) for E in changes]
    A, b = others.omega_times(dS), np.array([others.omega @ v for v in dv])
    flat = A.reshape(len(A), -1), A.transpose(0, 2, 1).reshape(len(A), -1)
    blocks[0][0] -= flat[0] @ flat[1].T + 2 * (b * w).reshape(len(A), -1) @ np.array(dv).reshape(len(A), -1).T
    for j, score in enumerate(scores):
        mixed = [
            others.turned(j, X, Y) - 2 * dots(others.moved(j, v) * w, score) for X, Y, v in zip(dS, A, dv, strict=True)
        ]
        row = [units[j + 1] @ np.array(mixed).reshape(len(A), -1).T]
        for m, other in enumerate(scores[: j + 1]):
            row.append(units[j + 1] @ pair_second(others.block(j, m), score, other, w) @ units[m + 1].T)
        blocks.append(row)
    return duals, symmetric(blocks) - (first * weights.pairs.ravel()) @ first.T


def information(problem: Crossed, others: "Inverse", U: Array, H: Array, h: Array, rest: Array, first: Array) -> Array:
    """G'P g of all pairs of g = E e, less the product of their e'E e, for e whitened, over N.

    It is the second derivative with tr(K E K F) replaced by what it is on average, and costs no product of matrices.
    With g = (g1, g2) of the first factor and of the others, w = B'U'g1 and t = w + S g2,

        g'H g = g1'H1 g1 + 2 g2'w + g2'S g2 - t'Omega t.
    """
    changes = symmetric_units(problem.width).reshape(-1, problem.width, problem.width)
    own = np.array([E @ h[:, -1] for E in changes])
    count, q = len(own), len(rest)
    w = np.zeros((q, len(first)))
    g = np.zeros((q, len(first)))
    w[:, :count] = problem.coupling.down(products(U.transpose(1, 0, 2), own))
    begin = count
    for part in problem.parts:
        unit = symmetric_units(part.width).reshape(-1, part.width, part.width)
        moved = np.einsum("kab,ib->iak", unit, by_level(rest[:, -1:], part)[:, :, 0])
        g[part.effects, begin : begin + len(unit)] = moved.reshape(-1, len(unit))
        begin += len(unit)
    t = w + others.S @ g
    quadratic = g.T @ t + w.T @ g - t.T @ (others.omega @ t)
    quadratic[:count, :count] += np.einsum("abl,kbl->kal", H, own).reshape(count, -1) @ own.reshape(count, -1).T
    along = first.reshape(len(first), len(problem.within), -1)[:, :, -1]
    return quadratic - along @ along.T


def symmetric(blocks: Sequence[Sequence[Array]]) -> Array:
    """The symmetric matrix whose lower triangle has the given rows of blocks."""
    ends = np.cumsum([0, *(len(row[0]) for row in blocks)])
    full = np.empty((ends[-1], ends[-1]))
    for i, row in enumerate(blocks):
        for j, block in enumerate(row):
            full[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = block
            full[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] = block.T
    return full


@dataclass(frozen=True)
class Inverse:
    """Omega (q, q), and what is cheapest for Q = I - S Omega and H = Q S.

    Attributes
    ----------
    G_inverse
        Of each part, if no G is close to singular: then Q = G^-1 Omega.
    Q, H
        Else; None at G = 0, where Omega is 0, Q is I, and H is S.
    """

    parts: tuple[Part, ...]
    S: Array
    omega: Array
    G_inverse: list[Array] | None = None
    Q: Array | None = None
    H: Array | None = None

    def omega_times(self, X: Array) -> Array:
        """Omega X for X (k, q, q)."""
        return np.zeros_like(X) if self.G_inverse is None and self.Q is None else self.omega @ X

    def moved(self, j: int, v: Array) -> Array:
        """The rows of Q v that belong to part j, for v (q, m): (l, c, m)."""
        part = self.parts[j]
        if self.G_inverse is not None:
            return np.asarray(self.G_inverse[j] @ (by_level(self.omega, part) @ v))
        return by_level(v, part) if self.Q is None else np.asarray(by_level(self.Q, part) @ v)

    def own(self, j: int) -> Array:
        """Sum of the blocks of part j on the diagonal of H = Q S."""
        part = self.parts[j]
        if self.G_inverse is not None:
            return np.asarray(self.G_inverse[j] @ dots(by_level(self.omega, part), by_level(self.S, part)))
        return diagonal(self.S if self.H is None else self.H, part)

    def turned(self, j: int, X: Array, omega_X: Array) -> Array:
        """Sum of the blocks of part j on the diagonal of Q X Q', for X (q, q)."""
        part = self.parts[j]
        if self.G_inverse is not None:
            inner = dots(by_level(omega_X, part), by_level(self.omega, part))
            return np.asarray(self.G_inverse[j] @ inner @ self.G_inverse[j])
        if self.Q is None:
            return diagonal(X, part)
        return dots(by_level(self.Q, part) @ X, by_level(self.Q, part))

    def block(self, j: int, m: int) -> Array:
        """A block of H as (l, c, l', c')."""
        part, other = self.parts[j], self.parts[m]
        shape = (part.levels, part.width, other.levels, other.width)
        if self.G_inverse is None:
            return (self.S if self.H is None else self.H)[part.effects, other.effects].reshape(shape)
        left, right = self.G_inverse[j], self.G_inverse[m]
        if part.width == other.width == 1:
            block = (self.omega[part.effects, other.effects] * -(left * right)).reshape(shape)
        else:
            half = self.omega[part.effects, other.effects].reshape(-1, other.width) @ -right
            block = (left @ half.reshape(part.levels, part.width, -1)).reshape(shape)
        if j == m:
            each = np.arange(part.levels)
            block[each, :, each, :] += left
        return block


def inverse(at: State) -> Inverse:
    """Omega, and what is cheapest for the rest."""
    parts = at.problem.parts
    if at.L is None:
        return Inverse(parts, at.S, np.zeros_like(at.S))
    omega = congruent(mirrored(lapack.dpotri(at.L, lower=0)[0].T), [T.T for T in at.T], parts)
    if min(lapack.dsyev(T.T @ T, compute_v=0)[0][0] for T in at.T) >= REGULAR:
        return Inverse(parts, at.S, omega, [np.asarray(np.linalg.inv(T @ T.T)) for T in at.T])
    Q = np.eye(len(omega)) - at.S @ omega
    return Inverse(parts, at.S, omega, None, Q, Q @ at.S)


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
