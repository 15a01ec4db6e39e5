"""Rung 4: how far above the optimum an engine stopped, and why."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from relmer.reference.answer import Answer
from relmer.reports import tolerances
from relmer.reports.digits import digits
from relmer.reports.exact import SOURCE, exact_one_way
from relmer.reports.hearing import OWN, Hearing, same, unsupported
from relmer.reports.landscape import criterion_at, decrement_at
from relmer.reports.records import Comparison


def judge_optimum(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Rung 4: how far above the optimum the engine stopped, and whether it evaluates its own theta rightly."""
    estimates, view = hearing.answer.estimates, hearing.view
    if estimates is None:
        yield unsupported(hearing, 4)
        return
    if len(estimates.theta) != len(view.fit.theta):
        yield same(hearing, 4, "length of theta", len(estimates.theta), len(view.fit.theta))
        return
    noise = tolerances.GAP * view.size
    yield optimum(hearing, answers, noise)
    if hearing.answer.engine not in OWN:
        value = criterion_at(view, estimates.theta)
        agrees = abs(value - estimates.criterion) <= tolerances.CRITERION * view.size
        yield hearing.comparison(
            4,
            "criterion at its own theta",
            "agree" if agrees else "disagree",
            digits("criterion", np.array(estimates.criterion), np.array(value)),
            f"it printed {estimates.criterion:.10f}, the definition gives {value:.10f}",
        )
    exact = exact_one_way(view)
    if exact is not None:
        reached = float(exact.criterion)
        gap = estimates.criterion - reached
        allowed = noise + max(hearing.gaps[hearing.answer.engine], 0.0) * (1 + tolerances.DECREMENT)
        verdict = "agree" if abs(gap) <= noise else "explained" if abs(gap) <= allowed else "disagree"
        yield Comparison(
            hearing.case.name,
            hearing.answer.engine,
            4,
            "criterion, exact",
            verdict,
            digits("criterion", np.array(estimates.criterion), np.array(reached)),
            "exact",
            SOURCE,
            f"{gap:+.1e} from the exact optimum {reached:.10f}",
        )


def optimum(hearing: Hearing, answers: Mapping[str, Answer], noise: float) -> Comparison:
    """The gap, and whether an early stop explains it."""
    estimates, view, peer = hearing.answer.estimates, hearing.view, hearing.peer
    assert estimates is not None
    if hearing.answer.engine in OWN:
        assert peer is not None and peer.estimates is not None
        reference, mine = peer.estimates.criterion, estimates.criterion
    else:
        reference, mine = hearing.best, criterion_at(view, estimates.theta)
    gap = mine - reference
    record = partial(hearing.comparison, 4, "criterion at the optimum")
    reached = digits("criterion", np.array(mine), np.array(reference))
    if gap <= noise:
        return record("agree", reached, f"gap {gap:+.1e}, within rounding ({noise:.0e})")
    decrement = decrement_at(view, estimates.theta)
    in_basin = abs(decrement - gap) <= tolerances.DECREMENT * gap + noise
    if in_basin and gap <= tolerances.EARLY and hearing.answer.engine not in OWN:
        return record(
            "explained",
            reached,
            f"stopped early, {gap:.1e} above the optimum; the Newton decrement there is {decrement:.1e}",
        )
    tight = answers.get(f"{hearing.answer.engine}-tight")
    if tight is not None and hearing.gaps.get(tight.engine, np.inf) <= max(noise, gap * tolerances.DECREMENT):
        return record(
            "explained",
            reached,
            f"stopped {gap:.4g} above the optimum, which is no early stop (Newton decrement {decrement:.1e}) but a "
            "false minimum; the same engine, tight and with more than one optimiser, comes to "
            f"{hearing.gaps[tight.engine]:.1e}",
        )
    return record("disagree", reached, f"{gap:.4g} above the optimum; Newton decrement {decrement:.1e}")
