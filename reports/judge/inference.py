"""Rung 6: what is concluded from the fit, at the engine's own theta: where its search stopped is rung 4's.

What differs is a convention that is known, rounding that can be bounded (of a sum, or of differences in the place of
derivatives), or wrong. A path of this project is held against itself first, and then against another house: at the
theta of that, both must give the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from relmer.reference.answers import Answer, Inference, Tested, recorded
from relmer.reports.evidence import (
    Concluded,
    Uncentred,
    concluded,
    convention,
    p_of,
    products,
    quantile,
    relative_digits,
    tolerances,
    uncentred,
)
from relmer.reports.judge.estimates import values_at
from relmer.reports.judge.hearing import AGREES, Hearing, Ruling
from relmer.reports.judge.margins import harmless, margin, rounded_by
from relmer.reports.judge.rounding import difference, evaluation
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.arrays import Array

# Who is recorded for each method: the package that its users take.
RECORDED = {"satterthwaite": "lmertest", "kenward-roger": "pbkrtest"}
OF_LIKELIHOOD = ("logLik", "AIC", "BIC")
# A convention is the cause if what it gives is met to this part of itself: beside the method's own bound.
SAME = 1e-6
# Both evaluate a method, whose steps lose some times what an estimate does.
TENFOLD = 10.0
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
    """

    hearing: Hearing
    at: Concluded
    values: Mapping[str, Array]
    name: str
    method: str
    own: bool

    @property
    def shown(self) -> str:
        """What it is called."""
        return f"{self.name} ({self.method})" if self.method else self.name

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
        if of == "rounding":
            at = uncentred(self.at.view, self.at.theta)
            lost = Uncentred(criterion=max(products(self.at.view, self.at.theta), at.criterion), residual=at.residual)
            # A conditional SD goes with sigma, as a standard error does.
            goes_as = "se" if self.name == CONDSD else quantity
            return rounded_by(self.hearing, goes_as, value, lost) + margin(self.hearing, quantity, value)
        return margin(self.hearing, quantity, value)

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


def judge_inference(hearing: Hearing, answers: Mapping[str, Answer]) -> Iterator[Comparison]:
    """Everything that an answer concludes; nothing of one that concludes nothing."""
    said, estimates = hearing.answer.inference, hearing.answer.estimates
    if said is None:
        return
    theta = said.theta if said.theta is not None or estimates is None else estimates.theta
    if theta is None or not hearing.view.takes(theta):
        yield ruled(
            hearing, "inference", Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, "it is of a theta of another model")
        )
        return
    alone = []
    for name, method, value in told(said):
        asked = question(hearing, theta, name, method, hearing.own)
        found = judged(hearing, answers, asked, value)
        if found is None:
            alone.append(asked.shown)
        else:
            yield found
    if alone:
        nobody = f"nothing to hold it against: no other program is heard or recorded that tells {', '.join(alone)}"
        yield ruled(hearing, "inference", Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, nobody))
    for name, why in said.refused.items():
        yield ruled(hearing, name, Ruling(Verdict.UNSUPPORTED, Diagnosis.NONE, why))


def told(said: Inference) -> Iterator[tuple[str, str, Array]]:
    """What is told: name, method, vector."""
    scalars = {"logLik": said.logLik, "df": said.df, "AIC": said.AIC, "BIC": said.BIC}
    yield from ((name, "", np.array([value], dtype=float)) for name, value in scalars.items() if value is not None)
    if said.t is not None:
        yield "t", "", np.array(said.t)
    if said.condsd is not None:
        yield CONDSD, "", np.array(said.condsd)
    for method, tested in said.tests.items():
        yield from ((name, method, np.array(getattr(tested, name))) for name in ("se", "df", "t", "p"))


def question(hearing: Hearing, theta: tuple[float, ...], name: str, method: str, own: bool) -> Question:
    """The question about one vector at a theta."""
    values = values_at(hearing, theta)
    values = {**values, "criterion": np.array([float(hearing.evaluator.at(theta).criterion)])}
    return Question(hearing, concluded(hearing.view, theta), values, name, method, own)


def judged(hearing: Hearing, answers: Mapping[str, Answer], asked: Question, said: Array) -> Comparison | None:
    """Rule on one vector; of a path of this project another house has the last word, and None if none tells it."""
    ruling, reached = ruling_of(asked, said)
    if not hearing.own or ruling.verdict is not Verdict.AGREE:
        return ruled(hearing, asked.shown, ruling, reached)
    found = other_house(hearing, answers, asked)
    if found is None:
        return None
    other, theta, theirs = found
    there = replace(hearing, answer=other) if other.engine in hearing.kin.houses else hearing
    ruling, reached = ruling_of(question(there, theta, asked.name, asked.method, False), theirs)
    whose = f"{other.engine} {other.version}"
    if ruling.verdict in (Verdict.AGREE, Verdict.WITHIN):
        ruling = AGREES.saying(
            f"at the theta of {whose} both give the same{f'; {ruling.evidence}' * bool(ruling.diagnosis)}"
        )
    elif ruling.diagnosis in (Diagnosis.ROUNDING, Diagnosis.CONVENTION):
        ruling, reached = Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, f"{whose} tells another: {ruling.evidence}"), None
    else:
        ruling = ruling.after(f"at the theta of {whose}: ")
    kind = "recorded" if other.recorded else "live"
    return hearing.named(hearing.ruled(6, asked.shown, ruling, reached), kind, whose)


