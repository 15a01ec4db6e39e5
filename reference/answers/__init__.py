"""What an engine says of a case: the record, as it is asked for and as it is kept."""

from relmer.reference.answers import recorded
from relmer.reference.answers.answer import (
    Answer,
    CriterionValue,
    Data,
    Estimates,
    Fingerprint,
    Grouping,
    Model,
    Status,
    Term,
    data_seen,
    each_column,
    fingerprint,
    grouping,
    random_columns,
    sha256_of,
    to_json,
)
from relmer.reference.answers.inference import FTests, Inference, Intervals, Predictions, Tested
from relmer.reference.answers.recorded import RecordingError
from relmer.reference.answers.shared_theta import shared_thetas

__all__ = [
    "Answer",
    "CriterionValue",
    "Data",
    "Estimates",
    "FTests",
    "Fingerprint",
    "Grouping",
    "Inference",
    "Intervals",
    "Model",
    "Predictions",
    "RecordingError",
    "Status",
    "Term",
    "Tested",
    "data_seen",
    "each_column",
    "fingerprint",
    "grouping",
    "random_columns",
    "recorded",
    "sha256_of",
    "shared_thetas",
    "to_json",
]
