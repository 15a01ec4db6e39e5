"""The ledger of published figures: what the documents print, where, and of which quantity."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from relmer.datasets import (
    OF_A_DOCUMENT,
    DataError,
    cases,
    entry_record,
    is_printed,
    parse_key,
    printed_cells,
    toml_entries,
)

LEDGER = Path(__file__).parent / "published"
EMPTY = "."
_RANGE = re.compile(r"(\d+):(\d+)")
_TEXTS = ("section", "case", "quantity", "printed")
# An entry in which everything is missing, and what to write there.
_BLANK: Mapping[str, Any] = {**dict.fromkeys(_TEXTS), "label": []}
_GIVE = {
    **dict.fromkeys(_TEXTS, "a string"),
    "label": "a string, or a list",
    **dict.fromkeys(("rows", "columns"), "names, or a range, or a list"),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of the ledger; the comment at the top of `000.toml` explains its fields."""

    section: str
    label: tuple[str, ...]
    case: str
    quantity: str
    rows: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    printed: str


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


@lru_cache(maxsize=16)
def _read(document: str, text: str) -> tuple[Figure, ...]:
    name = f"{document}.toml"
    known = {case.name for case in cases()}
    return tuple(
        figure
        for position, entry in enumerate(toml_entries(name, text, "figure"), start=1)
        for figure in _expanded(document, entry, f"{name}, figure {position} ({entry.get('label', '')!s:.60})", known)
    )


def _expanded(document: str, written: Mapping[str, Any], where: str, known: set[str]) -> Iterator[Figure]:
    """The single figures of an entry, which may be a table and may be printed more than once."""
    entry = _checked({**_BLANK, **written}, where)
    if entry.case not in known:
        raise DataError(f"{where}: case is {entry.case!r}: give the name of a case")
    cells = list(_cells(where, entry))
    for label in entry.label:
        for quantity, printed in cells:
            yield Figure(document, entry.section, label, entry.case, quantity, printed)


def _checked(written: Mapping[str, Any], where: str) -> Entry:
    """Read an entry; a single label and a range such as "26:32" stand for a list, and nothing may be empty."""
    label = written["label"]
    spread = {"label": [label] if isinstance(label, str) and label else label}
    spread |= {axis: _range(written[axis]) for axis in ("rows", "columns") if axis in written}
    entry = entry_record(Entry, {**written, **spread}, where, _GIVE)
    for field in written:
        value = getattr(entry, field)
        if not value or not all(value):
            raise DataError(f"{where}: {field} is {written[field]!r}: give {_GIVE[field]}")
    return entry


def _range(value: object) -> object:
    """The names that a range stands for; what is no range, or an empty one, is left as it is."""
    ends = _RANGE.fullmatch(value) if isinstance(value, str) else None
    return [str(k) for k in range(int(ends[1]), int(ends[2]) + 1)] or value if ends else value


def _cells(where: str, entry: Entry) -> Iterator[tuple[str, str]]:
    """Key and printed string of every cell that shows a figure."""
    quantity = entry.quantity
    for axis, names, slot in (("rows", entry.rows, "{row}"), ("columns", entry.columns, "{column}")):
        if (names is not None) != (slot in quantity):
            raise DataError(f"{where}: quantity is {quantity!r}: it has {slot} if and only if there are {axis}")
    rows, columns = entry.rows or ("",), entry.columns or ("",)
    lines = [printed_cells(line) for line in entry.printed.strip().splitlines()]
    if len(lines) != len(rows) or any(len(line) != len(columns) for line in lines):
        raise DataError(
            f"{where}: printed is no table of {len(rows)} rows and {len(columns)} columns: align it with them"
        )
    printed = [cell for line in lines for cell in line]
    for (row, column), cell in zip(product(rows, columns), printed, strict=True):
        key = quantity.replace("{row}", row).replace("{column}", column)
        try:
            parse_key(key, OF_A_DOCUMENT)
        except ValueError as error:
            raise DataError(f"{where}: quantity is {error}") from None
        if cell == EMPTY and entry.rows is not None:
            continue
        if not is_printed(cell):
            raise DataError(f"{where}: printed has {cell!r}: give the printed figure")
        yield key, cell
