"""Entries of TOML files: read into records, refused with the entry, the field and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from relmer.datasets import DataError
from relmer.datasets.entries import entry_record, toml_entries


@dataclass(frozen=True)
class Shelf:
    """A record with a field of each kind."""

    name: str
    full: bool
    books: tuple[str, ...]
    prices: Mapping[str, str] = field(default_factory=dict)


GIVE = {
    "name": "a string",
    "full": "true or false",
    "books": "a list",
    "prices": "a table",
    "prices.*": "a price as a string",
}
GOOD = {"name": "a", "full": True, "books": ["x"], "prices": {"x.y[1]": "3"}}


def test_an_entry_becomes_a_record() -> None:
    assert entry_record(Shelf, GOOD, "shelf 1", GIVE) == Shelf("a", True, ("x",), {"x.y[1]": "3"})
    assert entry_record(Shelf, {"name": "", "full": False, "books": []}, "shelf 1", GIVE) == Shelf("", False, ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "shelf 1: colour is no field: known are name, full, books, prices"),
        ({"name": 3}, "shelf 1: name is 3: give a string"),
        ({"full": 1}, "shelf 1: full is 1: give true or false"),
        ({"books": "x"}, "shelf 1: books is 'x': give a list"),
        ({"books": ["x", 1]}, "shelf 1: books is ['x', 1]: give a list"),
        ({"prices": 3}, "shelf 1: prices is 3: give a table"),
        ({"prices": {"": 2}}, "shelf 1: prices  is 2: give a price as a string"),
        ({"prices": {"x": "1", "y.z[0]": 2}}, "shelf 1: prices y.z[0] is 2: give a price as a string"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        entry_record(Shelf, GOOD | changes, "shelf 1", GIVE)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(DataError, match=r"^shelf 1: full is missing: add it$"):
        entry_record(Shelf, {"name": "a", "books": []}, "shelf 1", GIVE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[shelf", "a.toml is not TOML: "),
        ("shelf = 3", "a.toml: shelf stands outside a [[shelf]] table: move it into one"),
        ("shelf = [1]", "a.toml: shelf stands outside a [[shelf]] table: move it into one"),
        ("x = 1\ny = 2\n[[shelf]]", "a.toml: x, y stands outside a [[shelf]] table: move it into one"),
    ],
)
def test_a_file_of_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        toml_entries("a.toml", text, "shelf")


def test_a_file_without_entries_has_none() -> None:
    assert toml_entries("a.toml", "", "shelf") == []
