"""Whether an engine keeps a law: both problems are asked, and its two answers are held against the law's equation.

What is measured is the definition's criterion at the engine's theta, over the lowest value that is known: the law's
equation gives one out of this project's optimum of the given problem, its own search of the other problem another. So a
stop that is too high is seen whatever the engine tells; what it tells beyond theta has to move as the law says.

A law is broken by

- an excess over that value of more than `EARLY`, the largest gap that the report takes for an early stop, and what
  rounding takes at this theta;
- a criterion that is told, less the definition's at the same theta, which the law does not move as the rest: by more
  than as much;
- beta or sigma that miss the law's map by more than the definition's own values at the two thetas do, and `HARMLESS`
  of their standard error (for sigma, of sigma / sqrt(2 n)): the report's harmless difference;
- standard errors, variances or covariances that are off the definition's at their own theta by `HARMLESS` of themselves
  (a covariance of the two standard deviations) more than those of the given problem are: by which convention they
  are told plays no part;
- an error, where the given problem had an answer.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relmer.reference.answers import Answer, Estimates, Status
from relmer.reference.engines import Engine, answer
from relmer.reports.evidence import Landscape, criterion_at, estimates_at, landscape, rounding_at, tolerances
from relmer.reports.laws.law import Law, unchanged
from relmer.reports.laws.problem import Problem, case_of
from relmer.solver.model import Design

HARMLESS = 0.03
FEWEST_GROUPS = 3
REFUSALS = (ValueError, ArithmeticError, KeyError)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one law on one problem.

    Attributes
    ----------
    law, engine, case
        Their names.
    rows
        Of the transformed problem.
    excess
        Of the criterion over the lowest known; NaN where there is none.
    broken
        What is broken, in words; empty where nothing is.
    silent
        Why there is nothing to judge: the engine does not take the problem.
    """

    law: str
    engine: str
    case: str
    rows: int
    excess: float = math.nan
    broken: str = ""
    silent: str = ""


@dataclass(frozen=True)
class Heard:
    """An engine's answer to a problem, with the landscape in which it stands."""

    said: Answer
    view: Landscape


def heard(engine: Engine, problem: Problem, at_zero: bool = False, seconds: float | None = None) -> Heard:
    """Ask an engine, and this project's solver for the landscape."""
    with case_of(problem) as case:
        view = landscape(case)
        thetas = [(0.0,) * len(view.fit.optimum.theta)] if at_zero else []
        asked = ("criterion",) if at_zero else ("fit",)
        said = answer(engine, case, thetas, asked=asked, seconds=seconds)
    return Heard(said, view)


def outcome(
    law: Law, engine: Engine, problem: Problem, seconds: float | None = None, before: Heard | None = None
) -> Outcome:
    """Whether an engine keeps a law on a problem; `before` is its answer to it, where that is known.

    Raises
    ------
    ModelError
        This project's solver refuses one of the two problems.
    """
    given, other = law.given(problem), law.transformed(problem)
    found = Outcome(law=law.name, engine=engine.name, case=problem.name, rows=len(other.frame))
    after = heard(engine, other, law.at_zero, seconds)
    if law.at_zero and law.closed is not None:
        return at_zero(found, after, law.closed(problem))
    if before is None or law.given is not unchanged:
        before = after if law.closed is not None else heard(engine, given, False, seconds)
    if before.said.estimates is None and law.closed is None:
        return replace(found, silent=before.said.message or "no estimates of the given problem")
    if after.said.estimates is None:
        if after.said.status is Status.FAILED:
            return replace(found, broken=f"an error: {after.said.message}")
        return replace(found, silent=after.said.message or "no estimates")
    return judged(found, law, problem, before, after)


def at_zero(found: Outcome, after: Heard, closed: float) -> Outcome:
    """Hold the criterion at theta = 0 against its closed form."""
    value = next((asked.value for asked in after.said.criterion), None)
    if value is None:
        return replace(found, silent=after.said.message or "tells no criterion at a theta")
    off = abs(value - closed)
    words = f"the criterion is {off:.3g} off" if off > tolerances.EARLY else ""
    return replace(found, excess=off, broken=words)


def judged(found: Outcome, law: Law, problem: Problem, before: Heard, after: Heard) -> Outcome:
    """Hold two answers against a law."""
    first, second = before.said.estimates, after.said.estimates
    assert second is not None
    if not after.view.takes(second.theta) or (first and not before.view.takes(first.theta)):
        return replace(found, broken="theta of another length than the model's")
    if not np.all(np.isfinite(second.theta)):
        return replace(found, broken="theta is not a finite number")
    best, stands = lowest(law, problem, before, after), criterion_at(after.view, second.theta)
    excess = stands - best
    allowed = tolerances.EARLY + max(
        rounding_at(after.view, second.theta), rounding_at(after.view, tuple(after.view.fit.optimum.theta))
    )
    words = [f"stops {excess:.3g} above the optimum"] if not excess <= allowed else []
    if first is not None and law.closed is None:
        words += told_otherwise(law, problem, before, after, first, second, allowed)
    return replace(found, excess=excess, broken="; ".join(words))


