"""The search for the bisection tree of a global proof, in doubles; `relmer.reference.verify_global` proves what it finds.

Its docstring has the bounds, the charts and the notation. All cells of one depth are looked at together, and each that
no bound closes is halved across its longest edge in the metric of Fisher's information, tr(H dG H dG) at its middle:
so cells stay as long as wide in the only sense that matters here, whatever the units of the data.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from flint import arb_mat, ctx, fmpq
from threadpoolctl import threadpool_limits

from relmer.reference.certify.data import Array
from relmer.reference.verify import Data, Refused, prove, read
from relmer.reference.verify_global import (
    BITS,
    SCHEMA,
    Cell,
    Setting,
    convex,
    prove_tree,
    rising,
    roots,
    setting_of,
    two_columns,
)

# A bound in doubles is wrong by far less than this, where V is as far from singular as this.
MARGIN = 1e-6
WIDTHS = range(2, 30)
MOST_CELLS = 1_000_000
UNIT_DIGITS = 4


@dataclass(frozen=True)
class Block:
    """Components with the same Z'Z: A (q, q), E_k (K, q, q), their number, and the sum of b_i b_j' over them for the
    columns of Z'[X y], (w, w, q, q).
    """

    A: Array
    E: Array
    count: int
    moments: Array


@dataclass(frozen=True)
class Doubles:
    """What the bounds need of a `Setting`, in doubles."""

    blocks: tuple[Block, ...]
    C: Array
    REML: bool
    N: int
    level: float
    log_rho: float
    two: bool


@dataclass(frozen=True)
class Cells:
    """Cells (m): chart (m,), low and high (m, d), and the numbers of their nodes (m,)."""

    chart: Array
    low: Array
    high: Array
    node: Array

    def at(self, chosen: Array) -> "Cells":
        """Those that are chosen."""
        return Cells(self.chart[chosen], self.low[chosen], self.high[chosen], self.node[chosen])


def search(certificate: Mapping[str, Any], text: str) -> str:
    """Find a tree and have it proved.

    Parameters
    ----------
    certificate
        Of the level local-proved or above.
    text
        The CSV.

    Returns
    -------
    str
        The tree, for both readings.

    Raises
    ------
    ValueError
        There is none of a bearable size, or it is not proved; one line.
    """
    name, readings = certificate["name"], list(certificate["readings"])
    try:
        proofs = [prove(certificate, reading, text) for reading in readings]
        head = {
            "schema": SCHEMA,
            "certificate": name,
            "REML": certificate["REML"],
            "readings": readings,
            "criterion": above(max(float(proof.values["criterion"].upper()) for proof in proofs)),
        }
        with ctx.workprec(BITS), threadpool_limits(limits=1):
            setting = with_region(certificate, readings[0], text, head)
            tree = json.dumps(head) + "\n" + grow(setting) + "\n"
        for reading in readings:
            prove_tree(certificate, reading, text, tree)
    except Refused as refusal:
        raise ValueError(f"{name}: {refusal}") from None
    return tree


def above(value: float) -> str:
    """A decimal a little above a criterion, for all readings.

    Examples
    --------
    >>> above(1743.628271958497)
    '1743.628273'
    """
    return f"{ceil(value * 1e6 + 0.5) / 1e6:.6f}"


def with_region(certificate: Mapping[str, Any], reading: str, text: str, head: dict[str, Any]) -> Setting:
    """The setting of a tree with the widest region that is convex; units, middle and region are added to its head.

    Raises
    ------
    Refused
        No region is.
    """
    units, middle = units_of(read(certificate["model"], reading, text), certificate["readings"][reading]["centre"])
    widths = [fmpq(1, 2**k) for k in WIDTHS]
    head |= {"units": units, "middle": middle, "region": decimal(widths[0])}
    setting = setting_of(certificate, reading, text, head)
    for width in widths:
        setting = replace(setting, region=width)
        try:
            if convex(setting):
                head["region"] = decimal(width)
                return setting
        except ZeroDivisionError:
            continue
    raise Refused("the criterion is not convex about the optimum")


def decimal(width: fmpq) -> str:
    """A dyadic number, all its digits.

    Examples
    --------
    >>> decimal(fmpq(1, 8))
    '0.125'
    """
    return str(Decimal(int(width.p)) / int(width.q))


def units_of(data: Data, centre: Sequence[Mapping[str, Any]]) -> tuple[list[list[list[str]]], list[str]]:
    """The B_j in which the optimum is round, and the optimum in them.

    A G_j of rank r has r ones on its diagonal in them and nothing else, but 2 and 1 for full rank of two columns, so
    that x_0 = x_1 = 1. The directions without variance have the scale of the data: B_j'S B_j = 1 there, S the mean
    block of Z'Z.
    """
    units, middle = [], []
    for t, (_, columns) in enumerate(data.terms):
        c, R = len(columns), np.array(centre[t]["R"], dtype=float).reshape(len(columns), -1)
        rank = R.shape[1]
        S = np.zeros((c, c))
        for k, (u, a, b) in enumerate(data.gammas):
            if u == t:
                S[a, b] = S[b, a] = np.mean([float(p.ZZ[i, j]) for p in data.components for i, j in p.places[k]])
        root = np.linalg.cholesky(np.linalg.inv(S))
        rest = root @ np.linalg.qr(np.linalg.solve(root, R), mode="complete")[0][:, rank:]
        diagonal = [2.0, 1.0] if rank == 2 else [1.0] * rank + [0.0] * (c - rank)
        B = np.column_stack([R, rest]) / np.sqrt([entry or 1.0 for entry in diagonal])
        units.append([[f"{entry:.{UNIT_DIGITS}g}" for entry in row] for row in B])
        middle += [f"{diagonal[a] if a == b else 0:g}" for u, a, b in data.gammas if u == t]
    return units, middle


# ---- the bounds in doubles ----


def doubles(setting: Setting) -> Doubles:
    """Convert the products of a setting."""
    data = setting.data
    moments: dict[int, Array] = {}
    alike = {(part.places, part.norms, *part.ZZ.entries()): i for i, (_, part, _) in enumerate(setting.blocks)}
    for part, h in zip(data.components, setting.start.h, strict=True):
        b, i = floats(h), alike[part.places, part.norms, *part.ZZ.entries()]
        moments[i] = moments.get(i, 0) + np.einsum("ai,bj->ijab", b, b)
    blocks = []
    for i, (count, part, H) in enumerate(setting.blocks):
        E = np.zeros((len(data.gammas), H.nrows(), H.nrows()))
        for E_k, places in zip(E, part.places, strict=True):
            for a, b in places:
                E_k[a, b] = 1
        blocks.append(Block(floats(H), E, count, moments[i]))
    return Doubles(
        blocks=tuple(blocks),
        C=floats(setting.start.C),
        REML=setting.REML,
        N=setting.N,
        level=float(setting.level),
        log_rho=float(setting.rho.log()) if setting.rho > 0 else -np.inf,
        two=two_columns(data),
    )


def floats(M: arb_mat) -> Array:
    """Midpoints of a matrix of balls."""
    return np.array([[float(entry.mid()) for entry in row] for row in M.tolist()])


def log_det(numbers: Doubles, gamma: Array) -> tuple[Array, Array]:
    """L at points (..., K), and how far V is from singular: the least of the determinants and traces of I + AG."""
    value, least = np.zeros(gamma.shape[:-1]), np.full(gamma.shape[:-1], np.inf)
    for block in numbers.blocks:
        T = np.eye(len(block.A)) + block.A @ np.tensordot(gamma, block.E, 1)
        det = np.linalg.det(T) if len(block.A) > 2 else small_det(T)
        least = np.minimum(least, np.minimum(det, np.trace(T, axis1=-2, axis2=-1)))
        value += block.count * np.log(np.maximum(det, 1e-300))
    return value, least


def small_det(T: Array) -> Array:
    """Determinants of orders 1 and 2."""
    return T[..., 0, 0] if T.shape[-1] == 1 else T[..., 0, 0] * T[..., 1, 1] - T[..., 0, 1] * T[..., 1, 0]


def tangents(numbers: Doubles, gamma: Array) -> tuple[Array, Array, Array, Array]:
    """r^2 and its slopes, M and its slopes, at points (m, K)."""
    p = len(numbers.C) - 1
    C, D = np.repeat(numbers.C[None], len(gamma), axis=0), np.zeros((*gamma.shape, p + 1, p + 1))
    for block in numbers.blocks:
        G = np.tensordot(gamma, block.E, 1)
        F = np.linalg.inv(np.eye(len(block.A)) + block.A @ G)
        C -= np.tensordot(G @ F, block.moments, [[1, 2], [2, 3]])
        FEF = np.swapaxes(F, 1, 2)[:, None] @ block.E @ F[:, None]
        D -= np.tensordot(FEF, block.moments, [[2, 3], [2, 3]])
    Omega = np.linalg.inv(C[:, :p, :p])
    v = np.concatenate([-Omega @ C[:, :p, p:], np.ones((len(gamma), 1, 1))], axis=1)
    M_slopes = np.einsum("mij,mkji->mk", Omega, D[:, :, :p, :p])
    r2, r2_slopes = (np.einsum(f"mi,m{k}ij,mj->m{k}", v[..., 0], X, v[..., 0]) for k, X in (("", C), ("k", D)))
    return r2, r2_slopes, -np.linalg.slogdet(Omega)[1], M_slopes


def points(numbers: Doubles, chart: Array, x: Array) -> Array:
    """The gammas of Gw (m, K) at coordinates x (m, d)."""
    if not numbers.two:
        return x
    return on_charts(chart, x[:, :1], x[:, 1:2], x[:, 2:], x[:, 2:])[:, 0]


def on_charts(chart: Array, x_0: Array, x_1: Array, a: Array, b: Array) -> Array:
    """x_0 I + x_1 (w_a w_b' + w_b w_a') / 2 as gammas (m, any, 3)."""
    one, mean, ab = np.ones_like(a), (a + b) / 2, a * b
    first = (chart == 0)[:, None]
    return np.stack([x_0 + x_1 * np.where(first, one, ab), x_1 * mean, x_0 + x_1 * np.where(first, ab, one)], axis=-1)


def corners(numbers: Doubles, cells: Cells) -> Array:
    """The vertices of bounded cells (m, vertices, K)."""
    ends = np.stack([cells.low, cells.high])
    if not numbers.two:
        d = cells.low.shape[1]
        return np.stack([ends[list(choice), :, range(d)].T for choice in product(range(2), repeat=d)], axis=1)
    choices = np.array(list(product(range(2), range(2), ((0, 0), (0, 1), (1, 1)))), dtype=object)
    i, j, (a, b) = (list(choices[:, 0]), list(choices[:, 1]), zip(*choices[:, 2], strict=True))
    return on_charts(
        cells.chart, ends[i, :, 0].T, ends[j, :, 1].T, ends[list(a), :, 2].T, ends[list(b), :, 2].T
    )


def bounds(numbers: Doubles, cells: Cells, floor: bool) -> tuple[Array, Array]:
    """By how much the bound of each bounded cell exceeds the level (m,), and how far from failing V and t are (m,)."""
    if floor:
        pressed = cells.low.copy()
        pressed[:, 2:] = cells.high[:, 2:] if numbers.two else pressed[:, 2:]
        cells = Cells(cells.chart, cells.low, pressed, cells.node)
    at = points(numbers, cells.chart, (cells.low + cells.high) / 2)
    r2, r2_slopes, M, M_slopes = tangents(numbers, at)
    v = corners(numbers, cells)
    away = v - at[:, None]
    L, least = log_det(numbers, v)
    value = L + numbers.REML * (M[:, None] + (away @ M_slopes[..., None])[..., 0])
    if floor:
        value += numbers.N * numbers.log_rho
    else:
        t = 1 + (away @ (r2_slopes / r2[:, None])[..., None])[..., 0]
        least = np.minimum(least, t)
        value += numbers.N * (np.log(r2)[:, None] + np.log(np.maximum(t, 1e-300)))
    return value.min(axis=1) - numbers.level, least.min(axis=1)


def lengths(numbers: Doubles, cells: Cells) -> Array:
    """Squared lengths of the edges of bounded cells, through their middles, in the metric of Fisher (m, d)."""
    x = (cells.low + cells.high) / 2
    edges = np.zeros((*x.shape, len(numbers.blocks[0].E)))
    for k in range(x.shape[1]):
        ends = [np.where(np.arange(x.shape[1]) == k, end, x) for end in (cells.low, cells.high)]
        edges[:, k] = points(numbers, cells.chart, ends[1]) - points(numbers, cells.chart, ends[0])
    total = np.zeros(x.shape)
    for block in numbers.blocks:
        AG = block.A @ np.tensordot(points(numbers, cells.chart, x), block.E, 1)
        H = np.linalg.solve(np.eye(len(block.A)) + AG, np.broadcast_to(block.A, AG.shape))
        HdG = H[:, None] @ np.tensordot(edges, block.E, 1)
        total += block.count * np.einsum("mkab,mkba->mk", HdG, HdG)
    return total


# ---- the tree ----


def grow(setting: Setting) -> str:
    """Divide the cone until each cell is closed; the nodes in preorder.

    Raises
    ------
    ValueError
        There are too many cells.
    """
    numbers = doubles(setting)
    start = roots(numbers.two, len(setting.middle))
    low, high = (
        np.array([[np.inf if i[side] is None else float(i[side]) for i in box] for _, box in start]) for side in (0, 1)
    )
    cells = Cells(np.array([chart for chart, _ in start]), low, high, np.arange(len(start)))
    nodes, children = [""] * len(start), dict[int, tuple[int, ...]]()
    while len(cells.node):
        if len(nodes) > MOST_CELLS:
            raise ValueError(f"the tree has more than {MOST_CELLS} nodes")
        decided, across = decide(setting, numbers, cells)
        divided = []
        for k, name in enumerate("xyz"[: low.shape[1]]):
            flat, cut = cells.at(decided == name), cells.at((decided == "") & (across == k))
            flat.high[:, k] = flat.low[:, k]
            between = np.where(np.isinf(cut.high[:, k]), np.maximum(2 * cut.low[:, k], 1), (cut.low + cut.high)[:, k] / 2)
            upper = cut.at(np.arange(len(between)))
            cut.high[:, k] = upper.low[:, k] = between
            for node in cut.node:
                nodes[node] = str(k)
            divided += [flat, cut, upper]
        for node, what in zip(cells.node, decided, strict=True):
            nodes[node] = nodes[node] or str(what)
        parents = np.concatenate([part.node for part in divided])
        cells = Cells(
            *(np.concatenate([getattr(part, name) for part in divided]) for name in ("chart", "low", "high")),
            len(nodes) + np.arange(len(parents)),
        )
        for parent, child in zip(parents.tolist(), cells.node.tolist(), strict=True):
            children[parent] = (*children.get(parent, ()), child)
        nodes += [""] * len(parents)
    order, waiting = [], list(range(len(start)))[::-1]
    while waiting:
        node = waiting.pop()
        order.append(nodes[node])
        waiting += children.get(node, ())[::-1]
    return "".join(order)


def decide(setting: Setting, numbers: Doubles, cells: Cells) -> tuple[Array, Array]:
    """For each cell how it is closed or pressed flat, "" if it is not; and the coordinate across which to halve it."""
    bounded = np.isfinite(cells.high).all(axis=1)
    decided = np.full(len(bounded), "")
    excess, floor_least = bounds(numbers, cells, floor=True)
    least = np.where(bounded, -np.inf, floor_least)
    decided[(excess > MARGIN) & (floor_least > MARGIN)] = "f"
    if bounded.any():
        excess, least[bounded] = bounds(numbers, cells.at(bounded), floor=False)
        width = [float(setting.region) if k in setting.free else 0.0 for k in range(len(setting.middle))]
        away = np.abs(corners(numbers, cells.at(bounded)) - [float(g) for g in setting.middle])
        inside = (away <= width).all(axis=(1, 2))
        closed = np.where(inside, "q", np.where((excess > MARGIN) & (least[bounded] > MARGIN), "t", ""))
        decided[bounded] = np.where(decided[bounded] == "", closed, decided[bounded])
    for i in np.flatnonzero(bounded & (decided == "") & (not numbers.two)):
        for k in set(range(cells.low.shape[1])) - set(setting.free):
            if cells.low[i, k] == 0 < cells.high[i, k] and rises(setting, cells.low[i], cells.high[i], k):
                decided[i] = "xyz"[k]
                break
    ends = np.where(np.isinf(cells.high), np.maximum(2 * cells.low, 1), cells.high)
    edges = lengths(numbers, Cells(cells.chart, cells.low, ends, cells.node))
    edges[(np.isfinite(cells.high) & ~bounded[:, None])] = -1
    across = edges.argmax(axis=1)
    if numbers.two:
        across[(floor_least <= MARGIN) & (least <= MARGIN)] = 2
    return decided, across


def rises(setting: Setting, low: Array, high: Array, k: int) -> bool:
    """Whether f is proved to rise with a coordinate on a cell."""
    cell: Cell = (0, tuple((fmpq(*a.as_integer_ratio()), fmpq(*b.as_integer_ratio())) for a, b in zip(low, high, strict=True)))
    try:
        rising(setting, cell, k)
    except (Refused, ZeroDivisionError):
        return False
    return True


# ---- the file ----


def plant(certificate: dict[str, Any], text: str, root: Path) -> dict[str, Any]:
    """Find and prove a tree, write it into root/trees, and give the certificate of the level global-proved.

    Raises
    ------
    ValueError
        As `search`.
    """
    tree = search(certificate, text)
    packed = gzip.compress(tree.encode(), mtime=0)
    path = root / "trees" / f"{certificate['name']}.tree.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)
    leaves = sum(tree.partition("\n")[2].count(leaf) for leaf in "tfq")
    claim = {"file": f"trees/{path.name}", "sha256": hashlib.sha256(packed).hexdigest(), "boxes": leaves}
    readings = {
        reading: stored | {"level": "global-proved", "tree": claim}
        for reading, stored in certificate["readings"].items()
    }
    return certificate | {"readings": readings}
