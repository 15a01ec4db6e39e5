"""The command line: `relmer run`, `judge`, `fit`, `explain`, `diff`, `record`, `certify`, `laws`, `sweep`, and lists.

Exit status: 0 nothing breaks, 1 something is wrong or failed and not accepted, 2 bad usage or input, 3 a required
engine could not run; as in a shell 130 after an interrupt, 141 where the reader of the output has gone.
"""

import sys
import traceback
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from relmer.reports.commands.certify import certify_command
from relmer.reports.commands.completion import completion_command
from relmer.reports.commands.diff import diff_command
from relmer.reports.commands.examples import told_examples
from relmer.reports.commands.explain import explain_command
from relmer.reports.commands.fit import fit_command
from relmer.reports.commands.judge import judge_command
from relmer.reports.commands.laws import laws_command
from relmer.reports.commands.lists import cases_command, datasets_command, engines_command
from relmer.reports.commands.peers import peers_command
from relmer.reports.commands.record import record_command
from relmer.reports.commands.run import run_command
from relmer.reports.commands.signs import bear_encoding
from relmer.reports.commands.sweep import sweep_command
from relmer.reports.commands.terminal import INTERRUPTED, complain, quiet_ends, status_of_error
from relmer.reports.commands.versions import versions_command
from relmer.reports.commands.warnings import warnings_command


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

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Carry out a command line; what cannot be read of it is told in one line, with the nearest name."""
        bear_encoding()
        if not options.get("standalone_mode", True):
            return super().main(*arguments, **options)
        try:
            status = super().main(*arguments, **{**options, "standalone_mode": False})
        except click.UsageError as error:
            complain(in_one_line(error), error.exit_code)
        except click.ClickException as error:
            complain(error.format_message(), error.exit_code)
        except click.Abort:
            complain("interrupted", INTERRUPTED)
        sys.exit(status if isinstance(status, int) else 0)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a choice of cases that is given twice loses none of them silently."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            check_once(command, rest)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out the command."""
        with quiet_ends():
            return super().invoke(ctx)


def check_once(command: click.Command, args: list[str]) -> None:
    """Refuse a pattern of cases that is given twice, of which the last would count alone.

    Of other options of one value the last counts, as shells and scripts that add their own expect.

    Raises
    ------
    click.UsageError
        There is one.

    Examples
    --------
    >>> check_once(run_command, ["--case", "docs/*", "--case=rail/*"])
    Traceback (most recent call last):
    ...
    click.exceptions.UsageError: --case is given twice and takes one value; run the command for each
    """
    words = args[: args.index("--")] if "--" in args else args
    for option in command.params:
        if option.name != "pattern":
            continue
        given = sum(word in option.opts or word.startswith(tuple(f"{name}=" for name in option.opts)) for word in words)
        if given > 1:
            times = "twice" if given == 2 else f"{given} times"
            raise click.UsageError(f"{option.opts[0]} is given {times} and takes one value; run the command for each")


def in_one_line(error: click.UsageError) -> str:
    """What is wrong with a command line, the name that is nearest to what was written, and where all are listed."""
    told = error.format_message().strip()
    asked = f"`{error.ctx.command_path if error.ctx is not None else 'relmer'} --help`"
    if isinstance(error, NoArgsIsHelpError):
        told = f"give a command: {', '.join(main.commands)}"
    return f"{told.rstrip('.')}{'' if told.endswith('?') else ';'} {asked} shows examples"


@click.group("relmer", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
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
    warnings_command,
    peers_command,
    certify_command,
    explain_command,
    laws_command,
    sweep_command,
    cases_command,
    engines_command,
    datasets_command,
    completion_command,
):
    command.epilog = told_examples(command.name or "")
    main.add_command(command)
main.epilog = told_examples("")
