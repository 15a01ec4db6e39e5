"""What a sweep comes to, as plain frozen records: the one source of its page, its Markdown and its pictures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

# What becomes of a unit, as an answer's status says it: these are columns of the tables too.
STATUS = ("fitted", "failed", "unsupported")
# Gaps above these are counted, in the criterion's units; above WRONG a stop is wrong and not only early.
WRONG = 1e-3
THRESHOLDS = (1e-6, WRONG, 0.1, 1.0)
# Edges of the decades in which gaps that are above what rounding allows are counted, as powers of ten.
DECADES = tuple(range(-9, 2))
MOST_DIGITS = 16
# Two-sided 95 % of the normal law, for the bars of a counted share.
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Unit:
    """A row's key: enough to repeat it."""

    source: str
    design: str
    replicate: int
    transformation: str
    engine: str

    def __str__(self) -> str:
        """In words, without the engine and the source."""
        changed = f", {self.transformation}" if self.transformation else ""
        return f"{self.design}, replicate {self.replicate}{changed}"


@dataclass(frozen=True)
class Share:
    """How many of how many.

    Examples
    --------
    >>> half = Share(50, 100)
    >>> half.value, half.error, [round(end, 4) for end in half.range]
    (0.5, 0.05, [0.4038, 0.5962])
    >>> Share(0, 0).value, Share(0, 20).error
    (None, 0.0)
    """

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def error(self) -> float | None:
        """Its Monte Carlo standard error sqrt(p (1 - p) / n): Morris et al. (2019), table 6."""
        p = self.value
        return None if p is None else math.sqrt(p * (1 - p) / self.of)

    @property
    def range(self) -> tuple[float, float]:
        """Wilson's (1927) 95 % interval, which has a width where the share is 0 or 1 too; all of it of nothing."""
        p, n = self.value, self.of
        if p is None:
            return 0.0, 1.0
        centre, half = p + Z95**2 / (2 * n), Z95 * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
        low, high = ((centre + side * half) / (1 + Z95**2 / n) for side in (-1, 1))
        return (0.0 if self.count == 0 else low), (1.0 if self.count == n else high)


@dataclass(frozen=True)
class Figure:
    """An estimate and its Monte Carlo standard error; None where too few fits tell it."""

    value: float | None
    error: float | None


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """How far above the lowest known criterion fits stopped.

    Attributes
    ----------
    judged
        Fits with a gap and what rounding may make of it.
    beyond
        Those whose gap is more than rounding may make.
    above
        Those of `beyond` whose gap is also above each of THRESHOLDS.
    histogram
        Fits within what rounding allows; then those beyond, by decade: below the first of DECADES, between two of
        them, from the last on.
    largest, where
        The largest gap of `beyond`, and its unit; None if there is none.
    """

    judged: int
    beyond: int
    above: tuple[int, ...]
    histogram: tuple[int, ...]
    largest: float | None
    where: Unit | None


@dataclass(frozen=True)
class Digits:
    """Fits by their correct digits of one quantity: 0, 1, ... MOST_DIGITS and more, rounded down."""

    quantity: str
    counts: tuple[int, ...]

    def had_by(self, share: float) -> int | None:
        """The most digits that this share of the fits has; None without fits.

        Examples
        --------
        >>> seen = Digits("beta", (1, 0, 0, 9, *(0,) * 13))
        >>> seen.had_by(0.9), seen.had_by(1.0)
        (3, 0)
        """
        total, having = sum(self.counts), 0
        for digits in range(len(self.counts) - 1, -1, -1):
            having += self.counts[digits]
            if total and having >= share * total:
                return digits
        return None


@dataclass(frozen=True)
class Alarms:
    """Fits with a warning of one kind: how often it is true, without cause, not judged."""

    kind: str
    true: int
    false: int
    open: int


@dataclass(frozen=True, kw_only=True)
class Doubted:
    """Of fits by where they stopped, those on which the engine doubts its own stop.

    Attributes
    ----------
    right
        The gap is what rounding allows, and nothing from the optimum on is wrong: each doubt is a false alarm.
    estimates
        The gap is what rounding allows, and an estimate is wrong.
    early, wrong
        The gap is more, up to WRONG, and above: who doubts nothing is silent.
    unsaid
        Of fits whose best theta is on the boundary, those without the word "singular".
    """

    right: Share
    estimates: Share
    early: Share
    wrong: Share
    unsaid: Share


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Time per fit: mean, median (to 6 %: counted in classes that are so wide), and all together."""

    mean: float
    median: float
    total: float


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Intervals of one parameter by one method.

    Attributes
    ----------
    covered
        Intervals that hold the truth, of all that there are.
    below, above
        Those that lie below, and above, the truth.
    without
        Fits that have no interval.
    unbounded
        Intervals without an end on a side.
    width
        Mean width of those with two ends.
    df
        Mean degrees of freedom.
    """

    method: str
    covered: Share
    below: int
    above: int
    without: int
    unbounded: int
    width: float | None
    df: float | None


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What an engine makes of one true parameter over the fits of a simulation: Morris et al. (2019), table 6.

    Attributes
    ----------
    name, truth
        Of the parameter.
    fits
        Fits that tell it.
    bias, empirical_sd, rmse
        Of the estimates.
    model_se
        Root of the mean of the squared standard errors that the engine tells; None of what it tells none.
    ratio
        `model_se` over `empirical_sd`.
    intervals
        By method, of the methods that the engine has any interval of.
    """

    name: str
    truth: float
    fits: int
    bias: Figure
    empirical_sd: Figure
    rmse: Figure
    model_se: Figure
    ratio: Figure
    intervals: tuple[Interval, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One engine on one source, or on the part of it that `kind` or `transformation` names.

    Attributes
    ----------
    source, engine
        Names.
    kind, transformation
        Of the part; None of the whole source. An empty transformation is that of the units that are not changed.
    units, fitted, failed, unsupported
        Rows, and by status.
    gaps, digits, alarms, doubted, seconds
        What the records of these names hold; None of what no row tells.
    singular
        Best thetas on the boundary, of those known.
    verdicts
        By rung, "all" for the worst of all: how many units have which.
    parameters
        Of a simulation: what becomes of the truth, on units that are not changed.
    """

    source: str
    engine: str
    kind: str | None = None
    transformation: str | None = None
    units: int
    fitted: int
    failed: int
    unsupported: int
    gaps: Gaps
    digits: tuple[Digits, ...]
    alarms: tuple[Alarms, ...]
    doubted: Doubted
    singular: Share
    verdicts: Mapping[str, Mapping[str, int]]
    seconds: Seconds | None
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table of the plan, and each engine on it.

    Attributes
    ----------
    name
        Of the table.
    what
        "cases", "designs" or "simulate".
    units
        How many are planned.
    level
        Of the intervals; None if there are none.
    engines
        Each engine on all of it.
    kinds, transformations
        Each engine on a kind of design, or a case, and on the units of a transformation; empty where there is only one.
    """

    name: str
    what: str
    units: int
    level: float | None
    engines: tuple[Part, ...]
    kinds: tuple[Part, ...] = ()
    transformations: tuple[Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep as far as it is finished.

    Attributes
    ----------
    name
        The plan's question, or the folder's name.
    relmer
        Version that made it.
    engines, machine
        Versions, and what it ran on.
    planned, found
        Units of the plan, and rows that are there.
    sources
        In the order of the plan.
    """

    name: str
    relmer: str
    engines: Mapping[str, str]
    machine: Mapping[str, str]
    planned: int
    found: int
    sources: tuple[Source, ...]
