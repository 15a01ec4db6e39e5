"""What a listing prints, judged at half a unit of each figure's last digit; G stands in theta's place.

A figure must be what the optimum prints. Where it is not, the listing's own covariance matrices say where its program
stopped: if it stopped elsewhere, its other figures are those of that theta. If they are those of the optimum, or of no
theta at all, the figure itself is wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from relmer.datasets import (
    JUDGED_OF_A_LISTING,
    free_of_fit,
    half_unit,
    has_form,
    is_bound,
    key_of,
    number,
    outside,
    parse_key,
)
from relmer.reference.answers import Estimates
from relmer.reference.own_fits import estimates
from relmer.reports.evidence import digits, figure, figure_of_data, has_figure, optimality, tolerances
from relmer.reports.judge.explanations import implied_gap, prints
from relmer.reports.judge.hearing import AGREES, Hearing, Ruling
from relmer.reports.judge.optimum import DIAGNOSES
from relmer.reports.judge.printed import PRECISE, SINGLE, conventional
from relmer.reports.judge.rounding import evaluation
from relmer.reports.records import Comparison, Optimality
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.algebra import root_by_columns
from relmer.solver.fits import at_theta
from relmer.solver.model import Design, group_names, theta_names, theta_near

# Rung 1: sizes of the data; of the matrices, rung 2.
OF_RUNG_1 = ("nobs", "groups", "size")
# Rung 4: what stands for theta, and the criterion. All else is an estimate, rung 5.
OF_RUNG_4 = ("theta", "var", "sd", "cov", "corr", "criterion", "logLik")
# What says where a search stopped.
OF_SEARCH = ("theta", "var", "sd", "cov", "corr", "sigma", "sigma2")
# What follows from t and its degrees of freedom.
OF_INFERENCE = ("p", "ddf")
# What a certificate proves of the estimates.
VECTORS, SCALARS = ("theta", "beta", "se"), ("sigma", "criterion")


@dataclass(frozen=True)
class Listing:
    """The figures of a listing, and what the model gives for them.

    Attributes
    ----------
    hearing
        Whose `view` knows how far each figure moves with theta.
    best
        The estimates at the optimum; proved where a certificate has them.
    printed
        The figures by key, those that the model has.
    """

    hearing: Hearing
    best: Estimates
    printed: Mapping[str, str]

    def value(self, key: str, of: Estimates) -> float:
        """Value of a figure in some estimates."""
        return figure(self.hearing.view.fit.design, of, key)

    def off(self, key: str) -> bool:
        """Whether the optimum does not print a figure."""
        return not self.shows(key, self.value(key, self.best))

    def shows(self, key: str, value: float) -> bool:
        """Whether a value prints a figure, which may have more digits than an evaluation has."""
        text = self.printed[key]
        return prints(value, text) or (not is_bound(text) and outside(value, text) <= self.slack(key, value))

    def slack(self, key: str, value: float) -> float:
        """The rounding of an evaluation: that of the table, of a coefficient at least that of its standard error."""
        quantity, names = parse_key(key)
        if quantity in ("criterion", "logLik"):
            return tolerances.CRITERION * self.hearing.view.size
        own = self.value(key_of("se", *names), self.best) if quantity == "beta" else 0.0
        return tolerances.EVALUATION * max(abs(value), own)

    @cached_property
    def theta(self) -> tuple[float, ...] | None:
        """theta of the printed covariance matrices; None unless they are printed as a whole, with sigma."""
        return self._theta({key: number(text) for key, text in self.printed.items()})

    def _theta(self, given: Mapping[str, float]) -> tuple[float, ...] | None:
        terms = self.hearing.view.fit.design.terms
        entries = [given.get(key_of("theta", name), np.nan) for name in theta_names(terms)]
        if entries and np.isfinite(entries).all():
            return tuple(map(float, entries))
        sigma2 = given["sigma"] ** 2 if "sigma" in given else given.get("sigma2", np.nan)
        blocks = []
        for group, term in zip(group_names(terms), terms, strict=True):
            G = np.array([[covariance(given, group, one, other) for other in term.columns] for one in term.columns])
            blocks.append(G / sigma2)
        if not blocks or not all(np.isfinite(block).all() for block in blocks):
            return None
        return tuple(theta_near(terms, [root_by_columns(block) for block in blocks]).tolist())

    @cached_property
    def gap(self) -> float | None:
        """How far above the optimum its covariance matrices are; None where they are not printed as a whole."""
        if self.theta is None:
            return None
        return float(self.hearing.evaluator.at(self.theta).criterion) - self.hearing.best

    def at(self, theta: tuple[float, ...]) -> Estimates:
        """The estimates at a theta."""
        return estimates(at_theta(self.hearing.view.fit, np.array(theta)))

    @cached_property
    def there(self) -> Estimates | None:
        """The estimates at its own theta."""
        return None if self.theta is None else self.at(self.theta)

    @cached_property
    def moved(self) -> tuple[Estimates, ...]:
        """The estimates with each figure of G, and sigma, moved by half a unit: what the printed digits leave open."""
        given = {key: number(text) for key, text in self.printed.items()}
        steps = [key for key in given if parse_key(key)[0] in OF_SEARCH]
        thetas = [self._theta(given | {key: given[key] + half_unit(self.printed[key])}) for key in steps]
        return tuple(self.at(theta) for theta in thetas if theta is not None)

    def gives(self, key: str) -> bool:
        """Whether its own theta gives a figure, as far as the digits of its G tell."""
        if self.there is None:
            return False
        value = self.value(key, self.there)
        loose = sum(abs(self.value(key, other) - value) for other in self.moved)
        return outside(value, self.printed[key]) <= loose + tolerances.EVALUATION * abs(value)

    @cached_property
    def contradicted(self) -> str:
        """A figure of the optimum that is not that of its own theta; empty if there is none."""
        others = (key for key in self.printed if parse_key(key)[0] not in (*OF_SEARCH, *OF_INFERENCE))
        return next((key for key in others if not self.off(key) and not self.gives(key)), "")

    @property
    def rounding(self) -> float:
        """What rounding leaves open of the criterion; the factor is that of the printed figures."""
        return tolerances.SLACK**2 * tolerances.GAP * self.hearing.view.size

    @cached_property
    def stop(self) -> Ruling:
        """Rule on where its program stopped."""
        if self.gap is None or self.theta is None:
            return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, "G is not printed as a whole, with sigma")
        told = f"the printed G and sigma are {self.gap:.1e} above the optimum"
        wrong = [key for key in self.printed if parse_key(key)[0] in OF_SEARCH and self.off(key)]
        if not wrong:
            return AGREES.saying(f"{told}; their digits are those of the optimum")
        if self.gap <= self.rounding:
            return AGREES.saying(f"{told}, within rounding ({self.rounding:.0e})")
        if self.contradicted:
            told += f", but {self.contradicted} is the optimum's, not that of this G: see {', '.join(wrong)}"
            return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, told)
        found = optimality(self.hearing.view, self.theta, self.gap)
        if found.optimality in (Optimality.OPTIMUM, Optimality.EARLY) and self.gap <= tolerances.EARLY:
            return Ruling(Verdict.EARLY, Diagnosis.STOP, told)
        return Ruling(Verdict.WRONG, DIAGNOSES[found.optimality], f"{told}; {found.optimality}: {found.reason}")


def covariance(given: Mapping[str, float], group: str, one: str, other: str) -> float:
    """A variance or covariance, however it is printed; no number where it is not.

    Examples
    --------
    >>> covariance({"sd[g, x]": 2.0, "var[g, z]": 9.0, "corr[g, z, x]": 0.5}, "g", "x", "z")
    3.0
    """
    if one == other:
        deviation = given.get(key_of("sd", group, one), np.nan)
        return float(given.get(key_of("var", group, one), deviation**2))
    for pair in ((one, other), (other, one)):
        if (key := key_of("cov", group, *pair)) in given:
            return given[key]
        if (key := key_of("corr", group, *pair)) in given:
            return float(
                given[key] * np.sqrt(covariance(given, group, one, one) * covariance(given, group, other, other))
            )
    return float("nan")


def judge_listing(hearing: Hearing) -> Iterator[Comparison]:
    """Every printed figure of an answer: named, at its rung; before them where its G lies."""
    known: dict[str, Any] = {name: tuple(hearing.proved[name]) for name in VECTORS if name in hearing.proved}
    known |= {name: float(hearing.proved[name][0]) for name in SCALARS if name in hearing.proved}
    best: Estimates = replace(estimates(hearing.view.fit), **known)
    figures = hearing.answer.figures
    judged = {key: text for key, text in figures.items() if has_form(key, JUDGED_OF_A_LISTING)}
    fitted = {key: text for key, text in judged.items() if not free_of_fit(key)}
    printed = {key: text for key, text in fitted.items() if has(hearing.view.fit.design, best, key)}
    moving = {key for key in printed if parse_key(key)[0] not in OF_INFERENCE}
    view = replace(hearing.view, keys=frozenset(moving))
    hearing = replace(hearing, stops=replace(hearing.stops, view=view))
    listing = Listing(hearing=hearing, best=best, printed=printed)
    if listing.gap is not None:
        reached = digits("criterion", np.array(hearing.best + listing.gap), np.array(hearing.best))
        yield hearing.against_best(4, "criterion at the printed G", listing.stop, reached)
    for key, text in sorted(figures.items(), key=lambda pair: rung_of(pair[0])):
        if key not in judged:
            yield hearing.ruled(rung_of(key), key, unjudged(text))
        elif key not in fitted:
            yield judge_size(hearing, key, text)
        else:
            yield judge_figure(listing, key, text) if key in printed else hearing.ruled(2, key, absent(key, text))


def has(design: Design, of: Estimates, key: str) -> bool:
    """Whether a model has a figure; what is concluded is of a coefficient."""
    quantity, names = parse_key(key)
    return names[0] in design.coefficients if quantity in OF_INFERENCE else has_figure(design, of, key)


def rung_of(key: str) -> int:
    """The rung of a figure."""
    quantity = parse_key(key)[0]
    if free_of_fit(key):
        return 1 if quantity in OF_RUNG_1 else 2
    return 4 if quantity in OF_RUNG_4 else 5


def unjudged(text: str) -> Ruling:
    """A figure of which a listing does not tell enough."""
    told = f"printed {text}; not judged in a listing: an answer may tell it as a part of its `inference`"
    return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, told)


def judge_size(hearing: Hearing, key: str, text: str) -> Comparison:
    """A figure of data or matrices, the same for every fit."""
    rung = rung_of(key)
    try:
        value = figure_of_data(hearing.view.fit.design, pd.DataFrame(), key)
    except (KeyError, ValueError, IndexError):
        return hearing.ruled(2, key, absent(key, text))
    wrong = Ruling(Verdict.WRONG, Diagnosis.DATA if rung == 1 else Diagnosis.MODEL, "")
    ruling = AGREES if prints(value, text) else wrong
    return hearing.ruled(rung, key, ruling.after(f"printed {text}, here {value:.10g}"))


def judge_figure(listing: Listing, key: str, text: str) -> Comparison:
    """One figure."""
    if parse_key(key)[0] in OF_INFERENCE:
        return judge_inference(listing, key, text)
    value = listing.value(key, listing.best)
    ruling = ruling_of(listing, key, text).after(f"printed {text}, the optimum gives {value:.10g}")
    reached = None if is_bound(text) else digits("figure", np.array(number(text)), np.array(value))
    return listing.hearing.against_best(rung_of(key), key, ruling, reached)


def judge_inference(listing: Listing, key: str, text: str) -> Comparison:
    """A p-value is that of the optimum's t at the degrees of freedom of the listing; these are not judged."""
    (quantity, (name,)), hearing = parse_key(key), listing.hearing
    given = listing.printed.get(key_of("ddf", name), "")
    why = ""
    if quantity == "ddf":
        why = "programs define degrees of freedom in several ways"
    elif not given or is_bound(given) or number(given) <= 0:
        why = f"it needs its degrees of freedom, {key_of('ddf', name)}"
    elif any(listing.off(other) for other in listing.printed if is_of(other, name)):
        why = "it follows from its beta, se and t, see these"
    if why:
        return hearing.ruled(5, key, Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, f"printed {text}; not judged: {why}"))
    t = abs(listing.value(key_of("t", name), listing.best))
    # beta and se may both be off by the rounding of an evaluation, or by that of a stop which leaves them their digits.
    loose = 2 * max(t, 1.0) * tolerances.EVALUATION + allowed(listing, key_of("t", name))
    value = p_value(t, number(given))
    low, high = (p_value(max(t - step * loose, 0.0), number(given) - step * half_unit(given)) for step in (-1.0, 1.0))
    told = f"printed {text}; |t| = {t:.6g} with {given} degrees of freedom gives {value:.6g}"
    fits = listing.shows(key, min(max(number(text), low), high))
    ruling = AGREES if fits else Ruling(Verdict.WRONG, Diagnosis.UNKNOWN, "")
    return hearing.against_best(5, key, ruling.after(told), None)


