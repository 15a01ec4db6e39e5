"""The judge: one engine's answer to one case, climbed rung by rung.

An engine of another house is held against this project's definition (`gls`); this project's own paths are held against
what lme4 returned, live or recorded, and both against exact values where a closed form exists. Nothing that this
project computed is a reference for itself.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import partial

import numpy as np

from relmer.datasets import Case
from relmer.reference.answer import Answer, Fingerprint
from relmer.reports import tolerances
from relmer.reports.digits import digits
from relmer.reports.estimates import judge_estimates
from relmer.reports.explanations import Account, account_of
from relmer.reports.hearing import OWN, Hearing, peer_of, same, short, unsupported
from relmer.reports.landscape import Landscape, criterion_at
from relmer.reports.optimum import judge_optimum
from relmer.reports.published import judge_published
from relmer.reports.records import RUNGS, Comparison, Finding


def judge_case(
    case: Case,
    answers: Mapping[str, Answer],
    judged: Collection[str],
    points: Mapping[str, tuple[tuple[float, ...], ...]],
    view: Landscape,
) -> tuple[list[Comparison], list[Finding]]:
    """Judge the answers of the `judged` engines to a case; the others are witnesses."""
    reached = {
        name: criterion_at(view, answer.estimates.theta)
        for name, answer in answers.items()
        if answer.estimates is not None and len(answer.estimates.theta) == len(view.fit.theta)
    }
    best = min(reached.values(), default=view.fit.criterion)
    gaps = {name: value - best for name, value in reached.items()}
    account = account_of(case, answers, view)
    comparisons: list[Comparison] = []
    findings: list[Finding] = []
    for name in judged:
        hearing = Hearing(case, answers[name], peer_of(name, answers), best, gaps, points, view)
        verdicts = list(judge(hearing, answers, account))
        comparisons += verdicts
        findings += findings_of(hearing, verdicts)
    return comparisons, findings


def judge(hearing: Hearing, answers: Mapping[str, Answer], account: Account) -> Iterator[Comparison]:
    """Climb the ladder with one answer; a rung that cannot be climbed has a verdict all the same."""
    answer = hearing.answer
    if answer.status != "fitted":
        for rung, name in RUNGS.items():
            yield hearing.comparison(rung, name, answer.status, None, answer.message)
        return
    if hearing.peer is None:
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
    peer = hearing.peer
    assert peer is not None
    house = [a for a in answers.values() if (a.engine in OWN) == (peer.engine in OWN) and a.status == "fitted"]
    reference = {point.theta: point.value for a in (peer, *house) for point in reversed(a.criterion)}
    mine = {point.theta: point.value for point in hearing.answer.criterion}
    kinds = dict(hearing.points)
    listed = {theta for thetas in kinds.values() for theta in thetas}
    kinds["optimum"] = tuple(theta for theta in mine if theta not in listed)
    for kind, thetas in kinds.items():
        common = [theta for theta in thetas if theta in mine and theta in reference]
        if not common:
            if kind != "optimum":
                yield hearing.comparison(3, f"criterion, {kind}", "unsupported", None, "no theta in common")
            continue
        value = np.array([mine[theta] for theta in common])
        wanted = np.array([reference[theta] for theta in common])
        error = np.abs(value - wanted)
        worst = int(np.argmax(error))
        agrees = bool(np.all(error <= tolerances.CRITERION * hearing.view.size))
        yield hearing.comparison(
            3,
            f"criterion, {kind}",
            "agree" if agrees else "disagree",
            digits("criterion", value, wanted),
            f"{len(common)} theta; largest difference {error[worst]:.1e} at ({short(common[worst])})",
        )


def findings_of(hearing: Hearing, judged: list[Comparison]) -> list[Finding]:
    """What a reader should know first."""
    found = [
        Finding(hearing.case.name, hearing.answer.engine, f"rung {c.rung}, {c.quantity}: {c.evidence}")
        for c in judged
        if c.verdict in ("disagree", "failed")
    ]
    gap = hearing.gaps.get(hearing.answer.engine, 0.0)
    if gap > tolerances.STOP * max(1, len(hearing.view.fit.theta)):
        said = "; ".join(hearing.answer.warnings) or "nothing"
        found.append(
            Finding(
                hearing.case.name,
                hearing.answer.engine,
                f"stops {gap:.6g} above the optimum {hearing.best:.6f}; it says: {said}",
            )
        )
    return found
