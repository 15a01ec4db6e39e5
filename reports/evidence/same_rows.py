"""Known slips on the way from a data set to y, the levels and X, Z: the digest that each would give.

Only digests of what an engine saw are known. Where one differs, what the slip would have given is computed here from
what this project reads, and the slip whose digest is the engine's is named.
"""

import re
from collections.abc import Iterable

import numpy as np
from scipy import sparse

from relmer.reference.answers import Data, Fingerprint, Grouping, data_seen, fingerprint, grouping, sha256_of
from relmer.solver.arrays import Array
from relmer.solver.model import Design, RandomTerm

# Entries of a Z that is written out.
MOST = 10**7
# Columns of which a slip is sought.
MOST_COLUMNS = 5
# Of other units.
FACTORS = (1000.0, 100.0, 10.0, 0.1, 0.01, 0.001)


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
        ("the response with the other sign", -y),
        ("the response a row late", np.roll(y, 1)),
        ("the response rounded to integers", np.round(y)),
        *((f"the response times {factor:g}", factor * y) for factor in FACTORS),
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
        slips += [("the offset twice", 2 * values)]
    else:
        slips += [
            ("no weights, but ones", np.ones_like(values)),
            ("the reciprocals of the weights, as variances", 1 / values),
            ("the square roots of the weights", np.sqrt(values)),
            ("the squares of the weights", values**2),
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
    found.append(("in the order of the numbers in them", sorted(places, key=lambda k: natural(term.levels[k]))))
    if all(level.lstrip("-").replace(".", "", 1).isdigit() for level in term.levels):
        found.append(("in the order of their numbers", sorted(places, key=lambda k: float(term.levels[k]))))
    return found


def natural(level: str) -> list[tuple[int, str]]:
    """Sorts numbers within a label by their size.

    Examples
    --------
    >>> sorted(["g10", "g9", "f2"], key=natural)
    ['f2', 'g9', 'g10']
    """
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", level)]


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


def columns(design: Design, name: str, seen: Fingerprint, wanted: Fingerprint) -> str:
    """Name the columns of X, or of the terms of Z, that differ, and the slip of each; empty where columns are not told.

    A slip is sought of so many columns, `MOST_COLUMNS`; of the others only the name is told.
    """
    if name == "Lambda" or len(seen.columns) != len(wanted.columns) or seen.columns == wanted.columns:
        return ""
    named = column_names(design, name)
    if sorted(seen.columns) == sorted(wanted.columns):
        order = [named[wanted.columns.index(digest)] for digest in seen.columns]
        return f"the same columns of {name} in another order: {', '.join(order)}"
    other = [k for k, (one, two) in enumerate(zip(seen.columns, wanted.columns, strict=True)) if one != two]
    told = []
    for k in other[:MOST_COLUMNS]:
        if seen.columns[k] in wanted.columns:
            slip = f"it is column {named[wanted.columns.index(seen.columns[k])]}"
        else:
            slip = slip_of(design, name, k, seen.columns[k])
        told.append(f"{named[k]}{f' ({slip})' if slip else ''}")
    told += [named[k] for k in other[MOST_COLUMNS:]]
    alike = len(named) - len(other)
    return f"{name} differs in {', '.join(told)}" + (f"; the other {alike} the same bits" if alike else "")


def column_names(design: Design, name: str) -> list[str]:
    """What the columns are called whose digests a fingerprint holds."""
    if name == "X":
        return list(design.coefficients)
    return [f"{column} in {term.group}" for term in design.terms for column in term.columns]


def slip_of(design: Design, name: str, k: int, seen: str) -> str:
    """Name the slip that gives a column's digest; empty if none is known."""
    term, place = None, k
    if name == "Z":
        term, place = [(term, j) for term in design.terms for j in range(len(term.columns))][k]
    x = design.X[:, k] if term is None else term.X[:, place]
    centred, spread = x - x.mean(), x.std(ddof=1)
    slips = [
        ("in single precision", x.astype(np.float32).astype(float)),
        ("its rows in reverse order", x[::-1]),
        ("with the other sign", -x),
        ("about its mean", centred),
        ("in units of its standard deviation", centred / spread if spread else x),
        ("0 and 1 exchanged", 1 - x),
        ("coded -1 and 1 for 0 and 1", 2 * x - 1),
        ("coded 1 and -1 for 0 and 1", 1 - 2 * x),
        ("its logarithm", np.log(np.where(x > 0, x, 1.0))),
        *((f"times {factor:g}", factor * x) for factor in FACTORS),
        *((f"its rows sorted by {other.group}", x[np.argsort(other.codes, kind="stable")]) for other in design.terms),
    ]
    return first(told for told, value in slips if digest_alone(value, term) == seen)


def digest_alone(x: Array, term: RandomTerm | None) -> str:
    """Digest of one column: of X, or of a term, spread over its levels."""
    if term is None:
        return fingerprint(x[:, None], np.zeros(1, dtype=np.int64)).columns[0]
    spread = sparse.csc_array((x, (np.arange(len(x)), term.codes)), shape=(len(x), len(term.levels)))
    return fingerprint(spread, np.zeros(len(term.levels), dtype=np.int64)).columns[0]


def first(names: Iterable[str]) -> str:
    """The first of some names."""
    return next(iter(names), "")
