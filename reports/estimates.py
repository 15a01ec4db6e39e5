"""Rung 5: the estimates, in digits, with the allowance that rung 4 gives them."""

from collections.abc import Iterator

import numpy as np

from relmer.reports import tolerances
from relmer.reports.digits import digits
from relmer.reports.exact import exact_one_way, judge_exact
from relmer.reports.hearing import OWN, Hearing, unsupported
from relmer.reports.landscape import QUANTITIES, allowance, estimates_at, unexplained, values, within
from relmer.reports.records import Comparison
from relmer.solver.design import Array


def judge_estimates(hearing: Hearing) -> Iterator[Comparison]:
    """Every quantity against its exact value where there is one, else against the peer's."""
    estimates, peer = hearing.answer.estimates, hearing.peer
    if estimates is None or peer is None or peer.estimates is None:
        yield unsupported(hearing, 5)
        return
    if (exact := exact_one_way(hearing.view)) is not None:
        yield from judge_exact(hearing, exact)
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
