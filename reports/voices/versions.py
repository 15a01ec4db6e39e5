"""The page on some versions of an engine: where each stands, and what moved from one to the next.

What it tells is the same on every machine: recorded values, their digits against certificates, and gaps that are far
above rounding.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from relmer.reports.changes import Diff, Moved, Way
from relmer.reports.records import Report, Score
from relmer.reports.text import digits_text, number
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.answer import listed
from relmer.reports.voices.markdown import escape, table
from relmer.reports.voices.summary import standings

# What is a repeat's, of an engine's environment.
LIBRARIES = ("R", "Matrix", "nloptr", "minqa", "BLAS", "LAPACK")
STOOD = (Verdict.WRONG, Verdict.EARLY, Verdict.WITHIN, Verdict.AGREE)
# Where a gap begins to show in printed figures; a hundred times what rounding takes from any evaluation of these cases.
FAR = 1e-3
# Doubles have 15.95 digits: what agrees in twelve of them is what another order of the same sums makes of it.
LAST = 12
HEADER = ("case", "quantity", "before", "after", "first digit that differs", "correct digits", "")


def versions_page(reports: Sequence[Report], diffs: Sequence[Diff], command: str) -> str:
    """Render the page of versions, each of which has a report of its own, with the diffs between neighbours."""
    names = [report.engines[0].name for report in reports]
    cases = [case.name for case in reports[0].cases]
    parts = [
        f"# {escape(listed(names))}",
        f"What each returned on {number(len(cases), 'case')}, recorded, and what moved from one to the next. This page "
        f"is made from the recordings by\n\n    {command}",
        "Two runs of one version may differ as well, where sums depend on the process ([engines.md](engines.md)): a "
        "move in the tenth digit of one case alone need not be the version's.",
        "## Where they ran",
        table(("engine", *LIBRARIES), (surroundings(report) for report in reports)),
        "## Where they stand",
        "Cases by the worst verdict on any rung ([report.md](report.md) says what the verdicts are), and how often an "
        "engine warned.",
        table(("engine", *STOOD, "warnings"), (stood(report) for report in reports)),
    ]
    if far := list(far_above(reports)):
        parts += [
            "## Far above the optimum",
            "How far the criterion at an engine's theta is above the certified optimum, where that is more than "
            f"{FAR:g} for any of them.",
            table(("case", *names), far),
        ]
    for one, other, found in zip(names, names[1:], diffs, strict=False):
        parts += [f"## From {escape(one)} to {escape(other)}", *moved(found)]
    return "\n\n".join(parts) + "\n"


def surroundings(report: Report) -> list[str]:
    """The engine and its libraries."""
    (engine,) = report.engines
    return [engine.name, *(engine.environment.get(name, "") for name in LIBRARIES)]


def stood(report: Report) -> list[str]:
    """The engine, how many cases have which verdict, and its warnings."""
    seen = Counter(one.verdict for one in standings(report).values())
    said = [len(answer.warnings) for answer in report.answers]
    warned = f"{sum(said)} on {number(sum(map(bool, said)), 'case')}"
    return [report.engines[0].name, *(str(seen[verdict]) for verdict in STOOD), warned]


def far_above(reports: Sequence[Report]) -> Iterator[list[str]]:
    """Cases on which some engine stops far above the optimum, and by how much each does."""
    scores: list[dict[str, Score]] = [{score.case: score for score in report.scores} for report in reports]
    for case in reports[0].cases:
        gaps = [one[case.name].optimiser_error if case.name in one else 0.0 for one in scores]
        if max(gaps) > FAR:
            yield [case.name, *(f"{gap:.3g}" if gap > FAR else "" for gap in gaps)]


def moved(found: Diff) -> Iterator[str]:
    """What moved from a version to the next: values and warnings, counted and listed."""
    values = [one for one in found.moved if one.first is not None]
    shown = [one for one in values if one.shared is not None and one.shared < LAST]
    ways = Counter(one.way for one in shown if one.before.against)
    told = ", ".join(f"{ways[way]} {way}" for way in Way if way and ways[way])
    same = len({case for case, _ in found.same})
    yield (
        f"{number(len(shown), 'quantity differs', 'quantities differ')} in the first {LAST} digits"
        f"{f' ({told} to the certified optimum)' if told else ''}, {len(values) - len(shown)} more behind them. "
        f"On {number(same, 'case')} the answer is the same to the last bit."
    )
    if shown:
        yield table(HEADER, map(row, shown))
    warned = [("came" if one.after > one.before else "went", one.case, one.text) for one in found.warned]
    if warned:
        yield "Warnings that came and went:"
        yield table(("", "case", "warning"), warned)


def row(one: Moved) -> list[str]:
    """A value that moved; its digits where a certificate tells them."""
    digits = [digits_text(side.digits) for side in (one.before, one.after)]
    told = f"{digits[0]} → {digits[1]}" if all(digits) else ""
    return [one.case, one.quantity, one.before.value, one.after.value, str(one.first), told, str(one.way)]
