"""Temporary folders that are held by a lock: what a killed run leaves behind, the next one removes.

The lock is one of the open file (`flock`), which a child inherits: it is held as long as the process that made the
folder lives, or any child that was given it, and the kernel frees it however they end.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX, LOCK = "relmer-", ".relmer-lock"


def held_folder() -> tuple[str, int]:
    """Make a temporary folder; give its path, and the descriptor of the lock that holds it."""
    while True:
        folder = tempfile.mkdtemp(prefix=PREFIX)
        try:
            lock = os.open(Path(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            os.rmdir(folder)
            raise
        if _taken(lock) and Path(folder, LOCK).exists():
            return folder, lock
        os.close(lock)  # somebody removed it before it was locked


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is held for as long as the context lasts, and then removed."""
    folder, lock = held_folder()
    try:
        yield Path(folder)
    finally:
        release(folder, lock)


def release(folder: str, lock: int) -> None:
    """Remove a folder, and let go of it."""
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def remove_abandoned() -> tuple[str, ...]:
    """Remove the folders of this kind, and of this user, that no process holds; give their names."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            if _taken(lock):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
            os.close(lock)
    return tuple(removed)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
