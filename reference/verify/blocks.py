"""The profiled criterion of a large model with its derivatives, in balls: levels are eliminated before the rest.

One factor, the *inner* one, is taken apart level by level: no row has two of its levels. What its levels leave of all
other effects, the *core*, is a dense matrix for each set of levels that rows link. In the words of criterion.py, with
F = [Z_core X y], A = Z_i'Z_i and U = Z_i'F of an inner level i, G_1 its covariance and H = (I + A G_1)^-1 A,
h = (I + A G_1)^-1 U, the V_1 = I + Z_1 G_1 Z_1' of the inner factor has

    log|V_1| = sum log|I + A G_1|,   M = F'V_1^-1 F = F'F - sum U'G_1 h,
    M_k = -sum h'E_k h,              M_kl = sum h'E_k H E_l h + its transpose,

E_k along an entry of G_1, and log|V_1| the derivatives of criterion.py. Let [S s; s' C] be M, G the covariances of the
core, and

    R = (I + S G)^-1,   Q = G R,   H = R S,   h = R s,   b = G h.

Then log|V| = log|V_1| + log|I + S G| and [X y]'V^-1 [X y] = C - s'b. For entries k, l of G_1, with S_k, s_k and C_k the
parts of M_k and e_k = s_k - S_k b, and for entries m, o of the core's covariances, their derivatives grow by

    log:  tr(S_k Q),  tr(H E_m);   tr(S_kl Q) - tr(S_k Q S_l Q),   tr(E_m R S_k R'),   -tr(H E_m H E_o)
    C:    C_k - s_k'b - b's_k + b'S_k b,   -h'E_m h;
          C_kl - s_kl'b - b's_kl + b'S_kl b - e_k'Q e_l - e_l'Q e_k,
          -e_k'R'E_m h - its transpose,    h'E_m H E_o h + its transpose.

For dR = -R (S_k G + S E_m) R and I - Q S = R'. Nothing is inverted but I + S G, whatever the rank of G.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat

from relmer.reference.verify.criterion import identity, regression
from relmer.reference.verify.data import Column, Refused, Table

Places = tuple[tuple[int, int], ...]
# Inner levels whose products are summed at once.
BATCH = 256
MOST_COUPLED = 2_000
# Of the data: far more than those of a proof.
DATA_BITS = 512


@dataclass(frozen=True)
class Core:
    """The effects of the other factors that rows link, and the inner levels beside them.

    Attributes
    ----------
    A, U
        Z_i'Z_i (c x c) and Z_i'[Z_core X y] (c x (r + p + 1)) of each inner level.
    S
        Z_core'[Z_core X y] (r x (r + p + 1)).
    places
        For each gamma every (row, column) where it stands in G of the core.
    """

    A: tuple[arb_mat, ...]
    U: tuple[arb_mat, ...]
    S: arb_mat
    places: tuple[Places, ...]

    @property
    def size(self) -> int:
        """r."""
        return int(self.S.nrows())


@dataclass(frozen=True)
class Blocks:
    """The data of a large model in balls; n to gammas as in `Data`.

    Attributes
    ----------
    swept, norms
        The coefficients (p) by which y was swept, exact; columns are divided by their norms, so that all are 1.
    C
        [X y]'[X y].
    inner
        For each gamma every (row, column) where it stands in G of an inner level.
    cores
        They have no row in common.
    """

    n: int
    coefficients: tuple[str, ...]
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    gammas: tuple[tuple[int, int, int], ...]
    swept: tuple[arb, ...]
    norms: tuple[int, ...]
    C: arb_mat
    inner: tuple[Places, ...]
    cores: tuple[Core, ...]


@dataclass
class Jet:
    """log|V| and C = [X y]'V^-1 [X y], and their derivatives: by gamma, and by pairs of gammas k >= l."""

    log_det: arb
    C: arb_mat
    logs: list[arb]
    Cs: list[arb_mat]
    log_pairs: dict[tuple[int, int], arb]
    C_pairs: dict[tuple[int, int], arb_mat]


# ---- the data ----


