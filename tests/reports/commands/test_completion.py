"""`relmer completion`: bash completes for real what it prints; all three shells are served."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from relmer.datasets import cases
from relmer.reference.engines import engine_names, version_names
from relmer.reports.commands.completion import SHELLS, VARIABLE
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


def completed(begun: str, *words: str) -> list[str]:
    return [found.value for found in ShellComplete(main, {}, "relmer", VARIABLE).get_completions([*words], begun)]


def test_every_command_completes() -> None:
    assert {*completed("")} == {*main.commands}


@pytest.mark.parametrize("command", [*main.commands])
def test_every_option_completes(command: str) -> None:
    options = [o for p in main.commands[command].params if isinstance(p, click.Option) for o in p.opts if o[:2] == "--"]
    assert {*options} <= {*completed("--", command)}
    for option in options:
        assert option in completed(option[:-1], command)


def having(name: str) -> list[str]:
    return [command for command, found in main.commands.items() if name in {o for p in found.params for o in p.opts}]


@pytest.mark.parametrize("command", having("--case"))
def test_names_of_cases_complete(command: str) -> None:
    assert completed("dyestuff", command, "--case") == [case.name for case in cases("dyestuff*")]
    assert completed("nothing", command, "--case") == []


@pytest.mark.parametrize("command", having("--engine"))
def test_names_of_engines_complete(command: str) -> None:
    names = completed("lme4", command, "--engine")
    assert {*names} == {name for name in (*engine_names(), *version_names()) if name.startswith("lme4")}
    assert "lme4@2.1-0" in names


def test_the_forms_case_and_the_engine_that_is_required_complete() -> None:
    assert "docs/sleepstudy" in completed("docs/sl", "judge", "--template")
    assert "lme4-bobyqa" in completed("lme4-b", "run", "--require")
