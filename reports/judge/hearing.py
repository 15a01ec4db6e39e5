"""One answer before the judge: what it is, whom it is held against, what the case allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relmer.datasets import Case
from relmer.reference.answers import Answer, Grouping, Term
from relmer.reference.certificates import in_order
from relmer.reports.evidence import BALLS, Judge, Landscape
from relmer.reports.records import RUNGS, Comparison, Score
from relmer.solver.arrays import Array

OWN = ("pls", "qr", "gls")
Record = Callable[[int, str, str, float | None, str], Comparison]


@dataclass(frozen=True)
class Hearing:
    """All that is needed to judge one answer.

    Attributes
    ----------
    case, answer
        What is judged.
    peer
        The answer that it is held against, None if there is none.
    best
        The certified criterion; without a certificate the lowest that any answer reached, evaluated by the judge.
    gaps
        Per engine, how far above `best` its theta is.
    points
        Shared theta by kind.
    view
        The criterion's landscape.
    judge
        Evaluates the certified model; None without a certificate.
    score
        The answer's score; None if there is none.
    """

    case: Case
    answer: Answer
    peer: Answer | None
    best: float
    gaps: Mapping[str, float]
    points: Mapping[str, tuple[tuple[float, ...], ...]]
    view: Landscape
    judge: Judge | None = None
    score: Score | None = None

    @cached_property
    def proved(self) -> Mapping[str, Array]:
        """Certified values in the order of an answer's estimates; empty without a certificate."""
        if self.judge is None:
            return {}
        found = in_order(self.judge.certificate, self.judge.certificate.double.values)
        return {name: np.array([float(value.exact) for value in values]) for name, values in found.items()}

    def comparison(self, rung: int, quantity: str, verdict: str, digits: float | None, evidence: str) -> Comparison:
        """Record a comparison with the peer."""
        peer = self.peer
        kind = "none" if peer is None else "relmer" if peer.engine in OWN else "recorded" if peer.recorded else "live"
        name = "none" if peer is None else f"{peer.engine} {peer.version}"
        return Comparison(self.case.name, self.answer.engine, rung, quantity, verdict, digits, kind, name, evidence)

    def certified(self, rung: int, quantity: str, verdict: str, digits: float | None, evidence: str) -> Comparison:
        """Record a comparison with the certificate."""
        assert self.judge is not None
        found = self.judge.certificate
        whose = f"{found.name}, {found.double.level}"
        return replace(
            self.comparison(rung, quantity, verdict, digits, evidence), kind=found.double.kind, reference=whose
        )

    def enclosed(self, rung: int, quantity: str, verdict: str, digits: float | None, evidence: str) -> Comparison:
        """Record a comparison with a value that is enclosed in ball arithmetic."""
        return replace(self.comparison(rung, quantity, verdict, digits, evidence), kind="certified", reference=BALLS)


def peer_of(engine: str, answers: Mapping[str, Answer]) -> Answer | None:
    """Whom an engine is held against: lme4's tight fit for our own paths, the definition for all others."""
    wanted = ("lme4-tight", "lme4") if engine in OWN else ("gls", "pls", "qr")
    return next((answers[name] for name in wanted if name in answers and answers[name].status == "fitted"), None)


def unsupported(hearing: Hearing, rung: int) -> Comparison:
    """The engine does not say what this rung compares."""
    return hearing.comparison(rung, RUNGS[rung], "unsupported", None, f"{hearing.answer.engine} does not tell")


def same(hearing: Hearing, rung: int, quantity: str, mine: object, theirs: object) -> Comparison:
    """Compare two plain values for equality."""
    equal = mine == theirs
    evidence = f"the same: {told(mine)}" if equal else f"{told(mine)} against {told(theirs)}"
    return hearing.comparison(rung, quantity, "agree" if equal else "disagree", None, f"{evidence:.300}")


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
    """Theta to five digits."""
    return ", ".join(f"{value:.5g}" for value in theta)
