"""docs/report.md says what the enumerations say, and its example of an accepted failure can be read."""

import re
from pathlib import Path

import pytest

from relmer.reports.accepted import OPTIONAL, REQUIRED, known_failures, read
from relmer.reports.changes import Kind
from relmer.reports.records import SCHEMA
from relmer.reports.verdicts import Diagnosis, FailOn, FigureVerdict, Verdict
from relmer.reports.voices import DIFF_HEADER

PAGE = (Path(__file__).parent.parent / "docs" / "report.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([\w ]+)` \| .* \| (.*?) ?\|$", PAGE, re.MULTILINE))


def test_the_table_has_every_verdict_and_says_which_break_a_run() -> None:
    assert set(ROWS) == set(Verdict)
    assert {word for word, told in ROWS.items() if told.startswith("yes")} == {v for v in Verdict if v.breaks}
    assert {word for word, told in ROWS.items() if "--fail-on" in told} == {v for v in Verdict if v in tuple(FailOn)}


@pytest.mark.parametrize("word", [*(d for d in Diagnosis if d), *FigureVerdict])
def test_every_word_is_on_the_page(word: str) -> None:
    assert word in " ".join(PAGE.split())


def test_the_page_says_what_a_diff_fails_on_and_its_columns() -> None:
    two_columns = dict(re.findall(r"^\| `?([\w, ]+?)`? \| ([^|]*) \|$", PAGE, re.MULTILINE))
    assert {*Kind} <= set(two_columns)
    columns = [name for told in two_columns for name in told.split(", ")]
    assert set(DIFF_HEADER) <= set(columns)


def test_the_page_names_every_choice_and_this_schema() -> None:
    assert f"--fail-on {'|'.join(FailOn)}" in PAGE
    assert f"to `{SCHEMA}`" in PAGE


def test_the_example_of_an_accepted_failure_is_the_shipped_one() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    (entry,) = read(example[1].encode(), "report.md")
    assert all(f"{key} = " in example[1] for key in REQUIRED + OPTIONAL)
    shipped = {(k.engine, k.case, k.rung, k.diagnosis, k.size, k.link) for k in known_failures()}
    assert (entry.engine, entry.case, entry.rung, entry.diagnosis, entry.size, entry.link) in shipped
