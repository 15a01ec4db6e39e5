"""Proofs, in ball arithmetic, that a certified minimum is the lowest of all: bisection trees that cover the cone.

To believe a tree, read this file and verify.py, whose words it uses: f is the profiled criterion, gamma the entries of
the relative covariance matrices G_j, V = I + ZGZ', s = 1 and N = n - p (REML) or s = 0 and N = n. For all symmetric G
with V > 0, positive semidefinite or not, and c = N (1 + log(2 pi / N)),

    f(G) = L(G) + s M(G) + N log r^2(G) + c,   L = log|V|,   M = log|X'V^-1 X|.

What the leaves rest on
-----------------------
V is affine in G, and grows with it in Loewner's order; so the G with V > 0 are a convex set, and

1. L is concave, as log det is.
2. L + s M increases with G. |V| |X'V^-1 X| = |K'VK| |X'X| with K an orthonormal basis of what is orthogonal to X.
3. M is convex. Q(V) = (X'V^-1 X)^-1 is the least B'VB over the B with B'X = I (Gauss and Markov), in Loewner's order.
   With B the best at a mean of V_1 and V_2, Q(mean) = mean of B'V_i B >= mean of Q(V_i): Q is concave. -log det
   decreases and is convex, hence M = -log|Q| is convex.
4. r^2 is convex, and decreases as G grows. r^2 = y'K (K'VK)^-1 K'y is the greatest 2 w'K'y - w'K'VKw over all w, a
   maximum of functions that are affine in V and decrease with it.
5. r^2 >= rho for positive semidefinite G = FF', rho the residual sum of squares of y on [X Z]:
   r^2 is the least |y - Xb - ZFu|^2 + |u|^2 over b and u.

Charts. Every positive semidefinite G is on a chart, x in a box:
- Terms of one column: G_j = B_j^2 x_j, x_j >= 0.
- One term of two columns: G = B (x_0 I + x_1 ww') B', x_0 and x_1 >= 0, |x_2| <= 1, with w = (1, x_2) on the first
  chart and (x_2, 1) on the second. The eigenvalues k >= l of B^-1 G B'^-1, with the eigenvector of k scaled to w, a
  greatest entry of 1, give x_0 = l and x_1 = (k - l) / w'w.
The B_j are the tree's, any regular matrices; what follows is said of G in their units, Gw = B^-1 G B'^-1.

Vertices. A cell is a box on a chart. Its points lie in the convex hull of finitely many points, its vertices: Gw is
affine in each of the coordinates but x_2; and if x_2 = (1 - u) a + u b, then w = (1 - u) w_a + u w_b and
ww' = (1 - u)^2 w_a w_a' + 2u (1 - u) (w_a w_b' + w_b w_a') / 2 + u^2 w_b w_b', a mean of three matrices with the
weights of a binomial. Hence 2 vertices for each of the coordinates, but 3 for x_2; not all need be semidefinite.

How a leaf is closed
--------------------
`criterion`, in the head of the tree, is not below f at the certified optimum G*.

t, tangents. With tangent planes at the cell's middle, m of M and t of r^2, all vertices v having V > 0 and t > 0, on
   the hull f >= L + s m + N log t + c by 3 and 4, which is concave by 1. So f is not below its least value at the
   vertices. This must be above `criterion`.
f, floor. Let the floor be the face of the cell where all coordinates but x_2 are least. Each point of the cell is above
   a point of the floor in Loewner's order. By 2 and 5 and, for the floor, 1 and 3, L(v) + s m(v) + N log rho + c at
   the vertices v of the floor bounds f from below on the cell; the cell may be unbounded. It must be above `criterion`.
q, the box Q about G*. All vertices are in Q = {Gw: |its entries - `middle`| <= `region`}, where the x_k of terms of one
   column and rank 0 are 0. The Hessian in the other gammas is proved to be positive definite throughout Q, so that f is
   strictly convex there (no V on Q is singular, as none of its T is; one is positive definite, hence all are), and G*
   to be in Q. By verify.py, S = df/dG at G* is positive semidefinite and SG* = 0; so f(G) > f(G*) + tr S(G - G*) >=
   f(G*) for all positive semidefinite G in Q but G*.

How a node is taken apart
-------------------------
0, 1, 2: halved across this coordinate, at the middle of its interval; at max(1, 2 low) if that has no end. Lower first.
x, y, z: pressed flat along coordinate 0, 1 or 2, for terms of one column. f's derivative along it is proved to be
   positive on all of the cell; so f is above its values on the face where x_k is least, which is the only child.

The tree is what its search wrote: a line of JSON, then one character for each node, children after their parent. If
each leaf is closed, f(G) > f(G*) for all positive semidefinite G but G*.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from relmer.reference.verify import (
    Component,
    Data,
    Refused,
    State,
    centre,
    covariance,
    derivatives,
    identity,
    origin,
    positive_definite,
    prove,
    ratio,
    read,
    regression,
    require,
    step,
)

SCHEMA = "relmer-tree/1"
HEAD = {
    "schema": str,
    "certificate": str,
    "REML": bool,
    "readings": [str],
    "units": [[[str]]],
    "middle": [str],
    "region": str,
    "criterion": str,
}
BITS = 128
MOST_NODES = 2_000_000
MOST_GAMMAS = 3

Interval = tuple[fmpq, fmpq | None]
Cell = tuple[int, tuple[Interval, ...]]
"""The chart (0 or 1), and an interval for each coordinate; None is infinity."""

Point = tuple[fmpq, ...]
"""The gammas of Gw."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What the leaves of a tree are held against.

    Attributes
    ----------
    data, REML
        The data, and whether the criterion is that of REML.
    start
        The state at G = 0, in the units of Gw, and for a basis of X and y that is all but orthogonal at the middle.
    blocks
        (count, component, H): components with the same Z'Z are counted.
    middle, free
        The middle of Q, and which gammas are free there.
    region
        Half the width of Q.
    level
        `criterion` - c, for the basis of X in `start`.
    rho
        The residual sum of squares of y on [X Z].
    """

    data: Data
    REML: bool
    start: State
    blocks: tuple[tuple[int, Component, arb_mat], ...]
    middle: Point
    free: tuple[int, ...]
    region: fmpq
    level: arb
    rho: arb

    @property
    def N(self) -> int:
        """The factor of log r^2."""
        return self.data.n - len(self.data.coefficients) * self.REML


# ---- charts and cells ----


def two_columns(data: Data) -> bool:
    """Whether the model is a term of two columns, else terms of one.

    Raises
    ------
    Refused
        It is neither, or has more than three terms.
    """
    widths = [len(columns) for _, columns in data.terms]
    if widths != [2] and (set(widths) != {1} or len(widths) > MOST_GAMMAS):
        raise Refused("a tree is for at most three terms of one column, or for one of two")
    return widths == [2]


def roots(two: bool, K: int) -> list[Cell]:
    """Cells that cover the cone."""
    ray: Interval = (fmpq(0), None)
    return [(chart, (ray, ray, (fmpq(-1), fmpq(1)))) for chart in range(2)] if two else [(0, (ray,) * K)]


def ww(chart: int, a: fmpq, b: fmpq) -> Point:
    """(w_a w_b' + w_b w_a') / 2, as gammas."""
    return (fmpq(1), (a + b) / 2, a * b) if chart == 0 else (a * b, (a + b) / 2, fmpq(1))


def vertices(two: bool, cell: Cell) -> list[Point]:
    """Points whose convex hull holds a bounded cell."""
    chart, box = cell
    ends = [tuple(dict.fromkeys(interval)) for interval in box]
    if not two:
        return list(product(*ends))
    (a, b), points = box[2], dict[Point, None]()
    for low, high in product(*ends[:2]):
        for u, v in ((a, a), (a, b), (b, b)):
            corner = ww(chart, u, v)
            points[low + high * corner[0], high * corner[1], low + high * corner[2]] = None
    return list(points)


def middle(two: bool, cell: Cell) -> Point:
    """The point of a bounded cell whose coordinates are in the middle of their intervals."""
    chart, box = cell
    x = tuple((low + high) / 2 for low, high in box)
    return vertices(two, (chart, tuple((a, a) for a in x)))[0]


def halves(cell: Cell, k: int) -> tuple[Cell, Cell]:
    """A cell halved across a coordinate: the lower part, the upper part.

    Examples
    --------
    >>> halves((0, ((fmpq(3), None),)), 0)
    ((0, ((3, 6),)), (0, ((6, None),)))
    """
    chart, box = cell
    low, high = box[k]
    between = max(2 * low, fmpq(1)) if high is None else (low + high) / 2
    below, above = (
        (chart, (*box[:k], interval, *box[k + 1 :])) for interval in ((low, between), (between, high))
    )
    return below, above


def pressed(cell: Cell, which: Sequence[int]) -> Cell:
    """The face of a cell where some coordinates are least."""
    chart, box = cell
    return chart, tuple((low, low) if k in which else (low, high) for k, (low, high) in enumerate(box))


# ---- the criterion and its parts ----


def matrix(component: Component, gamma: Sequence[fmpq]) -> arb_mat:
    """Gw for the levels of a component (q x q)."""
    q = component.ZZ.nrows()
    entries: list[fmpq | int] = [0] * (q * q)
    for g, places in zip(gamma, component.places, strict=True):
        for i, j in places:
            entries[i * q + j] = g
    return arb_mat(q, q, entries)


@lru_cache(maxsize=20_000)
def log_det(setting: Setting, gamma: Point) -> arb:
    """L at a vertex.

    I + AG with A = Z'Z has the eigenvalues of I + FGF, F the root of A: where G is semidefinite they are positive, and
    where it is not, q is 2: then they are if their product and their sum are.
    """
    total = arb(0)
    for count, component, A in setting.blocks:
        T = A * matrix(component, gamma) + identity(A.nrows())
        det = T.det()
        if not (det > 0 and T.trace() > 0):
            raise Refused("V is not positive definite at a vertex")
        total += count * det.log()
    return total


def tangents(setting: Setting, gamma: Point) -> tuple[arb, list[arb], arb, list[arb]]:
    """r^2 and its slopes in gamma, M and its slopes."""
    C, p = setting.start.C, len(setting.data.coefficients)
    D = [arb_mat(p + 1, p + 1) for _ in gamma]
    for component, A, B in zip(setting.data.components, setting.start.H, setting.start.h, strict=True):
        G = matrix(component, gamma)
        h = (A * G + identity(A.nrows())).solve(B)
        C -= B.transpose() * (G * h)
        rows = h.tolist()
        for k, places in enumerate(component.places):
            if places:
                left, right = (arb_mat([rows[place[side]] for place in places]) for side in (0, 1))
                D[k] += left.transpose() * right
    Omega, beta, r2 = regression(C)
    v = arb_mat([[-b] for b in beta.entries()] + [[1]])
    xx = [arb_mat([row[:p] for row in Dk.tolist()[:p]]) for Dk in D]
    slopes = [-(v.transpose() * Dk * v)[0, 0] for Dk in D]
    return r2, slopes, -Omega.det().log(), [-(Omega * Dk).trace() for Dk in xx]


def residual(M: fmpq_mat, B: fmpq_mat, C: fmpq_mat) -> fmpq_mat:
    """C - B'M^-B, for M that may be singular with a range that holds B."""
    q = M.nrows()
    echelon, rank = fmpq_mat([[*m, *b] for m, b in zip(M.tolist(), B.tolist(), strict=True)]).rref()
    rows = echelon.tolist()[:rank]
    if not rows:
        return C
    kept = fmpq_mat([B.tolist()[next(i for i in range(q) if row[i] != 0)] for row in rows])
    return C - kept.transpose() * fmpq_mat([row[q:] for row in rows])


