"""The judge: one engine's answer to one case, climbed rung by rung.

An engine of another house is held against this project's definition (`gls`); this project's own paths are held against
what lme4 returned, live or recorded. Where there is a certificate, the optimum and the estimates of both are held
against its proved values. Nothing that this project's solver computed is a reference for itself.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from relmer.datasets import Case
from relmer.reference.answers.answer import Answer, Fingerprint
from relmer.reference.certificates.records import Certificate
from relmer.reference.certificates.store import CertificateError, certificate_of
from relmer.reports import tolerances
from relmer.reports.digits import digits
from relmer.reports.estimates import judge_estimates
from relmer.reports.evaluation import judge_of
from relmer.reports.explanations import Account, account_of
from relmer.reports.hearing import OWN, Hearing, Record, peer_of, same, short, unsupported
from relmer.reports.landscape import Landscape, criterion_at
from relmer.reports.optimum import judge_optimum
from relmer.reports.published import judge_published
from relmer.reports.records import RUNGS, Comparison, Finding, Score
from relmer.reports.rounding import rounding
from relmer.reports.score import evaluable, mismatch, score


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


def judge_data(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 1: rows, response and grouping factors, exactly."""
    mine, theirs = hearing.answer.data, hearing.peer.data if hearing.peer else None
    if mine is None or theirs is None:
        yield unsupported(hearing, 1)
        return
    compare = partial(same, hearing, 1)
    yield compare("rows", mine.rows, theirs.rows)
    yield compare("response", mine.response_sha256, theirs.response_sha256)
    for group in sorted(mine.groupings.keys() | theirs.groupings.keys()):
        yield compare(f"levels of {group}", mine.groupings.get(group), theirs.groupings.get(group))


def judge_model(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 2: X, Z, Lambda's template, names and their order."""
    mine, theirs = hearing.answer.model, hearing.peer.model if hearing.peer else None
    if mine is None or theirs is None:
        yield unsupported(hearing, 2)
        return
    yield same(hearing, 2, "coefficient names", mine.coefficients, theirs.coefficients)
    yield same(hearing, 2, "terms", mine.terms, theirs.terms)
    yield same(hearing, 2, "theta names", mine.theta_names, theirs.theta_names)
    for name in ("X", "Z", "Lambda"):
        yield judge_matrix(hearing, name, getattr(mine, name), getattr(theirs, name))


def judge_matrix(hearing: Hearing, name: str, mine: Fingerprint, theirs: Fingerprint) -> Comparison:
    """The same bits, or sums that differ by no more than the rounding of computed columns."""
    if mine == theirs:
        return hearing.comparison(2, name, "agree", 16.0, f"the same bits, {mine.shape[0]} × {mine.shape[1]}")
    if mine.shape != theirs.shape:
        return same(hearing, 2, name, mine.shape, theirs.shape)
    sums = np.array([[mine.total, mine.weighted], [theirs.total, theirs.weighted]])
    reached = digits(name, sums[0], sums[1])
    agrees = reached >= -np.log10(tolerances.MATRIX)
    return hearing.comparison(
        2,
        name,
        "agree" if agrees else "disagree",
        reached,
        f"digests differ, sums agree to {reached:.1f} digits",
    )


def judge_criterion(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Rung 3: the criterion at shared theta, free of any optimiser's noise."""
    mine = {point.theta: point.value for point in hearing.answer.criterion}
    reference, record = at_shared_theta(hearing, answers, mine)
    if not reference:
        yield unsupported(hearing, 3)
        return
    kinds = dict(hearing.points)
    listed = {theta for thetas in kinds.values() for theta in thetas}
    kinds["optimum"] = tuple(theta for theta in mine if theta not in listed)
    for kind, thetas in kinds.items():
        common = [theta for theta in thetas if theta in mine and theta in reference]
        if not common:
            if kind != "optimum":
                yield record(3, f"criterion, {kind}", "unsupported", None, "no theta in common")
            continue
        value = np.array([mine[theta] for theta in common])
        wanted = np.array([reference[theta] for theta in common])
        error = np.abs(value - wanted)
        worst = int(np.argmax(error))
        evidence = f"{len(common)} theta; largest difference {error[worst]:.1e} at ({short(common[worst])})"
        verdict, why = rounding(hearing, error.tolist(), common)
        yield record(3, f"criterion, {kind}", verdict, digits("criterion", value, wanted), evidence + why)


def at_shared_theta(
    hearing: Hearing, answers: Mapping[str, Answer], thetas: Iterable[tuple[float, ...]]
) -> tuple[dict[tuple[float, ...], float], Record]:
    """What the criterion is held against at each theta: balls where there are, else the peer's house."""
    peer, judge = hearing.peer, hearing.judge
    if judge is not None and judge.data is not None:
        length = len(hearing.view.fit.theta)
        return {
            theta: float(judge.at(theta).criterion) for theta in thetas if len(theta) == length and evaluable(theta)
        }, hearing.enclosed
    if peer is None:
        return {}, hearing.comparison
    house = [a for a in answers.values() if (a.engine in OWN) == (peer.engine in OWN) and a.status == "fitted"]
    return {point.theta: point.value for a in (peer, *house) for point in reversed(a.criterion)}, hearing.comparison


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
