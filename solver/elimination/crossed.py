"""Crossed grouping factors: the first one eliminated level by level, the others by one dense Cholesky factor.

With the first factor eliminated, S = Z'V^-1 Z and s = Z'V^-1 [X y] of the other factors' columns Z are a front as in
`nested`, but a single one of r effects: the levels of the first factor couple them by their pseudo-rows B (theory.md,
19). `schur` has what the Cholesky factor of M = T'S T + I gives: Omega = T M^-1 T', b = Omega s, and the rest
(theory.md, 20 and 21). Derivatives are those of a factor with one level outside it (theory.md, 28 to 32): K = U B with
U = R'D^-1, and S_E = -K'E K, s+_E = -K'E h.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relmer.solver.algebra import root_of
from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination.blocks import Part, by_level, dots, effects_of, parts_of, symmetric
from relmer.solver.elimination.contract import ray_of
from relmer.solver.elimination.corner import Corner, Weights, own_second, solved, squares, whiten
from relmer.solver.elimination.coupling import Coupling, DenseCoupling, SparseCoupling, couple
from relmer.solver.elimination.levels import apply, eliminate, orthogonalise, products
from relmer.solver.elimination.schur import REGULAR, Cholesky, DenseFront, Inverse, pair_second
from relmer.solver.elimination.sparse_schur import SparseFront, SparseInverse, sparse_front
from relmer.solver.errors import ModelError
from relmer.solver.model import by_entry, gamma_of, symmetric_units

# Number of effects in a dense factor from which on products of matrices are spared.
COSTLY = 300
# Step of differences of exact first derivatives, relative to the least variance: errors of about its fourth power, and
# of 1e-13 over it.
DIFFERENCE = 2e-3


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
    front
        S as a function of D^-1 of the first factor, dense or sparse.
    s
        What the rows orthogonal to the first factor give to Z'[X y] (r, p + 1).
    within
        A0 (p + 1, p + 1): the same for [X y].
    """

    width: int
    levels: int
    rows: Array
    coupling: Coupling
    parts: tuple[Part, ...]
    front: DenseFront | SparseFront
    s: Array
    within: Array

    is_swept = False

    @property
    def is_costly(self) -> bool:
        """Whether the dense factor is so large that products of matrices are spared."""
        return len(self.s) > COSTLY

    @property
    def is_sparse(self) -> bool:
        """Whether the factor of the others is sparse."""
        return self.front.is_sparse

    def solve(self, G: Sequence[Array], roots: Sequence[Array] | None = None) -> "CrossedSolved":
        """Eliminate the first factor, then the others, at the covariances G, one (c, c) each."""
        return solve(self, G, roots)

    def ray(self, scales: Array) -> tuple[Array, Array]:
        """log|V| (m,) and the diagonals of RXy (m, p + 1) at m multiples G = scale I."""
        widths = [self.width, *(part.width for part in self.parts)]
        return ray_of(lambda scale: solve(self, [scale * np.eye(width) for width in widths]), scales)

    def describe(self, sizes: Sequence[str]) -> str:
        """What is eliminated how, in one line."""
        coupling = self.coupling
        how = "dense" if isinstance(coupling, DenseCoupling) else f"{coupling.pairs[0].nnz} pairs of effects"
        factor = f"a {'sparse' if self.is_sparse else 'dense'} factor of {len(self.s)}"
        return f"crossed: {sizes[0]} level by level ({how}), then {', '.join(sizes[1:])} by {factor}"


@dataclass(frozen=True)
class Solutions:
    """U = R'D^-1 (c, c, l) and h (c, p + 1, l) of the first factor, h (r, p + 1) of the others."""

    U: Array
    h: Array
    rest: Array


@dataclass(frozen=True)
class CrossedSolved(Corner):
    """What was solved at which G; N of the first factor; s, the factor of M, and b = Omega s of the others."""

    of: Crossed
    G: Sequence[Array]
    N: Array
    s: Array
    factor: Cholesky | SparseInverse
    b: Array

    @cached_property
    def others(self) -> Inverse | SparseInverse:
        """Omega, and what is cheapest for the rest."""
        return self.factor.inverse

    @cached_property
    def solutions(self) -> Solutions:
        """What derivatives and effects are made of."""
        return solutions(self)

    def effects(self) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every factor, (c, l)."""
        e = self.solutions.rest[:, -1] * self.root_pwrss
        others = [e[part.effects].reshape(part.levels, part.width).T for part in self.of.parts]
        return [self.solutions.h[:, -1] * self.root_pwrss, *others]

    def curvature(self, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all, or in its place AI."""
        return curvature(self, weights, exact)