def rho(data: Data) -> fmpq:
    """The residual sum of squares of y on [X Z], exact; norms of columns do not change it."""
    C = data.xyxy
    for component in data.components:
        C = residual(component.ZZ, component.Zxy, C)
    p = len(data.coefficients)
    rows = C.tolist()
    left = residual(
        fmpq_mat([row[:p] for row in rows[:p]]), fmpq_mat([row[p:] for row in rows[:p]]), fmpq_mat([rows[p][p:]])
    )
    return left[0, 0]


# ---- the leaves ----


def tangent(setting: Setting, cell: Cell, floor: bool = False) -> None:
    """Close a leaf by its tangents or its floor; raise Refused if that fails."""
    two = two_columns(setting.data)
    if floor:
        cell = pressed(cell, range(2) if two else range(len(cell[1])))
    if any(high is None for _, high in cell[1]):
        raise Refused("the cell has no end")
    if floor and not setting.rho > 0:
        raise Refused("y is in the span of [X Z]")
    at = middle(two, cell)
    r2, r2_slopes, M, M_slopes = tangents(setting, at)
    for v in vertices(two, cell):
        away = [a - b for a, b in zip(v, at, strict=True)]
        t = setting.rho if floor else r2 + sum((d * slope for d, slope in zip(away, r2_slopes, strict=True)), arb(0))
        m = M + sum((d * slope for d, slope in zip(away, M_slopes, strict=True)), arb(0))
        if not t > 0:
            raise Refused("the tangent plane of r^2 is not positive at a vertex")
        gap = log_det(setting, v) + setting.REML * m + setting.N * t.log() - setting.level
        if not gap > 0:
            raise Refused(f"the bound is above the criterion by {gap.str(4, radius=False)} only")


