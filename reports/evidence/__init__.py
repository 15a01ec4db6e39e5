"""Facts without a verdict: digits, allowances, the landscape of a case, scores, drift."""

from relmer.reports.evidence import same_rows, tolerances
from relmer.reports.evidence.conditioning import carried, condition, conditioned, inverted, rounding_at
from relmer.reports.evidence.conventions import candidates, convention, everywhere
from relmer.reports.evidence.digits import digits, relative_digits, scales
from relmer.reports.evidence.drift import drift_of
from relmer.reports.evidence.evaluation import BALLS, Evaluation, Evaluator, evaluator_of
from relmer.reports.evidence.figures import figure, figure_of_data, has_figure
from relmer.reports.evidence.identified import marginal
from relmer.reports.evidence.inference import Concluded, concluded, normal_quantile, p_of, quantile
from relmer.reports.evidence.landscape import (
    FOR_ANY_SIZE,
    QUANTITIES,
    Landscape,
    allowance,
    by_path,
    centred,
    criterion_at,
    estimates_at,
    landscape,
    refitted,
    values,
)
from relmer.reports.evidence.misread import misread, misused
from relmer.reports.evidence.of_terms import LostOfTerms, lost_of_terms
from relmer.reports.evidence.optimality import optimality
from relmer.reports.evidence.profiled import Profiled, profiled_at
from relmer.reports.evidence.score import evaluable, mismatch, score
from relmer.reports.evidence.sight import sight
from relmer.reports.evidence.tolerances import TABLE
from relmer.reports.evidence.uncentred import Uncentred, products, uncentred
from relmer.reports.evidence.unprofiled import POWERS, excess, moved_by, unprofiled

__all__ = [
    "BALLS",
    "FOR_ANY_SIZE",
    "POWERS",
    "QUANTITIES",
    "TABLE",
    "Concluded",
    "Evaluation",
    "Evaluator",
    "Landscape",
    "LostOfTerms",
    "Profiled",
    "Uncentred",
    "allowance",
    "by_path",
    "candidates",
    "carried",
    "centred",
    "concluded",
    "condition",
    "conditioned",
    "convention",
    "criterion_at",
    "digits",
    "drift_of",
    "estimates_at",
    "evaluable",
    "evaluator_of",
    "everywhere",
    "excess",
    "figure",
    "figure_of_data",
    "has_figure",
    "inverted",
    "landscape",
    "lost_of_terms",
    "marginal",
    "mismatch",
    "misread",
    "misused",
    "moved_by",
    "normal_quantile",
    "optimality",
    "p_of",
    "products",
    "profiled_at",
    "quantile",
    "refitted",
    "relative_digits",
    "rounding_at",
    "same_rows",
    "scales",
    "score",
    "sight",
    "tolerances",
    "uncentred",
    "unprofiled",
    "values",
]
