"""One grouping factor, or several nested in each other: every level is a small problem, solved inside out.

After `levels.orthogonalise` a level of the innermost factor is c pseudo-rows. Eliminating it leaves for its parent the
front [S s] = Z'V^-1 [Z Z_out X y] of the parent's own columns Z, V holding the factors inside (theory.md, 16 and 17);
S = R'R and B = R^-T s make pseudo-rows of the front, and so on outwards. With H = Z'V^-1 Z and K = Z'V^-1 Z_out of each
level, where V now holds the level's own factor too, a change E of its covariance changes what its parents receive by
-K'E K. So a derivative is passed outwards, while the solution is passed inwards (theory.md, 28 and 29):

    h = Z'V^-1 [X y] RXy^-1 - K b,   b = G h of the parents,   Phi = K Omega K' + sum of w_x h_x h_x',

where Omega = (S + G^-1)^-1 is that of the parents. Then df/dG = sum (H - Phi). The second derivative has
-tr(H E H F) + 2 tr(E H F Phi) of the same level (theory.md, 30), and what a parent's elimination adds for the first
derivatives S_E, s+_E = [S s]_E [-Omega s; I] that reach it (theory.md, 31 and 32), with Omega+ = diag(Omega, w):

    -tr(Omega S_E Omega S_F) - 2 tr(Omega+ s+_E'Omega s+_F),   tr(F (Psi S_E Psi' - 2 Psi s+_E Omega+ [K h]')),

where Omega is the parent's own, Omega+ that of what is outside it, and Psi = (I + S G)^-1 = I - H G.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relmer.solver.algebra import root_of
from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination.contract import ray_of
from relmer.solver.elimination.corner import Corner, Weights, diagonals, own_second, solved, squares, whiten
from relmer.solver.elimination.levels import AT_ONCE, apply, compress, eliminate, level_sums, orthogonalise, products
from relmer.solver.model import by_entry


@dataclass(frozen=True)
class Stage:
    """One factor of the chain.

    Attributes
    ----------
    width, levels
        c columns, l levels.
    first
        Number of columns of Z of the factors inside it.
    up
        Per factor outside it the parent (l,) of each level.
    """

    width: int
    levels: int
    first: int
    up: tuple[Codes, ...]


@dataclass(frozen=True)
class Nested:
    """What depends on the data alone.

    Attributes
    ----------
    stages
        Inside out.
    rows
        Pseudo-rows of the innermost factor (m, c, l), for its columns, those of the factors outside it, X and y.
    fronts
        Per factor outside it, what the rows orthogonal to the innermost factor give to [S s], (c, m, l).
    within
        A0 (p + 1, p + 1): the same for [X y].
    """

    stages: tuple[Stage, ...]
    rows: Array
    fronts: tuple[Array, ...]
    within: Array

    is_costly = is_sparse = False

    @property
    def is_swept(self) -> bool:
        """Whether A0 is of rows that are orthogonal to every effect."""
        return len(self.stages) <= 1

    def solve(self, G: Sequence[Array], roots: Sequence[Array] | None = None) -> "NestedSolved":
        """Eliminate the factors inside out at the covariances G = T T', one (c, c) each."""
        return solve(self, G, roots)

    def ray(self, scales: Array) -> tuple[Array, Array]:
        """log|V| (m,) and the diagonals of RXy (m, p + 1) at m multiples G = scale I."""
        if len(self.stages) == 1 and self.rows.size <= AT_ONCE:
            logdet, A = ray(self, scales)
            return logdet, diagonals(A)
        return ray_of(lambda scale: solve(self, [scale * np.eye(stage.width) for stage in self.stages]), scales)

    def describe(self, sizes: Sequence[str]) -> str:
        """What is eliminated how, in one line."""
        if not sizes:
            return "no random effects"
        return f"{'one factor' if len(sizes) == 1 else 'nested'}: {' in '.join(sizes)}, level by level"


@dataclass(frozen=True)
class NestedSolved(Corner):
    """What was solved, at which covariances, and N of every stage."""

    of: Nested
    G: Sequence[Array]
    N: Sequence[Array]

    @cached_property
    def solutions(self) -> tuple[list[Array], list[Array]]:
        """Z'V^-1 [Z Z_out], beginning with H and K, and h of every stage."""
        return solutions(self)

    def effects(self) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every factor, (c, l)."""
        return [h[:, -1] * self.root_pwrss for h in self.solutions[1]]

    def curvature(self, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all."""
        return curvature(self, weights)


