"""Proofs, in ball arithmetic, that a certified minimum is the lowest of all: bisection trees that cover the cone.

bounds.py has the bounds and their proofs, local.py the optimum G*. A tree covers the positive semidefinite G by
cells; each leaf of it is a cell that is closed: f(G) > f(G*) for all semidefinite G in it but G*.

Charts. Every positive semidefinite G is on a chart, x in a box:
- Terms of one column: G_j = B_j^2 x_j, x_j >= 0.
- One term of two columns: G = B (x_0 I + x_1 ww') B', x_0 and x_1 >= 0, |x_2| <= 1, with w = (1, x_2) on the first
  chart and (x_2, 1) on the second. The eigenvalues k >= l of B^-1 G B'^-1, with the eigenvector of k scaled to w, a
  greatest entry of 1, give x_0 = l and x_1 = (k - l) / w'w.
The B_j are the tree's, any regular matrices; what follows is said of G in their units, B^-1 G B'^-1.

Vertices. A cell is a box on a chart. Its points lie in the convex hull of finitely many points, its vertices: G is
affine in each of the coordinates but x_2; and if x_2 = (1 - q) a + q b, then w = (1 - q) w_a + q w_b and
ww' = (1 - q)^2 w_a w_a' + 2q (1 - q) (w_a w_b' + w_b w_a') / 2 + q^2 w_b w_b', a mean of three matrices with the
weights of a binomial. Hence 2 vertices for each of the coordinates, but 3 for x_2; not all need be semidefinite.

How a leaf is closed
--------------------
t   by tangents at the cell's middle, with the vertices of the cell. The bound must be above `criterion`, a number in
    the head of the tree that is not below f(G*).
f   by the floor, the face of the cell where all coordinates but x_2 are least, with the vertices of that face, and
    tangents at its middle. The cell need not have an end. The bound must be above `criterion`.
q   by the quadratic bound: all vertices are within e times the middle from it, e the `region` in the head.

How a node is taken apart
-------------------------
0, 1, 2   The cell is halved across this coordinate, at the middle of its interval; at max(1, 2 low) if that has no end.
          The lower half comes first.
x, y, z   The cell is pressed flat along coordinate 0, 1 or 2, for terms of one column. f's derivative along it is
          proved to be positive on all of the cell, so that f is above its values on the face where this coordinate is
          least. That face is the only child.

A tree is a text: its head, a line of JSON with the units B_j, then one character for each node, a parent before its
children. It is what a search wrote, and believed in nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from relmer.reference.verify.blocks import Blocks
from relmer.reference.verify.bounds import Point, Setting, excesses, setting, two_columns, within
from relmer.reference.verify.criterion import State, derivatives, origin, step
from relmer.reference.verify.data import Component, Data, Refused, ratio, require
from relmer.reference.verify.local import centre, prove
from relmer.reference.verify.reading import read

SCHEMA = "relmer-tree/1"
HEAD = {
    "schema": str,
    "certificate": str,
    "REML": bool,
    "readings": [str],
    "units": [[[str]]],
    "region": str,
    "criterion": str,
}
BITS = 128
MOST_NODES = 2_000_000
MOST_OPEN = 1_000
Cell = tuple[int, tuple[tuple[fmpq, fmpq | None], ...]]
"""The chart (0 or 1), and an interval for each coordinate; None is infinity."""


# ---- cells ----


def roots(data: Data) -> list[Cell]:
    """Cells that cover the cone."""
    ray = (fmpq(0), None)
    if two_columns(data):
        return [(chart, (ray, ray, (fmpq(-1), fmpq(1)))) for chart in (0, 1)]
    return [(0, (ray,) * len(data.gammas))]


def bounded(cell: Cell) -> list[tuple[fmpq, fmpq]]:
    """The intervals of a cell.

    Raises
    ------
    Refused
        One has no end.
    """
    box = [(low, high) for low, high in cell[1] if high is not None]
    if len(box) < len(cell[1]):
        raise Refused("the cell has no end")
    return box


def vertices(two: bool, cell: Cell) -> list[Point]:
    """Points whose convex hull holds a bounded cell.

    Examples
    --------
    >>> vertices(True, (0, ((fmpq(0), fmpq(0)), (fmpq(1), fmpq(1)), (fmpq(0), fmpq(1)))))
    [(1, 0, 0), (1, 1/2, 0), (1, 1, 1)]
    """
    chart, box = cell[0], bounded(cell)
    ends = [dict.fromkeys(interval) for interval in box]
    if not two:
        return list(product(*ends))
    a, b = box[2]
    points: list[Point] = []
    for low, high in product(*ends[:2]):
        for u, v in dict.fromkeys(((a, a), (a, b), (b, b))):
            one, other = low + high, low + high * u * v
            points.append((other, high * (u + v) / 2, one) if chart else (one, high * (u + v) / 2, other))
    return points


def middle(two: bool, cell: Cell) -> Point:
    """The point of a bounded cell whose coordinates are in the middle of their intervals."""
    x = [(low + high) / 2 for low, high in bounded(cell)]
    return vertices(two, (cell[0], tuple((a, a) for a in x)))[0]


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
    return (chart, (*box[:k], (low, between), *box[k + 1 :])), (chart, (*box[:k], (between, high), *box[k + 1 :]))


def pressed(cell: Cell, which: Sequence[int]) -> Cell:
    """The face of a cell where some coordinates are least."""
    chart, box = cell
    return chart, tuple((low, low) if k in which else (low, high) for k, (low, high) in enumerate(box))


def face(two: bool, cell: Cell) -> Cell:
    """The floor of a cell."""
    return pressed(cell, (0, 1) if two else range(len(cell[1])))


# ---- nodes ----


def tangent(setting: Setting, cell: Cell) -> None:
    """Close a leaf by its tangents; raise Refused if that fails."""
    two = two_columns(setting.data)
    above(excesses(setting, middle(two, cell), vertices(two, cell), floor=False))


def floor(setting: Setting, cell: Cell) -> None:
    """Close a leaf by its floor; raise Refused if that fails."""
    two = two_columns(setting.data)
    least = face(two, cell)
    above(excesses(setting, middle(two, least), vertices(two, least), floor=True))


def above(found: Iterable[arb]) -> None:
    """Refuse a bound that is not proved to exceed the criterion."""
    for excess in found:
        if not excess > 0:
            raise Refused(f"the bound less the criterion is {excess.str(4, radius=False)}, not positive")


def inside(setting: Setting, cell: Cell) -> None:
    """Close a leaf that lies in the region; raise Refused if it does not."""
    if not all(within(setting, v, setting.region) for v in vertices(two_columns(setting.data), cell)):
        raise Refused("the cell is not in the region about the optimum")


def rising(setting: Setting, cell: Cell, k: int) -> None:
    """Prove that f increases with a coordinate throughout a bounded cell; raise Refused if that fails."""
    if two_columns(setting.data):
        raise Refused("a term of two columns is not pressed flat")
    reach = [arb(0, arb((high - low) / 2).upper()) for low, high in bounded(cell)]
    here = step(setting.data, setting.start, list(map(arb, middle(False, cell))))
    try:
        slopes = derivatives(setting.data, step(setting.data, here, reach), setting.REML)[0]
    except ZeroDivisionError:
        raise Refused("the cell is too wide to be pressed flat") from None
    if not slopes[k] > 0:
        raise Refused("the criterion is not proved to rise")


LEAVES = {"t": tangent, "f": floor, "q": inside}
FLAT = {"x": 0, "y": 1, "z": 2}
ACROSS = {"0": 0, "1": 1, "2": 2}


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
    return dict(head)


def exact(text: str) -> fmpq:
    """A decimal of the tree or the certificate."""
    return fmpq(*ratio(text))


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
    proof, head = prove(certificate, reading, text), head_of(tree)
    if (head["certificate"], head["REML"]) != (certificate.get("name"), certificate["REML"]):
        raise Refused("the tree is of another certificate")
    if reading not in head["readings"]:
        raise Refused(f"the tree does not claim the {reading} reading")
    if proof.radius is None:
        raise Refused("the certificate has no centre about which to grow a tree")
    with ctx.workprec(BITS):
        if not arb(exact(head["criterion"])) >= proof.values["criterion"]:
            raise Refused(f"criterion {head['criterion'][:30]} of the tree is below that of the optimum")
        data = read(certificate["model"], reading, text)
        if isinstance(data, Blocks):
            raise Refused("a tree is for models of rational columns, and not for large ones")
        try:
            return close(setting_of(data, certificate, reading, head), tree.partition("\n")[2].split())
        except ZeroDivisionError:
            raise Refused(f"a matrix is singular at a precision of {BITS} bits") from None


def setting_of(data: Data, certificate: Mapping[str, Any], reading: str, head: Mapping[str, Any]) -> Setting:
    """The setting of a tree, in its units, about an optimum that is proved; raise Refused if they do not fit."""
    claim = certificate["readings"][reading]
    radius = arb(0, arb(exact(claim["radius"])).upper())
    units = [[[exact(entry) for entry in row] for row in B] for B in head["units"]]
    if [[len(row) for row in B] for B in units] != [[len(columns)] * len(columns) for _, columns in data.terms]:
        raise Refused("the units of the tree do not fit the terms of the model")
    if any(fmpq_mat(B).det() == 0 for B in units):
        raise Refused("the units of the tree are singular")
    R = []
    for B, factor in zip(units, centre(data, claim)[0], strict=True):
        wide = [[entry + radius for entry in row] for row in factor]
        R.append((arb_mat(fmpq_mat(B).inv()) * arb_mat(wide)).tolist() if factor[0] else factor)
    at_zero, changes = origin(data), [change(data, component, units) for component in data.components]
    H = tuple(B.transpose() * A * B for B, A in zip(changes, at_zero.H, strict=True))
    h = tuple(B.transpose() * b for B, b in zip(changes, at_zero.h, strict=True))
    state = State(at_zero.C, H, h)
    return setting(data, certificate["REML"], state, R, exact(head["region"]), exact(head["criterion"]))


def change(data: Data, component: Component, units: Sequence[Sequence[Sequence[fmpq]]]) -> arb_mat:
    """The B_j of the levels of a component (q x q)."""
    q = component.ZZ.nrows()
    entries: list[fmpq | int] = [0] * (q * q)
    for (t, a, b), places in zip(data.gammas, component.places, strict=True):
        for i, j in places:
            entries[i * q + j] = units[t][a][b] if i > j else units[t][b][a]
    return arb_mat(q, q, entries)


def close(setting: Setting, lines: Sequence[str]) -> int:
    """Walk the nodes of a tree and close each leaf; give the number of leaves."""
    waiting, leaves, number = roots(setting.data)[::-1], 0, 0
    for number, node in enumerate("".join(lines), start=1):
        if not waiting:
            raise Refused(f"the tree goes on after its last leaf, at node {number}")
        if number > MOST_NODES or len(waiting) > MOST_OPEN:
            raise Refused(f"the tree has more than {MOST_NODES} nodes, or {MOST_OPEN} cells open at once")
        cell = waiting.pop()
        try:
            if node in LEAVES:
                LEAVES[node](setting, cell)
                leaves += 1
            elif ACROSS.get(node, len(cell[1])) < len(cell[1]):
                waiting += halves(cell, ACROSS[node])[::-1]
            elif FLAT.get(node, len(cell[1])) < len(cell[1]):
                rising(setting, cell, FLAT[node])
                waiting.append(pressed(cell, [FLAT[node]]))
            else:
                raise Refused("there is no such node")
        except Refused as refusal:
            raise Refused(f"node {number} ({node}), {shown(cell)}: {refusal}") from None
    if waiting:
        raise Refused(f"the tree ends after node {number} with {len(waiting)} cells open")
    return leaves


def shown(cell: Cell) -> str:
    """A cell in words.

    Examples
    --------
    >>> shown((0, ((fmpq(1, 2), fmpq(1)), (fmpq(2), None))))
    'chart 0, 0.5..1 x 2..inf'
    """
    chart, box = cell
    return f"chart {chart}, " + " x ".join(
        f"{float(low):g}..{'inf' if high is None else format(float(high), 'g')}" for low, high in box
    )