def allowed(listing: Listing, key: str) -> float:
    """How far a figure moves with a theta that rounding cannot tell from the optimum."""
    view = listing.hearing.view
    view = view if key in view.keys else replace(view, keys=view.keys | {key})
    return float(view.sensitivity[key][0] * np.sqrt(2 * listing.rounding))


def is_of(key: str, name: str) -> bool:
    """Whether a figure is the estimate, the standard error or the t of a coefficient."""
    quantity, names = parse_key(key)
    return quantity in ("beta", "se", "t") and names == (name,)


def p_value(t: float, df: float) -> float:
    """The two-sided p-value of t; of degrees of freedom that rounding leaves at nothing, 1.

    Examples
    --------
    >>> round(p_value(12.7062047, 1.0), 9)
    0.05
    """
    return float(2 * special.stdtr(df, -t)) if df > 0 else 1.0


def rounded(listing: Listing, key: str) -> Ruling:
    """Rule on how far a criterion is from that of its own G, or of the optimum where G is not printed."""
    theta = listing.theta or listing.hearing.view.fit.optimum.theta.tolist()
    off = outside(listing.value(key, listing.there or listing.best), listing.printed[key])
    return evaluation(listing.hearing, [off if parse_key(key)[0] == "criterion" else 2 * off], [theta])


