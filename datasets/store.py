"""The door to the data: `names()` says what there is, `load(name)` brings it."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets.exported import DATA, exported_names, read_exported
from relmer.datasets.own import is_own, read_own
from relmer.datasets.simulated import DERIVED
from relmer.datasets.stated import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A data set, and all that is known about it.

    Attributes
    ----------
    name : str
        The name by which `load` finds it.
    frame : pandas.DataFrame
        The values. A factor of R is a `pandas.Categorical` with R's order of levels. A whole-number
        column is int64, or float64 where it has missing values.
    meta : Mapping
        `title`, `source`, `licence`, `script`, `rows`, and `columns`: one mapping with `name`, `type`,
        `levels` and `unit` for each column.
    sha256 : str
        Of an exported data set: the hash of its CSV text, uncompressed. Of a derived one: `frame_sha256`.
    """

    name: str
    frame: pd.DataFrame
    meta: Mapping[str, Any]
    sha256: str


def names() -> tuple[str, ...]:
    """Return the names of all data sets, in alphabetical order.

    Examples
    --------
    >>> {"sleepstudy", "three_level"} <= set(names())
    True
    """
    return tuple(sorted({*exported_names(), *DERIVED}))


def load(name: str, root: Path = DATA) -> Dataset:
    """Load a data set; its files are verified, and the frame is the caller's own.

    Parameters
    ----------
    name
        One of `names()`, or what `keep_table` or `keep_frame` gave for a person's own data.
    root
        The folder with the exported files; only tests need another.

    Raises
    ------
    DataError
        If there is no such data set, or a file is not the one that was exported.

    Examples
    --------
    >>> machines = load("Machines")
    >>> machines.frame.shape
    (54, 3)
    >>> list(machines.frame["Worker"].cat.categories)
    ['6', '2', '4', '1', '3', '5']
    """
    verified = _own(name) if is_own(name) else _verified(name, root, _stamp(root))
    return replace(verified, frame=verified.frame.copy())


def _stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of the files: a change calls for another verification."""
    found = ((path.name, path.stat()) for path in sorted(root.iterdir()))
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


@lru_cache(maxsize=2)
def _own(name: str) -> Dataset:
    """A person's own data; what was read once stays the same for as long as the process lives."""
    frame, meta = read_own(name)
    return Dataset(meta["name"], frame, meta | {"columns": describe(frame)}, meta["sha256"])


@lru_cache(maxsize=16)
def _verified(name: str, root: Path, stamp: tuple[tuple[str, int, int], ...]) -> Dataset:
    """Load a data set anew; it is kept for as long as the stamp of its folder is the same."""
    if name in DERIVED:
        return _load_derived(name, root)
    if name not in exported_names(root):
        known = sorted({*exported_names(root), *DERIVED})
        raise DataError(f"no data set is called {name!r}: {closest(name, known)}")
    frame, meta = read_exported(name, root)
    return Dataset(name, frame, meta, meta["sha256"])


def frame_sha256(frame: pd.DataFrame) -> str:
    r"""Hash a frame's values, column names, types and levels.

    The hash is taken over UTF-8 text. Its first line is the JSON of the columns: for each an object with
    the keys `name`, `type`, `levels`, in this order and without blanks. A line for each row follows: a JSON
    array of its values, without blanks, doubles as Python's shortest `repr`, missing values as `null`.
    Every line ends with ``\n``.

    Examples
    --------
    >>> frame_sha256(pd.DataFrame({"y": [0.5]}))[:16]
    'cf46d2ebe62ae9e6'
    """
    columns = [{key: column[key] for key in ("name", "type", "levels")} for column in describe(frame)]
    values = frame.astype(object).where(frame.notna(), None)
    rows = values.itertuples(index=False, name=None)
    lines = [json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in (columns, *rows)]
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def describe(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return `name`, `type`, `levels` and `unit` of each column, as the metadata files state them.

    Examples
    --------
    >>> describe(pd.DataFrame({"y": [0.5]}))
    [{'name': 'y', 'type': 'numeric', 'levels': [], 'unit': None}]
    """
    return [
        {
            "name": str(name),
            "type": _column_type(column),
            "levels": list(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else [],
            "unit": None,
        }
        for name, column in frame.items()
    ]


def _column_type(column: pd.Series) -> str:
    """The type of a column, as the metadata files name it."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "ordered" if column.cat.ordered else "factor"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "logical"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "integer"
    if pd.api.types.is_float_dtype(column.dtype):
        return "numeric"
    if isinstance(column.dtype, pd.PeriodDtype) or pd.api.types.infer_dtype(column, skipna=True) == "date":
        return "Date"
    return "POSIXct" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "string"


def _load_derived(name: str, root: Path) -> Dataset:
    """Compute a derived data set, and what is known about it."""
    derived = DERIVED[name]
    frame = derived.build(root)
    sha256 = frame_sha256(frame)
    meta = {
        "name": name,
        "title": derived.title,
        "source": derived.source,
        "licence": derived.licence,
        "script": "simulated.py",
        "rows": len(frame),
        "sha256": sha256,
        "columns": describe(frame),
    }
    return Dataset(name, frame, meta, sha256)


def closest(name: str, known: Iterable[str]) -> str:
    """Say which known names come close to a mistyped one, or what is known at all."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower)]
    return f"did you mean {' or '.join(matches)}?" if matches else f"known are {', '.join(by_lower.values())}"
