"""What every voice says alike: the answer in one sentence, and where each engine stands on each case."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from relmer.reports.records import RUNGS, VERDICTS, Comparison, Report
from relmer.reports.text import number

SYMBOLS = {"agree": "✓", "explained": "≈", "disagree": "✗", "unsupported": "–", "failed": "!"}
WORST_FIRST = ("disagree", "failed", "explained", "agree", "unsupported")
BREAKS = ("disagree", "failed")
PROVED = ("certified", "exact")
ESTIMATES = 5


@dataclass(frozen=True)
class Standing:
    """Where one engine stands on one case, or on one rung of it.

    Attributes
    ----------
    verdict
        The worst verdict; "unsupported" only if nothing could be judged.
    digits
        The fewest digits of the rung that breaks; if none breaks, of the estimates or of the rung summed up.
    broken
        The worst comparison of the first rung that breaks: the diagnosis.
    unsupported
        How many comparisons the engine does not support.
    """

    verdict: str
    digits: float | None
    broken: Comparison | None
    unsupported: int

    @property
    def symbol(self) -> str:
        """The verdict's sign."""
        return SYMBOLS[self.verdict]

    @property
    def rung(self) -> str:
        """The first rung that breaks, as "3 criterion"; empty if none does."""
        return "" if self.broken is None else rung_name(self.broken.rung)


def standing(comparisons: Sequence[Comparison], rung: int = ESTIMATES) -> Standing | None:
    """Sum up the comparisons of one engine on one case; None if there are none.

    Unless a rung breaks, the digits are those of `rung`, by proved values where there are any: another engine's fit
    has fewer digits than what it judges.

    Examples
    --------
    >>> judged = [
    ...     Comparison("Rail", "lme4", 3, "criterion", "agree", 13.2, "exact", "NIST", ""),
    ...     Comparison("Rail", "lme4", 5, "beta", "disagree", 2.1, "exact", "NIST", ""),
    ... ]
    >>> found = standing(judged)
    >>> found.verdict, found.rung, found.digits
    ('disagree', '5 estimates', 2.1)
    """
    if not comparisons:
        return None
    broken = [c for c in comparisons if c.verdict in BREAKS]
    first = min((c.rung for c in broken), default=None)
    shown = [c for c in broken if c.rung == first] or [c for c in comparisons if c.rung == rung]
    if first is None:
        shown = [c for c in shown if c.kind in PROVED] or shown
    return Standing(
        verdict=min((c.verdict for c in comparisons), key=WORST_FIRST.index),
        digits=lowest_digits(shown),
        broken=None if first is None else min(shown, key=badness),
        unsupported=sum(c.verdict == "unsupported" for c in comparisons),
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
    """Sort key: the worst verdict first, within it a wrong yes or no, then the fewest digits."""
    digits = comparison.digits if comparison.digits is not None else -math.inf
    return WORST_FIRST.index(comparison.verdict), digits


def counts(report: Report) -> dict[str, int]:
    """Number of comparisons per verdict, all verdicts named."""
    seen = Counter(c.verdict for c in report.comparisons)
    return {verdict: seen[verdict] for verdict in VERDICTS}


def sentence(report: Report) -> str:
    """The answer of a run in one sentence."""
    seen, total = counts(report), len(report.comparisons)
    if total == 0:
        return "Nothing was compared."
    cases = len({c.case for c in report.comparisons})
    unjudged = [f"{seen[v]:,} {v}" for v in ("failed", "unsupported") if seen[v]]
    if seen["disagree"]:
        wrong = len({c.case for c in report.comparisons if c.verdict == "disagree"})
        rest = f"; {', '.join(unjudged)}" if unjudged else ""
        verb = "disagrees" if seen["disagree"] == 1 else "disagree"
        where = f"on {wrong:,} of {number(cases, 'case')}"
        return f"{seen['disagree']:,} of {number(total, 'comparison')} {verb}, {where}{rest}."
    asked = f"{number(total, 'comparison')} on {number(cases, 'case')}"
    if seen["agree"] + seen["explained"] == 0:
        return f"{asked}: none could be judged ({', '.join(unjudged)})."
    if unjudged:
        return f"{asked}: all that could be judged agree or are explained; {', '.join(unjudged)}."
    return f"{asked}: all agree or are explained."


def rung_name(rung: int) -> str:
    """A rung's number and name, as "3 criterion"."""
    return f"{rung} {RUNGS[rung]}"


def against(comparison: Comparison) -> str:
    """The reference value's kind and owner, as "certified pls"; one word if they are the same, as "none"."""
    return " ".join(dict.fromkeys(filter(None, (comparison.kind, comparison.reference))))
