"""A sweep: every block of a plan worked on and kept, once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from relmer.reference.engines import EngineMissing
from relmer.reports.journal import code
from relmer.reports.sweeps.backends import Backend
from relmer.reports.sweeps.blocks import Block, Blocks
from relmer.reports.sweeps.plan import OWN, Plan
from relmer.reports.sweeps.store import Store
from relmer.reports.sweeps.work import gave_up, joined, version_of, worked

Advance = Callable[[Block], None]
# Blocks that are looked through at a time.
PIECE = 2**16


class Sweep:
    """A plan in a folder: what is left of it, and how that is done.

    Raises
    ------
    DataError
        The folder holds another sweep, or a simulation has no model.
    EngineMissing
        An engine that is asked cannot run here.
    OSError
        The folder cannot be written to.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.blocks, self.store = plan, Blocks(plan), Store(folder)
        self.versions, self.made_by = versions_of(plan), code()
        self.store.begin(self.blocks, self.versions, self.made_by)
        self.done = self.store.done(len(self.blocks))

    @property
    def left(self) -> int:
        """How many blocks are left."""
        return int(np.count_nonzero(~self.done))

    def to_do(self) -> Iterator[Block]:
        """The blocks that are left, in order."""
        for first in range(0, len(self.done), PIECE):
            for k in np.flatnonzero(~self.done[first : first + PIECE]):
                yield self.blocks[first + int(k)]

    def run(self, backend: Backend, advance: Advance = lambda block: None) -> None:
        """Work on all that is left.

        A block whose worker is lost is worked on again when nothing else is under way; then its units one at a time.
        One that loses its worker a third time, by itself, is that engine's failure; the others of its problem are asked
        together, as if it had not been among them.
        """
        work = partial(worked, self.plan, versions=self.versions, made_by=self.made_by)
        suspects = list[Block]()
        for block, rows in backend.results(work, self.to_do()):
            if rows is None:
                suspects.append(block)
            else:
                self.keep(block, rows)
                advance(block)
        for block in suspects:
            self.keep(block, self.alone(work, backend, block))
            advance(block)

    def keep(self, block: Block, rows: bytes) -> None:
        """Write the rows of a block: it is done."""
        self.store.keep(block, rows)
        self.done[block.number] = True

    def described(self, block: Block) -> str:
        """A block in words."""
        return f"{self.plan.sources[block.source].name} {block.first + 1}-{block.first + block.count}"

    def alone(self, work: Callable[[Block], bytes], backend: Backend, block: Block) -> bytes:
        """The rows of a block with nothing beside it; of its units by themselves, where it loses its worker again."""
        if (rows := only(backend.results(work, iter([block])))) is not None:
            return rows
        parts = []
        for problem in block.apart():
            ended = [unit for unit in problem.by_engine() if only(backend.results(work, iter([unit]))) is None]
            parts += [gave_up(self.plan, unit) for unit in ended]
            others = tuple(name for name in problem.engines if (name,) not in {unit.engines for unit in ended})
            if others:
                rest = replace(problem, engines=others)
                rows = only(backend.results(work, iter([rest])))
                parts += [gave_up(self.plan, unit) for unit in rest.by_engine()] if rows is None else [rows]
        return joined(parts)


def only(results: Iterable[tuple[Block, bytes | None]]) -> bytes | None:
    """What came of a single block."""
    ((_, rows),) = results
    return rows


def versions_of(plan: Plan) -> dict[str, str]:
    """The versions of all engines that are asked.

    Raises
    ------
    EngineMissing
        One cannot run here.
    """
    found = {}
    for name in asked(plan):
        found[name] = version_of(name)
        if not found[name]:
            raise EngineMissing(f"{name} is asked by the plan, and cannot run here: install it, or take it out")
    return found


def asked(plan: Plan) -> Sequence[str]:
    """All engines of a plan, with this project's search."""
    return tuple(dict.fromkeys([OWN, *(name for source in plan.sources for name in plan.engines_of(source))]))
