"""The order of the levels of a column, where it is stated and not taken from the data."""

from collections.abc import Mapping, Sequence

import pandas as pd

from relmer.datasets.stated import DataError


def with_levels(frame: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """A frame in which columns of text, or of categories, have their levels in the order that is stated.

    Parameters
    ----------
    frame
        The data; it stays as it is.
    levels
        By column all levels that occur, each once; others may be named too.

    Raises
    ------
    DataError
        There is no such column, it holds numbers, or it has a level that is not stated.

    Examples
    --------
    >>> given = pd.DataFrame({"dose": ["low", "high"]})
    >>> list(with_levels(given, {"dose": ["low", "high"]})["dose"].cat.categories)
    ['low', 'high']
    """
    return frame.assign(**{name: leveled(frame, name, order) for name, order in levels.items()}) if levels else frame


def leveled(frame: pd.DataFrame, name: str, order: Sequence[str]) -> "pd.Series[str]":
    """One column with its levels in the order that is stated."""
    if name not in frame.columns:
        raise DataError(f"levels: the data have no column {name!r:.60}: known are {', '.join(map(str, frame.columns))}")
    if twice := next((level for k, level in enumerate(order) if level in order[:k]), None):
        raise DataError(f"levels of {name}: {twice!r:.60} is named twice: name each once")
    column = frame[name]
    categories = isinstance(column.dtype, pd.CategoricalDtype)
    if not categories and pd.api.types.infer_dtype(column, skipna=True) not in ("string", "empty"):
        raise DataError(f"levels of {name}: it is {column.dtype}, no text: state its type as factor")
    texts = [None if pd.isna(value) else str(value) for value in column]
    for row, text in enumerate(texts, start=1):
        if text is not None and text not in order:
            raise DataError(f"levels of {name}: {text!r:.60} in row {row} is not among {', '.join(order):.200}: add it")
    return pd.Series(
        pd.Categorical(texts, categories=list(order), ordered=categories and bool(column.cat.ordered)), frame.index
    )