def lowest(law: Law, problem: Problem, before: Heard, after: Heard) -> float:
    """The lowest value that is known of the transformed problem's criterion."""
    if law.closed is not None:
        return law.closed(problem)
    by_law = law.factor * before.view.fit.criterion + law.change(law.given(problem))
    return min(by_law, after.view.fit.criterion)


def told_otherwise(
    law: Law, problem: Problem, before: Heard, after: Heard, first: Estimates, second: Estimates, allowed: float
) -> Iterator[str]:
    """What is told beyond theta and does not move as the law says."""
    offsets = [said.criterion - criterion_at(one.view, said.theta) for one, said in ((before, first), (after, second))]
    off = offsets[1] - (1.0 if law.at_most else law.factor) * offsets[0]
    if not abs(off) <= allowed:
        yield f"the criterion told is {off:.3g} off"
    theirs, ours = estimates_at(before.view, first.theta), estimates_at(after.view, second.theta)
    names = [before.view.fit.design.coefficients, after.view.fit.design.coefficients]
    if law.beta is not None:
        mapped = law.beta(dict(zip(names[0], first.beta, strict=True)), problem)
        expected = law.beta(dict(zip(names[0], theirs["beta"], strict=True)), problem)
        yield from moved(mapped, dict(zip(names[1], second.beta, strict=True)), expected, names[1], ours)
    if law.sigma is not None:
        allowed_here = abs(ours["sigma"][0] - law.sigma * theirs["sigma"][0])
        unit = ours["sigma"][0] / math.sqrt(2 * len(after.view.fit.design.y))
        if not abs(second.sigma - law.sigma * first.sigma) <= allowed_here + HARMLESS * unit:
            yield f"sigma is {second.sigma:.6g}, by the law {law.sigma * first.sigma:.6g}"
    for name, what in (("se", "standard errors"), ("varcomp", "variances")):
        was, off = off_by(name, before.view, first, theirs), off_by(name, after.view, second, ours)
        if not off <= was + HARMLESS:
            yield f"{what} are off by {off:.3g} of themselves, those of the given problem by {was:.3g}"


def off_by(name: str, view: Landscape, said: Estimates, right: Mapping[str, np.ndarray]) -> float:
    """The largest part by which what is told is off the definition's at its theta."""
    told, own = np.array(getattr(said, name), dtype=float), right[name]
    if told.shape != own.shape:
        return math.inf
    size = np.abs(own) if name == "se" else spreads(view.fit.design, own)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.where(told == own, 0.0, np.abs(told - own) / size), initial=0.0))


def spreads(design: Design, varcomp: np.ndarray) -> np.ndarray:
    """Beside each covariance the product of its two standard deviations, beside a variance the variance.

    Of terms with a structure, too: `varcomp` has the whole lower triangle of each.
    """
    found, first = [], 0
    for term in design.terms:
        rows, columns = np.triu_indices(len(term.columns))
        part = varcomp[first : first + rows.size]
        sd = np.sqrt(part[rows == columns])
        found.append(sd[rows] * sd[columns])
        first += rows.size
    return np.concatenate(found) if found else np.zeros(0)


def moved(
    mapped: Mapping[str, float],
    told: Mapping[str, float],
    expected: Mapping[str, float],
    names: Sequence[str],
    ours: Mapping[str, np.ndarray],
) -> Iterator[str]:
    """The coefficient that misses the law's map by most of its standard errors."""
    units = {
        name: (abs(told[name] - mapped[name]) - abs(beta - expected[name])) / se
        for name, beta, se in zip(names, ours["beta"], ours["se"], strict=True)
        if se > 0 and name in mapped
    }
    worst = max(units, key=lambda name: units[name], default="")
    if worst and not units[worst] <= HARMLESS:
        yield f"beta of {worst} is {units[worst]:.3g} of its SE off"


def smallest(law: Law, engine: Engine, problem: Problem, seconds: float | None = None) -> tuple[Problem, Outcome]:
    """A smaller problem on which the law is still broken: groups are left out by halves, while it is."""
    best, found = problem, outcome(law, engine, problem, seconds)
    while best.groups:
        labels = best.frame[best.groups[0]].astype(str)
        levels = list(dict.fromkeys(labels))
        for half in (levels[: len(levels) // 2], levels[len(levels) // 2 :]):
            if len(half) < FEWEST_GROUPS:
                continue
            fewer = replace(best, frame=dropped(best, labels.isin(half).to_numpy()))
            again = tried(law, engine, fewer, seconds)
            if again is not None and again.broken:
                best, found = fewer, again
                break
        else:
            break
    return best, found


def dropped(problem: Problem, kept: np.ndarray) -> pd.DataFrame:
    """Some rows of a frame, without levels that have no row."""
    frame = problem.frame[kept].reset_index(drop=True)
    factors = frame.select_dtypes("category").columns
    return frame.assign(**{name: frame[name].cat.remove_unused_categories() for name in factors})


def tried(law: Law, engine: Engine, problem: Problem, seconds: float | None) -> Outcome | None:
    """The outcome, where this project's solver takes the problem."""
    try:
        return outcome(law, engine, problem, seconds) if law.applies(problem) else None
    except REFUSALS:
        return None
