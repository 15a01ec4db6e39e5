"""Rung 5: the estimates, in digits, with the allowance that rung 4 gives them.

A quantity that differs from the reference by more than the rounding of the criterion leaves open is evaluated at the
engine's own theta. If the definition gives the same there, the difference is that of theta, and rung 4 has ruled on
theta: rung 5 follows from it. If not, the engine has evaluated its own theta in another way: by a convention that is
known, with a rounding that can be bounded, or wrongly.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from relmer.reference.answers import Answer, Status
from relmer.reports.evidence import (
    POWERS,
    QUANTITIES,
    Uncentred,
    allowance,
    by_path,
    convention,
    digits,
    estimates_at,
    marginal,
    moved_by,
    products,
    scales,
    tolerances,
    uncentred,
    unprofiled,
    values,
)
from relmer.reports.judge.hearing import AGREES, Hearing, Ruling, not_given
from relmer.reports.judge.margins import close, conditioned_at, harmless, margin, rounded_by
from relmer.reports.judge.rounding import difference
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import theta_names

MOST_NAMED = 4


@dataclass(frozen=True)
class Reference:
    """What estimates are held against.

    Attributes
    ----------
    values
        By quantity.
    theta, sigma
        Of the same fit; None where theta is not unique.
    gap
        How far above the best criterion it is itself.
    whose
        The engine; empty where it is proved.
    rounding
        What the engine may have lost by not centring the response; None where that is nothing.
    """

    values: Mapping[str, Array]
    theta: Sequence[float] | None
    sigma: float
    gap: float
    whose: str = ""
    rounding: Uncentred | None = None


def judge_estimates(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Every quantity against its certified value where there is one, else against another house's."""
    said = hearing.answer.estimates
    if said is None or not hearing.view.takes(said.theta) or hearing.answer.engine not in hearing.stops.gaps:
        yield not_given(hearing, 5)
        return
    mine, proved = values(said), hearing.proved
    other = nearest(hearing, answers)
    if other is None and not proved:
        yield not_given(hearing, 5)
        return
    at_own_theta = values_at(hearing, said.theta)
    for name in QUANTITIES:
        # G stands for theta where theta is not unique.
        shown = "G" if name == "theta" and proved and name not in proved else name
        if shown in proved:
            ruling = ruling_of(hearing, shown, mine[shown], of_certificate(proved), at_own_theta)
            score = hearing.score
            reached = digits(shown, mine[shown], proved[shown]) if score is None else score.digits[shown]
            yield hearing.certified(5, shown, ruling, reached)
        elif other is not None:
            yield held_against(hearing, other, name, mine[name], at_own_theta)


def of_certificate(proved: Mapping[str, Array]) -> Reference:
    """The proved values as a reference."""
    theta = proved["theta"].tolist() if "theta" in proved else None
    return Reference(values=proved, theta=theta, sigma=float(proved["sigma"][0]), gap=0.0)


def held_against(hearing: Hearing, other: Answer, name: str, mine: Array, at_own_theta: dict[str, Array]) -> Comparison:
    """Hold a quantity against another house's; where that stands at another optimum, evaluate both at its theta."""
    assert other.estimates is not None
    theirs = values(other.estimates)
    gap = max(hearing.stops.gaps.get(other.engine, 0.0), 0.0)
    if hearing.own and gap > tolerances.EARLY:
        ruling, reached = at_another_theta(hearing, other, gap, name, mine, at_own_theta)
    else:
        at = other.estimates
        moved = uncentred(hearing.view, at.theta) if hearing.own else None
        reference = Reference(
            values=theirs,
            theta=at.theta,
            sigma=at.sigma,
            gap=gap,
            whose=other.engine,
            rounding=moved if moved and moved.criterion else None,
        )
        ruling = ruling_of(hearing, name, mine, reference, at_own_theta)
        reached = digits(name, mine, theirs[name])
    kind = "relmer" if hearing.kin.is_own(other.engine) else "recorded" if other.recorded else "live"
    found = hearing.ruled(5, name, ruling, reached if mine.size else None)
    return hearing.named(found, kind, f"{other.engine} {other.version}")


