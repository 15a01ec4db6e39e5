"""What is asked of one vector of rung 6: its right value at a theta, its bounds, its value by other conventions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from relmer.reference.answers import Tested
from relmer.reports.evidence import (
    Concluded,
    convention,
    p_of,
    products,
    quantile,
    tolerances,
    uncentred,
)
from relmer.reports.judge.hearing import Hearing
from relmer.reports.judge.margins import conditioned_at, harmless, margin, rounded_by
from relmer.solver.arrays import Array

OF_LIKELIHOOD = ("logLik", "AIC", "BIC")
# A convention is the cause if what it gives is met to this part of itself: beside the method's own bound.
SAME = 1e-6
CONDSD = "conditional SD"
# What a p-value near 0.05 may move by: see "harmless" in the table.
HARMLESS_P = 3e-5


@dataclass(frozen=True)
class Question:
    """One vector that an engine tells, and what is needed to rule on it.

    Attributes
    ----------
    hearing
        Whose view and kin are taken.
    at
        The definition's inference at the engine's theta.
    values
        Its estimates there.
    name
        Of what is told: "logLik", "df", "AIC", "BIC", "t", CONDSD, or of a method "df", "se", "t", "p".
    method
        Of degrees of freedom; empty where none is needed.
    own
        Whether it is this project's, so that nothing excuses it.
    about
        The record of the answer that it stands in, where the name does not say all: the level of an interval.
    """

    hearing: Hearing
    at: Concluded
    values: Mapping[str, Array]
    name: str
    method: str
    own: bool
    about: object = None

    @property
    def shown(self) -> str:
        """What it is called."""
        return f"{self.name} ({self.method})" if self.method else self.name

    @property
    def where(self) -> str:
        """Of what the definition's value is."""
        return "at its own theta"

    def mismatch(self) -> str:
        """In what it is of another model; empty if it is not."""
        return ""

    @property
    def counted(self) -> bool:
        """Whether it is degrees of freedom, or a p that goes by them."""
        return self.name in ("df", "p", "DenDF", "p of F")

    def opened(self) -> str:
        """What accounts for a difference within the bounds of a method."""
        most = float(self.relative().max(initial=0.0))
        told = "its derivatives are differences, which leave" if self.method == "satterthwaite" else "at 2 it leaves"
        return f"{told} {most:.1e} of degrees of freedom open"

    def right(self) -> Array | str:
        """The definition's value, or why there is none."""
        criterion = self.values["criterion"]
        n = len(self.at.view.fit.design.y)
        match self.name:
            case "logLik":
                return np.asarray(-criterion / 2)
            case "AIC":
                return np.asarray(criterion + 2 * self.at.df)
            case "BIC":
                return np.asarray(criterion + np.log(n) * self.at.df)
            case "conditional SD":
                found = self.at.condsd
                return "it is not evaluated for so many random effects" if found is None else found
        if not self.method:
            return np.asarray([self.at.df] if self.name == "df" else self.values["beta"] / self.values["se"])
        tested = self.at.by(self.method)
        return tested if isinstance(tested, str) else np.asarray(getattr(tested, self.name))

    def relative(self) -> Array:
        """How far degrees of freedom may be from the definition's, relative: by the evaluation, and the method's own.

        Of who takes differences for derivatives, what these cost; Kenward and Roger's divide by 1 - 2 / nu.
        """
        tested = self.at.by(self.method)
        assert isinstance(tested, Tested)
        df = np.array(tested.df)
        lost = np.zeros(len(df))
        if self.method == "satterthwaite" and not self.own:
            lost = df * self.at.differences
        if self.method == "kenward-roger" and not self.own:
            lost = tolerances.CRITERION / np.maximum(np.abs(1 - 2 / df), tolerances.EPS)
        return tolerances.EVALUATION + lost

    def se(self) -> Array:
        """The standard errors that t goes by."""
        tested = self.at.by(self.method) if self.method else ""
        return self.values["se"] if isinstance(tested, str) else np.array(tested.se)

    def bounds(self, right: Array, of: str = "evaluation") -> Array:
        """How far a value may be from the definition's: by the evaluation, by its rounding, or harmlessly."""
        if self.name in OF_LIKELIHOOD:
            part = 0.5 if self.name == "logLik" else 1.0
            return np.full(right.shape, part * tolerances.CRITERION * self.hearing.view.size)
        if self.name == "df":
            if not self.method:
                return np.zeros(right.shape)
            return insensible(right) if of == "harmless" else self.relative() * right
        if self.name in (CONDSD, "se"):
            return self.moved("b" if self.name == CONDSD else "se", right, of)
        return self.bounds_of_t(of) if self.name == "t" else self.bounds_of_p(right, of)

    def bounds_of_t(self, of: str) -> Array:
        """Of the quotient beta / se."""
        beta, se = self.values["beta"], self.se()
        return np.asarray((self.moved("beta", beta, of) + np.abs(beta / se) * self.moved("se", se, of)) / se)

    def bounds_of_p(self, right: Array, of: str) -> Array:
        """p goes with t and the degrees of freedom: at their corners."""
        tested = self.at.by(self.method)
        assert isinstance(tested, Tested)
        t, df, of_t = np.abs(self.values["beta"] / self.se()), np.array(tested.df), self.bounds_of_t(of)
        of_df = insensible(df) if of == "harmless" else self.relative() * df
        corners = [(a, b) for a in (-1, 1) for b in (-1, 1)]
        ends = [p_of(np.maximum(t + a * of_t, 0.0), np.maximum(df + b * of_df, 1e-9)) for a, b in corners]
        moved = np.max([np.abs(end - right) for end in ends], axis=0)
        floor = HARMLESS_P if of == "harmless" else np.finfo(float).tiny
        return np.asarray(np.maximum(moved + tolerances.EVALUATION * right, floor))

    def moved(self, quantity: str, value: Array, of: str) -> Array:
        """The bound of an estimate that goes into it."""
        if of == "harmless":
            return harmless(self.hearing, quantity, value)
        if of in ("rounding", "any rounding"):
            # What is harmless needs no threshold of how much is lost.
            least = {"least": 0.0} if of == "any rounding" else {}
            at = uncentred(self.at.view, self.at.theta, **least)
            lost = replace(at, criterion=max(products(self.at.view, self.at.theta), at.criterion))
            # A conditional SD goes with sigma, as a standard error does.
            goes_as = "se" if self.name == CONDSD else quantity
            found = rounded_by(self.hearing, goes_as, value, lost) + margin(self.hearing, quantity, value)
            if of == "rounding":
                return found
            return np.asarray(found + conditioned_at(self.hearing, self.at.theta, quantity, value))
        return margin(self.hearing, quantity, value)

    def scale(self, right: Array) -> Array:
        """What an error is relative to: t to one at least, conditional SDs to their largest."""
        size = np.abs(right)
        if self.name == "t":
            return np.maximum(size, 1.0)
        if self.name == CONDSD:
            return np.full(size.shape, size.max(initial=0.0) or 1.0)
        return np.where(size > 0, size, 1.0)

    def conventions(self, said: Array, right: Array) -> Iterator[tuple[str, Array]]:
        """The value by every convention that is known."""
        match self.name:
            case "df" if not self.method:
                yield from self.at.counts()
            case "AIC" | "BIC":
                yield from ((told, self.values["criterion"] + part) for told, part in self.at.penalties(self.name))
            case "df":
                yield from self.at.degrees(self.method)
            case "p":
                t = np.abs(self.values["beta"] / self.se())
                yield "one-sided", right / 2
                yield from (
                    (f"with degrees of freedom {told}", p_of(t, df)) for told, df in self.at.degrees(self.method)
                )
            case "conditional SD":
                yield from self.at.deviations(right)
            case "se" | "t" if self.method == "kenward-roger":
                plain = self.values["se"]
                told = "with the standard errors of vcov, which are not adjusted"
                yield told, plain if self.name == "se" else self.values["beta"] / plain
            case "se" | "t" if isinstance(other := self.at.by("kenward-roger"), Tested):
                yield "with Kenward-Roger's standard errors", np.array(getattr(other, self.name))
        if self.name == "logLik":
            yield "the criterion, -2 logLik, in its place", self.values["criterion"]
            yield "-logLik in its place", -right

    def convention(self, said: Array, right: Array) -> str:
        """Name the convention by which the definition's value becomes what was said; empty if none does."""
        bound = replace(self, own=True).bounds(right)
        if self.method or self.name == CONDSD:
            bound = np.maximum(bound, SAME * np.abs(right))
        if fitting := [told for told, other in self.conventions(said, right) if meets(said, other, right, bound)]:
            return ", or ".join(dict.fromkeys(fitting))
        implied = {"logLik": ("criterion", -2 * said), "se": ("se", said)}
        if self.name in ("AIC", "BIC"):
            implied[self.name] = ("criterion", said - (right - self.values["criterion"]))
        if self.name == "t" and said.all():
            implied["t"] = ("se", self.values["beta"] / said)
        if self.name not in implied or self.method:
            return ""
        quantity, value = implied[self.name]
        return convention(self.hearing.view, quantity, value, self.values)


def meets(said: Array, other: Array, right: Array, bound: Array) -> bool:
    """Whether what was said is another value, which differs from the right one by more than its bound."""
    with np.errstate(invalid="ignore"):
        off, apart = np.abs(said - other), np.abs(other - right)
    size = np.minimum(bound, SAME * np.maximum(np.abs(other), np.abs(right)))
    met = (off <= np.where(np.isfinite(other), size, 0.0)) | (said == other)
    return bool(np.any(apart > 10 * bound) and np.all(met))


def insensible(df: Array) -> Array:
    """By how much degrees of freedom may differ: p = 0.05 moves by less than 3e-5 (see "harmless")."""
    t, most = quantile(df), HARMLESS_P
    low = p_of(t, df * (1 - 1e-4)) - p_of(t, df)
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(df, df * 1e-4 * most / np.maximum(low, np.finfo(float).tiny)))
