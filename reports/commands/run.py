"""`relmer run`: every case on every engine, judged."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from relmer.datasets import DataError, as_keys, write_whole
from relmer.reference.answers import Answer
from relmer.reference.engines import engine_names
from relmer.reports.accepted import known_failures
from relmer.reports.commands.diff import read_report, say_moved
from relmer.reports.commands.options import Own, Reporting, model_options, report_options
from relmer.reports.commands.own import optimum_told, own_cases
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    ENGINE_MISSING,
    INTERRUPTED,
    annotate,
    check_writable,
    chosen_cases,
    chosen_engines,
    complain,
    engines_option,
    one_line,
    one_line_errors,
    progress,
)
from relmer.reports.export import VOICES, write
from relmer.reports.given import ANSWERS, answers_json
from relmer.reports.records import EngineUsed, Report
from relmer.reports.run import Broken, Interrupted, run, sources
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import (
    counts,
    drift_told,
    drifts_of,
    report_annotations,
    sentence,
    warnings_of,
    warnings_told,
)


@click.command("run")
@click.option("--case", "pattern", metavar="GLOB", help="Cases to run, such as 'docs/*'; all otherwise.")
@model_options
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME",
    help="Engine to judge, any of `relmer engines`, or a pattern; repeat for more.",
)
@engines_option
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--require", multiple=True, metavar="ENGINE", help="Fail with status 3 unless this engine runs here.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="An earlier report: tell what moved since, as `relmer diff` does, in diff.md of --out.",
)
@click.option(
    "--limit",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Seconds that an engine of another package may take for one case; 120 otherwise.",
)
@report_options
@click.pass_obj
def run_command(
    debug: bool,
    pattern: str | None,
    own: Own,
    engines: Sequence[str],
    jobs: int,
    require: Sequence[str],
    baseline: Path | None,
    limit: float | None,
    reporting: Reporting,
) -> None:
    """Judge every case on every engine and write report.html, report.json, junit.xml, summary.md and answers.json.

    With --data and --formula the cases are models of your own, and what their numbers are is said too.

    What is wrong or failed is exit status 1, unless the engine's owner has accepted it. An interrupt ends the run with
    status 130 and a report on the cases that were done, marked as partial.
    """
    with one_line_errors(debug), ExitStack() as kept:
        out = reporting.out
        check_writable(out, (*VOICES, ANSWERS))
        failing, known = reporting.failing, known_failures(reporting.accepted)
        if own.given and pattern is not None and own.cases_file is None:
            raise DataError("--case is of the project's own data: leave it out, or --data and --formula")
        models = kept.enter_context(own_cases(own, pattern or "*")) if own.given else ()
        chosen = models or chosen_cases("*" if pattern is None else pattern)
        judged = tuple(dict.fromkeys([*(chosen_engines(engines) or engine_names()), *require]))
        used = sources(judged, require)
        before = None if baseline is None else read_report(baseline)
        for line in said_first(used.values()):
            click.echo(line, err=True)
        heard: list[Answer] = []
        try:
            with progress(len(chosen)) as advance:
                report, ended = (
                    run(chosen, judged, used, min(jobs, len(chosen)), advance, limit, known, heard=heard.extend),
                    None,
                )
        except Interrupted as early:
            report, ended = early.report, early
        report = replace(report, **failing)
        write(report, out)
        write_whole(out, {ANSWERS: answers_json(heard)})
        say_summary(report, out)
        spelled = as_keys if own.cases_file is not None else str
        for case in models:
            click.echo("\n".join(indented(spelled(line)) for line in optimum_told(case, report)))
        annotate(reporting.annotate_as, report_annotations(report))
    if ended is not None:
        complain(f"{ended}; the report is partial", DISAGREEMENT if isinstance(ended, Broken) else INTERRUPTED)
    with one_line_errors(debug):
        if before is not None:
            say_moved(before, report, out)
    sys.exit(status_of(report, require))


def said_first(engines: Iterable[EngineUsed]) -> Iterator[str]:
    """What a reader should know before anything else: who is not live, or fails, and why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for used in engines:
        if used.note:
            manner = "recorded" if used.source == "recorded" else "cannot be asked"
            reasons.setdefault((manner, used.note), []).append(used.name)
    for (manner, reason), names in reasons.items():
        yield one_line(f"{', '.join(names)} {manner}, because {reason}")


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
        click.echo(indented(line))


def indented(line: str) -> str:
    """A line that a terminal shows and does not obey, with its indent."""
    return " " * (len(line) - len(line.lstrip())) + one_line(line)


def engine_line(used: EngineUsed, warned: str) -> str:
    """An engine: its version, how it took part, why, and how often it warned."""
    notes = "; ".join(filter(None, [used.note, f"warnings: {warned}" if warned else ""]))
    return f"  {used.name} {used.version} ({used.source})" + (f": {notes}" if notes else "")
