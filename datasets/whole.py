"""Write files whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_whole(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write texts and bytes into a folder, which is made if need be; each replaces its predecessor in one step.

    All are written beside their place before the first is put there.

    Raises
    ------
    OSError
        The folder cannot be made or written to, or a name is taken by a folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in contents:
        if (folder / name).is_dir():
            raise IsADirectoryError(f"{folder / name} is a folder")
    with tempfile.TemporaryDirectory(prefix=".relmer-", dir=folder) as beside:
        for name, content in contents.items():
            write_named(Path(beside) / name, content, folder / name)
        for name in contents:
            os.replace(Path(beside) / name, folder / name)


def write_named(path: Path, content: str | bytes, named: Path | None = None) -> None:
    """Write a file; an error names it, as one of a disk that is full does not by itself, or what it was to become.

    Raises
    ------
    OSError
        It cannot be written.
    """
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(named or path)) from None
