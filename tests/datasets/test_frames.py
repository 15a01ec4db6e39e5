"""A frame that is kept and read back is the same frame to whoever reads its columns, and nothing in it is executed."""

import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import DataError, keep_frame, load
from relmer.datasets.frames import frame_text, read_frame
from relmer.solver.errors import ModelError
from relmer.solver.language import read_column

DAY = datetime.date(2020, 2, 29)
MOMENTS = pd.DatetimeIndex(np.array([1582979400000000001, np.iinfo(np.int64).min, -157766400 * 10**9]).view("M8[ns]"))
COLUMNS: dict[str, Any] = {
    "doubles": [0.1, np.nan, -0.0],
    "single": np.array([0.1, 2, 3], dtype="float32"),
    "whole": [1, 2, 2**62 + 1],
    "unsigned": np.array([1, 2, 2**64 - 1], dtype="uint64"),
    "small": np.array([1, 2, -3], dtype="int8"),
    "huge": pd.Series([10**30, 1, 2], dtype=object),
    "logical": [True, False, True],
    "nullable whole": pd.array([1, None, 2**60 + 1], dtype="Int64"),
    "nullable logical": pd.array([True, None, False], dtype="boolean"),
    "nullable double": pd.array([0.1, None, 3.0], dtype="Float64"),
    "numbers and none": pd.Series([1.5, None, 2], dtype=object),
    "numpy's own": pd.Series([np.float64(1.5), np.int64(3), np.nan], dtype=object),
    "logicals and none": pd.Series([True, None, False], dtype=object),
    "text": ["b", "a", "<script>alert('\u202e')</script>"],
    "text with none": pd.Series(["b", None, "a"], dtype=object),
    "string": pd.array(["b", None, "\U0001f600"], dtype="string"),
    "lone surrogate": pd.Series(["\ud800", "a", "b"], dtype=object),
    "categories": pd.Categorical(["low", "high", None], ["low", "mid", "high"]),
    "ordered": pd.Categorical(["low", "high", "low"], ["low", "mid", "high"], ordered=True),
    "numbers as categories": pd.Categorical([2.5, 100000.0, 2.5]),
    "wholes as categories": pd.Categorical([3, 1, 3], [3, 2, 1]),
    "logicals as categories": pd.Categorical([True, False, True], [True, False]),
    "dates": pd.Series([DAY, None, DAY], dtype=object),
    "moments": MOMENTS,
    "coarse moments": MOMENTS.as_unit("s"),
    "zoned": MOMENTS.tz_localize("Europe/Berlin"),
    "offset": MOMENTS.tz_localize(datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    "days": pd.PeriodIndex(["2020-02-29", None, "1965-01-01"], freq="D"),
    "nothing": pd.Series([None, None, None], dtype=object),
    "arrow's text": pd.array(["b", None, "a"], dtype="string[pyarrow]"),
    "arrow's doubles": pd.array([0.1, None, 3.0], dtype="double[pyarrow]"),
    "arrow's wholes": pd.array([1, None, 2**62 + 1], dtype="int64[pyarrow]"),
    "arrow's logicals": pd.array([True, None, False], dtype="bool[pyarrow]"),
    "arrow's days": pd.array([DAY, None, DAY], dtype="date32[pyarrow]"),
    "arrow's moments": pd.array(MOMENTS, dtype="timestamp[ns][pyarrow]"),
    "arrow's zoned": pd.array(MOMENTS.tz_localize("Europe/Berlin"), dtype="timestamp[ns, tz=Europe/Berlin][pyarrow]"),
    "sparse": pd.arrays.SparseArray([1, 0, 2]),
    "half": np.array([0.1, 2, 3], dtype="float16"),
}
# Kept as pandas' own points in time.
ALIKE = ("arrow's moments", "arrow's zoned", "arrow's text", "string")


def same(a: Any, b: Any) -> bool:
    """Whether two things that a column was read as are the same, to the bit."""
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype:
            return False
        return a.tolist() == b.tolist() if a.dtype.hasobject else a.tobytes() == b.tobytes()
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in a.__dataclass_fields__)
    return bool(a == b)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("index", [None, [7, 7, "a"]])
