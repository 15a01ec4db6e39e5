"""The units of a plan in blocks: a block is what a worker does at once, and what is written at once.

Units that share a design are in one block, so that it is built once. Which units a block holds follows from the plan
alone, by arithmetic: no list of them is ever held.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from relmer.datasets import cases
from relmer.reports.sweeps.plan import OWN, Designs, FromCases, Plan, Simulate, Source

# Designs of a block; judged on the whole ladder, each takes seconds. Responses of a block: by others, of which each is
# fitted by itself; by this project's search side by side, with profiles or degrees of freedom, which take some 10 ms.
DESIGNS, JUDGED, BY_OTHERS, WITH_MORE, SIDE_BY_SIDE = 16, 2, 16, 256, 4096


@dataclass(frozen=True)
class Part:
    """Blocks of one kind.

    Attributes
    ----------
    source
        The table of the plan, by its place.
    engines
        Who is asked.
    length, each
        Problems of the part, and of a block.
    """

    source: int
    engines: tuple[str, ...]
    length: int
    each: int

    @property
    def blocks(self) -> int:
        """How many blocks."""
        return -(-self.length // self.each)


@dataclass(frozen=True)
class Block:
    """Problems `first` to `first + count` of a table, asked of some engines."""

    number: int
    source: int
    engines: tuple[str, ...]
    first: int
    count: int

    def apart(self) -> Iterator["Block"]:
        """The block, a problem at a time."""
        for k in range(self.first, self.first + self.count):
            yield Block(self.number, self.source, self.engines, k, 1)

    def by_engine(self) -> Iterator["Block"]:
        """The block, an engine at a time."""
        for engine in self.engines:
            yield Block(self.number, self.source, (engine,), self.first, self.count)


@dataclass(frozen=True)
class Blocks:
    """All blocks of a plan.

    Examples
    --------
    >>> from relmer.reports.sweeps.plan import planned
    >>> table = {"name": "a", "case": "dyestuff/reml", "replicates": 10**9}
    >>> blocks = Blocks(planned({"engines": ["relmer", "lme4"], "simulate": [table]}))
    >>> len(blocks), blocks[0].engines, blocks[len(blocks) - 1].engines
    (62744141, ('relmer',), ('lme4',))
    """

    plan: Plan

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of all tables, in order."""
        return tuple(part for k, source in enumerate(self.plan.sources) for part in parts_of(self.plan, k, source))

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """After which block each part ends."""
        return tuple(accumulate(part.blocks for part in self.parts))

    def __len__(self) -> int:
        """How many there are."""
        return self.ends[-1]

    def __getitem__(self, number: int) -> Block:
        """The block of a number, from 0."""
        place = bisect_right(self.ends, number)
        part = self.parts[place]
        first = part.each * (number - (self.ends[place - 1] if place else 0))
        return Block(number, part.source, part.engines, first, min(part.each, part.length - first))

    def units(self, source: int) -> int:
        """Units of a table at most: a transformation does not apply to all problems."""
        changes = 1 if isinstance(self.plan.sources[source], Simulate) else 1 + len(self.plan.transformations)
        return sum(part.length * len(part.engines) * changes for part in self.parts if part.source == source)


def parts_of(plan: Plan, place: int, source: Source) -> list[Part]:
    """The parts of a table."""
    engines = plan.engines_of(source)
    if isinstance(source, FromCases):
        return [Part(place, engines, len(cases(source.pattern)), 1)]
    if isinstance(source, Designs):
        return [Part(place, engines, len(source.kinds) * source.count, JUDGED if plan.ladder else DESIGNS)]
    others = tuple(name for name in engines if name != OWN)
    own = SIDE_BY_SIDE if {*source.intervals} <= {"wald"} else WITH_MORE
    parts = [Part(place, (OWN,), source.replicates, own)] if OWN in engines else []
    return [*parts, *([Part(place, others, source.replicates, BY_OTHERS)] if others else [])]
