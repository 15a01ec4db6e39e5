"""Lower bounds of the criterion in ball arithmetic, for the proof that a certified minimum is the lowest of all.

To believe a global proof, read this folder. In the words of criterion.py and local.py f is the profiled
criterion, gamma the entries of the relative covariance matrices G_j, V = I + ZGZ', s = 1 and N = n - p (REML) or s = 0
and N = n. For all symmetric G with V > 0, positive semidefinite or not, and c = N (1 + log(2 pi / N)),

    f(G) = L(G) + s M(G) + N log r^2(G) + c,   L = log|V|,   M = log|X'V^-1 X|.

V is affine in G, and grows with it in Loewner's order; the G with V > 0 are a convex set. K is an orthonormal basis of
what is orthogonal to X, W = K'VK.

1. L is concave, as log det is.
2. L + s M increases with G: |V| |X'V^-1 X| = |W| |X'X|.
3. M is convex. Q(V) = (X'V^-1 X)^-1 is the least B'VB over the B with B'X = I (Gauss and Markov), in Loewner's order.
   With B the best at a mean of V_1 and V_2, Q(mean) = mean of B'V_i B >= mean of Q(V_i): Q is concave. -log det
   decreases and is convex, hence M = -log|Q| is convex.
4. r^2 = y'K W^-1 K'y is convex: it is the greatest 2 b'K'y - b'Wb over all b, a maximum of functions affine in V.
5. r^2 >= rho for positive semidefinite G = FF', rho the residual sum of squares of y on [X Z]:
   r^2 is the least |y - Xb - ZFu|^2 + |u|^2 over b and u.

Tangents. Let m be the tangent plane of M and t that of r^2 at a semidefinite G. In the convex hull of points v that all
have V > 0 and t > 0, f >= L + s m + N log t + c by 3 and 4, and this is concave by 1: f is not below its least value at
the v.

Floor. Let each G of a set be above a G_0 of the hull of the v in Loewner's order, G_0 semidefinite. By 2 and 5 and, for
G_0, 1 and 3, f is on that set not below the least value of L + s m + N log rho + c at the v.

Quadratic bound. Let G be in Q, the semidefinite matrices that are within e times a middle m from it in Loewner's order,
-e m_j <= G_j - m_j <= e m_j, where m_j is 0 for a G*_j of rank 0. The certified optimum G* is within e / 16 times m, so
that G - G* is within k G*, k = (e + e / 16) / (1 - e / 16), and D = Z(G - G*)Z' within k V*.
Let P = K W^-1 K' at G*, R = P (REML) or V*^-1 (ML), u = Py, a = u'Du / r^2, b = u'DPDu / r^2. As r^2 = y'Py = u'V*u,
|a| <= k and a^2 <= b <= k^2. For |x| <= k < 1,

    log(1 + x) >= x - x^2 / (2 - 2k)   and   1 / (1 + x) >= 1 - x + x^2 / (1 + k).

For the eigenvalues x of W*^-1/2 K'DK W*^-1/2 (or V*^-1/2 D V*^-1/2) this says: from G* to G,

    L + s M grows by at least tr RD - tr RDRD / (2 - 2k),
    r^2 by a factor of at least 1 + z, z = b / (1 + k) - a >= -k, and log(1 + z) >= z - z^2 / (2 - 2k), where
    z^2 <= (1 + k) a^2 + (1 + 1/k) (b / (1 + k))^2 <= (1 + k) a^2 + k b / (1 + k).

Therefore (2 - 2k) (f(G) - f(G*) - tr RD + N a) >= -tr RDRD + N b (2 - 3k) / (1 + k) - N (1 + k) a^2. On the left,
tr RD - N a = df(G*)[G - G*] = tr S (G - G*) is not negative, for by local.py S is positive semidefinite and SG* = 0.
The right hand side is a quadratic form in gamma; where it is positive definite, f(G) > f(G*) for all G in Q but G*.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flint import arb, arb_mat, fmpq, fmpq_mat

from relmer.reference.verify.criterion import (
    Factor,
    State,
    covariance,
    derivatives,
    identity,
    orthogonal,
    regression,
    step,
    turned,
)
from relmer.reference.verify.data import Data, Refused
from relmer.reference.verify.local import positive_definite

MOST_TERMS = 3

Point = tuple[fmpq, ...]
"""The gammas of G."""


@dataclass(frozen=True)
class Part:
    """A component, its levels of one term of one column set apart: these make a diagonal block of Z'Z.

    Attributes
    ----------
    count
        So many components have the same Z'Z.
    gamma
        Which gamma is that of the term.
    diagonal, across, rest
        Z'Z: the diagonal (q_1), the block beside it (q_1 x q_2), and what is left (q_2 x q_2).
    unit
        The unit matrix (q_2 x q_2).
    places
        For each gamma where it stands in G of what is left.
    """

    count: int
    gamma: int
    diagonal: tuple[arb, ...]
    across: arb_mat
    rest: arb_mat
    unit: arb_mat
    places: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, eq=False)
class Setting:
    """The data and the optimum that bounds are held against, in the units of the tree.

    Attributes
    ----------
    data, REML
        The data, and whether the criterion is that of REML.
    start
        The state at G = 0, for [X y] turned so that they are nearly orthogonal at the middle, which keeps balls small.
    parts, shares
        Components with different Z'Z, and Z'[X y] of each component, in two, after its part's number.
    middle, free
        The middle of the region, and which gammas are not 0 throughout.
    region
        e of the quadratic bound.
    level
        `criterion` - c.
    rho
        The residual sum of squares of y on [X Z].
    """

    data: Data
    REML: bool
    start: State
    parts: tuple[Part, ...]
    shares: tuple[tuple[int, arb_mat, arb_mat], ...]
    middle: Point
    free: tuple[int, ...]
    region: fmpq
    level: arb
    rho: arb

    @property
    def N(self) -> int:
        """The factor of log r^2."""
        return self.data.n - len(self.data.coefficients) * self.REML

    @property
    def k(self) -> fmpq:
        """G - G* is within k times G* on the region."""
        return (self.region + self.region / 16) / (1 - self.region / 16)


def two_columns(data: Data) -> bool:
    """Whether the model is a term of two columns, else terms of one.

    Raises
    ------
    Refused
        It is neither, or has more than three terms.
    """
    widths = [len(columns) for _, columns in data.terms]
    if widths != [2] and (set(widths) != {1} or len(widths) > MOST_TERMS):
        raise Refused("a tree is for at most three terms of one column, or for one of two")
    return widths == [2]


def setting(data: Data, REML: bool, at_zero: State, R: Sequence[Factor], region: fmpq, criterion: fmpq) -> Setting:
    """Hold the data and an optimum against the middle m of the quadratic bound: 1 (one column) or diag(2, 1) (two).

    Parameters
    ----------
    data, REML
        The model.
    at_zero, R
        The state at G = 0 and balls that hold the factors of G*, in units in which G* is near m.
    region, criterion
        e, and an upper bound of f(G*).

    Raises
    ------
    Refused
        G* is not near m, or the quadratic form is not proved to be positive definite.
    """
    two, N = two_columns(data), data.n - REML * len(data.coefficients)
    full = [bool(factor[0]) for factor in R]
    if two and len(R[0][0]) < 2:
        raise Refused("the optimum has a covariance matrix of two columns that is singular")
    m = (fmpq(2), fmpq(0), fmpq(1)) if two else tuple(fmpq(int(rank)) for rank in full)
    start = turned(at_zero, orthogonal(step(data, at_zero, list(map(arb, m))).C))
    parts, shares = divided(data, start)
    made = Setting(
        data=data,
        REML=REML,
        start=start,
        parts=parts,
        shares=shares,
        middle=m,
        free=tuple(k for k, (t, _, _) in enumerate(data.gammas) if full[t]),
        region=region,
        level=arb(criterion) + data.log_weights - N * (1 + (2 * arb.pi() / N).log()),
        rho=arb(rho(data)),
    )
    gamma = covariance(data, R)
    if not within(made, gamma, region / 16):
        raise Refused("the certified optimum is not proved to be in the middle of the region")
    if not (0 < made.k < 1 and positive_definite(quadratic(made, gamma))):
        raise Refused("the quadratic bound is not proved on the region")
    return made


def divided(data: Data, start: State) -> tuple[tuple[Part, ...], tuple[tuple[int, arb_mat, arb_mat], ...]]:
    """The parts, and Z'[X y] of each component in two; the term apart is that of the most levels."""
    numbers: dict[tuple[Any, ...], int] = {}
    parts: list[Part] = []
    shares = []
    for component, H, h in zip(data.components, start.H, start.h, strict=True):
        gamma = 0 if two_columns(data) else max(range(len(data.gammas)), key=lambda k: len(component.places[k]))
        apart = [] if two_columns(data) else [i for i, _ in component.places[gamma]]
        rest = [i for i in range(H.nrows()) if i not in apart]
        number = numbers.setdefault((component.places, component.norms, *component.ZZ.entries()), len(parts))
        if number == len(parts):
            at = {i: k for k, i in enumerate(rest)}
            parts.append(
                Part(
                    count=0,
                    gamma=gamma,
                    diagonal=tuple(H[i, i] for i in apart),
                    across=arb_mat(len(apart), len(rest), [H[i, j] for i in apart for j in rest]),
                    rest=arb_mat(len(rest), len(rest), [H[i, j] for i in rest for j in rest]),
                    unit=identity(len(rest)),
                    places=tuple(tuple((at[i], at[j]) for i, j in places if i in at) for places in component.places),
                )
            )
        parts[number] = replace(parts[number], count=parts[number].count + 1)
        rows = h.tolist()
        B_1, B_2 = (arb_mat(len(kept), h.ncols(), [x for i in kept for x in rows[i]]) for kept in (apart, rest))
        shares.append((number, B_1, B_2))
    return tuple(parts), tuple(shares)


