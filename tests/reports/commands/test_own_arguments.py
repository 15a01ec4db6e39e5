"""Weights, offset, subset, contrasts and levels of one's own models: every engine is asked for them, and judged."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main
from relmer.reports.pages.packed import unpacked
from tests.support.planting import planted

ENGINES = """
from relmer.datasets import data_of, load
from relmer.reference.engines import EngineUnsupported, Fitted
from relmer.reference.own_fits import estimates
from relmer.solver import lmer


class Theirs:
    house, witness_of, definition = "theirs", None, False
    needs, capabilities = (), frozenset({"fit"})

    def __init__(self, name):
        self.name = self.house = name

    def available(self):
        return ""

    def version(self):
        return "1"

    def environment(self):
        return {}

    def fit(self, case):
        arguments = {**case.arguments}
        if self.name == "cautious" and "weights" in arguments:
            raise EngineUnsupported("it knows no weights")
        if self.name == "careless":
            arguments.pop("weights", None)
        if self.name == "inverse":
            arguments["weights"] = "1/w"
        frame = load(case.dataset).frame if self.name == "unsorted" else data_of(case)
        return Fitted(estimates(lmer(case.formula, frame, REML=case.reml, **arguments)))
"""
NAMES = ("careful", "careless", "cautious", "inverse", "unsorted")
MAKERS = "".join(f"\n\ndef {name}():\n    return Theirs('{name}')\n" for name in NAMES)
ASKED = (
    *("--weights", "w", "--offset", "x/2", "--subset", "x > -1 | g == 'g1'", "--contrasts", "dose=contr.sum"),
    *("--levels", "dose=low,mid,high", "--na-action", "na.exclude"),
)


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    random = np.random.default_rng(4)
    lines = ["y,x,w,g,dose"]
    for k in range(60):
        g, x, w = k % 6, random.normal(1, 2), random.uniform(0.2, 4)
        dose = ("low", "mid", "high")[random.integers(3)]
        lines.append(f"{g + random.normal():.3f},{x:.2f},{w:.3f},g{g},{dose}")
    found = tmp_path / "mine.csv"
    found.write_text("\n".join([*lines, "1.0,,1,g1,low"]) + "\n", encoding="utf-8")
    return found


MODEL = ("--formula", "y ~ x + dose + (1 | g)")


def test_engines_that_ignore_them_are_wrong(
    path: Path, tmp_path: Path, without_r: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(tmp_path / "packages", monkeypatch, "theirs", ENGINES + MAKERS, {name: name for name in NAMES})
    out, judged = tmp_path / "out", [option for name in NAMES for option in ("--engine", name)]
    found = relmer("run", "--data", str(path), *MODEL, *ASKED, *judged, "--out", str(out), "--jobs", "1")
    assert found.exit_code == 1, found.output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    verdicts = {
        name: {c["verdict"] for c in report["comparisons"] if c["engine"] == name and c["rung"] > 3} for name in NAMES
    }
    assert verdicts["careful"] == {"agree"}
    assert verdicts["cautious"] == {"unsupported"}
    assert all("wrong" in verdicts[name] for name in ("careless", "inverse", "unsorted")), verdicts
    (case,) = report["cases"]
    assert case["arguments"] == {
        "weights": "w",
        "offset": "x/2",
        "subset": "x > -1 | g == 'g1'",
        "na_action": "na.exclude",
        "contrasts": "dose = contr.sum",
        "levels": "dose = low, mid, high",
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    details = unpacked(re.search(r'id="details">(.*?)<', page)[1])
    assert "weights = w" in details["case/my/1"]


def test_fit_and_judge_take_the_same(path: Path, tmp_path: Path, without_r: None) -> None:
    fitted = relmer("fit", MODEL[1], str(path), *ASKED, "--json")
    assert fitted.exit_code == 0, fitted.output
    said = json.loads(fitted.output[fitted.output.index("{") :])
    assert said["arguments"]["levels"] == "dose = low, mid, high"
    assert list(said["beta"]) == ["(Intercept)", "x", "dose1", "dose2"]
    beta, se = said["beta"]["x"], said["se"]["x"]
    figures = {"beta[x]": f"{beta:.6f}", "se[x]": f"{se:.6f}", "criterion": f"{said['criterion']:.4f}"}
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"case": "my/1", "engine": "SAS", "figures": figures}), encoding="utf-8")
    judged = ("judge", str(answers), "--data", str(path), *MODEL, "--out", str(tmp_path / "out"))
    assert relmer(*judged, *ASKED).exit_code == 0
    assert relmer(*judged).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--weights", "v"), "no column 'v'"),
        (("--weights", "system('ls')"), "cannot read weights"),
        (("--subset", "x >"), "cannot read subset"),
        (("--subset", "x > 99"), "no rows left: each misses a value"),
        (("--subset", "w > 99"), "asks for none"),
        (("--contrasts", "dose"), "--contrasts is 'dose': write it as f=contr.sum"),
        (("--contrasts", "dose=contr.x"), "'contr.x'"),
        (("--contrasts", "x=contr.sum"), "no factor of the fixed effects"),
        (("--contrasts", "dose=contr.sum", "--contrasts", "dose=contr.SAS"), "names 'dose' twice"),
        (("--levels", "dose"), "--levels is 'dose'"),
        (("--levels", "dose=low,high"), "levels of dose: 'mid' in row"),
        (("--na-action", "na.fail"), "na.fail: x is missing in 1, first in row 61"),
        (("--na-action", "na.pass"), "na.pass: x is missing in 1"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: tuple[str, ...], told: str, path: Path, tmp_path: Path) -> None:
    for command in (
        ("run", "--data", str(path), *MODEL, "--out", str(tmp_path / "out")),
        ("fit", MODEL[1], str(path)),
    ):
        found = relmer(*command, *arguments)
        assert found.exit_code == 2, found.output
        (line,) = [line for line in found.output.splitlines() if not line.startswith("note:")]
        assert line.startswith("relmer: ") and told in line


@pytest.mark.parametrize("arguments", [("--weights", "w"), ("--levels", "f=a,b"), ("--ml",), ("--na", "?")])
def test_they_are_of_own_data(arguments: tuple[str, ...]) -> None:
    found = relmer("run", *arguments)
    assert found.exit_code == 2 and "--data is missing" in found.output