def in_region(setting: Setting, cell: Cell) -> None:
    """Close a leaf that lies in Q; raise Refused if it does not."""
    if any(high is None for _, high in cell[1]):
        raise Refused("the cell has no end")
    for v in vertices(two_columns(setting.data), cell):
        for k, (entry, mid) in enumerate(zip(v, setting.middle, strict=True)):
            if abs(entry - mid) > (setting.region if k in setting.free else 0):
                raise Refused("the cell is not in the region about the optimum")


def rising(setting: Setting, cell: Cell, k: int) -> None:
    """Prove that f increases with a coordinate throughout a bounded cell; raise Refused if that fails."""
    two = two_columns(setting.data)
    if two or any(high is None for _, high in cell[1]):
        raise Refused("the cell cannot be pressed flat")
    around = wide(setting, middle(two, cell), [(high - low) / 2 for low, high in cell[1]])
    if not derivatives(setting.data, around, setting.REML)[0][k] > 0:
        raise Refused("the criterion is not proved to rise")


def convex(setting: Setting) -> bool:
    """Whether f is proved to be strictly convex on Q."""
    reach = [setting.region if k in setting.free else fmpq(0) for k in range(len(setting.middle))]
    hessian = derivatives(setting.data, wide(setting, setting.middle, reach), setting.REML)[1]
    return not setting.free or positive_definite(arb_mat([[hessian[k][l] for l in setting.free] for k in setting.free]))


