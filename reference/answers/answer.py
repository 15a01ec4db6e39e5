"""What an engine says about one case, as plain data that any language can write.

An `Answer` follows the ladder: the data that the engine saw, the model that it built, its criterion at given
theta, its estimates. Matrices travel as a `Fingerprint`: a digest decides equality to the last bit, and two sums
tell, where the digest differs, how far apart the matrices are.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from scipy import sparse

from relmer.datasets import read_record, to_plain
from relmer.reference.answers.inference import Inference

SCHEMA = "relmer-answer/1"


@dataclass(frozen=True)
class Fingerprint:
    """Identity of a matrix: its shape, the sha256 of its entries, and two sums that any change moves.

    Attributes
    ----------
    shape
        Rows and columns.
    sha256
        Digest of the nonzero entries in column-major order (positions and values as little-endian binary).
    total
        Sum of the absolute entries.
    weighted
        Sum of the entries, each times (1 + its row) and (1 + its column) / number of columns.
    columns
        Where they are told, 16 digits of the digest of every column of X, or of every column of every term's part of
        Z, over all levels: they tell which column differs. Equality does not depend on them.
    """

    shape: tuple[int, int]
    sha256: str
    total: float
    weighted: float
    columns: tuple[str, ...] = field(default=(), compare=False)


def fingerprint(matrix: np.ndarray | sparse.sparray, parts: np.ndarray | None = None) -> Fingerprint:
    """Fingerprint of a dense or sparse matrix; explicit zeros count for nothing.

    Parameters
    ----------
    matrix
        (n, m).
    parts
        (m,) numbers from 0: to which column of the model each column belongs. Not given, no column has a digest.
        `each_column` and `random_columns` make them.

    Examples
    --------
    >>> fingerprint(np.eye(2)) == fingerprint(sparse.csc_array(np.eye(2)), np.arange(2))
    True
    """
    columns = sparse.csc_array(matrix, copy=True)
    columns.sum_duplicates()
    columns.eliminate_zeros()
    columns.sort_indices()
    rows = columns.indices.astype("<i8")
    starts = columns.indptr.astype("<i8")
    values = columns.data.astype("<f8")
    whole = digest_of(np.array(columns.shape, dtype="<i8"), starts, rows, values)
    column = np.repeat(np.arange(columns.shape[1]), np.diff(starts))
    weighted = np.sum(values * (1.0 + rows) * (1.0 + column)) / max(columns.shape[1], 1)
    return Fingerprint(
        (int(columns.shape[0]), int(columns.shape[1])),
        whole,
        float(np.abs(values).sum()),
        float(weighted),
        () if parts is None else tuple(column_digests(columns, np.asarray(parts))),
    )


def column_digests(matrix: sparse.csc_array, parts: np.ndarray) -> Iterator[str]:
    """Digest of the columns of each part, as if they stood alone."""
    for part in range(int(parts.max(initial=-1)) + 1):
        alone = sparse.csc_array(matrix[:, np.flatnonzero(parts == part)])
        counts, rows = alone.indptr.astype("<i8"), alone.indices.astype("<i8")
        yield digest_of(counts, rows, alone.data.astype("<f8"))[:16]


def digest_of(*arrays: np.ndarray) -> str:
    """sha256 of some arrays, one after the other."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Grouping:
    """A grouping factor as the engine saw it: its levels in order, and the sha256 of its codes (int64, from 0)."""

    levels: int
    sha256: str


def grouping(levels: Sequence[str], codes: np.ndarray) -> Grouping:
    """Identity of a factor: number of levels, and one digest over the labels and the rows' codes (from 0)."""
    digest = hashlib.sha256("\x1f".join(levels).encode())
    digest.update(np.asarray(codes, dtype="<i8").tobytes())
    return Grouping(len(levels), digest.hexdigest())


@dataclass(frozen=True)
class Data:
    """Rung 1: the values that the engine saw; of weights and offset null if there are none, or nothing is told."""

    rows: int
    response_sha256: str
    groupings: Mapping[str, Grouping]
    weights_sha256: str | None = None
    offset_sha256: str | None = None


