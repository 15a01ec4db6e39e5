"""`relmer judge`: answers out of a file, of engines that need not be installed."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from relmer.datasets import Case, DataError, cases
from relmer.reports.commands.completion import cases_begun
from relmer.reports.commands.judging import WRITTEN, judged_report, leave, say_summary, status_of
from relmer.reports.commands.options import Own, Reporting, model_options, report_options
from relmer.reports.commands.own import own_cases
from relmer.reports.commands.terminal import annotate, one_line_errors, output
from relmer.reports.given import read_answers, template
from relmer.reports.run import sources_given
from relmer.reports.voices import report_annotations


@click.command("judge")
@click.argument("answers", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--template",
    "asked",
    shell_complete=cases_begun,
    metavar="CASE",
    help="Write the form to fill in for a case, instead of judging.",
)
@click.option("--csv", "as_table", is_flag=True, help="The form as CSV, one figure to a row.")
@model_options
@report_options
@click.pass_obj
def judge_command(
    debug: bool,
    answers: Path | None,
    asked: str | None,
    as_table: bool,
    own: Own,
    reporting: Reporting,
) -> None:
    """Judge the answers in ANSWERS, a JSON or CSV file, and write a report as `relmer run` does.

    An answer may tell little, and in printed figures: what is absent is `not given`. With --data and --formula the
    cases are your own models, my/1, my/2, ….
    """
    with one_line_errors(debug), ExitStack() as kept:
        models = kept.enter_context(own_cases(own)) if own.given else ()
        known = {case.name: case for case in (*cases(), *models)}
        if asked is not None:
            click.echo(template(named(asked, known), as_table), nl=False)
            return
        if answers is None:
            raise DataError("ANSWERS is missing: give a JSON or CSV file, or --template CASE for a form to fill in")
        kept.enter_context(output(reporting.out, WRITTEN))
        given = read_answers(answers, known)
        chosen = [known[name] for name in dict.fromkeys(said.case for said in given)]
        judged = tuple(dict.fromkeys(said.engine for said in given))
        report, ended = judged_report(chosen, judged, sources_given(given), reporting, given=given)
        say_summary(report, reporting.out)
        annotate(reporting.annotate_as, report_annotations(report))
    if ended is not None:
        leave(ended)
    sys.exit(status_of(report))


def named(name: str, known: dict[str, Case]) -> Case:
    """The case of a name."""
    if name not in known:
        raise DataError(f"no case is called {name!r}; `relmer cases` lists them")
    return known[name]
