"""Rung 4: how far above the optimum an engine stopped, and why."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from relmer.reports.evidence import (
    conditioned,
    convention,
    digits,
    estimates_at,
    misread,
    optimality,
    tolerances,
    uncentred,
)
from relmer.reports.judge.hearing import Hearing, Ruling, not_given
from relmer.reports.judge.rounding import bounded, evaluation
from relmer.reports.records import Comparison, Optimality, Score
from relmer.reports.verdicts import Diagnosis, Verdict

DIAGNOSES = {
    Optimality.OPTIMUM: Diagnosis.NONE,
    Optimality.EARLY: Diagnosis.STOP,
    Optimality.FALSE: Diagnosis.FALSE_MINIMUM,
    Optimality.ANOTHER: Diagnosis.LOCAL_OPTIMUM,
    Optimality.NOWHERE: Diagnosis.NOT_STATIONARY,
}


def stop_of(hearing: Hearing) -> Ruling:
    """Rule on where an engine stopped: what rung 4 says, and what rung 5 follows from.

    Nothing excuses this project's paths. Of the others, who stops in the basin of the optimum and at most 1e-3 above it
    has stopped early; where an engine's rounding explains the gap it is harmless up to the same 1e-3. A gap that the
    condition of V hides is known only where the optimum is proved: the other doubles may be as far off.
    """
    estimates, view, gap = hearing.answer.estimates, hearing.view, hearing.gap
    if estimates is None or hearing.answer.engine not in hearing.stops.gaps:
        return unreached(hearing)
    if gap <= hearing.noise:
        below = f"gap {gap:+.1e}, within rounding ({hearing.noise:.0e}) of {hearing.best_named}"
        return Ruling(Verdict.AGREE, Diagnosis.NONE, below)
    hidden = conditioned(view, estimates.theta)
    if gap <= hidden:
        told = f"gap {gap:+.1e}; the condition of V there hides from any search what is below {hidden:.1e}"
        known = hearing.certificate is not None or gap <= tolerances.EARLY
        return Ruling(bounded(gap) if known else Verdict.NOT_GIVEN, Diagnosis.ROUNDING, told)
    return astray(hearing)


def astray(hearing: Hearing) -> Ruling:
    """Rule on a stop that is above the optimum by more than anybody's rounding."""
    estimates, view, gap = hearing.answer.estimates, hearing.view, hearing.gap
    assert estimates is not None
    found = optimality(view, estimates.theta, gap)
    told = f"{found.optimality}: {found.reason}"
    if not hearing.certificate and hearing.best_engine:
        told += f"; the lowest criterion is {hearing.best_engine}'s"
    if hearing.own:
        return Ruling(Verdict.WRONG, DIAGNOSES[found.optimality], told)
    if found.optimality is Optimality.EARLY and gap <= tolerances.EARLY:
        return Ruling(Verdict.EARLY, Diagnosis.STOP, told)
    moved = uncentred(view, estimates.theta).criterion
    if gap <= moved:
        told += f"; without centring, rounding may move its criterion by {moved:.1e}"
        return Ruling(bounded(gap), Diagnosis.ROUNDING, told)
    return Ruling(Verdict.WRONG, DIAGNOSES[found.optimality], told + hearing.tight)


def unreached(hearing: Hearing) -> Ruling:
    """Why it is not known where an engine stopped."""
    estimates = hearing.answer.estimates
    if estimates is not None and hearing.view.takes(estimates.theta):
        return Ruling(Verdict.FAILED, Diagnosis.NONE, "the criterion cannot be evaluated at its theta")
    return Ruling(Verdict.NOT_GIVEN, Diagnosis.MODEL, "theta is not that of this model")


