"""Mutants that live and do no harm, each with its reason: equivalent.toml, and the rules at its top."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from textwrap import dedent

from .mutants import ALIVE, Looked, Mutant
from .wings import ROOT

FILE = Path(__file__).parent / "equivalent.toml"


@dataclass(frozen=True)
class Rule:
    """What may be erased from both sides of a mutant, so that nothing of the change is left."""

    erase: str
    reason: str

    def holds(self, mutant: Mutant) -> bool:
        """Whether the mutant changes only what the rule is about."""
        return self.without(mutant.before) == self.without(mutant.after)

    def without(self, code: str) -> str:
        """Code without what is erased, and without a comma that then stands before nothing."""
        return re.sub(r",?\s*(?=[)\]])", "", re.sub(self.erase, "", code))


@dataclass(frozen=True)
class Equivalent:
    """Mutants of one line of a function, or of some that stand together, that no test can or need tell from it."""

    module: str
    function: str
    line: str
    becomes: tuple[str, ...]
    reason: str

    def names(self, mutant: Mutant) -> bool:
        """Whether it is one of these."""
        place = (mutant.module, mutant.function, mutant.before)
        return place == (self.module, self.function, self.line) and mutant.after in self.becomes


@cache
def rules() -> list[Rule]:
    """The rules."""
    return [Rule(**one) for one in read()["rule"]]


def equivalents() -> list[Equivalent]:
    """The mutants that are named one by one."""
    return [Equivalent(**{**one, "becomes": tuple(one["becomes"])}) for one in read().get("equivalent", [])]


def read() -> dict[str, list[dict[str, str]]]:
    """The file."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def functions(module: str) -> Iterator[tuple[str, str]]:
    """Name and code of every function and method of a module, each line stripped."""
    text = (ROOT / module).read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for one in inner:
            if isinstance(one, ast.FunctionDef):
                name = f"{node.name}.{one.name}" if isinstance(node, ast.ClassDef) else one.name
                yield name, stripped(ast.get_source_segment(text, one) or "")


def stripped(code: str) -> str:
    """Code with each of its lines stripped."""
    return "\n".join(line.strip() for line in dedent(code).splitlines())


def stale(one: Equivalent) -> str:
    """Why an entry names no mutant of the code as it is; nothing if it may."""
    if not (ROOT / one.module).is_file():
        return f"there is no {one.module}"
    found = dict(functions(one.module))
    if one.function not in found:
        return f"{one.module} has no function {one.function}"
    if f"\n{one.line}\n" not in f"\n{found[one.function]}\n":
        return f"{one.function} in {one.module} has no line {one.line!r}"
    return ""


def dead(entries: Sequence[Equivalent], looked: Mapping[str, Looked]) -> list[str]:
    """Changes that are named though no mutant of the kind lives, where one was looked at."""
    return [
        f"{one.module}, {one.function}: {after!r}"
        for one in entries
        if one.module in looked
        for after in one.becomes
        if is_dead(replace(one, becomes=(after,)), looked[one.module])
    ]


def is_dead(one: Equivalent, looked: Looked) -> bool:
    """Whether none of the mutants that an entry names lives, and one was tried or must have been."""
    met = [mutant for mutant in looked.tried if one.names(mutant)]
    return (bool(met) or looked.is_whole) and not any(mutant.fate in ALIVE for mutant in met)
