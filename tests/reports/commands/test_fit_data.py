"""`relmer fit` on a person's own file: how it is read, and what is told of that, a line each on stderr."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main
from relmer.solver import lmer

N = 36


def relmer_fit(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fit", *arguments], catch_exceptions=False)


def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    columns = {"y": rng.normal(size=N), "x": rng.normal(size=N), "w": rng.uniform(1, 2, N), "g": np.arange(N) % 6}
    return pd.DataFrame(columns).round(4)


def notes(result: Result) -> list[str]:
    return [line.removeprefix("note: ") for line in result.stderr.splitlines() if line.startswith("note: ")]


def beta(*arguments: str) -> dict[str, float]:
    result = relmer_fit(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, float] = json.loads(result.stdout)["beta"]
    return found


def test_a_plain_file_is_read_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    table().to_csv(path, index=False)
    result = relmer_fit("y ~ x + (1 | g)", str(path))
    assert (result.exit_code, result.stderr) == (0, "")


def test_stray_texts_dropped_rows_and_their_cure(tmp_path: Path) -> None:
    path, data = tmp_path / "own.csv", table()
    data["x"] = data["x"].astype(object)
    data.loc[[3, 8], "x"] = ["N/A", "."]
    data.to_csv(path, index=False)
    refused = relmer_fit("y ~ x + (1 | g)", str(path))
    assert refused.exit_code == 2 and "column 'x' is text, since 2 of 36 values are no number" in notes(refused)[0]
    read = relmer_fit("y ~ x + (1 | g)", str(path), "--na", "N/A", "--na", ".")
    assert read.exit_code == 0
    assert notes(read) == ["2 of 36 rows dropped: x is missing in 2, first in row 4"]
    # A column that the formula does not use is nobody's business.
    assert notes(relmer_fit("y ~ w + (1 | g)", str(path))) == []


def test_a_file_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    table().to_csv(path, index=False, sep=";", decimal=",")
    refused = relmer_fit("y ~ x + (1 | g)", str(path))
    assert refused.exit_code == 2 and refused.stderr.endswith("give --sep ';' --decimal ,\n")
    expected = lmer("y ~ x + (1 | g)", table()).beta.to_dict()
    assert beta("y ~ x + (1 | g)", str(path), "--sep", ";", "--decimal", ",") == expected
    table().to_csv(path, index=False, sep="\t")
    assert beta("y ~ x + (1 | g)", str(path), "--sep", "tab") == expected


def test_logicals_whole_numbers_and_hexadecimal_are_those_of_R(tmp_path: Path) -> None:
    """R 4.2.2: names of fixef, rows of ranef after read.csv."""
    path = tmp_path / "own.csv"
    answers = ["T" if i % 2 else "F" for i in range(N)]
    answers[5] = ""
    data = table().assign(f=answers, id=100000 * (1 + np.arange(N) % 4), h=[hex(i % 5) for i in range(N)])
    data.to_csv(path, index=False)
    assert list(beta("y ~ f + h + (1 | id)", str(path))) == ["(Intercept)", "fTRUE", "h"]
    assert list(beta("y ~ factor(id)", str(path)))[1] == "factor(id)200000"
    data.assign(f=np.where(np.arange(N) % 2, "True", "False")).to_csv(path, index=False)
    assert list(beta("y ~ f + h + (1 | id)", str(path))) == ["(Intercept)", "fTrue", "h"]


def test_ids_of_many_digits_stay_apart(tmp_path: Path) -> None:
    path, ids = tmp_path / "own.csv", 10**17 + np.arange(N) // 3
    table().assign(id=ids).to_csv(path, index=False)
    result = relmer_fit("y ~ x + (1 | id)", str(path))
    assert "12 whole numbers are 12 levels; R labels numbers by 15 digits and would see 1" in notes(result)[0]
    expected = lmer("y ~ x + (1 | id)", table().assign(id=[f"a{i}" for i in ids])).beta.to_dict()
    assert beta("y ~ x + (1 | id)", str(path)) == expected


def test_weights_and_offset_by_an_expression(tmp_path: Path) -> None:
    path, data = tmp_path / "own.csv", table()
    data.to_csv(path, index=False)
    expected = lmer("y ~ x + (1 | g)", data, weights=1 / data["w"], offset=data["w"] * 2).beta.to_dict()
    assert beta("y ~ x + (1 | g)", str(path), "--weights", "1/w", "--offset", "w * 2") == expected


@pytest.mark.parametrize(
    ("data", "formula", "told"),
    [
        ({"f": np.where(np.arange(N) % 2, "low", "Vast")}, "y ~ f", "f: text is sorted by code point"),
        ({"d": [f"2024-{1 + i // 9:02d}-{1 + i % 9:02d}" for i in range(N)]}, "y ~ d", "column 'd' is text with dates"),
        ({"x": np.arange(N) - 2}, "y ~ log(x + 1.5)", "log(x + 1.5) is not a number (NaN) in 1"),
    ],
)
def test_what_surprises_is_told(data: dict[str, object], formula: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    table().assign(**data).to_csv(path, index=False)
    assert any(told in note for note in notes(relmer_fit(f"{formula} + (1 | g)", str(path))))
