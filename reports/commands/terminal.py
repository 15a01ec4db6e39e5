"""What every command does alike: one line for an error, exit statuses, progress, tables."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from relmer import datasets
from relmer.datasets import Case, DataError
from relmer.reference.answers import RecordingError
from relmer.reference.certificates import CertificateError
from relmer.reference.engines import VARIABLE, EngineError, EngineMissing
from relmer.reports.accepted import AcceptedError
from relmer.reports.held import held
from relmer.reports.text import as_options, one_line
from relmer.reports.voices import Annotation, github
from relmer.solver.errors import ModelError

AGREEMENT, DISAGREEMENT, BAD_INPUT, ENGINE_MISSING = range(4)
# As a shell calls the end by a signal: 128 and its number.
INTERRUPTED, TERMINATED, CLOSED_PIPE = (128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE))
INPUT_ERRORS = (ModelError, DataError, RecordingError, CertificateError, EngineError, AcceptedError, OSError)


def annotate(service: str | None, annotations: Iterable[Annotation]) -> None:
    """Say what breaks to the service that is asked for, a command a line."""
    if service is not None:
        for line in github(annotations):
            click.echo(line)


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
def progress(total: int) -> Iterator[Any]:
    """Show a bar on a terminal, a plain line per case elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        done = iter(range(1, total + 1))
        yield lambda name: click.echo(f"[{next(done)}/{total}] {one_line(name)}", err=True)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda name: bar.update(task, advance=1, description=name)


def listed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as tab-separated lines for programs, as a table on a terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(map(one_line, row)))
        return
    table = Table(*header)
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console.print(table)
