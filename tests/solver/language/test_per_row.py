"""Weights and offset: whose number is whose, and what is no number."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.per_row import numbers_per_row

LABELS = {
    "whole": lambda n: list(range(10, 10 + n)),
    "text": lambda n: [f"row {i}" for i in range(n)],
    "dates": lambda n: pd.date_range("2024-02-27", periods=n),
    "pairs": lambda n: pd.MultiIndex.from_product([["a", "b"], range(n)])[:n],
}


def table(n: int, labels: str = "whole") -> pd.DataFrame:
    rng = np.random.default_rng(n)
    columns = {"y": rng.normal(size=n), "x": rng.normal(size=n), "w": rng.uniform(1, 2, n), "g": np.arange(n) % 3}
    return pd.DataFrame(columns, index=LABELS[labels](n))


@settings(deadline=None)
@given(st.integers(4, 12), st.sampled_from(sorted(LABELS)), st.randoms(use_true_random=False), st.booleans())
def test_a_series_goes_by_its_labels_in_any_order_of_either(n: int, labels: str, random: Any, which: bool) -> None:
    data = table(n, labels)
    order = list(range(n))
    random.shuffle(order)
    other = data.iloc[order]
    rows, numbers = (other, data["w"]) if which else (data, other["w"])
    for name in ("weights", "offset"):
        found, missing = numbers_per_row(name, numbers, rows)
        assert found.tolist() == rows["w"].tolist() and missing is None


@pytest.mark.parametrize("name", ["weights", "offset"])
def test_a_column_or_an_expression_of_columns_by_name(name: str) -> None:
    data = table(7).sort_values("x")
    assert numbers_per_row(name, "w", data)[0].tolist() == data["w"].tolist()
    assert numbers_per_row(name, "1/w^2", data)[0].tolist() == (1 / (data["w"] * data["w"])).tolist()
    made = model_frame(parse("y ~ x + (1 | g)"), data, **{name: "w"})
    assert getattr(made, name).tolist() == data["w"].tolist()


def test_a_missing_number_drops_its_row_and_is_counted() -> None:
    data = table(6)
    weights = data["w"].copy()
    weights.iloc[4] = np.nan
    made = model_frame(parse("y ~ x"), data, weights=weights.sample(frac=1, random_state=1))
    assert made.rows.tolist() == [0, 1, 2, 3, 5]
    assert [(lost.variable, lost.missing, lost.first) for lost in made.dropped.lost] == [("weights=", 1, 5)]


def refusals() -> dict[str, tuple[Any, str]]:
    data = table(6)
    w = data["w"]
    return {
        "repeated labels of its own": (pd.concat([w.iloc[:5], w.iloc[:1]]), "has the label 10 more than once"),
        "a label that is missing": (
            w.iloc[:-1],
            "no value for 1 of 6 rows.*the row labelled 15",
        ),
        "labels of its own": (pd.Series(np.ones(6)), "no value for 6 of 6 rows.*to_numpy"),
        "more labels than rows": (pd.concat([w, pd.Series([1.0], index=[99])]), "for 1 rows that the data lack"),
        "numeric text": (w.astype(str), "not text or categories"),
        "a list of numeric text": (["1", "2", "3", "4", "5", "6"], "not text or categories"),
        "categories": (pd.Categorical([1, 2, 1, 2, 1, 2]), "not text or categories"),
        "logicals": (w > 1.5, "not True and False"),
        "an array of logicals": (np.ones(6, dtype=bool), "not True and False"),
        "dates": (pd.Series(pd.date_range("2024-01-01", periods=6), index=data.index), "not dates"),
        "an array of dates": (np.arange(6).astype("datetime64[D]"), "not dates"),
        "durations": (pd.to_timedelta(np.arange(6), unit="D"), "holds timedelta64"),
        "complex numbers": (np.ones(6) * 1j, "holds complex"),
        "complex objects": ([1j] * 6, "holds complex"),
        "whole numbers beyond the doubles": ([1, 2, 3, 4, 5, 10**400], r"in row 6 a whole number of about 10\^399"),
        "a mapping": (dict.fromkeys(data.index, 1.0), "not dict"),
        "a set": ({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, "not set"),
        "a table": (data[["w"]], "not DataFrame"),
        "a matrix": (np.ones((6, 1)), "not ndarray"),
        "an unknown column": ("v", "no column 'v'"),
        "text that is no expression": ("w +", "cannot read"),
        "a constant": ("2", "uses no column"),
        "a column of text": ("t", "not text or categories"),
        "a logical column": ("l", "not True and False"),
        "a random term": ("(1 | g)", "not arithmetic"),
    }


@pytest.mark.parametrize("kind", refusals())
@pytest.mark.parametrize("name", ["weights", "offset"])
def test_refused_in_one_line(name: str, kind: str) -> None:
    value, message = refusals()[kind]
    data = table(6).assign(t=["1"] * 6, l=True)
    with pytest.raises(ModelError, match=message) as caught:
        model_frame(parse("y ~ x"), data, **{name: value})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
