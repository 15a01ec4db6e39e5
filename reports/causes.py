"""What breaks a run, by cause: one engine's comparisons on one case that break for the same reason."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from relmer.reports.records import Comparison, PublishedFigure, Report, Said, Score
from relmer.reports.verdicts import Diagnosis, Verdict

OPTIMUM = 4
SHOWN = 1
STALE = "the accepted failure is stale: nothing of the kind was found; remove the entry"


@dataclass(frozen=True)
class Cause:
    """The comparisons of one engine on one case that are wrong, or failed, by one diagnosis."""

    case: str
    engine: str
    verdict: Verdict
    diagnosis: Diagnosis
    comparisons: tuple[Comparison, ...]

    @property
    def rung(self) -> int:
        """The first rung that it breaks."""
        return min(c.rung for c in self.comparisons)

    @property
    def first(self) -> tuple[Comparison, ...]:
        """What it breaks on that rung."""
        return tuple(c for c in self.comparisons if c.rung == self.rung)

    @property
    def teller(self) -> Comparison:
        """The worst comparison of the first rung, the first of those that show as many digits: it tells for all."""
        return min(self.first, key=lambda c: round(c.digits or 0.0, SHOWN))

    @property
    def accepted(self) -> str:
        """The link under which all of it is accepted; empty if anything is not."""
        links = {c.accepted for c in self.comparisons}
        return links.pop() if len(links) == 1 else ""


def causes(comparisons: Iterable[Comparison]) -> tuple[Cause, ...]:
    """Gather what is wrong or failed by case, engine, verdict and diagnosis, in the order in which it comes.

    Examples
    --------
    >>> from functools import partial
    >>> of = partial(Comparison, case="Rail", engine="lme4", kind="exact", reference="", evidence="")
    >>> stop = partial(of, verdict=Verdict.WRONG, diagnosis=Diagnosis.STOP)
    >>> (found,) = causes([stop(rung=5, quantity="beta", digits=2.0), stop(rung=4, quantity="criterion", digits=3.0)])
    >>> found.rung, found.teller.quantity, len(found.comparisons)
    (4, 'criterion', 2)
    """
    gathered: dict[tuple[str, str, Verdict, Diagnosis], list[Comparison]] = {}
    for c in comparisons:
        if c.verdict.breaks:
            gathered.setdefault((c.case, c.engine, c.verdict, c.diagnosis), []).append(c)
    return tuple(Cause(*key, tuple(found)) for key, found in gathered.items())


def relative_error(comparison: Comparison) -> float:
    """10^-digits; 1 where a yes or no was compared."""
    return 1.0 if comparison.digits is None else 10.0**-comparison.digits


@dataclass(frozen=True)
class Scale:
    """What an engine's errors on a case are measured by."""

    score: Score | None
    said: Said | None

    def size(self, cause: Cause) -> float:
        """How large a failure is, by the first rung that it breaks.

        At rung 4 the error of the criterion in its own units: by the certificate where there is a score, the larger of
        the optimiser's and the evaluation's; else the gap, or the relative error times the criterion that was printed.
        Elsewhere the relative error 10^-digits of the worst entry; 1 where a yes or no was compared.
        """
        if cause.rung != OPTIMUM:
            return max(map(relative_error, cause.first))
        if self.score is not None:
            return max(abs(self.score.optimiser_error), abs(self.score.evaluation_error))
        return max(map(self.size_at_optimum, cause.first))

    def size_at_optimum(self, comparison: Comparison) -> float:
        """The error of a criterion in its own units: the gap, else by its digits and what the engine printed."""
        if comparison.gap is not None:
            return abs(comparison.gap)
        printed = self.said.values.get("criterion", ()) if self.said is not None else ()
        return relative_error(comparison) * abs(printed[0]) if printed and printed[0] is not None else math.inf


def scale_of(report: Report, case: str, engine: str) -> Scale:
    """Find what an engine's errors on a case are measured by."""
    score = next((s for s in report.scores if (s.case, s.engine) == (case, engine)), None)
    said = next((a for a in report.answers if (a.case, a.engine) == (case, engine)), None)
    return Scale(score, said)


def wrong_figures(report: Report) -> dict[PublishedFigure, int]:
    """The printed figures that nothing reproduces, each once, at its first place; and at how many more it stands."""
    places: dict[tuple[str, str, str], list[PublishedFigure]] = {}
    for figure in report.figures:
        if figure.verdict.means.breaks:
            places.setdefault((figure.case, figure.quantity, figure.printed), []).append(figure)
    return {figures[0]: len(figures) - 1 for figures in places.values()}
