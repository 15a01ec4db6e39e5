"""The journal of a run: every case on disk as soon as it is judged, so that a run that was ended can be taken up.

It stands in the folder of the report, a line of JSON for each case, and is removed when the report has been written.
A line holds the result, and under what it came about, as hashes: relmer's own files, the machine, the engines, the
limit of time, the model, its data, the answers that were given. It is of use where all of them are as they were. What
fails a run or is accepted is not among them: that is found out when the report is made.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from relmer.datasets import Case, from_plain, to_plain, written_down
from relmer.reference.answers import Answer, Status
from relmer.reference.engines import declarations, ended_from_outside
from relmer.reports.machine import machine
from relmer.reports.one_case import CaseResult
from relmer.reports.records import EngineUsed

JOURNAL = ".relmer-journal"
ROOMS = ("relmer", "relmer.solver", "relmer.datasets", "relmer.reference", "relmer.reports")


@dataclass(frozen=True)
class Journal:
    """The journal in a folder, for a run under some conditions.

    Attributes
    ----------
    path
        The file.
    conditions
        What every case depends on, by what a reader calls it, as hashes.
    given
        Answers that were given, not asked for.
    """

    path: Path
    conditions: Mapping[str, str]
    given: Sequence[Answer] = field(default=())

    def keep(self, case: Case, result: CaseResult) -> None:
        """Write down a case that is done; not one of whose engines somebody else has ended: that is asked anew.

        Raises
        ------
        OSError
            It cannot be written; it ends as before.
        """
        if any(said.status == Status.FAILED and ended_from_outside(said.message) for said in result.answers):
            return
        entry = {"case": case.name, "under": self.under(case), "result": to_plain(result)}
        line = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(file).st_size
            # The last line of a process that was killed while it wrote stays as it is, and is no entry.
            if size and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line
            while line:
                line = line[os.write(file, line) :]
        except OSError:
            os.ftruncate(file, size)
            raise
        finally:
            os.close(file)

    def done(self, chosen: Sequence[Case]) -> "Done":
        """The results of cases that were judged before, under the conditions of now."""
        places = {case.name: place for place, case in enumerate(chosen)}
        now = {case.name: self.under(case) for case in chosen} if self.path.exists() else {}
        results: dict[int, CaseResult] = {}
        changed: dict[str, str] = {}
        for entry in self.entries():
            name = entry["case"]
            if name not in places:
                continue
            under = entry["under"]
            if others := [what for what, value in now[name].items() if under.get(what) != value]:
                changed[name] = " and ".join(others)
                continue
            try:
                results[places[name]] = from_plain(CaseResult, entry["result"], name)
            except ValueError:
                changed[name] = "the journal's form"
        late = Counter(what for name, what in changed.items() if places[name] not in results)
        return Done(results, late)

    def entries(self) -> Iterator[dict[str, Any]]:
        """The entries that are whole."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict) and {"case", "under", "result"} <= entry.keys():
                    yield entry

    def remove(self) -> None:
        """Remove it: all that it holds stands in the report."""
        self.path.unlink(missing_ok=True)

    def under(self, case: Case) -> dict[str, str]:
        """What the result of a case depends on, as hashes."""
        model = {name: value for name, value in asdict(case).items() if name != "dataset"}
        given = [asdict(said) for said in self.given if said.case == case.name]
        particular = {"the model": model, "the data": written_down(case.dataset), "the answers": given}
        return {**self.conditions, **{what: digest(value) for what, value in particular.items()}}


@dataclass(frozen=True)
class Done:
    """Cases that were judged before: their results by place, and how many are judged anew because of what changed."""

    results: Mapping[int, CaseResult]
    late: Mapping[str, int]

    def told(self, asked: int) -> str:
        """How many of the cases that are asked are taken up, and why others are not."""
        rest = asked - len(self.results)
        if not rest:
            return f"all {asked} cases were judged before"
        new = rest - sum(self.late.values())
        parts = [f"{new} were not done"] if new else []
        parts += [f"{count} judged anew for a change of {what}" for what, count in sorted(self.late.items())]
        return f"{len(self.results)} of {asked} cases were judged before; {', '.join(parts)}"


def conditions(engines: Mapping[str, EngineUsed], judged: Sequence[str], limit: float | None) -> dict[str, str]:
    """What every case of a run depends on, by what a reader calls it, as hashes; the project's data are its files."""
    asked = [[asdict(used) for used in engines.values()], list(judged), [asdict(one) for one in declarations()]]
    return {
        "relmer": code(),
        "the machine": digest(machine()),
        "engines": digest(asked),
        "--limit": digest(limit),
    }


def digest(value: Any) -> str:
    """A hash of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@cache
def code() -> str:
    """A hash of relmer's version and of every file that it consists of."""
    found = hashlib.sha256(version_of("relmer").encode())
    for room in ROOMS:
        for folder in map(Path, import_module(room).__path__):
            for file in sorted(folder.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    found.update(f"{room}/{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
                    found.update(file.read_bytes())
    return found.hexdigest()
