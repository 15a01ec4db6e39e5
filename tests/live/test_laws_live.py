"""lme4's default stops far from the optimum at a year; other rows first it keeps within its stop."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from relmer.datasets import cases
from relmer.reference.engines import engine
from relmer.reports.commands.main import main
from relmer.reports.laws import LAWS, outcome, problem_of

pytestmark = pytest.mark.live


@pytest.mark.parametrize("name", ["shift+2010", "rows"])
def test_lme4_breaks_a_year_and_keeps_the_order_of_rows(rscript: str, name: str) -> None:
    """By hand the excess was 42.8 with lme4 1.1-31; by another optimiser it may be less, not none."""
    (law,) = (law for law in LAWS if law.name == name)
    found = outcome(law, engine("lme4"), problem_of(cases("sleepstudy/slopes-reml")[0]))
    if name == "rows":
        assert not found.broken and 0 <= found.excess < 1e-4, found
    else:
        assert found.broken.startswith("stops") and found.excess > 1, found


def test_the_commands_of_the_smallest_examples_show_what_is_broken(
    rscript: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is typed in the folder of the examples, and finds the engine wrong or early there."""
    words = ["laws", "--engine", "lme4", "--case", "sleepstudy/slopes-reml", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*words, "--law", "shift+2010", "--law", "scale*1e+06"])
    assert done.exit_code == 1, done.output
    monkeypatch.chdir(tmp_path / "out")
    lines = Path("commands.txt").read_text(encoding="utf-8").splitlines()
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("relmer run ")]
    assert len(commands) == 2
    for number, command in enumerate(commands):
        found = CliRunner().invoke(main, [*command, "--out", f"report{number}"])
        report = json.loads(Path(f"report{number}/report.json").read_text(encoding="utf-8"))
        verdicts = {c["verdict"] for c in report["comparisons"] if c["engine"] == "lme4" and c["rung"] == 4}
        assert verdicts & {"wrong", "early"}, found.output
