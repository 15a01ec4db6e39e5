"""A file of cases beside a person's own data: `relmer.toml`, as `relmer run --cases` takes it.

It has a `[[data]]` table for each file of data and a `[[case]]` table for each model, as the project's own `cases.toml`
has; and may have `[engine."…"]` tables, which others read. Anybody may have written it: nothing in it is executed, and
it reaches no file outside its folder. Where something is wrong, the line and the column are told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from relmer.datasets.cases import Case, checked_case, label_of, used_twice
from relmer.datasets.cases import cases as project_cases
from relmer.datasets.entries import EntryError, entry_record
from relmer.datasets.own import keep_table
from relmer.datasets.placed import at, read_places, tables, within
from relmer.datasets.places import Place, Places
from relmer.datasets.schema import DRAFT, of_record
from relmer.datasets.stated import TYPES, ColumnType, DataError
from relmer.datasets.store import names as project_data
from relmer.datasets.table import check_options, checked_types

TABLES = ("data", "case", "engine")
SCHEMA = "relmer-cases/1"
# What a case has that need not be written; `document` is of this project's own.
FREE = {"reml": True, "source": "", "document": ""}
LONGEST = 100
TABS = {"tab": "\t"}
GIVE = {
    **dict.fromkeys(("name", "file"), "a string"),
    "sep": 'a single character as a string, or "tab"',
    "decimal": 'a single character as a string, "." or ","',
    "na": 'a list of strings, such as ["?", "-9"]',
}


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file of data, and how it is read.

    Attributes
    ----------
    name
        What the cases call it.
    file
        Its path, from the folder of the file of cases: CSV, CSV.gz or Parquet, there or below.
    sep
        What stands between fields; "tab" is one too.
    decimal
        The decimal point.
    na
        Texts that stand for a missing value, beside NA and nothing.
    """

    name: str
    file: str
    sep: str = ","
    decimal: str = "."
    na: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OwnCases:
    """The cases of a file, whose data are in other files.

    Attributes
    ----------
    path
        The file.
    cases
        Of every case its `dataset` is one of `data`, or of this project's.
    data, types
        By name the files of data, and the types that are stated of their columns.
    places
        Of the text.
    """

    path: Path
    cases: tuple[Case, ...]
    data: Mapping[str, DataFile]
    types: Mapping[str, tuple[ColumnType, ...]]
    places: Places

    def chosen(self, pattern: str) -> tuple[Case, ...]:
        """The cases whose name matches a shell pattern."""
        return tuple(case for case in self.cases if fnmatchcase(case.name, pattern))

    def kept(self, cases: Iterable[Case], folder: Path) -> tuple[Case, ...]:
        """The cases with the names of their data that `load` takes, for as long as the folder is there.

        Raises
        ------
        DataError
            A file of data cannot be had.
        """
        cases, found = tuple(cases), dict[str, str]()
        for k, (name, of) in enumerate(self.data.items()):
            if any(case.dataset == name for case in cases):
                place = folder / str(k)
                place.mkdir()
                file = beside(self.path, of.file)
                found[name] = keep_table(
                    file, place, TABS.get(of.sep, of.sep), of.decimal, of.na, self.types[name], name
                )
        return tuple(replace(case, dataset=found.get(case.dataset, case.dataset)) for case in cases)

    def refused(self, error: Exception, case: str, field: str) -> DataError:
        """What to say of an error of a case that its data show; it points at the field."""
        place = self.places.of("case", [one.name for one in self.cases].index(case), field)
        return DataError(f"{at(self.path, place)}: case {case!r:.60}: {as_keys(str(error))}")

    def unreadable(self, error: Exception, case: str) -> DataError:
        """What to say of the data of a case that cannot be read; it points at the file's name."""
        dataset = next(one.dataset for one in self.cases if one.name == case)
        place = self.places.of("data", [*self.data].index(dataset), "file") if dataset in self.data else Place(1, 1)
        return DataError(f"{at(self.path, place)}: {as_keys(str(error))}")


def as_keys(text: str, sign: str = " = ", types: str = "in a [[data.column]] table") -> str:
    r"""Advice on the command line's options, as that on the keys of the file, or with other signs on Python's keywords.

    Examples
    --------
    >>> as_keys("it has no ',' in its header, but ';': give --sep ';' --decimal ,")
    'it has no \',\' in its header, but \';\': give sep = ";" decimal = ","'
    """
    between = " = " if sign == " = " else ": "
    text = re.sub(r"--(sep|decimal) '?([^\s']+)'?", rf'\1{sign}"\2"', text)
    off = re.compile(r"--ignore-check [a-zA-Z.]+(?: --ignore-check [a-zA-Z.]+)*")
    text = off.sub(lambda found: f"checks{sign}{{ {checks_off(found[0].split()[1::2], between)} }}", text)
    name = "NAME" if sign == " = " else '"NAME"'
    text = text.replace("--levels NAME=A,B,…", f'levels{sign}{{ {name}{between}["A", "B", …] }}')
    text = re.sub(r"--(weights|offset|subset)\b", r"\1", text)
    text = re.sub(r"--na '([^']*)'", rf'na{sign}["\1"]', text)
    return text.replace("by --types", types)


def checks_off(names: Iterable[str], between: str) -> str:
    """Checks that are not made, as entries of a case's `checks`."""
    return ", ".join(f'"{name}"{between}"ignore"' for name in names)