# ---- the criterion and its parts ----


def scaled(weights: Sequence[arb], M: arb_mat) -> arb_mat:
    """diag(weights) M."""
    entries = [w * entry for w, row in zip(weights, M.tolist(), strict=True) for entry in row]
    return arb_mat(M.nrows(), M.ncols(), entries)


def reduced(part: Part, gamma: Point) -> tuple[list[arb], arb_mat, arb_mat, arb_mat]:
    """What a step from 0 to G leaves of a part when the term apart is eliminated.

    With g for its gamma, a for the diagonal and w = g / (1 + g a), V_1 = I + g Z_1 Z_1', the rest of Z'V_1^-1 Z is
    S = rest - across' diag(w) across; T = I + S G, and |V| = |T| times the product of 1 + g a.

    Returns
    -------
    tuple
        1 + g a (q_1), across' diag(w) (q_2 x q_1), G of the rest and T (q_2 x q_2).
    """
    q = part.rest.nrows()
    entries: list[fmpq | int] = [0] * (q * q)
    for x, places in zip(gamma, part.places, strict=True):
        for i, j in places:
            entries[i * q + j] = x
    G, g = arb_mat(q, q, entries), gamma[part.gamma]
    if not part.diagonal:
        return [], part.across.transpose(), G, part.rest * G + part.unit
    grown = [1 + g * a for a in part.diagonal]
    sweep = scaled([g / d for d in grown], part.across).transpose()
    return grown, sweep, G, (part.rest - sweep * part.across) * G + part.unit


