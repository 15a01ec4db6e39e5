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

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import arb, arb_mat

from relmer.reference.verify.blocks import Blocks, Core
from relmer.reference.verify.criterion import identity, orthogonal, regression
from relmer.reference.verify.patterns import (
    beside_each_other,
    combined,
    dot,
    mirrored,
    scatter,
    shifted,
    sides,
    symmetric,
)


@dataclass
class Jet:
    """log|V| and C = [X y]'V^-1 [X y], and their derivatives: by gamma, and by pairs of gammas k >= l."""

    log_det: arb
    C: arb_mat
    logs: list[arb]
    Cs: list[arb_mat]
    log_pairs: dict[tuple[int, int], arb]
    C_pairs: dict[tuple[int, int], arb_mat]


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
    """Eliminate the inner levels beside a core: what that adds to log|V|; and M, M_k and M_kl, without [X y]'[X y]."""
    inner = [k for k, places in enumerate(data.inner) if places]
    pairs = [pair for pair in jet.log_pairs if set(pair) <= {*inner}]
    c, size = core.A[0].nrows(), core.size + data.C.nrows()
    unit = identity(c)
    G = combined(gamma, data.inner, unit)
    M = lower_triangle(core, data.C.nrows())
    M_k = {k: empty(size) for k in inner}
    M_kl = {pair: empty(size) for pair in pairs}
    for A, U, at in zip(core.A, core.U, core.columns, strict=True):
        T = A * G + unit
        H, h = sides(T.solve(beside_each_other(A, U)), c)
        h_transposed = h.transpose()
        EH, Eh = ({k: shifted(data.inner[k], X) for k in inner} for X in (H, h))
        if value:
            jet.log_det += T.det().log()
        scatter(M, at, U.transpose() * (G * h), sign=-1)
        for k in inner:
            jet.logs[k] += EH[k].trace()
            scatter(M_k[k], at, h_transposed * Eh[k], sign=-1)
        for k, l in pairs:
            jet.log_pairs[k, l] -= (EH[k] * EH[l]).trace()
            scatter(M_kl[k, l], at, symmetric(Eh[k].transpose() * (H * Eh[l])))
    return (
        mirrored(M),
        {k: mirrored(own) for k, own in M_k.items()},
        {pair: mirrored(own) for pair, own in M_kl.items()},
    )


def empty(size: int) -> list[list[arb]]:
    """Zeros."""
    return [[arb(0)] * size for _ in range(size)]


def lower_triangle(core: Core, width: int) -> list[list[arb]]:
    """The lower triangle of [Z_core X y]'[Z_core X y], without [X y]'[X y]."""
    M = empty(core.size + width)
    for i, row in enumerate(core.S.tolist()):
        for j, x in enumerate(row):
            M[max(i, j)][min(i, j)] = x
    return M


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
    # S G is the transpose of G S.
    T = combined(gamma, core.places, S).transpose() + identity(r)
    R = T.inv()
    H, h = R * S, R * s
    Q, b = (combined(gamma, core.places, M) for M in (R, h))
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
    RS = {k: R * S_k for k, (S_k, _, _) in parts.items()}
    # Q = R'G, so that S_k Q is the transpose of G R S_k.
    QS = {k: combined(gamma, core.places, own) for k, own in RS.items()}
    for k, (S_k, s_k, _) in parts.items():
        jet.logs[k] += QS[k].trace()
        jet.Cs[k] -= symmetric(s_k.transpose() * b) - b.transpose() * S_k * b
        for m in outer:
            pair = max(k, m), min(k, m)
            jet.log_pairs[pair] += dot(shifted(core.places[m], R), RS[k])
            jet.C_pairs[pair] -= symmetric(Eh[m].transpose() * R * e[k])
        for l in (l for l in parts if l <= k):
            S_kl, s_kl, _ = parted(M_kl[k, l], r)
            jet.log_pairs[k, l] += dot(S_kl, Q) - dot(QS[k], QS[l].transpose())
            jet.C_pairs[k, l] -= symmetric(s_kl.transpose() * b) - b.transpose() * S_kl * b
            jet.C_pairs[k, l] -= symmetric(e[k].transpose() * Q * e[l])


def profiled(data: Blocks, jet: Jet, REML: bool) -> tuple[list[arb], list[list[arb]]]:
    """First and second derivatives of the criterion in gamma (K, K x K)."""
    width, K = data.C.nrows(), len(data.gammas)
    N, s = (data.n - width + 1, 1) if REML else (data.n, 0)
    Omega_xx, beta, r2 = regression(jet.C)
    Omega = arb_mat([[*row, arb(0)] for row in Omega_xx.tolist()] + [[arb(0)] * width])
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


# ---- near a centre ----


@dataclass(frozen=True)
class Centred:
    """A model at the inner covariances of a centre: a step from there keeps balls small.

    Attributes
    ----------
    data
        The cross products with V of the centre's inner factor in the place of I, [X y] turned by W.
    start
        The gammas of the inner factor at the centre; 0 for those of the core.
    log_det
        log|V| of the inner factor there.
    back
        W^-1.
    """

    data: Blocks
    start: list[arb]
    log_det: arb
    back: arb_mat


def centred(data: Blocks, gamma: Sequence[arb]) -> Centred:
    """Step to the inner covariances of a centre: A, U and M are replaced by H, h and M there.

    W is exact and makes [X y]'V_1^-1 [X y] nearly diagonal, which adds a constant to the criterion.
    """
    start = [g if places else arb(0) for g, places in zip(gamma, data.inner, strict=True)]
    log_det, C, width = arb(0), data.C, data.C.nrows()
    cores, halves = [], []
    for core in data.cores:
        H_all, h_all, c = [], [], core.A[0].nrows()
        unit = identity(c)
        G, M = combined(start, data.inner, unit), lower_triangle(core, width)
        for A, U, at in zip(core.A, core.U, core.columns, strict=True):
            T = A * G + unit
            H, h = sides(T.solve(beside_each_other(A, U)), c)
            log_det += T.det().log()
            scatter(M, at, U.transpose() * (G * h), sign=-1)
            H_all.append(H)
            h_all.append(h)
        S, s, own = parted(mirrored(M), core.size)
        C += own
        cores.append(replace(core, A=tuple(H_all), U=tuple(h_all)))
        halves.append((S, s))
    W = orthogonal(C)
    turned = tuple(
        replace(core, U=tuple(turned_columns(h, W) for h in core.U), S=beside_each_other(S, s * W))
        for core, (S, s) in zip(cores, halves, strict=True)
    )
    return Centred(replace(data, C=W.transpose() * C * W, cores=turned), start, log_det, W.inv())


def turned_columns(M: arb_mat, W: arb_mat) -> arb_mat:
    """M with its last columns, those of [X y], times W."""
    core, ends = sides(M, M.ncols() - W.nrows())
    return beside_each_other(core, ends * W)


def jet_near(centre: Centred, gamma: Sequence[arb], value: bool) -> Jet:
    """As `jet_at`, by a step from a centre; C is that of [X y] W."""
    step = [g - start for g, start in zip(gamma, centre.start, strict=True)]
    jet = jet_at(centre.data, step, value)
    jet.log_det += centre.log_det
    return jet
