"""A person's own data: reached by the path of a file that says how to read them, so that every process can.

`keep_table` puts a copy of a file into a folder, with its sha256 and how it is to be read, and gives the path of
the file that says so; `keep_frame` does it with a data frame. That path is a name that `load` takes: it travels in a
`Case` to whoever is asked about it.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets.frames import frame_text, read_frame
from relmer.datasets.plain import Misfit, from_plain
from relmer.datasets.stated import ColumnType, DataError
from relmer.datasets.table import COMPRESSED, Table, read_table
from relmer.datasets.whole import write_named

FORM, FRAME_FORM = "relmer-own-data/1", "relmer-own-frame/1"
FRAME = "frame"


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
    return written(said, folder, stem)


def keep_frame(frame: pd.DataFrame, folder: Path, name: str = FRAME) -> str:
    """Write a data frame down as it is now, but for its index; give the name that `load` takes.

    Parameters
    ----------
    frame
        As `frame_text` takes it.
    folder
        Where it is kept, for as long as the data are of use.
    name
        What the data are called.

    Raises
    ------
    DataError
        A column cannot be kept; one line.
    OSError
        The folder cannot be written to.
    """
    content, file = frame_text(frame).encode(), f"{FRAME}.json"
    (folder / file).write_bytes(content)
    said = {"form": FRAME_FORM, "name": name, "file": file, "sha256": hashlib.sha256(content).hexdigest()}
    return written(said, folder, FRAME)


def written(said: dict[str, Any], folder: Path, stem: str) -> str:
    """Write down how data are read; the path of the note."""
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
    """Read a person's own data, a file as `read_table` does; `remarks` of the metadata tell what was guessed.

    Raises
    ------
    DataError
        There are no such data, or the file has changed, or is no table.
    """
    note = Path(name)
    try:
        meta: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        if meta.get("form") not in (FORM, FRAME_FORM):
            raise DataError(f"{note.name} does not say how to read data: it is not of the form {FORM}")
        file = note.parent / meta["file"]
        is_frame = meta["form"] == FRAME_FORM
        types = () if is_frame else from_plain(tuple[ColumnType, ...], meta["types"], "types")
        content = file.read_bytes()
    except (OSError, KeyError, AttributeError, json.JSONDecodeError, Misfit):
        raise DataError(f"the data {note.name} are not there, or cannot be read: give them again") from None
    if hashlib.sha256(content).hexdigest() != meta["sha256"]:
        raise DataError(f"{file.name} does not have the sha256 that was written down: give the data again")
    if is_frame:
        table, what = Table(frame=frame_of(content, file.name), remarks={}), "a person's own data frame"
    else:
        table = read_table(file, meta["separator"], meta["decimal"], meta["missing"], types)
        what = f"{file.name}, a person's own data"
    return table.frame, {
        "name": meta["name"],
        "title": what,
        "source": "Python" if is_frame else "a file",
        "licence": "",
        "script": "",
        "rows": len(table.frame),
        "file": meta["file"],
        "sha256": meta["sha256"],
        "remarks": dict(table.remarks),
    }


def frame_of(content: bytes, name: str) -> pd.DataFrame:
    """The frame that was written down."""
    try:
        return read_frame(content.decode())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{name} holds no data frame: give the data again") from None
