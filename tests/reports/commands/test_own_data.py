"""`relmer run` on a person's own data and models: every process finds them; what is told and refused."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from relmer.reference.engines import remove_abandoned
from relmer.reports.commands.main import main
from tests.support.planting import HONEST, planted


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


HOLDER = """
import sys, time
from pathlib import Path
from relmer.reports.commands.options import Arguments, Own, Reading
from relmer.reports.commands.own import own_cases

reading = Reading(sep=",", decimal=".", na=("?",), types=None)
arguments = Arguments(
    weights="", offset="", subset="", contrasts=(), levels=(), na_action=None, ignore_check=()
)
own = Own(cases_file=None, data=Path(sys.argv[1]), formulas=("y ~ 1 + (1 | g)",), ml=False, reading=reading,
          arguments=arguments)
with own_cases(own):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_copy_of_the_data_that_a_killed_run_leaves_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = balanced(tmp_path)
    kept = tmp_path / "temporary"
    kept.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(kept))
    monkeypatch.setenv("TMPDIR", str(kept))
    asked = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        assert remove_abandoned() == (), "a run that goes on keeps its data"
        assert list(kept.glob("*/mine.csv"))
        holder.kill()
    assert len(remove_abandoned()) == 1
    assert list(kept.iterdir()) == []


def balanced(folder: Path, seed: int = 5) -> tuple[Path, np.ndarray]:
    """A balanced one-way layout as a CSV file, with a row whose response is missing; the values by group."""
    random = np.random.default_rng(seed)
    y = np.round(50 + 4 * random.normal(size=(7, 1)) + random.normal(size=(7, 6)), 3)
    lines = [f"{value},g{group},{'FT'[k % 2]}" for group in range(7) for k, value in enumerate(y[group])]
    path = folder / "mine.csv"
    path.write_text("\n".join(["y,g,half", *lines, "?,g0,T"]) + "\n", encoding="utf-8")
    return path, y


def test_the_numbers_are_those_of_the_exact_law(tmp_path: Path, without_r: None) -> None:
    """Balanced one-way layout by REML: sigma^2 = MSW, the grand mean, its SE sqrt(MSB / n), G = (MSB - MSW) / k."""
    path, y = balanced(tmp_path)
    groups, each = y.shape
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / (groups * (each - 1))
    between = each * ((y.mean(axis=1) - y.mean()) ** 2).sum() / (groups - 1)
    out = tmp_path / "out"
    found = relmer(
        "run", "--data", str(path), "--na", "?", "--formula", "y ~ 1 + (1 | g)", "--out", str(out), "--jobs", "1"
    )
    assert found.exit_code == 0, found.output
    # Printed to ten digits: half a unit of the last is at most 5e-10 of the value.
    for label, value in {
        "sigma": within**0.5,
        "variances and covariances: g.(Intercept)": (between - within) / each,
        "beta: (Intercept)": y.mean(),
        "SE: (Intercept)": (between / y.size) ** 0.5,
    }.items():
        (printed,) = re.findall(rf"{re.escape(label)} ([0-9.]+)", found.output)
        assert float(printed) == pytest.approx(value, rel=6e-10)
    assert "note: 1 of 43 rows dropped" in found.output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [(case["name"], case["dataset"], case["rows"]) for case in report["cases"]] == [("my/1", "mine", 42)]
    assert str(tmp_path) not in (out / "report.html").read_text(encoding="utf-8")
    assert {c["verdict"] for c in report["comparisons"] if c["engine"] == "lme4"} == {"unsupported"}


def test_every_process_finds_them(tmp_path: Path, without_r: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers, and an engine of another package in a child of its own; two models, by maximum likelihood."""
    path, _ = balanced(tmp_path)
    planted(tmp_path / "packages", monkeypatch, "theirs", HONEST, {"theirs": "Engine"})
    out = tmp_path / "out"
    models = ("--formula", "y ~ half + (1 | g)", "--formula", "y ~ (half | g)", "--ml")
    found = relmer("run", "--data", str(path), "--na", "?", *models, "--out", str(out), "--engine", "theirs")
    assert found.exit_code == 0, found.output
    assert "'half' is logical" in found.output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert [case["REML"] for case in report["cases"]] == [False, False]
    said = {a["case"]: a["status"] for a in report["answers"] if a["engine"] == "theirs"}
    assert said == {"my/1": "fitted", "my/2": "fitted"}
    assert {c["verdict"] for c in report["comparisons"] if c["rung"] == 4} == {"agree"}


@pytest.mark.parametrize(
    "refused", ["y ~ 1 + (1 | row)", "y ~ factor(row) + (1 | g)", "y ~ half + (1 | one)", "z ~ (1 | g)"]
)
def test_a_model_that_is_refused_leaves_the_others(refused: str, tmp_path: Path, without_r: None) -> None:
    """As many levels or coefficients as rows, one level, no residual: the reason stands in its case."""
    path, _ = balanced(tmp_path)
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    rows = [f"{row},r{k},all,{row.split(',')[1][1:]}" for k, row in enumerate(rows)]
    path.write_text("\n".join([f"{head},row,one,z", *rows]) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    models = ("--formula", "y ~ 1 + (1 | g)", "--formula", refused, "--formula", "y ~ half + (1 | g)")
    found = relmer("run", "--data", str(path), "--na", "?", *models, "--out", str(out), "--jobs", "1")
    assert found.exit_code == 0, found.output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    verdicts = {(c["case"], c["verdict"]) for c in report["comparisons"] if c["engine"] == "pls"}
    assert {verdict for case, verdict in verdicts if case == "my/2"} == {"unsupported"}
    assert {verdict for case, verdict in verdicts if case != "my/2"} == {"agree", "not given"}
    (line,) = [line for line in found.output.splitlines() if line.startswith("my/2: ")]
    assert "no numbers to hold yours against: " in line
    assert all(f"my/{k}: " in found.output for k in (1, 3))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--formula", "y ~ (1 | g)"), "--data is missing"),
        (("--data", "FILE"), "--formula is missing"),
        (("--data", "FILE", "--formula", "y ~ (1 | g)", "--case", "*"), "--case is of the project's own data"),
        (("--data", "FILE", "--formula", "y ~ z + (1 | g)"), "z"),
        (("--data", "FILE", "--formula", "y ~ ("), "y ~ ("),
        (("--data", "FILE", "--formula", "y ~ (1 | g)", "--sep", ";;"), "--sep"),
        (("--data", "FILE", "--formula", "g ~ (1 | half)"), "'g'"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    path, _ = balanced(tmp_path)
    given = [str(path) if argument == "FILE" else argument for argument in arguments]
    found = relmer("run", *given, "--na", "?", "--out", str(tmp_path / "out"))
    assert found.exit_code == 2, found.output
    (line,) = [line for line in found.output.splitlines() if not line.startswith("note:")]
    assert line.startswith("relmer: ")
    assert told in line
    assert not (tmp_path / "out").exists()
