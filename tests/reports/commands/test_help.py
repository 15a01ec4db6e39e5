"""--help shows examples, each of which runs as it stands; what is mistyped is one line, with the nearest name."""

import re
import shlex
from pathlib import Path
from shutil import copytree

import click
import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main

ROOT = Path(__file__).parents[3]
# The example's data, or an engine's recorded answers, have what is wrong in them: that is what they show.
WRONG = {"relmer explain", "relmer run --data", "relmer judge docs/examples/sas.csv", "relmer run --case dyestuff/reml"}


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def shown(command: str) -> list[str]:
    """The examples as a narrow and a wide help print them: each is one line."""
    found = relmer(*filter(None, [command]), "--help")
    assert found.exit_code == 0
    _, _, examples = found.stdout.partition("Examples:\n")
    return [line.strip() for line in examples.splitlines() if line.strip()]


@pytest.mark.parametrize("command", ["", *main.commands])
def test_every_command_shows_examples_of_itself(command: str) -> None:
    lines = shown(command)
    assert lines, f"relmer {command} --help has no examples"
    assert all(line.startswith(f"relmer {command}".strip()) for line in lines)


@pytest.mark.parametrize("line", dict.fromkeys(line for command in ["", *main.commands] for line in shown(command)))
def test_an_example_runs_as_it_stands(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None
) -> None:
    copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    copytree(ROOT / "docs" / "sweeps", tmp_path / "docs" / "sweeps")
    copytree(ROOT / "datasets" / "data", tmp_path / "datasets" / "data")
    monkeypatch.chdir(tmp_path)
    if line.startswith("relmer sweep --report"):
        assert relmer("sweep", "docs/sweeps/small.toml", "--out", "sweep").exit_code == 0
    if line.startswith("relmer peers"):
        # It makes a page of a report that another example's run would have left.
        made = relmer("run", "--case", "dyestuff/reml", "--engine", "statsmodels", "--out", "report")
        assert made.exit_code in {0, 1}
    found = relmer(*shlex.split(line)[1:])
    allowed = {0, 1} if any(line.startswith(begin) for begin in WRONG) else {0}
    assert found.exit_code in allowed, found.output
    assert found.output


def in_one_line(found: Result) -> str:
    assert (found.exit_code, found.stdout) == (2, "")
    (line,) = found.stderr.splitlines()
    assert line.startswith("relmer: ") and line.endswith("--help` shows examples")
    return line


def test_relmer_alone_names_the_commands() -> None:
    line = in_one_line(relmer())
    assert all(re.search(rf"\b{name}\b", line) for name in main.commands)


@pytest.mark.parametrize("command", [name for name in main.commands if len(name) > 3])
def test_a_command_with_two_letters_exchanged_is_known(command: str) -> None:
    k = next(k for k in range(1, len(command)) if command[k] != command[k + 1])
    assert f"'{command}'" in in_one_line(relmer(command[:k] + command[k + 1] + command[k] + command[k + 2 :]))


@pytest.mark.parametrize("command", [*main.commands])
def test_an_option_that_lacks_its_last_letter_but_one_is_known(command: str) -> None:
    options = [
        option
        for parameter in main.commands[command].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if len(option) > 6
    ]
    for option in options:
        line = in_one_line(relmer(command, option[:-2] + option[-1]))
        assert option in line and f"`relmer {command} --help`" in line


UNREADABLE = [("run", "--jobs", "0"), ("fit",), ("diff", "a"), ("completion", "csh"), ("run", "--out")]


@pytest.mark.parametrize("words", UNREADABLE)
def test_whatever_else_cannot_be_read_is_one_line(words: tuple[str, ...]) -> None:
    in_one_line(relmer(*words))
