"""The judge: one engine's answer to one case, climbed rung by rung.

What an engine of another house saw, built and estimated is held against this project's definition (`gls`); this
project's own paths are held against what lme4 returned, live or recorded. The optimum of all is the certified one, else
the lowest criterion that the definition confirms; where there is a certificate, the estimates of all are held against
its proved values. Nothing that this project's solver computed is a reference for itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from relmer.datasets import Case
from relmer.reference.answers import Answer, Status
from relmer.reference.certificates import Certificate, CertificateError, certificate_of
from relmer.reference.engines import Kin
from relmer.reports.evidence import Landscape, evaluator_of
from relmer.reports.judge.criterion import judge_criterion
from relmer.reports.judge.data_and_model import judge_data, judge_model
from relmer.reports.judge.estimates import judge_estimates
from relmer.reports.judge.explanations import Account, account_of
from relmer.reports.judge.hearing import Hearing, Ruling, not_given, peer_of
from relmer.reports.judge.inference import judge_inference
from relmer.reports.judge.listing import judge_listing
from relmer.reports.judge.misuse import judge_misuse
from relmer.reports.judge.optimum import judge_certificate, judge_optimum, stop_of
from relmer.reports.judge.printed import judge_published
from relmer.reports.judge.stops import stops_of
from relmer.reports.records import OF_A_FIT, RUNGS, Comparison, Score
from relmer.reports.verdicts import Diagnosis, Verdict

UNANSWERED = {Status.FAILED: Verdict.FAILED, Status.UNSUPPORTED: Verdict.UNSUPPORTED}


@dataclass(frozen=True)
class Judged:
    """What came out for one case."""

    comparisons: tuple[Comparison, ...]
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
    evaluator = evaluator_of(certificate, view)
    stops = stops_of(answers, view, evaluator)
    account = account_of(case, answers, view)
    comparisons: list[Comparison] = []
    for name in judged:
        hearing = Hearing(
            case=case,
            answer=answers[name],
            kin=kin,
            peer=peer_of(name, answers, kin),
            stops=stops,
            points=points,
            evaluator=evaluator,
        )
        hearing = replace(hearing, stop=stop_of(hearing))
        comparisons += [*climb(hearing, answers, account), *judge_certificate(hearing, stale or stops.refuted)]
    scores = tuple(stops.scores[name] for name in judged if name in stops.scores)
    return Judged(comparisons=tuple(comparisons), scores=scores)


def certificate_or_reason(case: Case) -> tuple[Certificate | None, str]:
    """The certificate of a case; if it cannot be used, none and the reason."""
    try:
        return certificate_of(case), ""
    except CertificateError as error:
        return None, str(error)


def climb(hearing: Hearing, answers: Mapping[str, Answer], account: Account) -> Iterator[Comparison]:
    """Climb the ladder with one answer; a rung that cannot be climbed has a verdict all the same."""
    answer = hearing.answer
    fitted = answer.status is Status.FITTED
    misuse = judge_misuse(hearing) if fitted else None
    if fitted or answer.data is not None:
        yield from judge_data(hearing)
        yield from (c for c in judge_model(hearing) if misuse is None or c.quantity != misuse.quantity)
    if misuse is not None:
        yield misuse
    if not fitted:
        yield from unanswered(hearing)
        return
    yield from judge_criterion(hearing, answers)
    if answer.figures:
        yield from judge_listing(hearing)
        return
    yield from judge_optimum(hearing)
    yield from judge_estimates(hearing, answers)
    yield from judge_published(hearing, account)
    yield from judge_inference(hearing, answers)


def unanswered(hearing: Hearing) -> Iterator[Comparison]:
    """An answer without a fit: its verdict from the rung on where it went wrong.

    What it saw and built stands. What it was not asked for, or does not tell, has not failed.
    """
    answer, told = hearing.answer, hearing.answer.data is not None
    failed_in = answer.failed_in if answer.status is Status.FAILED else ""
    if failed_in in ("fit", "criterion") and not told:
        yield not_given(hearing, 1)
        yield not_given(hearing, 2)
    if failed_in == "fit":
        unasked = f"{answer.engine} was not asked: its fit failed"
        yield hearing.ruled(3, RUNGS[3], Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, unasked))
    first = {"fit": 4, "criterion": 3}.get(failed_in, 3 if told else 1)
    yield from from_rung(hearing, first, UNANSWERED[answer.status], answer.message)


def from_rung(hearing: Hearing, first: int, verdict: Verdict, evidence: str) -> Iterator[Comparison]:
    """One verdict on all rungs from one on."""
    for rung, name in RUNGS.items():
        if first <= rung and rung in OF_A_FIT:
            yield hearing.ruled(rung, name, Ruling(verdict, Diagnosis.NONE, evidence))