def absent(key: str, text: str) -> Ruling:
    """A figure that the model has not."""
    return Ruling(Verdict.WRONG, Diagnosis.MODEL, f"printed {text}; this model has no {key}")


def ruling_of(listing: Listing, key: str, text: str) -> Ruling:
    """Rule on one figure: the optimum's, or rounding, a convention, an early stop, or wrong."""
    view, value = listing.hearing.view, listing.value(key, listing.best)
    if not listing.off(key):
        return AGREES
    if not np.isfinite(value):
        return Ruling(Verdict.NOT_GIVEN, Diagnosis.UNIDENTIFIED, "; it is not defined there")
    ruling = other_than_optimum(listing, key, implied_gap(view, key, outside(value, text)))
    # Two figures that differ by a bit of single precision print alike in fewer digits than it has.
    coarse = is_bound(text) or half_unit(text) >= PRECISE * abs(value)
    # What its own G gives as it stands needs no convention.
    for of in filter(None, (listing.best, None if listing.gives(key) else listing.there)):
        for told, other in conventional(view, key, of):
            unseen = told == SINGLE and coarse and ruling.diagnosis is not Diagnosis.UNKNOWN
            if listing.shows(key, other) and not unseen:
                return Ruling(Verdict.WRONG, Diagnosis.CONVENTION, f"; it is {told}: {other:.10g}")
    return ruling


