"""What is mutated, and the tests that are to catch it: for each wing those that mirror it."""

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Wing:
    """Modules with the tests that are to catch their mutants.

    Attributes
    ----------
    name
        What their tree is called.
    folder
        Where the modules stand.
    tests
        Tests that are run, the shortest first, until one fails.
    without
        Tests that are left out, or how their names begin: each takes seconds, and a mutant that lives meets them all.
    only
        The modules; if none is named, those of the folder that no other wing names.
    """

    name: str
    folder: str
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


PATHS = ("tests/solver/paths", "tests/solver/algebra")
# What is made of these beside the wing.
MADE = tuple(f"tests/solver/fits/test_{name}.py" for name in ("fit", "far_covariates", "influencing"))
# One unit of eight and one term of four are kept; pytest takes these for the beginnings of names.
LARGE = tuple(
    f"tests/solver/paths/test_large.py::test_shared_theta_is_right_by_every_path[{start}"
    for start in ("1", "3", "2400000000.0-0.0-(Days ||", "2400000000.0-0.0-(0", "2400000000.0-0.0-(Days | Subject) +")
)
# Rulings on what the evidence found: nearly all without a fit, so that a mutant takes a second whether it lives or not.
RULINGS = tuple(
    f"tests/reports/judge/test_{name}.py"
    for name in ("rulings", "stop_rulings", "criterion_rulings", "stops", "ladder_rulings", "margins", "misuse")
)
WINGS = (
    Wing("algebra", "solver/algebra", PATHS, LARGE),
    Wing("paths", "solver/paths", (*PATHS, *MADE), LARGE),
    Wing("elimination", "solver/elimination", ("tests/solver/elimination",)),
    Wing(
        "search",
        "solver/search",
        ("tests/solver/search",),
        (
            "tests/solver/search/test_paths_agree.py",
            "tests/solver/search/test_optimise.py::test_adding_a_term_never_raises_the_criterion",
            "tests/solver/search/test_look.py::test_rounding_alone_contradicts_nothing",
            "tests/solver/search/test_invariant.py::test_every_fit_is_one_by_the_definition",
        ),
    ),
    Wing("rulings", "reports/judge", RULINGS, only=("rounding", "stops", "optimum", "criterion", "ladder", "margins")),
    Wing(
        "judge",
        "reports/judge",
        ("tests/reports/judge",),
        (
            "tests/reports/judge/test_lowest.py::test_the_lowest_is_never_accused_and_whoever_is_above_is_told_so",
            "tests/reports/judge/test_conditioning.py",
            "tests/reports/judge/test_gap.py",
        ),
    ),
)


def modules(wing: Wing) -> list[str]:
    """The modules of a wing that can be changed, as their files in the repository."""
    paths = filter(can_be_changed, (ROOT / wing.folder).glob("*.py"))
    found = sorted(path.relative_to(ROOT).as_posix() for path in paths)
    own = {name for one in WINGS if one.folder == wing.folder for name in one.only}
    return [path for path in found if is_of(wing, Path(path).stem, own)]


def can_be_changed(path: Path) -> bool:
    """Whether a module has a function without a decorator that does something, or a default."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    return any(len(node.body) > 1 or node.args.defaults for node in functions)


def is_of(wing: Wing, name: str, taken: Collection[str]) -> bool:
    """Whether a module is of a wing."""
    return name in wing.only if wing.only else name not in {*taken, "__init__"}


def chosen(patterns: Sequence[str]) -> dict[Wing, list[str]]:
    """The modules that match one of the patterns, by wing; all without a pattern."""
    found = {wing: [m for m in modules(wing) if not patterns or matches(m, patterns)] for wing in WINGS}
    return {wing: names for wing, names in found.items() if names}


def matches(module: str, patterns: Sequence[str]) -> bool:
    """Whether a module is asked for by its file, its folder or a pattern."""
    return any(fnmatchcase(module, pattern) or module.startswith(pattern.rstrip("/") + "/") for pattern in patterns)
