"""--annotate and --fail-on on the command line: what they print, and the status that they end with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main
from tests.support.planting import HONEST, planted

# Its sigma is wrong, and what it says would be a command.
ENGINE = HONEST.replace(
    "return Fitted(estimates(lmer(case.formula, data_of(case), REML=case.reml)))",
    """found = estimates(lmer(case.formula, data_of(case), REML=case.reml))
        from dataclasses import replace

        return Fitted(replace(found, sigma=found.sigma * 1.25), warnings=("::error::said by the engine",))""",
)
CASE = ("--case", "dyestuff/reml", "--engine", "pls")


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


def commands(found: Result) -> list[str]:
    """What GitHub's runner would take for a command."""
    return [line for line in found.output.splitlines() if line.lstrip().startswith("::") or "##[" in line]


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None) -> tuple[str, ...]:
    planted(tmp_path / "packages", monkeypatch, "theirs", ENGINE, {"theirs": "Engine"})
    return ("--case", "dyestuff/reml", "--engine", "theirs")


def test_a_run_that_breaks_is_annotated(theirs: tuple[str, ...], tmp_path: Path) -> None:
    asked = ("run", *theirs, "--out", tmp_path / "out")
    assert commands(relmer(*asked)) == []
    found = relmer(*asked, "--annotate", "github")
    (line,) = commands(found)
    assert found.exit_code == 1
    assert line.startswith("::error title=theirs on dyestuff/reml::rung 5 estimates, ")
    assert json.loads((tmp_path / "out" / "badge.json").read_text())["color"] == "red"


def test_judge_and_diff_annotate_too(theirs: tuple[str, ...], tmp_path: Path) -> None:
    old, new, out = tmp_path / "old", tmp_path / "new", tmp_path / "out"
    relmer("run", *CASE, "--out", old)
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"case": "dyestuff/reml", "engine": "::error::x", "figures": {"sigma": "77.7"}}))
    found = relmer("judge", answers, "--out", new, "--annotate", "github")
    (line,) = commands(found)
    assert (found.exit_code, line.startswith("::error title=%3A%3Aerror%3A%3Ax on dyestuff/reml::")) == (1, True), line
    moved = relmer("diff", old, new, "--annotate", "github", "--fail-on", "gone", "--out", out)
    assert moved.exit_code == 1
    assert all(line.startswith("::error title=") for line in commands(moved))
    assert commands(moved)
    assert commands(relmer("diff", old, new)) == []


def test_agreement_has_no_annotation(tmp_path: Path, without_r: None) -> None:
    found = relmer("run", *CASE, "--out", tmp_path, "--annotate", "github")
    assert (found.exit_code, commands(found)) == (0, [])


@pytest.mark.parametrize(
    ("asked", "status"), [("digits<3", 0), ("digits<5.5", 0), ("digits<16", 1), ("disagree", 0), ("drift", 0)]
)
def test_digits_decide(asked: str, status: int, tmp_path: Path, without_r: None) -> None:
    """Our own path has some 14 digits of the certified values, and less than 16 of one of them."""
    found = relmer("run", *CASE, "--out", tmp_path, "--fail-on", asked, "--annotate", "github")
    assert found.exit_code == status, found.output
    assert bool(commands(found)) == bool(status)
    digits = [c["digits"] for c in json.loads((tmp_path / "report.json").read_text())["comparisons"]]
    assert min(d for d in digits if d is not None) < 16


def test_what_is_accepted_disagrees(tmp_path: Path, without_r: None) -> None:
    """lme4's recorded answer on NIST's hardest small layout is wrong, and accepted."""
    asked = ("run", "--case", "nist/SmLs07-reml", "--engine", "lme4", "--out", tmp_path)
    assert relmer(*asked).exit_code == 0
    assert json.loads((tmp_path / "badge.json").read_text())["color"] == "yellow"
    assert relmer(*asked, "--fail-on", "disagree").exit_code == 1
    assert json.loads((tmp_path / "badge.json").read_text())["color"] == "red"


@pytest.mark.parametrize(
    "asked",
    ["digits<", "digits<0", "digits<-1", "digits<17", "digits<x", "digits<1e3", "digits<nan", "digits<inf", "digits<8 ",
     "digits>8", "digits", "digits8", "digits<<8", "digits<8,9", "digits<1" + "0" * 40, "digits<٣", "Early", "no", ""],
)  # fmt: skip
def test_a_bad_choice_is_one_line_before_anything_runs(asked: str, tmp_path: Path) -> None:
    found = relmer("run", *CASE, "--out", tmp_path / "out", "--fail-on", asked)
    assert found.exit_code == 2
    (line,) = found.output.splitlines()
    assert line.startswith("relmer: --fail-on is ")
    assert "digits<8" in line
    assert not (tmp_path / "out").exists()
