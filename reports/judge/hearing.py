"""One answer before the judge: what it is, whom it is held against, what the case allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relmer.datasets import Case
from relmer.reference.answers import Answer, Grouping, Status, Term
from relmer.reference.certificates import Certificate, in_order
from relmer.reference.engines import ORIGINAL, Kin
from relmer.reports.evidence import BALLS, Evaluator, Landscape, conditioned, excess, tolerances, uncentred
from relmer.reports.judge.stops import Stops
from relmer.reports.records import RUNGS, Comparison, Score
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.arrays import Array

LONGEST = 300
# Two digits of agreement.
DIGITS = 100.0


@dataclass(frozen=True)
class Ruling:
    """What a comparison comes to, why, and the evidence in words."""

    verdict: Verdict
    diagnosis: Diagnosis
    evidence: str

    def saying(self, more: str) -> "Ruling":
        """The same with more evidence."""
        return replace(self, evidence=self.evidence + more)

    def after(self, told: str) -> "Ruling":
        """The same with evidence that comes first."""
        return replace(self, evidence=told + self.evidence)


Record = Callable[[int, str, Ruling, float | None], Comparison]
AGREES = Ruling(Verdict.AGREE, Diagnosis.NONE, "")


@dataclass(frozen=True)
class Hearing:
    """All that is needed to judge one answer.

    Attributes
    ----------
    case, answer
        What is judged.
    kin
        Whose programs the engines are.
    peer
        The answer that data, model and estimates are held against, None if there is none.
    stops
        Where the engines stopped, and the landscape around the lowest optimum that is known.
    points
        Shared theta by kind.
    evaluator
        Evaluates the model at any theta.
    stop
        Where it stopped, ruled on: what rung 5 follows from.
    """

    case: Case
    answer: Answer
    kin: Kin
    peer: Answer | None
    stops: Stops
    points: Mapping[str, tuple[tuple[float, ...], ...]]
    evaluator: Evaluator
    stop: Ruling = AGREES

    @property
    def own(self) -> bool:
        """Whether the engine is this project's own: nothing excuses it."""
        return self.kin.is_own(self.answer.engine)

    @property
    def view(self) -> Landscape:
        """The criterion's landscape."""
        return self.stops.view

    @property
    def best(self) -> float:
        """The criterion that rung 4 is held against."""
        return self.stops.best

    @property
    def best_engine(self) -> str:
        """Who reached it; empty where it is certified."""
        return self.stops.best_engine

    @property
    def best_named(self) -> str:
        """What the criterion of rung 4 is called."""
        return "the optimum" if not self.best_engine else f"the lowest, which {self.best_engine} reached"

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that all answers are held against; None where an answer refutes it."""
        return None if self.best_engine else self.evaluator.certificate

    @property
    def score(self) -> Score | None:
        """The answer's score; None if there is none."""
        return self.stops.scores.get(self.answer.engine)

    @property
    def alone(self) -> bool:
        """Whether no other house has an optimum to hold its own against, and none is proved."""
        houses = self.kin.houses
        others = (name for name in self.stops.gaps if houses[name] != houses[self.answer.engine])
        return self.certificate is None and next(others, None) is None

    @property
    def gap(self) -> float:
        """How far above the best criterion the engine's theta is; 0 where it has none."""
        return self.stops.gaps.get(self.answer.engine, 0.0)

    @property
    def noise(self) -> float:
        """How large a gap rounding alone may show."""
        return self.stops.noise.get(self.answer.engine, 0.0)

    @property
    def tight(self) -> str:
        """What the engine that speaks for its house shows: whether the optimum can be reached by that program."""
        witness = self.kin.witness(self.answer.engine)
        left = self.stops.gaps.get(witness, np.inf) if witness else np.inf
        if witness == self.answer.engine or not left <= max(self.stops.noise.get(witness or "", 0.0), tolerances.EARLY):
            return ""
        return f"; the same program, tight and with more than one optimiser, comes to {left:.1e}"

    def unprofiled(self, at_own_theta: Mapping[str, Array]) -> float:
        """How far the beta and sigma of a program that searches for them are above what its theta gives; 0 elsewhere.

        It is one if it declares so, or if the criterion that it says is higher by just that. Where more
        rounding than that of a sum may move both, so near a hit must show two digits: chance has one.
        """
        said = self.answer.estimates
        if said is None or self.own:
            return 0.0
        above, rounding = excess(self.view, said, at_own_theta), tolerances.CRITERION * self.view.size
        if not np.isfinite(above):
            return 0.0
        higher = said.criterion - float(self.evaluator.at(said.theta).criterion)
        lost = max(uncentred(self.view, said.theta).criterion, conditioned(self.view, said.theta))
        chance = DIGITS if lost > rounding else 1.0
        shown = above > chance * rounding and abs(higher - above) <= rounding
        return above if shown or self.searches else 0.0

    @property
    def searches(self) -> bool:
        """Whether the engine declares that it searches for beta and sigma too."""
        return self.answer.engine in self.kin.unprofiled

    @cached_property
    def proved(self) -> Mapping[str, Array]:
        """Certified values in the order of an answer's estimates; empty without a certificate."""
        if self.certificate is None:
            return {}
        found = in_order(self.certificate, self.certificate.double.values)
        return {name: np.array([float(value.exact) for value in values]) for name, values in found.items()}

    def ruled(self, rung: int, quantity: str, ruling: Ruling, digits: float | None = None) -> Comparison:
        """Record a comparison with the peer."""
        kind, whose = "none", "none"
        if self.peer is not None:
            kind = "recorded" if self.peer.recorded else "live"
            kind = "relmer" if self.kin.is_own(self.peer.engine) else kind
            whose = f"{self.peer.engine} {self.peer.version}"
        return Comparison(
            case=self.case.name,
            engine=self.answer.engine,
            rung=rung,
            quantity=quantity,
            verdict=ruling.verdict,
            digits=digits,
            kind=kind,
            reference=whose,
            evidence=ruling.evidence,
            diagnosis=ruling.diagnosis,
        )

    def named(self, found: Comparison, kind: str, whose: str) -> Comparison:
        """The comparison, with another kind of reference value and its owner."""
        return replace(found, kind=kind, reference=whose)

    def against_best(self, rung: int, quantity: str, ruling: Ruling, digits: float | None) -> Comparison:
        """Record a comparison with the certificate, or with the lowest optimum that is known."""
        if self.certificate is not None:
            return self.certified(rung, quantity, ruling, digits)
        kind = "recorded" if self.stops.best_recorded else "live"
        kind = "relmer" if self.kin.is_own(self.best_engine) else kind
        told = "the lowest criterion that the definition confirms"
        return replace(self.ruled(rung, quantity, ruling, digits), kind=kind, reference=told)

    def certified(self, rung: int, quantity: str, ruling: Ruling, digits: float | None) -> Comparison:
        """Record a comparison with the certificate."""
        found = self.certificate
        assert found is not None
        whose = f"{found.name}, {found.double.level}"
        return replace(self.ruled(rung, quantity, ruling, digits), kind=found.double.kind, reference=whose)

    def enclosed(self, rung: int, quantity: str, ruling: Ruling, digits: float | None) -> Comparison:
        """Record a comparison with a value that is enclosed in ball arithmetic."""
        return replace(self.ruled(rung, quantity, ruling, digits), kind="certified", reference=BALLS)