def beside(path: Path, name: str) -> Path:
    """A file that stands beside another, or below its folder.

    Raises
    ------
    EntryError
        It stands elsewhere, or is no file.
    """
    folder = path.parent.resolve()
    try:
        found = (folder / name).resolve()
        inside, there = found.is_relative_to(folder), found.is_file()
    except (OSError, ValueError):
        inside, there = True, False
    if Path(name).is_absolute() or not inside:
        raise EntryError(f"{name!r:.80} is not below the folder of {path.name}: move it there", "file")
    if not there:
        raise EntryError(f"there is no file {name!r:.80} beside {path.name}: paths are from its folder", "file")
    return found


def own_cases(path: Path) -> OwnCases:
    """Read a file of cases.

    Raises
    ------
    DataError
        It is none; one line that begins with the file, the line and the column.
    OSError
        It cannot be read.
    """
    return read_places(path, lambda content, found: read(path, content, found))


def read(path: Path, content: Mapping[str, Any], found: Places) -> OwnCases:
    """What the file holds, checked as far as that is possible without the data.

    Raises
    ------
    EntryError
        It is refused.
    """
    for key in content:
        if key not in TABLES:
            raise EntryError(f'{key!r:.60} is no table: write [[data]], [[case]] or [engine."…"]', key, is_key=True)
    files, types = list[DataFile](), list[tuple[ColumnType, ...]]()
    for k, entry in enumerate(tables(content, "data")):
        with_way = ("data", k)
        columns = tables(entry, "column", with_way)
        files.append(within(with_way, data_file, path, entry, label_of("data", entry, k + 1)))
        types.append(within((*with_way, "column"), checked_types, columns, f"data {files[-1].name!r:.60}"))
    refuse_twice("data", files)
    known = tuple(dict.fromkeys([*(of.name for of in files), *project_data()]))
    taken = {case.name.replace("/", ".") for case in project_cases()}
    found_cases = [
        within(("case", k), own_case, entry, label_of("case", entry, k + 1), known, taken)
        for k, entry in enumerate(tables(content, "case"))
    ]
    if not found_cases:
        raise EntryError("there is no case: write a [[case]] table with name, dataset and formula")
    refuse_twice("case", found_cases)
    named = dict(zip((of.name for of in files), types, strict=True))
    return OwnCases(path=path, cases=tuple(found_cases), data={of.name: of for of in files}, types=named, places=found)


def refuse_twice(kind: str, found: list[Any]) -> None:
    """Refuse a second entry of one name."""
    if (k := used_twice(one.name for one in found)) is not None:
        raise EntryError(f"{kind} {found[k].name!r:.60}: name is used twice: give each its own", kind, k, "name")


def data_file(path: Path, entry: Mapping[str, Any], label: str) -> DataFile:
    """A file of data, as it is written."""
    entry = {key: value for key, value in entry.items() if key != "column"}
    found = entry_record(DataFile, entry, label, GIVE)
    check_name(found.name, label)
    try:
        check_options(TABS.get(found.sep, found.sep), found.decimal)
    except DataError as error:
        option = "decimal" if "--decimal" in str(error) else "sep"
        raise EntryError(f"{label}: {str(error).removeprefix('--')}", option) from None
    try:
        beside(path, found.file)
    except EntryError as error:
        raise EntryError(f"{label}: {error}", *error.at) from None
    return found


def own_case(entry: Mapping[str, Any], label: str, known: tuple[str, ...], taken: set[str]) -> Case:
    """A case, as it is written."""
    if "document" in entry:
        told = f"{label}: document is of this project's own cases: say in source where the figures stand"
        raise EntryError(told, "document", is_key=True)
    found = checked_case({**FREE, **entry}, label, known)
    check_name(found.name, label)
    # What is recorded and certified is found by the name of its case.
    if found.name.replace("/", ".") in taken:
        raise EntryError(f"{label}: the name is that of a case of relmer's own: give it another", "name")
    if found.published and not found.source:
        raise EntryError(f"{label}: source is missing: say where the published figures stand", "published", is_key=True)
    return found


def check_name(name: str, label: str) -> None:
    """Refuse a name that cannot be shown or be part of a file's."""
    if not name or name != name.strip() or len(name.encode()) > LONGEST or not name.isprintable():
        told = f"{label}: name is {name!r:.60}: give 1 to {LONGEST} bytes that can be printed, without outer spaces"
        raise EntryError(told, "name")


def cases_schema() -> dict[str, Any]:
    """JSON Schema of what the file holds, for editors that check TOML."""
    inner: dict[Any, Any] = {}
    data, column, case = of_record(DataFile, inner), of_record(ColumnType, inner), of_record(Case, inner)
    column["properties"]["type"]["enum"] = [*TYPES]
    data["properties"]["column"] = {"type": "array", "items": column, "description": "Types that are stated."}
    del case["properties"]["document"]
    case["required"] = ["name", "dataset", "formula"]
    case["properties"]["reml"]["default"] = True
    case["properties"]["dataset"]["description"] = "A name of [[data]], or of a data set of relmer's."
    case["properties"]["na_action"]["enum"] = ["", "na.omit", "na.exclude", "na.fail", "na.pass"]
    case["dependentRequired"] = {"published": ["source"]}
    engine = {"type": "object", "description": "Engines of your own: what `relmer run --engines` reads."}
    return {
        "$schema": DRAFT,
        "$id": SCHEMA,
        "title": "relmer.toml",
        "description": "Cases beside one's own data, for `relmer run --cases relmer.toml`.",
        "type": "object",
        "additionalProperties": False,
        "required": ["case"],
        "properties": {
            "data": {"type": "array", "items": data},
            "case": {"type": "array", "items": case, "minItems": 1},
            "engine": engine,
        },
    }
