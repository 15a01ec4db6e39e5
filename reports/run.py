"""A run: every case on every engine, judged."""

import math
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from relmer.datasets import Case, cases, load
from relmer.reference.answers import Answer, Status, recorded, shared_thetas
from relmer.reference.engines import EngineMissing, Kin, answer, engine, engine_names, installed, kin_of
from relmer.reference.own_fits import design_of
from relmer.reference.published import figures as ledger
from relmer.reports.accepted import accept, known_failures
from relmer.reports.evidence import TABLE, drift_of, evaluable, landscape
from relmer.reports.findings import findings
from relmer.reports.judge import figures_elsewhere, judge_case, published_figures
from relmer.reports.records import (
    CaseRun,
    Comparison,
    Drift,
    EngineUsed,
    KnownFailure,
    PublishedFigure,
    Report,
    Said,
    Score,
)

SAID = ("criterion", "sigma", "theta", "beta", "se", "varcomp")


@dataclass(frozen=True)
class CaseResult:
    """A case, judged."""

    case: CaseRun
    comparisons: tuple[Comparison, ...]
    answers: tuple[Said, ...]
    scores: tuple[Score, ...]
    drift: tuple[Drift, ...]
    figures: tuple[PublishedFigure, ...]


def sources(names: Sequence[str], required: Sequence[str] = ()) -> dict[str, EngineUsed]:
    """Find how each engine takes part: computed, live, or by its recording.

    To the engines that are named come those that they are held against: the definition, and the tight fits of lme4 and
    of their own houses.

    Raises
    ------
    EngineMissing
        A required engine cannot run here.
    EngineError
        No engine has that name, or what has it is no engine.
    """
    asked = {name: engine(name) for name in [*names, *required]}
    kin, used = kin_of(installed()), {}
    witnesses = {name: engine(name) for name in kin.witnesses_for(asked)}
    for name, found in (asked | witnesses).items():
        missing = found.available()
        if missing and name in required:
            raise EngineMissing(f"required engine {name}: {missing}")
        if missing:
            used[name] = EngineUsed(name=name, version="", source="recorded", environment={}, note=missing)
        else:
            used[name] = EngineUsed(
                name=name,
                version=found.version(),
                source="computed" if kin.is_own(name) else "live",
                environment=dict(found.environment()),
            )
    return used


def run(
    chosen: Sequence[Case],
    judged: Sequence[str],
    engines: Mapping[str, EngineUsed],
    jobs: int = 1,
    progress: Callable[[str], None] = lambda name: None,
    known: Iterable[KnownFailure] = (),
) -> Report:
    """Judge every case on the `judged` engines; `progress` is called with the name of each case that is done.

    What `known` failures cover is accepted.
    """
    work = partial(run_case, judged=judged, engines=engines, kin=kin_of(installed()))
    results = []
    for case, result in zip(chosen, mapped(work, chosen, jobs), strict=True):
        results.append(result)
        progress(case.name)
    report = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version("relmer"),
        environment=machine(),
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
    return replace(report, findings=findings(report))


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


def mapped(work: Callable[[Case], CaseResult], chosen: Sequence[Case], jobs: int) -> Iterator[CaseResult]:
    """Work on the cases, in order, in `jobs` processes."""
    if jobs <= 1:
        yield from map(work, chosen)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, chosen)


def run_case(case: Case, judged: Sequence[str], engines: Mapping[str, EngineUsed], kin: Kin) -> CaseResult:
    """Ask every engine about one case, and judge what the `judged` ones say."""
    with threadpool_limits(limits=1, user_api="blas"):
        design = design_of(case.formula, case.dataset)
        points = shared_thetas(design.template.diagonal.tolist())
        shared = [theta for thetas in points.values() for theta in thetas]
        theirs: dict[str, Answer] = {}
        drift: list[Drift] = []
        for name, used in engines.items():
            if not kin.is_own(name):
                frozen = recorded.read(name, case)
                theirs[name] = foreign_answer(used, case, shared, frozen)
                if used.source == "live" and frozen is not None:
                    drift += drift_of(frozen, theirs[name])
        optima = [a.estimates.theta for a in theirs.values() if a.estimates and evaluable(a.estimates.theta)]
        thetas = list(dict.fromkeys([*shared, *(t for t in optima if len(t) == len(shared[0]))]))
        answers = {
            name: usable(theirs[name] if name in theirs else answer(engine(name), case, thetas)) for name in engines
        }
        view = landscape(case)
        found = judge_case(case, answers, judged, points, view, kin)
        figures = published_figures(case, answers, view, kin) + figures_elsewhere(case, answers, view)
    n, p = design.X.shape
    described = CaseRun(
        name=case.name,
        dataset=case.dataset,
        dataset_sha256=load(case.dataset).sha256,
        formula=case.formula,
        REML=case.reml,
        document=case.document,
        source=case.source,
        rows=n,
        coefficients=p,
        random_effects=design.Z.shape[1],
    )
    return CaseResult(
        case=described,
        comparisons=found.comparisons,
        answers=tuple(said_by(answers[name]) for name in engines),
        scores=found.scores,
        drift=tuple(drift),
        figures=figures,
    )


def said_by(answer: Answer) -> Said:
    """What an engine said of a case, for the report; a number that is not finite is told as none."""
    estimates = answer.estimates
    told = {} if estimates is None else {name: np.ravel(getattr(estimates, name)).tolist() for name in SAID}
    return Said(
        case=answer.case,
        engine=answer.engine,
        version=answer.version,
        status=str(answer.status),
        recorded=answer.recorded,
        message=answer.message,
        warnings=answer.warnings,
        values={name: tuple(v if math.isfinite(v) else None for v in entries) for name, entries in told.items()},
    )


def in_ledger_order(figures: Iterable[PublishedFigure]) -> tuple[PublishedFigure, ...]:
    """Sort figures as the documents print them."""
    order = {(f.document, f.section, f.label, f.quantity): k for k, f in enumerate(ledger())}
    return tuple(sorted(figures, key=lambda f: order.get((f.document, f.section, f.label, f.quantity), len(order))))


def foreign_answer(used: EngineUsed, case: Case, shared: Sequence[tuple[float, ...]], frozen: Answer | None) -> Answer:
    """An engine's answer, live where it can run, else as it was recorded."""
    if used.source == "live":
        return answer(engine(used.name), case, shared)
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
    return replace(used, version=frozen.version, environment=frozen.environment)


def machine() -> dict[str, str]:
    """What a repeat would need to know of this machine."""
    blas = {
        f"{i['internal_api']} {i.get('version') or ''}".strip() for i in threadpool_info() if i["user_api"] == "blas"
    }
    packages = ("numpy", "scipy", "pandas")
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in packages},
        "platform": f"{platform.system()} {platform.machine()}",
        "BLAS": ", ".join(sorted(blas)) or "unknown",
        "BLAS threads": "1 while fitting",
    }