def peer_of(engine: str, answers: Mapping[str, Answer], kin: Kin) -> Answer | None:
    """The first of its peers that has fitted the case; else one that has at least told its data and its model."""
    heard = [answers[name] for name in kin.peers(engine) if name in answers]
    fitted = (answer for answer in heard if answer.status is Status.FITTED)
    return next(fitted, next((answer for answer in heard if answer.model is not None), None))


def not_given(hearing: Hearing, rung: int) -> Comparison:
    """The engine does not say what this rung compares, or there is nothing to hold it against."""
    told = f"{hearing.answer.engine} does not tell"
    if hearing.peer is None or (rung > 3 and hearing.alone):
        told = f"nothing to hold it against: no {ORIGINAL} here, none recorded"
    return hearing.ruled(rung, RUNGS[rung], Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, told))


def same(hearing: Hearing, rung: int, quantity: str, mine: object, theirs: object, cause: str = "") -> Comparison:
    """Compare two plain values for equality; a known cause of a difference is named."""
    if mine == theirs:
        return hearing.ruled(rung, quantity, AGREES.saying(f"the same: {told(mine)}"[:LONGEST]))
    different = Diagnosis.DATA if rung == 1 else Diagnosis.MODEL
    both = f"{told(mine)} against {told(theirs)}"
    if len(both) > LONGEST and isinstance(mine, tuple) and isinstance(theirs, tuple):
        both = apart(mine, theirs)
    evidence = (cause or both)[:LONGEST]
    return hearing.ruled(rung, quantity, Ruling(Verdict.WRONG, different, evidence))


def apart(mine: tuple[object, ...], theirs: tuple[object, ...]) -> str:
    """In what two long lists differ.

    Examples
    --------
    >>> apart(("(Intercept)", "x"), ("(Intercept)", "z")), apart(("x", "z"), ("z", "x"))
    ('without z and with x', 'the same in another order: x, z')
    """
    lost, added = (tuple(one for one in some if one not in others) for some, others in ((theirs, mine), (mine, theirs)))
    parts = [f"{word} {told(some)}" for word, some in (("without", lost), ("with", added)) if some]
    return " and ".join(parts) or f"the same in another order: {told(mine)}"


def told(value: object) -> str:
    """Say a value in few words; a digest by its beginning.

    Examples
    --------
    >>> told(("(Intercept)", "Days"))
    '(Intercept), Days'
    """
    match value:
        case Grouping(levels, sha256):
            return f"{levels} levels, sha256 {sha256[:12]}…"
        case Term(group, columns, levels):
            return f"({' + '.join(columns)} | {group}) with {levels} levels"
        case tuple():
            return ", ".join(told(part) for part in value) or "none"
        case str() if len(value) == 64:
            return f"sha256 {value[:12]}…"
        case None:
            return "absent"
    return str(value)


def short(theta: tuple[float, ...]) -> str:
    """theta to five digits."""
    return ", ".join(f"{value:.5g}" for value in theta)
