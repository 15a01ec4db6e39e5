"""How far above the optimum every engine of a case stopped: what rung 4 judges, and what rung 5 follows from.

No engine is the truth. The reference is the certified optimum; without a certificate, or where an answer lies below a
proved local optimum, it is the lowest criterion that the definition confirms among all answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from relmer.reference.answers import Answer
from relmer.reports.evidence import Evaluation, Evaluator, Landscape, centred, evaluable, mismatch, score, tolerances
from relmer.reports.records import Score
from relmer.solver.errors import ModelError


@dataclass(frozen=True)
class Stops:
    """Where the engines stopped.

    Attributes
    ----------
    best
        The criterion that all are held against.
    best_engine
        Who reached it, where it is not proved; empty where it is.
    best_recorded
        Whether that was recorded.
    view
        The landscape around it.
    gaps
        Per engine, how far above `best` its theta is.
    noise
        Per engine, how large a gap rounding alone may show.
    scores
        Per engine, its score, where there is a certificate that it can be held against.
    refuted
        Why the certificate is not that of the lowest optimum; empty where it stands.
    """

    best: float
    best_engine: str
    best_recorded: bool
    view: Landscape
    gaps: Mapping[str, float]
    noise: Mapping[str, float]
    scores: Mapping[str, Score]
    refuted: str = ""


def stops_of(answers: Mapping[str, Answer], view: Landscape, evaluator: Evaluator) -> Stops:
    """Evaluate the theta of every answer that has one of the model's length."""
    fitted = {name: a.estimates for name, a in answers.items() if a.estimates and view.takes(a.estimates.theta)}
    at = {name: found for name, said in fitted.items() if (found := evaluated(evaluator, said.theta))}
    own = evaluator.at(view.fit.optimum.theta.tolist())
    lowest = min(at, key=lambda name: at[name].criterion, default="")
    reached = min((at[lowest].criterion, own.criterion)) if lowest else own.criterion
    certificate, scores, refuted = evaluator.certificate, {}, ""
    if certificate is not None:
        proved = certificate.double.values["criterion"]
        below = float(proved.exact - reached)
        if below > noise_of(view, at[lowest] if lowest else own) + float(proved.error):
            refuted = (
                f"{lowest or 'this project'} reaches {below:.4g} below {certificate.name}, proved as a local optimum"
            )
        else:
            reached, lowest = proved.exact, ""
            scores = {
                name: score(answers[name], certificate, evaluator)
                for name, said in fitted.items()
                if name in at and not mismatch(said, certificate)
            }
    gaps = {name: float(found.criterion - reached) for name, found in at.items()}
    if lowest and float(own.criterion - reached) > noise_of(view, own):
        view = centred(view, fitted[lowest].theta)
    return Stops(
        best=float(reached),
        best_engine=lowest,
        best_recorded=bool(lowest) and answers[lowest].recorded,
        view=view,
        gaps=gaps,
        noise={name: noise_of(view, found) for name, found in at.items()},
        scores={name: replace(one, optimiser_error=gaps[name]) for name, one in scores.items()},
        refuted=refuted,
    )


def evaluated(evaluator: Evaluator, theta: Sequence[float]) -> Evaluation | None:
    """Values at theta; None where neither balls nor the definition can be evaluated."""
    if not evaluable(theta):
        return None
    try:
        found = evaluator.at(theta)
    except (ModelError, ArithmeticError, ValueError):
        return None
    return found


def noise_of(view: Landscape, found: Evaluation) -> float:
    """What rounding alone may show as a gap: that of an engine's own sums, and that of the judge's evaluation."""
    return tolerances.GAP * view.size + (0.0 if found.proved else float(found.uncertainty))