def prepare(columns: Array, widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]) -> Crossed:
    """Reduce the rows: columns (m, n) of Z of the first factor, of the others, of X and y."""
    first, count = widths[0], sum(widths)
    own = np.concatenate([columns[:first], columns[count:]])
    rows = orthogonalise(own, first, codes[0], levels[0])
    identity = np.broadcast_to(np.eye(first)[:, :, None], (first, first, levels[0]))
    Xy = own[first:]
    parts = parts_of(levels[1:], widths[1:])
    r = parts[-1].effects.stop
    Z = columns[first:count]
    effects = effects_of(parts, codes[1:])
    coupling = couple(list(own[:first]), codes[0], levels[0], Z, effects, r)
    reduced = front(coupling, Z, effects, parts, codes[1:])
    sums = [[np.bincount(index, z * x, r) for x in Xy] for z, index in zip(Z, effects, strict=True)]
    return Crossed(
        first, levels[0], np.concatenate([rows, identity]), coupling, parts, reduced, np.sum(sums, axis=0).T, Xy @ Xy.T
    )


def front(
    coupling: Coupling, Z: Array, effects: Codes, parts: tuple[Part, ...], codes: Sequence[Codes]
) -> DenseFront | SparseFront:
    """S of the other factors at D^-1 = 0, Z'Z of the rows orthogonal to the first one; sparse if that is cheaper."""
    if isinstance(coupling, SparseCoupling):
        found = sparse_front(coupling, Z, effects, parts)
        if found is not None:
            return found
    S = cross_products(Z, effects, parts, codes)
    levels, width = coupling.shape
    identity = np.broadcast_to(np.eye(width)[:, :, None], (width, width, levels))
    S -= coupling.spread(np.ascontiguousarray(identity)[None])[0]
    return DenseFront(parts, S, coupling)


def cross_products(Z: Array, effects: Codes, parts: Sequence[Part], codes: Sequence[Codes]) -> Array:
    """Z'Z (r, r) of columns Z (m, n) whose numbers multiply the given effects."""
    r = parts[-1].effects.stop
    S = np.zeros((r, r))
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


def solve(reduced: Crossed, G: Sequence[Array], roots: Sequence[Array] | None = None) -> CrossedSolved:
    """Eliminate the first factor, then the others, at the covariances G = T T', one (c, c) each."""
    width = reduced.width
    T = [root_of(each) for each in G] if roots is None else roots
    N, logdet = eliminate(reduced.rows, width, T[0])
    root = N[-width:]
    inverse_D = products(root, root)
    s = reduced.s + reduced.coupling.down(products(root, N[width:-width]))
    factor, logdet_M = reduced.front.factored(inverse_D, T[1:])
    b = factor.omega_times(s)
    Xy = N[width:-width].reshape(len(reduced.within), -1)
    A = reduced.within + Xy @ Xy.T - s.T @ b
    found = float(logdet.sum()) + logdet_M
    return CrossedSolved(found, *solved(A), of=reduced, G=G, N=N, s=s, factor=factor, b=b)


def solutions(at: CrossedSolved) -> Solutions:
    """h of the first factor, R'D^-1 (B_Xy - B b), and of the others, s - S b, for [X y] times RXy^-1."""
    reduced, width = at.of, at.of.width
    R, root = at.N[:width], at.N[-width:]
    b = at.b @ at.inverse
    U = products(R, root)
    h = products(R, whiten(at, at.N[width:-width])) - products(U, reduced.coupling.up(b).transpose(1, 0, 2))
    return Solutions(U=U, h=h, rest=at.s @ at.inverse - at.factor.S @ b)


