"""The cases: which model is fitted to which data, and what others printed about it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from relmer.datasets.exported import DataError
from relmer.datasets.quantities import _KEY, QUANTITIES
from relmer.datasets.store import closest, names

CASES = Path(__file__).parent / "cases.toml"

_FIELDS = {"name": str, "dataset": str, "formula": str, "reml": bool, "document": str, "source": str}
_KINDS = {str: "a string", bool: "true or false"}
_DOCUMENTS = ("", "000", "001", "002", "003", "004")
_FIGURE = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Case:
    """A model, its data, and the figures that were printed for it.

    Attributes
    ----------
    name : str
        Unique, such as "docs/sleepstudy".
    dataset : str
        What `load` takes.
    formula : str
        In lme4's grammar.
    reml : bool
        Whether the REML criterion is meant; if not, maximum likelihood.
    document : str
        The number of the source document in which the model stands, or "".
    source : str
        Where the model and its figures come from.
    published : Mapping of str to str
        Printed figures; the comment at the top of `cases.toml` explains the keys.
    """

    name: str
    dataset: str
    formula: str
    reml: bool
    document: str
    source: str
    published: Mapping[str, str]


def cases(pattern: str = "*", path: Path = CASES) -> tuple[Case, ...]:
    """Return the cases whose name matches a shell pattern, in the order of the file.

    Parameters
    ----------
    pattern
        Such as "docs/*"; upper and lower case differ, and `*` matches a slash too.
    path
        The file to read.

    Raises
    ------
    DataError
        If the file is malformed.

    Examples
    --------
    >>> [case.name for case in cases("dyestuff/*")]
    ['dyestuff/reml', 'dyestuff/ml']
    """
    return tuple(case for case in _read(path) if fnmatchcase(case.name, pattern))


def case(name: str, path: Path = CASES) -> Case:
    """Return the case of this name.

    Raises
    ------
    DataError
        If there is none, or the file is malformed.

    Examples
    --------
    >>> case("docs/machines").formula
    'score ~ Machine + (1 | Worker) + (1 | Worker:Machine)'
    """
    found = {candidate.name: candidate for candidate in _read(path)}
    if name not in found:
        raise DataError(f"no case is called {name!r}: {closest(name, found)}")
    return found[name]


def _read(path: Path) -> list[Case]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise DataError(f"{path.name} cannot be read: restore the file") from None
    except ValueError as error:
        raise DataError(f"{path.name} is not TOML: {error}") from None
    entries = content.pop("case", [])
    tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if content or not tables:
        stray = ", ".join(content) or "case"
        raise DataError(f"{path.name}: {stray} stands outside a [[case]] table: move it into one")
    known = names()
    found = [_checked(entry, position, known) for position, entry in enumerate(entries, start=1)]
    seen: set[str] = set()
    for candidate in found:
        if candidate.name in seen:
            raise DataError(f"case {candidate.name!r}: name is used twice: give each case its own")
        seen.add(candidate.name)
    return found


def _checked(entry: dict[str, Any], position: int, known: tuple[str, ...]) -> Case:
    label = f"case {entry.get('name', f'number {position}')!r}"
    unknown = [field for field in entry if field not in (*_FIELDS, "published")]
    if unknown:
        raise DataError(f"{label}: {unknown[0]} is no field: known are {', '.join(_FIELDS)}, published")
    for field, kind in _FIELDS.items():
        if field not in entry:
            raise DataError(f"{label}: {field} is missing: add it")
        if not isinstance(entry[field], kind):
            raise DataError(f"{label}: {field} is {entry[field]!r}: give {_KINDS[kind]}")
    if not entry["name"]:
        raise DataError(f"{label}: name is empty: give one")
    if entry["dataset"] not in known:
        raise DataError(f"{label}: dataset is {entry['dataset']!r}: {closest(entry['dataset'], known)}")
    if "~" not in entry["formula"]:
        raise DataError(f"{label}: formula is {entry['formula']!r}: write response ~ terms")
    if entry["document"] not in _DOCUMENTS:
        raise DataError(f"{label}: document is {entry['document']!r}: give 000 to 004, or nothing")
    published = entry.get("published", {})
    if not isinstance(published, dict):
        raise DataError(f"{label}: published is {published!r}: give a table of figures")
    for key, figure in published.items():
        _check_figure(label, key, figure)
    return Case(**{field: entry[field] for field in _FIELDS}, published=published)


def _check_figure(label: str, key: str, figure: object) -> None:
    parts = _KEY.fullmatch(key)
    bracketed = parts["names"].split(", ") if parts and parts["names"] else []
    if not parts or QUANTITIES.get(parts["quantity"]) != len(bracketed):
        known = ", ".join(QUANTITIES)
        raise DataError(f"{label}: published has {key!r}: write quantity[name, ...] with one of {known}")
    if not isinstance(figure, str) or not _FIGURE.fullmatch(figure):
        raise DataError(f"{label}: published {key} is {figure!r}: give the printed figure as a string")
