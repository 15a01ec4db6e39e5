"""The data sets that are files, most of them out of R by `export.R`: read, checked, given their types."""

import gzip
import hashlib
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets.stated import DataError, as_stated

DATA = Path(__file__).parent / "data"


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
    columns = {column["name"]: as_stated(raw[column["name"]], column, path) for column in meta["columns"]}
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
