"""Columns taken apart: X = W C' exactly, redundant ones found, and none that the doubles tell apart."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from bounds import EPS
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver.algebra import plain_basis, taken_apart
from relmer.solver.algebra.basis import APART, is_plain

ONE = np.ones(40)


def x_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=40)


@given(st.integers(0, 2**32 - 1), st.integers(0, 15), st.integers(-60, 60))
@settings(max_examples=60)
def test_columns_are_those_of_the_basis_to_their_last_digit(seed: int, shift: int, scale: int) -> None:
    """In rationals X - W C' is the rounding of W, a part EPS of what W adds to the column."""
    random = np.random.default_rng(seed)
    days = random.integers(0, 10, 40) + 10.0**shift
    X = np.column_stack([ONE, days, random.normal(size=40) * 2.0**scale])
    basis, W = taken_apart(X, full=False)
    assert basis.kept.tolist() == [0, 1, 2]
    for row, made in zip(X, W, strict=True):
        for j in range(3):
            exact = sum(Fraction(w) * Fraction(b) for w, b in zip(made, basis.C[j], strict=True))
            assert abs(exact - Fraction(row[j])) <= EPS * abs(Fraction(made[j]) * Fraction(basis.C[j, j]))
    # What is left of a column beside those before it is at least APART of it; three of them are of one size.
    assert np.linalg.cond(W) < 10 / APART


REDUNDANT = {
    "twice": lambda x: [ONE, x, 2 * x],
    "a unit": lambda x: [ONE, x, x * 0.453592],
    "a unit before it": lambda x: [ONE, x / 2.54, x],
    "Fahrenheit": lambda x: [ONE, x, x * 1.8 + 32],
    "moved": lambda x: [x, ONE, x + 1],
    "a sum": lambda x: [ONE, x, x_of(99), x + x_of(99)],
    "a mean of parts": lambda x: [ONE, x, x_of(99), x_of(98), (x + x_of(99) + x_of(98)) / 3],
    "a constant": lambda x: [ONE, x, 0.1 * 3 * ONE],
    "zero": lambda x: [ONE, x, 0 * x],
    "a square": lambda x: [ONE, x, x**2, (x + 1) ** 2],
    "a year and an age": lambda x: [ONE, np.round(2000 + 9 * x), 2024 - np.round(2000 + 9 * x)],
    "far away": lambda x: [ONE, 1e9 + x, 3 * (1e9 + x)],
}


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30, 3.7])
@pytest.mark.parametrize("name", REDUNDANT)
def test_what_others_determine_is_dropped(name: str, scale: float) -> None:
    for seed in range(20):
        X = np.column_stack(REDUNDANT[name](x_of(seed))) * scale
        basis, W = taken_apart(X, full=False)
        assert basis.kept.tolist() == list(range(X.shape[1] - 1))
        np.testing.assert_allclose(W @ basis.C.T, X, rtol=0, atol=1e2 * EPS * np.abs(X).max())


@pytest.mark.parametrize("shift", [1e8, 1.7e12, 1e15])
def test_what_the_doubles_tell_apart_is_kept(shift: float) -> None:
    for values in (np.arange(40.0) % 10, np.arange(40.0) % 2):
        basis, W = taken_apart(np.column_stack([ONE, values + shift]), full=False)
        assert basis.kept.tolist() == [0, 1]
        moved = W[:, 1] / (W[:, 1].max() - W[:, 1].min()) * (values.max() - values.min())
        np.testing.assert_allclose(moved - moved[0], values - values[0], rtol=0, atol=16 * EPS * values.max())


def test_a_column_is_told_by_the_part_that_is_left_however_many_rows() -> None:
    """Of 1 + x / t a 1 / t is left beside the constant: below APART it is taken away."""
    x = np.tile([1.0, -1.0], 5000)
    for times, apart in ((0.9, False), (1.1, True)):
        basis, W = taken_apart(np.column_stack([np.ones(10000), 1 + x * APART / times]), full=False)
        assert bool(basis.C[1, 0]) is apart
        assert bool(np.linalg.cond(W) < 2) is apart


def test_ordinary_columns_are_left_as_they_are() -> None:
    X = np.column_stack([ONE, x_of(1), 5 + x_of(2)])
    assert is_plain(X)
    assert is_plain(X[:, :0])
    assert plain_basis(3).inwards(X) is X


@pytest.mark.parametrize(
    "X",
    [
        np.column_stack([ONE, 1e4 + x_of(1)]),
        np.column_stack([ONE, ONE]),
        1e-40 * x_of(1)[:, None],
        1e40 * x_of(1)[:, None],
        1e200 * x_of(1)[:, None],
        np.zeros((40, 1)),
    ],
    ids=["nearly determined", "determined", "small", "large", "overflowing", "zero"],
)
def test_other_columns_are_not_and_no_word_is_said_of_them(X: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not is_plain(X)
