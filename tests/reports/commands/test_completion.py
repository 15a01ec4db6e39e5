"""`relmer completion`: bash completes for real what it prints; all three shells are served."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from relmer.reports.commands.completion import SHELLS
from relmer.reports.commands.main import main

BIN = Path(sys.executable).parent
COMPLETED = """
eval "$(relmer completion bash)"
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
$(complete -p relmer | sed 's/.*-F \\([^ ]*\\) .*/\\1/') relmer
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("relmer ju", {"judge"}),
        ("relmer run --res", {"--resume"}),
        ("relmer run --fail-on ea", {"early"}),
        ("relmer completion z", {"zsh"}),
    ],
)
def test_bash_completes(words: str, wanted: set[str]) -> None:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", COMPLETED.format(words=words)], capture_output=True, text=True, check=True, env=environment
    )
    assert {*done.stdout.split()} == wanted, done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script_that_asks_relmer(shell: str) -> None:
    found = CliRunner().invoke(main, ["completion", shell], catch_exceptions=False)
    assert found.exit_code == 0
    assert "_RELMER_COMPLETE" in found.stdout


def test_another_shell_is_refused_by_name() -> None:
    found = CliRunner().invoke(main, ["completion", "csh"])
    assert found.exit_code == 2
    assert "'csh'" in found.stderr
