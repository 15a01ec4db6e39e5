"""`relmer completion`: what a shell reads to complete commands, options and their values."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
# How click is asked for completions: the name of the program in capitals.
VARIABLE = "_RELMER_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what SHELL reads to complete relmer's commands: eval "$(relmer completion bash)"."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, "relmer", VARIABLE).source())
