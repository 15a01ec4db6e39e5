"""Digits: the log relative error of the worst entry."""

import numpy as np
import pytest
from bounds import counted
from hypothesis import given
from hypothesis import strategies as st

from relmer.reports.evidence.digits import digits
from relmer.reports.records import MOST


@given(st.floats(1e-300, 1e300), st.integers(1, 12))
def test_an_error_in_the_nth_digit_counts_n_digits(value: float, n: int) -> None:
    wrong = value * (1 + 10.0**-n)
    assert digits("beta", np.array([wrong]), np.array([value])) == pytest.approx(n, abs=counted(n))


def test_the_worst_entry_decides() -> None:
    reference = np.array([1.0, 100.0])
    assert digits("beta", np.array([1.0 + 1e-3, 100.0]), reference) == pytest.approx(3, abs=counted(3))
    assert digits("b", np.array([1.0 + 1e-3, 100.0]), reference) == pytest.approx(5, abs=counted(5))


def test_equal_is_sixteen_and_nonsense_is_none() -> None:
    same = np.array([0.0, 2.0])
    assert digits("theta", same, same) == MOST
    assert digits("theta", np.array([np.nan, 2.0]), same) == 0.0
    assert digits("theta", np.array([2.0]), same) == 0.0
    assert digits("theta", np.array([20.0, 2.0]), same) == 0.0


def test_a_zero_is_measured_against_the_largest() -> None:
    assert digits("theta", np.array([1e-6, 1.0]), np.array([0.0, 1.0])) == pytest.approx(6, abs=counted(6))
    assert digits("theta", np.array([0.0, 1.0]), np.array([1e-6, 1.0])) == pytest.approx(6, abs=counted(6))
    assert digits("theta", np.array([0.0, 1.0]), np.array([1e-2, 1.0])) == 0.0
