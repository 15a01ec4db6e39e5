"""lme4 of any R that a command can start, as an engine: declared in a file, or known by its recordings alone."""

import functools
import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from relmer.reference.engines import Child, Declaration, EngineError, EngineMissing, plain_text
from relmer.reference.engines.r.lme4 import Lme4
from relmer.reference.engines.r.lme4_process import MEETING_SECONDS, Lme4Process, outdated

PROGRAM = ("-m", "relmer.reference.engines.r.rscript_child")
# Nothing that the user's variables say of the R here is true of another.
WITHHELD = "_?R_.*"
# R ends a call by itself only where the end of the process that speaks with it does not reach it.
SLACK = 5.0
# How this project calls its engines of lme4, and how each of them searches.
SEARCHES: Mapping[str, str] = MappingProxyType({"lme4": "default", "lme4-bobyqa": "bobyqa", "lme4-tight": "tight"})


class RscriptProcess(Lme4Process):
    """R with lme4 behind a command; an R that does not answer has failed, and is not missing.

    Parameters
    ----------
    command
        What starts Rscript.
    seconds, memory_bytes
        Limits on a request.
    """

    def __init__(self, command: tuple[str, ...], seconds: float, memory_bytes: int) -> None:
        super().__init__(seconds=seconds, memory_bytes=memory_bytes)
        settings = {"command": command, "seconds": seconds + SLACK, "memory_bytes": memory_bytes}
        self.child = Child("lme4", (*PROGRAM, json.dumps(settings)), None, memory_bytes, withheld=WITHHELD)

    def available(self) -> str:
        """The empty string: it is declared, so that it takes part, and fails where it cannot run."""
        return ""

    def versions(self) -> dict[str, str]:
        """Versions of R, lme4, Matrix, nloptr, minqa, BLAS and LAPACK, and R's platform.

        Raises
        ------
        EngineError
            The command does not start an R with lme4 and jsonlite.
        """
        with self._lock:
            if self._versions is None and not self._unusable:
                self._unusable = self._meet()
            if self._unusable:
                raise EngineError(self._unusable)
            return dict(self._versions or {})

    def _meet(self) -> str:
        try:
            found = self.child.request({"op": "hello"}, MEETING_SECONDS)
        except EngineError as error:
            return str(error)
        self._versions = {plain_text(name, 40): plain_text(" ".join(map(str, value))) for name, value in found.items()}
        return outdated(self._versions)


class NotHere(Lme4Process):
    """No R at all: what stands for a version of which there are recordings only."""

    def available(self) -> str:
        """Why it cannot be asked."""
        return "relmer.toml names no R with this lme4"

    def versions(self) -> dict[str, str]:
        """None: there is no R."""
        raise EngineMissing(self.available())


class Spoken(Lme4):
    """lme4 of an R behind a command."""

    needs: tuple[str, ...] = ("a command that starts an Rscript", "R >= 4.0 there, with its packages lme4 and jsonlite")

    def version(self) -> str:
        """Version of lme4.

        Raises
        ------
        EngineError
            The engine's name tells another.
        """
        found = super().version()
        if unfit := misnamed(self.name, found):
            raise EngineError(unfit)
        return found


def misnamed(name: str, version: str) -> str:
    """One line where an engine's name tells another version than there is; a name may tell the first parts alone.

    Examples
    --------
    >>> misnamed("lme4@2.1", "2.1-0"), misnamed("lme4@trixie", "1.1-37")
    ('', '')
    >>> misnamed("lme4@1.1-3", "1.1-31")
    'its name says 1.1-3, and its R has lme4 1.1-31: mend the name or the command'
    """
    label = name.rpartition("@")[2] if "@" in name else ""
    told, found = re.findall(r"\d+", label), re.findall(r"\d+", version)
    if not re.fullmatch(r"\d+([.-]\d+)*", label) or found[: len(told)] == told:
        return ""
    return f"its name says {label}, and its R has lme4 {version}: mend the name or the command"


@functools.cache
def process_of(command: tuple[str, ...], seconds: float, memory_bytes: int) -> Lme4Process:
    """The process of a command, which its engines share."""
    return RscriptProcess(command, seconds, memory_bytes)


def declared(declaration: Declaration) -> Lme4:
    """The engine of a declaration; without a command, one of which only recordings can be heard."""
    search = declaration.search or SEARCHES.get(declaration.name.partition("@")[0], "default")
    if not declaration.command:
        return Spoken(declaration.name, search, NotHere())
    process = process_of(declaration.command, declaration.seconds, declaration.memory_bytes)
    return Spoken(declaration.name, search, process)
