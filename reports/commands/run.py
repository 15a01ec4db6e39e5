"""`relmer run`: every case on every engine, judged."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from relmer.reference.engines import engine_names
from relmer.reports.accepted import known_failures
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    ENGINE_MISSING,
    STRIPPED,
    chosen_cases,
    one_line_errors,
    progress,
)
from relmer.reports.export import write
from relmer.reports.records import EngineUsed, Report
from relmer.reports.run import run, sources
from relmer.reports.verdicts import FailOn, Verdict
from relmer.reports.voices import counts, drift_told, drifts_of, sentence, warnings_of, warnings_told


@click.command("run")
@click.option("--case", "pattern", default="*", metavar="GLOB", help="Cases to run, such as 'docs/*'.")
@click.option("--engine", "engines", multiple=True, metavar="NAME", help="Engine to judge; repeat for more.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("relmer-report"),
    show_default=True,
)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--require", multiple=True, metavar="ENGINE", help="Fail with status 3 unless this engine runs here.")
@click.option(
    "--accepted",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Accepted failures of an engine of yours; repeat for more.",
)
@click.option(
    "--fail-on",
    type=click.Choice([str(choice) for choice in FailOn]),
    multiple=True,
    help="Fail with status 1 on this too, beside what is wrong or failed; repeat for more.",
)
@click.pass_obj
def run_command(
    debug: bool,
    pattern: str,
    engines: Sequence[str],
    out: Path,
    jobs: int,
    require: Sequence[str],
    accepted: Sequence[Path],
    fail_on: Sequence[str],
) -> None:
    """Judge every case on every engine and write report.html, report.json, junit.xml and summary.md.

    What is wrong or failed is exit status 1, unless the engine's owner has accepted it.
    """
    with one_line_errors(debug):
        known = known_failures(accepted)
        chosen = chosen_cases(pattern)
        judged = tuple(dict.fromkeys([*(engines or engine_names()), *require]))
        used = sources(judged, require)
        with progress(len(chosen)) as advance:
            report = run(chosen, judged, used, min(jobs, len(chosen)), advance, known=known)
        report = replace(report, fail_on=tuple(dict.fromkeys(map(FailOn, fail_on))))
        write(report, out)
    say_summary(report, out)
    sys.exit(status_of(report, require))


def status_of(report: Report, required: Sequence[str] = ()) -> int:
    """Exit status of a run."""
    failed = {c.engine for c in report.comparisons if c.verdict is Verdict.FAILED}
    if failed.intersection(required):
        return ENGINE_MISSING
    return DISAGREEMENT if report.broken else AGREEMENT


def say_summary(report: Report, out: Path) -> None:
    """Say what came out, and where it was written: the answer first."""
    said = warnings_of(report)
    lines = [
        sentence(report),
        ", ".join(f"{count:,} {verdict}" for verdict, count in counts(report).items()),
        *(engine_line(used, warnings_told(said.get(used.name))) for used in report.engines),
        *(f"  ~ {engine}: {drift_told(drifts)}" for engine, drifts in drifts_of(report).items()),
        *(f"  ! {finding.case}, {finding.engine}: {finding.text}" for finding in report.findings),
        f"report: {out / 'report.html'}",
    ]
    for line in lines:
        click.echo(line.translate(STRIPPED))


def engine_line(used: EngineUsed, warned: str) -> str:
    """An engine: its version, how it took part, why, and how often it warned."""
    notes = "; ".join(filter(None, [used.note, f"warnings: {warned}" if warned else ""]))
    return f"  {used.name} {used.version} ({used.source})" + (f": {notes}" if notes else "")
