"""docs/warnings.md: its rows are what its command makes of the recordings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from relmer.datasets import cases as cases_like
from relmer.reference.engines import participant
from relmer.reports.commands.main import main
from relmer.reports.doubts import Doubt

PAGE = Path(__file__).parent.parent / "docs" / "warnings.md"
# Cases on which engines warn rightly, are silent, and do neither.
SOME = ("star/kindergarten-reml", "nist/SmLs08-reml", "dyestuff2/reml")


def rows(text: str) -> list[list[str]]:
    """The rows of the table of single warnings."""
    table = text.partition("## Each of them")[2]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "/" in line]


def test_the_page_tells_every_kind_and_its_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| {kind} | {kind.asks} |" in text for kind in Doubt)
    assert re.findall(r"^    (relmer warnings .*)$", text, re.MULTILINE) == [
        "relmer warnings 'lme4@*' lme4-bobyqa@2.1-0 lme4-tight@2.1-0 nlme statsmodels mixedlm"
    ]


@pytest.mark.parametrize("pattern", SOME)
def test_its_rows_are_what_the_command_makes(pattern: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (relmer .*)$", text, re.MULTILINE)
    words = shlex.split(command)[1:]
    away = [name for name in words[1:] if "@" not in name and participant(name).available()]
    asked = [*(word for word in words if word not in away), "--case", pattern]
    made = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert made.exit_code == 0
    here = rows(made.stdout)
    cases = {case.name for case in cases_like(pattern)}
    assert here == [*without(rows(text), away, cases)]
    assert here


def without(page: list[list[str]], engines: list[str], cases: set[str]) -> Iterator[list[str]]:
    """The rows of some cases, without what engines say that are not here."""
    for *told, names in page:
        left = [name for name in names.split(", ") if name not in engines]
        if told[0] in cases and left:
            yield [*told, ", ".join(left)]


def test_the_counts_are_those_of_the_rows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## By engine")[2].partition("## Each")[0]
    counts: dict[str, int] = {}
    engine = ""
    for line in table.splitlines()[4:]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            engine = cells[0] or engine
            counts[engine] = counts.get(engine, 0) + sum(int(cell or 0) for cell in cells[2:])
    single = rows(text)
    for engine, count in counts.items():
        # A case with two warnings of one kind and worth is one row.
        assert 0 < sum(engine in row[3].split(", ") for row in single) <= count


def test_no_engine_is_refused_in_a_line() -> None:
    refused = CliRunner().invoke(main, ["warnings", "nobody"])
    assert refused.exit_code == 2
    assert "nobody" in refused.output
