"""Least squares by level, held against the normal equations of its rows; and what is refused."""

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import ModelError, lmList


def test_a_level_is_what_its_rows_say() -> None:
    random = np.random.default_rng(5)
    g = np.repeat(np.arange(5), [9, 7, 3, 2, 1])
    data = pd.DataFrame({"y": random.normal(size=22), "x": random.normal(size=22), "g": g, "w": 1.0 + g})
    data["o"] = 2 * data["x"]
    found = lmList("y ~ x | g", data, weights="w", offset="o")
    rss, df = 0.0, 0
    for level, rows in data.groupby("g"):
        X, y, w = np.column_stack([np.ones(len(rows)), rows["x"]]), rows["y"] - rows["o"], rows["w"].to_numpy()
        if len(rows) == 1:
            assert found.coef.loc[str(level)].tolist() == [pytest.approx(y.iloc[0]), pytest.approx(np.nan, nan_ok=True)]
            continue
        beta = np.linalg.solve(X.T @ (w[:, None] * X), X.T @ (w * y))
        # Of rows of a normal x the condition is below 1e3.
        np.testing.assert_allclose(found.coef.loc[str(level)], beta, rtol=1e-9, atol=1e-9)
        rss += float((w * (y - X @ beta) ** 2).sum())
        df += len(rows) - 2
    assert found.df == df
    assert found.sigma == pytest.approx(np.sqrt(rss / df), rel=1e-9)
    assert np.isnan(found.sigmas.to_numpy()[3:]).all()


@pytest.mark.parametrize(
    ("formula", "arguments"),
    [
        ("Reaction ~ Days", {}),
        ("Reaction ~ Days + (Days | Subject)", {}),
        ("Reaction ~ Weeks | Subject", {}),
        ("Reaction ~ Days | Subject", {"REML": True}),
    ],
)
def test_what_is_no_list_is_told_in_a_line(formula: str, arguments: dict[str, object]) -> None:
    with pytest.raises(ModelError) as told:
        lmList(formula, load("sleepstudy").frame, **arguments)
    assert "\n" not in str(told.value)
