"""docs/faults.md and the report's table are those of the bank, and the score is what the harness promises."""

import json
import re

import pytest

from relmer import version
from relmer.reports.pages.caught import COLUMNS, caught
from relmer.reports.records import RUNGS

from . import page
from .bank import FAULTS

PAGE = (page.ROOT / "docs/faults.md").read_text(encoding="utf-8")
SCORE = json.loads(page.SCORE.read_text(encoding="utf-8"))
LINE = re.compile(r"^\| (?P<name>.+?) \| .+ \| (?P<must>\d+) \| (?P<detected>\d+) \| (?P<named>\d+) \|$", re.MULTILINE)
# What is promised of the first rung that breaks.
RIGHT_RUNG = 0.97


def lines(rung: int) -> list[re.Match[str]]:
    """The faults of a rung, as the page lists them."""
    text = PAGE.partition(f"## Rung {rung}:")[2].partition("\n## ")[0]
    return [*LINE.finditer(text)]


@pytest.mark.parametrize("rung", RUNGS)
def test_the_page_lists_every_fault(rung: int) -> None:
    listed = [line["name"].replace("\\|", "|") for line in lines(rung)]
    assert listed == [fault.name for fault in FAULTS.values() if fault.rung == rung]


@pytest.mark.parametrize("rung", RUNGS)
def test_the_counts_of_the_faults_are_those_of_the_table(rung: int) -> None:
    counts = SCORE["rungs"][str(rung)]
    for column, name in (("pairs", "must"), ("detected", "detected"), ("named", "named")):
        assert sum(int(line[name]) for line in lines(rung)) == counts[column]


def test_the_table_is_that_of_the_stored_score() -> None:
    assert page.table(SCORE) in PAGE
    assert f"`{SCORE['commit']}` on {SCORE['date']}" in PAGE
    assert SCORE["relmer"] == version
    assert SCORE["total"]["faults"] == len(FAULTS)
    total = {name: sum(one[name] for one in SCORE["rungs"].values()) for name in SCORE["total"]}
    assert SCORE["total"] == total


def test_the_report_shows_the_stored_score() -> None:
    shown = caught()
    assert shown.rows[-1] == ("all", tuple(SCORE["total"][column] for column in COLUMNS))
    assert (shown.version, shown.commit, shown.date) == (SCORE["relmer"], SCORE["commit"], SCORE["date"])


def test_all_that_must_show_is_detected_and_nearly_all_on_its_rung() -> None:
    total = SCORE["total"]
    assert total["pairs"] > 0
    assert total["detected"] == total["pairs"]
    assert total["localised"] >= RIGHT_RUNG * total["pairs"]
    assert (total["excused"], total["missed"], total["accused"]) == (0, 0, 0)


def test_every_fault_that_shows_has_been_seen_on_some_case() -> None:
    must = {line["name"].replace("\\|", "|"): int(line["must"]) for rung in RUNGS for line in lines(rung)}
    assert {name for name, pairs in must.items() if not pairs} == {name for name, f in FAULTS.items() if f.hidden}
