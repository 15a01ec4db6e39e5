"""Imports point one way: solver and datasets know nothing of each other, then reference, then reports."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "solver": {"solver"},
    "datasets": {"datasets"},
    "reference": {"reference", "solver", "datasets"},
    "reports": {"reports", "reference", "solver", "datasets"},
    "src/relmer": {"reports", "reference", "solver", "datasets"},
}
LONGEST = 400


def imported_rooms(path: Path) -> set[str]:
    """Rooms of relmer that a file imports, at any depth, lazily or not."""
    return {name.split(".")[1] for name in imported(path)}


def imported(path: Path) -> set[str]:
    """Modules of relmer that a file imports, or names from, at any depth, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; write the whole name"
            names = [node.module or ""]
            if node.module == "relmer":
                names = [f"relmer.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name for name in names if name.startswith("relmer.")}
        assert "relmer" not in names, f"{path}:{node.lineno} imports the façade from within"
    return found


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room: str) -> None:
    assert files(room)
    for path in files(room):
        assert imported_rooms(path) <= MAY_IMPORT[room], path


def test_the_kernel_imports_nothing_of_relmer_but_itself() -> None:
    kernel = files("reference/verify")
    assert len(kernel) > 5
    for path in kernel:
        assert all(name.startswith("relmer.reference.verify.") for name in imported(path)), path


@pytest.mark.parametrize("room", [*MAY_IMPORT, "tests"])
def test_files_can_be_held_in_the_head(room: str) -> None:
    for path in files(room):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST, path


def test_the_check_sees_a_forbidden_import(tmp_path: Path) -> None:
    lazy = tmp_path / "lazy.py"
    lazy.write_text("def f():\n    from relmer.reports import run\n", encoding="utf-8")
    assert imported_rooms(lazy) == {"reports"}


def test_the_wheel_holds_every_room() -> None:
    """A package that pyproject.toml forgets shows only in the wheel."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    tracked = {
        path.parent.relative_to(ROOT).as_posix() for room in MAY_IMPORT for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(setuptools["package-dir"].values()) == tracked
    assert set(setuptools["package-dir"]) == set(setuptools["packages"])
