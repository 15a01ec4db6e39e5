"""What this harness catches: the score of the planted faults, as it was measured and stored.

`python -m tests.faults --write` makes the file, in a clone of the repository.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from relmer.reports.records import RUNGS

COLUMNS = ("faults", "pairs", "detected", "localised", "named", "excused", "missed", "hidden", "accused")


@dataclass(frozen=True)
class Caught:
    """The score.

    Attributes
    ----------
    version, commit, date
        What was measured, and when.
    cases
        On how many.
    rows
        By rung, and for all: a heading, and the counts of COLUMNS.
    """

    version: str
    commit: str
    date: str
    cases: int
    rows: tuple[tuple[str, tuple[int, ...]], ...]


@cache
def caught() -> Caught:
    """The stored score.

    Examples
    --------
    >>> caught().rows[0][0]
    '1 data'
    """
    score = json.loads(files("relmer.reports.pages").joinpath("faults.json").read_text(encoding="utf-8"))
    named = {f"{rung} {RUNGS[int(rung)]}": counts for rung, counts in score["rungs"].items()} | {"all": score["total"]}
    return Caught(
        version=score["relmer"],
        commit=score["commit"],
        date=score["date"],
        cases=score["cases"],
        rows=tuple((name, tuple(counts[column] for column in COLUMNS)) for name, counts in named.items()),
    )
