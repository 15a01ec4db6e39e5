"""A run as a short Markdown summary, for the page that a continuous-integration service shows."""

import re
from collections.abc import Iterable

from relmer.reports.records import Report
from relmer.reports.text import digits_text, printable
from relmer.reports.voices.answer import drift_told, drifts_of, found_of, sentence, warnings_of, warnings_told
from relmer.reports.voices.heat import maps, worst
from relmer.reports.voices.summary import WORST_FIRST, Standing, against, counts, rung_name, standings

LISTED = 100
LONGEST = 300
SIGNIFICANT = re.compile(r"([\\`*_\[\]|~$#])")


def markdown(report: Report) -> str:
    """Render `summary.md`: the verdict, counts, engines, cases × engines, findings, what breaks the run."""
    parts = [
        f"# relmer: {escape(sentence(report), longest=None)}",
        " · ".join(f"{verdict.symbol} {count:,} {verdict}" for verdict, count in counts(report).items()),
        *findings(report),
        *overview(report),
        *digits(report),
        *broken(report),
        *accepted(report),
        *drift(report),
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
    known = "(accepted)" if found.accepted else ""
    words = [found.verdict.symbol, found.verdict, known, broken, digits_text(found.digits)]
    told = " ".join(filter(None, words))
    return f"{told}: {found.diagnosis}" if found.diagnosis else told


def broken(report: Report) -> list[str]:
    """Every comparison that breaks the run, the worst first, up to LISTED of each verdict."""
    parts = []
    for verdict in WORST_FIRST:
        fails = [c for c in report.comparisons if c.verdict is verdict and report.fails(c)]
        rows = [
            [
                c.case,
                c.engine,
                rung_name(c.rung),
                c.quantity,
                c.diagnosis,
                digits_text(c.digits),
                against(c),
                c.evidence,
            ]
            for c in fails[:LISTED]
        ]
        if rows:
            header = ["case", "engine", "rung", "quantity", "diagnosis", "digits", "against", "evidence"]
            parts += [f"## {verdict.heading}", table(header, rows), *remainder(len(fails))]
    return parts


def accepted(report: Report) -> list[str]:
    """What the engines' owners have accepted, and what was found of it."""
    if not report.accepted:
        return []
    rows = [
        [k.case, k.engine, rung_name(k.rung), k.what, f"{k.size:.3g}", found_of(k), f"{k.covers:,}", k.link]
        for k in report.accepted
    ]
    header = ["case", "engine", "rung", "diagnosis", "size", "found", "comparisons", "accepted"]
    return ["## Accepted failures", table(header, rows)]


def drift(report: Report) -> list[str]:
    """How far live engines are from their recordings: a line for each engine, and the quantities."""
    if not report.drift:
        return []
    moved = drifts_of(report)
    lines = [f"- **{escape(engine)}**: {escape(drift_told(drifts), longest=None)}" for engine, drifts in moved.items()]
    rows = [
        [d.case, d.engine, d.quantity, d.recorded, d.live, digits_text(d.digits)]
        for drifts in moved.values()
        for d in drifts
    ]
    header = ["case", "engine", "quantity", "recorded", "live", "digits"]
    return ["## Drift", "\n".join(lines), table(header, rows[:LISTED]), *remainder(len(rows))]


def engines(report: Report) -> list[str]:
    """What was run."""
    said = warnings_of(report)
    rows = [[e.name, e.version, e.source, warnings_told(said.get(e.name)), e.note] for e in report.engines]
    return ["## Engines", table(["engine", "version", "source", "warnings", "note"], rows)]


def remainder(total: int) -> list[str]:
    """Say how many rows a list leaves out."""
    return [f"… and {total - LISTED:,} more in report.html."] if total > LISTED else []


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A pipe table of escaped cells."""
    lines = [[escape(text) for text in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape(text: str, longest: int | None = LONGEST) -> str:
    r"""Text that Markdown shows as it is, on one line, cut if it is longer than `longest`.

    Examples
    --------
    >>> print(escape("(Days | Subject) <b>"))
    (Days \| Subject) &lt;b&gt;
    """
    line = " ".join(printable(text).split())
    if longest is not None and len(line) > longest:
        line = line[: longest - 1] + "…"
    entities = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SIGNIFICANT.sub(r"\\\1", entities)
