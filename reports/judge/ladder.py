"""The judge: one engine's answer to one case, climbed rung by rung.

An engine of another house is held against this project's definition (`gls`); this project's own paths are held against
what lme4 returned, live or recorded. Where there is a certificate, the optimum and the estimates of both are held
against its proved values. Nothing that this project's solver computed is a reference for itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from relmer.datasets import Case
from relmer.reference.answers import Answer, Status
from relmer.reference.certificates import Certificate, CertificateError, certificate_of
from relmer.reference.engines import ORIGINAL, Kin
from relmer.reports.evidence import Landscape, evaluator_of
from relmer.reports.judge.criterion import judge_criterion
from relmer.reports.judge.data_and_model import judge_data, judge_model
from relmer.reports.judge.estimates import judge_estimates
from relmer.reports.judge.explanations import Account, account_of
from relmer.reports.judge.hearing import Hearing, peer_of
from relmer.reports.judge.optimum import finding_of, judge_certificate, judge_optimum
from relmer.reports.judge.printed import judge_published
from relmer.reports.judge.stops import stops_of
from relmer.reports.records import RUNGS, Comparison, Finding, Score
from relmer.reports.verdicts import Verdict

UNANSWERED = {Status.FAILED: Verdict.FAILED, Status.UNSUPPORTED: Verdict.UNSUPPORTED}


@dataclass(frozen=True)
class Judged:
    """What came out for one case."""

    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    scores: tuple[Score, ...]


def judge_case(
    case: Case,
    answers: Mapping[str, Answer],
    judged: Collection[str],
    points: Mapping[str, tuple[tuple[float, ...], ...]],
    view: Landscape,
    kin: Kin,
) -> Judged:
    """Judge the answers of the `judged` engines to a case; the others are witnesses."""
    certificate, stale = certificate_or_reason(case)
    evaluator = evaluator_of(certificate, view) if certificate else None
    stops = stops_of(answers, view, evaluator)
    account = account_of(case, answers, view)
    comparisons: list[Comparison] = []
    findings: list[Finding] = []
    for name in judged:
        hearing = Hearing(
            case=case,
            answer=answers[name],
            kin=kin,
            peer=peer_of(name, answers, kin),
            best=stops.best,
            gaps=stops.gaps,
            points=points,
            view=view,
            evaluator=evaluator,
            score=stops.scores.get(name),
        )
        verdicts = [*climb(hearing, answers, account), *judge_certificate(hearing, stale)]
        comparisons += verdicts
        findings += [*broken(verdicts), *finding_of(hearing)]
    scores = tuple(stops.scores[name] for name in judged if name in stops.scores)
    return Judged(comparisons=tuple(comparisons), findings=tuple(findings), scores=scores)


def certificate_or_reason(case: Case) -> tuple[Certificate | None, str]:
    """The certificate of a case; if it cannot be used, none and the reason."""
    try:
        return certificate_of(case), ""
    except CertificateError as error:
        return None, str(error)


def climb(hearing: Hearing, answers: Mapping[str, Answer], account: Account) -> Iterator[Comparison]:
    """Climb the ladder with one answer; a rung that cannot be climbed has a verdict all the same."""
    answer = hearing.answer
    if answer.status is not Status.FITTED:
        yield from on_every_rung(hearing, UNANSWERED[answer.status], answer.message)
        return
    if hearing.peer is None and hearing.score is None:
        alone = f"nothing to hold it against: no {ORIGINAL} here, none recorded"
        yield from on_every_rung(hearing, Verdict.UNSUPPORTED, alone)
        return
    yield from judge_data(hearing)
    yield from judge_model(hearing)
    yield from judge_criterion(hearing, answers)
    yield from judge_optimum(hearing)
    yield from judge_estimates(hearing)
    yield from judge_published(hearing, account)


def on_every_rung(hearing: Hearing, verdict: Verdict, evidence: str) -> Iterator[Comparison]:
    """One verdict on all rungs."""
    for rung, name in RUNGS.items():
        yield hearing.comparison(rung, name, verdict, None, evidence)


def broken(judged: Collection[Comparison]) -> Iterator[Finding]:
    """The comparisons that break the run: what a reader should know first."""
    for c in judged:
        if c.verdict.breaks:
            text = f"rung {c.rung}, {c.quantity}: {c.evidence}"
            yield Finding(case=c.case, engine=c.engine, text=text)
