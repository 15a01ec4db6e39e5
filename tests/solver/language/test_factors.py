"""Factors of numbers, without sorting all of them: numpy's own sort is the reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relmer.solver.language.factors import Factor, distinct, drop_unused_levels

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
