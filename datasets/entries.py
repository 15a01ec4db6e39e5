"""The entries of a TOML file, each read into a frozen record; what is wrong is told in one line, with what to do."""

import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

from relmer.datasets.plain import Misfit, from_plain, required
from relmer.datasets.stated import DataError

Record = TypeVar("Record")


def toml_entries(file: str, text: str, table: str) -> list[dict[str, Any]]:
    r"""The [[table]] entries of a TOML text, which holds nothing else.

    Raises
    ------
    DataError
        The text is not TOML, or holds something else.

    Examples
    --------
    >>> toml_entries("sizes.toml", "[[size]]\nrows = 3", "size")
    [{'rows': 3}]
    """
    try:
        content = tomllib.loads(text)
    except ValueError as error:
        raise DataError(f"{file} is not TOML: {error}") from None
    found = content.pop(table, [])
    if content or not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        stray = ", ".join(content) or table
        raise DataError(f"{file}: {stray} stands outside a [[{table}]] table: move it into one")
    return found


def entry_record(kind: type[Record], entry: Mapping[str, Any], where: str, give: Mapping[str, str]) -> Record:
    """Make a record from an entry.

    Parameters
    ----------
    kind
        The record's dataclass.
    entry
        The entry as it is written.
    where
        What the messages call it.
    give
        What to write, by field; "field.*" for what stands in a table.

    Raises
    ------
    DataError
        The entry has an unknown field, lacks one, or has one of another type.
    """
    known = list(get_type_hints(kind))
    for field in entry:
        if field not in known:
            raise DataError(f"{where}: {field} is no field: known are {', '.join(known)}")
    for field in required(kind):
        if field not in entry:
            raise DataError(f"{where}: {field} is missing: add it")
    try:
        record: Record = from_plain(kind, dict(entry), where)
    except Misfit as misfit:
        path, within, key = misfit.where.removeprefix(f"{where}.").partition(".")
        field = path.partition("[")[0]
        if within:
            raise DataError(f"{where}: {field} {key} is {misfit.value!r}: give {give[f'{field}.*']}") from None
        raise DataError(f"{where}: {field} is {entry[field]!r}: give {give[field]}") from None
    return record