def judge_optimum(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 4: how far above the optimum the engine stopped, and whether it evaluates its own theta rightly."""
    estimates, view = hearing.answer.estimates, hearing.view
    if estimates is None:
        yield not_given(hearing, 4)
        return
    if not view.takes(estimates.theta):
        told = f"theta has {len(estimates.theta)} entries, the model has {len(view.fit.theta)}: see rung 2"
        yield hearing.ruled(4, "optimum", Ruling(Verdict.NOT_GIVEN, Diagnosis.MODEL, told))
        return
    stop, best = hearing.stop, hearing.best
    if stop.verdict is Verdict.FAILED:
        yield hearing.ruled(4, "optimum", stop)
        return
    if hearing.score is not None:
        stop = stop.saying(f"; its {far_from(hearing.score)} of the proved one")
    reached = digits("criterion", np.array(best + hearing.gap), np.array(best))
    if hearing.alone:
        yield not_given(hearing, 4)
    else:
        reached_by = hearing.against_best(4, "criterion at the optimum", stop, reached)
        yield replace(reached_by, gap=hearing.gap if np.isfinite(hearing.gap) else None)
    if not hearing.own or hearing.evaluator.at(estimates.theta).proved:
        yield judge_evaluation(hearing)
    if hearing.certificate is not None:
        yield judge_printed(hearing)


def far_from(score: Score) -> str:
    """How far theta, or G where theta is not unique, is from the proved optimum."""
    if score.distance is None:
        return f"G is within {score.distance_G:.1e}"
    return f"theta is within {score.distance:.1e}"


def judge_certificate(hearing: Hearing, stale: str) -> Iterator[Comparison]:
    """A certificate that cannot be used, or that an answer refutes, fails whatever was to be held against it."""
    if stale:
        yield hearing.ruled(4, "certificate", Ruling(Verdict.FAILED, Diagnosis.NONE, stale))


def judge_evaluation(hearing: Hearing) -> Comparison:
    """Hold the criterion that was printed against the value at the same theta."""
    estimates, view = hearing.answer.estimates, hearing.view
    assert estimates is not None
    found = hearing.evaluator.at(estimates.theta)
    value = float(found.criterion)
    ruling = evaluation(hearing, [abs(value - estimates.criterion)], [estimates.theta])
    told = f"it printed {estimates.criterion:.10f}, the definition gives {value:.10f}"
    if ruling.verdict is not Verdict.AGREE:
        at = estimates_at(view, estimates.theta) | {"criterion": np.array([value])}
        above = hearing.unprofiled(at)
        if above and abs(value + above - estimates.criterion) <= tolerances.CRITERION * view.size:
            verdict = Verdict.EARLY if above + max(hearing.gap, 0.0) <= tolerances.EARLY else Verdict.WRONG
            ruling = Ruling(verdict, Diagnosis.STOP, f"; {above:.1e} more at the beta and sigma that it found")
        elif ruling.verdict is Verdict.WRONG and (
            known := convention(view, "criterion", np.array([estimates.criterion]), at)
        ):
            ruling = Ruling(Verdict.WRONG, Diagnosis.CONVENTION, f"; it is the criterion {known}")
        elif ruling.diagnosis is Diagnosis.CRITERION and (
            slip := misread(view, [estimates.theta], np.array([estimates.criterion]), np.array([value]))
        ):
            ruling = ruling.saying(f"; it is the criterion {slip}")
    reached = digits("criterion", np.array(estimates.criterion), np.array(value))
    record = hearing.enclosed if found.proved else hearing.ruled
    return record(4, "criterion at its own theta", ruling.after(told), reached)


def judge_printed(hearing: Hearing) -> Comparison:
    """Hold the criterion that was printed against the certified one: the stop and the evaluation together."""
    estimates, score, best = hearing.answer.estimates, hearing.score, hearing.best
    assert estimates is not None
    off = estimates.criterion - best
    told = f"{off:+.1e} from the certified {best:.10f}"
    if abs(off) <= tolerances.GAP * hearing.view.size:
        ruling = Ruling(Verdict.AGREE, Diagnosis.NONE, "")
    else:
        above = hearing.unprofiled(estimates_at(hearing.view, estimates.theta))
        left = max(abs(off) - abs(hearing.gap) - above, 0.0)
        ruling = evaluation(hearing, [left], [estimates.theta])
        if hearing.stop.verdict.rank < ruling.verdict.rank:
            ruling = Ruling(hearing.stop.verdict, hearing.stop.diagnosis, "")
        elif ruling.verdict is Verdict.AGREE:
            ruling = Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, "; the rounding of its evaluation")
    reached = digits("criterion", np.array(estimates.criterion), np.array(best))
    return hearing.against_best(
        4, "criterion", ruling.after(told), reached if score is None else score.digits["criterion"]
    )
