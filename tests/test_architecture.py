"""Imports point one way: between the rooms, between the wings of a room, and into a wing by its face alone."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
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


@dataclass(frozen=True)
class Wing:
    """What a wing, or a file beside the wings, may import.

    Attributes
    ----------
    own
        Wings and files of its own room, without the room's name.
    libraries
        Third-party packages.
    never
        Rooms that are closed to it, though its room may import them.
    """

    own: set[str] = field(default_factory=set)
    libraries: set[str] = field(default_factory=set)
    never: set[str] = field(default_factory=set)


NUMBERS = {"numpy", "scipy"}
GROUND = {"arrays", "errors"}
SOLVER = {"solver"}
WINGS = {
    "solver": Wing({"documents", "fits", "inference", "errors"}),
    "solver/arrays": Wing(libraries={"numpy"}),
    "solver/errors": Wing(),
    "solver/threads": Wing(libraries={"threadpoolctl"}),
    "solver/algebra": Wing(GROUND, NUMBERS),
    "solver/model": Wing({*GROUND, "algebra"}, NUMBERS),
    # Language and algebra never meet: they share the model.
    "solver/language": Wing({*GROUND, "model"}, {"numpy", "pandas"}),
    "solver/elimination": Wing({*GROUND, "algebra", "model"}, NUMBERS),
    "solver/paths": Wing({*GROUND, "algebra", "model", "elimination"}, NUMBERS),
    "solver/search": Wing({*GROUND, "algebra", "model", "elimination", "paths"}, NUMBERS),
    "solver/many": Wing({*GROUND, "algebra", "model", "elimination", "search"}, NUMBERS),
    "solver/fits": Wing(
        {*GROUND, "threads", "algebra", "model", "language", "paths", "search", "many"}, {*NUMBERS, "pandas"}
    ),
    "solver/documents": Wing(
        {*GROUND, "threads", "algebra", "model", "language", "paths", "search", "fits"}, {*NUMBERS, "pandas"}
    ),
    # Documents and inference never meet: they share the fits.
    "solver/inference": Wing(
        {*GROUND, "algebra", "model", "language", "elimination", "paths", "fits"}, {*NUMBERS, "pandas"}
    ),
    "datasets": Wing(libraries={"numpy", "pandas"}),
    "reference": Wing(),
    "reference/own_fits": Wing({"answers"}, {"numpy"}),
    "reference/own_inference": Wing({"answers"}, NUMBERS),
    "reference/published": Wing(),
    "reference/matrices": Wing({"verify"}),
    "reference/answers": Wing(libraries=NUMBERS),
    "reference/engines": Wing({"answers", "own_fits", "own_inference"}, {"numpy"}),
    # A package that is adapted is imported by name, in a child.
    "reference/engines/peers": Wing({"answers", "engines", "own_fits"}, {"numpy", "pandas"}),
    "reference/engines/r": Wing({"answers", "engines", "own_fits"}, {*NUMBERS, "pandas", "threadpoolctl"}),
    "reference/exact": Wing(never=SOLVER),
    "reference/certificates": Wing(never=SOLVER),
    "reference/certify": Wing({"certificates", "exact", "verify"}, {"flint", "numpy", "threadpoolctl"}, never=SOLVER),
    # What a formula says, the solver's optimum and the kernel's proof meet here.
    "reference/ondemand": Wing({"certify", "own_fits", "verify"}, {"flint", "numpy"}),
    # The kernel: what proves a certificate can be read by itself.
    "reference/verify": Wing(libraries={"flint"}, never={"solver", "datasets"}),
    "reports": Wing(),
    "reports/verdicts": Wing(never={"solver", "reference", "datasets"}),
    "reports/records": Wing({"sights", "verdicts"}, never={"solver", "reference", "datasets"}),
    "reports/sights": Wing(never={"solver", "reference", "datasets"}),
    "reports/text": Wing(never={"solver", "reference", "datasets"}),
    "reports/causes": Wing({"records", "verdicts"}, never={"solver", "reference", "datasets"}),
    # The lists are read as plain text: nothing of the reference is imported.
    "reports/accepted": Wing({"causes", "records", "verdicts"}, never={"solver", "reference", "datasets"}),
    "reports/findings": Wing({"causes", "evidence", "judge", "records", "verdicts", "text"}, never=SOLVER),
    "reports/changes": Wing({"records"}, never={"solver", "reference", "datasets"}),
    "reports/moves": Wing({"causes", "changes", "evidence", "records"}, {"numpy"}, never=SOLVER),
    "reports/diff": Wing({"changes", "moves", "records"}, never={"solver", "reference", "datasets"}),
    "reports/one_case": Wing(
        {"evidence", "judge", "records", "sights", "text", "verdicts"}, {"numpy", "threadpoolctl"}
    ),
    "reports/given": Wing({"listings"}),
    "reports/swept": Wing(never={"solver", "reference", "datasets"}),
    "reports/certified": Wing(never={"solver", "reference", "datasets"}),
    "reports/own": Wing({"records", "text"}, {"pandas"}),
    "reports/listings": Wing(never={"solver", "reference"}),
    "reports/doubts": Wing(never={"solver", "reference", "datasets"}),
    "reports/explain": Wing({"doubts", "evidence", "records"}, {"numpy"}),
    "reports/machine": Wing(libraries={"threadpoolctl"}, never={"solver", "reference", "datasets"}),
    "reports/processes": Wing(never={"solver", "datasets"}),
    "reports/held": Wing(never={"solver", "reference", "datasets"}),
    "reports/journal": Wing({"machine", "one_case", "records"}, never=SOLVER),
    "reports/run": Wing({"accepted", "evidence", "findings", "given", "machine", "one_case", "processes", "records"}),
    "reports/python": Wing(
        {"accepted", "certified", "evidence", "export", "given", "own", "records", "run", "text", "verdicts", "voices"},
        {"numpy", "pandas"},
    ),
    # Importable as relmer.conformance; its options, as relmer_pytest, load nothing of relmer for other runs.
    "reports/conformance": Wing({"accepted", "causes", "records", "run", "verdicts"}, {"pytest"}),
    "reports/conformance/options": Wing({"conformance"}, {"pytest"}),
    "reports/compared": Wing({"one_case", "records", "run"}),
    "reports/corpus": Wing({"pages"}),
    "reports/export": Wing({"pages", "records", "verdicts", "voices"}, never=SOLVER),
    # Facts before verdicts.
    "reports/evidence": Wing({"records", "sights", "verdicts"}, {*NUMBERS, "pandas"}),
    "reports/laws": Wing({"evidence"}, {"numpy", "pandas"}),
    "reports/sweeps": Wing(
        {
            "changes",
            "doubts",
            "evidence",
            "journal",
            "laws",
            "machine",
            "one_case",
            "pages",
            "records",
            "run",
            "swept",
            "verdicts",
            "voices",
        },
        {*NUMBERS, "pandas", "pyarrow", "threadpoolctl", "loky", "distributed"},
    ),
    "reports/judge": Wing({"evidence", "records", "verdicts"}, {*NUMBERS, "pandas"}),
    "reports/pictures": Wing({"text"}, {*NUMBERS, "contourpy"}, never={"solver", "reference", "datasets"}),
    # Voices know records only; `datasets` has the reader and writer of plain records.
    "reports/voices": Wing(
        {"causes", "changes", "doubts", "records", "swept", "verdicts", "text"}, never={"solver", "reference"}
    ),
    "reports/chapters": Wing({"pictures", "records", "verdicts", "text", "voices"}, {*NUMBERS, "threadpoolctl"}),
    "reports/pages": Wing(
        {"chapters", "doubts", "pictures", "records", "sights", "swept", "verdicts", "text", "voices"},
        {"jinja2", "markupsafe"},
        never=SOLVER,
    ),
    "reports/commands": Wing(
        {
            "accepted",
            "certified",
            "changes",
            "compared",
            "corpus",
            "diff",
            "explain",
            "export",
            "given",
            "held",
            "journal",
            "laws",
            "one_case",
            "own",
            "records",
            "verdicts",
            "run",
            "text",
            "voices",
        },
        {"click", "rich"},
    ),
}
# R in this process, which the children of the engines are for.
R = {"rpy2"}


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def packages() -> set[str]:
    """Every room and wing, as its folder."""
    return {
        path.parent.relative_to(ROOT).as_posix() for room in MAY_IMPORT for path in (ROOT / room).rglob("__init__.py")
    }


PACKAGES = packages()


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of every import, at any depth, lazily or not; of `import a.b` the name is empty.

    Of a room or wing that is imported whole, every name that is taken out of it counts.
    """
    # The kit stands among the reports.
    tree, whole = ast.parse(text.replace("relmer.conformance", "relmer.reports.conformance")), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = "." * node.level + (node.module or "")
                folder = "/".join([*module.split(".")[1:], alias.name])
                if module.startswith("relmer") and folder in PACKAGES:
                    whole[alias.asname or alias.name] = f"{module}.{alias.name}"
                else:
                    yield module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            yield whole[node.value.id], node.attr


