"""Cases out of a person's own data and formulas, and what is told of them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from relmer import datasets
from relmer.datasets import Case, DataError, OwnCases, as_keys, data_of, keep_table, load
from relmer.reference.engines import temporary_folder
from relmer.reference.own_fits import design_of
from relmer.reports.commands.options import Own
from relmer.reports.commands.terminal import INPUT_ERRORS, one_line
from relmer.reports.records import Report
from relmer.reports.text import as_options
from relmer.solver.language import columns_in, model_frame, parse
from relmer.solver.model import checks_of, theta_names

PREFIX = "my"
# Of this project, the one for any size first.
PATHS = ("pls", "qr", "gls")
# What a case asks beyond its formula, in the order in which it is tried.
ARGUMENTS = ("checks", "levels", "contrasts", "weights", "offset", "subset", "na_action")


def tell(notes: Iterable[str]) -> None:
    """Say on stderr, a line each, what the data were taken for."""
    for note in dict.fromkeys(notes):
        click.echo(f"note: {one_line(as_options(note))}", err=True)


@contextmanager
def own_cases(own: Own, pattern: str = "*") -> Iterator[tuple[Case, ...]]:
    """Cases of a person's own, for as long as the context lasts.

    They are those of a file whose names match the pattern, or every formula on one file of data, called my/1, my/2, ….
    What was guessed of types, and which rows are dropped, is told as `relmer fit` tells it.

    Raises
    ------
    DataError, ModelError, OSError
        The data cannot be read, or a model is refused; one line.
    """
    if own.cases_file is not None:
        if own.data is not None or own.stated:
            raise DataError("--cases has data, models and how they are read: leave out --data, --formula and the like")
        with temporary_folder() as folder:
            yield cases_of(datasets.own_cases(own.cases_file), pattern, folder)
        return
    if own.data is None or not own.formulas:
        lacking = "--data" if own.data is None else "--formula"
        raise DataError(f"{lacking} is missing: a model of your own is --data FILE.csv --formula 'y ~ x + (x | g)'")
    with temporary_folder() as folder:
        name = keep_table(own.data, folder, **own.reading.asked)
        notes = list[str]()
        models = [
            own.arguments.case(f"{PREFIX}/{k}", name, formula, not own.ml, own.data.name)
            for k, formula in enumerate(own.formulas, start=1)
        ]
        for case in models:
            notes += notes_on(case)
        tell(notes)
        yield tuple(models)


def cases_of(told: OwnCases, pattern: str, folder: Path) -> tuple[Case, ...]:
    """The cases of a file, with their data in a folder.

    Raises
    ------
    DataError
        None matches the pattern, or the data or the model of one cannot be had; one line that says where.
    """
    if not (chosen := told.chosen(pattern)):
        raise DataError(f"no case of {told.path} matches {pattern!r}: it has {listed_names(told.cases)}")
    models, notes = told.kept(chosen, folder), list[str]()
    for case in models:
        try:
            load(case.dataset)
        except DataError as error:
            raise told.unreadable(error, case.name) from None
        try:
            notes += [f"{case.name}: {note}" for note in notes_on(case)]
        except INPUT_ERRORS as error:
            raise told.refused(DataError(as_options(str(error))), case.name, culprit(case)) from None
    tell(as_keys(as_options(note)) for note in notes)
    return models


def listed_names(cases: Iterable[Case], most: int = 8) -> str:
    """The names of some cases."""
    names = [case.name for case in cases]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def culprit(case: Case) -> str:
    """Of a case that is refused, the first field with which it is: added one by one, the formula first."""
    bare = replace(case, weights="", offset="", subset="", na_action="", contrasts={}, levels={}, checks={})
    for field in ARGUMENTS:
        asked: dict[str, Any] = {field: getattr(case, field)}
        given = replace(bare, **asked)
        try:
            notes_on(given)
        except INPUT_ERRORS:
            try:
                notes_on(bare)
            except INPUT_ERRORS:
                return "formula"
            return field
        bare = given
    return "formula"


def notes_on(case: Case) -> list[str]:
    """What was guessed of the columns of a case, and which rows are dropped."""
    remarks: Mapping[str, str] = load(case.dataset).meta.get("remarks", {})
    checks_of(case.checks)
    frame = model_frame(parse(case.formula), data_of(case), **case.arguments)
    return [*remarks_on(case, remarks), *frame.notes]


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
