"""Engines held against each other, where this project's solver refuses the model and so nothing else is known.

What engines of different houses say alike, agrees; where they differ nobody can say here who is right, and nobody is
accused. But for one thing: an engine whose own criterion is lower at a theta that another has found has stopped above
its optimum, in its own words, if there is one.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from relmer.datasets import Case
from relmer.reference.answers import Answer, Fingerprint, Status
from relmer.reference.engines import Kin
from relmer.reports.evidence import QUANTITIES, digits, tolerances
from relmer.reports.judge.hearing import short, told
from relmer.reports.judge.inference import told as concluded
from relmer.reports.judge.questions import OF_LIKELIHOOD
from relmer.reports.records import MOST, OF_A_FIT, RUNGS, Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.arrays import Array

PARTS = ("coefficients", "terms", "theta_names", "X", "Z", "Lambda")


@dataclass(frozen=True)
class Likeness:
    """How an answer's quantity stands beside another's: the verdict, how many digits they share, what is said."""

    verdict: Verdict
    digits: float | None
    told: str


def judge_each_other(
    case: Case, answers: Mapping[str, Answer], judged: Collection[str], refusal: str, kin: Kin, unbounded: bool
) -> Iterator[Comparison]:
    """Judge the answers to a model that this project refuses, for the reason `refusal`.

    Own paths are unsupported; so is an engine that has no fit, or that no other house has one beside. Where the
    criterion is `unbounded` there is no optimum, and nobody has stopped above it.
    """
    fitted = {name: said for name, said in answers.items() if said.status is Status.FITTED and not kin.is_own(name)}
    for name in judged:
        said = answers[name]
        houses = dict.fromkeys(kin.houses[one] for one in fitted if kin.houses[one] != kin.houses[name])
        others = [speaker(house, fitted, kin) for house in houses]
        own = None if unbounded else stop(said, fitted)
        if name not in fitted or not (others or own):
            yield from unjudged(case, said, refusal)
            continue
        found = list(beside(said, others))
        if own is not None:
            found.append((4, "its own criterion", own))
        for rung, quantity, alike in found:
            yield compared(case, said, others, rung, quantity, alike, refusal)
        for rung in OF_A_FIT - {rung for rung, *_ in found}:
            none = Likeness(Verdict.NOT_GIVEN, None, "nothing that two of them tell")
            yield compared(case, said, others, rung, RUNGS[rung], none, refusal)


def speaker(house: str, fitted: Mapping[str, Answer], kin: Kin) -> Answer:
    """The answer that stands for a house: its witness's, else its first."""
    own = [name for name in fitted if kin.houses[name] == house]
    witness = kin.witnesses.get(house)
    return fitted[witness if witness in own else own[0]]


def beside(said: Answer, others: Collection[Answer]) -> Iterator[tuple[int, str, Likeness]]:
    """Every quantity beside that of all others who tell it."""
    mine = dict(quantities(said))
    theirs = [(other, dict(quantities(other))) for other in others]
    for (rung, quantity), value in mine.items():
        found = [
            (other, likeness(quantity, value, values[rung, quantity], other))
            for other, values in theirs
            if (rung, quantity) in values
        ]
        if found:
            yield rung, quantity, together(found)


def quantities(said: Answer) -> Iterator[tuple[tuple[int, str], Any]]:
    """All that an answer tells, by rung and quantity."""
    if said.data is not None:
        yield (1, "rows"), said.data.rows
        yield (1, "response"), said.data.response_sha256
        yield from (((1, f"levels of {group}"), seen) for group, seen in said.data.groupings.items())
    for part in PARTS:
        if (value := getattr(said.model, part, None)) is not None:
            yield (2, part.replace("_", " ")), value
    for asked in said.criterion:
        if asked.value is not None:
            yield (3, f"criterion at theta {short(asked.theta)}"), np.array([asked.value])
    if said.estimates is not None:
        yield (4, "criterion"), np.array([said.estimates.criterion])
        for name in QUANTITIES:
            yield (5, name), np.ravel(np.asarray(getattr(said.estimates, name), dtype=float))
    if said.inference is not None:
        yield from (((6, one.shown), one.value) for one in concluded(said.inference))