def prepare(columns: Array, widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]) -> Nested:
    """Reduce the rows: columns (m, n) of Z inside out, then of X and y; they are changed in place."""
    stages = []
    for j, (width, count) in enumerate(zip(widths, levels, strict=True)):
        up = []
        for outer in codes[j + 1 :]:
            parent = np.zeros(count, dtype=np.int64)
            parent[codes[j]] = outer
            up.append(parent)
        stages.append(Stage(width, count, sum(widths[:j]), tuple(up)))
    rows = orthogonalise(columns, widths[0], codes[0], levels[0]) if stages else np.zeros((0, 0, 0))
    fronts = []
    for stage, code in zip(stages[1:], codes[1:], strict=True):
        own = columns[stage.first : stage.first + stage.width]
        fronts.append(np.array([level_sums(z * columns[stage.first :], code, stage.levels) for z in own]))
    Xy = columns[sum(widths) :]
    return Nested(tuple(stages), rows, tuple(fronts), Xy @ Xy.T)


def solve(reduced: Nested, G: Sequence[Array], roots: Sequence[Array] | None = None) -> NestedSolved:
    """Eliminate the factors inside out at the covariances G = T T', one (c, c) each."""
    T = [root_of(each) for each in G] if roots is None else roots
    fronts = [front.copy() for front in reduced.fronts]
    A = reduced.within.copy()
    rows, logdet, N = reduced.rows, 0.0, []
    for j, stage in enumerate(reduced.stages):
        if j:
            rows = compress(fronts[j - 1], stage.width)
            receive(reduced, j, fronts, A, rows[stage.width :], -1.0)
        left, part = eliminate(rows, stage.width, T[j])
        receive(reduced, j, fronts, A, left[stage.width :], 1.0)
        logdet += float(part.sum())
        N.append(left)
    return NestedSolved(logdet, *solved(A), of=reduced, G=G, N=N)


def ray(reduced: Nested, scales: Array) -> tuple[Array, Array]:
    """log|V| (m,) and A (m, p + 1, p + 1) of one factor at m multiples G = scale I, all levels of all at once."""
    width = reduced.stages[0].width
    rows = np.repeat(reduced.rows[:, :, None], len(scales), axis=2)
    rows[:width] *= np.sqrt(scales)[:, None]
    N, logdet = eliminate(rows, width, np.eye(width))
    Xy = N[width:].transpose(2, 0, 1, 3).reshape(len(scales), len(reduced.within), -1)
    return logdet.sum(axis=1), reduced.within + Xy @ Xy.transpose(0, 2, 1)


def receive(reduced: Nested, j: int, fronts: Sequence[Array], A: Array, N: Array, sign: float) -> None:
    """Add sign N'N of stage j to the fronts of its parents and to A (theory.md, 17)."""
    own = reduced.stages[j]
    inside = own.first + own.width
    for stage, up, front in zip(reduced.stages[j + 1 :], own.up, fronts[j:], strict=True):
        first = stage.first - inside
        sent = products(N[first : first + stage.width], N[first:]).reshape(-1, own.levels)
        np.add(front, sign * level_sums(sent, up, stage.levels).reshape(front.shape), out=front)
    Xy = N[len(N) - len(A) :].reshape(len(A), -1)
    A += sign * (Xy @ Xy.T)


def solutions(at: NestedSolved) -> tuple[list[Array], list[Array]]:
    """Z'V^-1 [Z Z_out X y] of every stage (c, m, l), V as far as the stage, and h (c, p + 1, l); [X y] times RXy^-1."""
    reduced, G = at.of, at.G
    count = len(reduced.within)
    HK: list[Array] = []
    h: list[Array] = []
    b: list[Array] = []
    for j in reversed(range(len(G))):
        stage, N = reduced.stages[j], at.N[j]
        Xy = len(N) - count
        local = products(N[: stage.width], whiten(at, N))
        total = local[:, Xy:]
        for outer, up, parents in zip(reduced.stages[j + 1 :], stage.up, reversed(b), strict=True):
            first = outer.first - stage.first
            total = total - np.einsum("axl,xrl->arl", local[:, first : first + outer.width], parents[:, :, up])
        if j:
            b.append(apply(G[j], total))
        HK.append(local)
        h.append(total)
    return HK[::-1], h[::-1]


