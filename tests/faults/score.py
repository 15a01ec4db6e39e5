"""The score: every fault on every case, what the judge said of it, and the counts by rung."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from relmer.reports.records import Comparison
from relmer.reports.verdicts import Verdict

from .bank import FAULTS
from .court import court
from .fault import Fault
from .showing import Showing, showing


class Outcome(StrEnum):
    """What the judge made of a planted fault.

    Detected: something is wrong, failed, or an early stop; excused: it only differs harmlessly; passed: all agrees;
    broke: the judge raised an error.
    """

    DETECTED = "detected"
    EXCUSED = "excused"
    PASSED = "passed"
    BROKE = "broke"


@dataclass(frozen=True)
class Result:
    """A fault on a case.

    Attributes
    ----------
    fault, case
        Their names.
    showing
        Whether it must show, by theory.
    outcome
        What the judge made of it.
    rung
        The first that failed; 0 if none did.
    localised
        Whether that is the fault's.
    named
        Whether the evidence there has its words; of what nobody sees, whether it is told.
    told
        The evidence of that rung.
    """

    fault: str
    case: str
    showing: Showing
    outcome: Outcome
    rung: int
    localised: bool
    named: bool
    told: str


def tried(fault: Fault, case: str) -> Result | None:
    """Plant a fault on a case and hear the judge; None where the case has no room for it."""
    at = court(case)
    if not fault.where.holds(at):
        return None
    planted = fault.plant(at)
    if planted is None:
        return None
    shows = showing(fault, at, planted)
    if fault.silent:
        planted = replace(planted, data=None, model=None)
    if fault.cut is not None:
        planted = fault.cut(at, planted)
    try:
        found = at.judge(planted)
    except Exception as error:
        return Result(fault.name, case, shows, Outcome.BROKE, 0, False, False, repr(error))
    return heard(fault, case, shows, found)


def heard(fault: Fault, case: str, shows: Showing, found: list[Comparison]) -> Result:
    """What the judge's comparisons come to."""
    broken = [c for c in found if c.verdict.breaks or (c.verdict is Verdict.EARLY and c.rung == 4)]
    if not broken:
        differing = [c for c in found if c.verdict in (Verdict.WITHIN, Verdict.EARLY)]
        told = "; ".join(c.evidence for c in differing)
        outcome = Outcome.EXCUSED if differing else Outcome.PASSED
        named = bool(fault.hidden and re.search(fault.words, told))
        return Result(fault.name, case, shows, outcome, 0, False, named, told)
    rung = min(c.rung for c in broken)
    there = [c for c in broken if c.rung == rung]
    named = [c for c in there if not fault.quantity or c.quantity == fault.quantity]
    localised = rung == fault.rung
    found_words = localised and any(re.search(fault.words, c.evidence) for c in named)
    told = "; ".join(f"{c.quantity}: {c.evidence}" for c in there)
    return Result(fault.name, case, shows, Outcome.DETECTED, rung, localised, found_words, told)


@dataclass(frozen=True)
class Count:
    """What became of the pairs of a fault and a case, of one rung or of all.

    Attributes
    ----------
    faults
        How many there are.
    pairs
        Faults times cases where each must show.
    detected, localised, named
        How many of these were found, on the right rung, with the right words.
    excused, missed
        How many passed as harmless, and how many as agreement, or broke the judge.
    hidden
        Pairs that nobody can see.
    accused
        How many of these were called wrong all the same, where the fault can nowhere be seen.
    edge
        Pairs within twice of what rounding may do: nobody is held to them.
    """

    faults: int
    pairs: int
    detected: int
    localised: int
    named: int
    excused: int
    missed: int
    hidden: int
    accused: int
    edge: int


def counted(found: Iterable[Result], rung: int = 0) -> Count:
    """Count the results of a rung, or of all."""
    own = [r for r in found if not rung or FAULTS[r.fault].rung == rung]
    must = [r for r in own if r.showing is Showing.MUST]
    hidden = [r for r in own if r.showing is Showing.CANNOT]
    outcomes = [r.outcome for r in must]
    return Count(
        faults=sum(not rung or fault.rung == rung for fault in FAULTS.values()),
        pairs=len(must),
        detected=outcomes.count(Outcome.DETECTED),
        localised=sum(r.localised for r in must),
        named=sum(r.named for r in must),
        excused=outcomes.count(Outcome.EXCUSED),
        missed=outcomes.count(Outcome.PASSED) + outcomes.count(Outcome.BROKE),
        hidden=len(hidden),
        accused=sum(bool(FAULTS[r.fault].hidden) and r.outcome is not Outcome.PASSED and not told(r) for r in hidden),
        edge=sum(r.showing is Showing.EDGE for r in own),
    )


def told(result: Result) -> bool:
    """Whether a fault that nobody sees passed, as harmless and with its words."""
    return result.outcome is Outcome.EXCUSED and result.named


def results(cases: Iterable[str], faults: Iterable[Fault] = ()) -> Iterator[Result]:
    """Every fault on every case that has room for it."""
    for case in cases:
        for fault in faults or FAULTS.values():
            if (result := tried(fault, case)) is not None:
                yield result