def nearest(hearing: Hearing, answers: Mapping[str, Answer]) -> Answer | None:
    """The answer of another house that stands lowest; for an engine that is not ours, one of our own paths."""
    heard = [
        answers[name]
        for name in hearing.kin.peers(hearing.answer.engine)
        if name in answers and answers[name].status is Status.FITTED and name in hearing.stops.gaps
    ]
    steps = tolerances.GAP * hearing.view.size
    return min(heard, key=lambda one: max(hearing.stops.gaps[one.engine], steps), default=None)


def at_another_theta(
    hearing: Hearing, other: Answer, gap: float, name: str, mine: Array, at_own_theta: Mapping[str, Array]
) -> tuple[Ruling, float | None]:
    """Evaluate a path of ours at the theta where every other house stands: both must say the same there.

    What it says at its own theta must be what it gives there; where balls enclose that, no other house is needed.
    """
    assert other.estimates is not None
    elsewhere = f"{other.engine} stands {gap:.4g} above this optimum, which it has not reached"
    if name == "theta":
        return Ruling(hearing.stop.verdict, hearing.stop.diagnosis, elsewhere), None
    reached = digits(name, mine, at_own_theta[name])
    if not close(hearing, name, mine, at_own_theta[name], mine * 0.0):
        return unknown(hearing, name, mine, at_own_theta[name], mine * 0.0), reached
    assert hearing.answer.estimates is not None
    if is_proved(hearing, name, mine):
        return AGREES.saying(f"{elsewhere}; balls give the same at its own theta"), reached
    if not trusted(hearing, other):
        told = f"{elsewhere}, and it does not evaluate its own theta rightly"
        return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, told), None
    return there_too(hearing, other, name, elsewhere)


def is_proved(hearing: Hearing, name: str, mine: Array) -> bool:
    """Whether balls enclose a quantity at the engine's own theta, which are those of the definition there."""
    assert hearing.answer.estimates is not None
    theta = hearing.answer.estimates.theta
    found = hearing.evaluator.at(theta)
    if name in ("b", "fitted", "V_diagonal", "V_rowsum"):
        proved = hearing.evaluator.by_row(theta).get(name)
        return proved is not None and bool(np.all(close(hearing, name, mine, proved, proved * 0.0)))
    return found.proved and name in found.values


def there_too(hearing: Hearing, other: Answer, name: str, elsewhere: str) -> tuple[Ruling, float | None]:
    """Hold a path of ours against another house at the theta of that."""
    assert other.estimates is not None
    theirs = values(other.estimates)[name]
    try:
        there = by_path(hearing.view, hearing.answer.engine, other.estimates.theta)[name]
    except ModelError as error:
        return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, f"{elsewhere}; at its theta: {error}"), None
    reached = digits(name, there, theirs)
    told = f"{elsewhere}; at its theta both give the same"
    if close(hearing, name, there, theirs, there * 0.0):
        return AGREES.saying(told), reached
    moved = uncentred(hearing.view, other.estimates.theta)
    lost = replace(moved, criterion=max(products(hearing.view, other.estimates.theta), moved.criterion))
    if close(hearing, name, there, theirs, rounded_by(hearing, name, there, lost)):
        told += f" to the rounding of {other.engine}, which does not centre the response or takes differences of sums"
        small = close(hearing, name, there, theirs, harmless(hearing, name, there))
        ruling = Ruling(Verdict.WITHIN if small else Verdict.NOT_GIVEN, Diagnosis.ROUNDING, told)
        return ruling, reached if small else None
    return unknown(hearing, name, there, theirs, there * 0.0), reached


def trusted(hearing: Hearing, other: Answer) -> bool:
    """Whether another house evaluates the criterion at its own theta rightly, or at least harmlessly wrong."""
    assert other.estimates is not None
    value = float(hearing.evaluator.at(other.estimates.theta).criterion)
    return abs(other.estimates.criterion - value) <= tolerances.EARLY