@dataclass(frozen=True)
class Factor:
    """Terms that have the same levels in all rows: their columns, where those of each term begin, each row's level."""

    columns: list[Column]
    starts: dict[int, int]
    codes: tuple[int, ...]

    @property
    def levels(self) -> int:
        """How many there are."""
        return max(self.codes) + 1


def factors_of(table: Table) -> list[Factor]:
    """The grouping factors of a table, the one with the most effects first."""
    found: dict[tuple[int, ...], Factor] = {}
    for t, own in enumerate(table.zs):
        known: dict[Any, int] = {}
        codes = tuple(known.setdefault(row[t], len(known)) for row in table.levels)
        factor = found.setdefault(codes, Factor([], {}, codes))
        factor.starts[t] = len(factor.columns)
        factor.columns.extend(own)
    return sorted(found.values(), key=lambda factor: -factor.levels * len(factor.columns))


def linked(factors: Sequence[Factor]) -> dict[tuple[int, int], int]:
    """For each (factor, level) a number of the set of levels that rows link it to."""
    nodes = {key: k for k, key in enumerate((f, i) for f, own in enumerate(factors) for i in range(own.levels))}
    root = list(range(len(nodes)))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = node = root[root[node]]
        return node

    for row in set(zip(*(own.codes for own in factors), strict=True)):
        first, *others = (find(nodes[key]) for key in enumerate(row))
        for other in others:
            root[find(other)] = first = find(first)
    return {key: find(node) for key, node in nodes.items()}


def largest_set(table: Table) -> int:
    """How many effects rows link at most."""
    factors = factors_of(table)
    counts: Counter[int] = Counter()
    for (f, _), number in linked(factors).items():
        counts[number] += len(factors[f].columns)
    return max(counts.values())


def scale(column: Column) -> arb:
    """What the whole numbers of a column are to be multiplied by."""
    _, d, norm = column
    return arb(norm).rsqrt() / d


def balls(sums: Sequence[Sequence[Any]], left: Sequence[arb], right: Sequence[arb]) -> arb_mat:
    """Sums of products of whole numbers as those of the columns."""
    if not sums:
        return arb_mat(0, len(right))
    zero, rows = arb(0), zip(sums, left, strict=True)
    return arb_mat([[arb(s) * a * b if s else zero for s, b in zip(row, right, strict=True)] for row, a in rows])


