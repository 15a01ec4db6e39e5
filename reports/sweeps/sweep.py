"""A sweep: every block of a plan worked on and kept, once."""

from collections.abc import Callable, Iterable, Sequence
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
        done = self.store.done(len(self.blocks))
        self.left = np.flatnonzero(~done)

    def run(self, backend: Backend, advance: Advance = lambda block: None) -> None:
        """Work on all that is left.

        A block whose worker is lost is worked on again when nothing else is under way; then its units one at a time.
        One that loses its worker a third time, by itself, is that engine's failure.
        """
        work = partial(worked, self.plan, versions=self.versions, made_by=self.made_by)
        suspects = list[Block]()
        for block, rows in backend.results(work, (self.blocks[int(k)] for k in self.left)):
            if rows is None:
                suspects.append(block)
            else:
                self.store.keep(block, rows)
                advance(block)
        for block in suspects:
            self.store.keep(block, self.alone(work, backend, block))
            advance(block)

    def described(self, block: Block) -> str:
        """A block in words."""
        return f"{self.plan.sources[block.source].name} {block.first + 1}-{block.first + block.count}"

    def alone(self, work: Callable[[Block], bytes], backend: Backend, block: Block) -> bytes:
        """The rows of a block with nothing beside it; of its units by themselves, where it loses its worker again."""
        if (rows := only(backend.results(work, iter([block])))) is not None:
            return rows
        parts = [only(backend.results(work, iter([unit]))) or gave_up(self.plan, unit) for unit in block.apart()]
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
