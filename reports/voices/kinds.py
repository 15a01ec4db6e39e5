"""What went wrong in a run, by kind: the worst of each first, and what follows from it for a reader's conclusions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from relmer.reports.causes import OPTIMUM, Cause, causes, scale_of
from relmer.reports.records import Comparison, Report, Said
from relmer.reports.text import number
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices.warned import doubts

OWN = "computed"


class Kind(StrEnum):
    """Kinds of what a reader should know, the gravest first.

    Attributes
    ----------
    means
        What it means for a conclusion, in a sentence.
    """

    means: str

    def __new__(cls, word: str, means: str) -> Self:
        """Make a member out of its word and its meaning."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.means = means
        return member

    FAILED = "no answer", "There is no result to use."
    OPTIMUM = "wrong optimum", "Its estimates are those of another fit: do not report them."
    OTHER = "other quantities", "It computes something else than its reader thinks."
    EARLY = "stops early", "Printed digits beyond the first few are not the optimum's; conclusions stand."
    DIGITS = "loses digits", "The doubles lose what the model is about: centre or rescale the data."
    WARNS = "warns without cause", "The fit is at the optimum: the warning can be set aside."


OF_DIAGNOSIS = {
    Diagnosis.FALSE_MINIMUM: Kind.OPTIMUM,
    Diagnosis.LOCAL_OPTIMUM: Kind.OPTIMUM,
    Diagnosis.NOT_STATIONARY: Kind.OPTIMUM,
    Diagnosis.STOP: Kind.OPTIMUM,
    Diagnosis.ROUNDING: Kind.DIGITS,
}


@dataclass(frozen=True)
class Told:
    """One engine, or several that do the same, on one case.

    Attributes
    ----------
    case, engines
        Where, and who.
    size
        How grave it is within its kind.
    text
        What happens, and what follows.
    accepted
        Whether the engine's owner has accepted it.
    """

    case: str
    engines: tuple[str, ...]
    size: float
    text: str
    accepted: bool = False


def kinds(report: Report) -> Mapping[Kind, tuple[Told, ...]]:
    """Every kind that occurs, the worst case of each first; engines that do the same on a case stand together."""
    judged = {engine.name for engine in report.engines if engine.source != OWN}
    found: dict[Kind, list[Told]] = {}
    for cause in causes(report.comparisons):
        kind = Kind.FAILED if cause.verdict is Verdict.FAILED else OF_DIAGNOSIS.get(cause.diagnosis, Kind.OTHER)
        found.setdefault(kind, []).append(of_cause(report, cause))
    for comparison in report.comparisons:
        if comparison.engine in judged and comparison.rung == OPTIMUM and comparison.verdict is Verdict.EARLY:
            found.setdefault(Kind.EARLY, []).append(of_stop(report, comparison))
    above: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in report.comparisons:
        if comparison.rung >= OPTIMUM:
            above.setdefault((comparison.case, comparison.engine), []).append(comparison)
    for said in report.answers:
        if said.engine in judged and (told := of_warning(said, above.get((said.case, said.engine), ()))):
            found.setdefault(Kind.WARNS, []).append(told)
    return {kind: together(found[kind]) for kind in Kind if kind in found}


def together(told: Iterable[Told]) -> tuple[Told, ...]:
    """Engines with the same text on a case as one, once; the largest first."""
    seen: dict[tuple[str, str], Told] = {}
    for one in told:
        key = one.case, one.text
        before = seen.get(key)
        engines = tuple(dict.fromkeys((*(before.engines if before else ()), *one.engines)))
        size = max(one.size, before.size if before else 0.0)
        seen[key] = Told(one.case, engines, size, one.text, one.accepted and (before is None or before.accepted))
    return tuple(sorted(seen.values(), key=lambda one: (one.accepted, -one.size)))


