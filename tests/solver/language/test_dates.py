"""Dates as R counts them; the counts are those of the calendar, in whole numbers."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

EPOCH = datetime.date(1970, 1, 1)


def made(text: str, dates: object) -> ModelFrame:
    n = len(dates)  # type: ignore[arg-type]
    return model_frame(parse(text), pd.DataFrame({"y": np.arange(n) ** 2.0, "d": dates, "g": ["a", "b"] * (n // 2)}))


@given(st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1)), min_size=4, max_size=4))
def test_a_day_counts_from_1970(days: list[datetime.date]) -> None:
    X, names = fixed_matrix(made("y ~ d", pd.Series(days, dtype=object)))
    assert names == ("(Intercept)", "d")
    assert X[:, 1].tolist() == [(day - EPOCH).days for day in days]


@given(st.lists(st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)), min_size=4, max_size=4))
def test_a_point_in_time_counts_seconds(moments: list[datetime.datetime]) -> None:
    whole = [moment.replace(microsecond=0) for moment in moments]
    start = datetime.datetime(1970, 1, 1)
    X, _ = fixed_matrix(made("y ~ d", pd.Series(whole)))
    assert X[:, 1].tolist() == [(moment - start).total_seconds() for moment in whole]


def test_a_zone_moves_the_count_and_not_the_label() -> None:
    moments = pd.Series(pd.to_datetime(["2024-07-01 10:00", "2024-07-01 11:00"] * 2)).dt.tz_localize("Europe/Berlin")
    frame = made("y ~ d + (1 | d)", moments)
    # 2024-07-01 is day 19,905; in Berlin summer time is two hours ahead.
    assert fixed_matrix(frame)[0][:2, 1].tolist() == [19905 * 86400 + 8 * 3600, 19905 * 86400 + 9 * 3600]
    assert random_terms(frame)[0].levels == ("2024-07-01 10:00:00", "2024-07-01 11:00:00")


def test_midnights_are_labelled_by_their_days() -> None:
    frame = made("y ~ 1 + (1 | d)", pd.to_datetime(["2024-02-29", "1999-12-31"] * 2))
    assert random_terms(frame)[0].levels == ("1999-12-31", "2024-02-29")


@pytest.mark.parametrize("missing", [None, pd.NaT, np.nan])
def test_a_missing_date_drops_its_row(missing: object) -> None:
    days = pd.Series([EPOCH, missing, EPOCH, datetime.date(1970, 1, 3)], dtype=object)
    assert made("y ~ d", days).rows.tolist() == [0, 2, 3]


def test_periods_of_a_day_are_days() -> None:
    X, _ = fixed_matrix(made("y ~ d", pd.period_range("1970-01-02", periods=4, freq="D")))
    assert X[:, 1].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("step", "unit"), [("1s", 1.0), ("59s", 1.0), ("60s", 60.0), ("3599s", 60.0), ("1h", 3600.0), ("24h", 86400.0)]
)
def test_a_difference_is_in_the_unit_that_R_chooses(step: str, unit: float) -> None:
    # R's difftime: by the smallest difference, seconds, minutes from 60, hours from 3600, days from 86400.
    moments = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        pd.Timedelta(step).total_seconds() * np.arange(1, 5), unit="s"
    )
    X, _ = fixed_matrix(made('y ~ I(d - as.Date("2024-01-01"))', moments.normalize().date))
    frame = pd.DataFrame({"y": [1.0, 2, 4, 8], "d": moments, "e": [pd.Timestamp("2024-01-01")] * 4})
    difference, _ = fixed_matrix(model_frame(parse("y ~ I(d - e)"), frame))
    assert difference[:, 1].tolist() == [pd.Timedelta(step).total_seconds() * k / unit for k in range(1, 5)]
    assert (X[:, 1] == np.floor(X[:, 1])).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ log(d)", "'d' is a date"),
        ("y ~ I(d * 2)", "'d' is a date"),
        ("y ~ I(1 - d)", "only a date can be taken away"),
        ("d ~ y", "response 'd' is not numeric"),
        ("y ~ months(g)", "those of dates"),
        ('y ~ I(d > as.Date("March 3"))', "as.Date\\(\\) reads text such as"),
    ],
)
def test_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        made(text, pd.to_datetime(["2024-02-29", "1999-12-31"] * 2).date)


def test_a_logical_response_is_0_and_1() -> None:
    frame = model_frame(parse("l ~ x"), pd.DataFrame({"l": [True, False, True], "x": [1.0, 2, 4]}))
    assert frame.y.dtype == np.float64 and frame.y.tolist() == [1, 0, 1]