def data_seen(
    response: np.ndarray,
    factors: Mapping[str, tuple[Sequence[str], np.ndarray]],
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> Data:
    """Identity of the data: `response` (n,), and per grouping factor its levels and the codes (n,) from 0.

    Weights and offset (n,) are those of the model; None where it has none.
    """
    seen = {name: grouping(levels, codes) for name, (levels, codes) in factors.items()}
    return Data(
        rows=len(response),
        response_sha256=sha256_of(response),
        groupings=seen,
        weights_sha256=None if weights is None else sha256_of(weights),
        offset_sha256=None if offset is None else sha256_of(offset),
    )


def sha256_of(numbers: np.ndarray) -> str:
    """Digest of a vector of doubles, as little-endian binary."""
    return hashlib.sha256(np.ascontiguousarray(numbers, dtype="<f8").tobytes()).hexdigest()


@dataclass(frozen=True)
class Term:
    """One random-effects term: grouping factor, columns (lme4's cnms), number of levels."""

    group: str
    columns: tuple[str, ...]
    levels: int


def each_column(X: np.ndarray) -> np.ndarray:
    """Every column of X by itself."""
    return np.arange(X.shape[1])


def random_columns(terms: Sequence[Term]) -> np.ndarray:
    """For every column of Z, the column of which term it belongs to, counted through all terms.

    Examples
    --------
    >>> random_columns([Term("g", ("(Intercept)", "x"), 2), Term("h", ("(Intercept)",), 3)]).tolist()
    [0, 1, 0, 1, 2, 2, 2]
    """
    before = np.cumsum([0, *(len(term.columns) for term in terms)])
    columns = (k + np.tile(np.arange(len(t.columns)), t.levels) for k, t in zip(before, terms, strict=False))
    return np.concatenate([np.zeros(0, dtype=np.int64), *columns])


@dataclass(frozen=True)
class Model:
    """Rung 2: X, Z, the template of Lambda (entries are 1-based positions in theta), names in order.

    What an engine cannot tell is null.
    """

    X: Fingerprint | None
    Z: Fingerprint | None
    Lambda: Fingerprint | None
    coefficients: tuple[str, ...] | None
    terms: tuple[Term, ...] | None
    theta_names: tuple[str, ...] | None


@dataclass(frozen=True)
class CriterionValue:
    """Rung 3: the profiled criterion (deviance or REML) at one theta; null where the engine has none there."""

    theta: tuple[float, ...]
    value: float | None


@dataclass(frozen=True)
class Estimates:
    """Rungs 4 and 5: the fit, every number finite. Vectors in lme4's order; V by its diagonal and its row sums.

    Attributes
    ----------
    theta
        For each term, in lme4's order (more levels first), the lower triangle of its factor T by columns.
    criterion
        The deviance, or the REML criterion: -2 log-likelihood with all constants.
    sigma
        Standard deviation of the residuals.
    beta, se
        Fixed effects in the order of the columns of X, and their standard errors.
    vcov
        Covariance matrix of beta.
    varcomp
        For each term the lower triangle of its covariance matrix, sigma^2 T T', by columns: as many as theta, or, where
        covariances have a structure, more.
    b
        Random effects Lambda u: by term, by level, by column of the term.
    fitted
        X beta + Z b and the offset, row by row.
    V_diagonal, V_rowsum
        Diagonal and row sums of V = Z G Z' + R.
    """

    theta: tuple[float, ...]
    criterion: float
    sigma: float
    beta: tuple[float, ...]
    se: tuple[float, ...]
    vcov: tuple[tuple[float, ...], ...]
    varcomp: tuple[float, ...]
    b: tuple[float, ...]
    fitted: tuple[float, ...]
    V_diagonal: tuple[float, ...]
    V_rowsum: tuple[float, ...]


class Status(StrEnum):
    """What came of asking an engine about a case."""

    FITTED = "fitted"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True)
class Answer:
    """All that one engine says about one case.

    Attributes
    ----------
    figures
        In the place of estimates, what a listing prints: by key, such as "beta[Days]", each judged at half a unit of
        its last digit.
    inference
        What is concluded from the fit; null where nothing is told.
    failed_in
        Of an answer that failed or is unsupported, which of "stages", "fit" and "criterion" it was; empty where that is
        not known.
    """

    case: str
    engine: str
    version: str
    status: Status
    message: str = ""
    failed_in: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    dataset_sha256: str = ""
    data: Data | None = None
    model: Model | None = None
    criterion: tuple[CriterionValue, ...] = ()
    estimates: Estimates | None = None
    figures: Mapping[str, str] = field(default_factory=dict)
    inference: Inference | None = None
    warnings: tuple[str, ...] = ()
    recorded: bool = False
    schema: str = SCHEMA


def to_json(answer: Answer) -> str:
    """One answer as JSON text; doubles are written so that they read back the same.

    Raises
    ------
    ValueError
        A number is not finite; such an answer is one that failed.
    """
    plain = to_plain(answer)
    return json.dumps({"schema": plain.pop("schema"), **plain}, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Answer:
    """Read an answer that anybody may have written.

    Raises
    ------
    ValueError
        The text is not JSON, or not an answer; the message names the field.
    """
    answer: Answer = read_record(Answer, text, SCHEMA, "answer")
    return answer
