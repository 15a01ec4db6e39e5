"""Profile intervals on rung 6: they are those of the model by maximum likelihood, at no theta of an engine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from relmer.reference.answers import Intervals
from relmer.reports.evidence import Profiled, products, profiled_at, rounding_at, tolerances, uncentred
from relmer.reports.judge.questions import Question
from relmer.solver.arrays import Array

PROFILE = "profile interval"
# Levels are told apart by what no spline moves: a hundredth of a normal quantile.
SAME_Z = 0.01
# A level as one would name it.
DIGITS = 3


@dataclass(frozen=True)
class OfProfile(Question):
    """The ends of the profile intervals of standard deviations, correlations, sigma and beta: lower ones first."""

    @property
    def where(self) -> str:
        """Of the optimum: a profile is at no theta of an engine."""
        return "by maximum likelihood"

    @property
    def found(self) -> Profiled | str:
        """The definition's."""
        assert isinstance(self.about, Intervals)
        return profiled_at(self.at.view, self.about.level)

    @property
    def here(self) -> Profiled:
        """The definition's, where there are any."""
        found = self.found
        assert isinstance(found, Profiled)
        return found

    def right(self) -> Array | str:
        """Roots of the profile itself; of one that falls again there are several."""
        found = self.found
        if isinstance(found, str):
            return found
        steady = np.isfinite(found.splines)
        names = [own.old for own in found.profile.parameters] * 2
        if not steady.all():
            open_ones = dict.fromkeys(name for name, rises in zip(names, steady, strict=True) if not rises)
            return f"the profile of {', '.join(open_ones)} does not rise steadily: there is no one interval"
        return found.vector

    def width(self) -> Array:
        """Of the intervals, at each end."""
        return np.tile(np.array(self.here.ends.upper) - np.array(self.here.ends.lower), 2)

    def bounds(self, right: Array, of: str = "evaluation") -> Array:
        """By the rounding of the deviance; by splines and searches that stop where lme4 accepts it; harmlessly.

        Harmless is 3 % of the half width over z, in which a standard error is.
        """
        here = self.here
        if of == "harmless":
            return np.asarray(np.sqrt(tolerances.EARLY) * self.width() / (2 * here.z))
        exact = here.moved(tolerances.CRITERION * self.hearing.view.size) + tolerances.EVALUATION * self.width()
        if of == "evaluation":
            return np.asarray(exact)
        view, theta = self.hearing.view, self.hearing.view.fit.optimum.theta.tolist()
        lost = max(products(view, theta), uncentred(view, theta).criterion, rounding_at(view, theta))
        return np.asarray(exact + here.splines + here.moved(max(tolerances.STOP * max(1, len(theta)), lost)))

    def scale(self, right: Array) -> Array:
        """Relative to the width."""
        return np.maximum(self.width(), np.finfo(float).tiny)

    def opened(self) -> str:
        """What accounts for a difference within the bound of splines."""
        here = self.here
        most = float((self.bounds(here.vector, "rounding") / self.scale(here.vector)).max(initial=0.0))
        return f"who interpolates the profile by splines may lose {most:.1e} of the width"

    def conventions(self, said: Array, right: Array) -> Iterator[tuple[str, Array]]:
        """Variances in the place of standard deviations; the interval of another program."""
        deviations = np.tile(self.here.deviations, 2)
        yield "variances in the place of standard deviations", np.where(deviations, right**2, right)
        yield "the upper ends first", np.roll(right, len(right) // 2)

    def convention(self, said: Array, right: Array) -> str:
        """By a convention of ends, or the level that the profile itself has at all of them."""
        bound = self.bounds(right, "rounding")
        for told, other in self.conventions(said, right):
            apart, off = np.abs(other - right), np.abs(said - other)
            if np.any(apart > 10 * bound) and np.all(off <= bound * (1 + np.abs(other))):
                return told
        at = np.abs(self.here.zeta(said))[self.here.inside]
        if not len(at) or not np.isfinite(at).all() or np.ptp(at) > SAME_Z or abs(at.mean() - self.here.z) <= SAME_Z:
            return ""
        return f"of level {round(2 * float(special.ndtr(at.mean())) - 1, DIGITS):g}, not {self.here.ends.level:g}"


KINDS: Mapping[str, type[Question]] = {PROFILE: OfProfile}