def of_cause(report: Report, cause: Cause) -> Told:
    """What breaks a run, in a sentence."""
    scale = scale_of(report, cause.case, cause.engine)
    size = scale.size(cause)
    if cause.verdict is Verdict.FAILED:
        text = cause.teller.evidence
    elif cause.diagnosis is Diagnosis.ROUNDING:
        fewest = fewest_digits(report, cause.case, cause.engine)
        text = "rounds away the criterion" + ("" if fewest is None else f": the worst estimate has {fewest:.1f} digits")
        return Told(cause.case, (cause.engine,), size, text, accepted=bool(cause.accepted))
    elif cause.rung == OPTIMUM:
        text = f"stops {size:.3g} above the optimum"
    else:
        text = f"{cause.diagnosis or cause.verdict} from rung {cause.rung} on ({cause.teller.quantity})"
    follows = "; ".join(filter(None, (text, *consequences(report, cause.case, cause.engine), says(scale.said))))
    return Told(cause.case, (cause.engine,), size, follows, accepted=bool(cause.accepted))


def of_stop(report: Report, comparison: Comparison) -> Told:
    """An early stop, in a sentence."""
    scale = scale_of(report, comparison.case, comparison.engine)
    size = scale.size_at_optimum(comparison) if scale.score is None else scale.score.optimiser_error
    fewest = fewest_digits(report, comparison.case, comparison.engine)
    digits = "" if fewest is None else f"; the worst estimate has {fewest:.1f} digits"
    return Told(comparison.case, (comparison.engine,), size, f"stops {size:.2g} above the optimum{digits}")


def of_warning(said: Said, own: Sequence[Comparison]) -> Told | None:
    """A warning that doubts a fit which is at the optimum, or as near as conclusions need; None if it is no such.

    Its `own` comparisons are those from the optimum on.
    """
    doubted = [text for text in said.warnings if doubts(text)]
    if not doubted or not own or any(not c.verdict.judged or c.verdict is Verdict.WRONG for c in own):
        return None
    gap = next((c.evidence.partition(",")[0].partition(";")[0] for c in own if c.rung == OPTIMUM), "")
    return Told(said.case, (said.engine,), float(len(doubted)), f"says “{doubted[0]}”, {gap}")


def consequences(report: Report, case: str, engine: str) -> Iterator[str]:
    """What changes of the standard errors, beside this project's fit: the largest ratio."""
    values = {said.engine: said.values for said in report.answers if said.case == case}
    own = next((values[e.name] for e in report.engines if e.source == OWN and values.get(e.name)), None)
    theirs = values.get(engine)
    if not own or not theirs:
        return
    pairs = [
        (mine, right)
        for mine, right in zip(theirs.get("se", ()), own.get("se", ()), strict=False)
        if mine is not None and right
    ]
    worst = max(pairs, key=lambda pair: abs(pair[0] / pair[1] - 1), default=None)
    if worst is not None and abs(worst[0] / worst[1] - 1) > 0.005:
        yield f"a standard error of {worst[0]:.3g} instead of {worst[1]:.3g}"


def says(said: Said | None) -> str:
    """What the engine itself says of its fit."""
    if said is None or said.status != "fitted":
        return ""
    return f"says only “{said.warnings[0]}”" if said.warnings else "says nothing"


def fewest_digits(report: Report, case: str, engine: str) -> float | None:
    """Fewest digits of the estimates of an engine on a case, by proved values where there are any."""
    score = scale_of(report, case, engine).score
    if score is not None:
        return min(score.digits.values())
    found = [c.digits for c in report.comparisons if (c.case, c.engine) == (case, engine) and c.rung > OPTIMUM]
    return min((digits for digits in found if digits is not None), default=None)


def decision(report: Report, found: Mapping[Kind, Sequence[Told]]) -> str:
    """What the run comes to, in one sentence."""
    if not report.comparisons:
        return "Nothing was compared."
    if report.broken:
        new = {
            (one.case, engine) for each in found.values() for one in each if not one.accepted for engine in one.engines
        }
        broken = {(c.case, c.engine) for c in report.comparisons if report.fails(c)}
        worst = next(iter(sorted(broken & new or broken)), None)
        where = f": {number(len(broken), 'fit')}, such as {worst[1]} on {worst[0]}" if worst else ""
        return f"This run fails{where}."
    wrong = {(c.case, c.engine) for c in report.comparisons if c.verdict is Verdict.WRONG}
    if wrong:
        known = f"{number(len(wrong), f'{Verdict.WRONG} fit')} {'is' if len(wrong) == 1 else 'are'} known and accepted"
        return f"This run passes: {known}, all others can be used."
    return "This run passes: every fit that could be judged can be used."
