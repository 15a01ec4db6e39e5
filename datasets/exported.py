"""The data sets that are files, most of them out of R by `export.R`: read, checked, given their types."""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets.converted import number

TYPES = ("factor", "ordered", "numeric", "integer", "logical", "string")
"""Of a column, in the metadata."""
LARGEST = 2**63 - 1
ANSWERS = {"TRUE": True, "FALSE": False}
DATA = Path(__file__).parent / "data"


class DataError(ValueError):
    """A data set or a case that cannot be had as asked for; the message is one line."""


def exported_names(root: Path = DATA) -> tuple[str, ...]:
    """Return the names of the exported data sets, in alphabetical order."""
    return tuple(sorted(path.stem for path in root.glob("*.json")))


def read_exported(name: str, root: Path = DATA) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read one exported data set and verify it.

    Parameters
    ----------
    name
        One of `exported_names(root)`.
    root
        The folder with the CSV and metadata files.

    Returns
    -------
    tuple
        The frame, and the metadata as a dictionary.

    Raises
    ------
    DataError
        If a file is missing, or is not the one that was exported.
    """
    meta = _read_meta(root / f"{name}.json")
    path = root / meta["file"]
    text = _read_text(path)
    if hashlib.sha256(text).hexdigest() != meta["sha256"]:
        raise DataError(_restore(path, "does not have the sha256 that its metadata states"))
    raw = pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False, na_values=[""])
    if list(raw.columns) != [column["name"] for column in meta["columns"]] or len(raw) != meta["rows"]:
        raise DataError(_restore(path, "does not have the rows and columns that its metadata states"))
    columns = {column["name"]: _typed(raw[column["name"]], column, path) for column in meta["columns"]}
    return pd.DataFrame(columns), meta


def _restore(path: Path, problem: str) -> str:
    """What is wrong with a file, and how to mend it."""
    return f"{path.name} {problem}: restore the file, or export it again with export.R"


def _read_meta(path: Path) -> dict[str, Any]:
    """Read a metadata file, which must have what `read_exported` takes from it."""
    try:
        meta: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise DataError(_restore(path, "cannot be read")) from None
    except ValueError:
        raise DataError(_restore(path, "is not JSON")) from None
    missing = {"name", "file", "sha256", "rows", "columns"} - set(meta)
    if missing:
        raise DataError(_restore(path, f"lacks {', '.join(sorted(missing))}"))
    return meta


def _read_text(path: Path) -> bytes:
    """Read the CSV text, uncompressed."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error):
        raise DataError(_restore(path, "cannot be read")) from None


def _typed(values: pd.Series, column: Mapping[str, Any], path: Path) -> pd.Series:
    """Give the text of a column the type that the metadata state."""
    match column["type"]:
        case "factor" | "ordered" as kind:
            levels = set(column["levels"])
            check_values(values, [text in levels for text in values.tolist()], column, path, "one of its levels")
            return pd.Series(pd.Categorical(values, column["levels"], ordered=kind == "ordered"))
        case "numeric" | "integer" as kind:
            # Numbers correctly rounded; pandas' parsers do so only in some versions.
            numbers = [number(text) if isinstance(text, str) else float("nan") for text in values.tolist()]
            check_values(values, [n is not None for n in numbers], column, path, "a number")
            if kind == "integer":
                whole = [n is not None and abs(n) <= LARGEST and n == int(n) for n in numbers]
                check_values(values, whole, column, path, "a whole number of 64 bits")
                if not values.isna().any():
                    return pd.Series([int(n) for n in numbers if n is not None], dtype="int64")
            # Of a number beyond the doubles Python's float makes an infinite one.
            return pd.Series(
                [float(text) if isinstance(n, int) else n for n, text in zip(numbers, values, strict=True)]
            )
        case "logical":
            check_values(values, [text in ANSWERS for text in values.tolist()], column, path, "TRUE or FALSE")
            return values.map(ANSWERS).astype("boolean" if values.isna().any() else "bool")
        case "string":
            return values
        case kind:
            problem = f"gives column {column['name']} the type {kind!r:.60}"
            raise DataError(f"{path.name}: its metadata {problem}: write one of {', '.join(TYPES)}")


def check_values(
    values: "pd.Series[str]", fits: Sequence[bool], column: Mapping[str, Any], path: Path, wanted: str
) -> None:
    """Refuse a field that is there and does not fit the type of its column, naming file, row and value."""
    for row, (text, fit) in enumerate(zip(values.tolist(), fits, strict=True), start=1):
        if isinstance(text, str) and not fit:
            raise DataError(
                f"{path.name} has in column {column['name']}, row {row}, the value {text!r:.60}, not {wanted}: correct "
                f"it, leave it empty if it is missing, or give the column another type than {column['type']}"
            )
