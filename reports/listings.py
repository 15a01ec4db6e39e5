"""Answers as a table: a listing of any program, typed or exported as CSV, one figure to a row."""

import csv
from pathlib import Path
from typing import Any

from relmer.datasets import DataError

NEEDED, OPTIONAL = ("case", "engine", "key", "value"), ("version",)
# A row of this key is no figure: what the program said.
WARNING = "warning"


def csv_entries(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a CSV file with the columns case, engine, version, key and value into answers.

    Values stay texts as they are printed; empty ones are not given. A semicolon or a tab may separate the fields where
    the header says so. Answers stand in the order in which they begin.

    Parameters
    ----------
    path
        In UTF-8.

    Raises
    ------
    DataError
        A column is missing or unknown, or a row is not of these fields; one line that names it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8: {error.reason} at byte {error.start}") from None
    header = lines[0] if lines else ""
    separator = max(",;\t", key=header.count)
    rows = list(csv.reader(lines, delimiter=separator))
    columns = [name.strip().lower() for name in rows[0]] if rows else []
    if sorted(columns) != sorted({*columns}) or not {*NEEDED} <= {*columns} <= {*NEEDED, *OPTIONAL}:
        raise DataError(
            f"{path.name}, line 1: the columns must be case, engine, version, key, value, not {header!r:.80}"
        )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line, row in enumerate(rows[1:], start=2):
        if any(field.strip() for field in row):
            take(found, columns, row, f"{path.name}, line {line}")
    return list(found.values())


def take(found: dict[tuple[str, str], dict[str, Any]], columns: list[str], row: list[str], where: str) -> None:
    """Put a row into the answer to which it belongs."""
    if len(row) != len(columns):
        raise DataError(
            f"{where}: {len(row)} fields where the header has {len(columns)}; quote a key with commas in it"
        )
    told = dict(zip(columns, (field.strip() for field in row), strict=True))
    for name in ("case", "engine", "key"):
        if not told[name]:
            raise DataError(f"{where}: {name} is empty")
    key, version = told["key"], told.get("version", "")
    fresh: dict[str, Any] = {"case": told["case"], "engine": told["engine"], "version": version}
    entry = found.setdefault((told["case"], told["engine"]), {**fresh, "figures": {}, "warnings": []})
    if version != entry["version"]:
        raise DataError(f"{where}: version is {version!r:.40}, and {entry['version']!r:.40} further up; leave one")
    if key.lower() == WARNING:
        entry["warnings"].append(told["value"])
    elif key in entry["figures"]:
        raise DataError(f"{where}: {key} of {told['engine']} on {told['case']} is given twice; leave one")
    else:
        entry["figures"][key] = told["value"]


def csv_template(case: str, keys: list[str]) -> str:
    r"""The table to fill in: a row for each figure of a usual listing.

    Examples
    --------
    >>> csv_template("my/1", ["sigma", "cov[g, a, b]"])
    'case,engine,version,key,value\nmy/1,,,sigma,\nmy/1,,,"cov[g, a, b]",\n'
    """
    quoted = [f'"{key}"' if "," in key else key for key in keys]
    return "\n".join(["case,engine,version,key,value", *(f"{case},,,{key}," for key in quoted)]) + "\n"
