"""`relmer diff` on a real run, against itself with changes planted."""

import json
import os
import pty
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main
from relmer.reports.voices import DIFF_HEADER

CASES = ("dyestuff/reml", "dyestuff/ml")
ENGINES = ("pls", "lme4", "lme4-bobyqa")
SAME = "The two reports are the same, but for the time.\n"


def relmer(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def run(tmp_path: Path, without_r: None) -> Path:
    """A run of two cases by their recordings."""
    out = tmp_path / "old"
    chosen = [word for name in ENGINES for word in ("--engine", name)]
    assert relmer("run", "--case", "dyestuff/*", *chosen, "--jobs", "1", "--out", out).exit_code == 0
    return out


@pytest.fixture
def plant(run: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """The maker of a folder that holds the run's report with something changed."""

    def planted(change: Callable[[dict[str, Any]], None]) -> Path:
        report = json.loads((run / "report.json").read_text(encoding="utf-8"))
        change(report)
        new = tmp_path / "new"
        new.mkdir(exist_ok=True)
        (new / "report.json").write_text(json.dumps(report), encoding="utf-8")
        return new

    return planted


Plant = Callable[[Callable[[dict[str, Any]], None]], Path]


def chosen(report: dict[str, Any], field: str, engine: str = "lme4", case: str = CASES[0], **others: object) -> Any:
    """The one record of the report that has these fields."""
    wanted = {"engine": engine, "case": case, **others}
    (found,) = [one for one in report[field] if wanted.items() <= one.items()]
    return found


def rows(result: Result) -> list[dict[str, str]]:
    """The tab-separated lines that follow the first."""
    lines = [line.split("\t") for line in result.stdout.splitlines()[1:]]
    return [dict(zip(DIFF_HEADER, line, strict=True)) for line in lines]


def test_a_run_is_itself(run: Path, plant: Plant) -> None:
    assert relmer("diff", run, run).stdout == SAME
    new = plant(lambda report: report.update(created="2030-01-01T00:00:00+00:00"))
    for choice in ((), ("--fail-on", "moved", "--fail-on", "environment", "--only-changed")):
        result = relmer("diff", run / "report.json", new, *choice)
        assert (result.stdout, result.exit_code) == (SAME, 0)


def test_a_value_that_moved_is_told_and_fails_where_one_chooses_so(run: Path, plant: Plant) -> None:
    """sigma of Dyestuff by lme4, whose optimum is known in closed form: sqrt(2451.25) = 49.5101."""

    def change(report: dict[str, Any]) -> None:
        said = chosen(report, "answers")
        said["values"]["sigma"] = [49.5]
        chosen(report, "scores")["digits"]["sigma"] = 3.69

    new = plant(change)
    result = relmer("diff", run, new, "--only-changed")
    assert result.exit_code == 0
    assert result.stdout.startswith("lme4: 1 quantity moved (1 farther); ")
    (row,) = rows(result)
    # 49.5101 and 49.5000 share 49.5; -log10(0.0101 / 49.5101) = 3.69.
    assert row | {"before": "", "digits": ""} == {
        "change": "moved",
        "case": CASES[0],
        "engine": "lme4",
        "rung": "5 estimates",
        "quantity": "sigma",
        "before": "",
        "after": "49.5",
        "shared": "3.6, digit 4 differs",
        "digits": "",
        "way": "farther",
    }
    assert row["before"].startswith("49.5100")
    assert row["digits"].split(" by ")[0].endswith(" → 3.6")
    everything = rows(relmer("diff", run, new))
    assert [r["change"] for r in everything].count("same") == len(everything) - 1 >= len(CASES) * len(ENGINES) - 1
    for kind, status in (("moved", 1), ("farther", 1), ("verdict", 0), ("warning", 0), ("gone", 0), ("environment", 0)):
        assert relmer("diff", run, new, "--fail-on", kind).exit_code == status
    assert relmer("diff", new, run, "--fail-on", "farther").exit_code == 0


def test_a_verdict_that_breaks_is_exit_status_1_in_one_direction(run: Path, plant: Plant, tmp_path: Path) -> None:
    def change(report: dict[str, Any]) -> None:
        chosen(report, "comparisons", quantity="fitted").update(verdict="wrong", diagnosis="other model", digits=1.0)
        chosen(report, "answers")["warnings"].append("Model failed to converge")

    new, out = plant(change), tmp_path / "out"
    result = relmer("diff", run, new, "--only-changed", "--out", out)
    assert result.exit_code == 1
    assert "1 verdict (1 worse, 1 broken)" in result.stdout and "1 warning came" in result.stdout
    assert {row["change"] for row in rows(result)} == {"verdict", "moved", "warning"}
    root = ET.parse(out / "junit.xml").getroot()
    (failure,) = root.findall(".//failure")
    assert failure.get("type") == "broken"
    assert (out / "diff.md").read_text(encoding="utf-8").startswith("# relmer diff: lme4: 1 verdict")
    assert sorted(path.name for path in out.iterdir()) == ["diff.md", "junit.xml"]
    back = relmer("diff", new, run, "--fail-on", "worse", "--fail-on", "warning")
    assert back.exit_code == 0 and "1 warning went" in back.stdout


def test_a_case_that_is_gone_fails_where_one_chooses_so(run: Path, plant: Plant) -> None:
    def change(report: dict[str, Any]) -> None:
        report["cases"] = [case for case in report["cases"] if case["name"] != CASES[0]]
        for field in ("comparisons", "answers", "scores", "figures", "drift", "accepted"):
            report[field] = [one for one in report[field] if one["case"] != CASES[0]]

    new = plant(change)
    result = relmer("diff", run, new, "--fail-on", "gone", "--only-changed")
    assert result.exit_code == 1
    assert [(row["change"], row["case"], row["before"], row["after"]) for row in rows(result)] == [
        ("gone", CASES[0], "there", "none")
    ]
    assert relmer("diff", run, new).exit_code == relmer("diff", new, run, "--fail-on", "gone").exit_code == 0


BAD = {
    "not JSON": (b"{", "is not JSON"),
    "not UTF-8": (b'{"schema": "\xff"}', "can't decode byte"),
    "another schema": (b'{"schema": "other/1"}', 'must be an object with "schema"'),
    "version 1": (b'{"schema": "relmer-report/1"}', "make it anew"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_no_report_is_one_line_and_exit_status_2(name: str, place: int, run: Path, tmp_path: Path) -> None:
    content, words = BAD[name]
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    sides = [run, run]
    sides[place] = bad
    result = relmer("diff", *sides)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr and "bad.json" in result.stderr and result.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_one_line_and_exit_status_2(run: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for missing in (tmp_path / "nothing", empty):
        result = relmer("diff", run, missing)
        assert result.exit_code == 2 and result.stderr.count("\n") == 1 and missing.name in result.stderr
    taken = tmp_path / "taken"
    (taken / "diff.md").mkdir(parents=True)
    assert relmer("diff", run, run, "--out", taken).exit_code == 2


def test_a_run_tells_what_moved_since_its_baseline(run: Path, plant: Plant, tmp_path: Path) -> None:
    """Also where it is written over its own baseline; one that cannot be read ends it before anything runs."""
    asked = ("run", "--case", CASES[0], "--engine", "lme4", "--jobs", "1")
    first, second = tmp_path / "first", tmp_path / "second"
    assert relmer(*asked, "--out", first).exit_code == 0
    assert not (first / "diff.md").exists()
    result = relmer(*asked, "--baseline", first, "--out", first)
    assert (result.exit_code, result.stdout.splitlines()[-2].partition("+00:00: ")[2] + "\n") == (0, SAME)
    result = relmer(*asked, "--baseline", run, "--out", second)
    assert "1 case gone" in result.stdout.splitlines()[-2]
    assert result.stdout.splitlines()[-1] == f"diff: {second / 'diff.md'}"
    assert "## Gone" in (second / "diff.md").read_text(encoding="utf-8")
    result = relmer(*asked, "--baseline", tmp_path / "nothing", "--out", tmp_path / "third")
    assert result.exit_code == 2 and result.stderr.splitlines()[-1].startswith("relmer: ")
    assert not (tmp_path / "third").exists()


def test_on_a_terminal_it_is_a_table(run: Path, plant: Plant) -> None:
    new = plant(lambda report: chosen(report, "answers")["values"].update(sigma=[49.5]))
    leader, follower = pty.openpty()
    script = "from relmer.reports.commands.main import main; main()"
    command = [sys.executable, "-c", script, "diff", str(run), str(new), "--only-changed"]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    subprocess.run(command, stdout=follower, env=environment, check=True)
    os.close(follower)
    shown = b""
    while chunk := read(leader):
        shown += chunk
    assert "━" in shown.decode() and "quantity" in shown.decode()


def read(terminal: int) -> bytes:
    """What a terminal still shows; nothing at its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
