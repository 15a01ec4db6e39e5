"""docs/alarms.md and docs/alarms.csv come of one run, and there is no false alarm in them."""

import csv
import re

from relmer import version

from . import page
from .designs import KINDS, names
from .hearing import ENGINES, OWN, STORED, Heard, Trial
from .proof import Proof

PAGE, ROWS = page.PAGE.read_text(encoding="utf-8"), page.LIST.read_text(encoding="utf-8")
LINE = re.compile(r"^\| (?P<kind>[a-z -]+) \| (?P<counts>[\d, |]+) \|$", re.MULTILINE)


def counts(engine: str) -> dict[str, list[int]]:
    """The numbers of an engine's table, by kind."""
    text = PAGE.partition(f"| {engine} | designs |")[2].partition("\n\n")[0]
    return {line["kind"]: [int(n.replace(",", "")) for n in line["counts"].split("|")] for line in LINE.finditer(text)}


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(ROWS.splitlines()))


def test_every_kind_stands_in_the_table_of_every_engine() -> None:
    for engine in ENGINES:
        found = counts(engine)
        assert [*found] == [STORED, *KINDS, "all"]
        assert all(line[0] == sum(line[1:]) > 0 for line in found.values())
        assert found["all"] == [sum(column) for column in zip(*list(found.values())[:-1], strict=True)]


def test_none_of_our_paths_is_called_wrong() -> None:
    wrong = 1 + page.VERDICTS.index(page.Verdict.WRONG)
    assert {counts(engine)["all"][wrong] for engine in OWN} == {0}
    assert "**0 false alarms.**" in PAGE
    assert f"relmer\n{version}," in PAGE


def test_all_that_is_called_wrong_is_listed_and_proved() -> None:
    wrong = 1 + page.VERDICTS.index(page.Verdict.WRONG)
    listed = rows()
    assert {row["proved"] for row in listed} == {"yes"}
    for engine in ENGINES:
        called = {row["design"] for row in listed if row["engine"] == engine}
        assert len(called) == counts(engine)["all"][wrong]
    drawn = {row["design"] for row in listed if not row["design"].startswith(STORED)}
    assert drawn <= {*names()}


def test_the_page_has_each_proof_of_lme4() -> None:
    section = PAGE.partition("## What lme4 gets wrong")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.endswith("| proved |")]
    assert len(lines) == sum(row["engine"].startswith("lme4") for row in rows()) > 0


def test_what_is_proved_differs_by_more_than_rounding_may() -> None:
    for row in rows():
        assert abs(float(row["difference"])) > float(row["rounding"])


def test_a_table_counts_what_is_not_proved_too() -> None:
    proof = Proof("se", 1.0, 2.0, 1e-9, proved=False)
    heard = Heard("nlme", "wrong", {"wrong": 1}, "se: …", 5, "convention", [proof])
    one = Trial("plain/1", "y ~ x + (1 | g)", False, 30, "", "", [heard])
    assert page.false_alarms([one]) == ["plain/1: y ~ x + (1 | g): nlme wrong: se: … ['se']"]
    assert page.rows([one]).splitlines()[1].endswith(",no")
    assert "**1 false alarms.**" in page.page([one], 2000, "nlme 3.1", "abc", "2026-11-26")
