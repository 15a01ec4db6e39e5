"""`relmer peers`: the page of a report on other people's packages, and docs/peers.md, which is one."""

import re
from pathlib import Path

from click.testing import CliRunner, Result
from in_balls import criterion_by_elimination

from relmer.datasets import case, cases
from relmer.reference.certificates import certificate_of
from relmer.reference.engines import peer_names
from relmer.reference.own_fits import design_of
from relmer.reports.commands.diff import read_report
from relmer.reports.commands.main import main
from relmer.reports.verdicts import Verdict

PAGE = Path(__file__).parents[3] / "docs" / "peers.md"
SECTIONS = (
    *("Who was asked", "Where they stand", "What is wrong", "What failed, and what is not supported"),
    "Case by case",
)
VERDICTS = {str(verdict) for verdict in Verdict}


def relmer(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def rows_below(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, its header first."""
    part = text.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in re.search(r"(?:^\|.*\n?)+", part, re.MULTILINE)[0].splitlines() if line]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [cells[0], *cells[2:]]


def held(text: str) -> list[str]:
    """The form of a page: every peer once, asked or not; counts that are those of the cells. Gives the engines."""
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == SECTIONS
    asked = [row[0] for row in rows_below(text, "Who was asked")[1:]]
    below = text.split("Not asked:")[1].split("\n## ", maxsplit=1)[0].strip()
    rest = [line.split("|")[1].strip() for line in below.splitlines()[2:]]
    assert sorted([*asked, *rest]) == sorted(peer_names())
    header, *found = rows_below(text, "Case by case")
    assert header == ["case", *asked]
    stood = rows_below(text, "Where they stand")
    for k, row in enumerate(stood[1:], start=1):
        said = [one[k].split(":")[0] for one in found]
        assert {*said} <= VERDICTS | {""}
        assert row[0] == asked[k - 1]
        assert row[2:] == [str(said.count(verdict)) for verdict in stood[0][2:]]
        right = said.count("agree") + said.count("within")
        assert row[1] == f"{right} of {len(found) - said.count('unsupported')}"
    return asked


def test_the_page_of_the_docs_has_the_form_and_every_case() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert held(text)
    known = {one.name for one in cases()}
    found = {row[0] for row in rows_below(text, "Case by case")[1:]}
    assert found <= known
    assert found == known or "This page is of a part" in text


def test_a_page_of_a_run_tells_what_balls_confirm(tmp_path: Path) -> None:
    """Two live cells: a certified case, and how far above its proved optimum the engine's theta is, by elimination."""
    ran = relmer("run", "--engine", "statsmodels", "--case", "dyestuff/*ml", "--jobs", "1", "--out", tmp_path)
    assert ran.exit_code in (0, 1)
    page = tmp_path / "peers.md"
    assert relmer("peers", tmp_path, "--out", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert held(text) == ["statsmodels"]
    assert "not asked in this run" in text
    assert "    relmer run --case 'dyestuff/*ml' --engine statsmodels\n" in text
    report = read_report(tmp_path)
    for name, cell in rows_below(text, "Case by case")[1:]:
        (said,) = [one for one in report.answers if (one.case, one.engine) == (name, "statsmodels")]
        one, certificate = case(name), certificate_of(case(name))
        assert certificate is not None
        above = criterion_by_elimination(design_of(one), said.values["theta"], one.reml) - float(
            certificate.double.values["criterion"].exact
        )
        assert cell.startswith("wrong: 4") is (above > 1e-3)


def test_a_report_without_peers_is_refused_in_one_line(without_r: None, tmp_path: Path) -> None:
    relmer("run", "--engine", "pls", "--case", "dyestuff/ml", "--jobs", "1", "--out", tmp_path)
    told = relmer("peers", tmp_path)
    assert told.exit_code == 2
    assert told.stderr.startswith(f"relmer: {tmp_path} judges no package of other people: name some to `relmer run")
    assert told.stderr.count("\n") == 1
