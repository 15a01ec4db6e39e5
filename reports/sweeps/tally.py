"""Counts of one engine on one part of a source: what a batch adds, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relmer.reports.doubts import Doubt
from relmer.reports.sweeps.columns import DOUBTS, VERDICTS, Columns, Mask
from relmer.reports.sweeps.performance import Performance
from relmer.reports.sweeps.rows import DIGITS, RUNGS
from relmer.reports.sweeps.sums import Times, counted
from relmer.reports.swept import (
    DECADES,
    MOST_DIGITS,
    STATUS,
    THRESHOLDS,
    WRONG,
    Alarms,
    Digits,
    Doubted,
    Gaps,
    Part,
    Seconds,
    Share,
    Unit,
)
from relmer.reports.verdicts import Verdict

Counts = NDArray[np.int64]
EDGES = tuple(10.0**power for power in DECADES)
# Columns of Columns.verdicts from the optimum on.
FROM_OPTIMUM = slice(4, None)
BANDS = ("right", "estimates", "early", "wrong")
OF_STOP = np.array([kind is not None and kind.of_the_stop for kind in DOUBTS])
SINGULAR = DOUBTS.index(Doubt.SINGULAR)
ASKED = ("all", *RUNGS)


def zeros(*shape: int) -> Counts:
    """Nothing counted."""
    return np.zeros(shape, dtype=np.int64)


@dataclass
class Tally:
    """Counts, whose sums over batches and parts are those of all rows.

    Attributes
    ----------
    status
        By STATUS.
    gaps
        Within what rounding allows, then by decade.
    above
        By THRESHOLDS.
    largest, where
        The largest gap that is more than rounding allows, and its unit.
    digits
        (4, 17).
    alarms
        (DOUBTS, 3): true, without cause, open.
    bands
        (BANDS, 2): fits, and those that doubt their stop.
    singular
        Not on the boundary, on it, and of these those without the word.
    verdicts
        (ASKED, VERDICTS).
    times
        Seconds of the fits.
    performance
        Of the truth, if there is one.
    """

    performance: Performance | None = None
    status: Counts = field(default_factory=lambda: zeros(len(STATUS)))
    gaps: Counts = field(default_factory=lambda: zeros(len(EDGES) + 2))
    above: Counts = field(default_factory=lambda: zeros(len(THRESHOLDS)))
    largest: float | None = None
    where: Unit | None = None
    digits: Counts = field(default_factory=lambda: zeros(len(DIGITS), MOST_DIGITS + 1))
    alarms: Counts = field(default_factory=lambda: zeros(len(DOUBTS), 3))
    bands: Counts = field(default_factory=lambda: zeros(len(BANDS), 2))
    singular: Counts = field(default_factory=lambda: zeros(3))
    verdicts: Counts = field(default_factory=lambda: zeros(len(ASKED), len(VERDICTS)))
    times: Times = field(default_factory=Times)

    def add(self, found: Columns, rows: NDArray[np.int64]) -> None:
        """Take in some rows of a batch."""
        self.status += np.bincount(found.status[rows], minlength=len(STATUS))
        for k in range(len(ASKED)):
            asked = found.verdicts[rows, k]
            self.verdicts[k] += np.bincount(asked[asked >= 0], minlength=len(VERDICTS))
        fits = rows[found.status[rows] == 0]
        if not len(fits):
            return
        self.times.add(found.seconds[fits])
        self.add_digits(found.digits[fits])
        self.add_stops(found, fits)
        if self.performance is not None:
            self.performance.add(found, fits)

    def add_digits(self, digits: NDArray[np.float64]) -> None:
        """Count digits, rounded down."""
        for k in range(len(DIGITS)):
            known = digits[~np.isnan(digits[:, k]), k]
            whole = np.floor(np.clip(known, 0, MOST_DIGITS)).astype(np.int64)
            self.digits[k] += np.bincount(whole, minlength=MOST_DIGITS + 1)

    def add_stops(self, found: Columns, fits: NDArray[np.int64]) -> None:
        """Count gaps, and hold each warning and silence against them."""
        gap, allowed, singular = found.gap[fits], found.allowed[fits], found.singular[fits]
        known = ~(np.isnan(gap) | np.isnan(allowed))
        within, beyond = known & (gap <= allowed), known & (gap > allowed)
        self.gaps[0] += within.sum()
        self.gaps[1:] += counted(gap[beyond], EDGES)
        self.above += np.array([(beyond & (gap > edge)).sum() for edge in THRESHOLDS])
        if beyond.any():
            most = int(np.argmax(np.where(beyond, gap, -np.inf)))
            self.put(float(gap[most]), found.unit(int(fits[most])))
        astray = (found.verdicts[fits, FROM_OPTIMUM] == VERDICTS.index(Verdict.WRONG)).any(axis=1)
        doubts = found.doubts[fits]
        doubted = doubts[:, OF_STOP].any(axis=1)
        bands = (within & ~astray, within & astray, beyond & (gap <= WRONG), beyond & (gap > WRONG))
        self.bands += np.array([[band.sum(), (band & doubted).sum()] for band in bands])
        unsaid = (singular == 1) & ~doubts[:, SINGULAR]
        self.singular += np.array([(singular == 0).sum(), (singular == 1).sum(), unsaid.sum()])
        for k, kind in enumerate(DOUBTS):
            true, false = worth(kind, beyond | astray, bands[0], singular)
            said = doubts[:, k]
            words = [(said & true).sum(), (said & false).sum()]
            self.alarms[k] += np.array([*words, said.sum() - sum(words)])

    def put(self, gap: float, unit: Unit | None) -> None:
        """Remember the larger gap; of equal ones the unit that is first by its key."""
        mine = (-np.inf if self.largest is None else self.largest, key_of(self.where))
        if gap > mine[0] or (gap == mine[0] and key_of(unit) < mine[1]):
            self.largest, self.where = gap, unit

    def merge(self, other: Self) -> None:
        """Take in another's counts."""
        for name in ("status", "gaps", "above", "digits", "alarms", "bands", "singular", "verdicts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.largest is not None:
            self.put(other.largest, other.where)
        self.times.merge(other.times)
        if other.performance is not None:
            if self.performance is None:
                self.performance = Performance(other.performance.truth)
            self.performance.merge(other.performance)

    def part(
        self,
        source: str,
        engine: str,
        kind: str | None = None,
        transformation: str | None = None,
        names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    ) -> Part:
        """What the counts come to; `names` are those of theta and of the coefficients."""
        fitted, failed, unsupported = self.status.tolist()
        whole, on_boundary, unsaid = self.singular.tolist()
        shares = {name: Share(doubted, fits) for name, (fits, doubted) in zip(BANDS, self.bands.tolist(), strict=True)}
        return Part(
            source=source,
            engine=engine,
            kind=kind,
            transformation=transformation,
            units=fitted + failed + unsupported,
            fitted=fitted,
            failed=failed,
            unsupported=unsupported,
            gaps=Gaps(
                judged=int(self.gaps.sum()),
                beyond=int(self.gaps[1:].sum()),
                above=tuple(self.above.tolist()),
                histogram=tuple(self.gaps.tolist()),
                largest=self.largest,
                where=self.where,
            ),
            digits=told_digits(self.digits),
            alarms=tuple(
                Alarms(str(one or "other"), *counts)
                for one, counts in zip(DOUBTS, self.alarms.tolist(), strict=True)
                if sum(counts)
            ),
            doubted=Doubted(**shares, unsaid=Share(unsaid, on_boundary)),
            singular=Share(on_boundary, whole + on_boundary),
            verdicts={
                name: {word: count for word, count in zip(VERDICTS, counts, strict=True) if count}
                for name, counts in zip(ASKED, self.verdicts.tolist(), strict=True)
                if sum(counts)
            },
            seconds=Seconds(mean=self.times.total / self.times.n, median=self.times.median, total=self.times.total)
            if self.times.n
            else None,
            parameters=() if self.performance is None else self.performance.parameters(*names),
        )


def key_of(unit: Unit | None) -> tuple[str, str, int, str, str]:
    """In which order equal gaps are told."""
    if unit is None:
        return "", "", 0, "", ""
    return unit.source, unit.design, unit.replicate, unit.transformation, unit.engine


def told_digits(counts: Counts) -> tuple[Digits, ...]:
    """Digits of the quantities of which any row tells some."""
    found: Sequence[Sequence[int]] = counts.tolist()
    return tuple(Digits(name, tuple(own)) for name, own in zip(DIGITS, found, strict=True) if sum(own))


def worth(kind: Doubt | None, wrong: Mask, right: Mask, singular: Counts) -> tuple[Mask, Mask]:
    """Where a warning of a kind is true, and where it is without cause, as docs/warnings.md asks of it."""
    if kind is Doubt.SINGULAR:
        return singular == 1, (singular == 0) & right
    if kind is not None and kind.of_the_stop:
        return wrong, right
    nowhere = np.zeros_like(wrong)
    return nowhere, nowhere
