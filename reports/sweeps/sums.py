"""Running sums: what is known of a column of numbers after any number of batches, whatever their cut."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
# Classes of times: 20 to a decade, from a microsecond to a day and more, so that a median is known to 6 %.
PER_DECADE = 20
EDGES = np.logspace(-6, 5, 11 * PER_DECADE + 1)


@dataclass
class Moments:
    """Number, mean and sum of squared distances from the mean of each of `width` columns, of their finite values.

    Two such sums are put together after Chan, Golub & LeVeque (1983): no square of a mean is taken from a sum.
    """

    width: int
    n: Array = field(init=False)
    mean: Array = field(init=False)
    squares: Array = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is known."""
        self.n, self.mean, self.squares = (np.zeros(self.width) for _ in range(3))

    def add(self, values: Array) -> None:
        """Take in rows (m, width)."""
        known = np.isfinite(values)
        n = known.sum(axis=0).astype(float)
        safe = np.where(known, values, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = safe.sum(axis=0) / np.maximum(n, 1.0)
            squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
        self.put(n, mean, squares)

    def merge(self, other: Self) -> None:
        """Take in another's rows."""
        self.put(other.n, other.mean, other.squares)

    def put(self, n: Array, mean: Array, squares: Array) -> None:
        """Put two sums together."""
        total = np.maximum(self.n + n, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            apart = mean - self.mean
            self.squares = self.squares + squares + apart**2 * (self.n * n / total)
            self.mean = np.where(n > 0, self.mean + apart * (n / total), self.mean)
        self.n = self.n + n

    @property
    def variance(self) -> Array:
        """With n - 1; NaN of fewer than two."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.n > 1, self.squares / (self.n - 1), np.nan)


@dataclass
class Times:
    """Seconds: their sum, and their number by class."""

    total: float = 0.0
    counts: Counts = field(default_factory=lambda: np.zeros(len(EDGES) + 1, dtype=np.int64))

    def add(self, seconds: Array) -> None:
        """Take in times; NaN is left out."""
        known = seconds[np.isfinite(seconds)]
        self.total += float(known.sum())
        self.counts += np.bincount(np.searchsorted(EDGES, known, side="right"), minlength=len(EDGES) + 1)

    def merge(self, other: Self) -> None:
        """Take in another's."""
        self.total += other.total
        self.counts += other.counts

    @property
    def n(self) -> int:
        """How many."""
        return int(self.counts.sum())

    @property
    def median(self) -> float:
        """The middle of the class in which half of the times are reached."""
        where = int(np.searchsorted(np.cumsum(self.counts), (self.n + 1) // 2))
        ends = EDGES[[max(where - 1, 0), min(where, len(EDGES) - 1)]]
        return float(np.sqrt(ends[0] * ends[1]))


def counted(values: Array, edges: Sequence[float]) -> Counts:
    """How many values are below the first edge, between two, from the last on.

    Examples
    --------
    >>> counted(np.array([0.5, 1.0, 5.0, 10.0, np.inf]), (1.0, 10.0)).tolist()
    [1, 2, 2]
    """
    where = np.searchsorted(np.asarray(edges), values, side="right")
    return np.bincount(where, minlength=len(edges) + 1).astype(np.int64)
