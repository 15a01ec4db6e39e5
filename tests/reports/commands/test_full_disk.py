"""A disk that is full, at any moment: whole old files or none, one line, status 2; `--resume` when there is room."""

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relmer.datasets import keep_table, write_whole
from relmer.reports.commands.main import main
from relmer.reports.export import VOICES
from relmer.reports.given import ANSWERS
from relmer.reports.journal import JOURNAL

SCRIPT = Path(sys.executable).with_name("relmer")
FILES = {*VOICES, ANSWERS}


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file grows beyond this: a write takes what fits, and the next one fails, as on a disk that gets full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Fill the disk: of what `os.write` is given from now on, so many bytes fit."""

    def fill(room: int) -> None:
        write, left = os.write, [room]

        def limited(file: int, data: bytes) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = write(file, bytes(data)[: left[0]])
            left[0] -= written
            return written

        monkeypatch.setattr(os, "write", limited)

    return fill


def asked(out: Path, *more: object) -> tuple[object, ...]:
    return ("run", "--case", "dyestuff/*", "--engine", "pls", "--jobs", 1, "--out", out, *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("old", "share"), [(True, 0.001), (False, 0.5), (True, 0.999)])
def test_a_report_that_does_not_fit_leaves_the_old_one(
    tmp_path: Path, without_r: None, old: bool, share: float
) -> None:
    """The largest file of the report does not fit; the journal, which is smaller than it, may or may not."""
    out = tmp_path / "out"
    assert relmer(*asked(out)).exit_code == 0
    before = contents(out)
    assert before.keys() == FILES
    most = max(map(len, before.values()))
    if not old:
        for name in FILES:
            (out / name).unlink()
        before = {}
    with files_of_at_most(int(share * most)):
        found = relmer(*asked(out))
    assert found.exit_code == 2
    assert found.stdout == ""
    said = found.stderr.splitlines()[-1]
    assert said.startswith(f"relmer: {out} ")
    assert os.strerror(errno.EFBIG) in said
    assert said.endswith("make room, and --resume goes on from there")
    left = contents(out) if out.exists() else {}
    left.pop(JOURNAL, None)
    assert left == before
    again = relmer(*asked(out, "--resume"))
    assert again.exit_code == 0, again.output
    assert contents(out).keys() == FILES


@pytest.mark.parametrize("room", [0, 100, 30_000])
def test_a_journal_that_gets_full_ends_the_run_and_keeps_its_whole_lines(
    tmp_path: Path, without_r: None, full: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("before")
    with monkeypatch.context():
        full(room)
        found = relmer(*asked(out))
    monkeypatch.undo()
    if found.exit_code == 0:
        pytest.fail("there is room for all")
    assert found.exit_code == 2
    left = contents(out)
    assert left.pop("report.json") == b"before"
    lines = left.pop(JOURNAL, b"").splitlines(keepends=True)
    assert not left
    assert all(json.loads(line)["case"] for line in lines)
    assert len([line for line in found.stderr.splitlines() if line.startswith("relmer: ")]) == 1
    told = f"relmer: {out} cannot be written ({os.strerror(errno.ENOSPC)}): {len(lines)} of 2 cases are done; make room"
    assert found.stderr.splitlines()[-1].startswith(told)


def test_no_file_is_replaced_unless_all_are_written(tmp_path: Path) -> None:
    write_whole(tmp_path, {"a": "old", "b": "old"})
    with files_of_at_most(1000), pytest.raises(OSError, match=f"File too large: '{tmp_path / 'b'}'"):
        write_whole(tmp_path, {"a": "new", "b": "new" * 1000})
    assert contents(tmp_path) == {"a": b"old", "b": b"old"}


def test_data_that_cannot_be_copied_are_named_by_where_they_should_go(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("y,g\n" + "1,a\n" * 1000)
    (tmp_path / "copy").mkdir()
    with files_of_at_most(1000), pytest.raises(OSError, match=f"File too large: '{tmp_path / 'copy' / 'mine.csv'}'"):
        keep_table(tmp_path / "mine.csv", tmp_path / "copy")


@pytest.mark.parametrize(
    "arguments", [["cases"], ["run", "--case", "dyestuff/reml", "--engine", "pls", "--jobs", "1"], ["--help"]]
)
def test_an_output_that_takes_nothing_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    more = ["--out", tmp_path / "out"] if arguments[0] == "run" else []
    with Path("/dev/full").open("w") as nowhere:
        done = subprocess.run(
            [SCRIPT, *arguments, *more], stdout=nowhere, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "relmer: [Errno 28] No space left on device"
    if more:
        assert contents(tmp_path / "out").keys() == FILES
