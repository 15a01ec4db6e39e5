"""Columns of a data frame: their types, labels and missing values."""

import numpy as np
import pandas as pd
import pytest

from relmer.solver.language.columns import read_column
from relmer.solver.language.factors import Factor


@pytest.mark.parametrize(
    ("categories", "levels"),
    [
        (["b", "a"], ("b", "a")),
        ([10, 9], ("10", "9")),
        (np.array([3, 200], dtype=np.uint8), ("3", "200")),
        ([2.0, 0.5], ("2", "0.5")),
        ([True, False], ("TRUE", "FALSE")),
        # Numbers that agree in 15 digits are one level of R's factor().
        ([0.3, 0.1 + 0.2, 1.0], ("0.3", "1")),
    ],
)
def test_labels_of_categories(categories: object, levels: tuple[str, ...]) -> None:
    data = pd.DataFrame({"g": pd.Categorical.from_codes([0, 1], categories=categories)})  # type: ignore[call-overload]
    factor, missing = read_column(data, "g")
    assert isinstance(factor, Factor) and missing is None
    assert factor.levels == levels
    assert all(type(level) is str for level in factor.levels)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float32", "float64", "bool"])
def test_numbers_without_missing_values_have_no_mask(dtype: str) -> None:
    column, missing = read_column(pd.DataFrame({"x": np.array([0, 1, 1], dtype=dtype)}), "x")
    assert isinstance(column, np.ndarray) and missing is None
    assert column.tolist() == [0, 1, 1]
    assert column.dtype == ("bool" if dtype == "bool" else "float64" if "float" in dtype else "int64")