def wide(setting: Setting, at: Point, reach: Sequence[fmpq]) -> State:
    """The state in the box of all gamma with |gamma - at| <= reach."""
    here = step(setting.data, setting.start, list(map(arb, at)))
    return step(setting.data, here, [arb(0, arb(r).upper()) for r in reach])


# ---- the tree ----


def head_of(tree: str) -> dict[str, Any]:
    """The first line of a tree, its types checked."""
    try:
        head = json.loads(tree.partition("\n")[0])
    except (ValueError, RecursionError):
        raise Refused("the head of the tree is not JSON") from None
    require(head, HEAD, "tree")
    if head["schema"] != SCHEMA:
        raise Refused(f"the schema of the tree is not {SCHEMA}")
    return head


def setting_of(certificate: Mapping[str, Any], reading: str, text: str, head: Mapping[str, Any]) -> Setting:
    """Read the data, and prove that the region and the criterion of a tree fit the certified optimum.

    To be called, as all of the above, at the precision that the proof needs.
    """
    data, REML = read(certificate["model"], reading, text), certificate["REML"]
    two, K = two_columns(data), len(data.gammas)
    units = [[list(map(exact, row)) for row in B] for B in head["units"]]
    widths = [len(columns) for _, columns in data.terms]
    if [[len(row) for row in B] for B in units] != [[c] * c for c in widths] or len(head["middle"]) != K:
        raise Refused("units or middle of the tree do not fit the terms of the model")
    if any(fmpq_mat(B).det() == 0 for B in units):
        raise Refused("units of the tree are singular")
    at_zero = origin(data)
    W = [change(data, component, units) for component in data.components]
    H = tuple(w.transpose() * A * w for w, A in zip(W, at_zero.H, strict=True))
    start = State(at_zero.C, H, tuple(w.transpose() * B for w, B in zip(W, at_zero.h, strict=True)))
    within = tuple(map(exact, head["middle"]))
    Y = orthogonal(step(data, start, list(map(arb, within))).C)
    start = State(Y.transpose() * start.C * Y, H, tuple(B * Y for B in start.h))
    alike: dict[tuple[Any, ...], list[int]] = {}
    for i, component in enumerate(data.components):
        alike.setdefault((component.places, component.norms, *component.ZZ.entries()), []).append(i)
    claim = certificate["readings"][reading]
    R, _ = centre(data, claim)
    N = data.n - REML * len(data.coefficients)
    setting = Setting(
        data=data,
        REML=REML,
        start=start,
        blocks=tuple((len(same), data.components[same[0]], H[same[0]]) for same in alike.values()),
        middle=within,
        free=tuple(k for k, (t, _, _) in enumerate(data.gammas) if two or R[t][0]),
        region=exact(head["region"]),
        level=arb(exact(head["criterion"])) - N * (1 + (2 * arb.pi() / N).log()) + 2 * REML * Y.det().log(),
        rho=arb(rho(data)),
    )
    radius = arb(0, arb(exact(claim["radius"])).upper())
    scaled = [
        (arb_mat(B).inv() * arb_mat([[entry + radius for entry in row] for row in factor])).tolist() if factor[0] else factor
        for B, factor in zip(units, R, strict=True)
    ]
    away = [abs(g - m) for g, m in zip(covariance(data, scaled), setting.middle, strict=True)]
    if not all(a <= setting.region if k in setting.free else a == 0 for k, a in enumerate(away)):
        raise Refused("the certified optimum is not proved to be in the region of the tree")
    return setting


