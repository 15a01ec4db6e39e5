"""A run: every case on every engine, judged."""

import platform
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as version_of
from multiprocessing import active_children, get_context
from pathlib import Path

from threadpoolctl import threadpool_info

from relmer.datasets import Case, cases
from relmer.reference.answers import recorded
from relmer.reference.engines import (
    Engine,
    EngineError,
    EngineMissing,
    Kin,
    engine_names,
    installed,
    kin_of,
    participant,
    remove_abandoned,
)
from relmer.reference.published import figures as ledger
from relmer.reports.accepted import accept, known_failures
from relmer.reports.evidence import TABLE
from relmer.reports.findings import findings
from relmer.reports.one_case import CaseResult, run_case
from relmer.reports.records import EngineUsed, Finding, KnownFailure, PublishedFigure, Report

PARTIAL = "interrupted"
SECONDS_TO_END = 0.5


def sources(names: Sequence[str], required: Sequence[str] = ()) -> dict[str, EngineUsed]:
    """Find how each engine takes part: computed, live, or by its recording.

    To the engines that are named come those that they are held against: the definition, and the tight fits of lme4 and
    of their own houses. One that cannot be made takes part too: it fails, and its note says why.

    Raises
    ------
    EngineMissing
        A required engine cannot run here.
    EngineError
        No engine has that name.
    """
    asked = {name: participant(name) for name in [*names, *required]}
    kin, used = kin_of_all(asked), {}
    witnesses = {name: participant(name) for name in kin.witnesses_for(asked)}
    for name, found in (asked | witnesses).items():
        try:
            missing, source = found.available(), "computed" if kin.is_own(name) else "live"
            version = "" if missing else found.version()
            environment = {} if missing else surroundings(found, found.environment())
            refused = ""
        except EngineError as error:
            missing, source, version, environment, refused = "", "live", "", {}, str(error)
        if name in required and (missing or refused):
            raise EngineMissing(f"required engine {name}: {missing or refused}")
        used[name] = EngineUsed(
            name=name,
            version=version,
            source="recorded" if missing else source,
            environment=environment,
            note=missing or refused,
        )
    return used


def kin_of_all(names: Iterable[str]) -> Kin:
    """The houses of all engines that can be made, and of those among some that cannot."""
    known = {one.name: one for one in installed()}
    return kin_of([*known.values(), *(participant(name) for name in names if name not in known)])


def surroundings(found: Engine, environment: Mapping[str, str]) -> dict[str, str]:
    """What a repeat of an engine's fits would need, with the dialect that it declares."""
    return {**environment, **getattr(found, "dialect", {})}


def run(
    chosen: Sequence[Case],
    judged: Sequence[str],
    engines: Mapping[str, EngineUsed],
    jobs: int = 1,
    progress: Callable[[str], None] = lambda name: None,
    limit: float | None = None,
    known: Iterable[KnownFailure] = (),
) -> Report:
    """Judge every case on the `judged` engines; `progress` is called with the name of each case that is done.

    What `known` failures cover is accepted.

    Raises
    ------
    Interrupted
        The run was interrupted; it holds the report on the cases that were done.
    """
    remove_abandoned()
    work = partial(run_case, judged=judged, engines=engines, kin=kin_of_all(engines), limit=limit)
    results: dict[int, CaseResult] = {}
    try:
        for place, result in finished(work, chosen, jobs):
            results[place] = result
            progress(result.case.name)
    except KeyboardInterrupt:
        raise Interrupted(report_of(results, chosen, engines, known)) from None
    return report_of(results, chosen, engines, known)


