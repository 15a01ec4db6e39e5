"""What differs between two reports, as plain frozen records: each holds what was before and what is after.

A diff of B and A is that of A and B with the two sides exchanged, in every record.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from relmer.reports.records import Comparison, KnownFailure, PublishedFigure, Score

# Digits are shown to a tenth.
TENTH = 0.1


class Kind(StrEnum):
    """What a change is, and what one may choose to fail on; BROKEN is always chosen.

    Attributes
    ----------
    BROKEN
        Something breaks a run and did not: a verdict, a printed figure, an acceptance that is stale.
    WORSE
        A verdict is worse than it was, or is no longer given.
    VERDICT
        A verdict, its diagnosis, or its acceptance is another.
    FARTHER
        A value, a gap or the digits of a comparison is farther from what it is held against.
    MOVED
        A value, a gap or the digits of a comparison is another.
    WARNING
        An engine says a warning that it did not say.
    GONE
        A case, an engine, or its answer is no longer there.
    ENVIRONMENT
        Versions, libraries, data, models or tolerances differ.
    """

    BROKEN = "broken"
    WORSE = "worse"
    VERDICT = "verdict"
    FARTHER = "farther"
    MOVED = "moved"
    WARNING = "warning"
    GONE = "gone"
    ENVIRONMENT = "environment"


class Way(StrEnum):
    """Whether what is after is nearer to what it is held against than what was before."""

    NEARER = "nearer"
    FARTHER = "farther"
    AS_NEAR = "as near"
    UNKNOWN = ""


def way(before: float | None, after: float | None) -> Way:
    """Which way it went, by two errors: the smaller is the nearer.

    Examples
    --------
    >>> way(1e-9, 1e-12), way(None, 1.0)
    (<Way.NEARER: 'nearer'>, <Way.UNKNOWN: ''>)
    """
    if before is None or after is None:
        return Way.UNKNOWN
    return Way.AS_NEAR if before == after else Way.NEARER if after < before else Way.FARTHER


@dataclass(frozen=True)
class Side:
    """One of the two reports: when it was made, by which relmer."""

    created: str
    version: str


@dataclass(frozen=True)
class Presence:
    """A case or an engine, or an engine that is judged on a case, that only one report has; the other name is empty."""

    case: str
    engine: str
    before: bool
    after: bool

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is."""
        return frozenset({Kind.GONE} if self.before else ())


@dataclass(frozen=True)
class Reading:
    """A value as it was read.

    Attributes
    ----------
    value
        To the last digit; empty where only the digits are known.
    digits
        Correct digits of the quantity, by its worst entry; None where nothing tells.
    against
        What the digits are held against: the kind of the reference, or the certificate.
    """

    value: str
    digits: float | None
    against: str

    def far_from(self, other: "Reading") -> bool:
        """Whether the digits differ by a tenth: less is not shown, and comes from the reference as likely as not."""
        if self.digits is None or other.digits is None:
            return self.digits != other.digits
        return abs(self.digits - other.digits) >= TENTH


@dataclass(frozen=True)
class Moved:
    """A quantity of an engine's answer that is not the same to the last bit.

    Attributes
    ----------
    case, engine, rung
        Where.
    quantity
        Of a vector the entry that moved most, as "theta[2]".
    before, after
        The two readings.
    shared
        Digits in which the two values agree, at most 16; None where only their correct digits are known.
    first
        Which significant digit is the first to differ, from 1; None where there are no two numbers.
    """

    case: str
    engine: str
    rung: int
    quantity: str
    before: Reading
    after: Reading
    shared: float | None
    first: int | None

    @property
    def way(self) -> Way:
        """Nearer to the truth, or farther from it, by a tenth of a digit; where both are held against the same."""
        if self.before.against != self.after.against or self.before.digits is None or self.after.digits is None:
            return Way.UNKNOWN
        if not self.before.far_from(self.after):
            return Way.AS_NEAR
        return way(-self.before.digits, -self.after.digits)

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is."""
        return frozenset({Kind.MOVED, Kind.FARTHER} if self.way is Way.FARTHER else {Kind.MOVED})


@dataclass(frozen=True)
class Turned:
    """A comparison whose verdict, diagnosis, acceptance or reference is another, or that only one report has."""

    case: str
    engine: str
    rung: int
    quantity: str
    before: Comparison | None
    after: Comparison | None

    @property
    def way(self) -> Way:
        """Better is nearer, worse is farther: first what breaks, then the verdicts' own order.

        From a verdict to none the way is farther, from none to a verdict nearer, unless that breaks.
        """
        return way(badness(self.before), badness(self.after))

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is."""
        found = {Kind.VERDICT}
        if self.way is Way.FARTHER:
            found.add(Kind.WORSE)
        if breaks(self.after) and not breaks(self.before):
            found.add(Kind.BROKEN)
        if self.before is not None and self.before.verdict.judged and not judged(self.after):
            found.add(Kind.GONE)
        return frozenset(found)


def breaks(comparison: Comparison | None) -> bool:
    """Whether a comparison is there and breaks a run."""
    return comparison is not None and comparison.breaks