def curvature(at: NestedSolved, weights: Weights) -> tuple[list[Array], Array]:
    """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all."""
    reduced, G, (HK, h) = at.of, at.G, at.solutions
    ends = np.cumsum([0, *(stage.width * (stage.width + 1) // 2 for stage in reduced.stages)])
    second = np.zeros((ends[-1], ends[-1]))
    duals: list[Array] = []
    reached = reach(reduced, G, HK) if len(G) > 1 else []
    outer = np.zeros((0, 0, reduced.stages[-1].levels))
    for j in reversed(range(len(G))):
        stage = reduced.stages[j]
        H = HK[j][:, : stage.width]
        K = HK[j][:, stage.width : HK[j].shape[1] - len(reduced.within)]
        Phi = products((h[j] * weights.columns[:, None]), h[j])
        if stage.up:
            outer = outer[:, :, stage.up[0]]
            Phi += np.einsum("axl,bxl->abl", np.einsum("axl,xyl->ayl", K, outer), K)
        duals.append((H - Phi).sum(axis=-1))
        own = slice(ends[j], ends[j + 1])
        second[own, own] += by_entry(by_entry(own_second(H, Phi), stage.width).T, stage.width).T
        if j:
            omega = G[j][:, :, None] - apply(G[j], apply(G[j], H).transpose(1, 0, 2))
            here = Station(G=G[j], H=H, K=K, h=h[j], omega=omega, outer=outer, weights=weights)
            inner, mixed = inflow(here, reduced.stages[: j + 1], reached[j], h)
            second[: ends[j], : ends[j]] += inner
            second[own, : ends[j]] += mixed
            second[: ends[j], own] += mixed.T
            GK = apply(G[j], K)
            step = np.einsum("axl,xyl->ayl", GK, outer)
            corner = omega + np.einsum("axl,bxl->abl", step, GK)
            outer = np.concatenate(
                [np.concatenate([corner, -step], axis=1), np.concatenate([-step.transpose(1, 0, 2), outer], axis=1)]
            )
    first = np.concatenate([by_entry(squares(each), each.shape[0]) for each in h])
    return duals[::-1], second - (first * weights.pairs.ravel()) @ first.T


def reach(reduced: Nested, G: Sequence[Array], HK: Sequence[Array]) -> list[list[Array]]:
    """Per stage t and stage j inside it, [K_j K+_j]: Z_j'V^-1 Z of the columns of t and of the factors outside t.

    V holds the factors inside t for the columns of t, and t as well for those outside it.
    """
    reached: list[list[Array]] = [[] for _ in HK]
    for j, stage in enumerate(reduced.stages):
        remaining = HK[j][:, stage.width : HK[j].shape[1] - len(reduced.within)]
        for t, up in enumerate(stage.up, start=j + 1):
            width = reduced.stages[t].width
            own, beyond = remaining[:, :width], remaining[:, width:]
            passed = apply(G[t], HK[t][:, width : width + beyond.shape[1]])[:, :, up]
            remaining = beyond - np.einsum("axl,xyl->ayl", own, passed)
            reached[t].append(np.concatenate([own, remaining], axis=1))
    return reached


@dataclass(frozen=True)
class Station:
    """What a stage has when the derivatives of the fronts inside it arrive.

    Attributes
    ----------
    G, H, omega
        Its covariance (c, c), H and Omega of each level (c, c, l).
    K, h
        (c, m, l) for the m columns of the factors outside it, and (c, p + 1, l).
    outer
        Omega of the parents of each level, all that are outside together (m, m, l).
    weights
        Those of the columns [X y].
    """

    G: Array
    H: Array
    omega: Array
    K: Array
    h: Array
    outer: Array
    weights: Weights


def inflow(here: Station, stages: Sequence[Stage], reached: Sequence[Array], h: Sequence[Array]) -> tuple[Array, Array]:
    """What the last of the stages makes of the first derivatives S_E, s+_E that reach it (theory.md, 31 and 32).

    Returns
    -------
    inner, mixed
        Second derivatives in the covariances inside it (k, k), and of its own G with these.
    """
    G, outer, weights = here.G, here.outer, here.weights
    *inside, stage = stages
    width = len(G)
    derivatives = []
    for j, (inner, columns, right) in enumerate(zip(inside, reached, h, strict=False)):
        both = np.concatenate([columns, right], axis=1)
        sent = -columns[:, None, :width, None] * both[None, :, None, :]
        sums = level_sums(sent.reshape(-1, inner.levels), inner.up[len(inside) - j - 1], stage.levels)
        entries = by_entry(sums.reshape(inner.width**2, -1), inner.width)
        derivatives.append(entries.reshape(len(entries), width, -1, stage.levels))
    received = np.concatenate(derivatives)
    S_E, s_E = received[:, :, :width], received[:, :, width:]
    Z_columns, Xy_columns = s_E[:, :, : len(outer)], s_E[:, :, len(outer) :]
    Psi = np.eye(width)[:, :, None] - apply(G, here.H).transpose(1, 0, 2)
    count = len(received)
    turned = np.einsum("axl,kxyl->kayl", here.omega, S_E)
    second = -turned.reshape(count, -1) @ turned.transpose(0, 2, 1, 3).reshape(count, -1).T
    weighed = np.concatenate(
        [np.einsum("kaxl,xyl->kayl", Z_columns, outer), Xy_columns * weights.columns[:, None]], axis=2
    )
    second -= 2 * np.einsum("axl,kxyl->kayl", here.omega, weighed).reshape(count, -1) @ s_E.reshape(count, -1).T
    right = np.concatenate([here.K, here.h], axis=1)
    mixed = np.einsum("kxyl,byl->kxbl", S_E, Psi) - 2 * np.einsum("kxyl,byl->kxbl", weighed, right)
    return second, by_entry(np.einsum("axl,kxbl->kab", Psi, mixed).reshape(count, -1).T, width)
