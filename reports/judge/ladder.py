"""The judge: one engine's answer to one case, climbed rung by rung.

An engine of another house is held against this project's definition (`gls`); this project's own paths are held against
what lme4 returned, live or recorded. Where there is a certificate, the optimum and the estimates of both are held
against its proved values. Nothing that this project's solver computed is a reference for itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from relmer.datasets import Case
from relmer.reference.answers import Answer
from relmer.reference.certificates import Certificate, CertificateError, certificate_of
from relmer.reports.evidence import Landscape, criterion_at, judge_of, mismatch, score, tolerances
from relmer.reports.judge.criterion import judge_criterion
from relmer.reports.judge.data_and_model import judge_data, judge_model
from relmer.reports.judge.estimates import judge_estimates
from relmer.reports.judge.explanations import Account, account_of
from relmer.reports.judge.hearing import Hearing, peer_of
from relmer.reports.judge.optimum import judge_optimum
from relmer.reports.judge.printed import judge_published
from relmer.reports.records import RUNGS, Comparison, Finding, Score


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
) -> Judged:
    """Judge the answers of the `judged` engines to a case; the others are witnesses."""
    fitted = {
        name: answer
        for name, answer in answers.items()
        if answer.estimates is not None and len(answer.estimates.theta) == len(view.fit.theta)
    }
    certificate, stale = certificate_or_reason(case)
    judge = judge_of(certificate, view) if certificate else None
    scores = {
        name: score(answer, judge.certificate, judge)
        for name, answer in fitted.items()
        if judge and answer.estimates and not mismatch(answer.estimates, judge.certificate)
    }
    reached = {
        name: criterion_at(view, answer.estimates.theta)
        for name, answer in fitted.items()
        if name not in scores and answer.estimates
    }
    if certificate:
        best = float(certificate.double.values["criterion"].exact)
    else:
        best = min(reached.values(), default=view.fit.criterion)
    gaps = {name: value - best for name, value in reached.items()}
    gaps |= {name: score.optimiser_error for name, score in scores.items()}
    account = account_of(case, answers, view)
    comparisons: list[Comparison] = []
    findings: list[Finding] = []
    for name in judged:
        peer, scored = peer_of(name, answers), scores.get(name)
        hearing = Hearing(case, answers[name], peer, best, gaps, points, view, judge, scored)
        verdicts = list(climb(hearing, answers, account))
        if stale:
            verdicts.append(hearing.comparison(4, "certificate", "failed", None, stale))
        comparisons += verdicts
        findings += findings_of(hearing, verdicts)
    found = tuple(scores[name] for name in judged if name in scores)
    return Judged(tuple(comparisons), tuple(findings), found)


def certificate_or_reason(case: Case) -> tuple[Certificate | None, str]:
    """The certificate of a case; if it cannot be used, none and the reason."""
    try:
        return certificate_of(case), ""
    except CertificateError as error:
        return None, str(error)


def climb(hearing: Hearing, answers: Mapping[str, Answer], account: Account) -> Iterator[Comparison]:
    """Climb the ladder with one answer; a rung that cannot be climbed has a verdict all the same."""
    answer = hearing.answer
    if answer.status != "fitted":
        for rung, name in RUNGS.items():
            yield hearing.comparison(rung, name, answer.status, None, answer.message)
        return
    if hearing.peer is None and hearing.score is None:
        for rung, name in RUNGS.items():
            yield hearing.comparison(
                rung, name, "unsupported", None, "nothing to hold it against: no lme4 here, none recorded"
            )
        return
    yield from judge_data(hearing)
    yield from judge_model(hearing)
    yield from judge_criterion(hearing, answers)
    yield from judge_optimum(hearing, answers)
    yield from judge_estimates(hearing)
    yield from judge_published(hearing, account)


def findings_of(hearing: Hearing, judged: list[Comparison]) -> list[Finding]:
    """What a reader should know first."""
    found = [
        Finding(hearing.case.name, hearing.answer.engine, f"rung {c.rung}, {c.quantity}: {c.evidence}")
        for c in judged
        if c.verdict in ("disagree", "failed")
    ]
    gap = hearing.gaps.get(hearing.answer.engine, 0.0)
    if gap > tolerances.FINDING:
        said = "; ".join(hearing.answer.warnings) or "nothing"
        known = "optimum" if hearing.judge is None else f"{hearing.judge.certificate.double.kind} optimum"
        found.append(
            Finding(
                hearing.case.name,
                hearing.answer.engine,
                f"stops {gap:.6g} above the {known} {hearing.best:.6f}; it says: {said}",
            )
        )
    return found
