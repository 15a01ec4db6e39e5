"""Factors of numbers, without sorting all of them: numpy's own sort is the reference."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relmer.solver.language.columns import read_column
from relmer.solver.language.factors import Factor, as_factor, distinct, drop_unused_levels, levels_in_R

SIZES = st.integers(0, 40)
NARROW = arrays(np.int64, SIZES, elements=st.integers(-9, 9))
WIDE = arrays(np.int64, SIZES, elements=st.integers(-(2**31), 2**31))
REAL = arrays(np.float64, SIZES, elements=st.floats(-4, 4, width=16))
LOGICAL = arrays(np.bool_, SIZES)


@settings(deadline=None)
@given(NARROW | WIDE | REAL | LOGICAL)
def test_distinct_numbers_are_those_of_numpy(values: np.ndarray) -> None:
    numbers, codes = distinct(values)
    expected, inverse = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_array_equal(codes, inverse)
    assert codes.dtype == np.int64


@settings(deadline=None)
@given(arrays(np.int64, SIZES, elements=st.integers(-1, 5)))
def test_used_levels_stay_in_order(codes: np.ndarray) -> None:
    levels = tuple("fedcba")
    found = drop_unused_levels(Factor(levels, codes))
    assert found.levels == tuple(level for i, level in enumerate(levels) if i in codes)
    assert [found.levels[i] if i >= 0 else "" for i in found.codes] == [levels[i] if i >= 0 else "" for i in codes]


# Around the ends of 15 digits, of the exact doubles, of 64 bits, and beyond.
IDS = st.lists(
    st.sampled_from([10**15, 10**16, 4 * 10**15, 2**53, 2**63, 2**64, 10**18 + 12345, 10**22, 10**40]).flatmap(
        lambda base: st.integers(base - 20, base + 20)
    )
    | st.integers(-(10**17), 10**17),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(IDS, st.sampled_from(["object", "category", "numpy", "nullable"]))
def test_every_whole_number_is_a_level(ids: list[int], kind: str) -> None:
    values: object = np.array(ids, dtype=object)
    if kind == "numpy" and all(-(2**63) <= i < 2**63 for i in ids):
        values = np.array(ids, dtype=np.int64)
    elif kind == "nullable" and all(0 <= i < 2**64 for i in ids):
        values = pd.array(ids, dtype="UInt64")
    elif kind == "category":
        values = pd.Categorical(ids)
    column, missing = read_column(pd.DataFrame({"g": values}), "g")
    factor = as_factor(column, missing)
    assert [int(Decimal(factor.levels[i])) for i in factor.codes] == ids
    assert len(factor.levels) == len(set(ids))
    assert [int(Decimal(level)) for level in factor.levels] == sorted(set(ids))


@pytest.mark.parametrize(
    ("numbers", "levels"),
    [
        # R 4.2.2: length(levels(factor(numbers)))
        ([10**16 + i for i in range(0, 41, 2)], 1),
        ([4 * 10**15 + i for i in range(41)], 36),
        ([123456789012344992 + 16 * i for i in range(41)], 41),
        ([4 * 10**15 + i for i in range(5)], 1),
        ([4 * 10**15 + 17 * i for i in range(5)], 5),
    ],
)
def test_what_R_would_merge_is_counted(numbers: list[int], levels: int) -> None:
    factor = as_factor(np.array(numbers))
    assert len(factor.levels) == len(numbers)
    assert levels_in_R(factor) == levels