def other_house(
    hearing: Hearing, answers: Mapping[str, Answer], asked: Question
) -> tuple[Answer, tuple[float, ...], Array] | None:
    """What another house tells of it: the answer, its theta, the vector."""
    heard = [answers[name] for name in (*hearing.kin.peers(hearing.answer.engine), *answers) if name in answers]
    frozen = None
    if asked.method in RECORDED:
        key = ("recorded", RECORDED[asked.method])
        if key not in hearing.view.remembered:
            hearing.view.remembered[key] = recorded.read(RECORDED[asked.method], hearing.case)
        frozen = hearing.view.remembered[key]
    for answer in [one for one in heard if not hearing.kin.is_own(one.engine)] + ([frozen] if frozen else []):
        said = answer.inference
        theta = said.theta if said and said.theta is not None else answer.estimates and answer.estimates.theta
        if said is None or (not theta and theta != ()) or not hearing.view.takes(theta):
            continue
        for name, method, value in told(said):
            if (name, method) == (asked.name, asked.method):
                return answer, theta, value
    return None


def ruling_of(asked: Question, said: Array) -> tuple[Ruling, float | None]:
    """Rule on one vector by what the definition gives at the same theta, and count its digits."""
    right = asked.right()
    if isinstance(right, str):
        return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, right), None
    if said.shape != right.shape:
        return Ruling(Verdict.FAILED, Diagnosis.MODEL, f"{said.size} values, the model has {right.size}"), None
    off = np.abs(said - right)
    reached = relative_digits(float((off / scale(asked, right)).max(initial=0.0)))
    bound = replace(asked, own=True).bounds(right)
    if np.all(off <= TENFOLD * bound if asked.method else off <= bound):
        return AGREES.saying("as the definition gives it at its own theta"), reached
    worst = int(np.argmax(off / np.maximum(bound, np.finfo(float).tiny)))
    seen = f"the definition gives {right[worst]:.10g} at its own theta, not {said[worst]:.10g}"
    # Where rounding leaves no digit, what meets a convention does so by chance.
    drowned = asked.name in ("df", "p") and asked.method and asked.relative().max(initial=0.0) >= 1
    if not drowned and (known := asked.convention(said, right)):
        return Ruling(Verdict.WRONG, Diagnosis.CONVENTION, f"{known}: {seen}"), reached
    unknown = Ruling(Verdict.WRONG, Diagnosis.UNKNOWN, f"entry {worst + 1}: {seen}")
    return (unknown if asked.own else rounding(asked, off, right, seen)) or unknown, reached


def rounding(asked: Question, off: Array, right: Array, seen: str) -> Ruling | None:
    """The rounding that accounts for a difference, harmless or not; None if none does."""
    if asked.name in OF_LIKELIHOOD:
        error = float(off.max()) * (2.0 if asked.name == "logLik" else 1.0)
        found = evaluation(asked.hearing, [error], [asked.at.theta])
        return found.after(seen) if found.diagnosis is Diagnosis.ROUNDING else None
    small = np.all(off <= np.maximum(asked.bounds(right), asked.bounds(right, "harmless")))
    if asked.name in ("df", "p"):
        small = np.all(off <= asked.bounds(right, "harmless"))
    verdict = Verdict.WITHIN if small else Verdict.WRONG
    if np.all(off <= asked.bounds(right)) and asked.method:
        most = float(asked.relative().max(initial=0.0))
        told = "its derivatives are differences, which leave" if asked.method == "satterthwaite" else "at 2 it leaves"
        return Ruling(verdict, Diagnosis.ROUNDING, f"{seen}; {told} {most:.1e} of degrees of freedom open")
    if asked.name != "df" and np.all(off <= asked.bounds(right, "rounding")):
        lost = max(products(asked.at.view, asked.at.theta), uncentred(asked.at.view, asked.at.theta).criterion)
        return Ruling(verdict, Diagnosis.ROUNDING, f"{seen}; {difference(lost)}")
    return None


def scale(asked: Question, right: Array) -> Array:
    """What an error is relative to: t to one at least, conditional SDs to their largest."""
    size = np.abs(right)
    if asked.name == "t":
        return np.maximum(size, 1.0)
    if asked.name == CONDSD:
        return np.full(size.shape, size.max(initial=0.0) or 1.0)
    return np.where(size > 0, size, 1.0)


def ruled(hearing: Hearing, name: str, ruling: Ruling, digits: float | None = None) -> Comparison:
    """Record a comparison with the definition at the engine's own theta."""
    found = hearing.ruled(6, name, ruling, digits)
    return hearing.named(found, "relmer", "the definition at its own theta") if ruling.verdict.judged else found
