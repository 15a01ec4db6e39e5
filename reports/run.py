"""A run: every case on every engine, judged."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as version_of

from threadpoolctl import threadpool_limits

from relmer.datasets import Case, DataError, cases, load
from relmer.reference.answers import Answer, RecordingError, Status, recorded, shared_thetas
from relmer.reference.certificates import CertificateError, data_sha256
from relmer.reference.engines import (
    ORIGINAL,
    Engine,
    EngineError,
    EngineMissing,
    Kin,
    answer,
    engine_names,
    installed,
    kin_of,
    participant,
    plain_text,
    remove_abandoned,
)
from relmer.reference.own_fits import design_of
from relmer.reference.published import figures as ledger
from relmer.reports.evidence import TABLE, drift_of, evaluable, landscape
from relmer.reports.judge import judge_case, place, published_figures
from relmer.reports.machine import machine
from relmer.reports.processes import finished
from relmer.reports.records import (
    RUNGS,
    CaseRun,
    Comparison,
    Drift,
    EngineUsed,
    Finding,
    PublishedFigure,
    Report,
    Score,
    Verdict,
)
from relmer.solver.errors import ModelError
from relmer.solver.model import Design

PARTIAL = "interrupted"
# What a run does not go on with: files of this project that cannot be read.
UNREADABLE = (DataError, RecordingError, CertificateError, OSError)

Verdicts = tuple[tuple[Comparison, ...], tuple[Finding, ...], tuple[Score, ...], tuple[PublishedFigure, ...]]


@dataclass(frozen=True)
class CaseResult:
    """A case, judged."""

    case: CaseRun
    comparisons: tuple[Comparison, ...]
    scores: tuple[Score, ...]
    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...]
    figures: tuple[PublishedFigure, ...]


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
) -> Report:
    """Judge every case on the `judged` engines; `progress` is called with the name of each case that is done.

    Raises
    ------
    Interrupted
        The run was interrupted, or lost one of its processes (`Broken`); it holds the report on what was done.
    """
    remove_abandoned()
    work = partial(run_case, judged=judged, engines=engines, kin=kin_of_all(engines), limit=limit)
    results: dict[int, CaseResult] = {}
    try:
        for place, result in finished(work, chosen, jobs):
            results[place] = result
            progress(result.case.name)
    except KeyboardInterrupt:
        raise Interrupted(report_of(results, chosen, engines)) from None
    except BrokenProcessPool:
        raise Broken(report_of(results, chosen, engines)) from None
    return report_of(results, chosen, engines)


class Interrupted(Exception):
    """A run that was interrupted, with the `report` on what was done: it is marked as partial."""

    why = "interrupted"

    def __init__(self, report: Report) -> None:
        super().__init__(f"{self.why} after {len(report.cases)} cases")
        self.report = report


class Broken(Interrupted):
    """A run one of whose processes was ended from outside."""

    why = "a process of the run was ended from outside, as for want of memory (try --jobs 1),"


def report_of(done: Mapping[int, CaseResult], chosen: Sequence[Case], engines: Mapping[str, EngineUsed]) -> Report:
    """Report on the cases that are done, in their order; if some are missing, it says so wherever it is shown."""
    results = [done[place] for place in sorted(done)]
    findings = [finding for result in results for finding in result.findings]
    environment = machine()
    if missing := len(chosen) - len(results):
        told = f"the run was interrupted after {len(results)} of {len(chosen)} cases: {missing} were not judged"
        findings.insert(0, Finding(case=PARTIAL, engine="relmer", text=told))
        environment = {"partial": told, **environment}
    return Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version_of("relmer"),
        environment=environment,
        engines=tuple(with_recorded_version(used, chosen) for used in engines.values()),
        cases=tuple(result.case for result in results),
        comparisons=tuple(c for result in results for c in result.comparisons),
        scores=tuple(s for result in results for s in result.scores),
        findings=tuple(findings),
        drift=tuple(d for result in results for d in result.drift),
        figures=in_ledger_order(f for result in results for f in result.figures),
        tolerances=TABLE,
    )


def compare(pattern: str = "*", engines: Sequence[str] = (), jobs: int = 1) -> Report:
    """Judge the cases that match a pattern on some engines, by default on all that are installed.

    Examples
    --------
    >>> report = compare("dyestuff/reml", ["pls", "qr", "gls"])
    >>> {c.verdict for c in report.comparisons if c.kind == "certified"}
    {<Verdict.AGREE: 'agree'>}
    """
    names = engines or engine_names()
    return run(cases(pattern), names, sources(names), jobs)


def run_case(
    case: Case, judged: Sequence[str], engines: Mapping[str, EngineUsed], kin: Kin, limit: float | None = None
) -> CaseResult:
    """Ask every engine about one case, and judge what the `judged` ones say.

    A model that this project's solver refuses is a case all the same: its own paths do not support it, and the
    others are heard.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            design = design_of(case.formula, case.dataset)
        except ModelError:
            design = None
        points = shared_thetas(design.template.diagonal.tolist()) if design is not None else {}
        shared = [theta for thetas in points.values() for theta in thetas]
        theirs: dict[str, Answer] = {}
        drift: list[Drift] = []
        for name, used in engines.items():
            if not kin.is_own(name):
                frozen = recorded.read(name, case)
                theirs[name] = foreign_answer(used, case, shared, frozen, limit)
                if used.source == "live" and frozen is not None:
                    drift += drift_of(frozen, theirs[name])
        optima = [a.estimates.theta for a in theirs.values() if a.estimates and evaluable(a.estimates.theta)]
        thetas = list(dict.fromkeys([*shared, *(t for t in optima if {len(t)} == {*map(len, shared[:1])})]))
        answers = {
            name: usable(theirs[name] if name in theirs else answer(participant(name), case, thetas))
            for name in engines
        }
        comparisons, findings, scores, figures = verdicts_on(case, answers, judged, points, kin)
    return CaseResult(
        case=described(case, design),
        comparisons=comparisons,
        scores=scores,
        findings=(*findings, *wrong(figures)),
        drift=tuple(drift),
        figures=figures,
    )


