"""Outcomes as they are found, a line each in a journal, so that long work that was ended is taken up."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from relmer.reports.laws.asking import Outcome

Key = tuple[str, str, str]


class Kept:
    """The outcomes in a journal, of the same conditions; without a file, none are kept.

    A line is `{"conditions": […], "outcome": {…}}`. One that was cut off, or is anything else, counts as absent: what
    it would tell is found again.

    Parameters
    ----------
    path
        The journal, which need not be there.
    conditions
        What an outcome depends on besides law, engine and case.

    Raises
    ------
    OSError
        The journal cannot be read, or written to.

    Examples
    --------
    >>> kept = Kept(None, ["0.1.0"])
    >>> kept.keep(Outcome(law="rows", engine="pls", case="dyestuff/reml", rows=30))
    >>> kept.of("pls", "rows", "dyestuff/reml").rows
    30
    """

    def __init__(self, path: Path | None, conditions: Sequence[str]) -> None:
        self.path, self.conditions = path, list(conditions)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path and path.exists() else []
        found = (self.read(line) for line in lines)
        self.found: dict[Key, Outcome] = {(o.engine, o.law, o.case): o for o in found if o is not None}

    def read(self, line: str) -> Outcome | None:
        """The outcome of a line."""
        try:
            entry = json.loads(line)
            told = entry["outcome"]
            if entry["conditions"] != self.conditions or {*told} != {one.name for one in fields(Outcome)}:
                return None
            return Outcome(**{one.name: one.type(told[one.name]) for one in fields(Outcome)})  # type: ignore[operator]
        except (ValueError, TypeError, KeyError):
            return None

    def of(self, engine: str, law: str, case: str) -> Outcome | None:
        """What was found of it."""
        return self.found.get((engine, law, case))

    def keep(self, found: Outcome) -> None:
        """Keep one more."""
        self.found[found.engine, found.law, found.case] = found
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"conditions": self.conditions, "outcome": asdict(found)}) + "\n")
