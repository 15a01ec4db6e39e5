"""What a verdict is called and what it brings about is said in one place."""

import re
from dataclasses import replace
from importlib.resources import files

import pytest

from relmer.reports.records import Comparison, Drift, KnownFailure, Optimality, Report
from relmer.reports.verdicts import Diagnosis, FailOn, FigureVerdict, Outcome, Verdict

VOICES = [
    path
    for wing in ("voices", "pages", "chapters")
    for folder in (files(f"relmer.reports.{wing}"), files("relmer.reports.pages").joinpath("templates"))
    for path in folder.iterdir()
    if path.name.endswith((".py", ".html", ".js"))
]
WORDS = {word.value for kind in (Verdict, FigureVerdict, Diagnosis) for word in kind if word}


def test_every_verdict_has_its_own_sign_rank_and_sentence() -> None:
    for name in ("symbol", "rank", "heading", "sentence", "css"):
        assert len({getattr(verdict, name) for verdict in Verdict}) == len(Verdict)
    assert sorted(verdict.rank for verdict in Verdict) == list(range(len(Verdict)))
    assert all(verdict.sentence.endswith(".") and verdict.one and verdict.several for verdict in Verdict)


def test_what_breaks_a_run_is_what_junit_calls_red() -> None:
    assert {verdict for verdict in Verdict if verdict.breaks} == {Verdict.WRONG, Verdict.FAILED}
    unjudged = {Verdict.UNSUPPORTED, Verdict.FAILED, Verdict.NOT_GIVEN}
    assert {verdict for verdict in Verdict if not verdict.judged} == unjudged
    assert {verdict.junit for verdict in Verdict} == set(Outcome)


def test_what_breaks_is_worse_than_what_does_not() -> None:
    ranked = sorted(Verdict, key=lambda verdict: verdict.rank)
    assert [verdict.breaks for verdict in ranked] == sorted((v.breaks for v in Verdict), reverse=True)
    assert Verdict.worst(Verdict) is ranked[0]
    assert Verdict.worst([Verdict.UNSUPPORTED, Verdict.AGREE]) is Verdict.AGREE


@pytest.mark.parametrize("word", FigureVerdict)
def test_a_figures_verdict_is_the_word_for_a_comparisons(word: FigureVerdict) -> None:
    assert FigureVerdict.of(word.means) is word


def test_an_engine_is_astray_that_is_not_on_its_way_to_the_optimum() -> None:
    assert [kind for kind in Optimality if not kind.astray] == [Optimality.OPTIMUM, Optimality.EARLY]


@pytest.mark.parametrize("path", VOICES, ids=lambda path: path.name)
def test_no_voice_spells_a_verdict(path) -> None:
    """Not a word in quotes, nor a sign that stands for one."""
    text = re.sub(r">>>.*?\n\s*\n|\"\"\".*?\"\"\"", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not WORDS.intersection(re.findall(r"[\"']([\w ]+)[\"']", text))
    assert not set("✓≈✗").intersection(text)


EMPTY = Report(created="", version="", environment={}, engines=(), cases=(), comparisons=())
MOVED = Drift("c", "e", "theta", "1.0", "1.1", 1.0)


def compared(verdict: Verdict, accepted: str = "") -> Comparison:
    return Comparison("c", "e", 4, "criterion", verdict, 3.0, "", "", "", Diagnosis.STOP, accepted)


BREAKS = {
    "agree": (compared(Verdict.AGREE), set()),
    "within": (compared(Verdict.WITHIN), {FailOn.WITHIN}),
    "early": (compared(Verdict.EARLY), {FailOn.EARLY}),
    "accepted": (compared(Verdict.WRONG, "https://example.org"), {FailOn.ACCEPTED, FailOn.DISAGREE}),
    "wrong": (compared(Verdict.WRONG), set(FailOn) | {None}),
    "failed": (compared(Verdict.FAILED), set(FailOn) | {None}),
    "unsupported": (compared(Verdict.UNSUPPORTED), set()),
    "not given": (compared(Verdict.NOT_GIVEN), set()),
}


@pytest.mark.parametrize("choice", [None, *FailOn])
@pytest.mark.parametrize("name", BREAKS)
def test_what_is_wrong_or_failed_breaks_a_run_and_else_what_one_chooses(name: str, choice: FailOn | None) -> None:
    comparison, breaking = BREAKS[name]
    report = replace(EMPTY, comparisons=(comparison,), fail_on=(choice,) if choice else ())
    assert report.fails(comparison) == report.broken == (choice in breaking)


def test_drift_breaks_a_run_if_one_chooses_so_and_a_stale_acceptance_always() -> None:
    moved = replace(EMPTY, drift=(MOVED,))
    assert not moved.broken
    assert replace(moved, fail_on=(FailOn.DRIFT,)).broken
    known = KnownFailure("e", "c", 4, Diagnosis.STOP, 1.0, "https://example.org")
    assert not replace(EMPTY, accepted=(known,)).broken
    assert replace(EMPTY, accepted=(replace(known, stale=True),)).broken
