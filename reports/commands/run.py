"""`relmer run`: every case on every engine, judged."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from relmer.reference.engines import engine_names
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
from relmer.reports.records import Report
from relmer.reports.run import run, sources
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import counts, sentence


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
@click.pass_obj
def run_command(
    debug: bool, pattern: str, engines: Sequence[str], out: Path, jobs: int, require: Sequence[str]
) -> None:
    """Judge every case on every engine and write report.html, report.json, junit.xml and summary.md."""
    with one_line_errors(debug):
        chosen = chosen_cases(pattern)
        judged = tuple(dict.fromkeys([*(engines or engine_names()), *require]))
        used = sources(judged, require)
        with progress(len(chosen)) as advance:
            report = run(chosen, judged, used, min(jobs, len(chosen)), advance)
        write(report, out)
    say_summary(report, out)
    sys.exit(status_of(report, require))


def status_of(report: Report, required: Sequence[str] = ()) -> int:
    """Exit status of a run."""
    failed = {c.engine for c in report.comparisons if c.verdict is Verdict.FAILED}
    if failed.intersection(required):
        return ENGINE_MISSING
    verdicts = [c.verdict for c in report.comparisons] + [f.verdict.means for f in report.figures]
    return DISAGREEMENT if any(verdict.breaks for verdict in verdicts) else AGREEMENT


def say_summary(report: Report, out: Path) -> None:
    """Say what came out, and where it was written."""
    click.echo(f"{sentence(report)} " + ", ".join(f"{count:,} {verdict}" for verdict, count in counts(report).items()))
    for used in report.engines:
        click.echo(f"  {used.name} {used.version} ({used.source})" + (f": {used.note}" if used.note else ""))
    for finding in report.findings:
        click.echo(f"  ! {finding.case}, {finding.engine}: {finding.text}".translate(STRIPPED))
    click.echo(f"report: {out / 'report.html'}")
