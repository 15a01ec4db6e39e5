"""docs/versions.md is what the command on it makes of the recordings."""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from relmer.reports.commands.main import main

PAGE = Path(__file__).parent.parent / "docs" / "versions.md"


def test_the_page_is_what_its_command_makes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (relmer .*)$", text, re.MULTILINE)
    made = CliRunner().invoke(main, shlex.split(command)[1:], catch_exceptions=False)
    assert made.exit_code == 0
    assert made.stdout == text
