"""Cases out of a person's own data and formulas, and what is told of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets import (
    Case,
    DataError,
    OwnCases,
    as_keys,
    data_of,
    keep_frame,
    keep_table,
    load,
    own_cases,
    with_levels,
)
from relmer.reference.engines import temporary_folder
from relmer.reference.own_fits import design_of
from relmer.reports.records import Report
from relmer.reports.text import as_options
from relmer.solver.errors import ModelError
from relmer.solver.language import columns_in, filled, model_frame, parse
from relmer.solver.model import checks_of, theta_names

PREFIX = "my"
# Of this project, the one for any size first.
PATHS = ("pls", "qr", "gls")
# What a case asks beyond its formula, in the order in which it is tried.
ARGUMENTS = ("checks", "levels", "contrasts", "weights", "offset", "subset", "na_action")
REFUSALS = (ModelError, DataError, OSError)
QUANTITIES = {"varcomp": "variances and covariances", "se": "SE"}
Tell = Callable[[Iterable[str]], None]


@contextmanager
def own_models(
    data: Path | pd.DataFrame,
    formulas: Sequence[str],
    reml: bool,
    arguments: Mapping[str, Any],
    reading: Mapping[str, Any],
    tell: Tell,
) -> Iterator[tuple[Case, ...]]:
    """Every formula on one file of data or frame as a case, called my/1, my/2, …, for as long as the context lasts.

    Parameters
    ----------
    data
        A file as `read_table` takes it, or a frame. Of a frame the columns are kept that the formulas use.
    formulas, reml
        The models.
    arguments
        Fields of `Case`, by name.
    reading
        How the file is read, as `keep_table` takes it.
    tell
        Gets what was guessed of types, and which rows are dropped.

    Raises
    ------
    DataError, ModelError, OSError
        The data cannot be read, or a model is refused; one line.
    """
    source = data.name if isinstance(data, Path) else "a data frame"

    def models(dataset: str) -> list[Case]:
        named = enumerate(formulas, start=1)
        common = {"dataset": dataset, "reml": reml, "document": "", "source": source, **arguments}
        return [Case(name=f"{PREFIX}/{k}", formula=formula, **common) for k, formula in named]

    with temporary_folder() as folder:
        if isinstance(data, Path):
            name = keep_table(data, folder, **reading)
        else:
            name = keep_frame(used_of(data, models("")), folder)
        cases, notes = models(name), list[str]()
        for case in cases:
            notes += notes_on(case)
        tell(notes)
        yield tuple(cases)


def used_of(frame: pd.DataFrame, cases: Iterable[Case]) -> pd.DataFrame:
    """The columns of a frame that some cases use; what cannot be read is refused in the solver's own words."""
    used = set[str]()
    for case in cases:
        read = parse(case.formula)
        model_frame(read, with_levels(frame, case.levels), **case.arguments)
        used |= {*filled(read, frame.columns).columns, *case.levels}
        used |= {*columns_in(weights=case.weights, offset=case.offset, subset=case.subset)}
    return frame[[name for name in frame.columns if name in used]]


@contextmanager
def own_cases_of(file: Path, pattern: str, tell: Tell) -> Iterator[tuple[Case, ...]]:
    """The cases of a file whose names match the pattern, for as long as the context lasts.

    Raises
    ------
    DataError
        None matches, or the data or the model of one cannot be had; one line that says where.
    """
    with temporary_folder() as folder:
        yield cases_of(own_cases(file), pattern, folder, tell)


def cases_of(told: OwnCases, pattern: str, folder: Path, tell: Tell) -> tuple[Case, ...]:
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
        except REFUSALS as error:
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
        except REFUSALS:
            try:
                notes_on(bare)
            except REFUSALS:
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


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """The numbers of a model at its optimum, to hold one's own against.

    Attributes
    ----------
    case, model
        The name of the case; its formula, and what is asked beyond it.
    rows
        How many take part; 0 where nothing is known.
    engine
        Which path found it; empty where none did.
    values
        Quantity, name and value of each number.
    reason
        Why there are none.
    """

    case: str
    model: str
    rows: int = 0
    engine: str = ""
    values: tuple[tuple[str, str, float | None], ...] = ()
    reason: str = ""


def optimum_of(case: Case, report: Report) -> Optimum | None:
    """The numbers of the first path that fitted a case; None if none was asked."""
    ours = [one for one in report.answers if one.case == case.name and one.engine in PATHS]
    said = next((one for one in ours if one.values), None)
    if said is None:
        reasons = [one.message for one in ours if one.message]
        return Optimum(case=case.name, model=case.formula, reason=next(iter(reasons), "")) if ours else None
    design, values = design_of(case), said.values
    names = theta_names(design.terms)
    named: dict[str, Sequence[str]] = {
        "theta": names,
        "varcomp": names,
        "beta": design.coefficients,
        "se": design.coefficients,
    }
    numbers = [
        ("REML criterion" if case.reml else "deviance", "", values["criterion"][0]),
        ("sigma", "", values["sigma"][0]),
        *(
            (QUANTITIES.get(what, what), name, value)
            for what, labels in named.items()
            for name, value in zip(labels, values[what], strict=True)
        ),
    ]
    model = ", ".join([case.formula, *(f"{name} = {text}" for name, text in case.told.items())])
    return Optimum(case=case.name, model=model, rows=len(design.y), engine=said.engine, values=tuple(numbers))


def optimum_told(found: Optimum) -> Iterator[str]:
    """The same in lines; of a model that is refused, why."""
    if not found.values:
        reason = f": {as_options(found.reason)}" if found.reason else ""
        yield f"{found.case}: {found.model}; no numbers to hold yours against{reason}"
        return
    yield f"{found.case}: {found.model}, {found.rows} rows; to hold your figures against (by {found.engine}):"
    lines: dict[str, list[str]] = {}
    for what, name, value in found.values:
        number = "not finite" if value is None else f"{value:.10g}"
        lines.setdefault(what if name else "", []).append(f"{name or what} {number}")
    for what, told in lines.items():
        yield f"  {what}: {', '.join(told)}" if what else f"  {', '.join(told)}"
