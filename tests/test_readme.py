"""The README: its questions that need no R run as printed and say what is printed; its set-up is what there is."""

import re
import tomllib
from pathlib import Path

import pytest
from questions import ROOT, answered, questions, set_up


def test_every_question_has_its_command_and_its_answer() -> None:
    assert {command: bool(answer) for command, (_, answer) in questions().items()} == {
        "explain": True,
        "judge": True,
        "diff": True,
        "run": False,
    }


@pytest.mark.parametrize(("command", "status"), [("judge", 1), ("diff", 0)])
def test_a_line_runs_as_it_is_printed(command: str, status: int, tmp_path: Path) -> None:
    """A wrong digit is status 1; what moved is not."""
    line, answer = questions()[command]
    found = answered(line, tmp_path)
    assert found.returncode == status, found.stderr
    assert answer in found.stdout


def test_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 100


def test_the_line_of_the_install_that_fits_runs_as_it_is_printed(tmp_path: Path) -> None:
    """The lines before it are run by `nox -s nightly`, in a fresh copy of the repository."""
    make, path, fit = set_up()[0]
    assert make.startswith("python3 -m venv .venv && .venv/bin/pip install -q '.[")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (asked,) = re.findall(r"'\.\[(.*)\]'", make)
    assert {*asked.split(",")} <= {*extras}
    assert path == 'export PATH="$PWD/.venv/bin:$PATH"'
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    found = answered(fit, tmp_path)
    assert found.returncode == 0, found.stderr
    assert "REML criterion 1743.628271" in found.stdout


def test_the_two_commands_are_sessions() -> None:
    sessions = {*re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)}
    lines = [line for block in set_up()[1:] for line in block]
    start = "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s "
    assert [line.removeprefix(start) for line in lines] == ["report", "tests"]
    assert {"report", "tests"} <= sessions
    assert "nox -s lint types verify tests" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
