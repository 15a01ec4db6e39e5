"""The cases: which model is fitted to which data, and what others printed about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from relmer.datasets.entries import entry_record, toml_entries
from relmer.datasets.exported import DataError
from relmer.datasets.printed import is_printed
from relmer.datasets.quantities import OF_A_CASE, parse_key
from relmer.datasets.store import closest, names

CASES = Path(__file__).parent / "cases.toml"

_GIVE = {
    **dict.fromkeys(("name", "dataset", "formula", "document", "source"), "a string"),
    "reml": "true or false",
    "published": "a table of figures",
    "published.*": "the printed figure as a string, such as 0.5, .5, 1,430.5 or <.0001",
}
_DOCUMENTS = ("", "000", "001", "002", "003", "004")


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
    published: Mapping[str, str] = field(default_factory=dict)


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
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise DataError(f"{path.name} cannot be read: restore the file") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not TOML: {error}") from None
    known = names()
    found = [
        _checked(entry, f"case {entry.get('name', f'number {position}')!r}", known)
        for position, entry in enumerate(toml_entries(path.name, text, "case"), start=1)
    ]
    seen: set[str] = set()
    for candidate in found:
        if candidate.name in seen:
            raise DataError(f"case {candidate.name!r}: name is used twice: give each case its own")
        seen.add(candidate.name)
    return found


def _checked(entry: Mapping[str, Any], label: str, known: tuple[str, ...]) -> Case:
    found = entry_record(Case, entry, label, _GIVE)
    if not found.name:
        raise DataError(f"{label}: name is empty: give one")
    if found.dataset not in known:
        raise DataError(f"{label}: dataset is {found.dataset!r}: {closest(found.dataset, known)}")
    if "~" not in found.formula:
        raise DataError(f"{label}: formula is {found.formula!r}: write response ~ terms")
    if found.document not in _DOCUMENTS:
        raise DataError(f"{label}: document is {found.document!r}: give 000 to 004, or nothing")
    for key, figure in found.published.items():
        try:
            parse_key(key, OF_A_CASE)
        except ValueError as error:
            raise DataError(f"{label}: published has {error}") from None
        if not is_printed(figure):
            raise DataError(f"{label}: published {key} is {figure!r}: give {_GIVE['published.*']}")
    return found
