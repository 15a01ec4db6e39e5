"""Annotations for GitHub: what breaks and nothing else, a line each, and no name gets out of its place."""

import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.reports.changes import Kind
from relmer.reports.diff import diff
from relmer.reports.verdicts import FailOn, FigureVerdict, Verdict
from relmer.reports.voices.annotations import MOST, Annotation, diff_annotations, github, report_annotations

# As the runner reads a line (actions/runner, ActionCommand.TryParseV2): a name, properties with commas, a message.
COMMAND = re.compile(r"::(?P<name>[a-z-]+) (?P<properties>[^:]*)::(?P<message>.*)")
HOSTILE = [
    "::set-env name=PATH::/tmp",
    "a\n::error::b",
    "a\r\n::warning::b",
    "50%",
    "%0A::stop-commands::x",
    "##[add-mask]x",
]


def read(line: str) -> tuple[str, str]:
    """Title and message of an annotation, as the runner reads them."""
    found = COMMAND.fullmatch(line)
    assert found is not None, line
    assert found["name"] == "error"
    name, _, title = found["properties"].partition("=")
    assert name == "title"
    assert "," not in title and ":" not in title
    return unquote(title), unquote(found["message"])


@given(title=st.text(max_size=100), text=st.text(max_size=300))
def test_any_text_is_one_command_and_reads_back(title: str, text: str) -> None:
    (line,) = github([Annotation(title, text)])
    assert len(line.splitlines()) == 1
    shown = read(line)
    for given_text, back in zip((title, text), shown, strict=True):
        assert set(back) <= {" ", *given_text}
        assert [c for c in given_text if c.isascii() and c.isprintable() and c != " "] == [
            c for c in back if c.isascii() and c != " "
        ]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_are_commands_are_harmless(name: str, make_report) -> None:
    first = replace(
        make_report(1).comparisons[0], verdict=Verdict.WRONG, engine=name, case=name, quantity=name, evidence=name
    )
    report = replace(make_report(1), comparisons=(first,), figures=(), accepted=())
    (line,) = github(report_annotations(report))
    assert len(line.splitlines()) == 1
    title, _ = read(line)
    assert title == " ".join(f"{name} on {name}".split())


def test_there_is_one_for_each_engine_and_case_that_breaks(make_report) -> None:
    report = replace(make_report(4), figures=(), accepted=())
    broken = {(c.engine, c.case) for c in report.comparisons if c.breaks}
    assert {one.title for one in report_annotations(report)} == {f"{engine} on {case}" for engine, case in broken}


def test_the_worst_comes_first_and_the_rest_is_counted(make_report) -> None:
    report = make_report(1)
    first = report.comparisons[0]
    many = tuple(
        replace(first, engine=f"e{k}", verdict=Verdict.WRONG, digits=float(k % 16), accepted="") for k in range(40)
    )
    lines = list(github(report_annotations(replace(report, comparisons=many, figures=(), accepted=()))))
    assert len(lines) == MOST
    assert read(lines[0])[0] == f"e0 on {first.case}"
    assert read(lines[-1])[1].startswith(f"{40 - MOST + 1} more break this run")


def test_what_one_fails_on_is_annotated(make_report) -> None:
    agrees = replace(make_report(3), figures=(), accepted=(), comparisons=())
    assert list(report_annotations(agrees)) == []
    moved = list(report_annotations(replace(agrees, fail_on=(FailOn.DRIFT,))))
    assert len(moved) == len({d.engine for d in agrees.drift}) > 0
    few = replace(make_report(1).comparisons[0], verdict=Verdict.AGREE, digits=5.5)
    (one,) = report_annotations(replace(agrees, comparisons=(few,), fewest_digits=6.0))
    assert "fewer than 6 digits" in one.text
    assert list(report_annotations(replace(agrees, comparisons=(few,), fewest_digits=5.5))) == []


def test_figures_and_stale_acceptances_are_annotated(make_report) -> None:
    report = replace(make_report(1), comparisons=())
    figure = replace(report.figures[0], verdict=FigureVerdict.WRONG, evidence="no fit gives it")
    stale = replace(make_report(3).accepted[0], stale=True)
    found = list(report_annotations(replace(report, figures=(figure,), accepted=(stale,))))
    assert found[0].text == f"printed {figure.printed}: no fit gives it"
    assert found[1].title == f"{stale.engine} on {stale.case}"


def test_what_breaks_between_two_reports(make_report) -> None:
    before = replace(make_report(1), figures=(), accepted=())
    first, *others = before.comparisons
    agrees = replace(first, verdict=Verdict.AGREE)
    found = diff(
        replace(before, comparisons=(agrees, *others)),
        replace(before, comparisons=(replace(agrees, verdict=Verdict.WRONG), *others)),
    )
    (one,) = diff_annotations(found, frozenset())
    assert f"{first.engine} on {first.case}" in one.title
    assert list(diff_annotations(diff(before, before), frozenset(Kind))) == []
