"""A problem asked of engines: the rows of its units.

What is told of a stop is a fact: the definition's criterion at the engine's theta, over the lowest that is known. The
lowest is the certified one, or the lowest of this project's search and of all engines' stops. Verdicts on rungs 3 and 4
rest on the bounds of `relmer run` for rounding; a plan with `ladder` is judged by `relmer run`'s judge itself.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
from scipy import special

from relmer.datasets import Case
from relmer.reference.answers import Answer, Estimates, Intervals, Status, recorded
from relmer.reference.certificates import certificate_of
from relmer.reference.engines import Kin, answer, participant, version_names
from relmer.reports.evidence import (
    Landscape,
    criterion_at,
    digits,
    estimates_at,
    evaluable,
    landscape,
    rounding_at,
    tolerances,
)
from relmer.reports.one_case import run_case
from relmer.reports.records import EngineUsed
from relmer.reports.run import kin_of_all, sources
from relmer.reports.sweeps.plan import OWN
from relmer.reports.sweeps.rows import DIGITS, RUNGS
from relmer.reports.verdicts import Verdict
from relmer.solver.errors import ModelError

# Where the definition has no digits at a theta.
REFUSALS = (ModelError, ArithmeticError, np.linalg.LinAlgError)
# By the names of an answer, of methods that have degrees of freedom.
TESTS = {"satterthwaite": "satterthwaite", "kenward_roger": "kenward-roger"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a problem is asked.

    Attributes
    ----------
    engines
        Who.
    seconds
        That one may take.
    ladder
        Whether all is judged.
    intervals, level
        Methods of intervals of beta, and their level.
    """

    engines: tuple[str, ...]
    seconds: float
    ladder: bool = False
    intervals: tuple[str, ...] = ()
    level: float = 0.95


Row = dict[str, Any]


def rows_of(case: Case, asked: Asked, key: Mapping[str, Any]) -> list[Row]:
    """The rows of a problem, one for each engine; `key` is what they have in common."""
    head = {**key, "REML": case.reml}
    answers, seconds, judged = heard(case, asked)
    known = known_of(case, answers)
    return [
        {
            **head,
            **row(said, known, asked),
            **judged.get(name, {}),
            "seconds": seconds[name],
        }
        for name, said in answers.items()
    ]


def heard(case: Case, asked: Asked) -> tuple[dict[str, Answer], dict[str, float], dict[str, Row]]:
    """What every engine answers, in which time; and, where all is judged, the verdicts of each."""
    if asked.ladder:
        return by_ladder(case, asked)
    answers, seconds = {}, {}
    for name in asked.engines:
        begun = perf_counter()
        answers[name] = fitted(name, case, asked.seconds)
        seconds[name] = perf_counter() - begun
    return answers, seconds, {}


def fitted(name: str, case: Case, seconds: float) -> Answer:
    """The fit of an engine, live or recorded."""
    if name in version_names():
        missing = Answer(case=case.name, engine=name, version="", status=Status.UNSUPPORTED, message="not recorded")
        return recorded.read(name, case) or missing
    if name != OWN:
        return answer(participant(name), case, (), asked=("fit",), seconds=seconds)
    return replace(answer(participant("pls"), case, (), asked=("fit",), seconds=seconds), engine=OWN)


@lru_cache(maxsize=8)
def taking_part(engines: tuple[str, ...]) -> tuple[Mapping[str, EngineUsed], Kin]:
    """How engines take part in a run, and their houses."""
    used = sources(engines)
    return used, kin_of_all(used)


def by_ladder(case: Case, asked: Asked) -> tuple[dict[str, Answer], dict[str, float], dict[str, Row]]:
    """The answers as `relmer run` judges them."""
    named = {name: "pls" if name == OWN else name for name in asked.engines}
    used, kin = taking_part(tuple(dict.fromkeys(named.values())))
    result = run_case(case, tuple(dict.fromkeys(named.values())), used, kin, asked.seconds)
    said = {one.engine: one for one in result.heard}
    judged: dict[str, Row] = {}
    for name, called in named.items():
        found = [c for c in result.comparisons if c.engine == called]
        rungs = {rung: [c.verdict for c in found if c.rung == k] for k, rung in enumerate(RUNGS, start=1)}
        judged[name] = {rung: str(Verdict.worst(of)) if of else "" for rung, of in rungs.items()}
        judged[name]["verdict"] = str(Verdict.worst(c.verdict for c in found))
    answers = {name: replace(said[called], engine=name) for name, called in named.items()}
    return answers, {name: result.seconds.get(called, 0.0) for name, called in named.items()}, judged


@dataclass(frozen=True)
class Known:
    """What is known of a problem: its landscape, and the lowest criterion with its theta.

    Attributes
    ----------
    view
        None where this project's solver refuses the model.
    refused
        Why.
    best, theta
        The lowest criterion that is known, and where.
    stops
        The definition's criterion where engines stopped, by engine.
    """

    view: Landscape | None
    refused: str = ""
    best: float = math.nan
    theta: tuple[float, ...] = ()
    stops: Mapping[str, float] = field(default_factory=dict)