def home(path: str) -> str:
    """The wing of a file, or the file itself, without its ending, where it stands beside the wings."""
    folder, _, name = path.removesuffix(".py").rpartition("/")
    return folder if folder not in MAY_IMPORT or folder == "datasets" or name == "__init__" else f"{folder}/{name}"


def target(module: str, name: str) -> tuple[str, bool]:
    """The wing, or the file beside the wings, that an import of relmer reaches; and whether it does so by a face."""
    parts = module.split(".")[1:]
    for k in range(len(parts), 0, -1):
        if "/".join(parts[:k]) in PACKAGES:
            folder, rest = "/".join(parts[:k]), parts[k:]
            break
    else:
        raise AssertionError(f"{module} is not there")
    beside = folder in MAY_IMPORT and folder != "datasets"
    if beside and (rest or (ROOT / folder / f"{name}.py").exists()):
        return f"{folder}/{(rest or [name])[0]}", True
    return folder, not rest


def face(folder: str) -> set[str]:
    """`__all__` of a wing."""
    tree = ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        names = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.Assign) and any(isinstance(n, ast.Name) and n.id == "__all__" for n in names):
            return set(ast.literal_eval(node.value))
    return set()


def complaints(path: str, text: str) -> list[str]:
    """What is wrong with the imports of a file of relmer."""
    found = []
    own = home(path)
    room = own.split("/")[0] if not path.startswith("src/") else "src/relmer"
    wing = WINGS.get(own, Wing())
    for module, name in imports(text):
        said = f"{path}: {module}{f' import {name}' if name else ''}"
        first = module.split(".")[0]
        if module.startswith("."):
            found.append(f"{said} is relative; write the whole name")
        elif first != "relmer":
            foreign = first not in sys.stdlib_module_names
            if foreign and first not in wing.libraries and not (own == "reference/engines/r" and first in R):
                found.append(f"{said}: {own} may not use {first}")
        elif module == "relmer":
            found.append(f"{said} takes the façade from within")
        else:
            reached, by_face = target(module, name)
            there = reached.split("/")[0]
            if reached == own:
                continue
            if there not in MAY_IMPORT[room] - wing.never:
                found.append(f"{said}: {own} may not import {there}")
            elif there == room and reached != room and reached.removeprefix(f"{room}/") not in wing.own:
                found.append(f"{said}: {own} may not import {reached}")
            elif reached in PACKAGES and (not by_face or name not in face(reached)):
                found.append(f"{said} goes past the face of {reached}")
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way_and_go_by_the_faces(room: str) -> None:
    assert files(room)
    for path in files(room):
        assert complaints(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) == []