def likeness(quantity: str, mine: Any, theirs: Any, other: Answer) -> Likeness:
    """Compare one quantity with another engine's."""
    if isinstance(mine, Fingerprint):
        return matrices_alike(quantity, mine, theirs)
    if isinstance(mine, np.ndarray) and mine.shape == theirs.shape:
        return numbers_alike(quantity, mine, theirs, other)
    if isinstance(mine, np.ndarray):
        return Likeness(Verdict.UNSUPPORTED, None, f"{len(mine)} entries against {len(theirs)}")
    if mine == theirs:
        return Likeness(Verdict.AGREE, None, f"the same: {told(mine)}")
    return Likeness(Verdict.UNSUPPORTED, None, f"{told(mine)} against {told(theirs)}")


def numbers_alike(quantity: str, mine: Array, theirs: Array, other: Answer) -> Likeness:
    """Compare numbers with those of another engine."""
    reached = digits("criterion" if quantity.startswith("criterion") else quantity, mine, theirs)
    off = np.abs(mine - theirs)
    worst = f"{reached:.1f} digits, at most {off.max(initial=0.0):.2e} apart"
    if np.all(off <= rounding(quantity, theirs, other)):
        return Likeness(Verdict.AGREE, reached, worst)
    if np.all(off <= harmless(quantity, theirs, other)):
        return Likeness(Verdict.WITHIN, reached, worst)
    return Likeness(Verdict.UNSUPPORTED, reached, worst)


def matrices_alike(name: str, mine: Fingerprint, theirs: Fingerprint) -> Likeness:
    """Compare two matrices by their digests, else by their sums."""
    if mine == theirs:
        return Likeness(Verdict.AGREE, MOST, "the same bits")
    if mine.shape != theirs.shape:
        return Likeness(Verdict.UNSUPPORTED, None, f"{told(mine.shape)} against {told(theirs.shape)}")
    reached = digits(name, np.array([mine.total, mine.weighted]), np.array([theirs.total, theirs.weighted]))
    alike = reached >= -np.log10(tolerances.MATRIX)
    return Likeness(Verdict.AGREE if alike else Verdict.UNSUPPORTED, reached, f"sums agree to {reached:.1f} digits")


def rows(said: Answer) -> int:
    """How many rows an answer has."""
    return len(said.estimates.fitted) if said.estimates is not None else 0


def rounding(quantity: str, value: Array, said: Answer) -> Array:
    """What two right programs may differ by: of the criterion n + |criterion| stands for the size of its parts."""
    if quantity.startswith("criterion") or quantity in OF_LIKELIHOOD:
        return np.asarray(tolerances.CRITERION * (rows(said) + np.abs(value)))
    return np.full(value.shape, tolerances.EVALUATION * np.abs(value).max(initial=0.0))


def harmless(quantity: str, value: Array, said: Answer) -> Array:
    """What moves no conclusion: 1e-3 of the criterion at the optimum, 3 % of an estimate's own standard error.

    What has no standard error of its own has that of the residual variance, relative; a fitted value, a random effect
    and its conditional SD that of a mean of n rows; t has 1.
    """
    part, n, size = np.sqrt(tolerances.EARLY), max(rows(said), 1), np.abs(value)
    match "fitted" if "prediction" in quantity else quantity:
        case "criterion" | "AIC" | "BIC":
            bound = tolerances.EARLY
        case "logLik":
            bound = tolerances.EARLY / 2
        case "t":
            bound = part
        case "beta" if said.estimates is not None:
            bound = part * np.array(said.estimates.se)
        case "Wald interval" if said.estimates is not None:
            bound = part * np.tile(said.estimates.se, 2)
        case "b" | "fitted" | "conditional SD" if said.estimates is not None:
            bound = part * said.estimates.sigma / np.sqrt(n)
        case "sigma" | "se":
            bound = part / np.sqrt(2 * n) * size
        case _ if quantity.startswith("criterion"):
            bound = 0.0
        case _:
            bound = part * np.sqrt(2 / n) * size
    return np.asarray(np.zeros(value.shape) + bound)


