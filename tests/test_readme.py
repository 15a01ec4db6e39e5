"""The questions of the README that need no R: each line runs as it is printed, and says what is printed below it."""

from pathlib import Path

import pytest
from questions import answered, questions


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
