"""Rung 6: what is concluded from the fit, at the engine's own theta: where its search stopped is rung 4's.

What differs is a convention that is known, rounding that can be bounded (of a sum, or of differences in the place of
derivatives), or wrong. A path of this project is held against itself first, and then against another house: at the
theta of that, both must give the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from relmer.reference.answers import Answer, Inference, recorded
from relmer.reports.evidence import concluded, products, relative_digits, uncentred
from relmer.reports.judge import more_questions, profiles, terms
from relmer.reports.judge.estimates import is_proved, trusted, values_at
from relmer.reports.judge.hearing import AGREES, Hearing, Ruling
from relmer.reports.judge.more_questions import CONDITIONAL, POPULATION, WALD
from relmer.reports.judge.questions import CONDSD, OF_LIKELIHOOD, Question
from relmer.reports.judge.rounding import difference, evaluation
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError

# Who is recorded for each method: the package that its users take.
RECORDED = {"satterthwaite": "lmertest", "kenward-roger": "pbkrtest"}
# What follows from nothing but what balls enclose.
ENCLOSED = {*OF_LIKELIHOOD, "t", WALD, POPULATION}
# Both evaluate a method, whose steps lose some times what an estimate does.
TENFOLD = 10.0
KINDS: Mapping[str, type[Question]] = {**more_questions.KINDS, **terms.KINDS, **profiles.KINDS}


@dataclass(frozen=True)
class Told:
    """One vector that is told.

    Attributes
    ----------
    name, method
        As of a `Question`.
    value
        The vector.
    about
        The record that it stands in, where the name does not say all.
    """

    name: str
    method: str
    value: Array
    about: object = None

    @property
    def shown(self) -> str:
        """What it is called."""
        return f"{self.name} ({self.method})" if self.method else self.name


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
    for one in told(said):
        asked = question(hearing, theta, one, hearing.own)
        found = judged(hearing, answers, asked, one.value)
        if found is None:
            alone.append(asked.shown)
        else:
            yield found
    if alone:
        nobody = f"nothing to hold it against: no other program is heard or recorded that tells {', '.join(alone)}"
        yield ruled(hearing, "inference", Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, nobody))
    for name, why in said.refused.items():
        yield ruled(hearing, name, Ruling(Verdict.UNSUPPORTED, Diagnosis.NONE, why))


def told(said: Inference) -> Iterator[Told]:
    """What is told."""
    scalars = {"logLik": said.logLik, "df": said.df, "AIC": said.AIC, "BIC": said.BIC}
    yield from (Told(name, "", np.array([value], dtype=float)) for name, value in scalars.items() if value is not None)
    if said.t is not None:
        yield Told("t", "", np.array(said.t))
    if said.condsd is not None:
        yield Told(CONDSD, "", np.array(said.condsd))
    for method, tested in said.tests.items():
        yield from (Told(name, method, np.array(getattr(tested, name))) for name in ("se", "df", "t", "p"))
    for method, test in said.F_tests.items():
        if test.terms:
            yield from (Told(name, method, np.array(getattr(test, of)), test) for name, of in terms.FIELDS.items())
    if ends := said.intervals.get("wald"):
        yield Told(WALD, "", np.array([*ends.lower, *ends.upper]), ends)
    if ends := said.intervals.get("profile"):
        yield Told(profiles.PROFILE, "", np.array([*ends.lower, *ends.upper]), ends)
    if (rows := said.predictions) is not None:
        yield Told(POPULATION, "", np.array(rows.population), rows)
        yield Told(CONDITIONAL, "", np.array(rows.conditional), rows)


def question(hearing: Hearing, theta: tuple[float, ...], one: Told, own: bool) -> Question:
    """The question about one vector at a theta."""
    values = values_at(hearing, theta)
    values = {**values, "criterion": np.array([float(hearing.evaluator.at(theta).criterion)])}
    kind = KINDS.get(one.name, Question)
    return kind(hearing, concluded(hearing.view, theta), values, one.name, one.method, own, one.about)


def judged(hearing: Hearing, answers: Mapping[str, Answer], asked: Question, said: Array) -> Comparison | None:
    """Rule on one vector; of a path of this project another house has the last word, and None if none tells it.

    But where balls prove what it says, or the other evaluates not even the criterion rightly at its own theta, the
    other's word stands against nobody but the other.
    """
    ruling, reached = ruling_of(asked, said)
    if not hearing.own or ruling.verdict is not Verdict.AGREE:
        return ruled(hearing, asked.shown, ruling, reached)
    found = other_house(hearing, answers, asked)
    if found is None:
        return None
    other, theta, theirs = found
    there = replace(hearing, answer=other) if other.engine in hearing.kin.houses else hearing
    kind = "recorded" if other.recorded else "live"
    whose = f"{other.engine} {other.version}"
    try:
        ruling, reached = ruling_of(question(there, theta, theirs, False), theirs.value)
    except ModelError as error:
        refused = Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, f"at the theta of {whose}: {error}")
        return hearing.named(hearing.ruled(6, asked.shown, refused, None), kind, whose)
    if ruling.diagnosis and ruling.verdict in (Verdict.AGREE, Verdict.WITHIN):
        # The digits that are missing are the other's.
        seen = f"at the theta of {whose} both give the same but for the rounding of {other.engine}: {ruling.evidence}"
        ruling, reached = AGREES.saying(seen), None
    elif ruling.verdict in (Verdict.AGREE, Verdict.WITHIN):
        ruling = AGREES.saying(f"at the theta of {whose} both give the same")
    elif ruling.diagnosis in (Diagnosis.ROUNDING, Diagnosis.CONVENTION):
        ruling, reached = Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, f"{whose} tells another: {ruling.evidence}"), None
    elif is_enclosed(hearing, asked):
        seen = f"balls give the same at its own theta; {whose} tells another at its own: {ruling.evidence}"
        ruling, reached = AGREES.saying(seen), None
    elif other.estimates is not None and not trusted(hearing, other):
        told_badly = f"{whose} does not evaluate its own theta rightly: {ruling.evidence}"
        ruling, reached = Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, told_badly), None
    else:
        ruling = ruling.after(f"at the theta of {whose}: ")
    return hearing.named(hearing.ruled(6, asked.shown, ruling, reached), kind, whose)


def is_enclosed(hearing: Hearing, asked: Question) -> bool:
    """Whether balls enclose what a path of this project tells, at its own theta."""
    if asked.name == CONDITIONAL:
        return hearing.answer.estimates is not None and is_proved(
            hearing, "fitted", np.array(hearing.answer.estimates.fitted)
        )
    return asked.name in ENCLOSED and hearing.evaluator.at(asked.at.theta).proved


def other_house(
    hearing: Hearing, answers: Mapping[str, Answer], asked: Question
) -> tuple[Answer, tuple[float, ...], Told] | None:
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
        for one in told(said):
            if (one.name, one.method) == (asked.name, asked.method):
                return answer, theta, one
    return None


def ruling_of(asked: Question, said: Array) -> tuple[Ruling, float | None]:
    """Rule on one vector by what the definition gives at the same theta, and count its digits."""
    if strange := asked.mismatch():
        return Ruling(Verdict.WRONG, Diagnosis.MODEL, strange), None
    right = asked.right()
    if isinstance(right, str):
        return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, right), None
    if said.shape != right.shape:
        return Ruling(Verdict.FAILED, Diagnosis.MODEL, f"{said.size} values, the model has {right.size}"), None
    off = np.abs(said - right)
    reached = relative_digits(float((off / asked.scale(right)).max(initial=0.0)))
    bound = replace(asked, own=True).bounds(right)
    if np.all(off <= TENFOLD * bound if asked.method else off <= bound):
        return AGREES.saying(f"as the definition gives it {asked.where}"), reached
    worst = int(np.argmax(off / np.maximum(bound, np.finfo(float).tiny)))
    seen = f"the definition gives {right[worst]:.10g} {asked.where}, not {said[worst]:.10g}"
    # Where rounding leaves no digit, what meets a convention does so by chance.
    drowned = asked.counted and asked.method and asked.relative().max(initial=0.0) >= 1
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
    if asked.counted:
        small = np.all(off <= asked.bounds(right, "harmless"))
    verdict = Verdict.WITHIN if small else Verdict.WRONG
    if asked.name == profiles.PROFILE:
        known = np.all(off <= asked.bounds(right, "rounding"))
        return Ruling(verdict, Diagnosis.ROUNDING, f"{seen}; {asked.opened()}") if known else None
    if np.all(off <= asked.bounds(right)) and asked.method:
        return Ruling(verdict, Diagnosis.ROUNDING, f"{seen}; {asked.opened()}")
    amount = "any rounding" if small else "rounding"
    if asked.name not in ("df", "NumDF", "DenDF") and np.all(off <= asked.bounds(right, amount)):
        lost = max(products(asked.at.view, asked.at.theta), uncentred(asked.at.view, asked.at.theta).criterion)
        return Ruling(verdict, Diagnosis.ROUNDING, f"{seen}; {difference(lost)}")
    return None


def ruled(hearing: Hearing, name: str, ruling: Ruling, digits: float | None = None) -> Comparison:
    """Record a comparison with the definition at the engine's own theta."""
    found = hearing.ruled(6, name, ruling, digits)
    return hearing.named(found, "relmer", "the definition at its own theta") if ruling.verdict.judged else found
