"""An engine's view: its warnings by kind, and what is recorded of the laws, which is what the page of the laws says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from relmer.reports.pages.engines import engine_rows
from relmer.reports.pages.kept import kept
from relmer.reports.pages.packed import unpacked
from relmer.reports.pages.page import page, route
from relmer.reports.records import RUNGS
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices import warned

ROOT = Path(__file__).parents[3]
ODD = "<script>alert(1)</script>"


def view(report, name):
    """The packed view of an engine."""
    source = page(report)
    found = unpacked(re.search(r'<script type="application/gzip" id="details">(.*?)</script>', source)[1])
    return found[f"engine/{route(name)}"]


def rows(text, caption):
    """The cells of the rows below a caption, without tags."""
    table = next(part for part in text.split("<table") if caption in part.partition("</caption>")[0])
    body = table.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.split(r"<t[hd][^>]*>", row)[1:] for row in re.findall(r"<tr>(.*?)</tr>", body)]


def test_the_record_is_the_table_of_the_page_of_laws():
    """One measurement, written twice: the page for readers, the record for the report."""
    text = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    (_, *engines), *found = table
    record = json.loads((ROOT / "reports" / "pages" / "laws.json").read_text(encoding="utf-8"))
    assert list(record["engines"]) == engines and list(record["laws"]) == [row[0] for row in found]
    for k, name in enumerate(engines, start=1):
        assert record["engines"][name]["cells"] == {row[0]: row[k] for row in found}
    assert record["command"] in text


def test_an_engines_view_shows_its_laws_the_broken_first(make_report):
    text = view(make_report(10), "lme4")
    found = rows(text, "what is broken first")
    assert len(found) == len(kept()["lme4"].laws) == 21
    states = [row[1] for row in found]
    assert states == sorted(states, key=lambda state: state != "broken")
    # As docs/laws.md tells of lme4.
    assert "lme4 1.1-31 keeps 14 of 20 laws" in text and states.count("broken") == 6 and states.count("not taken") == 1
    assert ["shift+2010", "broken", "42.8"] in [row[:3] for row in found]


@pytest.mark.parametrize("rung", RUNGS)
def test_what_breaks_on_any_rung_has_its_page(make_report, rung):
    report = make_report(2)
    one = replace(report.comparisons[-1], rung=rung, verdict=Verdict.WRONG, diagnosis=Diagnosis.UNKNOWN, digits=1.0)
    assert page(replace(report, comparisons=(*report.comparisons, one)))
    (row,) = [row for row in engine_rows(replace(report, comparisons=(one,))) if row.engine.name == one.engine]
    assert row.wrong == 1


def test_an_engine_without_a_record_says_how_to_make_one(make_report):
    report = make_report(2)
    odd = replace(report.engines[0], name=ODD)
    text = view(replace(report, engines=(*report.engines, odd)), ODD)
    assert (
        "No result of the metamorphic laws is recorded" in text and "relmer laws --engine &#39;&lt;script&gt;" in text
    )
    assert "<script" not in text


def test_the_table_counts_every_warning_once(make_report):
    report = make_report(10)
    seen = 0
    for engine in report.engines:
        found = warned(report, engine.name)
        text = view(report, engine.name)
        seen += len(found)
        if found:
            counted = rows(text, "are true in this run")
            assert sum(int(cell) for row in counted for cell in row[1:]) == len(found), engine.name
        else:
            assert "Warnings by kind" not in text
    assert seen > 0
