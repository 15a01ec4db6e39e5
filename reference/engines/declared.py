"""Engines that a file declares: lme4 of other versions, each by the command that starts its R, and classes in Python.

The file is `relmer.toml` of the folder in which one works, or the one that the variable RELMER_ENGINES names. It has a
table for each engine:

    [engine."lme4@2.1"]
    command = ["chroot", "/srv/forky", "Rscript"]
    search = "default"      # may be left out, as what follows
    seconds = 600
    memory_gib = 8

    [engine.mine]
    python = "mine:Mine"    # module and class, beside the file
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from relmer.reference.answers import recorded
from relmer.reference.engines.child import MEMORY_BYTES, plain_text
from relmer.reference.engines.errors import EngineError

FILE, VARIABLE = "relmer.toml", "RELMER_ENGINES"
SECONDS = 600.0
# By lme4's defaults, by every tolerance tight, or by an optimiser that lme4 brings.
SEARCHES = ("default", "tight", "bobyqa", "nloptwrap", "Nelder_Mead", "nlminbwrap")
KEYS = ("command", "search", "seconds", "memory_gib")
PYTHON = "python"
NAME = r"[A-Za-z0-9][A-Za-z0-9.@_+-]{0,59}"
MAKER = "relmer.reference.engines.r.rscript:declared"


@dataclass(frozen=True)
class Declaration:
    """An engine that speaks with R as a plain process, or one in Python; it stands where an entry point stands.

    Attributes
    ----------
    name
        Of the engine; what follows an @ tells the version.
    command
        What starts Rscript; empty where only recordings are known.
    search
        One of SEARCHES; empty where the name tells it.
    seconds, memory_bytes
        Limits on a request.
    value
        Where it is declared.
    python, folder
        Of an engine in Python what makes it, such as "mine:Mine", and where its module is; both empty otherwise.
    """

    name: str
    command: tuple[str, ...] = ()
    search: str = ""
    seconds: float = SECONDS
    memory_bytes: int = MEMORY_BYTES
    value: str = "recorded"
    python: str = ""
    folder: str = ""

    def load(self) -> Callable[[], Any]:
        """The function without arguments that makes the engine."""
        return partial(EntryPoint(self.name, MAKER, "").load(), self)


def declarations() -> tuple[Declaration, ...]:
    """The engines that the file declares, in its order; none where there is no file.

    Raises
    ------
    EngineError
        The file cannot be read, or declares what is no engine; one line that says where.
    """
    named = os.environ.get(VARIABLE)
    path = Path(named or FILE)
    if not named and not path.is_file():
        return ()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path.name}: {plain_text(str(error), 200)}") from None
    tables = told.get("engine", {})
    if not isinstance(tables, dict):
        raise EngineError(f'{path.name}: engine must be tables, such as [engine."lme4@2.1"]')
    return tuple(declaration(name, table, path) for name, table in tables.items())


def declaration(name: str, table: Any, path: Path) -> Declaration:
    """The engine of one table; what it may not hold is refused."""
    where = f'{path.name}: [engine."{plain_text(name, 60)}"]'
    if not re.fullmatch(NAME, name):
        raise EngineError(f"{where}: an engine's name has letters, digits and . @ _ + -, such as lme4@2.1")
    if not isinstance(table, Mapping):
        raise EngineError(f"{where} must be a table")
    if PYTHON in table:
        return in_python(name, table, where, path.parent)
    if unknown := [key for key in table if key not in KEYS]:
        raise EngineError(f"{where} has {plain_text(unknown[0], 40)!r}; its keys are {', '.join((*KEYS, PYTHON))}")
    command = table.get("command")
    words = isinstance(command, list) and all(isinstance(word, str) and "\0" not in word for word in command)
    if not words or not command:
        raise EngineError(f'{where}: command must be a list of texts, such as ["chroot", "/srv/forky", "Rscript"]')
    search = table.get("search", "")
    if search not in ("", *SEARCHES):
        raise EngineError(f"{where}: search is {plain_text(repr(search), 40)}; choose from {', '.join(SEARCHES)}")
    for key in ("seconds", "memory_gib"):
        if type(limit := table.get(key, 1)) not in (int, float) or not 0 < limit < 1e6:
            raise EngineError(f"{where}: {key} must be a number above 0, not {plain_text(repr(limit), 40)}")
    return Declaration(
        name=name,
        command=tuple(command),
        search=search,
        seconds=float(table.get("seconds", SECONDS)),
        memory_bytes=int(table["memory_gib"] * 2**30) if "memory_gib" in table else MEMORY_BYTES,
        value=where,
    )


def in_python(name: str, table: Mapping[str, Any], where: str, folder: Path) -> Declaration:
    """The engine of a table that names a class."""
    made = table[PYTHON]
    if not isinstance(made, str) or not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", made):
        raise EngineError(
            f'{where}: python is {plain_text(repr(made), 40)}; name module and class, such as "mine:Mine"'
        )
    if unknown := [key for key in table if key != PYTHON]:
        raise EngineError(f"{where} has {plain_text(unknown[0], 40)!r} beside python, which stands alone")
    return Declaration(name=name, value=where, python=made, folder=str(folder.resolve()))


def recorded_versions() -> tuple[Declaration, ...]:
    """The engines of which this project keeps the recordings of a version."""
    return tuple(map(Declaration, recorded.versions()))
