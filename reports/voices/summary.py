"""What every voice says alike of where each engine stands on each case."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relmer.reports.causes import SHOWN
from relmer.reports.records import RUNGS, Comparison, PublishedFigure, Report
from relmer.reports.verdicts import Verdict

PROVED = ("certified", "exact")
ESTIMATES = 5
WORST_FIRST = sorted(Verdict, key=lambda verdict: verdict.rank)


@dataclass(frozen=True)
class Standing:
    """Where one engine stands on one case, or on one rung of it.

    Attributes
    ----------
    verdict
        The worst verdict.
    digits
        The fewest digits of the rung that breaks; if none breaks, of the estimates or of the rung summed up.
    broken
        The worst comparison of the first rung that breaks: the diagnosis.
    omitted
        How many comparisons say nothing of the engine, for each verdict that does not, if it is not the worst.
    accepted
        Whether all that breaks has been accepted by the engine's owner.
    """

    verdict: Verdict
    digits: float | None
    broken: Comparison | None
    omitted: Mapping[Verdict, int]
    accepted: bool = False

    @property
    def rung(self) -> str:
        """The first rung that breaks, as "3 criterion"; empty if none does."""
        return "" if self.broken is None else rung_name(self.broken.rung)

    @property
    def diagnosis(self) -> str:
        """What is wrong, in the judge's words; empty if nothing is, or no cause is known."""
        return "" if self.broken is None else str(self.broken.diagnosis)


def standing(comparisons: Sequence[Comparison], rung: int = ESTIMATES) -> Standing | None:
    """Sum up the comparisons of one engine on one case; None if there are none.

    Unless a rung breaks, the digits are those of `rung`, by proved values where there are any: another engine's fit
    has fewer digits than what it judges.

    Examples
    --------
    >>> from functools import partial
    >>> of = partial(Comparison, case="Rail", engine="lme4", kind="exact", reference="NIST", evidence="")
    >>> judged = [
    ...     of(rung=3, quantity="criterion", verdict=Verdict.AGREE, digits=13.2),
    ...     of(rung=5, quantity="beta", verdict=Verdict.WRONG, digits=2.1),
    ... ]
    >>> found = standing(judged)
    >>> found.verdict, found.rung, found.digits
    (<Verdict.WRONG: 'wrong'>, '5 estimates', 2.1)
    """
    if not comparisons:
        return None
    broken = [c for c in comparisons if c.verdict.breaks]
    first = min((c.rung for c in broken), default=None)
    shown = [c for c in broken if c.rung == first] or [c for c in comparisons if c.rung == rung]
    if first is None:
        shown = [c for c in shown if c.kind in PROVED] or shown
    seen = Counter(c.verdict for c in comparisons)
    verdict = Verdict.worst(seen)
    return Standing(
        verdict=verdict,
        digits=lowest_digits(shown),
        broken=None if first is None else min(shown, key=badness),
        omitted={v: seen[v] for v in Verdict if seen[v] and v is not verdict and not (v.judged or v.breaks)},
        accepted=bool(broken) and not any(c.breaks for c in broken),
    )


def standings(report: Report) -> dict[tuple[str, str], Standing]:
    """Standing of every engine on every case that it was judged on, by the names (case, engine)."""
    judged: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in report.comparisons:
        judged.setdefault((comparison.case, comparison.engine), []).append(comparison)
    return {names: found for names, rows in judged.items() if (found := standing(rows))}


def lowest_digits(comparisons: Sequence[Comparison]) -> float | None:
    """Fewest correct digits. Printed figures do not count: they have only the digits that were printed."""
    counted = (c.digits for c in comparisons if c.kind != "published" and c.digits is not None)
    return min((digits for digits in counted if math.isfinite(digits)), default=None)


def badness(comparison: Comparison) -> tuple[int, float]:
    """Sort key: the worst verdict first, within it a wrong yes or no, then the fewest digits as they are shown."""
    digits = round(comparison.digits, SHOWN) if comparison.digits is not None else -math.inf
    return comparison.verdict.rank, digits


def counts(report: Report) -> dict[Verdict, int]:
    """Number of comparisons per verdict, all verdicts named."""
    seen = Counter(c.verdict for c in report.comparisons)
    return {verdict: seen[verdict] for verdict in Verdict}


def rung_name(rung: int) -> str:
    """A rung's number and name, as "3 criterion"."""
    return f"{rung} {RUNGS[rung]}"


def against(comparison: Comparison) -> str:
    """The reference value's kind and owner, as "certified pls"; one word if they are the same, as "none"."""
    return " ".join(dict.fromkeys(filter(None, (comparison.kind, comparison.reference))))


def told(comparison: Comparison) -> str:
    """The verdict with its diagnosis and whether it is accepted, as "within, rounding of the evaluation"."""
    known = "accepted" if comparison.accepted else ""
    return ", ".join(filter(None, (comparison.verdict, comparison.diagnosis, known)))


def broken_by(report: Report, comparison: Comparison) -> str:
    """Why a comparison breaks this run: the verdict as it is told, and that it has fewer digits than are asked for."""
    few = f"fewer than {report.fewest_digits:g} digits" if report.lacks_digits(comparison) else ""
    return ", ".join(filter(None, (told(comparison), few)))


def source(figure: PublishedFigure) -> str:
    """Who prints a figure: a document, or the source that the case names."""
    return f"document {figure.document}" if figure.document else figure.section
