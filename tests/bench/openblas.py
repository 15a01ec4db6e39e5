"""Debian's OpenBLAS for R without a change to the system: its package, unpacked into the cache."""

import shutil
import subprocess
from pathlib import Path

PACKAGE = "libopenblas0-pthread"


def folder(cache: Path) -> Path | None:
    """Folder of a libblas.so.3 that is OpenBLAS, or None where apt has none; R finds it by R_LD_LIBRARY_PATH."""
    unpacked = cache / "openblas"
    if not any(unpacked.rglob("libblas.so.3")):
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            return None
        unpacked.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", "download", "-q", PACKAGE]
        if subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode:
            return None
        (archive,) = unpacked.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive, unpacked], check=True)
        archive.unlink()
    return next(unpacked.rglob("libblas.so.3")).parent
