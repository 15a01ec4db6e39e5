"""The texts that are certified from: derived data sets, written and read back."""

import csv
import io
import math
from pathlib import Path

import pytest

from relmer.datasets import load
from relmer.reference.certificates.texts import CERTIFIED, csv_path, csv_text, derived_csv

DERIVED = ("sleepstudy_three", "star_kindergarten", "star_sample", "three_level")


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_data_set_reads_back_equal(name: str) -> None:
    frame = load(name).frame
    header, *rows = csv.reader(io.StringIO(derived_csv(name)))
    assert header == list(frame.columns)
    assert len(rows) == len(frame)
    for k, column in enumerate(header):
        for text, value in zip((row[k] for row in rows), frame[column].tolist(), strict=True):
            if value is None or (isinstance(value, float) and math.isnan(value)):
                assert text == ""
            else:
                assert text == value if isinstance(value, str) else float(text) == value


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_stored_is_what_is_derived(name: str) -> None:
    file, text = csv_text(name)
    assert (CERTIFIED / "data" / file).read_text(encoding="utf-8") == text == derived_csv(name)


def test_an_exported_data_set_is_read_as_it_is() -> None:
    for name in ("Dyestuff", "bdf"):
        file, text = csv_text(name)
        assert file == f"{name}.csv"
        assert len(text.splitlines()) == len(load(name).frame) + 1


def test_who_reads_a_derived_data_set_writes_nothing(tmp_path: Path) -> None:
    assert csv_path("three_level", tmp_path) is None
    assert csv_text("three_level", tmp_path) == csv_text("three_level")
    assert list(tmp_path.iterdir()) == []
