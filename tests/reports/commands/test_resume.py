"""A run that is killed loses no case: `--resume` takes it up, and its report is that of a run that nobody ended."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from shutil import copytree

import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands.main import main
from relmer.reports.commands.terminal import TERMINATED, sigterm_interrupts
from relmer.reports.held import LOCK, held
from relmer.reports.journal import JOURNAL

SCRIPT = Path(sys.executable).with_name("relmer")
# Enough for a run to be killed in its midst, however late the word of its second case is read.
CASES = 12


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def finished(text: str) -> list[str]:
    """Names of cases of which the progress says that they are done."""
    return re.findall(r"^\[\d+/\d+(?:, [^]]+ left)?\] (\S+)", text, re.MULTILINE)


def cases_in(folder: Path) -> None:
    """Write a file of cases, and its data."""
    random = Random(3)
    rows = [(g, x, 2 + g % 4 + x * (1 + g % 3) + random.gauss(0, 1)) for g in range(8) for x in range(6)]
    (folder / "d.csv").write_text("g,x,y\n" + "".join(f"g{g},{x},{y:.3f}\n" for g, x, y in rows))
    cases = [
        f'[[case]]\nname = "c/{k}"\ndataset = "d"\nformula = "y ~ x + (1 | g)"\nsubset = "x != {k}"\n'
        for k in range(CASES)
    ]
    (folder / "cases.toml").write_text('[[data]]\nname = "d"\nfile = "d.csv"\n\n' + "\n".join(cases))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_r: None) -> Path:
    """A folder with a file of cases, a temporary folder of its own, and no R on the PATH."""
    cases_in(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return tmp_path


def asked(place: Path, *more: object) -> list[str]:
    return [
        "run",
        "--cases",
        str(place / "cases.toml"),
        "--engine",
        "pls",
        "--out",
        str(place / "out"),
        *map(str, more),
    ]


def killed(place: Path, after: int, number: signal.Signals, *more: object) -> tuple[list[str], str]:
    """Run, send a signal when so many cases are said to be done; what was done and what was said."""
    command = [SCRIPT, *asked(place, *more)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as run:
        assert run.stderr is not None
        said = ""
        for line in run.stderr:
            said += line
            if finished(line) and len(finished(said)) == after:
                run.send_signal(number)
        run.wait()
    assert run.returncode == (-number if number is signal.SIGKILL else 128 + number), said
    return finished(said), said


def descendants(place: Path) -> Iterator[str]:
    """Processes that still have the temporary folder of the test in their environment."""
    mark = f"TMPDIR={place / 'tmp'}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                yield process.name


def test_a_killed_run_is_taken_up_and_leaves_nothing_behind(place: Path) -> None:
    whole = relmer(*asked(place, "--out", place / "whole", "--jobs", 1))
    assert whole.exit_code == 0, whole.output
    before, _ = killed(place, 2, signal.SIGKILL, "--jobs", 2)
    assert {JOURNAL, LOCK} == {path.name for path in (place / "out").iterdir()}
    kept = len((place / "out" / JOURNAL).read_text().splitlines())
    assert CASES > kept >= len(before) == 2
    again = subprocess.run([SCRIPT, *asked(place, "--jobs", 2, "--resume")], capture_output=True, text=True, check=True)
    told = [line for line in again.stderr.splitlines() if line.startswith("--resume")]
    assert told == [f"--resume: {kept} of {CASES} cases were judged before; {CASES - kept} were not done"]
    assert len(finished(again.stderr)) == CASES - kept
    assert {*finished(again.stderr)}.isdisjoint(before)
    assert f"[{CASES - kept}/{CASES - kept}]" in again.stderr
    for name in ("report.json", "answers.json", "report.html", "junit.xml"):
        texts = [(place / folder / name).read_text(encoding="utf-8") for folder in ("whole", "out")]
        times = [json.loads((place / folder / "report.json").read_text())["created"] for folder in ("whole", "out")]
        assert texts[0].replace(times[0], "") == texts[1].replace(times[1], ""), name
    assert {JOURNAL, LOCK}.isdisjoint(path.name for path in (place / "out").iterdir())
    assert list(descendants(place)) == []
    assert list((place / "tmp").iterdir()) == []


@pytest.fixture(scope="module")
def left_behind() -> list[tuple[Path, Path]]:
    """Where a run has left what, by the first test that asks."""
    return []


@pytest.fixture
def ended(place: Path, left_behind: list[tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where a run was ended when all cases were done, before it had said so: its journal stands there."""
    if not left_behind:
        with monkeypatch.context() as patch:
            patch.setattr("relmer.reports.journal.Journal.remove", lambda journal: None)
            assert relmer(*asked(place, "--jobs", 1)).exit_code == 0
        left_behind.append((place / "out", place.with_name("left")))
        copytree(*left_behind[0])
    else:
        copytree(left_behind[0][1], place / "out")
    return place


def report(place: Path) -> str:
    """The report, less when it was made and where the cases stood."""
    text = (place / "out" / "report.json").read_text(encoding="utf-8")
    told = json.loads(text)
    return text.replace(told["created"], "").replace(json.dumps(told["command"]), "")


