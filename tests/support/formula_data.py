"""The data of the table of formulas, and how R spells a column."""

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd


def data() -> pd.DataFrame:
    """Every kind of column, unsorted, with missing values in `u`, `y` and `g`, unused levels and odd names."""
    n = 48
    rng = np.random.default_rng(20240301)
    start = datetime.date(2020, 1, 15)
    o = pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high", "never"], ordered=True)
    frame = pd.DataFrame(
        {
            "y": rng.normal(300, 50, n),
            "x": rng.normal(1, 2, n),
            "p": rng.uniform(0.1, 9, n),
            "u": rng.normal(size=n),
            "k": rng.integers(0, 5, n),
            "w": rng.choice([100000.0, 0.1, -2.5, 1 / 3], n),
            "l": rng.integers(0, 2, n).astype(bool),
            "f": pd.Categorical(rng.choice(["b", "c", "a"], n), categories=["c", "unused", "a", "b"]),
            "o": o,
            "e": pd.Categorical(rng.choice(["p", "q", "r"], n)),
            "h": rng.choice(["yes", "no"], n),
            "h2": rng.choice(["T", "false", "TRUE"], n),
            "digits": rng.choice(["1", "2.5", "1e3"], n),
            "g": rng.choice(["g10", "g9", "g1", "g2", "g03"], n),
            "id": rng.integers(100, 110, n),
            "day": [start + datetime.timedelta(days=int(d)) for d in rng.integers(0, 100, n)],
            "time": pd.Timestamp("2020-03-28 20:00") + pd.to_timedelta(rng.integers(0, 40, n) * 1800, unit="s"),
            "my column": rng.integers(0, 9, n) / 4,
            "my factor": pd.Categorical(rng.choice(["u", "v"], n)),
        }
    )
    for row, name in [(3, "u"), (10, "u"), (34, "u"), (7, "y"), (21, "g")]:
        frame.loc[row, name] = None
    return frame


def r_column(series: "pd.Series[Any]") -> str:
    """Spell a column as R code."""
    if series.dtype.kind == "M":
        seconds = ", ".join(str(value // 10**9) for value in series.astype("datetime64[ns]").astype("int64"))
        return f'as.POSIXct(c({seconds}), origin = "1970-01-01", tz = "UTC")'

    def spelled(value: Any) -> str:
        if pd.isna(value):
            return "NA"
        if isinstance(value, str):
            return json.dumps(value)
        if isinstance(value, bool | np.bool_):
            return str(bool(value)).upper()
        if isinstance(value, datetime.date):
            return json.dumps(value.isoformat())
        return f"{value}L" if isinstance(value, int | np.integer) else f"{value:.17g}"

    vector = f"c({', '.join(map(spelled, series.tolist()))})"
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = ", ".join(map(json.dumps, series.cat.categories))
        return f"factor({vector}, levels = c({levels}), ordered = {str(series.cat.ordered).upper()})"
    present = series.dropna()
    return f"as.Date({vector})" if len(present) and isinstance(present.iloc[0], datetime.date) else vector
