"""A person's own data: reached by the path of a file that says how to read them, so that every process can.

`keep_table` puts a copy of a file into a folder, with its sha256 and how it is to be read, and gives the path of
the file that says so. That path is a name that `load` takes: it travels in a `Case` to whoever is asked about it.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets.plain import Misfit, from_plain
from relmer.datasets.stated import ColumnType, DataError
from relmer.datasets.table import COMPRESSED, read_table
from relmer.datasets.whole import write_named

FORM = "relmer-own-data/1"


def is_own(name: str) -> bool:
    """Whether the name of a data set is the path of a person's own.

    Examples
    --------
    >>> is_own("sleepstudy")
    False
    """
    return name.endswith(".json") and Path(name).is_absolute()


def keep_table(
    file: Path,
    folder: Path,
    separator: str = ",",
    decimal: str = ".",
    missing: tuple[str, ...] = (),
    types: tuple[ColumnType, ...] = (),
    name: str = "",
) -> str:
    """Copy a person's file into a folder, and write down how to read it; give the name that `load` takes.

    Parameters
    ----------
    file
        The file, as `read_table` takes it.
    folder
        Where the copy is kept, for as long as the data are of use.
    separator, decimal, missing, types
        As `read_table` takes them.
    name
        What the data are called; as the file otherwise.

    Raises
    ------
    OSError
        The file cannot be read, or the copy not be written.
    """
    content, stem = file.read_bytes(), Path(file.name.removesuffix(COMPRESSED)).stem
    # The copy keeps the name: messages show it.
    write_named(folder / file.name, content)
    said = {
        "form": FORM,
        "name": name or stem,
        "file": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "separator": separator,
        "decimal": decimal,
        "missing": list(missing),
        "types": [asdict(each) for each in types],
    }
    note = folder.resolve() / f"{stem}.data.json"
    write_named(note, json.dumps(said))
    return str(note)


def written_down(name: str) -> str:
    """What tells data apart wherever they stand: of a person's own the sha256 and how to read them, else the name.

    Raises
    ------
    OSError
        There are no such data.
    """
    return Path(name).read_text(encoding="utf-8") if is_own(name) else name


def read_own(name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a person's own data, as `read_table` does; `remarks` of the metadata tell what was guessed, by column.

    Raises
    ------
    DataError
        There are no such data, or the file has changed, or is no table.
    """
    note = Path(name)
    try:
        meta: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        if meta.get("form") != FORM:
            raise DataError(f"{note.name} does not say how to read data: it is not of the form {FORM}")
        file = note.parent / meta["file"]
        types = from_plain(tuple[ColumnType, ...], meta["types"], "types")
        changed = hashlib.sha256(file.read_bytes()).hexdigest() != meta["sha256"]
    except (OSError, KeyError, AttributeError, json.JSONDecodeError, Misfit):
        raise DataError(f"the data {note.name} are not there, or cannot be read: give them again by --data") from None
    if changed:
        raise DataError(f"{file.name} does not have the sha256 that was written down: give the data again by --data")
    table = read_table(file, meta["separator"], meta["decimal"], meta["missing"], types)
    return table.frame, {
        "name": meta["name"],
        "title": f"{file.name}, a person's own data",
        "source": "the command line",
        "licence": "",
        "script": "",
        "rows": len(table.frame),
        "file": meta["file"],
        "sha256": meta["sha256"],
        "remarks": dict(table.remarks),
    }
