"""Rung 2 of who tells neither X and Z nor its criterion: offset and weights that it left out, or used otherwise.

Such an answer is judged a second time, by the model in which they are left out. That is the cause if every figure is
right by it, while some are wrong by the model as it stands.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from relmer.reference.answers import Answer
from relmer.reference.own_fits import estimates
from relmer.reports.evidence import Landscape, evaluator_of, misused, refitted
from relmer.reports.judge.estimates import judge_estimates
from relmer.reports.judge.hearing import Hearing, Ruling
from relmer.reports.judge.listing import judge_listing
from relmer.reports.judge.optimum import judge_optimum, stop_of
from relmer.reports.judge.stops import stops_of
from relmer.reports.records import RUNGS, Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.errors import ModelError

# Eight models are tried; three figures of two digits meet one of them by chance once in 100,000 times.
FEWEST = 3


def judge_misuse(hearing: Hearing) -> Comparison | None:
    """Name what the answer's fit left out, or used otherwise; None where that explains nothing."""
    designs = list(misused(hearing.view.fit.design)) if is_silent(hearing) else []
    if not designs or not (wrong := misses(judged(hearing, hearing.peer))):
        return None
    for told, design in designs:
        try:
            found = judged(*otherwise(hearing, refitted(hearing.view, design)))
        except (ModelError, ArithmeticError, np.linalg.LinAlgError):
            continue
        if len(found) >= FEWEST and not misses(found):
            evidence = f"{told}: the fit {told} gives all {len(found)} figures, the model {len(found) - wrong} of them"
            return hearing.ruled(2, RUNGS[2], Ruling(Verdict.WRONG, Diagnosis.MODEL, evidence))
    return None


def is_silent(hearing: Hearing) -> bool:
    """Whether nothing but its estimates tells what an engine has fitted."""
    answer, model = hearing.answer, hearing.answer.model
    matrices = model is not None and (model.X is not None or model.Z is not None)
    return not (hearing.own or matrices or answer.criterion or hearing.peer is None)


def judged(hearing: Hearing, peer: Answer | None) -> list[Comparison]:
    """What a model makes of the figures; not of what is no figure of it, nor of what it cannot tell."""

    def all_of() -> Iterator[Comparison]:
        if hearing.answer.figures:
            yield from judge_listing(hearing)
        elif hearing.answer.estimates is not None and peer is not None:
            yield from judge_optimum(hearing)
            yield from judge_estimates(hearing, {peer.engine: peer})

    return [c for c in all_of() if c.rung > 2 and c.verdict is not Verdict.NOT_GIVEN]


def misses(found: list[Comparison]) -> int:
    """How many figures are wrong, and by no convention."""
    return sum(c.verdict.breaks and c.diagnosis is not Diagnosis.CONVENTION for c in found)


def otherwise(hearing: Hearing, view: Landscape) -> tuple[Hearing, Answer]:
    """The answer before another model, and what its peer would say of that."""
    assert hearing.peer is not None
    peer = replace(hearing.peer, estimates=estimates(view.fit))
    evaluator = evaluator_of(None, view)
    stops = stops_of({hearing.answer.engine: hearing.answer, peer.engine: peer}, view, evaluator)
    other = replace(hearing, peer=peer, stops=stops, evaluator=evaluator)
    return replace(other, stop=stop_of(other)), peer
