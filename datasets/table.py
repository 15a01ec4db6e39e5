"""Read a person's own file as R's `read.csv` does, numbers correctly rounded, and tell what was guessed."""

import csv
import gzip
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from relmer.datasets.converted import LOGICAL, is_hexadecimal, number
from relmer.datasets.entries import EntryError, entry_record, toml_entries
from relmer.datasets.stated import TYPES, ColumnType, DataError, as_stated

SEPARATORS = {";": "';'", "\t": "tab", "|": "'|'"}
"""What stands between fields where it is no comma, and how it is written on the command line."""
DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4})")
COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}([,. '][0-9]{3})+([.,][0-9]+)?")
PYTHON_LOGICAL = {"True", "False", "true", "false"}
LARGEST = 2**63 - 1
SHOWN = 3
COMPRESSED, PARQUET = ".gz", ".parquet"
GIVE = {
    "name": "a string, the name of a column",
    "type": f"one of {', '.join(TYPES)}",
    "levels": 'a list of strings, such as ["low", "high"]',
    "unit": "a string",
}
"""What to write in the fields of a file of types."""
HEAD = 20
"""So many lines are looked at to see which separator a file has."""


@dataclass(frozen=True)
class Table:
    """A CSV file, read.

    Attributes
    ----------
    frame : DataFrame
        The values. Whole numbers are int64, Int64 where some are missing, or Python's own beyond 64 bits.
    remarks : Mapping of str to str
        By column, one line about a type that may not be the one that was meant, with what to do.
    """

    frame: pd.DataFrame
    remarks: Mapping[str, str]


def read_table(
    path: Path,
    separator: str = ",",
    decimal: str = ".",
    missing: Sequence[str] = (),
    types: Sequence[ColumnType] = (),
) -> Table:
    """Read a CSV file with a header, which may be compressed (.gz); or a Parquet file (.parquet), by pyarrow.

    A column is logical if it holds nothing but T, F, TRUE and FALSE, else numbers if all are, decimal or hexadecimal,
    else text: R's rules. An empty field and NA are missing values, in text too, where R keeps the empty field. Names of
    columns stay as they are, where R makes `X4_var` of `4_var`.

    Parameters
    ----------
    path
        The file, in UTF-8.
    separator
        What stands between fields, a single character.
    decimal
        The decimal point, a single character.
    missing
        Further texts that stand for a missing value.
    types
        Of columns whose type is stated; those of others are guessed. A Parquet file has types of its own.

    Raises
    ------
    DataError
        The file is not UTF-8 text, or not a table with a header, or has another separator.
    """
    check_options(separator, decimal)
    if path.suffix == PARQUET:
        return read_parquet(path, types)
    try:
        check_separator(path, separator)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            raw = pd.read_csv(
                path, sep=separator, dtype=str, keep_default_na=False, na_values=["", "NA", *missing], index_col=False
            )
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise DataError(f"{path.name} is not compressed, as its name says: rename it") from None
    except (ValueError, pd.errors.ParserWarning) as error:
        if isinstance(error, DataError):
            raise
        reason = ragged(path, separator) or " ".join(str(error).split())
        raise DataError(f"{path.name} is not a CSV file with a header, in UTF-8: {reason:.200}") from None
    stated = {each.name: each for each in types}
    check_names(stated, raw.columns, path)
    read = {
        name: (as_stated(raw[name], vars(stated[name]), path, decimal), "")
        if name in stated
        else typed(raw[name], str(name), decimal)
        for name in raw.columns
    }
    remarks = {str(name): remark for name, (_, remark) in read.items() if remark}
    return Table(frame=pd.DataFrame({name: values for name, (values, _) in read.items()}), remarks=remarks)


def read_parquet(path: Path, types: Sequence[ColumnType]) -> Table:
    """Read a Parquet file; it says itself what its columns are."""
    if types:
        raise DataError(f"{path.name} has types of its own: leave --types out, or make a CSV file of it")
    try:
        return Table(frame=pd.read_parquet(path, engine="pyarrow").reset_index(drop=True), remarks={})
    except ImportError:
        raise DataError(f"{path.name}: Parquet needs pyarrow: pip install 'relmer[parquet]'") from None
    except (ValueError, TypeError) as error:
        raise DataError(f"{path.name} is not a Parquet file: {' '.join(str(error).split()):.200}") from None


def read_types(path: Path) -> tuple[ColumnType, ...]:
    """Read the types of columns out of a TOML file: ``[[column]]`` tables with name, type and levels.

    Raises
    ------
    DataError
        The file holds something else; one line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not TOML: it is not in UTF-8") from None
    return checked_types(toml_entries(path.name, text, "column"), path.name)


def checked_types(entries: Sequence[Mapping[str, Any]], file: str) -> tuple[ColumnType, ...]:
    """The types of columns, as they are written.

    Raises
    ------
    EntryError
        They are no types, or two are of one column; one line, whose `at` begins with the number of the entry, from 0.
    """
    found: list[ColumnType] = []
    for k, entry in enumerate(entries):
        where = f"{file}, column {entry.get('name', f'number {k + 1}')!r:.60}"
        try:
            column = entry_record(ColumnType, entry, where, GIVE)
            if column.type not in TYPES:
                raise EntryError(f"{where}: type is {column.type!r:.60}: give {GIVE['type']}", "type")
            if column.levels and column.type not in ("factor", "ordered"):
                raise EntryError(f"{where}: a column of type {column.type} has no levels: leave them out", "levels")
            if column.type == "ordered" and not column.levels:
                raise EntryError(f"{where}: levels are missing: add them in their order")
            if len(set(column.levels)) < len(column.levels):
                raise EntryError(f"{where}: a level is named twice: name each once", "levels")
            if column.name in {other.name for other in found}:
                raise EntryError(f"{where}: the column is named twice: leave one", "name")
        except EntryError as error:
            raise EntryError(str(error), k, *error.at, is_key=error.is_key) from None
        found.append(column)
    return tuple(found)


def check_names(stated: Mapping[str, ColumnType], columns: Iterable[str], path: Path) -> None:
    """Refuse types of columns that the file has not."""
    known = [*map(str, columns)]
    for name in stated:
        if name not in known:
            close = get_close_matches(name, known) or known
            raise DataError(f"types: {path.name} has no column {name!r:.60}: it has {', '.join(close):.200}")


def opened(path: Path) -> IO[str]:
    """The text of a CSV file, compressed or not."""
    if path.suffix == COMPRESSED:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def check_options(separator: str, decimal: str) -> None:
    """Refuse a separator or decimal point that is no single character, or where one is the other."""
    for option, character in (("--sep", separator), ("--decimal", decimal)):
        if len(character) != 1 or character in '\r\n"':
            raise DataError(f"{option} is {character!r:.40}: give a single character, such as ';'")
    if decimal.isalnum() or decimal in "+-":
        raise DataError(f"--decimal is {decimal!r}: give '.' or ','")


def check_separator(path: Path, separator: str) -> None:
    """Refuse a file whose header lacks the separator but has another one, and say which."""
    with opened(path) as file:
        lines = [line for line, _ in zip(file, range(HEAD), strict=False)]
    header = lines[0] if lines else ""
    if separator in header:
        return
    for other, spelled in SEPARATORS.items():
        if other in header:
            fields = [field.strip().strip('"') for line in lines[1:] for field in line.split(other)]
            comma = other != "," and any(re.fullmatch(r"[+-]?\d+,\d+", field) for field in fields)
            raise DataError(
                f"{path.name} has no {separator!r} in its header, but {other!r}: "
                f"give --sep {spelled}{' --decimal ,' if comma else ''}"
            )


def ragged(path: Path, separator: str) -> str:
    """Which line has other fields than the header, and why it may; nothing where that is not the trouble."""
    cure = "; if the comma is decimal, fields need quotes or another separator" if separator == "," else ""
    try:
        with opened(path) as file:
            rows = csv.reader(file, delimiter=separator)
            header = next(rows, [])
            for row in rows:
                if len(row) > len(header):
                    cure = (
                        "; if the comma is decimal, fields need quotes or another separator" if separator == "," else ""
                    )
                    return f"line {rows.line_num} has {len(row)} fields, the header {len(header)}{cure}"
    except (csv.Error, ValueError):
        pass
    return ""


def typed(values: "pd.Series[str]", name: str, decimal: str = ".") -> "tuple[pd.Series[Any], str]":
    """Logicals, numbers, or the text as it stands; and a remark, which may be empty.

    Examples
    --------
    >>> typed(pd.Series(["1", None, "2.5"]), "x")[0].tolist()
    [1.0, nan, 2.5]
    """
    codes, found = pd.factorize(values)
    texts = [str(text) for text in found]
    if texts and set(texts) <= LOGICAL.keys():
        answers = pd.array([*(LOGICAL[text] for text in texts), None], dtype="boolean")[codes]
        short = sorted(set(texts) & {"T", "F"})
        remark = f"column '{name}' is logical, since it holds only {' and '.join(texts)}" if short else ""
        return pd.Series(answers if (codes < 0).any() else answers.astype(bool)), remark
    numbers = [number(text, decimal) if text.strip() else float("nan") for text in texts]
    if None in numbers:
        return values, text_remark(name, codes, texts, [n is not None for n in numbers])
    return numeric([n for n in numbers if n is not None], texts, codes), number_remark(name, texts)


def numeric(numbers: Sequence[int | float], texts: Sequence[str], codes: Any) -> "pd.Series[Any]":
    """A column of the numbers by their codes: whole if all are that there are."""
    blank = [not text.strip() for text in texts]
    if not numbers or not all(isinstance(n, int) or empty for n, empty in zip(numbers, blank, strict=True)):
        return pd.Series(np.array([*map(float_of, numbers, texts), np.nan])[codes])
    whole = [None if empty else n for n, empty in zip(numbers, blank, strict=True)]
    absent = bool((codes < 0).any() or any(blank))
    if max((abs(n) for n in whole if n is not None), default=0) > LARGEST:
        return pd.Series(np.array([*whole, None], dtype=object)[codes], dtype=object)
    column = pd.array([*whole, None], dtype="Int64")[codes]
    return pd.Series(column if absent else column.astype(np.int64))


def float_of(value: int | float, text: str) -> float:
    """The double of a number, infinite if it is too large."""
    return float(value) if isinstance(value, float) else float(text)


def number_remark(name: str, texts: Sequence[str]) -> str:
    """What may not have been meant as a number."""
    for text in texts:
        if is_hexadecimal(text):
            return f"column '{name}' is numeric, {text!r:.40} read as hexadecimal, as in R"
        if re.fullmatch(r"0[0-9]+", text):
            return f"column '{name}' is numeric, {text!r:.40} is {int(text):d} without its zeros, as in R"
    return ""


def text_remark(name: str, codes: Any, texts: Sequence[str], is_number: Sequence[bool]) -> str:
    """What may not have been meant as text."""
    counts = Counter(codes[codes >= 0].tolist())
    others = [i for i, fits in enumerate(is_number) if not fits]
    example = f"{texts[others[0]]!r:.40}"
    if all(COMMA.fullmatch(texts[i].strip()) for i in others):
        return f"column '{name}' is text, such as {example}; if the comma is decimal, give --decimal ,"
    if all(THOUSANDS.fullmatch(texts[i].strip()) for i in others):
        return f"column '{name}' is text, such as {example}; if it is a number, write it without separators"
    strange, total = sum(counts[i] for i in others), sum(counts.values())
    if 2 * strange <= total or len(others) == 1 < len(texts):
        shown = ", ".join(f"{texts[i]!r:.40}" for i in others[:SHOWN]) + (", …" if len(others) > SHOWN else "")
        na = " ".join(f"--na {quoted(texts[i])}" for i in others[:SHOWN])
        row = int(np.argmax(np.isin(codes, others))) + 1
        return (
            f"column '{name}' is text, since {strange} of {total} values {'is' if strange == 1 else 'are'} no number: "
            f"{shown}, first in row {row}; if that stands for a missing value, give {na}"
        )
    if all(DATE.fullmatch(text.strip()) for text in texts):
        return (
            f"column '{name}' is text with dates, such as {texts[0]!r:.40}, each a level; "
            "if it is time, state its type, Date or POSIXct, by --types"
        )
    if set(texts) <= PYTHON_LOGICAL:
        return f"column '{name}' is text, as in R, with the levels {', '.join(sorted(texts))}: write TRUE and FALSE"
    return ""


def quoted(text: str) -> str:
    """A text as it is written on the command line."""
    return "'" + text.replace("'", "'\\''") + "'"