@lru_cache(maxsize=20_000)
def log_det(setting: Setting, gamma: Point) -> arb:
    """L at a vertex.

    Terms of one column have semidefinite vertices. With one of two, T = I + AG, A = Z'Z (2 x 2), has the eigenvalues of
    I + FGF, F the root of A; they are positive if their product and their sum are.
    """
    total = arb(0)
    for part in setting.parts:
        grown, _, _, T = reduced(part, gamma)
        det = T.det()
        if not (det > 0 and (grown or T.trace() > 0)):
            raise Refused("V is not positive definite at a vertex")
        for d in grown:
            det *= d
        total += part.count * det.log()
    return total


def tangents(setting: Setting, gamma: Point) -> tuple[arb, list[arb], arb, list[arb]]:
    """r^2 and its slopes in gamma, M and its slopes, at a semidefinite G.

    The slopes of C = [X y]'V^-1 [X y] are -D_k, the products of the rows of h = Z'V^-1 [X y] that gamma_k joins.
    """
    C, p = setting.start.C, len(setting.data.coefficients)
    joined: list[tuple[list[list[arb]], list[list[arb]]]] = [([], []) for _ in gamma]
    steps = [reduced(part, gamma) for part in setting.parts]
    for number, B_1, B_2 in setting.shares:
        part, (grown, sweep, G, T) = setting.parts[number], steps[number]
        B = B_2 - sweep * B_1
        h_2 = T.solve(B)
        Gh = G * h_2
        C -= B.transpose() * Gh
        if grown:
            g, inverses = gamma[part.gamma], [1 / d for d in grown]
            C -= B_1.transpose() * scaled([g * d for d in inverses], B_1)
            h_1 = scaled(inverses, B_1 - part.across * Gh).tolist()
            joined[part.gamma][0].extend(h_1)
            joined[part.gamma][1].extend(h_1)
        rows = h_2.tolist()
        for (left, right), places in zip(joined, part.places, strict=True):
            left += [rows[i] for i, _ in places]
            right += [rows[j] for _, j in places]
    Omega, beta, r2 = regression(C)
    v = arb_mat([[-b] for b in beta.entries()] + [[1]])
    D = [arb_mat(left).transpose() * arb_mat(right) for left, right in joined]
    xx = [arb_mat([row[:p] for row in Dk.tolist()[:p]]) for Dk in D]
    slopes = [-(v.transpose() * Dk * v)[0, 0] for Dk in D]
    return r2, slopes, -Omega.det().log(), [-(Omega * Dk).trace() for Dk in xx]


