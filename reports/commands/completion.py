"""`relmer completion`: what a shell reads to complete commands, options and their values."""

import click
from click.shell_completion import get_completion_class

from relmer import datasets
from relmer.reference.engines import engine_names, peer_names, version_names

SHELLS = ("bash", "zsh", "fish")
# How click is asked for completions: the name of the program in capitals.
VARIABLE = "_RELMER_COMPLETE"


def cases_begun(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Cases whose names begin so, for a shell."""
    return [case.name for case in datasets.cases() if case.name.startswith(begun)]


def engines_begun(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Engines whose names begin so, those of one version and of other people's packages too, for a shell."""
    known = dict.fromkeys((*engine_names(), *peer_names(), *version_names()))
    return [name for name in known if name.startswith(begun)]


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what SHELL reads to complete relmer's commands: eval "$(relmer completion bash)"."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, "relmer", VARIABLE).source())
