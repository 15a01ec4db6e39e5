"""`relmer run`: every case on every engine, judged."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from relmer.datasets import DataError, as_keys
from relmer.reference.engines import engine_names
from relmer.reports.commands.completion import cases_begun, engines_begun
from relmer.reports.commands.diff import read_report, say_moved
from relmer.reports.commands.judging import WRITTEN, judged_report, leave, say_summary, status_of
from relmer.reports.commands.options import Own, Reporting, model_options, report_options
from relmer.reports.commands.own import own_cases
from relmer.reports.commands.telling import add, note
from relmer.reports.commands.terminal import (
    annotate,
    chosen_cases,
    engines_option,
    one_line_errors,
    output,
)
from relmer.reports.own import optimum_of, optimum_told
from relmer.reports.records import EngineUsed
from relmer.reports.run import chosen_engines, sources
from relmer.reports.text import one_line
from relmer.reports.voices import report_annotations


@click.command("run")
@click.option(
    "--case",
    "pattern",
    shell_complete=cases_begun,
    metavar="GLOB",
    help="Cases to run, such as 'docs/*'; all otherwise.",
)
@model_options
@click.option(
    "--engine",
    "engines",
    shell_complete=engines_begun,
    multiple=True,
    metavar="NAME",
    help="Engine to judge, any of `relmer engines`, or a pattern; repeat for more.",
)
@engines_option
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option(
    "--require",
    shell_complete=engines_begun,
    multiple=True,
    metavar="ENGINE",
    help="Fail with status 3 unless this engine runs here.",
)
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
    """Judge every case on every engine; write report.html, report.json, junit.xml, summary.md, audit.md, answers.json.

    With --data and --formula the cases are models of your own, and what their numbers are is said too.

    What is wrong or failed is exit status 1, unless the engine's owner has accepted it. An interrupt ends the run with
    status 130 and a report on the cases that were done, marked as partial.
    """
    with one_line_errors(debug), ExitStack() as kept:
        out = reporting.out
        kept.enter_context(output(out, WRITTEN))
        if own.given and pattern is not None and own.cases_file is None:
            raise DataError("--case is of the project's own data: leave it out, or --data and --formula")
        models = kept.enter_context(own_cases(own, pattern or "*")) if own.given else ()
        chosen = models or chosen_cases("*" if pattern is None else pattern)
        judged = tuple(dict.fromkeys([*(chosen_engines(engines) or engine_names()), *require]))
        used = sources(judged, require)
        before = None if baseline is None else read_report(baseline)
        for line in said_first(used.values()):
            note(line)
        report, ended = judged_report(chosen, judged, used, reporting, jobs, limit)
        say_summary(report, out)
        spelled = as_keys if own.cases_file is not None else str
        for found in filter(None, (optimum_of(case, report) for case in models)):
            add(spelled(line) for line in optimum_told(found))
        annotate(reporting.annotate_as, report_annotations(report))
        if before is not None and ended is None:
            say_moved(before, report, out)
    if ended is not None:
        leave(ended)
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
