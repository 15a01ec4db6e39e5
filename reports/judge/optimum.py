"""Rung 4: how far above the optimum an engine stopped, and why."""

from collections.abc import Iterator, Mapping

import numpy as np

from relmer.reference.answers import Answer
from relmer.reports.evidence import BALLS, Verdict, criterion_at, digits, optimality, tolerances
from relmer.reports.judge.hearing import OWN, Hearing, Record, same, unsupported
from relmer.reports.judge.rounding import rounding
from relmer.reports.records import EARLY, OPTIMUM, Comparison, Score


def judge_optimum(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Rung 4: how far above the optimum the engine stopped, and whether it evaluates its own theta rightly."""
    estimates, view, peer = hearing.answer.estimates, hearing.view, hearing.peer
    if estimates is None:
        yield unsupported(hearing, 4)
    elif len(estimates.theta) != len(view.fit.theta):
        yield same(hearing, 4, "length of theta", len(estimates.theta), len(view.fit.theta))
    elif hearing.score is not None:
        yield from judge_score(hearing, hearing.score, answers)
    elif hearing.answer.engine in OWN:
        if peer is not None and peer.estimates is not None:
            yield judge_gap(hearing, answers, estimates.criterion, peer.estimates.criterion)
    else:
        value = criterion_at(view, estimates.theta)
        yield judge_gap(hearing, answers, value, hearing.best)
        yield judge_evaluation(hearing, hearing.comparison, estimates.criterion, value)


def judge_score(hearing: Hearing, score: Score, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Hold the answer against the certified optimum: its theta, its evaluation, and both together."""
    estimates, best, gap = hearing.answer.estimates, hearing.best, score.optimiser_error
    assert estimates is not None
    printed = estimates.criterion
    verdict, evidence = verdict_of(hearing, answers, gap, Verdict(score.optimality, score.reason))
    reached = digits("criterion", np.array(best + gap), np.array(best))
    what, far = ("G", score.distance_G) if score.distance is None else ("theta", score.distance)
    evidence += f"; its {what} is within {far:.1e} of the proved one"
    yield hearing.certified(4, "criterion at the optimum", verdict, reached, evidence)
    balls = score.evaluated == BALLS
    if balls or hearing.answer.engine not in OWN:
        record = hearing.enclosed if balls else hearing.comparison
        yield judge_evaluation(hearing, record, printed, printed - score.evaluation_error)
    off, why = printed - best, ""
    if abs(off) <= tolerances.GAP * hearing.view.size:
        verdict = "agree"
    elif verdict != "disagree":
        verdict, why = rounding(hearing, [max(abs(off) - abs(gap), 0.0)], [estimates.theta])
        verdict = "explained" if verdict == "agree" else verdict
    evidence = f"{off:+.1e} from the certified {best:.10f}{why}"
    yield hearing.certified(4, "criterion", verdict, score.digits["criterion"], evidence)


def judge_gap(hearing: Hearing, answers: Mapping[str, Answer], reached: float, best: float) -> Comparison:
    """Hold the criterion that was reached against the best that is known."""
    gap = reached - best
    assert hearing.answer.estimates is not None
    found = optimality(hearing.view, hearing.answer.estimates.theta, max(gap, 0.0))
    verdict, evidence = verdict_of(hearing, answers, gap, found)
    shown = digits("criterion", np.array(reached), np.array(best))
    return hearing.comparison(4, "criterion at the optimum", verdict, shown, evidence)


def verdict_of(hearing: Hearing, answers: Mapping[str, Answer], gap: float, found: Verdict) -> tuple[str, str]:
    """Verdict on a gap: whether an early stop, the engine's own tight fit or its rounding explains it."""
    assert hearing.answer.estimates is not None
    told = f"{found.optimality}: {found.reason}"
    if found.optimality == OPTIMUM:
        return "agree", f"gap {gap:+.1e}, {found.reason}"
    if found.optimality == EARLY and gap <= tolerances.EARLY and hearing.answer.engine not in OWN:
        return "explained", told
    name = tight_of(hearing.answer.engine)
    left = hearing.gaps.get(name, np.inf) if name in answers else np.inf
    if gap > 0 and left <= max(tolerances.GAP * hearing.view.size, gap * tolerances.DECREMENT):
        return "explained", f"{told}; the same engine, tight and with more than one optimiser, comes to {left:.1e}"
    verdict, why = rounding(hearing, [gap], [hearing.answer.estimates.theta]) if gap > 0 else ("disagree", "")
    return ("explained", told + why) if verdict == "explained" else ("disagree", told)


def judge_evaluation(hearing: Hearing, record: Record, printed: float, value: float) -> Comparison:
    """Hold the criterion that was printed against the value at the same theta."""
    assert hearing.answer.estimates is not None
    verdict, why = rounding(hearing, [abs(value - printed)], [hearing.answer.estimates.theta])
    evidence = f"it printed {printed:.10f}, the definition gives {value:.10f}{why}"
    reached = digits("criterion", np.array(printed), np.array(value))
    return record(4, "criterion at its own theta", verdict, reached, evidence)


def tight_of(engine: str) -> str:
    """The engine that searches for the same program with every tolerance tight, by the names that they have.

    Examples
    --------
    >>> tight_of("lme4"), tight_of("lme4-bobyqa")
    ('lme4-tight', 'lme4-tight')
    """
    return f"{engine.partition('-')[0]}-tight"