def values_at(hearing: Hearing, theta: tuple[float, ...]) -> dict[str, Array]:
    """The definition's values at a theta; those that balls enclose by them."""
    found = hearing.evaluator.at(theta)
    enclosed = {name: np.array([float(value) for value in entries]) for name, entries in found.values.items()}
    return estimates_at(hearing.view, theta) | enclosed


def ruling_of(
    hearing: Hearing, name: str, mine: Array, reference: Reference, at_own_theta: Mapping[str, Array]
) -> Ruling:
    """Rule on one quantity."""
    if not np.all(np.isfinite(mine)):
        return Ruling(Verdict.FAILED, Diagnosis.NONE, f"entry {int(np.argmin(np.isfinite(mine))) + 1} is not a number")
    view, wanted = hearing.view, reference.values[name]
    if mine.shape != wanted.shape:
        return Ruling(Verdict.FAILED, Diagnosis.MODEL, f"{mine.size} values, the model has {wanted.size}")
    noise = np.sqrt(hearing.noise) + np.sqrt(reference.gap)
    floor = tolerances.SLACK * allowance(view, name, noise**2)
    if close(hearing, name, mine, wanted, floor):
        return AGREES.saying("within what the rounding of the criterion leaves open")
    if hearing.own and reference.rounding is not None:
        lost = allowance(view, name, (noise + np.sqrt(reference.rounding.criterion)) ** 2)
        lost = tolerances.SLACK * lost + rounded_by(hearing, name, wanted, reference.rounding)
        if close(hearing, name, mine, wanted, lost):
            small = close(hearing, name, mine, wanted, harmless(hearing, name, wanted))
            return rounded(Verdict.WITHIN if small else Verdict.NOT_GIVEN, reference.whose, reference.rounding)
    own = at_own_theta.get(name, mine)
    if name in ("theta", "G") or close(hearing, name, mine, own, floor * 0.0):
        reached = "" if name in ("theta", "G") else f" ({digits(name, mine, own):.1f} digits)"
        return following(hearing, name, reference, reached, apart(hearing, name, mine, wanted, floor))
    return at_the_same_theta(hearing, name, mine, reference, at_own_theta, floor)


def at_the_same_theta(
    hearing: Hearing, name: str, mine: Array, reference: Reference, at_own_theta: Mapping[str, Array], floor: Array
) -> Ruling:
    """Rule on a value that is not the definition's at its theta; where rounding is harmless, the rest is theta's."""
    wanted, own = reference.values[name], at_own_theta[name]
    found = evaluated_otherwise(hearing, name, mine, wanted, at_own_theta)
    if found is None:
        return unknown(hearing, name, mine, wanted, floor)
    rounds = found.verdict is Verdict.WRONG and found.diagnosis is Diagnosis.ROUNDING
    if rounds and close(hearing, name, mine, own, harmless(hearing, name, own)):
        reached = f" to its rounding ({digits(name, mine, own):.1f} digits)"
        return following(hearing, name, reference, reached, apart(hearing, name, mine, wanted, floor))
    return found