def judged(comparison: Comparison | None) -> bool:
    """Whether a comparison is there and something was compared."""
    return comparison is not None and comparison.verdict.judged


def badness(comparison: Comparison | None) -> float:
    """How bad a comparison is: what breaks is worst, then what is not judged, then the verdicts by their rank."""
    if comparison is None or not (comparison.verdict.judged or comparison.verdict.breaks):
        return 50.0
    return (100.0 if comparison.breaks else 0.0) - comparison.verdict.rank


@dataclass(frozen=True)
class Gap:
    """How far an engine stops above the certified optimum, or what it stops at, if that is another; or a score."""

    case: str
    engine: str
    before: Score | None
    after: Score | None

    @property
    def way(self) -> Way:
        """By the optimiser's error, where both are held against the same certificate."""
        if self.before is None or self.after is None or self.before.certificate != self.after.certificate:
            return Way.UNKNOWN
        return way(abs(self.before.optimiser_error), abs(self.after.optimiser_error))

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is."""
        gone = {Kind.GONE} if self.after is None else set()
        return frozenset({Kind.MOVED, *gone} | ({Kind.FARTHER} if self.way is Way.FARTHER else set()))


@dataclass(frozen=True)
class Warned:
    """A warning, and how often an engine says it of a case."""

    case: str
    engine: str
    text: str
    before: int
    after: int

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is; a warning that is no longer said is none of the kinds."""
        return frozenset({Kind.WARNING} if self.after > self.before else ())


@dataclass(frozen=True)
class Differs:
    """A fact that is another: of the machine, an engine, a case, an answer, or a tolerance; None where it is not told.

    The names that do not belong to it are empty.
    """

    case: str
    engine: str
    fact: str
    before: str | None
    after: str | None

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is: what an engine says of a case is no environment."""
        return frozenset() if self.case and self.engine else frozenset({Kind.ENVIRONMENT})


@dataclass(frozen=True)
class Reproduced:
    """A printed figure whose verdict is another, or that only one report has."""

    case: str
    before: PublishedFigure | None
    after: PublishedFigure | None

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is."""
        was = self.before is not None and self.before.verdict.means.breaks
        now = self.after is not None and self.after.verdict.means.breaks
        gone = {Kind.GONE} if self.after is None else set()
        return frozenset({Kind.VERDICT, *gone} | ({Kind.BROKEN, Kind.WORSE} if now and not was else set()))


@dataclass(frozen=True)
class Known:
    """An accepted failure that is another, or that only one report has."""

    case: str
    engine: str
    before: KnownFailure | None
    after: KnownFailure | None

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it is."""
        was = self.before is not None and self.before.stale
        now = self.after is not None and self.after.stale
        return frozenset({Kind.VERDICT} | ({Kind.BROKEN, Kind.WORSE} if now and not was else set()))


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What is another on some units of a sweep, of one engine on one source.

    Attributes
    ----------
    case, engine
        Names: of the source, which stands where a report has a case.
    what
        The change: "verdict", "answer", "gap", "moved", "warning", "came" or "gone".
    quantity
        Of what.
    before, after
        What it was and is on all these units; of what moved on the unit that moved farthest.
    units, where
        How many, and the first of them, or the one that moved farthest.
    way
        Whether that is nearer to what it is held against.
    kinds
        What it is.
    """

    case: str
    engine: str
    what: str
    quantity: str
    before: str
    after: str
    units: int
    where: str
    way: Way
    kinds: frozenset[Kind]


Change = Presence | Turned | Moved | Gap | Warned | Differs | Reproduced | Known | Swept


@dataclass(frozen=True)
class Diff:
    """All that differs between two reports, or two sweeps.

    Attributes
    ----------
    before, after
        The two reports.
    presence, turned, moved, gaps, warned, differs, figures, known, swept
        What the records of these names hold.
    same
        Case and engine of which nothing differs.
    elsewhere
        Fields of the report that differ in nothing that is listed, as in words of the evidence.
    """

    before: Side
    after: Side
    presence: tuple[Presence, ...] = ()
    turned: tuple[Turned, ...] = ()
    moved: tuple[Moved, ...] = ()
    gaps: tuple[Gap, ...] = ()
    warned: tuple[Warned, ...] = ()
    differs: tuple[Differs, ...] = ()
    figures: tuple[Reproduced, ...] = ()
    known: tuple[Known, ...] = ()
    swept: tuple[Swept, ...] = ()
    same: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def changes(self) -> Iterator[Change]:
        """Everything that is listed."""
        yield from self.presence
        yield from self.turned
        yield from self.moved
        yield from self.gaps
        yield from self.warned
        yield from self.differs
        yield from self.figures
        yield from self.known
        yield from self.swept

    @property
    def identical(self) -> bool:
        """Whether the two reports are the same but for the time."""
        return not self.elsewhere and not any(True for _ in self.changes)

    def fails(self, chosen: frozenset[Kind]) -> tuple[Change, ...]:
        """What differs in a way that one has chosen, or that breaks."""
        return tuple(change for change in self.changes if change.kinds & (chosen | {Kind.BROKEN}))
