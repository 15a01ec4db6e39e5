"""A TOML file that a person wrote, and the place of everything in it: what is refused is told with line and column.

Anybody may have written it: nothing in it is executed.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from relmer.datasets.entries import EntryError
from relmer.datasets.places import Keys, Place, Places, content_of, places, stands
from relmer.datasets.stated import DataError

LARGEST_FILE = 2**22
Read = TypeVar("Read")


def read_places(path: Path, read: Callable[[Mapping[str, Any], Places], Read]) -> Read:
    """What `read` makes of a file's content and the places in it.

    Raises
    ------
    DataError
        The file is no TOML, or `read` refused an entry; one line that begins with the file, the line and the column.
    OSError
        It cannot be read.
    """
    try:
        text = text_of(path)
        content = content_of(text)
    except tomllib.TOMLDecodeError as error:
        place, said = stands(error, text)
        line = text.splitlines()[place.line - 1 : place.line]
        shown = f": {line[0].strip()!r:.60}" if line else ""
        raise DataError(f"{at(path, place)}: this is no TOML{shown}: {said}") from None
    except ValueError as error:
        raise DataError(f"{path}: this is no TOML: {error}") from None
    found = places(text)
    try:
        return read(content, found)
    except EntryError as error:
        raise DataError(f"{at(path, found.of(*error.at, key=error.is_key))}: {error}") from None


def text_of(path: Path) -> str:
    """The text of the file, with the line ends that TOML has."""
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"it has more than {LARGEST_FILE:,} bytes")
    return content.decode("utf-8").replace("\r\n", "\n")


def at(path: Path, place: Place) -> str:
    """A place as compilers write it."""
    return f"{path}:{place.line}:{place.column}"


def within(way: Keys, check: Any, *arguments: Any) -> Any:
    """What a check makes of an entry; its refusal points at the entry."""
    try:
        return check(*arguments)
    except EntryError as error:
        raise EntryError(str(error), *way, *error.at, is_key=error.is_key) from None


def tables(content: Mapping[str, Any], name: str, way: Keys = ()) -> list[dict[str, Any]]:
    """The [[tables]] of a name."""
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        header = ".".join([*(part for part in way if isinstance(part, str)), name])
        raise EntryError(f"{name} is {found!r:.60}: write [[{header}]] tables", *way, name)
    return found
