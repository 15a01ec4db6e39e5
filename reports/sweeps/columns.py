"""A batch of rows as arrays: what the sums are taken of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from relmer.datasets import DataError
from relmer.reports.doubts import Doubt, doubt_of
from relmer.reports.sweeps.rows import DIGITS, KEY, METHODS, RUNGS, WITH_DF
from relmer.reports.swept import STATUS, Unit
from relmer.reports.verdicts import Verdict

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
VERDICTS = tuple(str(verdict) for verdict in Verdict)
DOUBTS: tuple[Doubt | None, ...] = (*Doubt, None)
ENDS = tuple(f"{end}_{method}" for method in METHODS for end in ("lower", "upper"))
VECTORS = ("theta", "beta", "se", *(f"df_{method}" for method in WITH_DF), *ENDS)
TAKEN = (
    *KEY,
    "kind",
    "status",
    "warnings",
    "verdict",
    *RUNGS,
    "gap",
    "allowed",
    *(f"digits_{name}" for name in DIGITS),
    "singular",
    "sigma",
    "seconds",
    *VECTORS,
)


@dataclass(frozen=True)
class Columns:
    """Rows as arrays of one length m.

    Attributes
    ----------
    batch
        The rows themselves.
    status
        Places in STATUS.
    verdicts
        (m, 7): places in VERDICTS, the worst of all and by rung; -1 where it was not asked.
    gap, allowed, seconds
        NaN where there is none.
    digits
        (m, 4).
    singular
        1, 0, or -1 where it is not known.
    doubts
        (m, DOUBTS): whether the engine has a warning of a kind.
    """

    batch: pa.RecordBatch
    status: NDArray[np.int64]
    verdicts: NDArray[np.int64]
    gap: Array
    allowed: Array
    seconds: Array
    digits: Array
    singular: NDArray[np.int64]
    doubts: Mask

    def unit(self, row: int) -> Unit:
        """The key of a row."""
        source, design, replicate, transformation, engine = (self.batch[name][row].as_py() for name in KEY)
        return Unit(source or "", design or "", int(replicate or 0), transformation or "", engine or "")

    def vectors(self, name: str, width: int, rows: NDArray[np.int64]) -> Array:
        """Some rows of a column of vectors, (rows, width); NaN where there is none, or one of another length."""
        return vectors(self.batch[name].take(pa.array(rows)), width)

    def numbers(self, name: str, rows: NDArray[np.int64]) -> Array:
        """Some rows of a column of numbers."""
        return numbers(self.batch[name])[rows]


def columns(batch: pa.RecordBatch) -> Columns:
    """Turn a batch into arrays.

    Raises
    ------
    DataError
        A status or verdict is none.
    """
    singular = batch["singular"].cast(pa.int8()).fill_null(-1)
    return Columns(
        batch=batch,
        status=places(batch, "status", STATUS, needed=True),
        verdicts=np.column_stack([places(batch, name, VERDICTS) for name in ("verdict", *RUNGS)]),
        gap=numbers(batch["gap"]),
        allowed=numbers(batch["allowed"]),
        seconds=numbers(batch["seconds"]),
        digits=np.column_stack([numbers(batch[f"digits_{name}"]) for name in DIGITS]),
        singular=singular.to_numpy(zero_copy_only=False).astype(np.int64),
        doubts=doubts(batch["warnings"]),
    )


def numbers(column: Any) -> Array:
    """A column of numbers; NaN where there is none."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=float)


def texts(column: Any) -> tuple[list[str], NDArray[np.int64]]:
    """The different texts of a column, what is null being empty, and the place of each row's among them.

    Examples
    --------
    >>> texts(pa.array(["b", None, "b"]))
    (['b', ''], array([0, 1, 0]))
    """
    coded = column.fill_null("").dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def places(batch: pa.RecordBatch, name: str, known: Sequence[str], needed: bool = False) -> NDArray[np.int64]:
    """Where the texts of a column stand among those that are known; -1 of an empty one.

    Raises
    ------
    DataError
        One is not known, or is empty though it is needed.
    """
    found, where = texts(batch[name])
    for text in found:
        if text not in known and (needed or text):
            raise DataError(f"a row's {name} is {text!r}, and none of {', '.join(known)}")
    return np.array([known.index(text) if text else -1 for text in found], dtype=np.int64)[where]


def doubts(warnings: Any) -> Mask:
    """Of each row the kinds of its warnings."""
    found = np.zeros((len(warnings), len(DOUBTS)), dtype=bool)
    said, where = texts(warnings.flatten())
    kinds = np.array([DOUBTS.index(doubt_of(text)) for text in said], dtype=np.int64)
    lengths = warnings.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    if len(where):
        found[np.repeat(np.arange(len(found)), lengths), kinds[where]] = True
    return found


def vectors(column: Any, width: int) -> Array:
    """A column of vectors as (rows, width); NaN where there is none, or one of another length.

    Examples
    --------
    >>> vectors(pa.array([[1.0, None], None, [1.0]], pa.list_(pa.float64())), 2).tolist()
    [[1.0, nan], [nan, nan], [nan, nan]]
    """
    found = np.full((len(column), width), np.nan)
    lengths = column.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
    fitting = lengths == width
    if width and fitting.any():
        found[fitting] = numbers(column.filter(pa.array(fitting)).flatten()).reshape(-1, width)
    return found
