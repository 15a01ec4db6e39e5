"""Cases out of a person's own data and formulas, and how their CSV file is read."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from relmer.datasets import Case, DataError, keep_table, load
from relmer.reference.own_fits import design_of
from relmer.reports.commands.terminal import one_line
from relmer.reports.records import Report
from relmer.solver.language import model_frame, parse
from relmer.solver.model import theta_names

TABS = {"tab": "\t", "\\t": "\t"}
"""How a tab is written where none can be typed."""
PREFIX = "my"
# Of this project, the one for any size first.
PATHS = ("pls", "qr", "gls")


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how a CSV file is read."""
    for option in (
        click.option("--na", multiple=True, help="A text that stands for a missing value, beside NA and nothing."),
        click.option("--decimal", default=".", show_default=True, help="The decimal point."),
        click.option("--sep", default=",", show_default=True, help="What stands between fields; tab is one too."),
    ):
        command = option(command)
    return command


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a person's own data and models."""
    command = reading_options(command)
    file = click.Path(path_type=Path, exists=True, dir_okay=False)
    for option in (
        click.option("--ml", is_flag=True, help="Maximum likelihood for --formula; REML otherwise."),
        click.option("--formula", "formulas", multiple=True, help="A model of the columns of --data; repeat for more."),
        click.option("--data", type=file, help="A CSV file of your own, with a header."),
    ):
        command = option(command)
    return command


def separator_of(sep: str) -> str:
    """What stands between fields, as it is given on the command line."""
    return TABS.get(sep, sep)


def tell(notes: Iterable[str]) -> None:
    """Say on stderr, a line each, what the data were taken for."""
    for note in dict.fromkeys(notes):
        click.echo(f"note: {one_line(note)}", err=True)


@contextmanager
def own_cases(
    data: Path | None, formulas: Sequence[str], ml: bool, sep: str, decimal: str, na: tuple[str, ...]
) -> Iterator[tuple[Case, ...]]:
    """Cases of every formula on a person's own data, called my/1, my/2, …, for as long as the context lasts.

    What was guessed of types, and which rows are dropped, is told as `relmer fit` tells it.

    Raises
    ------
    DataError, ModelError, OSError
        The data cannot be read, or a model is refused; one line.
    """
    if data is None or not formulas:
        lacking = "--data" if data is None else "--formula"
        raise DataError(f"{lacking} is missing: a model of your own is --data FILE.csv --formula 'y ~ x + (x | g)'")
    with tempfile.TemporaryDirectory(prefix="relmer-data-") as folder:
        name = keep_table(data, Path(folder), separator_of(sep), decimal, na)
        loaded, notes = load(name), list[str]()
        for formula in formulas:
            read = parse(formula)
            remarks = loaded.meta["remarks"]
            notes += [told for column, told in remarks.items() if read.dotted or column in read.columns]
            frame = model_frame(read, loaded.frame)
            notes += frame.notes
        tell(notes)
        yield tuple(
            Case(f"{PREFIX}/{k}", name, formula, reml=not ml, document="", source=data.name)
            for k, formula in enumerate(formulas, start=1)
        )


def optimum_told(case: Case, report: Report) -> Iterator[str]:
    """The numbers of a model at its optimum, to hold one's own against: those of the first path that fitted it.

    Of a model that is refused, why.
    """
    ours = [one for one in report.answers if one.case == case.name and one.engine in PATHS]
    said = next((one for one in ours if one.values), None)
    if said is None:
        reasons = dict.fromkeys(f": {one.message}" for one in ours if one.message)
        if ours:
            yield f"{case.name}: {case.formula}; no numbers to hold yours against{next(iter(reasons), '')}"
        return
    design, values = design_of(case), said.values
    names = theta_names(design.terms)
    named = {
        "theta": zip(names, values["theta"], strict=True),
        "variances and covariances": zip(names, values["varcomp"], strict=True),
        "beta": zip(design.coefficients, values["beta"], strict=True),
        "SE": zip(design.coefficients, values["se"], strict=True),
    }
    yield f"{case.name}: {case.formula}, {len(design.y)} rows; to hold your figures against (by {said.engine}):"
    criterion = "REML criterion" if case.reml else "deviance"
    yield f"  {criterion} {values['criterion'][0]:.10g}, sigma {values['sigma'][0]:.10g}"
    for what, pairs in named.items():
        if told := ", ".join(f"{name} {value:.10g}" for name, value in pairs):
            yield f"  {what}: {told}"
