"""Plain data that anybody may have written: numbers beyond the doubles."""

import json
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import from_plain, read_record


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
