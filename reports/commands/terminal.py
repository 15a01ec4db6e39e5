"""What every command does alike: one line for an error, exit statuses, progress, tables."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread
from time import monotonic
from typing import NoReturn

import click
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from relmer import datasets
from relmer.datasets import Case, DataError
from relmer.reference.answers import RecordingError
from relmer.reference.certificates import CertificateError
from relmer.reference.engines import VARIABLE, EngineError, EngineMissing
from relmer.reports.accepted import AcceptedError
from relmer.reports.commands.telling import note, telling
from relmer.reports.held import held
from relmer.reports.text import as_options, one_line
from relmer.reports.voices import Annotation, github
from relmer.solver.errors import ModelError

# Columns below which a bar has no room; seconds that are worth telling.
NARROW, WORTH_TELLING, WIDEST = 60, 10.0, 10_000
AGREEMENT, DISAGREEMENT, BAD_INPUT, ENGINE_MISSING = range(4)
# As a shell calls the end by a signal: 128 and its number.
INTERRUPTED, TERMINATED, CLOSED_PIPE = (128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE))
INPUT_ERRORS = (ModelError, DataError, RecordingError, CertificateError, EngineError, AcceptedError, OSError)


def annotate(service: str | None, annotations: Iterable[Annotation]) -> None:
    """Say what breaks to the service that is asked for, a command a line."""
    if service is not None:
        for line in github(annotations):
            click.echo(line, err=telling().as_json)


def chosen_cases(pattern: str) -> tuple[Case, ...]:
    """Cases of the pattern; none is an error."""
    chosen = datasets.cases(pattern)
    if not chosen:
        raise DataError(f"no case matches {pattern!r}; `relmer cases` lists them")
    return chosen


def declare(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
    """Let this process, and those that it starts, read the engines of a file; until the command ends."""
    if file is not None:
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(file.resolve())
        context.call_on_close(
            lambda: os.environ.pop(VARIABLE, None) if before is None else os.environ.update({VARIABLE: before})
        )


# Every command that names engines takes those that a person declares.
engines_option = click.option(
    "--engines",
    "declared_in",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=declare,
    expose_value=False,
    is_eager=True,
    metavar="FILE",
    help="Engines of your own, as lme4 of another R; relmer.toml of this folder otherwise.",
)


def complain(error: object, status: int) -> NoReturn:
    """Say one line on stderr and leave with the status."""
    told = as_options(str(error)) if isinstance(error, ModelError) else error
    click.echo(f"relmer: {one_line(told)}", err=True)
    sys.exit(status)


def status_of_error(error: BaseException) -> int:
    """Exit status of a command that ends with an error."""
    return ENGINE_MISSING if isinstance(error, EngineMissing) else BAD_INPUT


@contextmanager
def one_line_errors(debug: bool) -> Iterator[None]:
    """Turn errors into one line on stderr and an exit status; with --debug let them through."""
    try:
        yield
    except BrokenPipeError:
        raise
    except INPUT_ERRORS as error:
        if debug:
            raise
        complain(error, status_of_error(error))


@contextmanager
def quiet_ends() -> Iterator[None]:
    """End without a word where the reader has gone, and with one after an interrupt."""
    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # What is left in the buffer goes nowhere, so that the interpreter has nothing to complain of.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an interrupt."""


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end what is done as an interrupt does, so that what there is can be written."""

    def interrupt(number: int, frame: object) -> None:
        raise Terminated

    if current_thread() is not main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def check_writable(folder: Path, names: Iterable[str] = ()) -> None:
    """Find out, before anything runs, whether files of these names can be written into a folder; leave no trace.

    Raises
    ------
    OSError
        The folder cannot be made or written to, or a name is taken by a folder.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".relmer-", dir=folder):
            for name in names:
                if (folder / name).is_dir():
                    raise IsADirectoryError(f"{folder / name} is a folder")
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()


@contextmanager
def output(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Hold a folder, into which files of these names can be written; another process that wants it is refused.

    Raises
    ------
    OSError
        The folder cannot be made or written to, a name is taken by a folder, or another process holds it.
    """
    check_writable(folder, names)
    with held(folder):
        yield


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal, a plain line per case elsewhere; how long the rest takes, once that can be said."""
    console = Console(stderr=True)
    if telling().quiet:
        yield lambda name: None
        return
    if not console.is_terminal or console.is_dumb_terminal:
        begun, done = monotonic(), iter(range(1, total + 1))
        yield lambda name: note(f"{counted(next(done), total, monotonic() - begun)} {name}")
        return
    wide = (BarColumn(), TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")))
    columns = (MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *(wide if console.width >= NARROW else ()), console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda name: bar.update(task, advance=1, description=escape(one_line(name)))


def counted(done: int, total: int, passed: float) -> str:
    """How many of how many are done, and how long the rest takes if it goes on so; not where that is soon.

    Examples
    --------
    >>> counted(1, 4, 2.0), counted(30, 90, 60.0), counted(4, 4, 90.0)
    ('[1/4]', '[30/90, 2 min left]', '[4/4]')
    """
    left = passed / done * (total - done)
    if left < WORTH_TELLING:
        return f"[{done}/{total}]"
    told = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min"
    return f"[{done}/{total}, {told} left]"


def listed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as tab-separated lines for programs, as a table on a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(map(one_line, row)))
        return
    show_table(console, header, rows)


def show_table(
    console: Console, header: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None
) -> None:
    """Print a table; where a word of it would be broken, since the terminal is narrow, a line for each cell."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    table = Table(*header, title=title)
    for row in cells:
        table.add_row(*map(Text, row))
    if Measurement.get(console, console.options.update(width=WIDEST), table).minimum <= console.width:
        console.print(table)
        return
    for line in filter(None, (title,)):
        console.print(Text(line), soft_wrap=True)
    for row in cells:
        for k, (name, cell) in enumerate(zip(header, row, strict=True)):
            if cell:
                console.print(Text(f"{'  ' if k else ''}{name}: {cell}"), soft_wrap=True)
