"""What every command does alike: one line for an error, exit statuses, progress, tables."""

import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
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
from relmer.reference.engines import VARIABLE, EngineError, EngineMissing, engine_names, version_names
from relmer.reports.accepted import AcceptedError
from relmer.reports.text import as_options, printable
from relmer.reports.voices import Annotation, github
from relmer.solver.errors import ModelError

AGREEMENT, DISAGREEMENT, BAD_INPUT, ENGINE_MISSING = range(4)
# As a shell calls the end by a signal: 128 and its number.
INTERRUPTED, CLOSED_PIPE = 128 + signal.SIGINT, 128 + signal.SIGPIPE
# Where GitHub's runner takes the rest of a line as a command: `::` at its beginning, `##[` wherever it stands.
COMMAND = re.compile(r"(?<=^:)(?=:)|(?<=#)(?=#\[)")
INPUT_ERRORS = (ModelError, DataError, RecordingError, CertificateError, EngineError, AcceptedError, OSError)


def one_line(text: object) -> str:
    r"""Text as one line that a terminal shows and does not obey, nor a service that reads commands in what is printed.

    Examples
    --------
    >>> one_line("::set-env name=PATH::x\x1b[31m ##[add-mask]y")
    ': :set-env name=PATH::x[31m # #[add-mask]y'
    """
    return COMMAND.sub(" ", " ".join(printable(str(text)).split()))


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


def chosen_engines(names: Sequence[str]) -> tuple[str, ...]:
    """Engines of the names, each once; a pattern such as 'lme4@*' stands for all that it matches, recorded ones too."""
    chosen: dict[str, None] = {}
    for name in names:
        if not {*"*?["}.intersection(name):
            chosen[name] = None
            continue
        matching = [one for one in (*engine_names(), *version_names()) if fnmatchcase(one, name)]
        if not matching:
            raise DataError(f"no engine matches {name!r}; `relmer engines` lists them")
        chosen |= dict.fromkeys(matching)
    return tuple(chosen)


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