def test_every_wing_and_file_beside_the_wings_is_in_the_table() -> None:
    beside = {home(path.relative_to(ROOT).as_posix()) for room in MAY_IMPORT for path in files(room)}
    assert beside - {"src/relmer"} == set(WINGS)


def test_the_table_has_no_circle() -> None:
    graph = {wing: {f"{wing.split('/')[0]}/{other}" for other in allowed.own} for wing, allowed in WINGS.items()}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize(
    "path, text",
    [
        ("solver/elimination/new.py", "import pandas as pd"),
        ("solver/paths/new.py", "def late():\n    from pandas import DataFrame"),
        ("solver/search/new.py", "import pandas"),
        ("solver/elimination/new.py", "from relmer.solver.language import parse"),
        ("solver/language/new.py", "from relmer.solver.algebra import sweep"),
        ("solver/language/new.py", "from relmer.solver.elimination import Structure"),
        ("solver/language/new.py", "from scipy import linalg"),
        ("solver/algebra/new.py", "from relmer.solver.model import Design"),
        ("solver/paths/new.py", "from relmer.solver.search import optimise"),
        ("solver/search/new.py", "from relmer.solver.paths.pls import solve_at"),
        ("solver/search/new.py", "import relmer.solver.paths.pls"),
        ("solver/search/new.py", "from relmer.solver.paths import repeated"),
        ("solver/fits/new.py", "from relmer.datasets import load"),
        ("datasets/new.py", "from relmer.solver import lmer"),
        ("reference/new.py", "from relmer.reports.records import Report"),
        ("reference/verify/new.py", "from relmer.datasets import load"),
        ("reference/verify/new.py", "from relmer.reference.certificates import models"),
        ("reference/certificates/new.py", "from relmer.reference.certify import made"),
        ("reference/engines/new.py", "from relmer.reference.engines.r import lme4"),
        ("reference/engines/new.py", "import rpy2.rinterface"),
        ("reports/evidence/new.py", "from relmer.reports.judge import judge_case"),
        ("reports/voices/new.py", "from relmer.solver import lmer"),
        ("reports/voices/new.py", "from relmer.reports.evidence import digits"),
        ("reports/voices/new.py", "import numpy as np"),
        ("reports/pages/new.py", "from relmer.solver import lmer"),
        ("reports/pictures/new.py", "from relmer.reports.records import Report"),
        ("reports/judge/new.py", "from . import ladder"),
        ("reports/judge/new.py", "import relmer"),
        ("reports/judge/new.py", "from relmer import lmer"),
        ("reports/run.py", "from relmer.reports.pages import page"),
    ],
)
def test_a_forbidden_import_is_seen(path: str, text: str) -> None:
    assert len(complaints(path, text)) == 1


