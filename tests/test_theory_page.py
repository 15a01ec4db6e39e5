"""docs/theory.md: its equations are numbered and cited, and what its tables name is there."""

import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

from relmer import solver
from relmer.solver.fits.fit import Fit
from relmer.solver.search.ending import Ending

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "theory.md"
TEXT = PAGE.read_text(encoding="utf-8")
EQUATION = re.compile(r"^ {4}\S.* {2,}\((\d+)\)$", re.MULTILINE)
LIST = r"\d{1,2}(?:(?:,\s+|\s+and\s+|\s+to\s+)\d{1,2})*"
MODULES = [importlib.import_module(each.name) for each in pkgutil.walk_packages(solver.__path__, "relmer.solver.")]


def numbers(text: str) -> set[int]:
    """The numbers of "3", "3, 5 and 7 to 9"."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:\s+to\s+(\d+))?", text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def rows(head: str) -> list[list[str]]:
    """The cells of the table that begins with a head."""
    lines = TEXT[TEXT.index(head) :].splitlines()[2:]
    table = lines[: next(k for k, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def module_of(path: str) -> ModuleType:
    return importlib.import_module(f"relmer.{path.removesuffix('.py').replace('/', '.')}")


def has(module: ModuleType, name: str) -> bool:
    """Whether a module, its submodules apart, has a name, or a class of it an attribute or a field."""
    owner, _, member = name.partition(".")
    found = getattr(module, owner, None)
    if found is None or isinstance(found, ModuleType):
        return False
    return not member or hasattr(found, member) or member in vars(found)["__annotations__"]


DEFINED = [int(number) for number in EQUATION.findall(TEXT)]


def test_equations_are_numbered_without_gaps() -> None:
    assert len(DEFINED) > 40
    assert list(range(1, len(DEFINED) + 1)) == DEFINED


def test_what_the_code_cites_is_on_the_page_and_every_equation_is_cited_or_referred_to() -> None:
    cited: set[int] = set()
    for room in ("solver", "datasets", "reference", "reports", "tests"):
        for path in (ROOT / room).rglob("*.py"):
            for found in re.findall(rf"theory\.md,\s+({LIST})", path.read_text(encoding="utf-8")):
                assert numbers(found) <= set(DEFINED), (path, found)
                cited |= numbers(found) if room == "solver" and path.name != "__init__.py" else set()
    said = re.findall(rf"(?<!\w)\(({LIST})\)", EQUATION.sub("", TEXT))
    referred = set().union(*map(numbers, said))
    assert referred <= set(DEFINED)
    assert cited | referred == set(DEFINED)
    assert len(cited) > 35


def test_files_and_pages_exist() -> None:
    paths = {name for name in names(TEXT) if name.endswith(("/", ".py"))} | set(re.findall(r"\]\(([^)]+)\)", TEXT))
    assert len(paths) > 30
    assert [path for path in paths if not ((ROOT / path).exists() or (PAGE.parent / path).exists())] == []


def test_every_step_names_what_its_files_hold() -> None:
    for step, symbols, where in rows("| step | symbol | where |"):
        modules = [module_of(path) for path in names(where)]
        assert modules
        for name in names(symbols):
            assert any(has(module, name) for module in modules), (step, name)


def test_every_symbol_names_what_the_code_calls_it() -> None:
    table = rows("| symbol | shape | in the code | what it is |")
    assert len(table) > 30
    for symbol, _, code, _ in table:
        paths = [name for name in names(code) if name.endswith(".py")]
        modules = [module_of(path) for path in paths] or MODULES
        assert len(names(code)) > len(paths), symbol
        for name in names(code):
            if name not in paths:
                meant = {id(getattr(module, name.split(".")[0])) for module in modules if has(module, name)}
                assert len(meant) == 1, (symbol, name)
    for name in re.findall(r"`(?:print\()?fit\.(\w+)", TEXT):
        assert hasattr(Fit, name)


def test_every_ending_is_told() -> None:
    assert [names(cell)[0] for cell, _ in rows("| `Ending` | when |")] == [ending.name for ending in Ending]
