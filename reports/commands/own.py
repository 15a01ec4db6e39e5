"""Cases out of a person's own data and formulas, and what is told of them."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from relmer.datasets import Case, DataError, data_of, keep_table, load
from relmer.reference.own_fits import design_of
from relmer.reports.commands.options import Own
from relmer.reports.commands.terminal import one_line
from relmer.reports.records import Report
from relmer.solver.language import columns_in, model_frame, parse
from relmer.solver.model import theta_names

PREFIX = "my"
# Of this project, the one for any size first.
PATHS = ("pls", "qr", "gls")


def tell(notes: Iterable[str]) -> None:
    """Say on stderr, a line each, what the data were taken for."""
    for note in dict.fromkeys(notes):
        click.echo(f"note: {one_line(note)}", err=True)


@contextmanager
def own_cases(own: Own) -> Iterator[tuple[Case, ...]]:
    """Cases of every formula on a person's own data, called my/1, my/2, …, for as long as the context lasts.

    What was guessed of types, and which rows are dropped, is told as `relmer fit` tells it.

    Raises
    ------
    DataError, ModelError, OSError
        The data cannot be read, or a model is refused; one line.
    """
    if own.data is None or not own.formulas:
        lacking = "--data" if own.data is None else "--formula"
        raise DataError(f"{lacking} is missing: a model of your own is --data FILE.csv --formula 'y ~ x + (x | g)'")
    with tempfile.TemporaryDirectory(prefix="relmer-data-") as folder:
        name = keep_table(own.data, Path(folder), **own.reading.asked)
        remarks, notes = load(name).meta["remarks"], list[str]()
        models = [
            own.arguments.case(f"{PREFIX}/{k}", name, formula, not own.ml, own.data.name)
            for k, formula in enumerate(own.formulas, start=1)
        ]
        for case in models:
            notes += remarks_on(case, remarks)
            frame = model_frame(parse(case.formula), data_of(case), **case.arguments)
            notes += frame.notes
        tell(notes)
        yield tuple(models)


def remarks_on(case: Case, remarks: Mapping[str, str]) -> Iterator[str]:
    """What was guessed of the columns that a case uses."""
    read = parse(case.formula)
    used = {*read.columns, *columns_in(weights=case.weights, offset=case.offset, subset=case.subset)} - {*case.levels}
    for column, told in remarks.items():
        if read.dotted or column in used:
            yield told


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
    model = ", ".join([case.formula, *(f"{name} = {text}" for name, text in case.told.items())])
    yield f"{case.name}: {model}, {len(design.y)} rows; to hold your figures against (by {said.engine}):"
    criterion = "REML criterion" if case.reml else "deviance"
    yield f"  {criterion} {values['criterion'][0]:.10g}, sigma {values['sigma'][0]:.10g}"
    for what, pairs in named.items():
        if told := ", ".join(f"{name} {value:.10g}" for name, value in pairs):
            yield f"  {what}: {told}"
