"""Known slips on the way from a data set to y, the levels and X, Z: the digest that each would give.

Only digests of what an engine saw are known. Where one differs, what the slip would have given is computed here from
what this project reads, and the slip whose digest is the engine's is named.
"""

from collections.abc import Iterable

import numpy as np

from relmer.reference.answers import Data, Fingerprint, Grouping, data_seen, fingerprint, grouping, sha256_of
from relmer.solver.arrays import Array
from relmer.solver.model import Design, RandomTerm

# Entries of a Z that is written out.
MOST = 10**7


def response(design: Design, seen: Data) -> str:
    """Name the slip that turns the response into what an engine saw; empty if none is known."""
    y = design.y
    slips = [
        ("the response in single precision", y.astype(np.float32).astype(float)),
        ("the response in ascending order", np.sort(y)),
        ("the rows in reverse order", y[::-1]),
        ("the response about its mean", y - y.mean()),
        ("the response in units of its standard deviation", (y - y.mean()) / y.std(ddof=1)),
        ("the logarithm of the response", np.log(np.where(y > 0, y, 1.0))),
        *((f"the rows sorted by {term.group}", y[np.argsort(term.codes, kind="stable")]) for term in design.terms),
    ]
    return first(name for name, value in slips if data_seen(value, {}).response_sha256 == seen.response_sha256)


def per_row(design: Design, name: str, seen: str) -> str:
    """Name the slip that turns the weights or the offset into what an engine saw; empty if none is known."""
    values = design.weights if name == "weights" else design.offset
    if values is None:
        return ""
    slips = [(f"the {name} in single precision", values.astype(np.float32).astype(float))]
    if name == "offset":
        slips += [("no offset, but zeros", np.zeros_like(values)), ("the offset with the other sign", -values)]
    else:
        slips += [
            ("no weights, but ones", np.ones_like(values)),
            ("the reciprocals of the weights, as variances", 1 / values),
            ("the square roots of the weights", np.sqrt(values)),
            ("the reciprocals of the roots of the weights, as standard deviations", 1 / np.sqrt(values)),
            ("the weights over their mean", values / values.mean()),
            ("the weights as parts of their sum", values / values.sum()),
        ]
    return first(told for told, value in slips if sha256_of(value) == seen)


def grouping_factor(design: Design, group: str, seen: Grouping | None) -> str:
    """Name the slip that turns a factor into what an engine saw."""
    term = next((term for term in design.terms if term.group == group), None)
    if term is None or seen is None:
        return ""
    slips = [
        ("codes from 1, not from 0", grouping(term.levels, term.codes + 1)),
        *((f"levels {told}", reordered(term, order)) for told, order in orders(term)),
        *(
            (f"rows sorted by {other.group}", grouping(term.levels, term.codes[np.argsort(other.codes, kind="stable")]))
            for other in design.terms
        ),
    ]
    return first(name for name, value in slips if value == seen)


def orders(term: RandomTerm) -> list[tuple[str, list[int]]]:
    """Other orders of the levels, as positions in today's."""
    places = range(len(term.levels))
    found = [
        ("by code point", sorted(places, key=lambda k: term.levels[k])),
        ("as a locale sorts them, regardless of case", sorted(places, key=lambda k: term.levels[k].casefold())),
        ("in reverse order", [*reversed(places)]),
        ("as they first occur", [*dict.fromkeys(term.codes.tolist())]),
    ]
    if all(level.lstrip("-").replace(".", "", 1).isdigit() for level in term.levels):
        found.append(("in the order of their numbers", sorted(places, key=lambda k: float(term.levels[k]))))
    return found


def reordered(term: RandomTerm, order: list[int]) -> Grouping:
    """The factor with its levels in another order."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return grouping([term.levels[k] for k in order], place[term.codes])


def matrix(design: Design, name: str, seen: Fingerprint) -> str:
    """Name the slip that turns X or Z into what an engine built."""
    if name == "Lambda" or (name == "Z" and design.Z.shape[1] * len(design.y) > MOST):
        return ""
    whole: Array = design.X if name == "X" else design.Z.toarray()
    slips = [
        (f"{name} in single precision", whole.astype(np.float32).astype(float)),
        (f"the rows of {name} in reverse order", whole[::-1]),
        (f"the columns of {name} in reverse order", whole[:, ::-1]),
        *(
            (f"the rows of {name} sorted by {term.group}", whole[np.argsort(term.codes, kind="stable")])
            for term in design.terms
        ),
    ]
    return first(told for told, value in slips if fingerprint(value).sha256 == seen.sha256)


def first(names: Iterable[str]) -> str:
    """The first of some names."""
    return next(iter(names), "")
