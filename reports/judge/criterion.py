"""Rung 3: the criterion at shared theta, free of any optimiser's noise."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from relmer.reference.answers import Answer, Status
from relmer.reports.evidence import digits, evaluable
from relmer.reports.judge.hearing import Hearing, Record, short, unsupported
from relmer.reports.judge.rounding import rounding
from relmer.reports.records import Comparison, Verdict


def judge_criterion(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Rung 3: the criterion at shared theta, free of any optimiser's noise."""
    mine = {point.theta: point.value for point in hearing.answer.criterion if point.value is not None}
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
                yield record(3, f"criterion, {kind}", Verdict.UNSUPPORTED, None, "no theta in common")
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
    peer, evaluator = hearing.peer, hearing.evaluator
    if evaluator is not None and evaluator.data is not None:
        asked = [theta for theta in thetas if hearing.view.takes(theta) and evaluable(theta)]
        return {theta: float(evaluator.at(theta).criterion) for theta in asked}, hearing.enclosed
    if peer is None:
        return {}, hearing.comparison
    houses = hearing.kin.houses
    fitted = [answer for answer in answers.values() if answer.status is Status.FITTED]
    house = [answer for answer in fitted if houses[answer.engine] == houses[peer.engine]]
    points = [point for a in (peer, *house) for point in reversed(a.criterion)]
    return {point.theta: point.value for point in points if point.value is not None}, hearing.comparison
