"""The entries of a TOML file, each read into a frozen record; what is wrong is told in one line, with what to do."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

from relmer.datasets.places import content_of
from relmer.datasets.plain import Misfit, from_plain, required
from relmer.datasets.stated import DataError

Record = TypeVar("Record")


class EntryError(DataError):
    """An entry that is refused; `at` is the way to the offending value within it, or to its key if `is_key`."""

    def __init__(self, message: str, *at: str | int, is_key: bool = False) -> None:
        super().__init__(message)
        self.at, self.is_key = at, is_key


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
        content = content_of(text)
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
    EntryError
        The entry has an unknown field, lacks one, or has one of another type.
    """
    known = list(get_type_hints(kind))
    for field in entry:
        if field not in known:
            told = f"{where}: {field:.60} is no field: known are {', '.join(known)}"
            raise EntryError(told, field, is_key=True)
    for field in required(kind):
        if field not in entry:
            raise EntryError(f"{where}: {field} is missing: add it")
    try:
        record: Record = from_plain(kind, dict(entry), where)
    except Misfit as misfit:
        path, within, key = misfit.where.removeprefix(f"{where}.").partition(".")
        field, inner, number = path.partition("[")
        if within:
            told = f"{where}: {field} {key:.60} is {misfit.value!r:.60}: give {give[f'{field}.*']}"
            raise EntryError(told, field, *numbered(key, entry[field])) from None
        at = (field, int(number.partition("]")[0])) if inner else (field,)
        raise EntryError(f"{where}: {field} is {entry[field]!r:.60}: give {give[field]}", *at) from None
    return record


def numbered(key: str, table: Mapping[str, Any]) -> tuple[str | int, ...]:
    """A key of a table; or, where it has none of that name, the entry of a list in it, written as "f[1]"."""
    name, _, number = key.rpartition("[")
    return (key,) if key in table or not number[:-1].isdigit() else (name, int(number[:-1]))