def by_row(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """The values of columns, row by row."""
    return list(zip(*(values for values, _, _ in columns), strict=True))


def add_products(sums: list[list[Any]], at: int, values: Sequence[Any], others: Sequence[tuple[int, Any]]) -> None:
    """Add the products of values, which stand at `at` and after it, and others, by their places."""
    for row, u in enumerate(values, start=at):
        if u:
            own = sums[row]
            for place, v in others:
                own[place] += u * v


def blocks(table: Table) -> Blocks:
    """Sum products of columns over the rows, and lay them out for elimination, at the working precision.

    Raises
    ------
    Refused
        X has not full rank, or rows link more than MOST_COUPLED effects beside the inner factor.
    """
    inner, *others = factors_of(table)
    # Levels that no other factor links may be taken together.
    sets = linked([inner, *others]) if others else {(0, level): 0 for level in range(inner.levels)}
    scales: dict[int, list[arb]] = {number: [] for number in sets.values()}
    places: dict[tuple[int, int], int] = {}
    for (f, level), number in sets.items():
        if f:
            places[f, level] = len(scales[number])
            scales[number] += map(scale, others[f - 1].columns)
    if (most := max(map(len, scales.values()))) > MOST_COUPLED:
        raise Refused(f"rows link {most:,} effects beside the largest factor, and {MOST_COUPLED:,} can be proved")

    c, width = len(inner.columns), len(table.xy)
    A = [[[0] * c for _ in range(c)] for _ in range(inner.levels)]
    U = [[[0] * (len(scales[sets[0, level]]) + width) for _ in range(c)] for level in range(inner.levels)]
    S = {number: [[0] * (len(own) + width) for _ in own] for number, own in scales.items()}
    z_inner, z_others, xy = by_row(inner.columns), [by_row(own.columns) for own in others], by_row(table.xy)
    for i, level in enumerate(inner.codes):
        number, z = sets[0, level], z_inner[i]
        at = [places[f, own.codes[i]] for f, own in enumerate(others, start=1)]
        beside = [(first + a, v) for first, zs in zip(at, z_others, strict=True) for a, v in enumerate(zs[i])]
        beside += enumerate(xy[i], start=len(scales[number]))
        add_products(A[level], 0, z, [*enumerate(z)])
        add_products(U[level], 0, z, beside)
        for first, zs in zip(at, z_others, strict=True):
            add_products(S[number], first, zs[i], beside)

    members: dict[int, list[int]] = {}
    for level in range(inner.levels):
        members.setdefault(sets[0, level], []).append(level)
    seats: dict[int, list[tuple[int, int]]] = {number: [] for number in members}
    for (f, level), first in places.items():
        seats[sets[f, level]].append((f, first))
    xy_scales, own_scales = [*map(scale, table.xy)], [*map(scale, inner.columns)]
    C = balls(table.cross_products(), xy_scales, xy_scales)
    swept, turn = sweep(C)

    def with_sweep(sums: list[list[Any]], left: Sequence[arb], number: int) -> arb_mat:
        r = len(scales[number])
        core, ends = sides(balls(sums, left, [*scales[number], *xy_scales]), r)
        return beside_each_other(core, ends * turn)

    cores = tuple(
        Core(
            A=tuple(balls(A[level], own_scales, own_scales) for level in levels),
            U=tuple(with_sweep(U[level], own_scales, number) for level in levels),
            S=with_sweep(S[number], scales[number], number),
            places=tuple(
                tuple(
                    pair
                    for f, first in seats[number]
                    if t in others[f - 1].starts
                    for pair in both(first + others[f - 1].starts[t], a, b)
                )
                for t, a, b in table.gammas
            ),
        )
        for number, levels in members.items()
    )
    C = turn.transpose() * C * turn
    return Blocks(
        n=len(table.levels),
        coefficients=table.coefficients,
        terms=table.terms,
        gammas=table.gammas,
        swept=swept,
        norms=(1,) * width,
        C=C,
        inner=tuple(both(inner.starts[t], a, b) if t in inner.starts else () for t, a, b in table.gammas),
        cores=cores,
    )


def both(first: int, a: int, b: int) -> Places:
    """Where an entry of a symmetric block stands that begins at `first`."""
    return ((first + a, first + b),) if a == b else ((first + a, first + b), (first + b, first + a))


def sweep(C: arb_mat) -> tuple[tuple[arb, ...], arb_mat]:
    """Coefficients of the regression of y on X, rounded, and the matrix that takes X times them from y."""
    XX, Xy = sides(arb_mat(C.tolist()[:-1]), C.ncols() - 1)
    try:
        beta = XX.solve(Xy).mid()
    except ZeroDivisionError:
        raise Refused("X has not full rank") from None
    turn = identity(C.nrows())
    for i, entry in enumerate(beta.entries()):
        turn[i, C.nrows() - 1] = -entry
    return tuple(beta.entries()), turn


# ---- matrices ----


def sides(M: arb_mat, r: int) -> tuple[arb_mat, arb_mat]:
    """The first r columns, and the others."""
    rows, m = M.tolist(), M.nrows()
    left, right = ([x for row in rows for x in row[cut]] for cut in (slice(r), slice(r, None)))
    return arb_mat(m, r, left), arb_mat(m, M.ncols() - r, right)


def beside_each_other(left: arb_mat, right: arb_mat) -> arb_mat:
    """Columns of two matrices as those of one."""
    rows = zip(left.tolist(), right.tolist(), strict=True)
    return arb_mat(left.nrows(), left.ncols() + right.ncols(), [x for a, b in rows for x in (*a, *b)])


def shifted(places: Places, M: arb_mat) -> arb_mat:
    """E M, E with ones at the places."""
    rows, m = M.tolist(), M.ncols()
    found = [[0] * m] * len(rows)
    for i, j in places:
        found[i] = rows[j]
    return arb_mat(len(rows), m, [x for row in found for x in row])


def spread(size: int, gamma: Sequence[arb], places: Sequence[Places]) -> arb_mat:
    """G of a level, or of a core."""
    G = arb_mat(size, size)
    for value, own in zip(gamma, places, strict=True):
        for i, j in own:
            G[i, j] = value
    return G


def dot(A: arb_mat, B: arb_mat) -> arb:
    """The sum of the products of entries, tr(A'B)."""
    count = A.nrows() * A.ncols()
    return (arb_mat(1, count, A.entries()) * arb_mat(count, 1, B.entries()))[0, 0]


def below(parts: Sequence[arb_mat]) -> arb_mat:
    """Matrices below each other."""
    return arb_mat(sum(part.nrows() for part in parts), parts[0].ncols(), [x for part in parts for x in part.entries()])


def symmetric(M: arb_mat) -> arb_mat:
    """M and its transpose."""
    return M + M.transpose()


# ---- the criterion ----


def jet_at(data: Blocks, gamma: Sequence[arb], value: bool) -> Jet:
    """log|V| and C with their derivatives at G; log|V| itself only if its `value` is asked for."""
    K, width = len(data.gammas), data.C.nrows()
    pairs = [(k, l) for k in range(K) for l in range(k + 1)]
    found = Jet(
        log_det=arb(0),
        C=data.C,
        logs=[arb(0)] * K,
        Cs=[arb_mat(width, width)] * K,
        log_pairs=dict.fromkeys(pairs, arb(0)),
        C_pairs=dict.fromkeys(pairs, arb_mat(width, width)),
    )
    for core in data.cores:
        add_core(found, core, *add_inner(found, data, core, gamma, value), gamma, value)
    return found


Sums = tuple[arb_mat, dict[int, arb_mat], dict[tuple[int, int], arb_mat]]


def add_inner(jet: Jet, data: Blocks, core: Core, gamma: Sequence[arb], value: bool) -> Sums:
    """Eliminate the inner levels beside a core: what that adds to log|V|, and M, M_k and M_kl without the rows of C."""
    inner = [k for k, places in enumerate(data.inner) if places]
    pairs = [pair for pair in jet.log_pairs if set(pair) <= {*inner}]
    c, size = core.A[0].nrows(), core.U[0].ncols()
    G = spread(c, gamma, data.inner)
    rows = core.S.tolist()
    M = arb_mat([*rows, *([*(row[i] for row in rows), *[0] * (size - core.size)] for i in range(core.size, size))])
    M_k, M_kl = {k: arb_mat(size, size) for k in inner}, {pair: arb_mat(size, size) for pair in pairs}
    for first in range(0, len(core.A), BATCH):
        U_all: list[arb_mat] = []
        h_all: list[arb_mat] = []
        Eh_all: dict[int, list[arb_mat]] = {k: [] for k in inner}
        HEh_all: dict[int, list[arb_mat]] = {k: [] for k in inner}
        for A, U in zip(core.A[first : first + BATCH], core.U[first : first + BATCH], strict=True):
            T = A * G + identity(c)
            H, h = sides(T.solve(beside_each_other(A, U)), c)
            EH = {k: shifted(data.inner[k], H) for k in inner}
            for k in inner:
                jet.logs[k] += EH[k].trace()
            for k, l in pairs:
                jet.log_pairs[k, l] -= (EH[k] * EH[l]).trace()
            if value:
                jet.log_det += T.det().log()
            U_all.append(U)
            h_all.append(h)
            for k in inner:
                Eh_all[k].append(shifted(data.inner[k], h))
                HEh_all[k].append(H * Eh_all[k][-1])
        M -= below([G.transpose() * U for U in U_all]).transpose() * below(h_all)
        h_transposed = below(h_all).transpose()
        Eh = {k: below(parts) for k, parts in Eh_all.items()}
        for k in inner:
            M_k[k] -= h_transposed * Eh[k]
        for k, l in pairs:
            M_kl[k, l] += symmetric(Eh[k].transpose() * below(HEh_all[l]))
    return M, M_k, M_kl


def parted(M: arb_mat, r: int) -> tuple[arb_mat, arb_mat, arb_mat]:
    """S, s and C of a symmetric matrix."""
    rows = M.tolist()
    top, bottom = arb_mat(r, M.ncols(), [x for row in rows[:r] for x in row]), arb_mat(rows[r:])
    return *sides(top, r), sides(bottom, r)[1]


def add_core(
    jet: Jet,
    core: Core,
    M: arb_mat,
    M_k: dict[int, arb_mat],
    M_kl: dict[tuple[int, int], arb_mat],
    gamma: Sequence[arb],
    value: bool,
) -> None:
    """Eliminate a core: what that adds to log|V| and C."""
    r = core.size
    S, s, C = parted(M, r)
    jet.C += C
    parts = {k: parted(Mk, r) for k, Mk in M_k.items()}
    for k, (_, _, C_k) in parts.items():
        jet.Cs[k] += C_k
    for pair, Mkl in M_kl.items():
        jet.C_pairs[pair] += parted(Mkl, r)[2]
    if not r:
        return
    G = spread(r, gamma, core.places)
    T = S * G + identity(r)
    R = T.inv()
    Q, H, h = G * R, R * S, R * s
    b = G * h
    if value:
        jet.log_det += T.det().log()
    jet.C -= s.transpose() * b
    outer = [m for m, places in enumerate(core.places) if places]
    Eh, EH = ({m: shifted(core.places[m], X) for m in outer} for X in (h, H))
    for m in outer:
        jet.logs[m] += EH[m].trace()
        jet.Cs[m] -= h.transpose() * Eh[m]
        for o in (o for o in outer if o <= m):
            jet.log_pairs[m, o] -= dot(EH[m], EH[o].transpose())
            jet.C_pairs[m, o] += symmetric(Eh[m].transpose() * H * Eh[o])
    e = {k: s_k - S_k * b for k, (S_k, s_k, _) in parts.items()}
    SQ = {k: S_k * Q for k, (S_k, _, _) in parts.items()}
    for k, (S_k, s_k, _) in parts.items():
        jet.logs[k] += SQ[k].trace()
        jet.Cs[k] -= symmetric(s_k.transpose() * b) - b.transpose() * S_k * b
        RS = R * S_k
        for m in outer:
            pair = max(k, m), min(k, m)
            jet.log_pairs[pair] += dot(shifted(core.places[m], R), RS)
            jet.C_pairs[pair] -= symmetric(Eh[m].transpose() * R * e[k])
        for l in (l for l in parts if l <= k):
            S_kl, s_kl, _ = parted(M_kl[k, l], r)
            jet.log_pairs[k, l] += dot(S_kl, Q) - dot(SQ[k], SQ[l].transpose())
            jet.C_pairs[k, l] -= symmetric(s_kl.transpose() * b) - b.transpose() * S_kl * b
            jet.C_pairs[k, l] -= symmetric(e[k].transpose() * Q * e[l])


def profiled(data: Blocks, jet: Jet, REML: bool) -> tuple[list[arb], list[list[arb]]]:
    """First and second derivatives of the criterion in gamma (K, K x K)."""
    width, K = data.C.nrows(), len(data.gammas)
    N, s = (data.n - width + 1, 1) if REML else (data.n, 0)
    Omega_xx, beta, r2 = regression(jet.C)
    Omega = arb_mat([[*row, 0] for row in Omega_xx.tolist()] + [[0] * width])
    v = arb_mat([[-b] for b in beta.entries()] + [[1]])
    OC, Cv = [Omega * Ck for Ck in jet.Cs], [Ck * v for Ck in jet.Cs]
    vCv = [(v.transpose() * Ckv)[0, 0] for Ckv in Cv]
    first = [jet.logs[k] + s * OC[k].trace() + N * vCv[k] / r2 for k in range(K)]
    second = [[arb(0)] * K for _ in range(K)]
    for (k, l), Ckl in jet.C_pairs.items():
        restricted = (Omega * Ckl).trace() - (OC[k] * OC[l]).trace()
        bent = (v.transpose() * Ckl * v)[0, 0] - 2 * (Cv[k].transpose() * Omega * Cv[l])[0, 0]
        second[k][l] = second[l][k] = jet.log_pairs[k, l] + s * restricted + N * (bent - vCv[k] * vCv[l] / r2) / r2
    return first, second
