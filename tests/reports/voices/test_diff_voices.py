"""What differs between two reports, as rows, a sentence, Markdown and JUnit, read back."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from relmer.reports.changes import Kind
from relmer.reports.diff import diff
from relmer.reports.records import Report
from relmer.reports.text import printable
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import DIFF_HEADER, diff_junit, diff_markdown, diff_rows, difference

ALL = frozenset(Kind)


def other(report: Report) -> Report:
    """The report with a change of every kind; in one of strings that want to break out, they are in the changes too."""
    first, *rest = report.answers
    values = {name: tuple(2.0 if v is None else 3.0 * v for v in entries) for name, entries in first.values.items()}
    return replace(
        report,
        created="later",
        version=f"{report.version} 2",
        comparisons=(
            *(replace(c, verdict=Verdict.FAILED, accepted="") for c in report.comparisons[:9]),
            *report.comparisons[9:],
        ),
        answers=(replace(first, warnings=(*first.warnings, first.engine), status="odd", values=values), *rest),
        scores=tuple(replace(s, optimiser_error=1.0) for s in report.scores),
        figures=report.figures[1:],
        accepted=tuple(replace(k, link=f"{k.link}2") for k in report.accepted),
    )


def test_every_change_is_a_row_of_all_columns(report: Report) -> None:
    found = diff(report, other(report))
    assert all((found.turned, found.moved, found.gaps, found.warned, found.differs, found.figures, found.known))
    told = list(diff_rows(found, only_changed=True))
    assert {len(row) for row in told} == {len(DIFF_HEADER)}
    assert len(told) == len(list(found.changes))
    assert len(list(diff_rows(found))) == len(told) + len(found.same)


def test_a_value_has_both_sides_the_first_digit_and_the_way(make_report: Callable[[int], Report]) -> None:
    report = make_report(1)

    def with_theta(theta: float, digits: float) -> Report:
        said = [replace(a, values={"theta": (theta,)}) if a.engine == "lme4" else a for a in report.answers]
        scores = [replace(s, digits={"theta": digits}) if s.engine == "lme4" else s for s in report.scores]
        return replace(report, answers=tuple(said), scores=tuple(scores))

    found = diff(with_theta(0.9667, 4.0), with_theta(0.9668, 5.26))
    assert list(diff_rows(found, only_changed=True)) == [
        (
            "moved",
            "sleepstudy/REML",
            "lme4",
            "5 estimates",
            "theta",
            "0.9667",
            "0.9668",
            "3.9, digit 4 differs",
            "4.0 → 5.2 by sleepstudy.REML",
            "nearer",
        )
    ]
    assert difference(found) == "lme4: 1 quantity moved (1 nearer); pls, qr, gls and lme4-tight: nothing."


def test_identical_reports_are_one_sentence(report: Report) -> None:
    found = diff(report, replace(report, created="later"))
    assert difference(found) == "The two reports are the same, but for the time."
    assert list(diff_rows(found, only_changed=True)) == []
    assert len(list(diff_rows(found))) == len(found.same)
    assert diff_markdown(found, only_changed=True).startswith(f"# relmer diff: {difference(found)}\n\nBefore: relmer ")


def test_what_differs_in_words_alone_is_named(make_report: Callable[[int], Report]) -> None:
    report = make_report(1)
    found = diff(report, replace(report, findings=()))
    assert difference(found).endswith(": nothing. In words, order or less than is shown: findings.")


def test_versions_are_told_with_their_engine(make_report: Callable[[int], Report]) -> None:
    report = make_report(1)
    newer = tuple(replace(e, version="1.1-37") if e.name == "lme4" else e for e in report.engines)
    judged = tuple(replace(c, verdict=Verdict.WRONG) if c.engine == "lme4" else c for c in report.comparisons)
    said = tuple(replace(a, version="1.1-37") if a.engine == "lme4" else a for a in report.answers)
    text = difference(diff(report, replace(report, engines=newer, answers=said, comparisons=judged)))
    assert text.startswith("lme4 1.1-31 → 1.1-37: ") and "verdicts (" in text and " broken)" in text
    assert text.endswith("Beside: 1 fact of the engines.")


def test_junit_fails_what_is_chosen_and_passes_the_rest(report: Report) -> None:
    found = diff(report, other(report))
    for chosen in (frozenset(), frozenset({Kind.WARNING}), ALL):
        root = ElementTree.fromstring(diff_junit(found, chosen).encode())
        failures = root.findall(".//failure")
        assert len(failures) == len(found.fails(chosen)) == int(root.get("failures", "")) > 0
        assert {word for f in failures for word in (f.get("type") or "").split(", ")} <= {*chosen, "broken"}
        assert int(root.get("tests", "")) == len(list(diff_rows(found))) == len(root.findall(".//testcase"))
        names = [(suite.get("name"), test.get("name")) for suite in root for test in suite]
        assert len(set(names)) == len(names)
        assert all(suite.get("name") for suite in root)


def test_markdown_has_no_markup_and_keeps_its_columns(report: Report) -> None:
    text = diff_markdown(diff(report, other(report)), ALL)
    width = 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        assert token.type != "html_block"
        kinds = {child.type for child in token.children or ()}
        assert kinds <= {"text", "text_special", "code_inline", "softbreak"}, token.content
        if token.type == "tr_open":
            width = 0
        width += token.type in ("td_open", "th_open")
        if token.type == "tr_close":
            assert width == len(DIFF_HEADER)
    assert "## Fails" in text and "## Moved" in text and "## Gap" in text


def test_a_long_table_is_cut_and_says_so(make_report: Callable[[int], Report]) -> None:
    report = make_report(3)
    found = diff(
        report, replace(report, comparisons=tuple(replace(c, verdict=Verdict.WRONG) for c in report.comparisons))
    )
    text = diff_markdown(found)
    assert f"… and {len(found.turned) - 100:,} more, which `relmer diff` lists." in text


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\ufffe"])
def test_characters_that_xml_forbids_are_dropped(character: str, make_report: Callable[[int], Report]) -> None:
    report = make_report(1)
    first, *rest = report.answers
    found = diff(report, replace(report, answers=(replace(first, warnings=(f"before{character}after",)), *rest)))
    text = diff_junit(found, ALL)
    assert ElementTree.fromstring(text.encode()) is not None
    assert "beforeafter" in text and printable(text) == text
