"""Wald intervals and predictions on rung 6, asked as the other vectors are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from relmer.reference.answers import Intervals, Predictions, Tested
from relmer.reports.evidence import convention, normal_quantile, quantile, tolerances
from relmer.reports.judge.questions import Question
from relmer.solver.arrays import Array

WALD, POPULATION, CONDITIONAL = "Wald interval", "population prediction", "conditional prediction"
# Levels that programs give where they do not say which, and the normal quantile that is rounded.
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.975, 0.98, 0.99, 0.999)
ROUNDED = {1.96: "by 1.96 in the place of the normal quantile", 2.0: "by 2 in the place of the normal quantile"}
T_BY = {
    "residual": "n - p",
    "satterthwaite": "Satterthwaite's",
    "kenward-roger": "Kenward-Roger's",
    "between-within": "between-within",
}


@dataclass(frozen=True)
class OfInterval(Question):
    """The ends of the Wald intervals: all lower ones, then all upper ones."""

    @property
    def level(self) -> float:
        """The level that is told."""
        assert isinstance(self.about, Intervals)
        return self.about.level

    def ends(self, z: Array | float, se: Array | None = None) -> Array:
        """beta -+ z se."""
        beta, half = self.values["beta"], z * (self.values["se"] if se is None else se)
        return np.concatenate([beta - half, beta + half])

    def right(self) -> Array | str:
        """By the normal quantile."""
        return self.ends(normal_quantile(self.level))

    def bounds(self, right: Array, of: str = "evaluation") -> Array:
        """|d beta| + z |d se|, at either end."""
        beta, se, z = self.values["beta"], self.values["se"], normal_quantile(self.level)
        return np.tile(self.moved("beta", beta, of) + z * self.moved("se", se, of), 2)

    def scale(self, right: Array) -> Array:
        """The ends are relative to themselves, or the width if that is more."""
        return np.maximum(np.abs(right), np.tile(self.ends(1.0)[len(right) // 2 :] - self.values["beta"], 2))

    def conventions(self, said: Array, right: Array) -> Iterator[tuple[str, Array]]:
        """Another level, another quantile, another standard error."""
        for level in LEVELS:
            yield f"of level {level:g}, not {self.level:g}", self.ends(normal_quantile(level))
        yield from ((told, self.ends(z)) for z, told in ROUNDED.items())
        for method, told in T_BY.items():
            tested = self.at.by(method)
            if isinstance(tested, Tested):
                t = quantile(np.array(tested.df), self.level)
                yield f"by t with {told} degrees of freedom in the place of the normal quantile", self.ends(t)
                if method == "kenward-roger":
                    yield "by Kenward-Roger's t and standard errors", self.ends(t, np.array(tested.se))
        yield "the upper ends first", np.roll(right, len(right) // 2)

    def convention(self, said: Array, right: Array) -> str:
        """By a convention of intervals, or by the standard error that half their width implies."""
        if known := super().convention(said, right):
            return known
        half = len(said) // 2
        implied = (said[half:] - said[:half]) / (2 * normal_quantile(self.level))
        return convention(self.hearing.view, "se", implied, self.values)


@dataclass(frozen=True)
class OfPrediction(Question):
    """Predictions of the first rows that take part."""

    def whole(self, name: str) -> Array:
        """The definition's predictions of all rows."""
        if name == CONDITIONAL:
            return self.values["fitted"]
        design = self.at.fit.design
        mean = design.X @ self.values["beta"]
        return np.asarray(mean if design.offset is None else mean + design.offset)

    @property
    def count(self) -> int:
        """How many are told."""
        assert isinstance(self.about, Predictions)
        told = self.about.population if self.name == POPULATION else self.about.conditional
        return min(len(told), len(self.at.fit.design.y))

    def right(self) -> Array | str:
        """X beta + offset, and Z b."""
        return self.whole(self.name)[: self.count]

    def bounds(self, right: Array, of: str = "evaluation") -> Array:
        """As a fitted value; X beta moves by |X| |d beta| too, and 3 % of its own standard error is harmless."""
        found = self.moved("fitted", self.whole(self.name), of)[: len(right)]
        if self.name == CONDITIONAL:
            return found
        X, beta = self.at.fit.design.X[: len(right)], self.values["beta"]
        found = np.maximum(found, np.abs(X) @ self.moved("beta", beta, of))
        if of != "harmless":
            return found
        own = np.sqrt(((X @ self.at.fit.vcov.to_numpy()) * X).sum(axis=1))
        return np.asarray(np.maximum(found, np.sqrt(tolerances.EARLY) * own))

    def scale(self, right: Array) -> Array:
        """Relative to the largest."""
        return np.full(right.shape, np.abs(right).max(initial=0.0) or 1.0)

    def conventions(self, said: Array, right: Array) -> Iterator[tuple[str, Array]]:
        """Without what belongs to it, or with what does not."""
        design, told = self.at.fit.design, slice(None, len(right))
        other = CONDITIONAL if self.name == POPULATION else POPULATION
        swapped = self.whole(other)[told]
        if design.offset is not None:
            yield "without the offset", right - design.offset[told]
            yield "the offset counted twice", right + design.offset[told]
            yield f"the {other} in its place, without the offset", swapped - design.offset[told]
        yield f"the {other} in its place", swapped
        if not len(right):
            return
        yield "the mean of the response in its place", np.full(right.shape, float(design.y.mean()))


KINDS: Mapping[str, type[Question]] = {WALD: OfInterval, POPULATION: OfPrediction, CONDITIONAL: OfPrediction}
