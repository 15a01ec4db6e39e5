"""What a person gives in Python to name data and a model: checked, and as the cases of a run take it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relmer.datasets import ColumnType, DataError, as_keys, checked_types, read_types
from relmer.solver.language import numbers_per_row, selected


def as_keywords(text: str) -> str:
    r"""Advice on the command line's options, as that on Python's keywords.

    Examples
    --------
    >>> as_keywords("'x.csv' has no ',' in its header, but ';': give --sep ';'")
    '\'x.csv\' has no \',\' in its header, but \';\': give sep=";"'
    """
    return as_keys(text, "=", "by types")


@contextmanager
def advised() -> Iterator[None]:
    """Errors of reading as one line with advice for Python."""
    try:
        yield
    except DataError as error:
        raise DataError(as_keywords(str(error))) from None
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror or error}") from None


def listed(given: Any) -> tuple[Any, ...]:
    """One text or path, or several."""
    return (given,) if isinstance(given, str | Path) else tuple(given)


def frame_or_path(data: Any) -> Path | pd.DataFrame:
    """The data, where they are a frame or a file."""
    if isinstance(data, pd.DataFrame):
        return data
    if not isinstance(data, str | Path):
        raise DataError(f"data must be a pandas DataFrame or the path of a file, not {type(data).__name__}")
    return Path(data)


def arguments_of(
    data: Path | pd.DataFrame, formulas: Sequence[str], fields: Mapping[str, Any]
) -> tuple[Path | pd.DataFrame, dict[str, Any]]:
    """The fields of a case; values of rows stand in a column of their own, called as R's model frame calls them."""
    if not formulas or not all(isinstance(each, str) for each in formulas):
        raise DataError(f"formula is {formulas!r:.60}: give a text such as 'y ~ x + (x | g)', or several")
    found: dict[str, Any] = {}
    for name in ("weights", "offset", "subset"):
        given = fields[name]
        if given is None or isinstance(given, str):
            found[name] = given or ""
            continue
        if isinstance(data, Path):
            raise DataError(f"{name} of a file is a text: a column, or an expression of columns")
        column = f"({name})"
        while column in data.columns:
            column = f"({column})"
        data = data.assign(**{column: per_row(name, given, data)})
        found[name] = f"`{column}`"
    contrasts, levels, checks = (fields[name] or {} for name in ("contrasts", "levels", "checks"))
    for what, each in (("contrasts", contrasts), ("levels", levels), ("checks", checks)):
        if not isinstance(each, Mapping):
            by = "name" if what == "checks" else "column"
            raise DataError(f"{what} is {type(each).__name__}: give a dict by {by}")
    action = fields["na_action"] or ""
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in contrasts.items()):
        raise DataError("contrasts are given by R's name here, such as {'f': 'contr.sum'}: all engines know these")
    found["contrasts"] = dict(contrasts)
    found["checks"] = {str(name): str(value) for name, value in checks.items()}
    found["levels"] = {name: tuple(map(str, order)) for name, order in levels.items()}
    found["na_action"] = action if not action or action.startswith("na.") else f"na.{action}"
    return data, found


def per_row(name: str, given: Any, data: pd.DataFrame) -> Any:
    """Values of rows as a column; those of a Series by the labels of its index."""
    if name != "subset":
        return numbers_per_row(name, given, data)[0]
    asked = selected(given, data)
    unknown = np.zeros(len(data), dtype=bool) if asked.missing is None else asked.missing
    return pd.array([pd.NA if gone else on for on, gone in zip(asked.rows.tolist(), unknown, strict=True)], "boolean")


def reading_of(data: Path | pd.DataFrame, sep: str, decimal: str, na: Any, types: Any) -> dict[str, Any]:
    """How a file is read, as `keep_table` takes it; a frame is not read."""
    if isinstance(data, pd.DataFrame):
        given = {"sep": sep != ",", "decimal": decimal != ".", "na": bool(na), "types": types is not None}
        if said := [name for name, is_given in given.items() if is_given]:
            raise DataError(f"a frame has types of its own: leave out {', '.join(said)}")
        return {}
    return {"separator": sep, "decimal": decimal, "missing": listed(na), "types": types_of(types)}


def types_of(given: Any) -> tuple[ColumnType, ...]:
    """Types that are stated, out of a file or by name."""
    if given is None:
        return ()
    if isinstance(given, str | Path):
        return read_types(Path(given))
    if not isinstance(given, Mapping):
        raise DataError(f"types is {type(given).__name__}: give the path of a TOML file, or a dict by column")
    entries = [{"name": name, **({"type": of} if isinstance(of, str) else dict(of))} for name, of in given.items()]
    return checked_types(entries, "types")


def reml_of(given: Any) -> bool:
    """Whether the REML criterion is meant."""
    if not isinstance(given, bool | np.bool_):
        raise DataError(f"REML is {given!r:.40}: give True for REML or False for maximum likelihood")
    return bool(given)
