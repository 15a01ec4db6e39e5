"""What a wheel of relmer must hold: every file of the rooms, and nothing else.

As a program, `python tests/support/wheel.py WHEEL` says what is missing from a wheel, or too much in it.
"""

import base64
import hashlib
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The rooms' folders, and the package that each is.
ROOMS = {"src/relmer": "relmer", **{room: f"relmer/{room}" for room in ("solver", "datasets", "reference", "reports")}}
# Wings that are packages of their own: pytest finds the kit's checks and its options by name.
APART = {"relmer/reports/conformance/options": "relmer_pytest", "relmer/reports/conformance": "relmer/conformance"}
LARGEST = 5 * 10**6


def source(root: Path = ROOT) -> dict[str, Path]:
    """Files of the rooms, by their names in a wheel."""
    found = {}
    for folder, package in ROOMS.items():
        for path in (root / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = f"{package}/{path.relative_to(root / folder).as_posix()}"
                wing = next((wing for wing in APART if name.startswith(f"{wing}/")), "")
                found[APART.get(wing, "") + name.removeprefix(wing)] = path
    return found


def declared(root: Path = ROOT) -> set[str]:
    """Names in a wheel of the files that pyproject.toml's lists of packages and data take."""
    setup = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    taken = set()
    for package in setup["packages"]:
        folder = root / setup["package-dir"][package]
        for pattern in ["*.py", *setup["package-data"].get(package, [])]:
            for path in folder.glob(pattern):
                if path.is_file() and "__pycache__" not in path.parts:
                    taken.add(f"{package.replace('.', '/')}/{path.relative_to(folder).as_posix()}")
    return taken


def stand_in(wheel: Path, root: Path = ROOT) -> None:
    """Write what a builder would: the rooms' files, deflated, and a record with a line for each, README and licence.

    Nothing has to be installed or fetched for it, as a build in a place of its own would have to.
    """
    record = ""
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in sorted(source(root).items()):
            content = path.read_bytes()
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(content)}\n"
        about = "relmer-0.dist-info/"
        packed.writestr(f"{about}RECORD", record)
        packed.writestr(f"{about}METADATA", (root / "README.md").read_bytes())
        packed.writestr(f"{about}licenses/LICENSE", (root / "LICENSE").read_bytes())


def faults(wheel: Path) -> list[str]:
    """What is wrong with a wheel, a line each; none if it is whole and holds no more than it should."""
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name}
    wanted = {*source()}
    lines = [f"missing: {name}" for name in sorted(wanted - held)]
    lines += [f"too much: {name}" for name in sorted(held - wanted)]
    if (size := wheel.stat().st_size) >= LARGEST:
        lines.append(f"{size} bytes are not below {LARGEST}")
    return lines


if __name__ == "__main__":
    found = faults(Path(sys.argv[1]))
    print("\n".join(found) or "whole")
    sys.exit(bool(found))