def together(found: Collection[tuple[Answer, Likeness]]) -> Likeness:
    """How a quantity stands beside several engines': as it does beside the one that it is least like."""
    order = (Verdict.UNSUPPORTED, Verdict.WITHIN, Verdict.AGREE)
    worst = min((alike for _, alike in found), key=lambda alike: order.index(alike.verdict))
    said = "; ".join(f"{other.engine} {other.version}".rstrip() + f": {alike.told}" for other, alike in found)
    return Likeness(worst.verdict, min((a.digits for _, a in found if a.digits is not None), default=None), said)


def stop(said: Answer, fitted: Mapping[str, Answer]) -> Likeness | None:
    """Whether an engine's own criterion is lower at a theta that another engine found; None if it was asked nowhere."""
    if said.estimates is None:
        return None
    found = {o.estimates.theta: o.engine for o in fitted.values() if o.estimates and o.engine != said.engine}
    at = {asked.theta: asked.value for asked in said.criterion if asked.value is not None}
    own = at.get(said.estimates.theta)
    lower = {theta: value for theta, value in at.items() if theta in found and theta != said.estimates.theta}
    if own is None or not lower:
        return None
    best = min(lower, key=lambda theta: lower[theta])
    gap = own - lower[best]
    where = f"{own:.10f} where it stopped, {lower[best]:.10f} where {found[best]} did"
    noise = tolerances.GAP * (rows(said) + abs(own))
    reached = digits("criterion", np.array([own]), np.array([lower[best]]))
    verdict = Verdict.AGREE if gap <= noise else Verdict.EARLY if gap <= tolerances.EARLY else Verdict.WRONG
    return Likeness(verdict, reached, f"gap {gap:+.1e}: its own criterion is {where}")


DIAGNOSES = {Verdict.EARLY: Diagnosis.STOP, Verdict.WRONG: Diagnosis.UNKNOWN, Verdict.WITHIN: Diagnosis.STOP}


def compared(
    case: Case, said: Answer, others: Collection[Answer], rung: int, quantity: str, alike: Likeness, refusal: str
) -> Comparison:
    """Record a comparison with the other engines; what differs is not judged, and says why."""
    evidence, verdict = alike.told, alike.verdict
    if verdict is Verdict.UNSUPPORTED:
        evidence = f"they differ, and who is right is not known: {evidence}"
    if verdict is Verdict.AGREE and not others:
        verdict = Verdict.NOT_GIVEN
    if verdict not in (Verdict.AGREE, Verdict.WITHIN):
        evidence += f"; {refusal}"
    return Comparison(
        case=case.name,
        engine=said.engine,
        rung=rung,
        quantity=quantity,
        verdict=verdict,
        digits=alike.digits,
        kind="recorded" if any(other.recorded for other in others) else "live",
        reference=", ".join(f"{other.engine} {other.version}".rstrip() for other in others) or said.engine,
        evidence=evidence,
        diagnosis=DIAGNOSES.get(verdict, Diagnosis.NONE),
    )


def unjudged(case: Case, said: Answer, reason: str, verdict: Verdict = Verdict.UNSUPPORTED) -> Iterator[Comparison]:
    """The same on all rungs: why the engine gave no answer, or why its answer cannot be judged."""
    if said.status is not Status.FITTED:
        verdict = Verdict.FAILED if said.status is Status.FAILED else Verdict.UNSUPPORTED
        reason = said.message
    for rung in sorted(OF_A_FIT):
        yield Comparison(
            case=case.name,
            engine=said.engine,
            rung=rung,
            quantity=RUNGS[rung],
            verdict=verdict,
            digits=None,
            kind="none",
            reference="none",
            evidence=reason,
        )
