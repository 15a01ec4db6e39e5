"""What a program says of its own fit, by kind: one reading of its words for all who judge warnings."""

import re
from enum import StrEnum
from typing import Self


class Doubt(StrEnum):
    """Kinds of warnings, in the order in which words are looked for.

    Attributes
    ----------
    words
        Pattern of the words of programs: lme4, statsmodels, nlme, glmmTMB.
    asks
        What is asked of proved facts, to see whether it is true.
    """

    words: str
    asks: str

    def __new__(cls, name: str, words: str, asks: str) -> Self:
        """Make a member out of its name, its words and its question."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.words = words
        member.asks = asks
        return member

    RANK = (
        "rank",
        r"rank.?deficient",
        "whether columns of X depend on each other",
    )
    HESSIAN = (
        "Hessian",
        r"hessian|eigenvalue|unidentifiable",
        "whether the fit is wrong from the optimum on: of a minimum that is found to rounding no Hessian is in doubt",
    )
    CONVERGENCE = (
        "convergence",
        r"converge|max\|grad\||\|grad\||gradient|maxfun|iteration limit|maximum number of (function )?evaluations",
        "whether the fit is wrong from the optimum on: more than 0.001 above the lowest criterion, or in an estimate",
    )
    SINGULAR = (
        "singular",
        r"singular|boundary of the parameter space",
        "whether a covariance matrix of the certified optimum has not full rank",
    )
    SCALES = (
        "scales",
        r"different scales|rescal",
        "whether the scales did harm: whether the fit is wrong from the optimum on",
    )

    @property
    def of_the_stop(self) -> bool:
        """Whether it doubts where the search stopped."""
        return self in (Doubt.HESSIAN, Doubt.CONVERGENCE, Doubt.SCALES)


def doubt_of(text: str) -> Doubt | None:
    """The kind of a warning; None if it speaks of something else.

    Examples
    --------
    >>> doubt_of("Model is nearly unidentifiable: very large eigenvalue - Rescale variables?")
    <Doubt.HESSIAN: 'Hessian'>
    >>> doubt_of("boundary (singular) fit: see help('isSingular')")
    <Doubt.SINGULAR: 'singular'>
    >>> doubt_of("nlminb problem, convergence error code = 1: singular convergence (7)")
    <Doubt.CONVERGENCE: 'convergence'>
    >>> doubt_of("package built under another version")
    """
    return next((kind for kind in Doubt if re.search(kind.words, text, re.IGNORECASE)), None)
