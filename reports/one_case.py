"""One case of a run: every engine asked, what it says judged; whatever goes wrong is a verdict on the case."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from relmer.datasets import Case, DataError, load
from relmer.reference.answers import Answer, RecordingError, Status, recorded
from relmer.reference.certificates import CertificateError, data_sha256
from relmer.reference.engines import ORIGINAL, Kin, answer, participant, plain_text
from relmer.reference.own_fits import design_of, fit_of, shared_points
from relmer.reports.evidence import FOR_ANY_SIZE, drift_of, evaluable, landscape, sight
from relmer.reports.judge import figures_elsewhere, judge_case, judge_each_other, published_figures, unjudged
from relmer.reports.records import CaseRun, Comparison, Drift, EngineUsed, PublishedFigure, Said, Score
from relmer.reports.sights import Sight
from relmer.reports.text import in_reports
from relmer.reports.verdicts import Verdict
from relmer.solver.errors import ModelError, Unbounded
from relmer.solver.model import Design

# The source of an engine whose answers are given, not asked for.
GIVEN = "given"
# Who is charged with the time that no engine takes.
READING, JUDGE, DRAWING = "reading", "judging", "drawing"
SAID = ("criterion", "sigma", "theta", "beta", "se", "varcomp")
# What a run does not go on with: files of this project that cannot be read.
UNREADABLE = (DataError, RecordingError, CertificateError, OSError)
Verdicts = tuple[tuple[Comparison, ...], tuple[Score, ...], tuple[PublishedFigure, ...]]


@dataclass(frozen=True)
class CaseResult:
    """A case, judged; `seconds` are those that passed, by engine and by what else was done."""

    case: CaseRun
    comparisons: tuple[Comparison, ...]
    answers: tuple[Said, ...]
    scores: tuple[Score, ...]
    drift: tuple[Drift, ...]
    figures: tuple[PublishedFigure, ...]
    sight: Sight | None = None
    heard: tuple[Answer, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


@contextmanager
def charged(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Charge the seconds that pass to a name."""
    begun = perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + perf_counter() - begun


def run_case(
    case: Case,
    judged: Sequence[str],
    engines: Mapping[str, EngineUsed],
    kin: Kin,
    limit: float | None = None,
    given: Sequence[Answer] = (),
) -> CaseResult:
    """Ask every engine about one case, and judge what the `judged` ones say.

    What is `given` was asked elsewhere; an engine whose answers are given is judged where it has one.

    A model that this project's solver refuses is a case all the same: its own paths do not support it, and the
    others are held against each other.
    """
    told = {said.engine: said for said in given if said.case == case.name}
    engines = {name: used for name, used in engines.items() if used.source != GIVEN or name in told}
    judged = [name for name in judged if name in engines]
    with threadpool_limits(limits=1, user_api="blas"):
        seconds: dict[str, float] = {}
        with charged(seconds, READING):
            try:
                design = design_of(case)
            except ModelError:
                design = None
        points = shared_points(design) if design is not None else {}
        shared = [theta for thetas in points.values() for theta in thetas]
        theirs: dict[str, Answer] = {**told}
        drift: list[Drift] = []
        for name, used in engines.items():
            if not kin.is_own(name) and name not in told:
                with charged(seconds, READING):
                    frozen = recorded.read(name, case)
                with charged(seconds, name):
                    theirs[name] = foreign_answer(used, case, shared, frozen, limit)
                if used.source == "live" and frozen is not None:
                    drift += drift_of(frozen, theirs[name])
        if refused(case):
            theirs |= {
                name: about_each_other(said, theirs, case, limit)
                for name, said in theirs.items()
                if engines[name].source == "live"
            }
        optima = [a.estimates.theta for a in theirs.values() if a.estimates and evaluable(a.estimates.theta)]
        thetas = list(dict.fromkeys([*shared, *(t for t in optima if {len(t)} == {*map(len, shared[:1])})]))
        for name in engines:
            if name not in theirs:
                with charged(seconds, name):
                    theirs[name] = own_answer(name, case, thetas)
        answers = {name: usable(theirs[name]) for name in engines}
        with charged(seconds, JUDGE):
            comparisons, scores, figures = verdicts_on(case, answers, judged, points, kin)
        with charged(seconds, DRAWING):
            seen = seen_of(case, answers)
    return CaseResult(
        case=described(case, design),
        comparisons=comparisons,
        answers=tuple(said_by(answers[name]) for name in engines),
        scores=scores,
        drift=tuple(drift),
        figures=figures,
        sight=seen,
        heard=tuple(answers.values()),
        seconds=seconds,
    )