def verdicts_on(
    case: Case,
    answers: Mapping[str, Answer],
    judged: Sequence[str],
    points: Mapping[str, tuple[tuple[float, ...], ...]],
    kin: Kin,
) -> Verdicts:
    """Judge a case; one that cannot be judged has a verdict on every engine all the same, and the reason."""
    try:
        view = landscape(case)
    except ModelError as error:
        return without_verdicts(case, answers, judged, Verdict.UNSUPPORTED, f"relmer refuses the model: {error}")
    except UNREADABLE:
        raise
    except Exception as error:
        return without_verdicts(case, answers, judged, Verdict.FAILED, bug(error))
    try:
        found = judge_case(case, answers, judged, points, view, kin)
        return found.comparisons, found.findings, found.scores, published_figures(case, answers, view, kin)
    except UNREADABLE:
        raise
    except Exception as error:
        if len(judged) > 1:
            return one_by_one(case, answers, judged, points, kin)
        return without_verdicts(case, answers, judged, Verdict.FAILED, bug(error))


def bug(error: Exception) -> str:
    """What a reader is told of an error that should not be."""
    told = plain_text(f"{type(error).__name__}: {error}".rstrip(": "), 300)
    return f"relmer failed while it judged this answer, report a bug: {told}"


def without_verdicts(
    case: Case, answers: Mapping[str, Answer], judged: Sequence[str], verdict: Verdict, reason: str
) -> Verdicts:
    """One verdict on all that the engines said, and the reason; what broke is found first."""
    comparisons = [c for name in judged for c in unjudged(case, answers[name], verdict, reason)]
    findings = [
        Finding(case=case.name, engine=c.engine, text=f"rung {c.rung}, {c.quantity}: {c.evidence}")
        for c in comparisons
        if c.verdict.breaks
    ]
    return tuple(comparisons), tuple(findings), (), ()


