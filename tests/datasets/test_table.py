"""A person's CSV file: types as R's `read.csv` gives them, and what is told about a guess."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import DataError, Table, read_table
from relmer.datasets.converted import number
from relmer.datasets.table import typed

# R 4.2.2: class and values of type.convert(texts, as.is = TRUE).
BY_R: list[tuple[list[str | None], str, list[object]]] = [
    (["T", "F", None], "logical", [True, False, None]),
    (["TRUE", "T"], "logical", [True, True]),
    (["TRUE", "false"], "character", ["TRUE", "false"]),
    (["True", "False"], "character", ["True", "False"]),
    (["true", "F"], "character", ["true", "F"]),
    (["T", "1"], "character", ["T", "1"]),
    (["0x1F", "10"], "numeric", [31, 10]),
    (["-0x10", "1"], "numeric", [-16, 1]),
    (["0x1.8p3", "10"], "numeric", [12, 10]),
    (["0xG", "1"], "character", ["0xG", "1"]),
    (["1L", "2"], "character", ["1L", "2"]),
    (["1d3", "2"], "character", ["1d3", "2"]),
    (["1e5", "2"], "numeric", [1e5, 2]),
    (["1e", "2"], "numeric", [1, 2]),
    (["100000", "7"], "integer", [100000, 7]),
    (["007", "1"], "integer", [7, 1]),
    (["+5", "1"], "integer", [5, 1]),
    (["--5", "1"], "character", ["--5", "1"]),
    (["inf", "-INFINITY"], "numeric", [np.inf, -np.inf]),
    (["NaN", "1"], "numeric", [None, 1]),
    (["NAN", "1"], "character", ["NAN", "1"]),
    (["1_000", "2"], "character", ["1_000", "2"]),
    (["1,000", "2"], "character", ["1,000", "2"]),
    ([" 1", "2 "], "integer", [1, 2]),
    (["1 2", "1"], "character", ["1 2", "1"]),
    (["٣", "1"], "character", ["٣", "1"]),
    (["1.", ".5"], "numeric", [1, 0.5]),
    (["5e-324", "1"], "numeric", [5e-324, 1]),
    (["1e400", "1"], "numeric", [np.inf, 1]),
    ([None, "2147483647"], "integer", [None, 2147483647]),
    ([None, None], "logical", [None, None]),
]
CLASSES = {"b": "logical", "i": "integer", "f": "numeric", "O": "character"}


@pytest.mark.parametrize(("texts", "kind", "values"), BY_R, ids=str)
def test_types_and_values_are_those_of_R(texts: list[str | None], kind: str, values: list[object]) -> None:
    column, _ = typed(pd.Series(texts, dtype=str), "x")
    assert [None if pd.isna(v) else v for v in column.tolist()] == values
    if kind != "logical" or any(texts):
        assert CLASSES[getattr(column.dtype, "kind", "O")] == kind


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=8))
def test_doubles_are_read_to_the_bit(values: list[float]) -> None:
    assert [number(repr(value)) for value in values] == values
    assert [number(repr(value).replace(".", ","), decimal=",") for value in values] == values
    assert [number(value.hex()) for value in values if np.isfinite(value)] == [v for v in values if np.isfinite(v)]


@settings(deadline=None)
@given(st.lists(st.integers(-(10**25), 10**25) | st.none(), min_size=1, max_size=8))
def test_whole_numbers_are_read_to_the_last_digit(values: list[int | None]) -> None:
    column, _ = typed(pd.Series([None if v is None else str(v) for v in values], dtype=str), "id")
    if any(v is not None for v in values):
        assert [None if pd.isna(v) else int(v) for v in column.tolist()] == values


def written(folder: Path, text: str, **options: object) -> Table:
    path = folder / "own.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, **options)  # type: ignore[arg-type]


def column_of(values: list[str], tmp_path: Path, **options: object) -> tuple[pd.Series, str]:
    table = written(
        tmp_path, "y;x\n" + "".join(f"{i};{value}\n" for i, value in enumerate(values)), separator=";", **options
    )
    return table.frame["x"], table.remarks.get("x", "")


REMARKS = {
    "a stray text": (["1", "2.5", "N/A", "4"], ["1 of 4 values is no number: 'N/A', first in row 3", "--na 'N/A'"]),
    "a dot": (["1", ".", "3", "."], ["2 of 4 values are no number: '.', first in row 2", "--na '.'"]),
    "two stray texts": (["1", "?", "3", "-", "5"], ["--na '?' --na '-'"]),
    "an apostrophe": (["1", "2", "'"], [r"--na ''\'''"]),
    "mostly missing": ([".", ".", ".", "3"], ["--na '.'"]),
    "decimal commas": (["1,5", "2", "3,25"], ["text, such as '1,5'", "--decimal ,"]),
    "thousands": (["1,430.5", "2,000.0", "12"], ["without separators"]),
    "dates": (
        ["2024-01-05", "2024-02-06"],
        ["text with dates, such as '2024-01-05'", "state its type, Date or POSIXct, by --types"],
    ),
    "other dates": (["5/1/2024", "06/02/2024"], ["dates"]),
    "Python's logicals": (["True", "False"], ["text, as in R, with the levels False, True"]),
    "an F for female": (["F", "F"], ["logical, since it holds only F"]),
    "hexadecimal": (["0x1A", "0x2B"], ["'0x1A' read as hexadecimal"]),
    "leading zeros": (["007", "12"], ["'007' is 7"]),
}


@pytest.mark.parametrize("kind", REMARKS)
def test_a_guess_is_told_in_one_line_with_the_cure(kind: str, tmp_path: Path) -> None:
    values, parts = REMARKS[kind]
    _, remark = column_of(values, tmp_path)
    assert all(part in remark for part in ["column 'x' is ", *parts]), remark
    assert "\n" not in remark and len(remark) < 250


PLAIN = [["1", "2"], ["TRUE", "FALSE"], ["a", "b"], ["1.5", ""], ["-3", "0"], ["a1", "b2", "3"]]


@pytest.mark.parametrize("values", PLAIN)
def test_nothing_is_told_of_what_is_plain(values: list[str], tmp_path: Path) -> None:
    assert column_of(values, tmp_path)[1] == ""


def test_the_cures_cure(tmp_path: Path) -> None:
    column, remark = column_of(["1", "N/A", ".", "4"], tmp_path, missing=["N/A", "."])
    assert [None if pd.isna(v) else v for v in column.tolist()] == [1, None, None, 4] and remark == ""
    column, remark = column_of(["1,5", "2", "3,25"], tmp_path, decimal=",")
    assert column.tolist() == [1.5, 2.0, 3.25] and remark == ""


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("y;g\n1,5;a\n2,5;b\n", r"no ',' in its header, but ';': give --sep ';' --decimal ,$"),
        ("y;g\n1.5;a\n2;b\n", r"give --sep ';'$"),
        ('"y"\t"g"\n1.5\ta\n', r"give --sep tab$"),
        ("y|g\n1|a\n", r"give --sep '\|'$"),
    ],
)
def test_another_separator_is_seen(text: str, cure: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=cure):
        written(tmp_path, text)


def test_decimal_commas_between_commas(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3 has 3 fields, the header 2; if the comma is decimal, fields"):
        written(tmp_path, "y,g\n1,a\n2,5,b\n")
    table = written(tmp_path, 'y,g\n"1,5",a\n"2,25",b\n', decimal=",")
    assert table.frame["y"].tolist() == [1.5, 2.25]


def test_a_file_of_one_column_is_one(tmp_path: Path) -> None:
    assert written(tmp_path, "y\n1\n2\n").frame["y"].tolist() == [1, 2]
    assert written(tmp_path, "\ufeffy,g\n1,2\n").frame.columns.tolist() == ["y", "g"]


@pytest.mark.parametrize(
    "options", [{"separator": ""}, {"separator": ";;"}, {"decimal": "1"}, {"decimal": "-"}, {"separator": "\n"}]
)
def test_options_that_cannot_be_are_refused(options: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^--(sep|decimal)"):
        written(tmp_path, "y,g\n1,2\n", **options)
