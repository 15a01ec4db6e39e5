"""A folder is held by one process at a time, which leaves nothing that would hold it longer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from relmer.reports.held import LOCK, FolderHeldError, held

HOLDER = """
import sys, time
from pathlib import Path
from relmer.reports.held import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_second_one_is_refused_until_the_first_has_ended_however_it_did(tmp_path: Path, end: signal.Signals) -> None:
    out = tmp_path / "deep" / "out"
    command = [sys.executable, "-c", HOLDER, out]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderHeldError) as refused, held(out):
            pass
        assert str(refused.value).startswith(f"{out} is held by another relmer, process {holder.pid}: ")
        holder.send_signal(end)
        assert holder.wait(timeout=30) != 0
    with held(out):
        assert (out / LOCK).read_text() == f"{os.getpid()}\n"
    assert not (out / LOCK).exists()


def test_nothing_is_left_where_nothing_was_written(tmp_path: Path) -> None:
    with held(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").write_text("")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_what_killed_runs_left_goes_and_all_else_stays(tmp_path: Path) -> None:
    (tmp_path / ".relmer-ab12_x9z").mkdir()
    (tmp_path / ".relmer-ab12_x9z" / "report.json").write_text("half")
    (tmp_path / "mine").mkdir()
    (tmp_path / ".relmer-journal").write_text("")
    (tmp_path / ".relmer-linked_1").symlink_to(tmp_path / "mine")
    (tmp_path / ".relmer-a_folder_of_mine").mkdir()
    with held(tmp_path):
        pass
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".relmer-a_folder_of_mine", ".relmer-journal", ".relmer-linked_1", "mine"]


def test_a_lock_that_was_removed_is_no_lock(tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / LOCK).unlink()
        with held(tmp_path):
            assert (tmp_path / LOCK).exists()


@pytest.mark.parametrize("error", [OSError(37, "No locks available"), OSError(28, "No space left on device")])
def test_a_disk_without_locks_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("fcntl.flock", fails)
    before = len(os.listdir("/proc/self/fd"))
    with (
        pytest.raises(OSError, match=f"cannot be locked .*{error.strerror}.*give an --out on another disk"),
        held(tmp_path),
    ):
        pass
    assert len(os.listdir("/proc/self/fd")) == before