def evaluated_otherwise(
    hearing: Hearing, name: str, mine: Array, wanted: Array, at_own_theta: Mapping[str, Array]
) -> Ruling | None:
    """What accounts for a value that is not the definition's at the same theta: a convention, or its rounding."""
    view, own, said = hearing.view, at_own_theta[name], hearing.answer.estimates
    above = hearing.unprofiled(at_own_theta)
    at_sigma = {key: unprofiled(key, said, at_own_theta) for key in POWERS} if above and said is not None else {}
    if known := convention(view, name, mine, {**at_own_theta, **at_sigma}):
        worst = int(np.argmax(np.abs(mine - own)))
        told = f"{known}: the definition gives {own[worst]:.10g}, not {mine[worst]:.10g}"
        return Ruling(Verdict.WRONG, Diagnosis.CONVENTION, told)
    if hearing.own or said is None:
        return None
    if above:
        there = unprofiled(name, said, at_own_theta)
        if close(hearing, name, mine, there, moved_by(view, name, above, said)):
            told = f"its beta and sigma are those of a deviance {above:.1e} above the one at its theta"
            total = above + max(hearing.gap, 0.0)
            return Ruling(Verdict.EARLY if total <= tolerances.EARLY else Verdict.WRONG, Diagnosis.STOP, told)
    moved = uncentred(view, said.theta)
    small = close(hearing, name, mine, wanted, harmless(hearing, name, wanted))
    verdict = Verdict.WITHIN if small else Verdict.WRONG
    if close(hearing, name, mine, own, rounded_by(hearing, name, own, moved)):
        return rounded(verdict, hearing.answer.engine, moved)
    lost = replace(moved, criterion=max(products(view, said.theta), moved.criterion))
    if close(hearing, name, mine, own, rounded_by(hearing, name, own, lost)):
        return Ruling(verdict, Diagnosis.ROUNDING, difference(lost.criterion))
    slight = uncentred(view, said.theta, least=0.0)
    # What is harmless needs no threshold of how much is lost.
    moves = rounded_by(hearing, name, own, slight) + conditioned_at(hearing, said.theta, name, own)
    most = np.minimum(harmless(hearing, name, own), moves)
    return rounded(verdict, hearing.answer.engine, slight) if close(hearing, name, mine, own, most) else None


def rounded(verdict: Verdict, engine: str, moved: Uncentred) -> Ruling:
    """A difference that comes from not centring the response."""
    told = f"without centring, rounding may move {engine}'s criterion by {moved.criterion:.1e}"
    return Ruling(verdict, Diagnosis.ROUNDING, told)


def following(hearing: Hearing, name: str, reference: Reference, reached: str, entries: str) -> Ruling:
    """The difference is that of theta: rung 5 follows from rung 4."""
    stop, said = hearing.stop, hearing.answer.estimates
    assert said is not None
    if stop.verdict is not Verdict.AGREE:
        told = f"the definition gives the same at the engine's own theta{reached}: the difference comes from where it "
        return Ruling(stop.verdict, stop.diagnosis, f"{told}stopped, {hearing.gap:.1e} above the optimum")
    design, told = hearing.view.fit.design, f"the criterion is the same at both, to {hearing.noise:.0e}"
    if reference.theta is not None:
        mine, theirs = (
            marginal(design, at, s) for at, s in ((said.theta, said.sigma), (reference.theta, reference.sigma))
        )
        same = digits("V_diagonal", mine, theirs)
        if np.abs(mine - theirs).max(initial=0.0) <= tolerances.EVALUATION * np.abs(theirs).max(initial=0.0):
            told += f", and so is V, to {same:.1f} digits"
    return Ruling(Verdict.WITHIN, Diagnosis.UNIDENTIFIED, f"{told}: the data do not determine {entries}")


def apart(hearing: Hearing, name: str, mine: Array, wanted: Array, floor: Array) -> str:
    """Name the entries that differ."""
    design = hearing.view.fit.design
    labels: tuple[str, ...] = {"theta": theta_names(design.terms), "beta": design.coefficients}.get(name, ())
    differing = np.flatnonzero(np.abs(mine - wanted) > margin(hearing, name, wanted) + floor)
    named = [labels[k] if labels else str(k + 1) for k in differing[:MOST_NAMED]]
    rest = f" and {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
    return f"{name} [{', '.join(named)}]{rest}"


def unknown(hearing: Hearing, name: str, mine: Array, theirs: Array, floor: Array) -> Ruling:
    """Say where the difference is largest against what is allowed."""
    excess = np.abs(mine - theirs) / (floor + tolerances.EVALUATION * scales(name, theirs))
    worst = int(np.argmax(excess))
    told = f"entry {worst + 1}: {mine[worst]:.12g} against {theirs[worst]:.12g}, {excess[worst]:.1f} × the allowance"
    return Ruling(Verdict.WRONG, Diagnosis.UNKNOWN, told)
