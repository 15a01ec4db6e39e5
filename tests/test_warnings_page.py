"""docs/warnings.md: its rows are what its command makes of the recordings."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from relmer.reports.commands.main import main
from relmer.reports.doubts import Doubt

PAGE = Path(__file__).parent.parent / "docs" / "warnings.md"
# Cases on which engines warn rightly, are silent, and do neither.
SOME = ("star/kindergarten-*", "nist/SmLs08-*", "dyestuff*/reml")


def rows(text: str) -> list[list[str]]:
    """The rows of the table of single warnings."""
    table = text.partition("## Each of them")[2]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "/" in line]


def test_the_page_tells_every_kind_and_its_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| {kind} | {kind.asks} |" in text for kind in Doubt)
    assert re.findall(r"^    (relmer warnings .*)$", text, re.MULTILINE) == [
        "relmer warnings 'lme4@*' lme4-bobyqa@2.1-0 lme4-tight@2.1-0"
    ]


@pytest.mark.parametrize("pattern", SOME)
def test_its_rows_are_what_the_command_makes(pattern: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (relmer .*)$", text, re.MULTILINE)
    made = CliRunner().invoke(main, [*shlex.split(command)[1:], "--case", pattern], catch_exceptions=False)
    assert made.exit_code == 0
    here = rows(made.stdout)
    cases = {row[0] for row in here}
    assert here == [row for row in rows(text) if row[0] in cases]
    assert here


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
