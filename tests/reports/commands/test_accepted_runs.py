"""What breaks a run of the command line, what is accepted of it, and what the first line says."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relmer.datasets import Case
from relmer.reference.answers import Answer, recorded
from relmer.reports.causes import causes, scale_of
from relmer.reports.commands.main import main
from relmer.reports.records import Report
from relmer.reports.voices.report_json import from_json


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


FALSE_MINIMUM = "star/kindergarten-reml"
OFF = {
    "the criterion, by 5": ("criterion", lambda value: value + 5.0),
    "an estimate": ("beta", lambda value: tuple(entry * 1.5 for entry in value)),
    "standard errors": ("se", lambda value: tuple(entry * 1.5 for entry in value)),
}


def planted(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Answer], Answer]) -> None:
    """What lme4 recorded of each case, changed."""
    read = recorded.read

    def other(engine: str, case: Case, *rest: object) -> Answer | None:
        found = read(engine, case, *rest)
        return spoil(found) if found is not None and engine == "lme4" else found

    monkeypatch.setattr(recorded, "read", other)


@pytest.mark.parametrize("name", OFF)
def test_a_wrong_value_is_exit_status_1_until_it_is_accepted(
    name: str, tmp_path: Path, without_r: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lme4's recording, spoilt: wrong by default; accepted by a list that names what the report says; then stale."""
    quantity, change = OFF[name]

    def spoil(said: Answer) -> Answer:
        changed = {quantity: change(getattr(said.estimates, quantity))}
        return replace(said, estimates=replace(said.estimates, **changed))

    asked = ("run", "--case", "dyestuff/reml", "--engine", "lme4", "--jobs", "1", "--out", str(tmp_path / "out"))
    with monkeypatch.context() as patch:
        planted(patch, spoil)
        result = relmer(*asked)
        assert result.exit_code == 1
        assert result.stdout.startswith("lme4 1.1-31 is wrong on 1 of 1 case. ")
        report = from_json((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
        mine = tmp_path / "mine.toml"
        mine.write_text(entries(report), encoding="utf-8")
        result = relmer(*asked, "--accepted", str(mine))
        assert result.exit_code == 0, result.stdout
        assert result.stdout.startswith("lme4 1.1-31 is wrong on 1 of 1 case (accepted: 1). ")
        assert relmer(*asked, "--accepted", str(mine), "--fail-on", "accepted").exit_code == 1
    stale = relmer(*asked, "--accepted", str(mine))
    assert stale.exit_code == 1
    assert "the accepted failure is stale" in stale.stdout


def entries(report: Report) -> str:
    """A list that accepts what is wrong in a report, cause by cause."""
    return "".join(
        f'[[accepted]]\nengine = "{c.engine}"\ncase = "{c.case}"\nrung = {c.rung}\ndiagnosis = "{c.diagnosis}"\n'
        f'size = {scale_of(report, c.case, c.engine).size(c)}\nlink = "planted"\n'
        for c in causes(report.comparisons)
    )


@pytest.mark.parametrize("choice", ["early", "within"])
def test_fail_on_a_verdict(choice: str, tmp_path: Path, without_r: None) -> None:
    """lme4's default fit of sleepstudy stops early: status 1 where one chooses so, and only there."""
    out = tmp_path / "out"
    asked = ("run", "--case", "docs/sleepstudy", "--engine", "lme4", "--jobs", "1", "--out", str(out))
    result = relmer(*asked, "--fail-on", choice)
    report = from_json((out / "report.json").read_text(encoding="utf-8"))
    occurs = any(c.verdict == choice for c in report.comparisons)
    assert result.exit_code == occurs
    failures = len(list(ET.parse(out / "junit.xml").getroot().iter("failure")))
    assert failures == len({(c.case, c.engine, c.rung) for c in report.comparisons if c.verdict == choice})
    assert relmer(*asked).exit_code == 0


def test_the_first_line_never_says_that_all_is_well_where_it_is_not(tmp_path: Path, without_r: None) -> None:
    """lme4's default fit of the kindergarten rows stops 136 above the optimum (field.md, 1.11)."""
    asked = ("run", "--case", FALSE_MINIMUM, "--engine", "lme4", "--jobs", "1", "--out", str(tmp_path / "out"))
    result = relmer(*asked)
    assert "stops 135.981 above" in result.stdout
    assert result.stdout.startswith("lme4 1.1-31 is wrong on 1 of 1 case (accepted: 1).")
    assert "warnings: 1 on 1 case" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[accepted]]\n", "entry 1: engine is missing"),
        ("[[accepted\n", "is not TOML"),
        ("x = 1\n", "'x' is not known"),
    ],
)
def test_a_bad_list_of_accepted_failures_is_exit_status_2(text: str, message: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(text, encoding="utf-8")
    result = relmer("run", "--case", "dyestuff/reml", "--accepted", str(mine), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"relmer: {mine}") and message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
