"""Rung 3: the criterion at shared theta, free of any optimiser's noise."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial

import numpy as np

from relmer.reference.answers import Answer, Status
from relmer.reports.evidence import (
    criterion_at,
    digits,
    evaluable,
    everywhere,
    misread,
    tolerances,
    uncentred,
)
from relmer.reports.judge.hearing import Hearing, Record, Ruling, not_given, short
from relmer.reports.judge.rounding import evaluation
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.arrays import Array

# What accounts for the values of an engine: whether it is a convention, and its name.
Cause = Callable[[], tuple[bool, str]]


def judge_criterion(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Rung 3: the criterion at shared theta, free of any optimiser's noise.

    A value that was asked for and is missing, or is not a number, has failed.
    """
    mine = {point.theta: nan_if_none(point.value) for point in hearing.answer.criterion}
    kinds = dict(hearing.points)
    listed = {theta for thetas in kinds.values() for theta in thetas}
    kinds["optimum"] = tuple(theta for theta in mine if theta not in listed)
    reference, record = at_shared_theta(hearing, answers, dict.fromkeys([*listed, *mine]))
    cause = cache(partial(cause_of, hearing, mine, reference))
    if not mine or not reference:
        yield not_given(hearing, 3)
        return
    undefined = {point.theta for point in hearing.answer.criterion if point.value is None}
    for kind, thetas in kinds.items():
        quantity = f"criterion, {kind}"
        lost = [theta for theta in thetas if theta in undefined]
        missing = [theta for theta in thetas if theta not in undefined and not np.isfinite(mine.get(theta, np.nan))]
        common = [theta for theta in thetas if theta in reference and np.isfinite(mine.get(theta, np.nan))]
        if missing:
            told = f"no value at ({short(missing[0])}), {counted(missing, thetas)}"
            yield record(3, quantity, Ruling(Verdict.FAILED, Diagnosis.NONE, told), None)
        elif common:
            value = np.array([mine[theta] for theta in common])
            wanted = np.array([reference[theta] for theta in common])
            ruling = ruling_of(hearing, common, value, wanted, cause)
            if ruling.verdict is Verdict.WRONG and hearing.own and record == hearing.ruled:
                ruling = peers_rounding(hearing, common, value, wanted) or ruling
            yield record(3, quantity, ruling, digits("criterion", value, wanted))
        elif kind != "optimum" and not lost:
            yield record(3, quantity, Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, "no theta in common"), None)
        if lost:
            told = f"it says that its criterion is not defined at ({short(lost[0])}), {counted(lost, thetas)}"
            yield record(3, f"{quantity}, undefined", Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, told), None)


def counted(some: Sequence[tuple[float, ...]], thetas: Sequence[tuple[float, ...]]) -> str:
    """How many theta of all that were asked."""
    return f"one of {len(thetas)} theta" if len(some) == 1 else f"one of {len(some)} of {len(thetas)} theta"


def nan_if_none(value: float | None) -> float:
    """A value of the criterion; no number where the engine says that it has none."""
    return float("nan") if value is None else value


def ruling_of(hearing: Hearing, thetas: list[tuple[float, ...]], value: Array, wanted: Array, cause: Cause) -> Ruling:
    """Rule on values of the criterion at some theta."""
    error = np.abs(value - wanted)
    worst = int(np.argmax(error))
    told = f"{len(thetas)} theta; largest difference {error[worst]:.1e} at ({short(thetas[worst])})"
    ruling = evaluation(hearing, error.tolist(), thetas, shared=True)
    if ruling.verdict is Verdict.WRONG and hearing.view.takes(thetas[worst]):
        is_convention, known = cause()
        if is_convention:
            ruling = Ruling(Verdict.WRONG, Diagnosis.CONVENTION, f"; it is the criterion {known}")
        elif ruling.diagnosis is Diagnosis.CRITERION and known:
            ruling = ruling.saying(f"; it is the criterion {known}")
    return ruling.after(told)


def cause_of(
    hearing: Hearing, said: Mapping[tuple[float, ...], float], reference: Mapping[tuple[float, ...], float]
) -> tuple[bool, str]:
    """What gives all the values that an engine says, wherever it was asked; nothing if nothing known does.

    At one kind of theta alone two slips may give the same: at zero log|RX|^2 is log|X'WX|.
    """
    thetas = [theta for theta in said if theta in reference and np.isfinite(said[theta])]
    value, wanted = (np.array([values[theta] for theta in thetas]) for values in (said, reference))
    if known := everywhere(hearing.view, thetas, value, wanted):
        return True, known
    return False, misread(hearing.view, thetas, value, wanted)


def peers_rounding(hearing: Hearing, thetas: list[tuple[float, ...]], value: Array, wanted: Array) -> Ruling | None:
    """Harmless for a path of ours if the definition gives its values, and the other side's rounding may give theirs.

    However little that loses: an excuse for nobody, it needs no threshold.
    """
    view, peer = hearing.view, hearing.peer
    if peer is None or hearing.kin.is_own(peer.engine) or not all(map(view.takes, thetas)):
        return None
    by_definition = np.array([criterion_at(view, theta) for theta in thetas])
    moved = [uncentred(view, theta, least=0.0).criterion for theta in thetas]
    if np.any(np.abs(value - by_definition) > tolerances.CRITERION * view.size) or np.any(
        np.abs(value - wanted) > moved
    ):
        return None
    told = f"{len(thetas)} theta, as the definition; largest difference {np.abs(value - wanted).max():.1e}"
    why = f"; {peer.engine} does not centre, and rounding may move its values by {max(moved):.1e}"
    return Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, told + why)


def at_shared_theta(
    hearing: Hearing, answers: Mapping[str, Answer], thetas: Iterable[tuple[float, ...]]
) -> tuple[dict[tuple[float, ...], float], Record]:
    """What the criterion is held against at each theta: balls where there are, else the peer's house."""
    peer, evaluator = hearing.peer, hearing.evaluator
    if evaluator.data is not None:
        asked = [theta for theta in thetas if hearing.view.takes(theta) and evaluable(theta)]
        found = {theta: evaluator.at(theta) for theta in asked}
        if all(one.proved for one in found.values()):
            return {theta: float(one.criterion) for theta, one in found.items()}, hearing.enclosed
    if peer is None:
        return {}, hearing.ruled
    houses = hearing.kin.houses
    fitted = [answer for answer in answers.values() if answer.status is Status.FITTED]
    house = [answer for answer in fitted if houses[answer.engine] == houses[peer.engine]]
    said = {point.theta: nan_if_none(point.value) for a in (peer, *house) for point in reversed(a.criterion)}
    return {theta: value for theta, value in said.items() if np.isfinite(value)}, hearing.ruled
