"""How much a command tells, and in what form: --quiet, --verbose, --json.

The first line that is said is the answer. With --quiet nothing comes after it, and no note before it; with --verbose
come versions, times and what was heard, on stderr. With --json the document has stdout for itself, and all that is
said goes to stderr. Errors are told always, and exit statuses do not depend on any of it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any

import click

from relmer.reports.records import Report
from relmer.reports.text import indented, one_line

Command = Callable[..., Any]
KEY = "relmer.telling"


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What is asked for."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False


OPTIONS = {
    "quiet": click.option(
        "--quiet", "-q", is_flag=True, help="Say the answer in a line, and errors; no notes, no progress."
    ),
    "verbose": click.option(
        "--verbose", "-v", is_flag=True, help="Say versions, warnings, and seconds per engine and case, on stderr."
    ),
    "as_json": click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout; all else goes to stderr."
    ),
}


def telling_options(*names: str) -> Callable[[Command], Command]:
    """Give a command some of these options; what is asked is known as long as it is carried out."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def call(*arguments: Any, **keywords: Any) -> Any:
            asked = Telling(**{name: keywords.pop(name) for name in names})
            if asked.quiet and asked.verbose:
                raise click.UsageError("--quiet and --verbose exclude each other: give one")
            click.get_current_context().meta[KEY] = asked
            return command(*arguments, **keywords)

        decorated: Command = call
        for name in reversed(names):
            decorated = OPTIONS[name](decorated)
        return decorated

    return decorate


def telling() -> Telling:
    """What is asked of the command that is carried out."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.meta.get(KEY)
    return found if isinstance(found, Telling) else Telling()


def say(lines: Iterable[str]) -> None:
    """Say the answer, the first of the lines, and what comes after it; lines may be indented."""
    asked = telling()
    for k, line in enumerate(lines):
        if not (asked.quiet and k):
            click.echo(indented(line), err=asked.as_json)


def add(lines: Iterable[str]) -> None:
    """Say what comes after the answer."""
    if not telling().quiet:
        say(lines)


def note(line: str) -> None:
    """Say on stderr what is to be known beside the answer."""
    if not telling().quiet:
        click.echo(one_line(line), err=True)


def document(render: Callable[[], str]) -> None:
    """Print the JSON document, if that is asked."""
    if telling().as_json:
        click.echo(render().rstrip("\n"))


def details(
    report: Report, seconds: Mapping[str, Mapping[str, float]], stages: Mapping[str, float] = MappingProxyType({})
) -> None:
    """Say on stderr, if that is asked, what a report was made with, what engines said beside numbers, how long it took.

    Parameters
    ----------
    report
        The report.
    seconds
        Of each case that was judged now, by its name: the seconds that passed, by engine and by what else was done.
    stages
        Of the whole command: the seconds that its parts took, one after the other.
    """
    if not telling().verbose:
        return
    lines = [f"the run: {name} {value}" for name, value in report.environment.items()]
    for engine in report.engines:
        lines += [
            f"{engine.name} {engine.version} {engine.source}: {name} {v}" for name, v in engine.environment.items()
        ]
    for said in report.answers:
        heard = [said.message] if said.message else []
        lines += [f"{said.case}, {said.engine} said: {text}" for text in (*heard, *said.warnings)]
    lines += [took(case, spent) for case, spent in seconds.items()]
    if seconds:
        names = dict.fromkeys(name for spent in seconds.values() for name in spent)
        in_all = {name: sum(spent.get(name, 0.0) for spent in seconds.values()) for name in names}
        lines.append(took("all cases together, in all processes,", in_all))
    if stages:
        lines.append(took("the run, from its first case on,", stages))
    for line in lines:
        click.echo(one_line(line), err=True)


def took(what: str, spent: Mapping[str, float]) -> str:
    """How long something took, and each of its parts.

    Examples
    --------
    >>> took("dyestuff/reml", {"reading": 0.25, "lme4": 1.5})
    'dyestuff/reml took 1.75 s: reading 0.25, lme4 1.50'
    """
    told = ", ".join(f"{name} {passed:.2f}" for name, passed in spent.items())
    return f"{what} took {sum(spent.values()):.2f} s: {told}"
