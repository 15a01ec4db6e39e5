"""How far above the optimum every engine of a case stopped: what rung 4 judges, and rung 5 allows for."""

from collections.abc import Mapping
from dataclasses import dataclass

from relmer.reference.answers import Answer
from relmer.reports.evidence import Evaluator, Landscape, criterion_at, mismatch, score
from relmer.reports.records import Score


@dataclass(frozen=True)
class Stops:
    """Where the engines stopped.

    Attributes
    ----------
    best
        The certified criterion; without a certificate the lowest that any answer reached, by the definition.
    gaps
        Per engine, how far above `best` its theta is.
    scores
        Per engine, its score, where there is a certificate that it can be held against.
    """

    best: float
    gaps: Mapping[str, float]
    scores: Mapping[str, Score]


def stops_of(answers: Mapping[str, Answer], view: Landscape, evaluator: Evaluator | None) -> Stops:
    """Evaluate the theta of every answer that has one of the model's length."""
    fitted = {
        name: answer
        for name, answer in answers.items()
        if answer.estimates is not None and view.takes(answer.estimates.theta)
    }
    scores = {
        name: score(answer, evaluator.certificate, evaluator)
        for name, answer in fitted.items()
        if evaluator and answer.estimates and not mismatch(answer.estimates, evaluator.certificate)
    }
    reached = {
        name: criterion_at(view, answer.estimates.theta)
        for name, answer in fitted.items()
        if name not in scores and answer.estimates
    }
    if evaluator:
        best = float(evaluator.certificate.double.values["criterion"].exact)
    else:
        best = min(reached.values(), default=view.fit.criterion)
    gaps = {name: value - best for name, value in reached.items()}
    return Stops(best=best, gaps=gaps | {name: one.optimiser_error for name, one in scores.items()}, scores=scores)
