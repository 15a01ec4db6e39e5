"""A data frame as text and back: every column with its type, numbers to the bit, and nothing that is executed."""

import datetime
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from relmer.datasets.stated import DataError

Plain = dict[str, Any]
# Python's own values of which JSON has no like, by the word that stands for them.
NOTHING = {"NA": pd.NA, "NaT": pd.NaT}
DATE = "date"


def frame_text(frame: pd.DataFrame) -> str:
    """A frame as JSON text; of its index nothing is kept, since a model is of its columns.

    Parameters
    ----------
    frame
        The columns have distinct names, which are text.

    Raises
    ------
    DataError
        A column is named twice, or not by text, or holds what is no number, text, category, logical or date.

    Examples
    --------
    >>> text = frame_text(pd.DataFrame({"g": pd.Categorical(["b", None], ["b", "a"], ordered=True)}))
    >>> kept = read_frame(text)["g"]
    >>> kept.tolist(), kept.cat.categories.tolist(), kept.cat.ordered
    (['b', nan], ['b', 'a'], True)
    """
    for name in frame.columns:
        if not isinstance(name, str):
            raise DataError(f"column {name!r:.60} is named by {type(name).__name__}, not by text: name it by text")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"the data have the column {twice!r:.60} more than once: rename all but one")
    columns = [{"name": name, **stored(values, f"column {name!r:.60}")} for name, values in frame.items()]
    return json.dumps({"rows": len(frame), "columns": columns})


def read_frame(text: str) -> pd.DataFrame:
    """The frame of a text that `frame_text` made.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is another text.
    """
    found = json.loads(text)
    columns = {column["name"]: restored(column) for column in found["columns"]}
    return pd.DataFrame(columns, index=pd.RangeIndex(found["rows"]))


def stored(values: "pd.Series[Any]", what: str) -> Plain:
    """A column, of which messages speak as `what`, as plain data: its kind, and what restores it."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = stored(pd.Series(dtype.categories), f"{what}, as categories,")
        codes = packed(np.asarray(values.cat.codes))
        return {"kind": "categories", "levels": levels, "ordered": bool(dtype.ordered), "codes": codes}
    if isinstance(dtype, np.dtype) and dtype.kind in "fiubcMm":
        return {"kind": "array", "values": packed(values.to_numpy())}
    # To pandas days of Arrow are points in time too, but not by their values.
    if pd.api.types.is_datetime64_any_dtype(dtype) and pd.api.types.infer_dtype(values, skipna=True) != "date":
        moments = pd.DatetimeIndex(values)
        if moments.tz is None:
            return {"kind": "array", "values": packed(moments.to_numpy())}
        universal = moments.tz_convert("UTC").tz_localize(None)
        return {"kind": "zoned", "zone": str(moments.tz), "values": packed(universal.to_numpy())}
    if isinstance(dtype, pd.PeriodDtype):
        ordinals: Any = pd.PeriodIndex(values)
        return {"kind": "periods", "freq": dtype.freq.freqstr, "values": packed(ordinals.asi8)}
    return {"kind": "values", "type": str(dtype), "values": [atom(value, what) for value in values.tolist()]}


def restored(column: Mapping[str, Any]) -> "pd.Series[Any]":
    """The column of plain data."""
    match column["kind"]:
        case "categories":
            levels = pd.Index(restored(column["levels"]))
            codes = unpacked(column["codes"])
            return pd.Series(pd.Categorical.from_codes(codes, categories=levels, ordered=column["ordered"]))
        case "array":
            return pd.Series(unpacked(column["values"]))
        case "zoned":
            moments = pd.DatetimeIndex(unpacked(column["values"]))
            return pd.Series(moments.tz_localize("UTC").tz_convert(column["zone"]))
        case "periods":
            periods: Any = pd.PeriodIndex
            index: pd.PeriodIndex = periods.from_ordinals(unpacked(column["values"]), freq=column["freq"])
            return pd.Series(index)
        case "values":
            values: pd.Series[Any] = pd.Series([of_atom(value) for value in column["values"]], dtype=column["type"])
            return values
    raise ValueError(f"no kind {column['kind']!r:.40} of a column")


def packed(values: "np.ndarray[Any, Any]") -> list[str]:
    """The bytes of an array, and their type."""
    return [values.dtype.str, b64encode(np.ascontiguousarray(values).tobytes()).decode()]


def unpacked(packed_as: list[str]) -> "np.ndarray[Any, Any]":
    """The array of some bytes and their type, which is none of objects."""
    kind = np.dtype(packed_as[0])
    if kind.hasobject:
        raise ValueError("bytes are no objects")
    return np.frombuffer(b64decode(packed_as[1]), kind).copy()


def atom(value: Any, what: str) -> Any:
    """One value as JSON has it, whole numbers of any size; what JSON has not as an object of one key."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    for word, nothing in NOTHING.items():
        if value is nothing:
            return {"nothing": word}
    if type(value) is datetime.date:
        return {DATE: value.isoformat()}
    raise DataError(
        f"{what} holds {value!r:.60} ({type(value).__name__}): make it numbers, text, categories, logicals or dates"
    )


def of_atom(value: Any) -> Any:
    """The value that JSON has."""
    if isinstance(value, dict):
        return datetime.date.fromisoformat(value[DATE]) if DATE in value else NOTHING[value["nothing"]]
    return value