def one_by_one(
    case: Case,
    answers: Mapping[str, Answer],
    judged: Sequence[str],
    points: Mapping[str, tuple[tuple[float, ...], ...]],
    kin: Kin,
) -> Verdicts:
    """Judge every engine beside its witnesses alone: an answer that breaks the judge has no part in the others'."""
    parts = []
    for name in judged:
        beside = {name, ORIGINAL, *kin.witnesses_for([name])} | {one for one in answers if kin.is_own(one)}
        heard = {one: said for one, said in answers.items() if one in beside}
        parts.append(verdicts_on(case, heard, [name], points, kin))
    return (
        tuple(comparison for part in parts for comparison in part[0]),
        tuple(finding for part in parts for finding in part[1]),
        tuple(score for part in parts for score in part[2]),
        tuple({(f.document, f.section, f.label, f.quantity): f for part in parts for f in part[3]}.values()),
    )


def unjudged(case: Case, said: Answer, verdict: Verdict, reason: str) -> Iterator[Comparison]:
    """The same on all rungs: why the engine gave no answer, or why its answer cannot be judged."""
    if said.status is not Status.FITTED:
        verdict = Verdict.FAILED if said.status is Status.FAILED else Verdict.UNSUPPORTED
        reason = said.message
    for rung, name in RUNGS.items():
        yield Comparison(
            case=case.name,
            engine=said.engine,
            rung=rung,
            quantity=name,
            verdict=verdict,
            digits=None,
            kind="none",
            reference="none",
            evidence=reason,
        )


def described(case: Case, design: Design | None) -> CaseRun:
    """The case as the report names it; of a design that is refused only the rows of the data are known."""
    data = load(case.dataset)
    n, p, q = (*design.X.shape, design.Z.shape[1]) if design is not None else (len(data.frame), 0, 0)
    return CaseRun(
        name=case.name,
        dataset=case.dataset,
        dataset_sha256=data_sha256(case.dataset),
        formula=case.formula,
        REML=case.reml,
        document=case.document,
        source=case.source,
        rows=n,
        coefficients=p,
        random_effects=q,
    )


def wrong(figures: Iterable[PublishedFigure]) -> list[Finding]:
    """Name the printed figures that nothing reproduces."""
    return [
        Finding(case=f.case, engine=f"document {f.document}", text=f"{f.quantity}: {f.evidence} ({place(f)})")
        for f in figures
        if f.verdict.means.breaks
    ]


def in_ledger_order(figures: Iterable[PublishedFigure]) -> tuple[PublishedFigure, ...]:
    """Sort figures as the documents print them."""
    order = {(f.document, f.section, f.label, f.quantity): k for k, f in enumerate(ledger())}
    return tuple(sorted(figures, key=lambda f: order[f.document, f.section, f.label, f.quantity]))


def foreign_answer(
    used: EngineUsed,
    case: Case,
    shared: Sequence[tuple[float, ...]],
    frozen: Answer | None,
    limit: float | None = None,
) -> Answer:
    """An engine's answer, live where it can run, else as it was recorded."""
    if used.source == "live" and used.note:
        return Answer(case=case.name, engine=used.name, version="", status=Status.FAILED, message=used.note)
    if used.source == "live":
        return answer(participant(used.name), case, shared, seconds=limit)
    if frozen is not None:
        return frozen
    reason = f"not recorded, and not to be run here: {used.note}"
    return Answer(case=case.name, engine=used.name, version="", status=Status.UNSUPPORTED, message=reason)


def usable(said: Answer) -> Answer:
    """The answer; one whose theta nobody could evaluate is one that failed."""
    if said.estimates is None or evaluable(said.estimates.theta):
        return said
    reason = "its theta is not a finite number, or too large"
    return replace(said, status=Status.FAILED, message=reason, estimates=None)


def with_recorded_version(used: EngineUsed, chosen: Sequence[Case]) -> EngineUsed:
    """Name the version and environment under which an engine was recorded."""
    if used.source != "recorded":
        return used
    frozen = next((a for a in (recorded.read(used.name, case) for case in chosen) if a is not None), None)
    if frozen is None:
        return used
    environment = surroundings(participant(used.name), frozen.environment)
    return replace(used, version=frozen.version, environment=environment)
