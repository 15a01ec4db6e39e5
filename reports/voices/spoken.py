"""A report in a few lines of text: the answer first, then who took part, and what a reader should know."""

from collections.abc import Iterator

from relmer.reports.records import EngineUsed, Report
from relmer.reports.voices.answer import drift_told, drifts_of, sentence, warnings_of, warnings_told
from relmer.reports.voices.summary import counts


def spoken(report: Report) -> Iterator[str]:
    """The lines, those of engines, drift and findings with an indent."""
    said = warnings_of(report)
    yield sentence(report)
    yield ", ".join(f"{count:,} {verdict}" for verdict, count in counts(report).items())
    yield from (engine_line(used, warnings_told(said.get(used.name))) for used in report.engines)
    yield from (f"  ~ {engine}: {drift_told(drifts)}" for engine, drifts in drifts_of(report).items())
    yield from (f"  ! {finding.case}, {finding.engine}: {finding.text}" for finding in report.findings)


def engine_line(used: EngineUsed, warned: str) -> str:
    """An engine: its version, how it took part, why, and how often it warned."""
    notes = "; ".join(filter(None, [used.note, f"warnings: {warned}" if warned else ""]))
    return f"  {used.name} {used.version} ({used.source})" + (f": {notes}" if notes else "")
