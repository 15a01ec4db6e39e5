"""The ledger of published figures: what the documents print, where, and of which quantity."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from relmer.datasets import FREE_OF_FIT, DataError, cases
from relmer.datasets import QUANTITIES as OF_A_FIT

LEDGER = Path(__file__).parent / "published"
QUANTITIES = {
    **OF_A_FIT,
    "p": 1,
    "correlation": 2,
    "scaled_residual": 1,
    "residual": 1,
    "coef": 3,
    "G": 2,
    "Gm": 2,
    **FREE_OF_FIT,
}
EMPTY = "."
_KEY = re.compile(r"(?P<quantity>\w+)(\[(?P<names>[^\[\]]+)\])?")
_PRINTED = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+|(?=\.))(\.\d+)?([eE][-+]?\d+)?")
_RANGE = re.compile(r"(\d+):(\d+)")
_TEXTS = ("section", "case", "quantity", "printed")
_FIELDS = ("section", "label", "case", "quantity", "rows", "columns", "printed")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at one place of a document.

    Attributes
    ----------
    document, section
        Number of the document ("000"), and the heading under which the figure stands.
    label
        What was printed there, by the document's code or words.
    case
        The case whose model or data it shows.
    quantity
        Key of the quantity, such as "beta[Days]".
    printed
        The printed string.
    """

    document: str
    section: str
    label: str
    case: str
    quantity: str
    printed: str


def figures(document: str | None = None, folder: Path | None = None) -> tuple[Figure, ...]:
    """Every printed figure in the documents' order; the same quantity comes as often as it is printed.

    Parameters
    ----------
    document
        Number of the document, such as "000"; all documents if None.
    folder
        The folder with one TOML file per document.

    Raises
    ------
    DataError
        The ledger is malformed; one line that names the entry and its field.

    Examples
    --------
    >>> figures("000")[2].printed
    '1743.6'
    """
    found: list[Figure] = []
    for path in sorted((folder or LEDGER).glob("*.toml")):
        if document in (None, path.stem):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, ValueError):
                raise DataError(f"{path.name} cannot be read: restore the file") from None
            found += _read(path.stem, text)
    return tuple(found)


def number(printed: str) -> float:
    """Value of a printed figure.

    Examples
    --------
    >>> number("2,287")
    2287.0
    """
    return float(printed.replace(",", ""))


def half_unit(printed: str) -> float:
    """Half a unit of the last printed digit.

    Examples
    --------
    >>> half_unit("24.74")
    0.005
    """
    exponent = Decimal(printed.replace(",", "")).as_tuple().exponent
    return float(Decimal(5).scaleb(int(exponent) - 1))


@lru_cache(maxsize=16)
def _read(document: str, text: str) -> tuple[Figure, ...]:
    name = f"{document}.toml"
    try:
        content = tomllib.loads(text)
    except ValueError as error:
        raise DataError(f"{name} is not TOML: {error}") from None
    entries = content.pop("figure", [])
    tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if content or not tables:
        raise DataError(f"{name}: {', '.join(content) or 'figure'} stands outside a [[figure]] table: move it into one")
    known = {case.name for case in cases()}
    return tuple(
        figure
        for position, entry in enumerate(entries, start=1)
        for figure in _expanded(document, entry, f"{name}, figure {position} ({entry.get('label', '')!s:.60})", known)
    )


def _expanded(document: str, entry: Mapping[str, Any], where: str, known: set[str]) -> Iterator[Figure]:
    """Give the single figures of an entry, which may be a table and may be printed more than once."""
    unknown = [field for field in entry if field not in _FIELDS]
    if unknown:
        raise DataError(f"{where}: {unknown[0]} is no field: known are {', '.join(_FIELDS)}")
    for field in _TEXTS:
        if not isinstance(entry.get(field), str) or not entry[field]:
            raise DataError(f"{where}: {field} is {entry.get(field)!r}: give a string")
    if entry["case"] not in known:
        raise DataError(f"{where}: case is {entry['case']!r}: give the name of a case")
    labels = _names(where, "label", entry.get("label", []), ranges=False)
    cells = list(_cells(where, entry))
    for label in labels:
        for quantity, printed in cells:
            yield Figure(document, entry["section"], label, entry["case"], quantity, printed)


def _cells(where: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and printed string of every cell that shows a figure."""
    quantity = entry["quantity"]
    axes = {axis: _names(where, axis, entry[axis]) if axis in entry else ("",) for axis in ("rows", "columns")}
    for axis, slot in (("rows", "{row}"), ("columns", "{column}")):
        if (axis in entry) != (slot in quantity):
            raise DataError(f"{where}: quantity is {quantity!r}: it has {slot} if and only if there are {axis}")
    lines = [line.split() for line in entry["printed"].strip().splitlines()]
    shape = (len(axes["rows"]), len(axes["columns"]))
    if len(lines) != shape[0] or any(len(line) != shape[1] for line in lines):
        raise DataError(f"{where}: printed is no table of {shape[0]} rows and {shape[1]} columns: align it with them")
    printed = [cell for line in lines for cell in line]
    for (row, column), cell in zip(product(axes["rows"], axes["columns"]), printed, strict=True):
        key = quantity.replace("{row}", row).replace("{column}", column)
        parts = _KEY.fullmatch(key)
        names = parts["names"].split(", ") if parts and parts["names"] else []
        if not parts or QUANTITIES.get(parts["quantity"]) != len(names):
            raise DataError(
                f"{where}: quantity is {key!r}: write quantity[name, ...] with one of {', '.join(QUANTITIES)}"
            )
        if cell == EMPTY and "rows" in entry:
            continue
        if not _PRINTED.fullmatch(cell):
            raise DataError(f"{where}: printed has {cell!r}: give the printed figure")
        yield key, cell


def _names(where: str, field: str, value: object, *, ranges: bool = True) -> tuple[str, ...]:
    """Give a list of strings; a range such as "26:32", or a single label, stands for one."""
    if isinstance(value, str) and ranges:
        ends = _RANGE.fullmatch(value)
        listed: list[object] = [str(k) for k in range(int(ends[1]), int(ends[2]) + 1)] if ends else []
    else:
        listed = [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []
    names = tuple(name for name in listed if isinstance(name, str) and name)
    if not names or len(names) != len(listed):
        raise DataError(
            f"{where}: {field} is {value!r}: give {'names, or a range,' if ranges else 'a string,'} or a list"
        )
    return names
