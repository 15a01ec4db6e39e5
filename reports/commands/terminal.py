"""What every command does alike: one line for an error, exit statuses, progress, tables."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from relmer.reference.engines import EngineError, EngineMissing
from relmer.reports.accepted import AcceptedError
from relmer.solver.errors import ModelError

AGREEMENT, DISAGREEMENT, BAD_INPUT, ENGINE_MISSING = range(4)
INPUT_ERRORS = (ModelError, DataError, RecordingError, CertificateError, EngineError, AcceptedError, OSError)
STRIPPED = dict.fromkeys([*range(32), 127, *range(128, 160)], " ")


def chosen_cases(pattern: str) -> tuple[Case, ...]:
    """Cases of the pattern; none is an error."""
    chosen = datasets.cases(pattern)
    if not chosen:
        raise DataError(f"no case matches {pattern!r}; `relmer cases` lists them")
    return chosen


def complain(error: object, status: int) -> NoReturn:
    """Say one line on stderr and leave with the status."""
    click.echo(f"relmer: {str(error).translate(STRIPPED)}", err=True)
    sys.exit(status)


@contextmanager
def one_line_errors(debug: bool) -> Iterator[None]:
    """Turn errors into one line on stderr and an exit status; with --debug let them through."""
    try:
        yield
    except EngineMissing as error:
        if debug:
            raise
        complain(error, ENGINE_MISSING)
    except INPUT_ERRORS as error:
        if debug:
            raise
        complain(error, BAD_INPUT)


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """Show a bar on a terminal, a plain line per case elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        done = iter(range(1, total + 1))
        yield lambda name: click.echo(f"[{next(done)}/{total}] {name}", err=True)
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
            click.echo("\t".join(cell.translate(STRIPPED) for cell in row))
        return
    table = Table(*header)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
