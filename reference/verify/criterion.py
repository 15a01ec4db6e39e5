"""The profiled criterion in ball arithmetic, with its derivatives: the second part of the kernel.

Functions work at the precision that `flint.ctx` has when they are called, and enclose what they compute.

The model. y = X beta + Z b + e; the covariance of y is sigma^2 V, V = I + Z G Z'; G holds G_j once for each level of
term j. Three products carry all that the criterion needs:

    H = Z'V^-1 Z,   h = Z'V^-1 [X y],   C = [X y]'V^-1 [X y].

At G = 0 they are the cross products of the data. A step from G to G + D, with T = I + H D, leads by Woodbury's
(V + ZDZ')^-1 = V^-1 - V^-1 Z D T^-1 Z'V^-1 to

    log|V| + log|T|,   T^-1 H,   T^-1 h,   C - (D h)' T^-1 h.

The same step goes from the data to the centre of a certificate, and from there to a box of balls around it; no G is
inverted, whatever its rank. Levels that no row links fall into components, for which H, h and T are separate.

The criterion. With Omega = Cxx^-1, beta = Omega Cxy, v = (-beta, 1), r^2 = v'C v, N = n - p and s = 1 (REML) or N = n
and s = 0 (ML):

    f = log|V| + s log|Cxx| + N (1 + log(2 pi r^2 / N)).

Along symmetric E_k in G the derivatives are tr(H E_k) of log|V|, -H E_k H of H, -H E_k h of h and -D_k = -h'E_k h of C.
With F_kl = h'E_k H E_l h, Omega filled up with zeros to the order of C, and v'C v least at beta:

    f_k  = tr(H E_k) - s tr(Omega D_k) - N v'D_k v / r^2,
    f_kl = -tr(H E_k H E_l) + s [2 tr(Omega F_kl) - tr(Omega D_k Omega D_l)]
           + N [2 v'F_kl v - 2 v'D_k Omega D_l v - (v'D_k v)(v'D_l v) / r^2] / r^2.

Weights W, Var(e) = sigma^2 W^-1, stand in the cross products, so that V = I + W^1/2 Z G Z'W^1/2; they add -log|W| to f.

gamma is the vector of the distinct entries of all G_j; E_k has ones where gamma_k stands in G. The dual S_j of a term
is the symmetric matrix with df = tr(S_j dG_j): f_k on its diagonal, f_k / 2 beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat

from relmer.reference.verify.data import Data, Named

Factor = list[list[arb]]
"""R_j of a term (c x r), G_j = R_j R_j'."""


@dataclass(frozen=True)
class State:
    """C, and for each component H and h, at some G; log|V| is the sum of log|T| over the steps that led there."""

    C: arb_mat
    H: tuple[arb_mat, ...]
    h: tuple[arb_mat, ...]
    T: tuple[arb_mat, ...] = ()


def identity(m: int) -> arb_mat:
    """The unit matrix (m x m)."""
    return arb_mat(m, m, [int(i == j) for i in range(m) for j in range(m)])


def origin(data: Data) -> State:
    """The state at G = 0: the cross products themselves."""

    def balls(exact: Any, left: Sequence[int], right: Sequence[int]) -> arb_mat:
        scale = [arb(norm).rsqrt() for norm in left], [arb(norm).rsqrt() for norm in right]
        rows = zip(exact.tolist(), scale[0], strict=True)
        return arb_mat([[entry * a * b for entry, b in zip(row, scale[1], strict=True)] for row, a in rows])

    return State(
        balls(data.xyxy, data.norms, data.norms),
        tuple(balls(part.ZZ, part.norms, part.norms) for part in data.components),
        tuple(balls(part.Zxy, part.norms, data.norms) for part in data.components),
    )


