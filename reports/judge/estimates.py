"""Rung 5: the estimates, in digits, with the allowance that rung 4 gives them."""

from collections.abc import Iterator

import numpy as np

from relmer.reference.answers import Answer
from relmer.reports.evidence import (
    QUANTITIES,
    allowance,
    digits,
    estimates_at,
    scales,
    tolerances,
    uncentred,
    values,
)
from relmer.reports.judge.hearing import Hearing, unsupported
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Verdict
from relmer.solver.arrays import Array

# Rounding that may move the criterion by more than this leaves the quadratic model behind: no digit is certain.
LOST = 1.0


def judge_estimates(hearing: Hearing) -> Iterator[Comparison]:
    """Every quantity against its certified value where there is one, else against the peer's."""
    estimates, peer, score = hearing.answer.estimates, hearing.peer, hearing.score
    proved = hearing.proved if score is not None else {}
    theirs = values(peer.estimates) if peer is not None and peer.estimates is not None else {}
    if estimates is None or not (proved or theirs):
        yield unsupported(hearing, 5)
        return
    mine = values(estimates)
    at_own_theta = estimates_at(hearing.view, estimates.theta) if not hearing.own else None
    for name in QUANTITIES:
        # G stands for theta where theta is not unique.
        shown = "G" if name == "theta" and proved and name not in proved else name
        if score is not None and shown in proved:
            verdict, evidence = verdict_of(hearing, shown, mine[shown], proved[shown], None, at_own_theta)
            yield hearing.certified(5, shown, verdict, score.digits[shown], evidence)
        elif name in theirs and mine[name].shape != theirs[name].shape:
            evidence = f"{mine[name].size} values against {theirs[name].size}"
            yield hearing.comparison(5, name, Verdict.WRONG, 0.0, evidence)
        elif name in theirs:
            verdict, evidence = verdict_of(hearing, name, mine[name], theirs[name], peer, at_own_theta)
            reached = digits(name, mine[name], theirs[name]) if mine[name].size else None
            yield hearing.comparison(5, name, verdict, reached, evidence)


def verdict_of(
    hearing: Hearing,
    name: str,
    mine: Array,
    reference: Array,
    peer: Answer | None,
    at_own_theta: dict[str, Array] | None,
) -> tuple[Verdict, str]:
    """Verdict on one quantity and the evidence for it; the reference is the peer's, or proved if that is None."""
    view = hearing.view
    its_gap = 0.0 if peer is None else max(hearing.gaps.get(peer.engine, 0.0), 0.0)
    noise = np.sqrt(tolerances.GAP * view.size) + np.sqrt(its_gap)
    floor = tolerances.SLACK * allowance(view, name, noise**2)
    if within(name, mine, reference, floor):
        return Verdict.AGREE, "within what the rounding of the criterion leaves open"
    if at_own_theta is not None and within(name, mine, at_own_theta[name], 0.0):
        reached = digits(name, mine, at_own_theta[name])
        return (
            Verdict.WITHIN,
            f"the definition gives the same at the engine's own theta ({reached:.1f} digits): the difference comes "
            f"from stopping {hearing.gaps.get(hearing.answer.engine, 0.0):.1e} above the optimum",
        )
    rounded = next((a for a in (hearing.answer, peer) if a and a.estimates and not hearing.kin.is_own(a.engine)), None)
    if rounded is not None and rounded.estimates is not None:
        moved = uncentred(view, rounded.estimates.theta)
        stretched = allowance(view, name, (noise + np.sqrt(moved.criterion)) ** 2)
        stretched = tolerances.SLACK * (stretched + (moved.residual if name == "b" else 0.0))
        if moved.criterion > LOST or (moved.criterion and within(name, mine, reference, stretched)):
            told = f"without centring the response, rounding may move {rounded.engine}'s criterion"
            return Verdict.WITHIN, f"{told} by {moved.criterion:.1e}"
    return unexplained(name, mine, reference, floor)


def within(name: str, value: Array, reference: Array, allowed: Array | float) -> bool:
    """Whether every entry is within the allowance and the rounding of an evaluation."""
    largest = np.abs(reference).max(initial=0.0) if name not in ("beta", "se") else np.abs(reference)
    return bool(np.all(np.abs(value - reference) <= allowed + tolerances.EVALUATION * largest))


def unexplained(name: str, mine: Array, theirs: Array, floor: Array) -> tuple[Verdict, str]:
    """Say where the difference is largest against what is allowed."""
    excess = np.abs(mine - theirs) / (floor + tolerances.EVALUATION * scales(name, theirs))
    worst = int(np.argmax(excess))
    told = f"entry {worst + 1}: {mine[worst]:.12g} against {theirs[worst]:.12g}, {excess[worst]:.1f} × the allowance"
    return Verdict.WRONG, told
