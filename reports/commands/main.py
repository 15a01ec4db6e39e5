"""The command line: `relmer run`, `judge`, `fit`, `explain`, `diff`, `versions`, `record`, `certify`, `laws` and lists.

Exit status: 0 nothing breaks, 1 something is wrong or failed and not accepted, 2 bad usage or input, 3 a required
engine could not run; as in a shell 130 after an interrupt, 141 where the reader of the output has gone.
"""

import sys
import traceback
from typing import Any, NoReturn

import click

from relmer.reports.commands.certify import certify_command
from relmer.reports.commands.completion import completion_command
from relmer.reports.commands.diff import diff_command
from relmer.reports.commands.explain import explain_command
from relmer.reports.commands.fit import fit_command
from relmer.reports.commands.judge import judge_command
from relmer.reports.commands.laws import laws_command
from relmer.reports.commands.lists import cases_command, datasets_command, engines_command
from relmer.reports.commands.record import record_command
from relmer.reports.commands.run import run_command
from relmer.reports.commands.terminal import complain, quiet_ends, status_of_error
from relmer.reports.commands.versions import versions_command


class Commands(click.Group):
    """The commands, each of which ends quietly."""

    def __call__(self, *arguments: Any, **options: Any) -> NoReturn:
        """Run as a process: an error that --debug let through is shown, and has its status all the same."""
        try:
            sys.exit(super().__call__(*arguments, **options))
        except OSError as error:
            # As where --help cannot be printed: a command tells its own errors.
            if "--debug" in sys.argv:
                traceback.print_exception(error)
            complain(error, status_of_error(error))
        except Exception as error:
            traceback.print_exception(error)
            sys.exit(status_of_error(error))

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out the command."""
        with quiet_ends():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="relmer")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """Hold the engines of linear mixed models against an independent reference."""
    context.obj = debug


for command in (
    run_command,
    judge_command,
    fit_command,
    diff_command,
    record_command,
    versions_command,
    certify_command,
    explain_command,
    laws_command,
    cases_command,
    engines_command,
    datasets_command,
    completion_command,
):
    main.add_command(command)
