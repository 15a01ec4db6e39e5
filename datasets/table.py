"""Read a person's own CSV file as R's `read.csv` does, numbers correctly rounded."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from relmer.datasets.exported import DataError

LOGICAL = {"TRUE": True, "FALSE": False, "T": True, "F": False, "True": True, "False": False}


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file with a header; an empty field or NA is a missing value.

    A column of numbers becomes float64, one of TRUE and FALSE logical, any other stays text.

    Raises
    ------
    DataError
        The file is not UTF-8 text, or not a table with a header.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            raw = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=["", "NA"], index_col=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path.name} is not a CSV file with a header, in UTF-8: {reason:.120}") from None
    return pd.DataFrame({name: typed(raw[name]) for name in raw.columns})


def typed(values: "pd.Series[str]") -> "pd.Series[float] | pd.Series[bool] | pd.Series[str]":
    """Numbers, logicals, or the text as it stands.

    Examples
    --------
    >>> typed(pd.Series(["1", None, "2.5"])).tolist()
    [1.0, nan, 2.5]
    """
    present = values.dropna()
    if len(present) and set(present) <= LOGICAL.keys() and len(present) == len(values):
        return values.map(LOGICAL).astype(bool)
    if any("_" in value for value in present):
        return values
    try:
        return pd.Series(np.array(values.fillna("nan").tolist(), dtype=object).astype(float))
    except ValueError:
        return values
