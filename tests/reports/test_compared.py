"""Engines, versions and recordings, judged and told apart: what a name or a path means, and what moves between them."""

from dataclasses import replace
from pathlib import Path

import pytest

from relmer.datasets import DataError, cases
from relmer.reference.answers import recorded
from relmer.reports.changes import Way
from relmer.reports.compared import Asked, asked, compared
from relmer.reports.diff import diff
from relmer.reports.verdicts import Verdict

CASES = cases("dyestuff/*")
OLD, NEW = "lme4@1.1-26", "lme4@2.1-0"


def test_each_has_a_report_on_itself_alone() -> None:
    before, after = compared([Asked(OLD), Asked(NEW)], CASES)
    for report, name in ((before, OLD), (after, NEW)):
        assert [(one.name, one.version, one.source) for one in report.engines] == [
            (name, name.partition("@")[2], "recorded")
        ]
        assert {c.engine for c in report.comparisons} == {said.engine for said in report.answers} == {name}
        assert {said.case for said in report.answers} == {one.name for one in CASES}
        assert report.engines[0].environment["lme4"] == report.engines[0].version
    found = diff(before, after)
    assert ("name", OLD, NEW) in [(fact.fact, fact.before, fact.after) for fact in found.differs]
    assert not found.presence


def test_recordings_elsewhere_are_judged(tmp_path: Path) -> None:
    """A folder, and the same packed with one answer planted far from the optimum: that is told, and no other."""
    answers = [recorded.read("lme4", one) for one in CASES]
    for answer in answers:
        recorded.write(answer, tmp_path / "a")
        recorded.write(answer, tmp_path / "b")
    spoilt = replace(answers[0].estimates, theta=(0.5,), beta=(1500.0,))
    recorded.write(replace(answers[0], estimates=spoilt), tmp_path / "b")
    recorded.pack("lme4", tmp_path / "b")
    sides = [asked(str(tmp_path / "a" / "lme4")), asked(str(tmp_path / "b" / "lme4.zip"))]
    assert sides == [Asked("lme4", tmp_path / "a"), Asked("lme4", tmp_path / "b")]
    found = diff(*compared([one for one in sides if one], CASES))
    moved = {(one.case, one.quantity): one for one in found.moved if one.first is not None}
    assert {*moved} == {(CASES[0].name, "theta"), (CASES[0].name, "beta")}
    assert {one.way for one in moved.values()} == {Way.FARTHER}
    worse = [one for one in found.turned if one.after and one.after.verdict is Verdict.WRONG]
    assert {one.case for one in worse} == {CASES[0].name}
    assert [case for case, _ in found.same] == [CASES[1].name]


def test_a_folder_without_recordings_of_the_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lme4").mkdir()
    with pytest.raises(DataError, match="holds no recording of lme4 on a case that is chosen"):
        compared([Asked("lme4", tmp_path), Asked(NEW)], CASES)
