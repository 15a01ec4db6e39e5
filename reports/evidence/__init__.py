"""Facts without a verdict: digits, allowances, the landscape of a case, scores, drift."""

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.digits import digits, scales
from relmer.reports.evidence.drift import drift_of
from relmer.reports.evidence.evaluation import BALLS, Evaluator, evaluator_of
from relmer.reports.evidence.figures import figure, figure_of_data
from relmer.reports.evidence.landscape import (
    QUANTITIES,
    Landscape,
    allowance,
    criterion_at,
    estimates_at,
    landscape,
    values,
)
from relmer.reports.evidence.optimality import Stationarity, optimality
from relmer.reports.evidence.score import evaluable, mismatch, score
from relmer.reports.evidence.tolerances import TABLE
from relmer.reports.evidence.uncentred import uncentred

__all__ = [
    "BALLS",
    "QUANTITIES",
    "TABLE",
    "Evaluator",
    "Landscape",
    "Stationarity",
    "allowance",
    "criterion_at",
    "digits",
    "drift_of",
    "estimates_at",
    "evaluable",
    "evaluator_of",
    "figure",
    "figure_of_data",
    "landscape",
    "mismatch",
    "optimality",
    "scales",
    "score",
    "tolerances",
    "uncentred",
    "values",
]
