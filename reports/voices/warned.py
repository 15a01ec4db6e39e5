"""The warnings of an engine, each held against what the judge found: true, without cause, or missing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from relmer.reports.causes import OPTIMUM
from relmer.reports.doubts import Doubt, doubt_of
from relmer.reports.records import Comparison, Report, Said, Score
from relmer.reports.text import number
from relmer.reports.verdicts import Verdict


class Word(StrEnum):
    """What a warning, or a silence, is worth."""

    TRUE = "true"
    FALSE = "without cause"
    MISSING = "missing"
    OPEN = "not judged"


@dataclass(frozen=True)
class Warned:
    """One warning of an engine on a case; of a missing one the text is empty."""

    case: str
    text: str
    word: Word

    @property
    def kind(self) -> Doubt | None:
        """What it is about."""
        return doubt_of(self.text)


def warned(report: Report, engine: str) -> tuple[Warned, ...]:
    """Every warning of an engine, and where it should have warned.

    A doubt is true where the optimum or an estimate is wrong, and without cause where none is. "Singular" is true where
    a covariance matrix of the certified optimum is, and without cause where the fit is right and none is. A warning is
    missing where an engine stopped at a wrong optimum without a doubt: "singular" is none.
    """
    judged: dict[str, list[Comparison]] = {}
    for c in report.comparisons:
        if c.engine == engine and c.rung >= OPTIMUM:
            judged.setdefault(c.case, []).append(c)
    scores = {s.case: s for s in report.scores if s.engine == engine}
    return tuple(
        each
        for said in report.answers
        if said.engine == engine
        for each in of_case(said, judged.get(said.case, ()), scores.get(said.case))
    )


def of_case(said: Said, own: Sequence[Comparison], score: Score | None) -> Iterator[Warned]:
    """The warnings on one case."""
    known = bool(own) and all(c.verdict.judged for c in own)
    wrong = any(c.verdict is Verdict.WRONG for c in own)
    for text in said.warnings:
        word = Word.OPEN
        if doubts(text):
            word = Word.TRUE if wrong else Word.FALSE if known else Word.OPEN
        elif doubt_of(text) is Doubt.SINGULAR and score is not None:
            word = Word.TRUE if not score.regular else Word.OPEN if wrong else Word.FALSE
        yield Warned(said.case, text, word)
    if not any(map(doubts, said.warnings)) and any(c.verdict is Verdict.WRONG and c.rung == OPTIMUM for c in own):
        yield Warned(said.case, "", Word.MISSING)


def doubts(text: str) -> bool:
    """Whether a program doubts by this where its search stopped."""
    kind = doubt_of(text)
    return kind is not None and kind.of_the_stop


def warned_told(found: Sequence[Warned]) -> str:
    """Warnings in a sentence.

    Examples
    --------
    >>> warned_told([Warned("a", "failed to converge", Word.TRUE), Warned("b", "", Word.MISSING)])
    '1 warning: 1 true. On 1 case a wrong optimum without a doubt.'
    """
    seen = Counter(one.word for one in found)
    silent = seen.pop(Word.MISSING, 0)
    words = ", ".join(f"{seen[word]} {word}" for word in Word if seen[word])
    said = f"{number(seen.total(), 'warning')}: {words}." if words else "No warning."
    return said + (f" On {number(silent, 'case')} a wrong optimum without a doubt." if silent else "")
