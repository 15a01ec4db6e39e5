"""A copy of the package as it is installed, with the tests: there the mutants live, and never in the repository."""

import shutil
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from .wings import ROOT, Wing, modules

SETTINGS = """
[tool.mutmut]
source_paths = ["relmer"]
only_mutate = {modules}
also_copy = ["docs"]
pytest_add_cli_args = {arguments}
pytest_add_cli_args_test_selection = {tests}
# Seconds: (those of the tests + 30) times 3, for tests that end in an endless search; a busy machine ends none.
timeout_multiplier = 3.0
timeout_constant = 30.0
use_git_change_detection = false
# What a test keeps for the next one was made by the mutant, never before it.
process_isolation = "forkserver"
"""
ARGUMENTS = ("-n", "0", "-p", "no:cacheprovider", "-p", "few_examples")


def packages() -> Iterator[tuple[Path, Path]]:
    """Each package's folder in the repository, and in the tree."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    yield from ((ROOT / told["package-dir"][name], place(name)) for name in told["packages"])


def place(name: str) -> Path:
    """A package's folder where it is installed."""
    return Path(*name.split("."))


def in_tree(module: str) -> str:
    """A module's file in the tree."""
    return f"relmer/{module}"


def lay_out(folder: Path, wing: Wing) -> bool:
    """Copy packages, tests and docs, and tell whether a module of the wing has changed, so that its mutants are old.

    A file keeps its time, so that mutants of files that stayed are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = not all(is_in(folder, module) for module in modules(wing))
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    copied = [*packages(), (ROOT / "tests", Path("tests")), (ROOT / "docs", Path("docs"))]
    for source, target in sorted(copied, key=lambda pair: len(pair[1].parts)):
        shutil.copytree(source, folder / target, ignore=ignored, dirs_exist_ok=True)
    for module in modules(wing):
        made = folder / "mutants" / in_tree(module)
        # A module that is new in the wing was copied as it is, and would be taken for one without mutants.
        if made.exists() and not made.with_name(f"{made.name}.meta").exists():
            made.unlink()
    arguments = [*ARGUMENTS, *(word for test in wing.without for word in ("--deselect", test))]
    settings = SETTINGS.format(
        modules=[in_tree(module) for module in modules(wing)], arguments=arguments, tests=list(wing.tests)
    )
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8") + settings, "utf-8")
    return changed


def is_in(folder: Path, module: str) -> bool:
    """Whether a tree has a module as it is."""
    copy = folder / in_tree(module)
    return copy.exists() and copy.read_bytes() == (ROOT / module).read_bytes()


def digest(wing: Wing) -> str:
    """Of the tests of a wing and what they share."""
    found = sha256()
    for test in (*wing.tests, "tests/support", "tests/conftest.py"):
        path = ROOT / test
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()