class Interrupted(Exception):
    """A run that was interrupted, with the `report` on what was done: it is marked as partial."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"interrupted after {len(report.cases)} cases")
        self.report = report


def report_of(
    done: Mapping[int, CaseResult],
    chosen: Sequence[Case],
    engines: Mapping[str, EngineUsed],
    known: Iterable[KnownFailure] = (),
) -> Report:
    """Report on the cases that are done, in their order; if some are missing, it says so wherever it is shown."""
    results = [done[place] for place in sorted(done)]
    environment, first = machine(), []
    if missing := len(chosen) - len(results):
        told = f"the run was interrupted after {len(results)} of {len(chosen)} cases: {missing} were not judged"
        first.append(Finding(case=PARTIAL, engine="relmer", text=told))
        environment = {"partial": told, **environment}
    report = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version_of("relmer"),
        environment=environment,
        engines=tuple(with_recorded_version(used, chosen) for used in engines.values()),
        cases=tuple(result.case for result in results),
        comparisons=tuple(c for result in results for c in result.comparisons),
        answers=tuple(a for result in results for a in result.answers),
        scores=tuple(s for result in results for s in result.scores),
        drift=tuple(d for result in results for d in result.drift),
        figures=in_ledger_order(f for result in results for f in result.figures),
        tolerances=TABLE,
    )
    report = accept(report, known)
    return replace(report, findings=(*first, *findings(report)))


def compare(pattern: str = "*", engines: Sequence[str] = (), jobs: int = 1) -> Report:
    """Judge the cases that match a pattern on some engines, by default on all that are installed.

    Examples
    --------
    >>> report = compare("dyestuff/reml", ["pls", "qr", "gls"])
    >>> {c.verdict for c in report.comparisons if c.kind == "certified"}
    {<Verdict.AGREE: 'agree'>}
    """
    names = engines or engine_names()
    return run(cases(pattern), names, sources(names), jobs, known=known_failures())


def finished(work: Callable[[Case], CaseResult], chosen: Sequence[Case], jobs: int) -> Iterator[tuple[int, CaseResult]]:
    """Work on the cases in `jobs` processes; give the place and the result of each as it is done."""
    if jobs <= 1:
        yield from enumerate(map(work, chosen))
        return
    others = {*active_children()}
    # Workers inherit a blocked SIGINT: an interrupt is the parent's, which then ends them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=give_way)
    try:
        waiting = {pool.submit(work, case): place for place, case in enumerate(chosen)}
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for done in as_completed(waiting):
            yield waiting[done], done.result()
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        workers = {*active_children()} - others
        for worker in workers:
            worker.terminate()
        time.sleep(SECONDS_TO_END)
        for worker in workers:
            worker.kill()
            worker.join()
        remove_abandoned()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def give_way() -> None:
    """In a worker: when it is to end, it leaves what it does, and ends the children that are busy."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def in_ledger_order(figures: Iterable[PublishedFigure]) -> tuple[PublishedFigure, ...]:
    """Sort figures as the documents print them."""
    order = {(f.document, f.section, f.label, f.quantity): k for k, f in enumerate(ledger())}
    return tuple(sorted(figures, key=lambda f: order.get((f.document, f.section, f.label, f.quantity), len(order))))


def with_recorded_version(used: EngineUsed, chosen: Sequence[Case]) -> EngineUsed:
    """Name the version and environment under which an engine was recorded."""
    if used.source != "recorded":
        return used
    frozen = next((a for a in (recorded.read(used.name, case) for case in chosen) if a is not None), None)
    if frozen is None:
        return used
    environment = surroundings(participant(used.name), frozen.environment)
    return replace(used, version=frozen.version, environment=environment)


def machine() -> dict[str, str]:
    """What a repeat would need to know of this machine: numbers are the same to the last bit per BLAS kernel only."""
    libraries = [found for found in threadpool_info() if found["user_api"] == "blas"]

    def told(*keys: str) -> str:
        named = {" ".join(str(found[key]) for key in keys if found.get(key)) for found in libraries}
        return ", ".join(sorted(named - {""})) or "unknown"

    packages = ("numpy", "scipy", "pandas")
    return {
        "Python": platform.python_version(),
        **{name: version_of(name) for name in packages},
        "platform": f"{platform.system()} {platform.machine()}",
        "BLAS": told("internal_api", "version"),
        "BLAS kernel": told("architecture"),
        "BLAS libraries": ", ".join(sorted({Path(found["filepath"]).name for found in libraries})) or "unknown",
        "BLAS threads": "1 while fitting",
    }