def step(data: Data, state: State, D: Sequence[arb]) -> State:
    """The state at G + D, D given by the increments of gamma."""
    C, T_all, H_all, h_all = state.C, [*state.T], [], []
    for component, H, h in zip(data.components, state.H, state.h, strict=True):
        Hh = [[*left, *right] for left, right in zip(H.tolist(), h.tolist(), strict=True)]
        DHh = [[arb(0)] * len(row) for row in Hh]
        for d, places in zip(D, component.places, strict=True):
            for i, j in places:
                DHh[i] = [known + d * entry for known, entry in zip(DHh[i], Hh[j], strict=True)]
        q = len(Hh)
        T = arb_mat([[DHh[j][i] + (i == j) for j in range(q)] for i in range(q)])
        solved = T.solve(arb_mat(Hh)).tolist()
        T_all.append(T)
        H_all.append(arb_mat([row[:q] for row in solved]))
        h_all.append(arb_mat([row[q:] for row in solved]))
        C -= arb_mat([row[q:] for row in DHh]).transpose() * h_all[-1]
    return State(C, tuple(H_all), tuple(h_all), tuple(T_all))


def turned(state: State, W: arb_mat) -> State:
    """The state with [X y] W in the place of [X y]."""
    return State(W.transpose() * state.C * W, state.H, tuple(h * W for h in state.h), state.T)


def orthogonal(C: arb_mat) -> arb_mat:
    """An exact unit upper triangular W for which W'C W is nearly diagonal."""
    rows = C.mid().tolist()
    W = identity(C.nrows()).tolist()
    for k, row in enumerate(rows):
        for j in range(k + 1, len(rows)):
            factor = row[j] / row[k]
            rows[j] = [a - factor * b for a, b in zip(rows[j], row, strict=True)]
            for left in W:
                left[j] -= factor * left[k]
    return arb_mat(W).mid()


def regression(C: arb_mat) -> tuple[arb_mat, arb_mat, arb]:
    """Omega (p x p), beta (p x 1) and r^2."""
    p = C.nrows() - 1
    rows = C.tolist()
    Omega, Cxy = arb_mat([row[:p] for row in rows[:p]]).inv(), arb_mat([row[p:] for row in rows[:p]])
    beta = Omega * Cxy
    return Omega, beta, rows[p][p] - (Cxy.transpose() * beta)[0, 0]


@dataclass(frozen=True)
class Sums:
    """What the derivatives at some G are made of, by gamma and by pairs of gammas k >= l, summed over the components.

    Attributes
    ----------
    trace, D
        tr(H E_k), and D_k = h'E_k h.
    traces, F
        tr(H E_k H E_l), and F_kl = h'E_k H E_l h.
    """

    trace: list[arb]
    D: list[arb_mat]
    traces: dict[tuple[int, int], arb]
    F: dict[tuple[int, int], arb_mat]


def sums(data: Data, state: State) -> Sums:
    """Sum over the components."""
    width, K = len(data.norms), len(data.gammas)
    pairs = [(k, l) for k in range(K) for l in range(k + 1)]
    trace, traces = [arb(0)] * K, dict.fromkeys(pairs, arb(0))
    D_all, F_all = arb_mat(width, K * width), arb_mat(K * width, K * width)  # [D_1 .. D_K], [F_kl]
    for component, H, h in zip(data.components, state.H, state.h, strict=True):
        H_rows, h_rows = H.tolist(), h.tolist()
        Eh = [[arb(0)] * (K * width) for _ in h_rows]
        for k, places in enumerate(component.places):
            for i, j in places:
                Eh[i][k * width : (k + 1) * width] = h_rows[j]
                trace[k] += H_rows[i][j]
            for l, others in enumerate(component.places[: k + 1]):
                traces[k, l] += sum((H_rows[j][a] * H_rows[b][i] for i, j in places for a, b in others), arb(0))
        E = arb_mat(Eh)
        D_all += h.transpose() * E
        F_all += E.transpose() * (H * E)
    block = [slice(k * width, (k + 1) * width) for k in range(K)]
    D_rows, F_rows = D_all.tolist(), F_all.tolist()
    return Sums(
        trace=trace,
        D=[arb_mat([row[columns] for row in D_rows]) for columns in block],
        traces=traces,
        F={(k, l): arb_mat([row[block[l]] for row in F_rows[block[k]]]) for k, l in pairs},
    )