def refused(case: Case) -> bool:
    """Whether this project's solver refuses the model; what else goes wrong with it is told where it is judged."""
    with suppress(Exception):
        try:
            fit_of(case, FOR_ANY_SIZE)
        except ModelError:
            return True
    return False


def about_each_other(said: Answer, answers: Mapping[str, Answer], case: Case, limit: float | None) -> Answer:
    """The answer, with the engine's criterion where others stopped: what is left to hold a fit against."""
    if said.estimates is None:
        return said
    stops = dict.fromkeys(other.estimates.theta for other in answers.values() if other.estimates)
    known = {asked.theta for asked in said.criterion}
    new = [theta for theta in stops if theta not in known and len(theta) == len(said.estimates.theta)]
    new = [theta for theta in new if evaluable(theta)]
    if not new or "criterion" not in participant(said.engine).capabilities:
        return said
    more = answer(participant(said.engine), case, new, asked=("criterion",), seconds=limit)
    return replace(said, criterion=(*said.criterion, *(asked for asked in more.criterion if asked.theta in new)))


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
        unbounded = isinstance(error, Unbounded)
        return tuple(judge_each_other(case, answers, judged, refusal(error), kin, unbounded)), (), ()
    except UNREADABLE:
        raise
    except Exception as error:
        return without_verdicts(case, answers, judged, Verdict.FAILED, bug(error))
    try:
        found = judge_case(case, answers, judged, points, view, kin)
        figures = published_figures(case, answers, view, kin) + figures_elsewhere(case, answers, view)
        return found.comparisons, found.scores, figures
    except UNREADABLE:
        raise
    except Exception as error:
        if len(judged) > 1:
            return one_by_one(case, answers, judged, points, kin)
        return without_verdicts(case, answers, judged, Verdict.FAILED, bug(error))


def refusal(error: ModelError) -> str:
    """What a reader is told of a model that is refused."""
    return f"relmer refuses the model: {in_reports(str(error))}"


def bug(error: Exception) -> str:
    """What a reader is told of an error that should not be."""
    told = plain_text(f"{type(error).__name__}: {error}".rstrip(": "), 300)
    return f"relmer failed while it judged this answer, report a bug: {told}"


def without_verdicts(
    case: Case, answers: Mapping[str, Answer], judged: Sequence[str], verdict: Verdict, reason: str
) -> Verdicts:
    """One verdict on all that the engines said, and the reason."""
    return tuple(c for name in judged for c in unjudged(case, answers[name], reason, verdict)), (), ()


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
        tuple(score for part in parts for score in part[1]),
        tuple({(f.document, f.section, f.label, f.quantity): f for part in parts for f in part[2]}.values()),
    )


def seen_of(case: Case, answers: Mapping[str, Answer]) -> Sight:
    """What the case looks like; if it cannot be drawn, the reason."""
    thetas = {name: said.estimates.theta for name, said in answers.items() if said.estimates}
    try:
        return sight(case.name, fit_of(case, FOR_ANY_SIZE), thetas)
    except ModelError as error:
        return Sight(case.name, why=plain_text(refusal(error), 300))
    except Exception as error:
        return Sight(case.name, why=plain_text(f"relmer failed while it drew: {error!r}", 300))


def described(case: Case, design: Design | None) -> CaseRun:
    """The case as the report names it; of a design that is refused only the rows of the data are known."""
    data = load(case.dataset)
    n, p, q = (*design.X.shape, design.Z.shape[1]) if design is not None else (len(data.frame), 0, 0)
    return CaseRun(
        name=case.name,
        dataset=data.name,
        dataset_sha256=data_sha256(case.dataset),
        formula=case.formula,
        REML=case.reml,
        document=case.document,
        source=case.source,
        rows=n,
        coefficients=p,
        random_effects=q,
        arguments=case.told,
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


def own_answer(name: str, case: Case, thetas: Sequence[tuple[float, ...]]) -> Answer:
    """The answer of a path of this project; what it says of a model is told to the report's reader."""
    said = answer(participant(name), case, thetas)
    return replace(said, message=in_reports(said.message))


def usable(said: Answer) -> Answer:
    """The answer; one whose theta nobody could evaluate is one that failed."""
    if said.estimates is None or evaluable(said.estimates.theta):
        return said
    reason = "its theta is not a finite number, or too large"
    return replace(said, status=Status.FAILED, message=reason, estimates=None)
