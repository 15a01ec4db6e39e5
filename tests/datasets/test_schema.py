"""JSON Schemas out of records: they accept what `plain` reads, and refuse what it refuses."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, make_dataclass
from enum import StrEnum
from typing import Any

import jsonschema
import pytest

from relmer.datasets.plain import read_record
from relmer.datasets.schema import json_schema, of_type


@dataclass(frozen=True)
class Leaf:
    """A leaf.

    Attributes
    ----------
    length, width
        In millimetres, as they were
        measured.
    shape : str
        "round" or another word.

    Examples
    --------
    length
        is no description.
    """

    length: float
    width: float | None
    shape: str = "round"


@dataclass(frozen=True)
class Tree:
    """A tree: all that
    can be said of it.

    And more, which is told nowhere else.
    """

    name: str
    rings: int
    alive: bool
    at: tuple[float, int]
    leaves: tuple[Leaf, ...]
    tallest: Leaf | None
    labels: Mapping[str, str] = field(default_factory=dict)
    schema: str = "tree/1"


GOOD: dict[str, Any] = {
    "schema": "tree/1",
    "name": "oak",
    "rings": 3,
    "alive": True,
    "at": [1.5, 2],
    "leaves": [{"length": 1, "width": None}, {"length": 1.5, "width": 2, "shape": ""}],
    "tallest": None,
    "labels": {"a": "b"},
}
VALIDATOR = jsonschema.Draft202012Validator(json_schema(Tree, "tree/1"))


def reads(tree: Any) -> bool:
    try:
        read_record(Tree, json.dumps(tree), "tree/1", "tree")
    except ValueError:
        return False
    return True


def test_the_schema_is_one_and_says_what_the_docstrings_say() -> None:
    schema = VALIDATOR.schema
    VALIDATOR.check_schema(schema)
    assert schema["description"] == "A tree: all that can be said of it."
    assert list(schema["$defs"]) == ["Leaf"]
    leaf = schema["$defs"]["Leaf"]
    measured = {"description": "In millimetres, as they were measured."}
    assert leaf["description"] == "A leaf."
    assert leaf["properties"] == {
        "length": {"type": "number"} | measured,
        "width": {"anyOf": [{"type": "number"}, {"type": "null"}]} | measured,
        "shape": {"type": "string", "description": '"round" or another word.'},
    }
    assert leaf["required"] == ["length", "width"]
    assert schema["required"] == ["name", "rings", "alive", "at", "leaves", "tallest", "schema"]


def test_a_record_without_a_docstring_has_no_description() -> None:
    assert "description" not in json_schema(make_dataclass("Bare", [("schema", str)]), "bare/1")


def test_two_records_of_one_name_are_refused() -> None:
    other = make_dataclass("Leaf", [("x", int)])
    both = make_dataclass("Both", [("a", Leaf), ("b", other), ("schema", str)])
    with pytest.raises(ValueError, match="two records within Both have one name"):
        json_schema(both, "both/1")


def test_an_enumeration_lists_its_words() -> None:
    class Season(StrEnum):
        """When it was seen."""

        SPRING = "spring"
        AUTUMN = "autumn"

    inner: dict[Any, Any] = {}
    assert of_type(Season, inner) == {"$ref": "#/$defs/Season"}
    assert inner == {Season: {"description": "When it was seen.", "enum": ["spring", "autumn"]}}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all entries."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a path."""
    if not path:
        return value
    tree = deepcopy(tree)
    at = tree
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return tree


@pytest.mark.parametrize("value", [None, True, 0, -7, 1.5, "", "tree/1", [], [1, 2], [1.5, 2, 3], {}, {"x": None}])
def test_plain_and_the_schema_agree_whatever_stands_anywhere(value: Any) -> None:
    assert reads(GOOD) and VALIDATOR.is_valid(GOOD)
    seen = {True: 0, False: 0}
    for path in places(GOOD):
        tree = changed(GOOD, path, value)
        assert reads(tree) == VALIDATOR.is_valid(tree), path
        seen[reads(tree)] += 1
    assert seen[False] > 5


@pytest.mark.parametrize("field", GOOD)
def test_they_agree_on_what_may_be_left_out(field: str) -> None:
    tree = {name: value for name, value in GOOD.items() if name != field}
    assert reads(tree) == VALIDATOR.is_valid(tree) == (field == "labels")


def test_they_agree_that_nothing_unknown_may_stand_there() -> None:
    for path in ((), ("leaves", 0)):
        tree = changed(GOOD, (*path, "colour"), "green")
        assert not reads(tree) and not VALIDATOR.is_valid(tree)


def test_a_whole_number_with_a_decimal_point_is_where_they_differ() -> None:
    """To JSON Schema 3.0 is an integer; the schema's comment says what it cannot."""
    tree = GOOD | {"rings": 3.0}
    assert VALIDATOR.is_valid(tree) and not reads(tree)
    assert "without a decimal point" in VALIDATOR.schema["$comment"]
