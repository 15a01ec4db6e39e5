"""Rung 4: how far above the optimum an engine stopped, and why."""

from collections.abc import Iterator

import numpy as np

from relmer.reports.evidence import BALLS, Stationarity, criterion_at, digits, optimality, tolerances
from relmer.reports.judge.hearing import Hearing, Record, same, unsupported
from relmer.reports.judge.rounding import rounding
from relmer.reports.records import Comparison, Finding, Optimality, Score
from relmer.reports.verdicts import Verdict


def judge_optimum(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 4: how far above the optimum the engine stopped, and whether it evaluates its own theta rightly."""
    estimates, view, peer = hearing.answer.estimates, hearing.view, hearing.peer
    if estimates is None:
        yield unsupported(hearing, 4)
    elif not view.takes(estimates.theta):
        yield same(hearing, 4, "length of theta", len(estimates.theta), len(view.fit.theta))
    elif hearing.score is not None:
        yield from judge_score(hearing, hearing.score)
    elif hearing.own:
        if peer is not None and peer.estimates is not None:
            yield judge_gap(hearing, estimates.criterion, peer.estimates.criterion)
    else:
        value = criterion_at(view, estimates.theta)
        yield judge_gap(hearing, value, hearing.best)
        yield judge_evaluation(hearing, hearing.comparison, estimates.criterion, value)


def judge_certificate(hearing: Hearing, stale: str) -> Iterator[Comparison]:
    """A certificate that cannot be used fails whatever was to be held against it."""
    if stale:
        yield hearing.comparison(4, "certificate", Verdict.FAILED, None, stale)


def judge_score(hearing: Hearing, score: Score) -> Iterator[Comparison]:
    """Hold the answer against the certified optimum: its theta, its evaluation, and both together."""
    estimates, best, gap = hearing.answer.estimates, hearing.best, score.optimiser_error
    assert estimates is not None
    printed = estimates.criterion
    verdict, evidence = verdict_of(hearing, gap, Stationarity(score.optimality, score.reason))
    reached = digits("criterion", np.array(best + gap), np.array(best))
    what, far = ("G", score.distance_G) if score.distance is None else ("theta", score.distance)
    evidence += f"; its {what} is within {far:.1e} of the proved one"
    yield hearing.certified(4, "criterion at the optimum", verdict, reached, evidence)
    balls = score.evaluated == BALLS
    if balls or not hearing.own:
        record = hearing.enclosed if balls else hearing.comparison
        yield judge_evaluation(hearing, record, printed, printed - score.evaluation_error)
    off, why = printed - best, ""
    if abs(off) <= tolerances.GAP * hearing.view.size:
        verdict = Verdict.AGREE
    elif not verdict.breaks:
        verdict, why = rounding(hearing, [max(abs(off) - abs(gap), 0.0)], [estimates.theta])
        verdict = Verdict.WITHIN if verdict is Verdict.AGREE else verdict
    evidence = f"{off:+.1e} from the certified {best:.10f}{why}"
    yield hearing.certified(4, "criterion", verdict, score.digits["criterion"], evidence)


def judge_gap(hearing: Hearing, reached: float, best: float) -> Comparison:
    """Hold the criterion that was reached against the best that is known."""
    gap = reached - best
    assert hearing.answer.estimates is not None
    found = optimality(hearing.view, hearing.answer.estimates.theta, max(gap, 0.0))
    verdict, evidence = verdict_of(hearing, gap, found)
    shown = digits("criterion", np.array(reached), np.array(best))
    return hearing.comparison(4, "criterion at the optimum", verdict, shown, evidence)


def verdict_of(hearing: Hearing, gap: float, found: Stationarity) -> tuple[Verdict, str]:
    """Verdict on a gap: whether an early stop, the engine's own tight fit or its rounding explains it."""
    assert hearing.answer.estimates is not None
    told = f"{found.optimality}: {found.reason}"
    if found.optimality is Optimality.OPTIMUM:
        return Verdict.AGREE, f"gap {gap:+.1e}, {found.reason}"
    if found.optimality is Optimality.EARLY and gap <= tolerances.EARLY and not hearing.own:
        return Verdict.WITHIN, told
    witness = hearing.kin.witness(hearing.answer.engine)
    left = np.inf if witness is None else hearing.gaps.get(witness, np.inf)
    if gap > 0 and left <= max(tolerances.GAP * hearing.view.size, gap * tolerances.DECREMENT):
        tight = f"the same engine, tight and with more than one optimiser, comes to {left:.1e}"
        return Verdict.WITHIN, f"{told}; {tight}"
    if gap > 0:
        verdict, why = rounding(hearing, [gap], [hearing.answer.estimates.theta])
        if verdict is Verdict.WITHIN:
            return verdict, told + why
    return Verdict.WRONG, told


def judge_evaluation(hearing: Hearing, record: Record, printed: float, value: float) -> Comparison:
    """Hold the criterion that was printed against the value at the same theta."""
    assert hearing.answer.estimates is not None
    verdict, why = rounding(hearing, [abs(value - printed)], [hearing.answer.estimates.theta])
    evidence = f"it printed {printed:.10f}, the definition gives {value:.10f}{why}"
    reached = digits("criterion", np.array(printed), np.array(value))
    return record(4, "criterion at its own theta", verdict, reached, evidence)


def finding_of(hearing: Hearing) -> Iterator[Finding]:
    """A stop so far above the optimum that a reader should know it first."""
    engine, evaluator = hearing.answer.engine, hearing.evaluator
    gap = hearing.gaps.get(engine, 0.0)
    if gap > tolerances.FINDING:
        said = "; ".join(hearing.answer.warnings) or "nothing"
        known = "optimum" if evaluator is None else f"{evaluator.certificate.double.kind} optimum"
        text = f"stops {gap:.6g} above the {known} {hearing.best:.6f}; it says: {said}"
        yield Finding(case=hearing.case.name, engine=engine, text=text)
