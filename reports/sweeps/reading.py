"""A sweep's folder, read: its manifest, and its rows in batches, so that no more than a block is held at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from relmer.datasets import DataError
from relmer.reports.sweeps.rows import SCHEMA, SCHEMA_NAME

MANIFEST, ROWS = "sweep.json", "rows"
BATCH = 32_768
KINDS = ("cases", "designs", "simulate")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The true parameters of a simulation, in the order of the columns of X."""

    theta: tuple[float, ...]
    beta: tuple[float, ...]
    sigma: float


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the manifest says of a source."""

    name: str
    what: str
    units: int
    level: float | None
    truth: Truth | None
    coefficients: tuple[str, ...]
    theta_names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was planned: relmer and the digest of its code, the plan as plain data, the sources by name, the rest."""

    relmer: str
    code: str
    plan: Mapping[str, Any]
    sources: Mapping[str, Told]
    engines: Mapping[str, str]
    machine: Mapping[str, str]
    units: int


def manifest_of(folder: Path) -> Manifest:
    """Read a sweep's manifest.

    Raises
    ------
    DataError
        The folder has none, or it is none; one line.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder} holds no sweep: there is no {MANIFEST} in it")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA_NAME:
        raise DataError(f"{path} is no manifest of a sweep: its schema is not {SCHEMA_NAME!r}")
    try:
        sources = [told(source) for source in typed(content, "sources", list)]
        return Manifest(
            relmer=typed(content, "relmer", str),
            code=str(content.get("code") or ""),
            plan=typed(content, "plan", dict),
            sources={source.name: source for source in sources},
            engines={str(k): str(v) for k, v in typed(content, "engines", dict).items()},
            machine={str(k): str(v) for k, v in typed(content, "machine", dict).items()},
            units=typed(content, "units", int),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path} is damaged: {error}") from error


def told(source: Any) -> Told:
    """One source out of the manifest.

    Raises
    ------
    TypeError, ValueError
        It is none.
    """
    if not isinstance(source, dict):
        raise TypeError("a source is no table")
    name, what, level, truth = typed(source, "name", str), typed(source, "what", str), source.get("level"), None
    if what not in KINDS:
        raise ValueError(f"source {name!r} is {what!r}, and none of {', '.join(KINDS)}")
    if source.get("truth") is not None:
        known = typed(source, "truth", dict)
        theta, beta = (tuple(map(float, typed(known, part, list))) for part in ("theta", "beta"))
        truth = Truth(theta=theta, beta=beta, sigma=float(typed(known, "sigma", (int, float))))
    coefficients, theta_names = (tuple(map(str, source.get(part) or ())) for part in ("coefficients", "theta_names"))
    if truth is not None and (len(coefficients), len(theta_names)) != (len(truth.beta), len(truth.theta)):
        raise ValueError(f"source {name!r} has not as many names as true parameters")
    return Told(
        name=name,
        what=what,
        units=typed(source, "units", int),
        level=None if level is None else float(level),
        truth=truth,
        coefficients=coefficients,
        theta_names=theta_names,
    )


def typed(content: Mapping[str, Any], name: str, kind: Any) -> Any:
    """An entry that must be there and of a type.

    Raises
    ------
    TypeError
        It is not.

    Examples
    --------
    >>> typed({"units": 3}, "units", int)
    3
    """
    value = content.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{name!r} is missing or of another type")
    return value


def files_of(folder: Path) -> tuple[Path, ...]:
    """The files of the rows, by name.

    Raises
    ------
    DataError
        There are none.
    """
    found = tuple(sorted((folder / ROWS).glob("*.parquet")))
    if not found:
        raise DataError(f"{folder} has no rows yet: there is no Parquet file in {folder / ROWS}")
    return found


def batches(path: Path, columns: Sequence[str], size: int = BATCH) -> Iterator[pa.RecordBatch]:
    """Some columns of a file, a batch of rows at a time.

    Raises
    ------
    DataError
        It is no Parquet file, or not one of a sweep.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            check_columns(path, file.schema_arrow)
            yield from file.iter_batches(size, columns=list(columns), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file, or a damaged one: {first_line(error)}") from error


def rows_in(path: Path) -> int:
    """How many rows a file has.

    Raises
    ------
    DataError
        As `batches` does.
    """
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file, or a damaged one: {first_line(error)}") from error


def check_columns(path: Path, found: pa.Schema) -> None:
    """See that a file has the columns of a sweep.

    Raises
    ------
    DataError
        One is missing, of another type, or not known.
    """
    for field in SCHEMA:
        where = found.get_field_index(field.name)
        if where < 0:
            raise DataError(f"{path} is no part of a sweep: it has no column {field.name!r}")
        if found.field(where).type != field.type:
            is_of = f"is {found.field(where).type}, and not {field.type}"
            raise DataError(f"{path} is no part of a sweep: its column {field.name!r} {is_of}")
    if unknown := {*found.names} - {*SCHEMA.names}:
        raise DataError(f"{path} is no part of a sweep: it has a column {min(unknown)!r}")


def first_line(error: BaseException) -> str:
    """The beginning of what an error says."""
    return next(iter(str(error).splitlines()), type(error).__name__)