def other_than_optimum(listing: Listing, key: str, implied: float) -> Ruling:
    """Rule on a figure that is not the optimum's: a stop `implied` above it would move it so far."""
    stop, quantity = listing.stop, parse_key(key)[0]
    if quantity in ("criterion", "logLik") and (lost := rounded(listing, key)).diagnosis is Diagnosis.ROUNDING:
        return stop.after("; ") if stop.verdict.rank < lost.verdict.rank else lost
    if implied <= listing.rounding and quantity not in ("criterion", "logLik"):
        return Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, "; the rounding of the criterion leaves so much open")
    if listing.theta is None and implied <= tolerances.EARLY:
        return Ruling(Verdict.EARLY, Diagnosis.STOP, f"; a stop {implied:.1e} above the optimum gives it")
    if stop.diagnosis is not Diagnosis.NONE and (quantity in OF_SEARCH or listing.gives(key)):
        return Ruling(stop.verdict, stop.diagnosis, f"; {stop.evidence}")
    told = f"; it would have to stop {implied:.1e} above the optimum" if np.isfinite(implied) else "; no stop moves it"
    if listing.there is not None:
        told += f", and its own G gives {listing.value(key, listing.there):.10g}"
    return Ruling(Verdict.WRONG, Diagnosis.UNKNOWN, told)
