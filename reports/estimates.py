"""Rung 5: the estimates, in digits, with the allowance that rung 4 gives them."""

from collections.abc import Iterator

import numpy as np

from relmer.reports import tolerances
from relmer.reports.digits import digits, scales
from relmer.reports.exact import exact_one_way, exact_values
from relmer.reports.hearing import OWN, Hearing, unsupported
from relmer.reports.landscape import QUANTITIES, allowance, estimates_at, values
from relmer.reports.records import Comparison
from relmer.solver.design import Array


def judge_estimates(hearing: Hearing) -> Iterator[Comparison]:
    """Every quantity against the peer's."""
    estimates, peer = hearing.answer.estimates, hearing.peer
    if estimates is None or peer is None or peer.estimates is None:
        yield unsupported(hearing, 5)
        return
    mine, theirs = values(estimates), values(peer.estimates)
    at_own_theta = estimates_at(hearing.view, estimates.theta) if hearing.answer.engine not in OWN else None
    for name in QUANTITIES:
        if mine[name].shape != theirs[name].shape:
            evidence = f"{mine[name].size} values against {theirs[name].size}"
            yield hearing.comparison(5, name, "disagree", 0.0, evidence)
            continue
        verdict, evidence = verdict_of(hearing, name, mine[name], theirs[name], at_own_theta)
        reached = digits(name, mine[name], theirs[name]) if mine[name].size else None
        yield hearing.comparison(5, name, verdict, reached, evidence)


def within(name: str, value: Array, reference: Array, allowed: Array | float) -> bool:
    """Whether every entry is within the allowance and the rounding of an evaluation."""
    largest = np.abs(reference).max(initial=0.0) if name not in ("beta", "se") else np.abs(reference)
    return bool(np.all(np.abs(value - reference) <= allowed + tolerances.EVALUATION * largest))


def verdict_of(
    hearing: Hearing, name: str, mine: Array, theirs: Array, at_own_theta: dict[str, Array] | None
) -> tuple[str, str]:
    """Verdict on one quantity and the evidence for it."""
    view = hearing.view
    noise = tolerances.GAP * view.size
    engine_gap = hearing.gaps.get(hearing.answer.engine, 0.0)
    peer_gap = hearing.gaps.get(hearing.peer.engine, 0.0) if hearing.peer else 0.0
    root = np.sqrt(noise) + np.sqrt(max(peer_gap, 0.0))
    floor = tolerances.SLACK * allowance(view, name, root**2)
    if within(name, mine, theirs, floor):
        return "agree", "within what the rounding of the criterion leaves open"
    if at_own_theta is None:
        return unexplained(name, mine, theirs, floor)
    if within(name, mine, at_own_theta[name], 0.0):
        reached = digits(name, mine, at_own_theta[name])
        return (
            "explained",
            f"the definition gives the same at the engine's own theta ({reached:.1f} digits): the difference comes "
            f"from stopping {engine_gap:.1e} above the optimum",
        )
    return unexplained(name, mine, theirs, floor)


def unexplained(name: str, mine: Array, theirs: Array, floor: Array) -> tuple[str, str]:
    """Say where the difference is largest against what is allowed."""
    excess = np.abs(mine - theirs) / (floor + tolerances.EVALUATION * scales(name, theirs))
    worst = int(np.argmax(excess))
    return (
        "disagree",
        f"entry {worst + 1}: {mine[worst]:.12g} against {theirs[worst]:.12g}, {excess[worst]:.1f} × the allowance",
    )


def judge_exact(hearing: Hearing) -> Iterator[Comparison]:
    """The quantities that a closed form gives, against their exact values."""
    exact, estimates = exact_one_way(hearing.view), hearing.answer.estimates
    if exact is None or estimates is None:
        return
    mine = values(estimates)
    gap = max(hearing.gaps[hearing.answer.engine], 0.0)
    noise = tolerances.GAP * hearing.view.size
    for name, reference in exact_values(exact).items():
        floor = tolerances.SLACK * allowance(hearing.view, name, noise)
        stretched = tolerances.SLACK * allowance(hearing.view, name, (np.sqrt(gap) + np.sqrt(noise)) ** 2)
        verdict, evidence = "agree", "within what the rounding of the criterion leaves open"
        if not within(name, mine[name], reference, floor):
            if within(name, mine[name], reference, stretched):
                verdict, evidence = "explained", f"within what a stop {gap:.1e} above the optimum leaves open"
            else:
                verdict, evidence = unexplained(name, mine[name], reference, stretched)
        yield Comparison(
            hearing.case.name,
            hearing.answer.engine,
            5,
            f"{name}, exact",
            verdict,
            digits(name, mine[name], reference),
            "exact",
            "rational analysis of variance",
            evidence,
        )
