"""The folder of a report, which one command holds at a time.

The lock is one of an open file (`flock`): the kernel frees it however the process ends, so that a killed run leaves
none behind. Who holds a folder may remove what killed runs have left there.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".relmer-lock"
# What `write_whole` and the check of a folder leave there if they are killed.
LEFT = ".relmer-????????"


class FolderHeldError(OSError):
    """Another process holds the folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if need be and goes again if nothing is written into it.

    Raises
    ------
    FolderHeldError
        Another process holds it; one line names the folder and the process.
    OSError
        The folder cannot be made or written to, or its file system has no locks.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    lock = locked(folder)
    try:
        for left in folder.glob(LEFT):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        os.close(lock)
        for path in made:
            with suppress(OSError):
                path.rmdir()


def locked(folder: Path) -> int:
    """The descriptor of the lock, which says whose it is; it may have been removed before it was had, then anew."""
    path = folder / LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if still_there(lock, path):
                os.ftruncate(lock, 0)
                os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
                return lock
            os.close(lock)
        except BlockingIOError:
            process = os.pread(lock, 20, 0).decode(errors="replace").strip()
            os.close(lock)
            raise FolderHeldError(
                f"{folder} is held by another relmer, process {process or 'unknown'}: wait until that has ended, or "
                "give another --out"
            ) from None
        except OSError as error:
            os.close(lock)
            raise OSError(f"{folder} cannot be locked ({error}): give an --out on another disk") from None


def still_there(lock: int, path: Path) -> bool:
    """Whether the file of a descriptor is the one at the path."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), path.stat())
    return False