def known_of(case: Case, answers: Mapping[str, Answer]) -> Known:
    """What is known of a problem to which these are the answers."""
    try:
        view = landscape(case)
    except ModelError as error:
        return Known(None, str(error))
    stops: dict[str, float] = {}
    thetas = {name: said.estimates.theta for name, said in answers.items() if said.estimates}
    for name, theta in thetas.items():
        if view.takes(theta) and evaluable(theta):
            with suppress(*REFUSALS):
                stops[name] = criterion_at(view, theta)
    own = tuple(view.fit.optimum.theta.tolist())
    best, theta = view.fit.criterion, own
    with suppress(*REFUSALS):
        best = criterion_at(view, own)
    for name, value in stops.items():
        if value < best:
            best, theta = value, thetas[name]
    if (certificate := certificate_of(case)) is not None:
        best = float(certificate.double.values["criterion"].exact)
    return Known(view, "", best, theta, stops)


def row(said: Answer, known: Known, asked: Asked) -> Row:
    """What one engine made of a problem."""
    told: Row = {
        "engine": said.engine,
        "version": said.version,
        "status": str(said.status),
        "message": said.message,
        "warnings": list(said.warnings),
        "verdict": str(Verdict.NOT_GIVEN if said.estimates is None else Verdict.AGREE),
    }
    if said.status is not Status.FITTED:
        told["verdict"] = str(Verdict.FAILED if said.status is Status.FAILED else Verdict.UNSUPPORTED)
    estimates = said.estimates
    if estimates is None:
        return told
    told |= {name: list(getattr(estimates, name)) for name in ("theta", "beta", "se")}
    told |= {"criterion": estimates.criterion, "sigma": estimates.sigma}
    for method in asked.intervals:
        told |= interval(said, method, asked.level)
    if known.view is None:
        told["verdict"], told["message"] = str(Verdict.NOT_GIVEN), f"relmer refuses the model: {known.refused}"
        return told
    try:
        return told | stop(estimates, said.engine, known, known.view)
    except REFUSALS as error:
        refused = f"it cannot be judged: {type(error).__name__}: {error}"
        return told | {"verdict": str(Verdict.NOT_GIVEN), "message": refused, "best": known.best}


def stop(estimates: Estimates, engine: str, known: Known, view: Landscape) -> Row:
    """Where an engine stopped, and how many of its digits are right."""
    if engine not in known.stops:
        lost = "theta has another length" if not view.takes(estimates.theta) else "theta cannot be evaluated"
        return {"best": known.best, "rung2": str(Verdict.WRONG), "verdict": str(Verdict.WRONG), "message": lost}
    at_theta = known.stops[engine]
    gap = at_theta - known.best
    rounded = max(rounding_at(view, estimates.theta), rounding_at(view, known.theta))
    allowed = max(rounded, tolerances.GAP * view.size)
    off = abs(estimates.criterion - at_theta)
    verdicts = {"rung3": ruled(off, rounded), "rung4": ruled(gap, allowed)}
    best = estimates_at(view, known.theta)
    reached = {
        name: digits(name, np.asarray(getattr(estimates, name), dtype=float), np.asarray(best[name]))
        for name in DIGITS
        if name != "criterion"
    }
    return {
        "at_theta": at_theta,
        "best": known.best,
        "gap": gap,
        "allowed": allowed,
        "digits_criterion": digits("criterion", np.array(estimates.criterion), np.array(known.best)),
        **{f"digits_{name}": value for name, value in reached.items()},
        "singular": bool(view.fit.singular),
        **{rung: str(verdict) for rung, verdict in verdicts.items()},
        "verdict": str(Verdict.worst(verdicts.values())),
    }


def ruled(off: float, rounded: float) -> Verdict:
    """Agreement within rounding; harmless, as an early stop may be; or wrong."""
    if off <= rounded:
        return Verdict.AGREE
    return Verdict.EARLY if off <= tolerances.EARLY else Verdict.WRONG


def interval(said: Answer, method: str, level: float) -> Row:
    """The intervals of beta by a method, as far as an engine tells what they follow from."""
    estimates, concluded = said.estimates, said.inference
    assert estimates is not None
    beta = np.asarray(estimates.beta)
    if method == "wald":
        return ends(method, beta, np.asarray(estimates.se), special.ndtri((1 + level) / 2))
    if concluded is None:
        return {}
    if method == "profile":
        told: Intervals | None = concluded.intervals.get("profile")
        if told is None or told.level != level:
            return {}
        return {
            f"lower_{method}": list(told.lower[-len(beta) :]),
            f"upper_{method}": list(told.upper[-len(beta) :]),
        }
    tested = concluded.tests.get(TESTS[method])
    if tested is None:
        return {}
    df = np.asarray(tested.df)
    return {
        f"df_{method}": df.tolist(),
        **ends(method, beta, np.asarray(tested.se), special.stdtrit(df, (1 + level) / 2)),
    }


def ends(method: str, beta: Any, se: Any, quantile: Any) -> Row:
    """beta -+ quantile se."""
    return {
        f"lower_{method}": (beta - quantile * se).tolist(),
        f"upper_{method}": (beta + quantile * se).tolist(),
    }
