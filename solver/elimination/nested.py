"""One grouping factor, or several nested in each other: every level is a small reduced, solved inside out.

After `levels.orthogonalise` a level of the innermost factor is c pseudo-rows. Eliminating it leaves for its parent the
front [S s] = Z'V^-1 [Z X y] of the parent's own columns Z, V holding the factors inside; S = R'R and B = R^-T s make
pseudo-rows of the front, and so on outwards. With H = Z'V^-1 Z, h = Z'V^-1 [. X y] of each level, where V now holds the
level's own factor too, a change dG of its covariance changes what its parents receive by -h'dG h. So a derivative is
passed outwards, while the solution is passed inwards:

    h_full = h_Xy - h_Z b,  b = G h_full of the parents,   Y = h_Z X h_Z' + sum over r of w_r h_full,r h_full,r',

where X = (S + G^-1)^-1 = Omega of the parents, r runs over the columns of X y whitened by their own factor, and w is
(1 for REML else 0, ..., N). Then df/dG = sum (H - Y). The second derivative has -tr(H E H F) + 2 tr(E H F Y) of the
same level, and what a parent's elimination adds for the first derivatives dS, dv = (d[S s] [-b; I]) that reach it:

    -tr(Omega dS Omega dS) - 2 tr(X' dv'Omega dv),   tr(E (Q dS Q' - 2 Q dv X'h')),   Q = (I + S G)^-1 = I - H G.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination.contract import ray_of
from relmer.solver.elimination.corner import Corner, Weights, diagonals, own_second, solved, squares, whiten
from relmer.solver.elimination.levels import AT_ONCE, apply, compress, eliminate, level_sums, orthogonalise, products
from relmer.solver.model import symmetric_units


@dataclass(frozen=True)
class Stage:
    """One factor of the chain.

    Attributes
    ----------
    width, levels
        c columns and l levels.
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
        The same for [X y]: (p + 1, p + 1).
    """

    stages: tuple[Stage, ...]
    rows: Array
    fronts: tuple[Array, ...]
    within: Array

    is_costly = is_sparse = False

    def solve(self, G: Sequence[Array]) -> "NestedSolved":
        """Eliminate the factors inside out at the covariances G, one (c, c) each."""
        return solve(self, G)

    def ray(self, scales: Array) -> tuple[Array, Array]:
        """log|V| (k,) and the diagonals of RC (k, p + 1) at k multiples G = scale I."""
        if len(self.stages) == 1 and self.rows.size <= AT_ONCE:
            logdet, C = ray(self, scales)
            return logdet, diagonals(C)
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
        """h and h_full of every stage, X y whitened."""
        return solutions(self)

    def effects(self) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every factor, (c, l)."""
        return [full[:, -1] * self.root_pwrss for full in self.solutions[1]]

    def curvature(self, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """df/dG of every factor (c, c), and d2f/dgamma2 of all."""
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


def solve(reduced: Nested, G: Sequence[Array]) -> NestedSolved:
    """Eliminate the factors inside out at the covariances G, one (c, c) each."""
    fronts = [front.copy() for front in reduced.fronts]
    C = reduced.within.copy()
    rows, logdet, N = reduced.rows, 0.0, []
    for j, stage in enumerate(reduced.stages):
        if j:
            rows = compress(fronts[j - 1], stage.width)
            receive(reduced, j, fronts, C, rows[stage.width :], -1.0)
        left, part = eliminate(rows, stage.width, G[j])
        receive(reduced, j, fronts, C, left[stage.width :], 1.0)
        logdet += float(part.sum())
        N.append(left)
    return NestedSolved(logdet, *solved(C), of=reduced, G=G, N=N)


def ray(reduced: Nested, scales: Array) -> tuple[Array, Array]:
    """log|V| (k,) and C (k, p + 1, p + 1) of one factor at k multiples G = scale I, all levels of all at once."""
    width = reduced.stages[0].width
    rows = np.repeat(reduced.rows[:, :, None], len(scales), axis=2)
    rows[:width] *= np.sqrt(scales)[:, None]
    N, logdet = eliminate(rows, width, np.eye(width))
    Xy = N[width:].transpose(2, 0, 1, 3).reshape(len(scales), len(reduced.within), -1)
    return logdet.sum(axis=1), reduced.within + Xy @ Xy.transpose(0, 2, 1)


def receive(reduced: Nested, j: int, fronts: Sequence[Array], C: Array, N: Array, sign: float) -> None:
    """Add sign N'N of stage j to the fronts of its parents and to C."""
    own = reduced.stages[j]
    inside = own.first + own.width
    for stage, up, front in zip(reduced.stages[j + 1 :], own.up, fronts[j:], strict=True):
        first = stage.first - inside
        sent = products(N[first : first + stage.width], N[first:]).reshape(-1, own.levels)
        np.add(front, sign * level_sums(sent, up, stage.levels).reshape(front.shape), out=front)
    Xy = N[len(N) - len(C) :].reshape(len(C), -1)
    C += sign * (Xy @ Xy.T)


def solutions(at: NestedSolved) -> tuple[list[Array], list[Array]]:
    """h = Z'V^-1 [Z X y] of every stage (c, m, l), V what is inside, and h_full (c, p + 1, l); X y whitened."""
    reduced, G = at.of, at.G
    count = len(reduced.within)
    h: list[Array] = []
    full: list[Array] = []
    b: list[Array] = []
    for j in reversed(range(len(G))):
        stage, N = reduced.stages[j], at.N[j]
        Xy = len(N) - count
        local = products(N[: stage.width], whiten(at, N))
        total = local[:, Xy:]
        for outer, up, beta in zip(reduced.stages[j + 1 :], stage.up, reversed(b), strict=True):
            first = outer.first - stage.first
            total = total - np.einsum("axl,xrl->arl", local[:, first : first + outer.width], beta[:, :, up])
        if j:
            b.append(apply(G[j], total))
        h.append(local)
        full.append(total)
    return h[::-1], full[::-1]


def curvature(at: NestedSolved, weights: Weights) -> tuple[list[Array], Array]:
    """df/dG of every factor (c, c), and d2f/dgamma2 of all."""
    reduced, G, (h, full) = at.of, at.G, at.solutions
    units = [symmetric_units(stage.width) for stage in reduced.stages]
    ends = np.cumsum([0, *map(len, units)])
    second = np.zeros((ends[-1], ends[-1]))
    duals: list[Array] = []
    reached = reach(reduced, G, h) if len(G) > 1 else []
    X = np.zeros((0, 0, reduced.stages[-1].levels))
    for j in reversed(range(len(G))):
        stage = reduced.stages[j]
        H = h[j][:, : stage.width]
        outside = h[j][:, stage.width : h[j].shape[1] - len(reduced.within)]
        Y = products((full[j] * weights.columns[:, None]), full[j])
        if stage.up:
            X = X[:, :, stage.up[0]]
            Y += np.einsum("axl,bxl->abl", np.einsum("axl,xyl->ayl", outside, X), outside)
        duals.append((H - Y).sum(axis=-1))
        own = slice(ends[j], ends[j + 1])
        second[own, own] += units[j] @ own_second(H, Y) @ units[j].T
        if j:
            omega = G[j][:, :, None] - apply(G[j], apply(G[j], H).transpose(1, 0, 2))
            here = Station(G=G[j], H=H, outside=outside, full=full[j], omega=omega, X=X, weights=weights)
            inner, mixed = inflow(here, reduced.stages[: j + 1], reached[j], full, units)
            second[: ends[j], : ends[j]] += inner
            second[own, : ends[j]] += units[j] @ mixed.T
            second[: ends[j], own] += mixed @ units[j].T
            across = apply(G[j], outside)
            step = np.einsum("axl,xyl->ayl", across, X)
            corner = omega + np.einsum("axl,bxl->abl", step, across)
            X = np.concatenate(
                [np.concatenate([corner, -step], axis=1), np.concatenate([-step.transpose(1, 0, 2), X], axis=1)]
            )
    first = np.concatenate([unit @ squares(each) for unit, each in zip(units, full, strict=True)])
    return duals[::-1], second - (first * weights.pairs.ravel()) @ first.T


def reach(reduced: Nested, G: Sequence[Array], h: Sequence[Array]) -> list[list[Array]]:
    """Per stage t and stage s inside it, Z_s'V^-1 Z of the columns of t and of the factors outside t.

    V holds the factors inside t for the columns of t, and t as well for those outside it.
    """
    reached: list[list[Array]] = [[] for _ in h]
    for s, stage in enumerate(reduced.stages):
        remaining = h[s][:, stage.width : h[s].shape[1] - len(reduced.within)]
        for t, up in enumerate(stage.up, start=s + 1):
            width = reduced.stages[t].width
            own, beyond = remaining[:, :width], remaining[:, width:]
            passed = apply(G[t], h[t][:, width : width + beyond.shape[1]])[:, :, up]
            remaining = beyond - np.einsum("axl,xyl->ayl", own, passed)
            reached[t].append(np.concatenate([own, remaining], axis=1))
    return reached


@dataclass(frozen=True)
class Station:
    """What a stage has when the derivatives of the fronts inside it arrive.

    Attributes
    ----------
    G, H, omega
        Its covariance (c, c), Z'V^-1 Z and (S + G^-1)^-1 of each level (c, c, l).
    outside, full
        h of the columns of the factors outside it (c, m, l), and h_full (c, p + 1, l).
    X
        (S + G^-1)^-1 of the parents of each level (m, m, l).
    weights
        Those of the columns [X y].
    """

    G: Array
    H: Array
    omega: Array
    outside: Array
    full: Array
    X: Array
    weights: Weights


def inflow(
    here: Station, stages: Sequence[Stage], reached: Sequence[Array], full: Sequence[Array], units: Sequence[Array]
) -> tuple[Array, Array]:
    """What the last of the stages makes of the first derivatives that reach it from the others.

    Returns
    -------
    inner, mixed
        Second derivatives in the covariances inside it (k, k), and with its own G, (k, c c) for E flat.
    """
    G, X, weights = here.G, here.X, here.weights
    *inside, stage = stages
    width = len(G)
    derivatives = []
    for s, (inner, columns, right, unit) in enumerate(zip(inside, reached, full, units, strict=False)):
        both = np.concatenate([columns, right], axis=1)
        outer = -columns[:, None, :width, None] * both[None, :, None, :]
        sums = level_sums(outer.reshape(-1, inner.levels), inner.up[len(inside) - s - 1], stage.levels)
        derivatives.append((unit @ sums.reshape(unit.shape[1], -1)).reshape(len(unit), width, -1, stage.levels))
    d = np.concatenate(derivatives)
    dS, dv, dr = d[:, :, :width], d[:, :, width : d.shape[2] - len(weights.columns)], d[:, :, -len(weights.columns) :]
    Q = np.eye(width)[:, :, None] - apply(G, here.H).transpose(1, 0, 2)
    count = len(d)
    turned = np.einsum("axl,kxyl->kayl", here.omega, dS)
    second = -turned.reshape(count, -1) @ turned.transpose(0, 2, 1, 3).reshape(count, -1).T
    weighed = np.concatenate([np.einsum("kaxl,xyl->kayl", dv, X), dr * weights.columns[:, None]], axis=2)
    v = np.concatenate([dv, dr], axis=2)
    second -= 2 * np.einsum("axl,kxyl->kayl", here.omega, weighed).reshape(count, -1) @ v.reshape(count, -1).T
    right = np.concatenate([here.outside, here.full], axis=1)
    mixed = np.einsum("kxyl,byl->kxbl", dS, Q) - 2 * np.einsum("kxyl,byl->kxbl", weighed, right)
    return second, np.einsum("axl,kxbl->kab", Q, mixed).reshape(count, -1)
