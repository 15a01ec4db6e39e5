"""One answer before the judge: what it is, whom it is held against, what the case allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relmer.datasets import Case
from relmer.reference.answers import Answer, Grouping, Status, Term
from relmer.reference.certificates import in_order
from relmer.reference.engines import Kin
from relmer.reports.evidence import BALLS, Evaluator, Landscape
from relmer.reports.records import RUNGS, Comparison, Score
from relmer.reports.verdicts import Verdict
from relmer.solver.arrays import Array

Record = Callable[[int, str, Verdict, float | None, str], Comparison]


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
        The answer that it is held against, None if there is none.
    best
        The certified criterion; without a certificate the lowest that any answer reached, by the definition.
    gaps
        Per engine, how far above `best` its theta is.
    points
        Shared theta by kind.
    view
        The criterion's landscape.
    evaluator
        Evaluates the certified model; None without a certificate.
    score
        The answer's score; None if there is none.
    """

    case: Case
    answer: Answer
    kin: Kin
    peer: Answer | None
    best: float
    gaps: Mapping[str, float]
    points: Mapping[str, tuple[tuple[float, ...], ...]]
    view: Landscape
    evaluator: Evaluator | None = None
    score: Score | None = None

    @property
    def own(self) -> bool:
        """Whether the engine is this project's own: then what they are held against is never this project's."""
        return self.kin.is_own(self.answer.engine)

    @cached_property
    def proved(self) -> Mapping[str, Array]:
        """Certified values in the order of an answer's estimates; empty without a certificate."""
        if self.evaluator is None:
            return {}
        certificate = self.evaluator.certificate
        found = in_order(certificate, certificate.double.values)
        return {name: np.array([float(value.exact) for value in values]) for name, values in found.items()}

    def comparison(self, rung: int, quantity: str, verdict: Verdict, digits: float | None, evidence: str) -> Comparison:
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
            verdict=verdict,
            digits=digits,
            kind=kind,
            reference=whose,
            evidence=evidence,
        )

    def certified(self, rung: int, quantity: str, verdict: Verdict, digits: float | None, evidence: str) -> Comparison:
        """Record a comparison with the certificate."""
        assert self.evaluator is not None
        found = self.evaluator.certificate
        whose = f"{found.name}, {found.double.level}"
        return replace(
            self.comparison(rung, quantity, verdict, digits, evidence), kind=found.double.kind, reference=whose
        )

    def enclosed(self, rung: int, quantity: str, verdict: Verdict, digits: float | None, evidence: str) -> Comparison:
        """Record a comparison with a value that is enclosed in ball arithmetic."""
        return replace(self.comparison(rung, quantity, verdict, digits, evidence), kind="certified", reference=BALLS)


def peer_of(engine: str, answers: Mapping[str, Answer], kin: Kin) -> Answer | None:
    """The first of its peers that has fitted the case."""
    heard = (answers[name] for name in kin.peers(engine) if name in answers)
    return next((answer for answer in heard if answer.status is Status.FITTED), None)


def unsupported(hearing: Hearing, rung: int) -> Comparison:
    """The engine does not say what this rung compares."""
    return hearing.comparison(rung, RUNGS[rung], Verdict.UNSUPPORTED, None, f"{hearing.answer.engine} does not tell")


def same(hearing: Hearing, rung: int, quantity: str, mine: object, theirs: object) -> Comparison:
    """Compare two plain values for equality."""
    equal = mine == theirs
    evidence = f"the same: {told(mine)}" if equal else f"{told(mine)} against {told(theirs)}"
    return hearing.comparison(rung, quantity, Verdict.AGREE if equal else Verdict.WRONG, None, f"{evidence:.300}")


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
