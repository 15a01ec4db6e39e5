"""A run as a short Markdown summary, for the page that a continuous-integration service shows."""

import re
from collections.abc import Iterable

from relmer.reports.records import Report
from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.heat import maps, worst
from relmer.reports.voices.summary import Standing, against, counts, rung_name, sentence, standings

LISTED = 100
LONGEST = 300
SIGNIFICANT = re.compile(r"([\\`*_\[\]|~$#])")


def markdown(report: Report) -> str:
    """Render `summary.md`: the verdict, counts, engines, cases × engines, findings, what breaks the run."""
    parts = [
        f"# relmer: {escape(sentence(report))}",
        " · ".join(f"{verdict.symbol} {count:,} {verdict}" for verdict, count in counts(report).items()),
        *findings(report),
        *overview(report),
        *digits(report),
        *broken(report),
        *engines(report),
        f"relmer {escape(report.version)}, {escape(report.created)}. "
        "All comparisons with their evidence are in report.html and report.json.",
    ]
    return "\n\n".join(parts) + "\n"


def findings(report: Report) -> list[str]:
    """What a reader should know first."""
    if not report.findings:
        return []
    told = [f"- **{escape(f.case)}**, {escape(f.engine)}: {escape(f.text)}" for f in report.findings[:LISTED]]
    return ["## Findings", "\n".join(told), *remainder(len(report.findings))]


def overview(report: Report) -> list[str]:
    """Matrix of cases × engines: worst verdict, fewest digits, first rung that breaks."""
    names = [engine.name for engine in report.engines]
    found = standings(report)
    rows = [[case.name, *(cell(found.get((case.name, name))) for name in names)] for case in report.cases]
    return [
        "## Cases and engines",
        "The worst verdict and the fewest correct digits of the estimates, by proved values where there are any; or "
        "the first rung that breaks.",
        table(["case", *names], rows),
    ]


def digits(report: Report) -> list[str]:
    """The fewest correct digits of each quantity and engine over the certified cases."""
    shown = maps(report)
    rows = [
        [row.quantity, *(f"{digits_text(c[0])} ({c[1].case})" if c else "" for c in row.cells)] for row in worst(shown)
    ]
    if not rows:
        return []
    rows.append(["theta is", *(", ".join(f"{count} × {kind}" for kind, count in one.ends) for one in shown)])
    return [
        "## Digits",
        "The fewest correct digits over the cases whose values are certified, worst component.",
        table(["quantity", *(one.engine for one in shown)], rows),
    ]


def cell(found: Standing | None) -> str:
    """One engine on one case."""
    if found is None:
        return "not judged"
    broken = f"at {found.rung}" if found.rung else ""
    return " ".join(filter(None, [found.verdict.symbol, found.verdict, broken, digits_text(found.digits)]))


def broken(report: Report) -> list[str]:
    """Every comparison that breaks the run, the worst first, up to LISTED of each verdict."""
    parts = []
    for verdict in sorted((v for v in Verdict if v.breaks), key=lambda v: v.rank):
        wrong = [c for c in report.comparisons if c.verdict is verdict]
        rows = [
            [
                c.case,
                c.engine,
                rung_name(c.rung),
                c.quantity,
                digits_text(c.digits),
                against(c),
                c.evidence,
            ]
            for c in wrong[:LISTED]
        ]
        if rows:
            header = ["case", "engine", "rung", "quantity", "digits", "against", "evidence"]
            parts += [f"## {verdict.heading}", table(header, rows), *remainder(len(wrong))]
    return parts


def engines(report: Report) -> list[str]:
    """What was run."""
    rows = [[e.name, e.version, e.source, e.note] for e in report.engines]
    return ["## Engines", table(["engine", "version", "source", "note"], rows)]


def remainder(total: int) -> list[str]:
    """Say how many rows a list leaves out."""
    return [f"… and {total - LISTED:,} more in report.html."] if total > LISTED else []


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A pipe table of escaped cells."""
    lines = [[escape(text) for text in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line, cut if very long.

    Examples
    --------
    >>> print(escape("(Days | Subject) <b>"))
    (Days \| Subject) &lt;b&gt;
    """
    line = " ".join(printable(text).split())
    if len(line) > LONGEST:
        line = line[: LONGEST - 1] + "…"
    entities = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SIGNIFICANT.sub(r"\\\1", entities)
