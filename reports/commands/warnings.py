"""`relmer warnings`: which warnings of engines are true, and where they are wrong without a word."""

import shlex
from pathlib import Path

import click

from relmer.datasets import DataError, write_whole
from relmer.reports.commands.completion import cases_begun
from relmer.reports.commands.telling import telling_options
from relmer.reports.commands.terminal import (
    check_writable,
    chosen_cases,
    engines_option,
    one_line_errors,
    progress,
)
from relmer.reports.compared import Asked, compared
from relmer.reports.run import chosen_engines
from relmer.reports.voices import warnings_page

RECORDED = ("lme4@*",)


@click.command("warnings")
@click.argument("engines", metavar="PATTERN...", nargs=-1)
@click.option("--case", "pattern", shell_complete=cases_begun, default="*", metavar="GLOB", help="Cases to look at.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes, to judge them.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the page to this file."
)
@engines_option
@telling_options("quiet")
@click.pass_obj
def warnings_command(debug: bool, engines: tuple[str, ...], pattern: str, jobs: int, out: Path | None) -> None:
    """Write a page in Markdown on the warnings of engines: true, without cause, or missing.

    Engines are those that match a PATTERN; otherwise the recorded versions of lme4's default.
    """
    with one_line_errors(debug):
        if out is not None:
            check_writable(out.parent, (out.name,))
        names = list(dict.fromkeys(chosen_engines(list(engines or RECORDED))))
        if not names:
            raise DataError("no engine is recorded: name one, such as 'statsmodels'")
        cases = chosen_cases(pattern)
        with progress(len(cases)) as advance:
            reports = compared([Asked(name) for name in names], cases, min(jobs, len(cases)), advance)
        command = shlex.join(["relmer", "warnings", *engines, *(["--case", pattern] if pattern != "*" else [])])
        page = warnings_page(reports, command)
        if out is None:
            click.echo(page, nl=False)
        else:
            write_whole(out.parent, {out.name: page})
