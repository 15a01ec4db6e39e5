"""A run: every case on every engine, judged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version as version_of
from types import MappingProxyType

from relmer.datasets import Case, DataError, cases
from relmer.reference.answers import Answer, recorded
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
    version_names,
)
from relmer.reference.published import figures as ledger
from relmer.reports.accepted import accept, known_failures
from relmer.reports.evidence import TABLE
from relmer.reports.findings import findings
from relmer.reports.given import House
from relmer.reports.machine import machine
from relmer.reports.one_case import GIVEN, CaseResult, run_case
from relmer.reports.processes import finished
from relmer.reports.records import EngineUsed, Finding, KnownFailure, PublishedFigure, Report

PARTIAL = "interrupted"
NONE_DONE: Mapping[int, CaseResult] = MappingProxyType({})


def chosen_engines(names: Sequence[str]) -> tuple[str, ...]:
    """Engines of the names, each once; a pattern such as 'lme4@*' stands for all that it matches, recorded ones too."""
    chosen: dict[str, None] = {}
    for name in names:
        if not {*"*?["}.intersection(name):
            chosen[name] = None
            continue
        matching = [one for one in (*engine_names(), *version_names()) if fnmatchcase(one, name)]
        if not matching:
            raise DataError(f"no engine matches {name!r}; `relmer engines` lists them")
        chosen |= dict.fromkeys(matching)
    return tuple(chosen)


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


def kin_of_all(names: Iterable[str], given: Iterable[str] = ()) -> Kin:
    """The houses of all engines that can be made, and of those among some that cannot, or whose answers are given."""
    known = {one.name: one for one in installed()}
    others = [participant(name) for name in names if name not in known]
    return kin_of([*known.values(), *others, *map(House, given)])


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
    given: Sequence[Answer] = (),
    keep: Callable[[Case, CaseResult], None] = lambda case, result: None,
    done: Mapping[int, CaseResult] = NONE_DONE,
) -> Report:
    """Judge every case on the `judged` engines; `progress` is called with the name of each case that is done.

    What `known` failures cover is accepted. What is `given` is judged beside what the other engines are asked. `keep`
    is called with each case that is done, and its result; those that are `done` already, by place, are not asked.

    Raises
    ------
    Interrupted
        The run was interrupted, or lost one of its processes (`Broken`); it holds the report on what was done.
    """
    remove_abandoned()
    theirs = [name for name, used in engines.items() if used.source == GIVEN]
    kin = kin_of_all((name for name in engines if name not in theirs), theirs)
    work = partial(run_case, judged=judged, engines=engines, kin=kin, limit=limit, given=given)
    results = {place: replace(result, heard=()) for place, result in done.items()}
    left = [place for place in range(len(chosen)) if place not in results]
    try:
        with closing(finished(work, [chosen[place] for place in left], jobs)) as found:
            for k, result in found:
                keep(chosen[left[k]], result)
                results[left[k]] = replace(result, heard=())
                progress(result.case.name)
    except KeyboardInterrupt as end:
        raise Interrupted(report_of(results, chosen, engines, known)) from end
    except BrokenProcessPool:
        raise Broken(report_of(results, chosen, engines, known)) from None
    return report_of(results, chosen, engines, known)


class Interrupted(Exception):
    """A run that was interrupted, with the `report` on what was done: it is marked as partial."""

    why = "interrupted"

    def __init__(self, report: Report) -> None:
        super().__init__(f"{self.why} after {len(report.cases)} cases")
        self.report = report


class Broken(Interrupted):
    """A run one of whose processes was ended from outside."""

    why = "a process of the run was ended from outside, as for want of memory (try --jobs 1),"


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
        sights=tuple(result.sight for result in results if result.sight is not None),
    )
    report = accept(report, known)
    return replace(report, findings=(*first, *findings(report)))


def sources_given(given: Iterable[Answer]) -> dict[str, EngineUsed]:
    """How engines take part whose answers are given, with those that they are held against."""
    first = {said.engine: said for said in reversed(list(given))}
    return sources(()) | {
        name: EngineUsed(name=name, version=said.version, source=GIVEN, environment=dict(said.environment))
        for name, said in first.items()
    }


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