def curvature(at: CrossedSolved, weights: Weights, exact: bool) -> tuple[list[Array], Array]:
    """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all, or in its place AI."""
    reduced, others = at.of, at.others
    U, h, rest = at.solutions.U, at.solutions.h, at.solutions.rest
    width, w = reduced.width, weights.columns
    H, hh = products(at.N[:width], at.N[:width]), products(h * w[:, None], h)
    returned = others.returned(reduced.coupling, U)
    scores = [by_level(rest, part) for part in reduced.parts]
    duals = [(H - hh).sum(axis=-1) - returned.sum(axis=-1)]
    duals += [others.own(j) - dots(score * w, score) for j, score in enumerate(scores)]
    each = [h, *(score.transpose(1, 2, 0) for score in scores)]
    first = np.concatenate([by_entry(squares(columns), columns.shape[0]) for columns in each])
    if not exact:
        return duals, information(at, H, first) * w[-1]
    if isinstance(others, SparseInverse):
        return duals, differences(at, weights)
    blocks = [[by_entry(by_entry(own_second(H, hh + returned), width).T, width).T]]

    # What reaches the others from the first, for every E: S_E = -B'U'E U B, s+_E = -B'U'E h.
    changes, turned_U = symmetric_units(width).reshape(-1, width, width), U.transpose(1, 0, 2)
    S_E = reduced.coupling.spread(np.array([products(turned_U, -apply(E, U).transpose(1, 0, 2)) for E in changes]))
    s_E = [reduced.coupling.down(products(turned_U, -apply(E, h).transpose(1, 0, 2))) for E in changes]
    omega_S, omega_s = others.omega_times(S_E), np.array([others.omega_times(each) for each in s_E])
    count = len(changes)
    flat = omega_S.reshape(count, -1), omega_S.transpose(0, 2, 1).reshape(count, -1)
    blocks[0][0] -= flat[0] @ flat[1].T + 2 * (omega_s * w).reshape(count, -1) @ np.array(s_E).reshape(count, -1).T
    for j, score in enumerate(scores):
        mixed = [
            others.turned(j, S, omega) - 2 * dots(others.moved(j, s) * w, score)
            for S, omega, s in zip(S_E, omega_S, s_E, strict=True)
        ]
        own = reduced.parts[j].width
        row = [by_entry(np.array(mixed).reshape(count, -1).T, own)]
        for m, other in enumerate(scores[: j + 1]):
            pair = by_entry(pair_second(others.block(j, m), score, other, w), own)
            row.append(by_entry(pair.T, reduced.parts[m].width).T)
        blocks.append(row)
    return duals, symmetric(blocks) - (first * weights.pairs.ravel()) @ first.T


def differences(at: CrossedSolved, weights: Weights) -> Array:
    """d2f/dgamma2 by central differences of df/dG, which are exact, once extrapolated.

    Raises
    ------
    ModelError
        A G is close to singular, so that there are no two sides.
    """
    columns = []
    for j, G in enumerate(at.G):
        least = float(np.linalg.eigvalsh(G)[0])
        if least < REGULAR:
            raise ModelError("a sparse structure has no exact second derivatives where a covariance matrix is singular")
        for unit in symmetric_units(len(G)):
            slopes = []
            for step in (DIFFERENCE * least, DIFFERENCE * least / 2):
                ends = []
                for side in (step, -step):
                    moved = list(at.G)
                    moved[j] = G + side * unit.reshape(G.shape)
                    ends.append(gamma_of(curvature(solve(at.of, moved), weights, exact=False)[0]))
                slopes.append((ends[0] - ends[1]) / (2 * step))
            columns.append((4 * slopes[1] - slopes[0]) / 3)
    second = np.array(columns)
    return np.asarray((second + second.T) / 2)


def information(at: CrossedSolved, H: Array, first: Array) -> Array:
    """AI over d: g'H_X g for all pairs of g = E h_y, less the product of their h_y'E h_y (theory.md, 33 and 34).

    H (c, c, l) is Z'V^-1 Z of the first factor, V without the others; `first` are the h_x'E h_z of every E.

    It is the second derivative with tr(H_X E H_X F) replaced by what it is on average, and costs no product of
    matrices. With g = (g1, g2) of the first factor and of the others, and t = B'U'g1 + S g2,

        g'H g = g1'H1 g1 + 2 g2'B'U'g1 + g2'S g2 - t'Omega t.
    """
    reduced, others = at.of, at.others
    U, h, rest = at.solutions.U, at.solutions.h, at.solutions.rest
    changes = symmetric_units(reduced.width).reshape(-1, reduced.width, reduced.width)
    own = np.array([E @ h[:, -1] for E in changes])
    count, r = len(own), len(rest)
    passed = np.zeros((r, len(first)))
    g = np.zeros((r, len(first)))
    passed[:, :count] = reduced.coupling.down(products(U.transpose(1, 0, 2), own))
    begin = count
    for part in reduced.parts:
        unit = symmetric_units(part.width).reshape(-1, part.width, part.width)
        moved = np.einsum("kab,ib->iak", unit, by_level(rest[:, -1:], part)[:, :, 0])
        g[part.effects, begin : begin + len(unit)] = moved.reshape(-1, len(unit))
        begin += len(unit)
    t = passed + others.S @ g
    quadratic = g.T @ t + passed.T @ g - t.T @ others.omega_times(t)
    quadratic[:count, :count] += np.einsum("abl,kbl->kal", H, own).reshape(count, -1) @ own.reshape(count, -1).T
    along = first.reshape(len(first), len(reduced.within), -1)[:, :, -1]
    return quadratic - along @ along.T
