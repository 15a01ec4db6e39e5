"""Temporary folders: those of a killed run go, those that somebody holds stay, and nothing else is touched."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from relmer.reference.engines import folders
from relmer.reference.engines.child import Child

HOLDER = """
import sys, time
from relmer.reference.engines import folders
print(folders.held_folder()[0], flush=True)
time.sleep(600)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_killed_process_leaves_a_folder_that_the_next_one_removes(here: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("left")
        assert folders.remove_abandoned() == ()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert folders.remove_abandoned() == (folder.name,)
    assert list(here.iterdir()) == []


def test_a_child_holds_the_folder_after_its_parent(here: Path, tmp_path: Path) -> None:
    folder, lock = folders.held_folder()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock]) as heir:
        os.close(lock)
        assert folders.remove_abandoned() == ()
        heir.kill()
    assert folders.remove_abandoned() == (Path(folder).name,)


def test_what_has_no_lock_of_ours_is_somebody_elses(here: Path) -> None:
    report = here / "relmer-report"
    report.mkdir()
    (report / "report.json").write_text("{}")
    (here / "relmer-link").symlink_to(report)
    assert folders.remove_abandoned() == ()
    assert (report / "report.json").exists()


def test_a_child_that_cannot_start_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **keywords: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", fails)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(RuntimeError, match=r"\Ax: no child process can be started: .*Too many open files\Z"):
        Child("x", ["x.py"]).request({"op": "go"}, 5)
    assert len(os.listdir("/proc/self/fd")) == before
    assert list(here.iterdir()) == []