@pytest.mark.parametrize("left", [0, 3, CASES])
def test_whatever_was_done_is_not_done_again(ended: Path, left: int) -> None:
    before, journal = report(ended), ended / "out" / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:left]) + "".join(lines[left:])[:50])
    found = relmer(*asked(ended, "--jobs", 1, "--resume"))
    assert found.exit_code == 0, found.output
    assert finished(found.stderr) == [f"c/{k}" for k in range(left, CASES)]
    assert report(ended) == before
    assert not journal.exists()
    told = f"{left} of {CASES} cases were judged before; {CASES - left} were not done"
    assert f"--resume: {told if left < CASES else f'all {CASES} cases were judged before'}\n" in found.stderr


def test_without_resume_all_is_judged_and_what_there_is_is_told(ended: Path) -> None:
    found = relmer(*asked(ended, "--jobs", 1))
    told = f"note: a run that was ended has left {CASES} judged cases in {ended / 'out'}: --resume would take them up"
    assert found.stderr.splitlines().count(told) == 1
    assert len(finished(found.stderr)) == CASES
    assert not (ended / "out" / JOURNAL).exists()


def test_without_a_run_that_was_ended_all_is_judged(place: Path) -> None:
    found = relmer(*asked(place, "--jobs", 1, "--resume"))
    assert found.exit_code == 0
    assert f"--resume: no run was ended in {place / 'out'}: all is judged\n" in found.stderr
    assert len(finished(found.stderr)) == CASES


@pytest.mark.parametrize(
    ("file", "old", "new", "more", "anew", "what"),
    [
        ("d.csv", "g0,0,", "g0,0.5,", (), CASES, "the data"),
        ("cases.toml", 'formula = "y ~ x + (1 | g)"\nsubset = "x != 2"', 'formula = "y ~ (1 | g)"', (), 1, "the model"),
        ("cases.toml", "", "", ("--engine", "qr"), CASES, "engines"),
        ("cases.toml", "", "", ("--limit", 3), CASES, "--limit"),
        ("cases.toml", "", "", ("--fail-on", "early", "--jobs", 2), 0, ""),
    ],
)
def test_what_has_changed_is_judged_anew_and_told(
    ended: Path, file: str, old: str, new: str, more: tuple[object, ...], anew: int, what: str
) -> None:
    text = (ended / file).read_text()
    assert old in text
    (ended / file).write_text(text.replace(old, new, 1))
    found = relmer(*asked(ended, "--resume", "--jobs", 1, *more))
    assert found.exit_code == 0, found.output
    assert len(finished(found.stderr)) == anew
    told = f"; {anew} judged anew for a change of {what}\n" if anew else f"all {CASES} cases were judged before\n"
    assert told in found.stderr


@pytest.mark.parametrize("command", ["run", "judge", "diff"])
def test_a_folder_that_another_process_holds_is_refused_in_one_line(place: Path, command: str) -> None:
    answer = {"case": "dyestuff/reml", "engine": "mine", "figures": {"sigma": "49.5"}}
    (place / "answers.json").write_text(json.dumps(answer))
    arguments = {"run": asked(place)[1:-2], "judge": [place / "answers.json"], "diff": ["pls", "qr"]}[command]
    (place / "out").mkdir()
    (place / "out" / "report.json").write_text("before")
    with held(place / "out"):
        found = relmer(command, *arguments, "--out", place / "out")
        assert (place / "out" / LOCK).exists()
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith(f"relmer: {place / 'out'} is held by another relmer, process {os.getpid()}: ")
    assert len(found.stderr.splitlines()) == 1
    assert [path.read_text() for path in (place / "out").iterdir()] == ["before"]


def test_sigterm_writes_what_is_done_and_ends_as_a_shell_says_it(place: Path) -> None:
    done, said = killed(place, 1, signal.SIGTERM, "--jobs", 1)
    assert "Traceback" not in said
    assert said.splitlines()[-1].endswith("the report is partial, and --resume goes on from there")
    told = json.loads((place / "out" / "report.json").read_text())
    assert CASES > len(told["cases"]) >= len(done) == 1
    assert "partial" in told["environment"]
    assert TERMINATED == 143
    found = relmer(*asked(place, "--resume", "--jobs", 1))
    assert len(finished(found.stderr)) == CASES - len(told["cases"])
    assert "partial" not in json.loads((place / "out" / "report.json").read_text())["environment"]


def test_sigterm_is_as_it_was_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with sigterm_interrupts():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_judged_answers_are_taken_up_as_long_as_they_are_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place / "answers.json"
    answers = [
        {"case": name, "engine": "mine", "figures": {"sigma": figure}}
        for name, figure in (("dyestuff/reml", "49.5101"), ("dyestuff/ml", "49.5101"))
    ]
    arguments = ("judge", file, "--out", place / "out")
    file.write_text(json.dumps(answers))
    with monkeypatch.context() as patch:
        patch.setattr("relmer.reports.journal.Journal.remove", lambda journal: None)
        first = relmer(*arguments)
    answers[1]["figures"] = {"sigma": "49.51"}
    file.write_text(json.dumps(answers))
    found = relmer(*arguments, "--resume")
    assert found.exit_code == first.exit_code == 0, found.output
    assert finished(found.stderr) == ["dyestuff/ml"]
    assert "1 of 2 cases were judged before; 1 judged anew for a change of the answers" in found.stderr
