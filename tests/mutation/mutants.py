"""What the tool left behind: each mutant, what it changed, and what came of it."""

import json
import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path
from textwrap import dedent
from zlib import crc32

from .tree import in_tree

# Set aside: it is not run. Refused: the type checker has an error in it.
ASIDE, REFUSED = 34, 37
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'")


class Fate(StrEnum):
    """What came of a mutant."""

    KILLED = "killed"
    LIVES = "lives"
    UNMET = "met by no test"
    ASIDE = "set aside"
    OPEN = "not run"


ALIVE = {Fate.LIVES, Fate.UNMET}
# Exit codes of the tool. Whatever ends the tests otherwise, by time or a crash, is seen.
FATES = {None: Fate.OPEN, 2: Fate.OPEN, 0: Fate.LIVES, 5: Fate.UNMET, 33: Fate.UNMET, ASIDE: Fate.ASIDE}


@dataclass(frozen=True)
class Mutant:
    """A change of one function: the lines that go, and those that come."""

    name: str
    module: str
    function: str
    before: str
    after: str
    fate: Fate

    @property
    def is_wording(self) -> bool:
        """Whether only the letters of a sentence change: XX about it, or its case."""
        if plain(self.before) != plain(self.after):
            return False
        changed = [
            one
            for one, two in zip(LITERAL.findall(self.before), LITERAL.findall(self.after), strict=True)
            if one != two
        ]
        return bool(changed) and all(" " in one.strip("\"'") for one in changed)


def plain(code: str) -> str:
    """Code with the literals as they were before the tool changed their letters."""
    return LITERAL.sub(lambda found: found.group().casefold().replace("xx", ""), code)


@dataclass(frozen=True)
class Looked:
    """What was looked at of a module: the mutants that were tried, of how many."""

    tried: tuple[Mutant, ...]
    mutants: int

    @property
    def is_whole(self) -> bool:
        """Whether every mutant was tried."""
        return len(self.tried) == self.mutants


def mutants_of(folder: Path, module: str) -> Iterator[Mutant]:
    """The mutants of a module in a tree."""
    made = folder / "mutants" / in_tree(module)
    results = json.loads(made.with_name(made.name + ".meta").read_text("utf-8"))["exit_code_by_key"]
    spans = json.loads(made.with_name(made.name + ".spans").read_text("utf-8"))["spans"]
    lines = made.read_text("utf-8").splitlines()

    def source(name: str) -> list[str]:
        begin, end = spans[name]
        text = dedent("\n".join(lines[begin - 1 : end]))
        return text.replace(name, function_of(name.partition("__mutmut_")[0]).rpartition(".")[2], 1).splitlines()

    for name, code in results.items():
        own = name.rpartition(".")[2]
        whole = own.partition("__mutmut_")[0]
        before, after = changed(source(f"{whole}__mutmut_orig"), source(own))
        yield Mutant(name, module, function_of(whole), before, after, FATES.get(code, Fate.KILLED))


def changed(old: list[str], new: list[str]) -> tuple[str, str]:
    """The lines that go and those that come, each stripped."""
    found = [line for line in unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
    gone, come = ([line[1:].strip() for line in found if line[0] == sign] for sign in "-+")
    return "\n".join(gone), "\n".join(come)


def function_of(mangled: str) -> str:
    """Class and method, or the function, of a name as the tool has it."""
    if mangled.startswith("x_"):
        return mangled.removeprefix("x_")
    return ".".join(mangled.split("ǁ")[1:])


def drawn(found: Iterable[Mutant], most: int | None) -> list[Mutant]:
    """Mutants but for the letters of sentences: all, or so many whose names have the lowest checksums."""
    real = [one for one in found if not one.is_wording]
    lowest = sorted(real, key=lambda one: crc32(one.name.encode()))[:most]
    return [one for one in real if one in lowest]


def strike(folder: Path, module: str, lines: Collection[int]) -> None:
    """Count as killed what lives, or is to be run, and has an error of types on one of these lines of the file."""
    made = folder / "mutants" / in_tree(module)
    spans = json.loads(made.with_name(made.name + ".spans").read_text("utf-8"))["spans"]
    meta = made.with_name(made.name + ".meta")
    stored = json.loads(meta.read_text("utf-8"))
    codes = stored["exit_code_by_key"]
    for name, code in codes.items():
        begin, end = spans[name.rpartition(".")[2]]
        if FATES.get(code) in {*ALIVE, Fate.OPEN} and any(begin <= line <= end for line in lines):
            codes[name] = REFUSED
    meta.write_text(json.dumps(stored, indent=4), "utf-8")


def settle(
    folder: Path,
    module: str,
    harmless: Callable[[Mutant], bool],
    wanted: Container[str],
    again: Callable[[Mutant], bool],
) -> None:
    """Set aside what is not to be run, and call back what is: of the wanted names what lives too, if met `again`."""
    made = folder / "mutants" / in_tree(module)
    meta = made.with_name(made.name + ".meta")
    stored = json.loads(meta.read_text("utf-8"))
    codes = stored["exit_code_by_key"]
    for one in mutants_of(folder, module):
        is_wanted = one.name in wanted
        if one.is_wording or harmless(one) or (not is_wanted and one.fate is Fate.OPEN):
            codes[one.name] = ASIDE
        elif is_wanted and (one.fate is Fate.ASIDE or (one.fate in ALIVE and again(one))):
            codes[one.name] = None
    meta.write_text(json.dumps(stored, indent=4), "utf-8")
