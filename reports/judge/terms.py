"""The F tests of terms on rung 6, asked as the other vectors are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, special

from relmer.reference.answers import FTests
from relmer.reports.evidence import LostOfTerms, lost_of_terms, tolerances
from relmer.reports.judge.questions import HARMLESS_P, Question, meets
from relmer.solver.arrays import Array
from relmer.solver.inference import hypotheses

NUM, DEN, F, P = "NumDF", "DenDF", "F", "p of F"
FIELDS = {NUM: "NumDF", DEN: "DenDF", F: "F", P: "p"}
OTHERS = {"satterthwaite": "Satterthwaite's", "kenward-roger": "Kenward-Roger's", "residual": "residual, n - p,"}


@dataclass(frozen=True)
class OfTerm(Question):
    """NumDF, DenDF, F or p of the terms that are told."""

    @property
    def told(self) -> FTests:
        """The tests that are told."""
        assert isinstance(self.about, FTests)
        return self.about

    @property
    def shown(self) -> str:
        """With the type of the hypotheses."""
        return f"{self.name} (type {self.told.type}, {self.method})"

    def of(self, method: str, type: str) -> FTests | str:
        """The definition's tests of the terms that are told, by a method and a type."""
        found = self.at.F_by(method, type)
        if isinstance(found, str):
            return found
        places = {term: k for k, term in enumerate(found.terms)}
        if not {*self.told.terms} <= {*places}:
            return "it has not the terms that are told"
        kept = [places[term] for term in self.told.terms]
        vectors: dict[str, Any] = {name: tuple(getattr(found, name)[k] for k in kept) for name in FIELDS.values()}
        return replace(found, terms=self.told.terms, **vectors)

    @cached_property
    def here(self) -> FTests:
        """The definition's."""
        found = self.of(self.method, self.told.type)
        assert isinstance(found, FTests)
        return found

    def mismatch(self) -> str:
        """The terms that are told and are none of the model's."""
        found = self.at.F_by(self.method, self.told.type)
        if isinstance(found, str):
            return ""
        strange = [term for term in self.told.terms if term not in found.terms]
        return f"{', '.join(strange)}: the terms are {', '.join(found.terms) or 'none'}" if strange else ""

    def right(self) -> Array | str:
        """By the definition."""
        found = self.of(self.method, self.told.type)
        return found if isinstance(found, str) else np.array(getattr(found, FIELDS[self.name]))

    @cached_property
    def lost(self) -> LostOfTerms:
        """What is lost of it by who is not this project's."""
        if self.own:
            nothing = np.zeros(len(self.told.terms))
            return LostOfTerms(nothing, nothing)
        return lost_of_terms(self.at, self.method, self.told.type, self.told.terms)

    def relative(self) -> Array:
        """How far DenDF may be from the definition's, relative."""
        return tolerances.EVALUATION + self.lost.df

    def bounds(self, right: Array, of: str = "evaluation") -> Array:
        """NumDF exactly, DenDF relative to itself, F by what it is made of, p by both."""
        df = np.array(self.here.DenDF)
        match self.name:
            case "NumDF":
                return np.zeros(right.shape)
            case "DenDF":
                return insensible_F(np.array(self.here.NumDF), df) if of == "harmless" else self.relative() * right
            case "F":
                return self.bounds_of_F(of)
        off = insensible_F(np.array(self.here.NumDF), df) if of == "harmless" else self.relative() * df
        value, of_F, q = np.array(self.here.F), self.bounds_of_F(of), np.array(self.here.NumDF)
        ends = [
            special.fdtrc(q, np.maximum(df + b * off, 1e-9), np.maximum(value + a * of_F, 0.0))
            for a in (-1, 1)
            for b in (-1, 1)
        ]
        moved = np.max([np.abs(end - right) for end in ends], axis=0)
        floor = HARMLESS_P if of == "harmless" else np.finfo(float).tiny
        return np.asarray(np.maximum(moved + tolerances.EVALUATION * right, floor))

    def bounds_of_F(self, of: str) -> Array:
        """With s^2 = q F the square of the whitened L beta: 2 s |ds| / q, and twice what its scale moves by.

        ds is sum |d beta_j| times the length of the whitened column j of L. Harmless is 3 % of one standard error.
        """
        beta, se = self.values["beta"], self.values["se"]
        value, q = np.array(self.here.F), np.array(self.here.NumDF)
        s = np.sqrt(q * value)
        if of == "harmless":
            return np.asarray(2 * s * np.sqrt(tolerances.EARLY) / q)
        of_beta, of_se = self.moved("beta", beta, of), self.moved("se", se, of)
        each = hypotheses(self.at.fit, self.told.type)
        vcov = self.at.fit.vcov.to_numpy()
        ds = np.array([whitened_columns(each[term].to_numpy(), vcov) @ of_beta for term in self.told.terms])
        scaled = 2 * float((of_se / se).max(initial=0.0)) * value
        if self.method == "kenward-roger":
            scaled = scaled + self.lost.df * value
        return np.asarray(2 * s * ds.reshape(s.shape) / q + scaled + self.lost.F)

    def scale(self, right: Array) -> Array:
        """F to one at least."""
        return np.maximum(np.abs(right), 1.0) if self.name == "F" else super().scale(right)

    def conventions(self, said: Array, right: Array) -> Iterator[tuple[str, Array]]:
        """Another type, another method, a chi-squared."""
        here, field = self.here, FIELDS[self.name]
        q, mine = np.array(here.NumDF), OTHERS.get(self.method, self.method)
        for type in ("I", "II", "III"):
            found = self.of(self.method, type)
            if type != here.type and isinstance(found, FTests):
                yield f"of type {type}, not {here.type}", np.array(getattr(found, field))
        for method, told in OTHERS.items():
            found = self.of(method, here.type)
            if method != self.method and isinstance(found, FTests) and self.name != "NumDF":
                yield f"{told} in the place of {mine}", np.array(getattr(found, field))
                if self.name == "p of F":
                    value = np.asarray(special.fdtrc(q, np.array(found.DenDF), np.array(here.F)), dtype=float)
                    yield f"with degrees of freedom {told} in the place of {mine}", value
        match self.name:
            case "F":
                yield "chi-squared, not divided by NumDF", q * right
            case "DenDF":
                yield f"n in the place of {mine}", np.full(right.shape, float(len(self.at.fit.design.y)))
            case "p of F":
                yield (
                    "of chi-squared: DenDF is not counted",
                    np.asarray(special.chdtrc(q, q * np.array(here.F)), dtype=float),
                )

    def convention(self, said: Array, right: Array) -> str:
        """The convention by which the definition's value becomes what was said; empty if none does."""
        bound = np.maximum(replace(self, own=True).bounds(right), 1e-6 * np.abs(right))
        fitting = [told for told, other in self.conventions(said, right) if meets(said, other, right, bound)]
        return ", or ".join(dict.fromkeys(fitting))

    def opened(self) -> str:
        """What accounts for a difference within the bounds."""
        differences = "its derivatives are differences, " if self.method == "satterthwaite" else ""
        most = float(self.relative().max(initial=0.0))
        return f"{differences}its hypotheses are rounded to seven digits, which leaves {most:.1e} of DenDF open"


def whitened_columns(L: Array, vcov: Array) -> Array:
    """Lengths of the columns of (L vcov L')^-1/2 L (p,)."""
    sizes, axes = linalg.eigh(L @ vcov @ L.T)
    seen = sizes > tolerances.EPS * len(sizes) * sizes.max(initial=0.0)
    return np.asarray(np.sqrt((((axes[:, seen] / np.sqrt(sizes[seen])).T @ L) ** 2).sum(axis=0)))


def insensible_F(q: Array, df: Array) -> Array:
    """By how much DenDF may differ: p = 0.05 moves by less than 3e-5."""
    at = special.fdtri(q, df, 0.95)
    low = special.fdtrc(q, df * (1 - 1e-4), at) - special.fdtrc(q, df, at)
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(df, df * 1e-4 * HARMLESS_P / np.maximum(low, np.finfo(float).tiny)))


KINDS: Mapping[str, type[Question]] = dict.fromkeys((NUM, DEN, F, P), OfTerm)
