"""`relmer versions`: the page on some versions of an engine."""

import re
import shlex
from itertools import pairwise
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
from relmer.reports.diff import diff
from relmer.reports.run import chosen_engines
from relmer.reports.voices import versions_page


@click.command("versions")
@click.argument("engines", metavar="PATTERN", default="lme4@*")
@click.option(
    "--case", "pattern", shell_complete=cases_begun, default="*", metavar="GLOB", help="Cases to compare them on."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes, to judge them.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the page to this file."
)
@engines_option
@telling_options("quiet")
@click.pass_obj
def versions_command(debug: bool, engines: str, pattern: str, jobs: int, out: Path | None) -> None:
    """Write a page in Markdown on the versions of an engine that match PATTERN, 'lme4@*' otherwise.

    It tells where each stands, and what moved from one to the next.
    """
    with one_line_errors(debug):
        if out is not None:
            check_writable(out.parent, (out.name,))
        names = sorted(chosen_engines([engines]), key=in_order)
        if len(names) < 2:
            raise DataError(f"{engines!r} is one engine: a pattern of two or more is wanted, such as 'lme4@*'")
        cases = chosen_cases(pattern)
        with progress(len(cases)) as advance:
            reports = compared([Asked(name) for name in names], cases, min(jobs, len(cases)), advance)
        command = shlex.join(["relmer", "versions", engines, *(["--case", pattern] if pattern != "*" else [])])
        page = versions_page(reports, [diff(*both) for both in pairwise(reports)], command)
        if out is None:
            click.echo(page, nl=False)
        else:
            write_whole(out.parent, {out.name: page})


def in_order(name: str) -> tuple[str, list[int], str]:
    """Sort key: by engine, then by the numbers of its version.

    Examples
    --------
    >>> sorted(["lme4@1.1-31", "lme4@1.1-4", "lme4@2.1-0"], key=in_order)
    ['lme4@1.1-4', 'lme4@1.1-31', 'lme4@2.1-0']
    """
    base, _, version = name.partition("@")
    return base, [int(part) for part in re.findall(r"\d+", version)], version
