"""The search for the bisection tree of a global proof; `relmer.reference.verify.trees` proves what it finds.

It tries on each cell the bounds that the proof will try again, and halves a cell that none closes across the coordinate
along which log|V| is bent most: 2 L((low + high) / 2) - L(low) - L(high), low and high where that coordinate ends and
the others are in the middle. That is about a quarter of tr(H dG H dG), dG = high - low: so cells stay as long as wide
in the metric of Fisher's information.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

from flint import ctx

from relmer.datasets import write_whole
from relmer.reference.verify import (
    BITS,
    FLAT,
    LEAVES,
    SCHEMA,
    Blocks,
    Cell,
    Data,
    Refused,
    Setting,
    face,
    halves,
    log_det,
    middle,
    pressed,
    prove,
    prove_tree,
    read,
    rising,
    roots,
    setting_of,
    two_columns,
    vertices,
)

REGIONS = tuple(str(1 / 2**k) for k in range(2, 11))
UNIT_DIGITS = 6
MOST_NODES = 200_000
# The bounds of the search are to exceed the criterion by this, so that they do in each reading.
MARGIN = 1e-9


def plant(certificate: dict[str, Any], text: str, root: Path) -> dict[str, Any]:
    """Find and prove a tree, write it into root/trees, and give the certificate of the level global-proved.

    Parameters
    ----------
    certificate
        Of the level local-proved or above.
    text
        The CSV.
    root
        Folder of the certificates.

    Raises
    ------
    ValueError
        As `search`.
    """
    tree, leaves = search(certificate, text)
    packed = gzip.compress(tree.encode(), mtime=0)
    name = f"{certificate['name']}.tree.gz"
    write_whole(root / "trees", {name: packed})
    stored = {"file": f"trees/{name}", "sha256": hashlib.sha256(packed).hexdigest(), "boxes": leaves}
    readings = {
        reading: claim | {"level": "global-proved", "tree": stored}
        for reading, claim in certificate["readings"].items()
    }
    return certificate | {"readings": readings}


def search(certificate: Mapping[str, Any], text: str) -> tuple[str, int]:
    """Find a tree and have it proved for all readings.

    Returns
    -------
    tuple
        The tree, and the number of its leaves.

    Raises
    ------
    ValueError
        There is none of a bearable size, or it is not proved; one line.
    """
    name, readings = certificate["name"], list(certificate["readings"])
    try:
        criteria = [prove(certificate, reading, text).values["criterion"] for reading in readings]
        head = {
            "schema": SCHEMA,
            "certificate": name,
            "REML": certificate["REML"],
            "readings": readings,
            "criterion": above(max(float(criterion.upper()) for criterion in criteria)),
        }
        with ctx.workprec(BITS):
            setting = with_region(certificate, readings[0], text, head)
            tree = f"{json.dumps(head)}\n{''.join(grow(setting))}\n"
        leaves = [prove_tree(certificate, reading, text, tree) for reading in readings]
    except Refused as refusal:
        raise ValueError(f"{name}: {refusal}") from None
    return tree, leaves[0]


def above(value: float) -> str:
    """A decimal a little above a criterion, whatever the reading.

    Examples
    --------
    >>> above(1743.628271958497)
    '1743.628273'
    """
    return f"{ceil(value * 1e6 + 0.5) / 1e6:.6f}"


def with_region(certificate: Mapping[str, Any], reading: str, text: str, head: dict[str, Any]) -> Setting:
    """The setting of a tree with the widest region that holds; units and region are added to its head.

    Raises
    ------
    Refused
        No region does.
    """
    data = read(certificate["model"], reading, text)
    if isinstance(data, Blocks):
        raise Refused("a tree is for models of rational columns, and not for large ones")
    two_columns(data)
    head["units"] = units(data, certificate["readings"][reading]["centre"])
    for head["region"] in REGIONS[:-1]:
        try:
            return setting_of(data, certificate, reading, head)
        except Refused:
            continue
    head["region"] = REGIONS[-1]
    return setting_of(data, certificate, reading, head)


def units(data: Data, centre: Sequence[Mapping[str, Any]]) -> list[list[list[str]]]:
    """The B_j in which the optimum is 1 or diag(2, 1), so that x = 1 there; for a rank of 0 the scale of the data."""
    found = []
    for t, (_, columns) in enumerate(data.terms):
        c, R = len(columns), [[float(entry) for entry in row] for row in centre[t]["R"]]
        if not R[0]:
            (k,) = (k for k, (term, _, _) in enumerate(data.gammas) if term == t)
            squares = [float(part.ZZ[i, i]) for part in data.components for i, _ in part.places[k]]
            R = [[(len(squares) / sum(squares)) ** 0.5]]
        found.append([[f"{x / (c - k) ** 0.5:.{UNIT_DIGITS}g}" for k, x in enumerate(row)] for row in R])
    return found


def grow(setting: Setting) -> Iterator[str]:
    """The nodes of a tree.

    Raises
    ------
    ValueError
        There are too many.
    """
    setting = replace(setting, level=setting.level + MARGIN)
    waiting = roots(setting.data)[::-1]
    for _ in range(MOST_NODES):
        if not waiting:
            return
        cell = waiting.pop()
        node = closed(setting, cell) or flat(setting, cell)
        if node in FLAT:
            waiting.append(pressed(cell, [FLAT[node]]))
        elif not node:
            node = str(across(setting, cell))
            waiting += halves(cell, int(node))[::-1]
        yield node
    raise ValueError(f"the tree has more than {MOST_NODES} nodes")


def closed(setting: Setting, cell: Cell) -> str:
    """The leaf that closes a cell, or nothing."""
    for leaf in "f" if any(high is None for _, high in cell[1]) else "qt":
        try:
            LEAVES[leaf](setting, cell)
            return leaf
        except Refused:
            continue
    return ""


def flat(setting: Setting, cell: Cell) -> str:
    """The node that presses a cell flat where a variance is zero at the optimum, or nothing."""
    for node, k in FLAT.items():
        if k < len(cell[1]) and k not in setting.free and cell[1][k][0] != cell[1][k][1]:
            try:
                rising(setting, cell, k)
                return node
            except Refused:
                continue
    return ""


def across(setting: Setting, cell: Cell) -> int:
    """The coordinate across which to halve a cell."""
    two, (chart, box) = two_columns(setting.data), cell
    if two:
        try:
            for point in vertices(two, face(two, cell)):
                log_det(setting, point)
        except Refused:
            return 2
    finite = [halves(cell, k)[0][1][k] if high is None else (low, high) for k, (low, high) in enumerate(box)]

    def sag(k: int) -> float:
        low, high = (
            middle(two, (chart, (*finite[:k], (end, end), *finite[k + 1 :]))) for end in finite[k] if end is not None
        )
        between = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
        return float((2 * log_det(setting, between) - log_det(setting, low) - log_det(setting, high)).mid())

    endless = [k for k, (_, high) in enumerate(box) if high is None]
    return max(endless or range(len(box)), key=sag)
