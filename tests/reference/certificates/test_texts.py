"""The models' texts: derived data sets, written and read back."""

import csv
import io
import math

import pytest

from relmer.datasets import load
from relmer.reference.certificates.models import CERTIFIED, csv_text, derived_csv, described, models

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


def test_a_description_is_plain_data() -> None:
    model = next(model for model in models() if model.name == "sleepstudy-slopes")
    assert described(model)["random"] == [
        {"name": "Subject", "group": ["Subject"], "columns": [["(Intercept)"], ["Days", "Days"]]}
    ]


def test_an_unknown_field_is_refused(tmp_path) -> None:
    text = (CERTIFIED / "models.toml").read_text(encoding="utf-8")
    (tmp_path / "models.toml").write_text(text.replace("response =", "respons =", 1), encoding="utf-8")
    with pytest.raises(ValueError, match="response is missing"):
        models(tmp_path / "models.toml")