@pytest.mark.parametrize(
    "path, text",
    [
        ("solver/elimination/new.py", "from relmer.solver.model import symmetric_units"),
        ("solver/language/new.py", "def late():\n    from relmer.solver.model import Design"),
        ("solver/paths/new.py", "from relmer.solver.paths.solution import Solution"),
        ("reports/judge/new.py", "from relmer.reports.evidence import digits"),
        ("reports/judge/new.py", "from relmer.reports import records"),
        ("reports/commands/new.py", "from relmer import datasets"),
        ("src/relmer/new.py", "from relmer.solver import lmer"),
    ],
)
def test_what_is_allowed_is_not_complained_of(path: str, text: str) -> None:
    assert complaints(path, text) == []


def test_a_face_shows_what_exists_and_what_others_take() -> None:
    """The names that somebody else imports, the tests and the examples of the documents among them."""
    taken = set()
    for path in [*(p for room in MAY_IMPORT for p in files(room)), *files("tests")]:
        own = home(path.relative_to(ROOT).as_posix())
        for module, name in imports(path.read_text(encoding="utf-8")):
            if module.startswith("relmer."):
                reached, _ = target(module, name)
                if reached != own:
                    taken.add((reached, name))
    for wing in PACKAGES - {"src/relmer", "datasets", "solver"}:
        assert {name for name in face(wing) if (wing, name) not in taken} == set(), wing


@pytest.mark.parametrize("room", [*MAY_IMPORT, "tests"])
def test_files_can_be_held_in_the_head(room: str) -> None:
    for path in files(room):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST, path


def test_the_tests_mirror_the_folders() -> None:
    for room in ("solver", "datasets", "reference", "reports"):
        for path in (ROOT / "tests" / room).rglob("test_*.py"):
            assert path.parent.relative_to(ROOT / "tests").as_posix() in PACKAGES, path


def test_the_wheel_holds_every_room() -> None:
    """A package that pyproject.toml forgets shows only in the wheel."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert set(setuptools["package-dir"].values()) == PACKAGES
    assert set(setuptools["package-dir"]) == set(setuptools["packages"])


def test_what_takes_long_to_load_is_loaded_where_it_is_used() -> None:
    """Each is a fifth to a second of every command's start, and of every engine's child's."""
    late = ("scipy.stats", "scipy.optimize", "scipy.interpolate", "distributed", "playwright", "flint")
    told = f"import sys, relmer.reports.commands.main; print([m for m in {late!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
