"""Factors of numbers, without sorting all of them: numpy's own sort is the reference."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relmer.solver.language.columns import Factor, distinct, drop_unused_levels, read_column

SIZES = st.integers(0, 40)
NARROW = arrays(np.int64, SIZES, elements=st.integers(-9, 9))
WIDE = arrays(np.int64, SIZES, elements=st.integers(-(2**31), 2**31))
REAL = arrays(np.float64, SIZES, elements=st.floats(-4, 4, width=16))
LOGICAL = arrays(np.bool_, SIZES)


@given(NARROW | WIDE | REAL | LOGICAL)
def test_distinct_numbers_are_those_of_numpy(values: np.ndarray) -> None:
    numbers, codes = distinct(values)
    expected, inverse = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_array_equal(codes, inverse)
    assert codes.dtype == np.int64


@given(arrays(np.int64, SIZES, elements=st.integers(-1, 5)))
def test_used_levels_stay_in_order(codes: np.ndarray) -> None:
    levels = tuple("fedcba")
    found = drop_unused_levels(Factor(levels, codes))
    assert found.levels == tuple(level for i, level in enumerate(levels) if i in codes)
    assert [found.levels[i] if i >= 0 else "" for i in found.codes] == [levels[i] if i >= 0 else "" for i in codes]


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
