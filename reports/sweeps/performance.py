"""What becomes of true parameters over the fits of a simulation: bias, spread, coverage, with Monte Carlo errors.

The measures and their errors are those of Morris, White & Crowther (2019), "Using simulation studies to evaluate
statistical methods", Statistics in Medicine 38:2074-2102, table 6; the error of a root is that of what stands below it
over twice the root.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from relmer.reports.sweeps.columns import Array, Columns
from relmer.reports.sweeps.reading import Truth
from relmer.reports.sweeps.rows import METHODS, WITH_DF
from relmer.reports.sweeps.sums import Moments
from relmer.reports.swept import Figure, Interval, Parameter, Share

Counts = NDArray[np.int64]
SIGMA = "sigma"


@dataclass
class Intervals:
    """Counts of the intervals of each coefficient by one method."""

    width: int
    there: Counts = field(init=False)
    below: Counts = field(init=False)
    above: Counts = field(init=False)
    unbounded: Counts = field(init=False)
    widths: Moments = field(init=False)
    df: Moments = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is known."""
        self.there, self.below, self.above, self.unbounded = (np.zeros(self.width, dtype=np.int64) for _ in range(4))
        self.widths, self.df = Moments(self.width), Moments(self.width)

    def add(self, lower: Array, upper: Array, df: Array, truth: Array) -> None:
        """Take in the ends of intervals (m, width); one with an end that is NaN is none."""
        there = ~(np.isnan(lower) | np.isnan(upper))
        self.there += there.sum(axis=0)
        self.below += (there & (upper < truth)).sum(axis=0)
        self.above += (there & (lower > truth) & ~(upper < truth)).sum(axis=0)
        self.unbounded += (there & ~(np.isfinite(lower) & np.isfinite(upper))).sum(axis=0)
        with np.errstate(invalid="ignore"):
            self.widths.add(upper - lower)
        self.df.add(df)

    def merge(self, other: Self) -> None:
        """Take in another's."""
        for name in ("there", "below", "above", "unbounded"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.widths.merge(other.widths)
        self.df.merge(other.df)


@dataclass
class Performance:
    """Sums of the errors of one engine on one simulation: the parameters are theta, beta, sigma, in this order."""

    truth: Truth
    fitted: int = 0
    errors: Moments = field(init=False)
    squared_errors: Moments = field(init=False)
    variances: Moments = field(init=False)
    intervals: dict[str, Intervals] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is known."""
        self.true = np.array([*self.truth.theta, *self.truth.beta, self.truth.sigma])
        self.errors, self.squared_errors = Moments(len(self.true)), Moments(len(self.true))
        self.variances = Moments(len(self.truth.beta))
        self.intervals = {method: Intervals(len(self.truth.beta)) for method in METHODS}

    def add(self, found: Columns, rows: NDArray[np.int64]) -> None:
        """Take in rows, all of them fitted."""
        self.fitted += len(rows)
        q, p = len(self.truth.theta), len(self.truth.beta)
        beta = np.array(self.truth.beta)
        estimates = np.column_stack(
            [
                found.vectors("theta", q, rows),
                found.vectors("beta", p, rows),
                found.numbers(SIGMA, rows),
            ]
        )
        with np.errstate(over="ignore", invalid="ignore"):
            errors = estimates - self.true
            self.errors.add(errors)
            self.squared_errors.add(errors**2)
            self.variances.add(found.vectors("se", p, rows) ** 2)
        for method, sums in self.intervals.items():
            lower, upper = (found.vectors(f"{end}_{method}", p, rows) for end in ("lower", "upper"))
            df = found.vectors(f"df_{method}", p, rows) if method in WITH_DF else np.full_like(lower, np.nan)
            sums.add(lower, upper, df, beta)

    def merge(self, other: Self) -> None:
        """Take in another's."""
        self.fitted += other.fitted
        self.errors.merge(other.errors)
        self.squared_errors.merge(other.squared_errors)
        self.variances.merge(other.variances)
        for method, sums in self.intervals.items():
            sums.merge(other.intervals[method])

    def parameters(self, theta_names: tuple[str, ...], coefficients: tuple[str, ...]) -> tuple[Parameter, ...]:
        """The measures: the coefficients first, then sigma and theta."""
        q, p = len(self.truth.theta), len(self.truth.beta)
        names = [*theta_names, *coefficients, SIGMA]
        order = [*range(q, q + p), q + p, *range(q)]
        return tuple(self.parameter(names[k], k, k - q if q <= k < q + p else None) for k in order)

    def parameter(self, name: str, k: int, j: int | None) -> Parameter:
        """One parameter; `j` is its place among the coefficients, if it is one."""
        n = int(self.errors.n[k])
        sd = float(np.sqrt(self.errors.variance[k]))
        mse = float(self.squared_errors.mean[k])
        mse_error = float(np.sqrt(self.squared_errors.variance[k] / n)) if n else np.nan
        rmse = np.sqrt(mse)
        model_se, ratio = (Figure(None, None),) * 2 if j is None else self.of_model(j, sd, n)
        return Parameter(
            name=name,
            truth=float(self.true[k]),
            fits=n,
            bias=figure(float(self.errors.mean[k]), sd / np.sqrt(n), n) if n else Figure(None, None),
            empirical_sd=figure(sd, sd / np.sqrt(2 * (n - 1)), n) if n > 1 else Figure(None, None),
            rmse=figure(float(rmse), mse_error / (2 * rmse) if rmse else np.nan, n),
            model_se=model_se,
            ratio=ratio,
            intervals=() if j is None else tuple(self.of_intervals(j)),
        )

    def of_model(self, j: int, sd: float, n: int) -> tuple[Figure, Figure]:
        """The average model standard error, and its ratio to the empirical standard deviation."""
        m = int(self.variances.n[j])
        mean, spread = float(self.variances.mean[j]), float(self.variances.variance[j])
        if not m or mean <= 0:
            return Figure(None, None), Figure(None, None)
        se = float(np.sqrt(mean))
        of_se = spread / (4 * m * mean**2)
        told = figure(se, se * np.sqrt(of_se), m)
        if n < 2 or not sd > 0:
            return told, Figure(None, None)
        return told, figure(se / sd, se / sd * np.sqrt(of_se + 1 / (2 * (n - 1))), m)

    def of_intervals(self, j: int) -> list[Interval]:
        """Intervals of a coefficient, of the methods by which the engine has any."""
        return [
            Interval(
                method=method,
                covered=Share(int(sums.there[j] - sums.below[j] - sums.above[j]), int(sums.there[j])),
                below=int(sums.below[j]),
                above=int(sums.above[j]),
                without=self.fitted - int(sums.there[j]),
                unbounded=int(sums.unbounded[j]),
                width=float(sums.widths.mean[j]) if sums.widths.n[j] else None,
                df=float(sums.df.mean[j]) if sums.df.n[j] else None,
            )
            for method, sums in self.intervals.items()
            if sums.there.any()
        ]


def figure(value: float, error: float, n: int) -> Figure:
    """A value of n fits with its error, each None if it is no number."""
    known = n > 0 and np.isfinite(value)
    return Figure(float(value) if known else None, float(error) if known and np.isfinite(error) else None)
