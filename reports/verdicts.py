"""The words of the judge: what a comparison comes to, what is wrong where it is wrong, what a printed figure is."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self


class Outcome(StrEnum):
    """How a test of JUnit ends: the name of the element that says so."""

    PASSED = "system-out"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """What a comparison comes to, and what every voice says of that.

    Attributes
    ----------
    symbol
        Its sign.
    rank
        Its place among the worst, from 0. What could not be compared comes last: it is the worst of nothing else.
    junit
        How JUnit's test of the comparison ends.
    one, several
        Predicates: what one comparison does, and what several do.
    heading
        What a list of them is called.
    sentence
        What it means.

    Examples
    --------
    >>> Verdict.worst([Verdict.AGREE, Verdict.WRONG, Verdict.UNSUPPORTED]).symbol
    '✗'
    """

    symbol: str
    rank: int
    junit: Outcome
    one: str
    several: str
    heading: str
    sentence: str

    def __new__(
        cls, word: str, symbol: str, rank: int, junit: Outcome, one: str, several: str, heading: str, sentence: str
    ) -> Self:
        """Make a member out of what is said of it."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.symbol, member.rank, member.junit = symbol, rank, junit
        member.one, member.several, member.heading, member.sentence = one, several, heading, sentence
        return member

    AGREE = (
        "agree",
        "✓",
        4,
        Outcome.PASSED,
        "agrees",
        "agree",
        "Agreements",
        "Equal within the stated tolerance.",
    )
    WITHIN = (
        "within",
        "≈",
        3,
        Outcome.PASSED,
        "differs harmlessly",
        "differ harmlessly",
        "Harmless differences",
        "It differs, harmlessly: the cause is computed and shown.",
    )
    EARLY = (
        "early",
        "›",
        2,
        Outcome.PASSED,
        "comes from an early stop",
        "come from an early stop",
        "Early stops",
        "The optimiser stopped above the optimum by more than rounding, and by less than 0.001.",
    )
    WRONG = (
        "wrong",
        "✗",
        0,
        Outcome.FAILURE,
        "is wrong",
        "are wrong",
        "Wrong",
        "It differs by more than any harmless cause accounts for; the diagnosis says what went wrong.",
    )
    UNSUPPORTED = (
        "unsupported",
        "–",
        5,
        Outcome.SKIPPED,
        "is unsupported",
        "are unsupported",
        "Unsupported comparisons",
        "The engine cannot do this.",
    )
    FAILED = (
        "failed",
        "!",
        1,
        Outcome.ERROR,
        "failed",
        "failed",
        "Failures",
        "The engine should have answered and did not.",
    )
    NOT_GIVEN = (
        "not given",
        "·",
        6,
        Outcome.SKIPPED,
        "is not given",
        "are not given",
        "Comparisons that were not given",
        "The engine does not report this, or there is nothing to hold it against.",
    )

    @property
    def judged(self) -> bool:
        """Whether something was compared."""
        return self.junit in (Outcome.PASSED, Outcome.FAILURE)

    @property
    def breaks(self) -> bool:
        """Whether it breaks a run, unless its engine's owner has accepted it."""
        return self.junit in (Outcome.FAILURE, Outcome.ERROR)

    @property
    def css(self) -> str:
        """Its class in a style sheet: the word as one token."""
        return self.replace(" ", "-")

    @staticmethod
    def worst(verdicts: "Iterable[Verdict]") -> "Verdict":
        """The worst of some verdicts."""
        return min(verdicts, key=lambda verdict: verdict.rank)


class Diagnosis(StrEnum):
    """Why a comparison does not simply agree, as far as the evidence tells.

    Examples
    --------
    >>> Diagnosis("false minimum").harmless
    False
    """

    NONE = ""
    DATA = "other data"
    MODEL = "other model"
    CRITERION = "other criterion"
    STOP = "early stop"
    FALSE_MINIMUM = "false minimum"
    LOCAL_OPTIMUM = "another local optimum"
    NOT_STATIONARY = "not stationary"
    CONVENTION = "convention"
    ROUNDING = "rounding of the evaluation"
    UNIDENTIFIED = "unidentified"
    UNKNOWN = "no cause found"

    @property
    def harmless(self) -> bool:
        """Whether a difference that it causes may be harmless."""
        return self in (Diagnosis.NONE, Diagnosis.ROUNDING, Diagnosis.UNIDENTIFIED, Diagnosis.STOP)


class FigureVerdict(StrEnum):
    """What a printed figure comes to, in the words of a document's reader.

    Attributes
    ----------
    means
        The verdict on the comparison.

    Examples
    --------
    >>> FigureVerdict.of(Verdict.AGREE)
    <FigureVerdict.REPRODUCED: 'reproduced'>
    """

    means: Verdict

    def __new__(cls, word: str, means: Verdict) -> Self:
        """Make a member out of its word and its meaning."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.means = means
        return member

    REPRODUCED = "reproduced", Verdict.AGREE
    ROUGH = "rough", Verdict.WITHIN
    WRONG = "not reproduced", Verdict.WRONG

    @classmethod
    def of(cls, verdict: Verdict) -> "FigureVerdict":
        """The word for a comparison's verdict."""
        return next(word for word in cls if word.means is verdict)


class FailOn(StrEnum):
    """What breaks a run if one chooses so, beside what is wrong or failed.

    Examples
    --------
    >>> [str(choice) for choice in FailOn]
    ['early', 'within', 'drift', 'accepted', 'disagree']

    Attributes
    ----------
    ACCEPTED
        What is wrong, and accepted.
    DISAGREE
        What is wrong or failed, accepted or not.
    """

    EARLY = str(Verdict.EARLY)
    WITHIN = str(Verdict.WITHIN)
    DRIFT = "drift"
    ACCEPTED = "accepted"
    DISAGREE = "disagree"
