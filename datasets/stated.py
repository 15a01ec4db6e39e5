"""Types of columns that are stated, not guessed: of the project's data by metadata, of a person's own by a file."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from relmer.datasets.converted import number

LARGEST = 2**63 - 1
ANSWERS = {"TRUE": True, "FALSE": False}
DAYS = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENTS = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?")

Text: TypeAlias = "pd.Series[str]"
Values: TypeAlias = "pd.Series[Any]"
Stated: TypeAlias = Mapping[str, Any]


class DataError(ValueError):
    """A data set or a case that cannot be had as asked for; the message is one line."""


@dataclass(frozen=True)
class ColumnType:
    """The type of a column, as the metadata of a data set state it.

    Attributes
    ----------
    name
        The column's.
    type
        One of `TYPES`.
    levels
        Of a factor, in their order; of an unordered one they may be left out, and stand by code point.
    unit
        For readers.
    """

    name: str
    type: str
    levels: tuple[str, ...] = ()
    unit: str | None = None


def as_stated(values: Text, column: Stated, path: Path, decimal: str = ".") -> Values:
    """Give the text of a column the type that is stated, or say which field does not fit it.

    Parameters
    ----------
    values
        The fields, missing where they are.
    column
        `name`, `type` and `levels`, as metadata and `ColumnType` have them.
    path
        The file, for messages.
    decimal
        The decimal point.
    """
    if column["type"] not in READERS:
        problem = f"gives column {column['name']} the type {column['type']!r:.60}"
        raise DataError(f"{path.name}: its metadata {problem}: write one of {', '.join(TYPES)}")
    return READERS[column["type"]](values, column, path, decimal)


def categories(values: Text, column: Stated, path: Path, decimal: str) -> Values:
    """A factor; of an unordered one the levels may be those that occur."""
    levels = column["levels"] or sorted(set(values.dropna()))
    known = set(levels)
    check_values(values, [text in known for text in values.tolist()], column, path, "one of its levels")
    return pd.Series(pd.Categorical(values, levels, ordered=column["type"] == "ordered"))


def numbers(values: Text, column: Stated, path: Path, decimal: str) -> Values:
    """Numbers, correctly rounded; pandas' parsers do so only in some versions."""
    written = values.tolist()
    meant = {text: number(text, decimal) for text in {*written} if isinstance(text, str)}
    found = [meant.get(text, float("nan")) for text in written]
    check_values(values, [n is not None for n in found], column, path, "a number")
    if column["type"] == "integer":
        whole = [n is not None and abs(n) <= LARGEST and n == int(n) for n in found]
        check_values(values, whole, column, path, "a whole number of 64 bits")
        if not values.isna().any():
            return pd.Series([int(n) for n in found if n is not None], dtype="int64")
    # Of a number beyond the doubles Python's float makes an infinite one.
    return pd.Series([float(text) if isinstance(n, int) else n for n, text in zip(found, written, strict=True)])


def logicals(values: Text, column: Stated, path: Path, decimal: str) -> Values:
    """TRUE and FALSE."""
    check_values(values, [text in ANSWERS for text in values.tolist()], column, path, "TRUE or FALSE")
    return values.map(ANSWERS).astype("boolean" if values.isna().any() else "bool")


def texts(values: Text, column: Stated, path: Path, decimal: str) -> Values:
    """Text as it stands."""
    return values


def check_values(values: Text, fits: Sequence[bool], column: Stated, path: Path, wanted: str) -> None:
    """Refuse a field that is there and does not fit the type of its column, naming file, row and value."""
    if all(fits):
        return
    for row, (text, fit) in enumerate(zip(values.tolist(), fits, strict=True), start=1):
        if isinstance(text, str) and not fit:
            raise DataError(
                f"{path.name} has in column {column['name']}, row {row}, the value {text!r:.60}, not {wanted}: correct "
                f"it, leave it empty if it is missing, or give the column another type than {column['type']}"
            )


def dates(values: Text, column: Stated, path: Path, decimal: str) -> Values:
    """Days, as Python's dates, or points in time, in universal time."""
    days = column["type"] == "Date"
    form, wanted = (DAYS, "a day such as 2020-02-29") if days else (MOMENTS, "a time such as 2020-02-29 12:30:00")
    written = values.map(lambda text: text.strip() if isinstance(text, str) else None)
    moments = pd.to_datetime(written, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    fits = [
        isinstance(text, str) and form.fullmatch(text) is not None and known
        for text, known in zip(written, moments.notna(), strict=True)
    ]
    check_values(values, fits, column, path, wanted)
    return moments.dt.date.where(moments.notna(), None) if days else moments


READERS: Mapping[str, Callable[[Text, Stated, Path, str], Values]] = {
    **dict.fromkeys(("factor", "ordered"), categories),
    **dict.fromkeys(("numeric", "integer"), numbers),
    "logical": logicals,
    "string": texts,
    **dict.fromkeys(("Date", "POSIXct"), dates),
}
TYPES = tuple(READERS)
"""Of a column, by R's names."""
