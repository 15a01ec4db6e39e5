"""What a worker does: a block of a plan, as the bytes of a Parquet file."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from relmer.datasets import Case, DataError, cases
from relmer.reference.engines import participant, version_names
from relmer.reports.journal import code
from relmer.reports.laws import LAWS, Law, Problem, case_of, problem_of
from relmer.reports.one_case import UNREADABLE, bug
from relmer.reports.sweeps import simulating
from relmer.reports.sweeps.asking import Asked, Row, rows_of
from relmer.reports.sweeps.blocks import Block
from relmer.reports.sweeps.kinds import made
from relmer.reports.sweeps.plan import OWN, Designs, FromCases, Plan, Simulate
from relmer.reports.sweeps.rows import table
from relmer.reports.verdicts import Verdict

# Engines, and what is remembered of a design, are a process's own: one block at a time, whatever threads there are.
ALONE = Lock()
BY_NAME = {law.name: law for law in LAWS}


def worked(plan: Plan, block: Block, versions: Mapping[str, str], made_by: str) -> bytes:
    """The rows of a block.

    Raises
    ------
    DataError
        This process has other code of relmer, or other engines, than the sweep began with.
    """
    with ALONE, threadpool_limits(limits=1, user_api="blas"):
        check(tuple(versions.items()), made_by)
        return as_bytes(table_of(plan, block, versions[OWN]))


@lru_cache(maxsize=2)
def check(versions: tuple[tuple[str, str], ...], made_by: str) -> None:
    """Refuse to work where rows would come about otherwise."""
    if code() != made_by:
        raise DataError("a worker has other code of relmer than this process: install the same everywhere")
    for name, version in versions:
        if (found := version_of(name)) != version:
            told = found or "does not run there"
            raise DataError(f"{name} is {version} here, and on a worker {told:.80}: install the same everywhere")


def version_of(name: str) -> str:
    """The version of an engine that can be asked here; empty where it cannot."""
    engine = participant("pls" if name == OWN else name)
    return "recorded" if name in version_names() else "" if engine.available() else engine.version()


def as_bytes(rows: pa.Table) -> bytes:
    """A table as a Parquet file."""
    file = io.BytesIO()
    pq.write_table(rows, file, compression="zstd")
    return file.getvalue()


def table_of(plan: Plan, block: Block, version: str) -> pa.Table:
    """The rows of a block as a table."""
    source = plan.sources[block.source]
    if isinstance(source, Simulate) and block.engines == (OWN,):
        return simulating.side_by_side(source, plan.seed, block.first, block.count, version)
    return table(row for row in units(plan, block))


def units(plan: Plan, block: Block) -> Iterator[Row]:
    """The rows of a block, unit by unit."""
    source = plan.sources[block.source]
    asked = Asked(engines=block.engines, seconds=plan.seconds, ladder=plan.ladder)
    for k in range(block.first, block.first + block.count):
        key = {"source": source.name, "replicate": 0, "transformation": ""}
        if isinstance(source, FromCases):
            case = cases(source.pattern)[k]
            key |= {"kind": case.name, "design": case.name}
            yield from each(asked, key, partial(rows_of, case, asked, key))
            if not case.told.keys() - simulating.KEPT:
                yield from changed(problem_of(case), plan, asked, key)
        elif isinstance(source, Designs):
            kind = source.kinds[k % len(source.kinds)]
            problem = made(kind, k // len(source.kinds), plan.seed)
            key |= {"kind": kind, "design": problem.name}
            yield from each(asked, key, partial(of_problem, problem, asked, key))
            yield from changed(problem, plan, asked, key)
        else:
            named = source.case or source.name
            key |= {"kind": named, "design": named, "replicate": k}
            (problem,) = simulating.problems(source, plan.seed, k, 1)
            own = replace(asked, ladder=False, intervals=source.intervals, level=source.level)
            yield from each(own, key, partial(of_problem, problem, own, key))


def each(asked: Asked, key: Row, made: Callable[[], list[Row]]) -> list[Row]:
    """The rows of a problem; for each engine one that says so where this project itself failed at it."""
    try:
        return made()
    except UNREADABLE:
        raise
    except Exception as error:
        told = {"status": "unsupported", "verdict": str(Verdict.NOT_GIVEN), "message": bug(error), "warnings": []}
        return [{**key, "engine": name, **told} for name in asked.engines]


def of_problem(problem: Problem, asked: Asked, key: Row) -> list[Row]:
    """The rows of a problem that is in no file."""
    with case_of(problem) as case:
        return rows_of(case, asked, key)


def changed(problem: Problem, plan: Plan, asked: Asked, key: Row) -> Iterator[Row]:
    """The rows of a problem under every transformation that applies to it."""
    live = tuple(name for name in asked.engines if name not in version_names())
    for name in plan.transformations:
        law = BY_NAME[name]
        if live and law.applies(problem):
            own, named = replace(asked, engines=live), {**key, "transformation": name}
            yield from each(own, named, partial(under, law, problem, own, named))


def under(law: Law, problem: Problem, asked: Asked, key: Row) -> list[Row]:
    """The rows of a problem under a law."""
    return of_problem(law.transformed(problem), asked, key)


def gave_up(plan: Plan, block: Block) -> bytes:
    """The rows of a unit that ended its worker again and again: its engine has failed."""
    source, (engine,), k = plan.sources[block.source], block.engines, block.first
    key: Row = {"source": source.name, "replicate": 0, "transformation": "", "engine": engine}
    if isinstance(source, FromCases):
        case: Case = cases(source.pattern)[k]
        key |= {"kind": case.name, "design": case.name, "REML": case.reml}
    elif isinstance(source, Designs):
        kind, number = source.kinds[k % len(source.kinds)], k // len(source.kinds)
        key |= {"kind": kind, "design": f"{kind}/{number}", "REML": number % 2 == 0}
    else:
        named = source.case or source.name
        key |= {"kind": named, "design": named, "replicate": k, "REML": source.reml}
    told = {"status": "failed", "verdict": "failed", "message": "it ended its worker three times", "warnings": []}
    return as_bytes(table([{**key, **told}]))


def joined(parts: list[bytes]) -> bytes:
    """The rows of units that were asked one at a time, as those of one block."""
    return as_bytes(pa.concat_tables([pq.read_table(io.BytesIO(part)) for part in parts]))