def orthogonal(C: arb_mat) -> arb_mat:
    """Y (p + 1 x p + 1), exact and upper triangular, that makes Y'CY all but diagonal: ones, and r^2 for y.

    Wide balls stay narrow in this basis. r^2 is the same in it, and M greater by 2 log|Y|.
    """
    m = C.nrows()
    Y: list[arb_mat] = []
    for j in range(m):
        y = arb_mat(m, 1, [int(i == j) for i in range(m)])
        for other in Y:
            y -= other * (other.transpose() * C * y)[0, 0]
        size = (y.transpose() * C * y)[0, 0].sqrt() if j < m - 1 else 1
        Y.append((y * (1 / arb(size))).mid())
    return arb_mat([y.entries() for y in Y]).transpose()


def exact(text: str) -> fmpq:
    """A decimal of the tree or the certificate."""
    return fmpq(*ratio(text))


def change(data: Data, component: Component, units: Sequence[Sequence[Sequence[fmpq]]]) -> arb_mat:
    """The B_j of the levels of a component, (q x q), so that G = B Gw B'."""
    q = component.ZZ.nrows()
    W: list[fmpq | int] = [0] * (q * q)
    for (t, a, b), places in zip(data.gammas, component.places, strict=True):
        for i, j in places:
            W[i * q + j] = units[t][a][b] if i > j else units[t][b][a]
    return arb_mat(q, q, W)