def derivatives(data: Data, state: State, REML: bool) -> tuple[list[arb], list[list[arb]]]:
    """First and second derivatives of the criterion in gamma (K, K x K)."""
    width, K, of = len(data.norms), len(data.gammas), sums(data, state)
    p = width - 1
    N, s = (data.n - p, 1) if REML else (data.n, 0)
    Omega_xx, beta, r2 = regression(state.C)
    Omega = arb_mat([[*row, arb(0)] for row in Omega_xx.tolist()] + [[arb(0)] * width])
    v = arb_mat([[-b] for b in beta.entries()] + [[1]])
    OD, Dv = [Omega * Dk for Dk in of.D], [Dk * v for Dk in of.D]
    vDv = [(v.transpose() * Dkv)[0, 0] for Dkv in Dv]
    first = [of.trace[k] - s * OD[k].trace() - N * vDv[k] / r2 for k in range(K)]
    second = [[arb(0)] * K for _ in range(K)]
    for (k, l), F in of.F.items():
        restricted = 2 * (Omega * F).trace() - (OD[k] * OD[l]).trace()
        vFv, vDODv = (v.transpose() * F * v)[0, 0], (Dv[k].transpose() * Omega * Dv[l])[0, 0]
        second[k][l] = second[l][k] = (
            s * restricted - of.traces[k, l] + N * (2 * vFv - 2 * vDODv - vDv[k] * vDv[l] / r2) / r2
        )
    return first, second


def log_det(state: State) -> arb:
    """log|V|."""
    return sum((T.det().log() for T in state.T), arb(0))


def estimates(data: Named, C: arb_mat, log_det: arb, REML: bool, G: Sequence[arb]) -> dict[str, arb]:
    """The values at G (as gamma), by their keys, without theta; C and log|V| are those of G."""
    p = len(data.coefficients)
    N = data.n - p if REML else data.n
    Omega, beta, r2 = regression(C)
    sigma2 = r2 / N
    criterion = log_det - data.log_weights + N * (1 + (2 * arb.pi() * sigma2).log())
    values = {
        "criterion": criterion - Omega.det().log() if REML else criterion,
        "sigma": sigma2.sqrt(),
        "sigma2": sigma2,
    }
    for (t, a, b), g in zip(data.gammas, G, strict=True):
        name, columns = data.terms[t]
        names = f"{name}, {columns[a]}" if a == b else f"{name}, {columns[b]}, {columns[a]}"
        values[f"G[{names}]"] = g
        values[f"{'var' if a == b else 'cov'}[{names}]"] = sigma2 * g
    for i, name in enumerate(data.coefficients):
        values[f"beta[{name}]"] = beta[i, 0] + data.swept[i] * arb(data.norms[i]).sqrt()
        values[f"se[{name}]"] = (sigma2 * Omega[i, i]).sqrt()
        for j in range(i, p):
            values[f"vcov[{name}, {data.coefficients[j]}]"] = sigma2 * Omega[i, j]
    return values


def covariance(data: Named, R: Sequence[Factor]) -> list[arb]:
    """gamma of G_j = R_j R_j'."""
    return [sum((x * y for x, y in zip(R[t][a], R[t][b], strict=True)), arb(0)) for t, a, b in data.gammas]


def theta(data: Named, R: Sequence[Factor]) -> dict[str, arb]:
    """lme4's theta by name, of the terms where it is unique: where the first r rows of G_j are proved independent.

    Then G_j = T T' with T lower triangular, of which the first r columns are Cholesky's and the others zero.
    """
    G = dict(zip(data.gammas, covariance(data, R), strict=True))
    values: dict[str, arb] = {}
    for t, (name, columns) in enumerate(data.terms):
        c, r = len(columns), len(R[t][0])
        T = [[arb(0)] * c for _ in range(c)]
        for k in range(r):
            for i in range(k, c):
                left = G[t, i, k] - sum((T[i][m] * T[k][m] for m in range(k)), arb(0))
                T[i][k] = left.sqrt() if i == k else left / T[k][k]
        if all(T[k][k] > 0 for k in range(r)):
            for k in range(c):
                for i in range(k, c):
                    values[f"theta[{name}.{columns[i]}{'' if i == k else '.' + columns[k]}]"] = T[i][k]
    return values


def triangles(data: Named, theta: Sequence[float]) -> list[list[list[float]]]:
    """lme4's theta, column by column of each term's lower triangle, as `evaluate` takes it."""
    entries = iter(theta)
    factors = []
    for _, names in data.terms:
        T = [[0.0] * len(names) for _ in names]
        for k in range(len(names)):
            for i in range(k, len(names)):
                T[i][k] = next(entries)
        factors.append(T)
    if list(entries):
        raise ValueError("theta has more entries than the model")
    return factors