def test_a_column_is_read_as_that_of_the_frame(name: str, index: list[Any] | None, tmp_path: Path) -> None:
    """By `lmer`'s own reading: values to the bit, levels in their order, what is missing; with any index."""
    frame = pd.DataFrame({name: pd.Series(COLUMNS[name])})
    frame.index = pd.RangeIndex(3) if index is None else pd.Index(index)
    kept = load(keep_frame(frame, tmp_path)).frame
    (column, missing), (wanted, wanted_missing) = read_column(kept, name), read_column(frame, name)
    assert same(missing, wanted_missing) or (missing is wanted_missing is None)
    assert same(column, wanted)
    assert name in ALIKE or str(kept[name].dtype) == str(frame[name].dtype)


@settings(deadline=None)
@given(
    st.lists(st.floats(), max_size=5),
    st.lists(st.one_of(st.none(), st.text(), st.integers(-(10**40), 10**40), st.booleans()), max_size=5),
)
def test_any_values_come_back(numbers: list[float], values: list[Any]) -> None:
    n = min(len(numbers), len(values))
    frame = pd.DataFrame({"x": np.array(numbers[:n]), "o": pd.Series(values[:n], dtype=object)})
    found = read_frame(frame_text(frame))
    assert found["x"].to_numpy().tobytes() == frame["x"].to_numpy().tobytes()
    assert [(type(v), v) for v in found["o"].tolist()] == [(type(v), v) for v in frame["o"].tolist()]


def test_a_later_change_is_not_seen_and_a_change_of_the_file_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0]})
    name = keep_frame(frame, tmp_path, "mine")
    frame.loc[0, "y"] = 9.0
    found = load(name)
    assert found.frame["y"].tolist() == [1.0, 2.0] and found.name == "mine" and found.meta["rows"] == 2
    other = tmp_path / "other"
    other.mkdir()
    name = keep_frame(frame, other)
    (other / "frame.json").write_text(frame_text(pd.DataFrame({"y": [3.0]})), encoding="utf-8")
    with pytest.raises(DataError, match=r"frame.json does not have the sha256"):
        load(name)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: pd.DataFrame({1: [1.0]}), "named by int"),
        (lambda: pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "'a' more than once"),
        (lambda: pd.DataFrame({"a": [[1]]}), "column 'a' holds"),
        (lambda: pd.DataFrame({"a": pd.cut([1.0, 2.0], 2)}), "as categories"),
        (lambda: pd.DataFrame({"a": pd.Series([print], dtype=object)}), "builtin_function"),
    ],
)
def test_what_cannot_be_kept_is_named_in_a_line(make: Callable[[], pd.DataFrame], told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=told) as refused:
        keep_frame(make(), tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"rows": 1, "columns": [{"name": "y", "kind": "pickle"}]}',
        '{"rows": 1, "columns": [{"name": "y", "kind": "array", "values": ["|O", "AAAAAAAAAAA="]}]}',
        "no JSON",
    ],
)
def test_a_file_that_is_no_frame_is_refused(content: str, tmp_path: Path) -> None:
    """Even under its true sha256."""
    name = keep_frame(pd.DataFrame({"y": [1.0]}), tmp_path)
    note = json.loads(Path(name).read_text(encoding="utf-8"))
    note["sha256"] = hashlib.sha256(content.encode()).hexdigest()
    Path(name).write_text(json.dumps(note), encoding="utf-8")
    (tmp_path / "frame.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"frame.json holds no data frame"):
        load(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("moments", "POSIXct"),
        ("arrow's moments", "POSIXct"),
        ("arrow's days", "Date"),
        ("zoned", "POSIXct"),
        ("dates", "Date"),
        ("days", "Date"),
    ],
)
def test_dates_are_described_as_dates(name: str, kind: str, tmp_path: Path) -> None:
    (column,) = load(keep_frame(pd.DataFrame({name: pd.Series(COLUMNS[name])}), tmp_path)).meta["columns"]
    assert column["type"] == kind


def test_a_refusal_of_the_solver_stays_one(tmp_path: Path) -> None:
    """Spans of time are kept, and refused by who reads them, as without keeping."""
    frame = pd.DataFrame({"x": pd.to_timedelta([1, 2], unit="D")})
    kept = load(keep_frame(frame, tmp_path)).frame
    with pytest.raises(ModelError) as wanted:
        read_column(frame, "x")
    with pytest.raises(ModelError) as found:
        read_column(kept, "x")
    assert str(found.value) == str(wanted.value)
