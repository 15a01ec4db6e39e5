"""How commands end: by an interrupt, without a reader, with options that exclude each other, with --debug."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sample import EVERYTHING

from relmer.reports.commands import certify
from relmer.reports.commands.main import main
from relmer.reports.commands.terminal import check_writable
from relmer.reports.text import one_line

SCRIPT = Path(sys.executable).with_name("relmer")


def relmer(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.mark.parametrize("jobs", ["1", "2"] if EVERYTHING else ["2"])
def test_an_interrupt_writes_what_is_done_and_ends_with_130(tmp_path: Path, jobs: str) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [SCRIPT, "run", "--case", "[dp][aeiy]*", "--jobs", jobs, "--out", tmp_path / "out"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[1/"):
                break
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("relmer: interrupted after ")
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["cases"]
    assert "cases: " in report["environment"]["partial"]


def test_a_worker_that_is_killed_leaves_a_report_and_never_0(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [SCRIPT, "run", "--case", "[dp][aeiy]*", "--jobs", "2", "--out", tmp_path / "out"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith("[1/"):
                break
        tasks = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        workers = [int(task) for task in tasks if b"spawn_main" in Path(f"/proc/{task}/cmdline").read_bytes()]
        os.kill(workers[0], signal.SIGKILL)
        errors = run.stderr.read()
    assert run.returncode == 1
    assert "ended from outside" in errors.splitlines()[-1]
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["environment"]["partial"]


@pytest.mark.parametrize("command", ["datasets", "cases", "engines"])
def test_a_reader_that_leaves_is_no_error(command: str) -> None:
    with subprocess.Popen([SCRIPT, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["run", "--case", "nothing"], 2), (["fit", "y ~", __file__], 2), (["run", "--require", "nobody"], 2)],
)
def test_debug_keeps_the_status_and_shows_the_traceback(arguments: list[str], status: int) -> None:
    done = subprocess.run([SCRIPT, "--debug", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (status, True)
    plain = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)
    assert (plain.returncode, "Traceback" in plain.stderr) == (status, False)


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere/out", "taken"])
def test_where_nothing_can_be_written_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "report.json").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("relmer.reports.commands.judging.run", None)
    result = relmer("run", "--case", "dyestuff/reml", "--out", str(tmp_path / place))
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_check_leaves_no_trace(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [["--export", "{out}", "--verify"], ["--export", "{out}", "--again"], ["--verify", "--again"]]
)
def test_options_that_exclude_each_other_are_refused(tmp_path: Path, options: list[str]) -> None:
    result = relmer("certify", *(option.format(out=tmp_path / "out") for option in options))
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("pattern", "count"), [("dyestuff/*", 2), ("star/*", 2), ("*", None)])
def test_only_the_cases_that_are_asked_for_are_exported(tmp_path: Path, pattern: str, count: int | None) -> None:
    assert relmer("certify", "--export", str(tmp_path), "--case", pattern).exit_code == 0
    fits = json.loads((tmp_path / "corpus.json").read_text(encoding="utf-8"))["fits"]
    stem = pattern.removesuffix("*")
    assert all(fit["case"].startswith(stem) for fit in fits)
    assert len(fits) == (count or len(certify.certificates()))


def test_nothing_to_export_is_said(tmp_path: Path) -> None:
    result = relmer("certify", "--export", str(tmp_path / "out"), "--case", "nothing")
    assert (result.exit_code, "no certificate matches 'nothing'" in result.stderr) == (2, True)


def test_a_recording_says_where_it_goes() -> None:
    result = relmer("record", "--engine", "lme4", "--case", "dyestuff/reml")
    assert result.exit_code == 2
    assert "--into" in result.stderr


def test_the_reason_of_a_recording_is_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [SCRIPT, "run", "--case", "dyestuff/reml", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(tmp_path), "R_HOME": ""},
    )
    assert done.returncode == 0
    assert done.stderr.startswith("lme4, lme4-bobyqa, lme4-tight recorded, because R is not on the PATH: install R")


@pytest.mark.parametrize("text", ["a\u202eb", "a\ud800b", "a\x1bb", "a\u2066b", "a\x9bb", "a\ufeffb", "a\x00b"])
def test_what_a_terminal_would_obey_is_gone(text: str) -> None:
    assert one_line(text) == "ab"
    one_line(text).encode()