def prove_tree(certificate: Mapping[str, Any], reading: str, text: str, tree: str) -> int:
    """Prove that the minimum of a certificate is the lowest of all.

    Parameters
    ----------
    certificate
        Untrusted JSON, proved here by `relmer.reference.verify.prove`.
    reading
        "decimal" or "double".
    text
        The CSV.
    tree
        The tree, unpacked.

    Returns
    -------
    int
        The number of its leaves.

    Raises
    ------
    Refused
        The certificate is refused, or a node of the tree is not what it claims to be; one line that says which.
    """
    proof = prove(certificate, reading, text)
    head = head_of(tree)
    if (head["certificate"], head["REML"]) != (certificate.get("name"), certificate["REML"]):
        raise Refused("the tree is of another certificate")
    if reading not in head["readings"]:
        raise Refused(f"the tree does not claim the {reading} reading")
    with ctx.workprec(BITS):
        try:
            setting = setting_of(certificate, reading, text, head)
            if not arb(exact(head["criterion"])) >= proof.values["criterion"]:
                raise Refused(f"criterion {head['criterion'][:30]} of the tree is below that of the optimum")
            if not convex(setting):
                raise Refused("the criterion is not proved to be convex on the region of the tree")
            return close(setting, tree.partition("\n")[2].split())
        except ZeroDivisionError:
            raise Refused("a matrix is singular: V is not proved to be regular on the region") from None


def close(setting: Setting, nodes: Sequence[str]) -> int:
    """Walk a tree, whose nodes are given in lines, and close each leaf; count them."""
    two, K = two_columns(setting.data), len(setting.middle)
    open_cells, leaves, number = roots(two, K)[::-1], 0, 0
    across = {str(k): k for k in range(K)}
    flat = dict(zip("xyz", range(K), strict=False))
    for number, node in enumerate("".join(nodes), start=1):
        if not open_cells:
            raise Refused(f"the tree goes on after its last leaf, at node {number}")
        cell = open_cells.pop()
        try:
            if node in across:
                open_cells += halves(cell, across[node])[::-1]
            elif node in flat:
                rising(setting, cell, flat[node])
                open_cells.append(pressed(cell, [flat[node]]))
            elif node in LEAVES:
                LEAVES[node](setting, cell)
                leaves += 1
            else:
                raise Refused("there is no such node")
        except Refused as refusal:
            raise Refused(f"node {number}, {node!r}, {shown(cell)}: {refusal}") from None
        if number > MOST_NODES:
            raise Refused(f"the tree has more than {MOST_NODES} nodes")
    if open_cells:
        raise Refused(f"the tree ends while {len(open_cells)} cells are open, after node {number}")
    return leaves


def shown(cell: Cell) -> str:
    """A cell in words.

    Examples
    --------
    >>> shown((0, ((fmpq(1, 2), fmpq(1)), (fmpq(2), None))))
    'chart 0, 0.5..1 x 2..inf'
    """
    chart, box = cell
    return f"chart {chart}, " + " x ".join(f"{float(low.p) / float(low.q):g}..{'inf' if high is None else format(float(high.p) / float(high.q), 'g')}" for low, high in box)


def floor(setting: Setting, cell: Cell) -> None:
    """Close a leaf by its floor; raise Refused if that fails."""
    tangent(setting, cell, floor=True)


LEAVES = {"t": tangent, "f": floor, "q": in_region}
