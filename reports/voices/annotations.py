"""What breaks, as annotations that a service of continuous integration shows beside the code."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relmer.reports.causes import STALE, wrong_figures
from relmer.reports.changes import Diff, Kind
from relmer.reports.records import Comparison, Report
from relmer.reports.text import cut, number, printable
from relmer.reports.verdicts import FailOn
from relmer.reports.voices.answer import drift_told, drifts_of
from relmer.reports.voices.diff import row
from relmer.reports.voices.summary import badness, broken_by, rung_name, source

# GitHub shows so many errors of a step, and no more.
MOST = 10
LONGEST_TITLE, LONGEST = 120, 500


@dataclass(frozen=True)
class Annotation:
    """What breaks, in a few words and in a sentence."""

    title: str
    text: str


def report_annotations(report: Report) -> Iterator[Annotation]:
    """What breaks a run: for each engine and case the worst that does; figures, stale acceptances, drift if chosen."""
    failing: dict[tuple[str, str], list[Comparison]] = {}
    for c in filter(report.fails, report.comparisons):
        failing.setdefault((c.engine, c.case), []).append(c)
    worst = {at: min(found, key=gravity) for at, found in failing.items()}
    for at in sorted(worst, key=lambda at: gravity(worst[at])):
        c, others = worst[at], len(failing[at]) - 1
        more = f" (and {number(others, 'comparison')} more)" if others else ""
        text = f"rung {rung_name(c.rung)}, {c.quantity}: {broken_by(report, c)}: {c.evidence}{more}"
        yield Annotation(" on ".join(at), text)
    for figure in wrong_figures(report):
        yield Annotation(f"{source(figure)}, {figure.quantity}", f"printed {figure.printed}: {figure.evidence}")
    for known in report.accepted:
        if known.stale:
            yield Annotation(f"{known.engine} on {known.case}", f"{known.what}: {STALE}")
    if FailOn.DRIFT in report.fail_on:
        for engine, drifts in drifts_of(report).items():
            yield Annotation(f"{engine} drifted", drift_told(drifts))


def diff_annotations(found: Diff, chosen: frozenset[Kind]) -> Iterator[Annotation]:
    """What breaks between two reports."""
    for change in found.fails(chosen):
        what, case, engine, *rest = row(change)
        where = f"{engine} on {case}" if engine and case else engine or case
        yield Annotation(f"{what}: {where}" if where else what, ", ".join(filter(None, rest)))


def gravity(comparison: Comparison) -> tuple[bool, int, tuple[int, float]]:
    """Sort key: what is wrong or failed first, of that the first rung."""
    return not comparison.verdict.breaks, comparison.rung, badness(comparison)


def github(annotations: Iterable[Annotation]) -> Iterator[str]:
    r"""Commands of GitHub's workflows, a line each; the last of so many tells how many more there are.

    Examples
    --------
    >>> list(github([Annotation("lme4, on a::b", "50% above\n::error::no")]))
    ['::error title=lme4%2C on a%3A%3Ab::50%25 above ::error::no']
    """
    found = list(annotations)
    shown = found if len(found) <= MOST else found[: MOST - 1]
    if len(found) > len(shown):
        left = Annotation("and more", f"{len(found) - len(shown)} more break this run: report.html has them all")
        shown = [*shown, left]
    for one in shown:
        title, text = escaped(cut(line(one.title), LONGEST_TITLE)), escaped(cut(line(one.text), LONGEST))
        yield f"::error title={title.replace(':', '%3A').replace(',', '%2C')}::{text}"


def line(text: str) -> str:
    """A text as one line, without what nobody sees."""
    return " ".join(printable(text).split())


def escaped(text: str) -> str:
    r"""A text as GitHub asks for it.

    Examples
    --------
    >>> escaped("5%\r\n")
    '5%25%0D%0A'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
