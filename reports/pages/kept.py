"""What each engine kept of the metamorphic laws, as it was measured and stored.

`relmer laws --record` makes the file, in a clone of the repository: docs/laws.md has the same table.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

BROKEN = "**"


@dataclass(frozen=True, kw_only=True)
class Held:
    """One law, held against an engine.

    Attributes
    ----------
    law, says
        Its name, and what it says.
    found
        The largest excess, or what else is broken; "-" where the engine does not take the problem.
    broken
        Whether it is broken.
    """

    law: str
    says: str
    found: str
    broken: bool


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What an engine kept.

    Attributes
    ----------
    version
        Of the engine that was asked.
    date, command, cases
        When, by what, and on what.
    laws
        Each law, those that are broken first.
    """

    version: str
    date: str
    command: str
    cases: tuple[str, ...]
    laws: tuple[Held, ...]

    @property
    def heard(self) -> int:
        """How many laws the engine could be held against."""
        return sum(one.found != "-" for one in self.laws)

    @property
    def broken(self) -> int:
        """How many of them it breaks."""
        return sum(one.broken for one in self.laws)


@cache
def kept() -> dict[str, Kept]:
    """The stored result of each engine, by its name.

    Examples
    --------
    >>> kept()["pls"].broken
    0
    """
    record = json.loads(files("relmer.reports.pages").joinpath("laws.json").read_text(encoding="utf-8"))
    return {
        name: Kept(
            version=told["version"],
            date=record["date"],
            command=record["command"],
            cases=tuple(record["cases"]),
            laws=tuple(
                sorted(
                    (held(law, says, told["cells"][law]) for law, says in record["laws"].items()),
                    key=lambda one: not one.broken,
                )
            ),
        )
        for name, told in record["engines"].items()
    }


def held(law: str, says: str, cell: str) -> Held:
    """A law out of the table's cell.

    Examples
    --------
    >>> held("rows", "the same", "**34.3**")
    Held(law='rows', says='the same', found='34.3', broken=True)
    """
    return Held(law=law, says=says, found=cell.strip("*"), broken=cell.startswith(BROKEN))
