"""A person's own data and models, as the options of a command name them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from relmer.datasets import Case, DataError, as_keys
from relmer.reports.commands.options import Own
from relmer.reports.commands.telling import note
from relmer.reports.own import own_cases_of, own_models
from relmer.reports.text import as_options
from relmer.solver.errors import ModelError


def tell(notes: Iterable[str]) -> None:
    """Say on stderr, a line each, what the data were taken for."""
    for told in dict.fromkeys(notes):
        note(f"note: {as_options(told)}")


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
        if own.options:
            raise DataError(f"--cases has data, models and how they are read: leave out {', '.join(own.options)}")
        with own_cases_of(own.cases_file, pattern, tell) as cases:
            try:
                yield cases
            except ModelError as error:
                raise DataError(as_keys(as_options(str(error)))) from error
        return
    if own.data is None or not own.formulas:
        lacking = "--data" if own.data is None else "--formula"
        raise DataError(f"{lacking} is missing: a model of your own is --data FILE.csv --formula 'y ~ x + (x | g)'")
    with own_models(own.data, own.formulas, not own.ml, own.arguments.of_case, own.reading.asked, tell) as cases:
        yield cases
