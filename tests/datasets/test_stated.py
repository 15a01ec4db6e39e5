"""Types and levels that are stated, compressed files and Parquet: read as they say, refused in one line."""

import datetime
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import Case, ColumnType, DataError, data_of, keep_table, load, read_table, read_types, with_levels

TEXT = """y,g,plot,day,at,f
1.5,b,02,2020-02-29,2020-02-29 06:30,T
2,a,10,,2020-03-01T00:00:30.5Z,F
,b,02,1969-12-31,,T
"""
TYPES = """
[[column]]
name = "plot"
type = "factor"
levels = ["10", "02"]
[[column]]
name = "day"
type = "Date"
[[column]]
name = "at"
type = "POSIXct"
[[column]]
name = "f"
type = "string"
unit = "as it is written"
[[column]]
name = "y"
type = "numeric"
"""


def written(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_what_is_stated(tmp_path: Path) -> None:
    types = read_types(written(tmp_path, TYPES, "types.toml"))
    frame = read_table(written(tmp_path, TEXT, "my.csv"), types=types).frame
    assert list(frame["plot"].cat.categories) == ["10", "02"]
    assert frame["plot"].tolist() == ["02", "10", "02"]
    assert frame["day"].tolist() == [datetime.date(2020, 2, 29), None, datetime.date(1969, 12, 31)]
    assert frame["at"].tolist()[:2] == [pd.Timestamp("2020-02-29 06:30"), pd.Timestamp("2020-03-01 00:00:30.5")]
    assert pd.isna(frame["at"][2])
    assert frame["f"].tolist() == ["T", "F", "T"]
    assert frame["y"].dtype == np.float64
    assert frame["g"].tolist() == ["b", "a", "b"]


def test_every_process_reads_them_so(tmp_path: Path) -> None:
    types = read_types(written(tmp_path, TYPES, "types.toml"))
    path = tmp_path / "my.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "kept").mkdir()
    name = keep_table(path, tmp_path / "kept", types=types)
    path.unlink()
    pd.testing.assert_frame_equal(load(name).frame, read_table(written(tmp_path, TEXT, "my.csv"), types=types).frame)
    assert load(name).name == "my"


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ("[[column]]\nname = 'y'", "type is missing"),
        ("[[column]]\nname = 'y'\ntype = 'double'", "give one of factor, ordered"),
        ("[[column]]\nname = 'y'\ntype = 3", "type is 3"),
        ("[[column]]\nname = 'y'\ntype = 'numeric'\nlevels = ['1']", "has no levels"),
        ("[[column]]\nname = 'y'\ntype = 'ordered'", "levels are missing"),
        ("[[column]]\nname = 'y'\ntype = 'factor'\nlevels = ['1', '1']", "named twice"),
        ("[[column]]\nname = 'y'\ntype = 'factor'\nlevels = '1'", "give a list of strings"),
        ("[[column]]\nname = 'y'\ntype = 'factor'\n" * 2, "the column is named twice"),
        ("[[column]]\nname = 'y'\nkind = 'factor'", "kind is no field"),
        ("y = 'factor'", "stands outside a [[column]] table"),
        ("[[column", "is not TOML"),
    ],
)
def test_what_states_no_types_is_one_line(types: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_types(written(tmp_path, types, "types.toml"))
    assert told in str(error.value) and "types.toml" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (ColumnType("g", "numeric"), "in column g, row 1, the value 'b', not a number"),
        (ColumnType("y", "integer"), "in column y, row 1, the value '1.5', not a whole number"),
        (ColumnType("g", "factor", ("a",)), "row 1, the value 'b', not one of its levels"),
        (ColumnType("g", "Date"), "row 1, the value 'b', not a day such as 2020-02-29"),
        (ColumnType("at", "Date"), "row 1, the value '2020-02-29 06:30', not a day"),
        (ColumnType("plot", "POSIXct"), "row 1, the value '02', not a time"),
        (ColumnType("z", "factor"), "types: my.csv has no column 'z'"),
    ],
)
def test_a_field_of_another_type_is_named(column: ColumnType, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_table(written(tmp_path, TEXT, "my.csv"), types=(column,))
    assert told in str(error.value)


def test_a_decimal_comma_is_one_in_stated_numbers_too(tmp_path: Path) -> None:
    path = written(tmp_path, "y;g\n0,1;a\n", "my.csv")
    assert read_table(path, ";", ",", types=(ColumnType("y", "numeric"),)).frame["y"][0] == 0.1


@pytest.mark.parametrize("content", [TEXT.encode(), gzip.compress(TEXT.encode(), mtime=0)[:-12], b"\x1f\x8b"])
def test_what_is_not_compressed_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "my.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"my.csv.gz is not compressed"):
        read_table(path)


def test_parquet_without_pyarrow_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*given: Any, **options: Any) -> None:
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", absent)
    with pytest.raises(DataError, match=r"my.parquet: Parquet needs pyarrow: pip install 'relmer\[parquet\]'\Z"):
        read_table(tmp_path / "my.parquet")


def test_parquet_says_itself_what_its_columns_are(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "y": [1.5, np.nan],
            "k": [3, 2**40],
            "g": pd.Categorical(["b", "a"], ["b", "a"]),
            "day": [datetime.date(2020, 2, 29), None],
        },
        index=[4, 7],
    )
    path = tmp_path / "my.parquet"
    frame.to_parquet(path)
    pd.testing.assert_frame_equal(read_table(path).frame, frame.reset_index(drop=True))
    with pytest.raises(DataError, match=r"leave --types out"):
        read_table(path, types=(ColumnType("y", "numeric"),))
    with pytest.raises(DataError, match=r"broken.parquet is not a Parquet file"):
        read_table(written(tmp_path, "PAR1", "broken.parquet"))


def test_levels_stand_as_they_are_stated() -> None:
    frame = pd.DataFrame({"f": ["lo", None, "hi"], "o": pd.Categorical(["a", "b", "b"], ordered=True), "x": [1, 2, 3]})
    found = with_levels(frame, {"f": ("lo", "mid", "hi"), "o": ("b", "a")})
    assert list(found["f"].cat.categories) == ["lo", "mid", "hi"] and not found["f"].cat.ordered
    assert found["f"].isna().tolist() == [False, True, False]
    assert list(found["o"].cat.categories) == ["b", "a"] and found["o"].cat.ordered
    assert not isinstance(frame["f"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ({"f": ("lo",)}, "levels of f: 'hi' in row 2 is not among lo"),
        ({"f": ("lo", "hi", "lo")}, "levels of f: 'lo' is named twice"),
        ({"z": ("lo",)}, "the data have no column 'z'"),
        ({"x": ("1", "2")}, "levels of x: it is int64, no text: state its type as factor"),
    ],
)
def test_levels_that_are_not_those_of_the_data_are_one_line(levels: dict[str, tuple[str, ...]], told: str) -> None:
    with pytest.raises(DataError) as error:
        with_levels(pd.DataFrame({"f": ["lo", "hi"], "x": [1, 2]}), levels)
    assert told in str(error.value)


def test_a_case_tells_apart_what_it_asks() -> None:
    plain = Case("one", "Machines", "score ~ Machine + (1 | Worker)", True, "", "")
    other = Case("one", "Machines", "score ~ Machine + (1 | Worker)", True, "", "", levels={"Machine": ("C", "A", "B")})
    assert plain != other and hash(plain) == hash(plain)
    assert (plain.arguments, plain.told) == ({}, {})
    assert list(data_of(other)["Machine"].cat.categories) == ["C", "A", "B"]
