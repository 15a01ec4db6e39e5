"""Plain data that anybody may have written: numbers beyond the doubles."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import from_plain, read_record, to_plain


@dataclass(frozen=True)
class Size:
    schema: str
    width: float


LARGEST = int(sys.float_info.max)


@settings(deadline=None)
@given(st.integers(LARGEST + 1, 10**400) | st.integers(-(10**400), -LARGEST - 1))
def test_a_whole_number_beyond_the_doubles_is_refused_in_one_line(value: int) -> None:
    for act in (
        lambda: from_plain(float, value, "width"),
        lambda: from_plain(tuple[float, ...], [1, value], "width"),
        lambda: read_record(Size, json.dumps({"schema": "size/1", "width": value}), "size/1", "size"),
    ):
        with pytest.raises(ValueError, match=r"width.* must be a number below 1.8e308") as caught:
            act()
        assert len(str(caught.value)) < 120


@settings(deadline=None)
@given(st.integers(-LARGEST, LARGEST))
def test_any_other_is_the_nearest_double(value: int) -> None:
    assert from_plain(float, value, "width") == float(value)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Leaf:
    numbers: tuple[float, ...]
    words: tuple[str, ...]
    colour: Colour


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    named: Mapping[str, Leaf]
    pair: tuple[int, bool]
    perhaps: Leaf | None


numbers = st.lists(st.floats(allow_nan=False)).map(tuple)
leaves = st.builds(Leaf, numbers, st.lists(st.text()).map(tuple), st.just(Colour.RED))
trees = st.builds(
    Tree,
    st.lists(leaves, max_size=3).map(tuple),
    st.dictionaries(st.text(), leaves, max_size=3),
    st.tuples(st.integers(-9, 9), st.booleans()),
    st.none() | leaves,
)


@settings(deadline=None)
@given(trees)
def test_a_record_goes_to_plain_data_and_back(tree: Tree) -> None:
    plain = to_plain(tree)
    assert json.dumps(plain) == json.dumps(asdict(tree))
    assert from_plain(Tree, plain, "tree") == tree
    assert from_plain(Tree, json.loads(json.dumps(plain)), "tree") == tree


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (tuple[float, ...], [1.0, True]),
        (tuple[float, ...], [1.0, "2"]),
        (tuple[float, ...], [1.0, None]),
        (tuple[int, ...], [1, True]),
        (tuple[int, ...], [1, 2.0]),
        (tuple[str, ...], ["a", 1]),
    ],
)
def test_one_entry_of_another_type_is_found_among_many(kind: object, value: list[object]) -> None:
    with pytest.raises(ValueError, match=r"^values\[99999?\] must be"):
        from_plain(kind, value[:1] * 99999 + value[1:], "values")


def test_whole_numbers_among_doubles_are_doubles() -> None:
    found = from_plain(tuple[float, ...], [1.5, 2, 3], "values")
    assert found == (1.5, 2.0, 3.0)
    assert {type(value) for value in found} == {float}