def residual(M: fmpq_mat, B: fmpq_mat, C: fmpq_mat) -> fmpq_mat:
    """C - B'M^-B, for M that may be singular with a range that holds B."""
    echelon, rank = fmpq_mat([[*m, *b] for m, b in zip(M.tolist(), B.tolist(), strict=True)]).rref()
    for row in echelon.tolist()[:rank]:
        pivot = next(i for i, entry in enumerate(row) if entry != 0)
        C -= fmpq_mat([[entry] for entry in B.tolist()[pivot]]) * fmpq_mat([row[M.nrows() :]])
    return C


def rho(data: Data) -> fmpq:
    """The residual sum of squares of y on [X Z], exact; norms of columns do not change it."""
    C, p = data.xyxy, len(data.coefficients)
    for component in data.components:
        C = residual(component.ZZ, component.Zxy, C)
    rows = C.tolist()
    XX, Xy = (fmpq_mat([row[cut] for row in rows[:p]]) for cut in (slice(p), slice(p, None)))
    return residual(XX, Xy, fmpq_mat([rows[p][p:]]))[0, 0]


# ---- the bounds ----


def excesses(setting: Setting, at: Point, points: Iterable[Point], floor: bool) -> Iterator[arb]:
    """The bound by tangents at G = at, or by the floor, less the criterion: at each of the points.

    Raises
    ------
    Refused
        V or t is not proved to be positive at a point.
    """
    r2, r2_slopes, M, M_slopes = tangents(setting, at)
    for v in points:
        away = [a - b for a, b in zip(v, at, strict=True)]
        t = setting.rho if floor else r2 + sum((d * slope for d, slope in zip(away, r2_slopes, strict=True)), arb(0))
        m = M + sum((d * slope for d, slope in zip(away, M_slopes, strict=True)), arb(0))
        if not t > 0:
            raise Refused("r^2 is not proved to be positive")
        yield log_det(setting, v) + setting.REML * m + setting.N * t.log() - setting.level


def within(setting: Setting, gamma: Sequence[fmpq | arb], e: fmpq) -> bool:
    """Whether G less the middle is within e times the middle, in Loewner's order."""
    away = [g - m for g, m in zip(gamma, setting.middle, strict=True)]
    reach = [e * m for m in setting.middle]
    if not two_columns(setting.data):
        return all(-r <= d <= r for d, r in zip(away, reach, strict=True))
    (a, b, c), (u, _, w) = away, reach
    return all(f >= 0 and g >= 0 and f * g >= b * b for f, g in ((u - a, w - c), (u + a, w + c)))


def quadratic(setting: Setting, gamma: Sequence[arb]) -> arb_mat:
    """The quadratic form of the region in the free gammas, gamma that of G*.

    f's first derivatives are tr RE_k - N a_k, its second ones -T_kl + 2 N b_kl - N a_k a_l, with T, a and b those of
    the form: all affine in N, so that N = 0 gives T and tr RE_k.
    """
    k, N = setting.k, setting.N
    state = step(setting.data, setting.start, gamma)
    first, second = derivatives(setting.data, state, setting.REML)
    trace, minus_T = derivatives(replace(setting.data, n=setting.data.n - N), state, setting.REML)
    a = [(t - f) / N for t, f in zip(trace, first, strict=True)]
    return arb_mat(
        [
            [
                minus_T[i][j]
                + (second[i][j] - minus_T[i][j] + N * a[i] * a[j]) * ((2 - 3 * k) / (2 + 2 * k))
                - N * (1 + k) * a[i] * a[j]
                for j in setting.free
            ]
            for i in setting.free
        ]
    )
