"""`relmer.certify`: the proved optimum of a frame or a file, which shows itself and can be proved again."""

import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import relmer
from relmer.datasets import DataError
from relmer.reports.commands.main import main
from relmer.reports.python import certifying
from relmer.solver.errors import ModelError

ONE_WAY = "y ~ 1 + (1 | g)"


def balanced() -> pd.DataFrame:
    """Four groups of three, of quarters: every double is its decimal."""
    y = [1.25, 2.5, 1.75, 4.5, 5.25, 6.0, 9.5, 8.75, 9.0, 3.5, 2.75, 3.25]
    return pd.DataFrame({"y": y, "g": np.repeat(["<b>a", "b", "c\u202e", "d"], 3)}, index=[5] * 12)


def unbalanced(seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    g = random.integers(0, 7, 50)
    x = random.normal(size=50)
    y = x + random.normal(size=7)[g] + 0.5 * random.normal(size=50)
    return pd.DataFrame({"y": y, "x": x, "g": pd.Categorical([f"level {k}" for k in g]), "w": 1 + random.random(50)})


def test_a_balanced_frame_has_the_values_of_the_exact_law() -> None:
    """By rational arithmetic: sigma^2 = MSW, G = (MSB - MSW) / k, the grand mean."""
    frame = balanced()
    y = [[Fraction(v) for v in frame["y"][3 * k : 3 * k + 3]] for k in range(4)]
    means = [sum(group) / 3 for group in y]
    within = sum((v - mean) ** 2 for group, mean in zip(y, means, strict=True) for v in group) / 8
    grand = sum(means) / 4
    between = 3 * sum((mean - grand) ** 2 for mean in means) / 3
    found = relmer.certify(frame, ONE_WAY)
    values = found.certificate["readings"]["double"]["values"]
    wanted = {"sigma2": within, "var[g, (Intercept)]": (between - within) / 3, "beta[(Intercept)]": grand}
    for key, exact in wanted.items():
        # An exact value is printed to so many digits; its radius is that of the printing.
        assert abs(Fraction(values[key]["value"]) - exact) <= Fraction(values[key]["radius"])
    assert "exact" in repr(found).splitlines()[0]
    html = found._repr_html_()
    assert "beta[(Intercept)]" in html and not {"<script", "<b>", "\u202e"} & {html}


def test_a_frame_can_be_proved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the folder alone, by the command; with weights of rows, and nothing left where nothing was asked for."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    frame, out = unbalanced(), tmp_path / "out"
    found = relmer.certify(frame, "y ~ x + (x | g)", weights=frame["w"], REML=False, out=out)
    assert [*temporary.iterdir()] == []
    assert found.path == out / "frame.ml.json"
    assert [*found.certificate["readings"]] == ["decimal", "double"]
    arguments = ["certify", "--verify", "--certificate", str(found.path), "--data", str(out / "frame.certified.csv")]
    proved = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert proved.exit_code == 0 and "is proved again" in proved.output
    without = relmer.certify(frame, "y ~ x + (x | g)", weights="w", REML=False)
    assert without.path is None and [*temporary.iterdir()] == []
    assert without.certificate["readings"]["double"]["values"] == found.certificate["readings"]["double"]["values"]


def test_the_proof_encloses_the_fit() -> None:
    """The double reading is of the very doubles of the frame: our paths owe 12 digits of beta, sigma and SE."""
    frame = unbalanced(9)
    found, fit = relmer.certify(frame, "y ~ x + (1 | g)"), relmer.lmer("y ~ x + (1 | g)", frame)
    values = {key: float(v["value"]) for key, v in found.certificate["readings"]["double"]["values"].items()}
    assert values["beta[x]"] == pytest.approx(fit.beta["x"], rel=1e-12)
    assert values["sigma"] == pytest.approx(fit.sigma, rel=1e-12)
    assert values["se[x]"] == pytest.approx(fit.se["x"], rel=1e-12)


def test_a_file_is_certified_as_the_command_does(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    unbalanced().round(2).to_csv(path, index=False)
    found = relmer.certify(path, "y ~ x + (1 | g)", prove_global=True, out=tmp_path / "python")
    arguments = ["certify", "--data", str(path), "--formula", "y ~ x + (1 | g)", "--global", "--out", str(tmp_path)]
    said = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert "decimal global-proved, double global-proved" in repr(found)
    for line in repr(found).splitlines():
        assert line in said.output
    made, asked = ((place / "mine.reml.json").read_bytes() for place in (tmp_path / "python", tmp_path))
    assert made == asked


def test_rows_that_are_dropped_are_warned_of() -> None:
    frame = balanced()
    frame["y"] = frame["y"].where(frame["y"] != 9.5)
    with pytest.warns(UserWarning, match="1 of 12 rows dropped") as caught:
        relmer.certify(frame, ONE_WAY)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: relmer.certify(balanced(), "y ~ z + (1 | g)"), "no column 'z'"),
        (lambda: relmer.certify(balanced(), [ONE_WAY]), "formula is"),
        (lambda: relmer.certify(balanced().to_dict(), ONE_WAY), "must be a pandas DataFrame"),
        (lambda: relmer.certify("/nowhere/my.csv", ONE_WAY), "/nowhere/my.csv: No such file"),
        (lambda: relmer.certify(balanced(), "y ~ 1"), "no random effects"),
    ],
)
def test_what_cannot_be_is_one_line(call: Callable[[], Any], told: str) -> None:
    with pytest.raises((DataError, ModelError, ValueError)) as refused:
        call()
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_without_flint_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifying, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'relmer\[certify\]'"):
        relmer.certify(balanced(), ONE_WAY)
