"""Which columns are kept: those of which a part of 1e-7 is left beside the columns before them, by the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.solver.algebra import full_rank_columns
from relmer.solver.algebra.rank import _reflect, _well_conditioned

RANDOM = np.random.default_rng(2)


def kept(X: np.ndarray, tol: float) -> list[int]:
    """Gram and Schmidt, twice for each column; as a definition, for columns that are of one size."""
    basis: list[np.ndarray] = []
    found = []
    for j, x in enumerate(X.T):
        left = x.copy()
        for _ in range(2):
            for q in basis:
                left = left - q * (q @ left)
        if len(found) < len(X) and np.linalg.norm(left) >= tol * np.linalg.norm(x) and np.any(x):
            found.append(j)
            basis.append(left / np.linalg.norm(left))
    return found


@pytest.mark.parametrize("size", [1e-200, 1e-8, 1.0, 1e8, 1e200])
@pytest.mark.parametrize("tol", [1e-7, 1e-3])
@pytest.mark.parametrize("last", [True, False])
def test_a_column_is_kept_where_so_much_of_it_is_left(size: float, tol: float, last: bool) -> None:
    """A column along the first two, and across them by a part of 0.99 or 1.01 of the bound."""
    Q = np.linalg.qr(RANDOM.normal(size=(8, 4)))[0]
    for part, is_kept in ((0.99, False), (1.01, True)):
        x = 0.6 * Q[:, 0] - 0.8 * Q[:, 1]
        columns = [Q[:, 0], 3 * Q[:, 1] + Q[:, 0], np.sqrt(1 - (part * tol) ** 2) * x + part * tol * Q[:, 2], Q[:, 3]]
        X = np.column_stack(columns if last else [*columns, Q[:, 0] + Q[:, 3]]) * [1, 1, size, 1, 1][: 4 + (not last)]
        expected = [0, 1, *[2] * is_kept, 3]
        assert full_rank_columns(X, tol).tolist() == expected


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_sums_of_columns_are_left_out_wherever_they_stand(seed: int, n: int, p: int) -> None:
    """Small whole numbers, so that a dependence is exact."""
    X = np.random.default_rng(seed).integers(-2, 3, size=(n, p)).astype(float)
    assert full_rank_columns(X).tolist() == kept(X, 1e-7)


def test_zeros_and_no_columns() -> None:
    assert full_rank_columns(np.zeros((3, 2))).tolist() == []
    assert full_rank_columns(np.zeros((3, 0))).tolist() == []
    assert full_rank_columns(np.array([[0.0, 2.0, 1.0]])).tolist() == [1], "one row has one column"
    assert full_rank_columns(np.zeros((3, 0))).dtype == np.int64


def test_the_matrix_is_not_changed() -> None:
    X = np.column_stack([np.ones(4), np.ones(4), np.arange(4.0)])
    before = X.copy()
    assert full_rank_columns(X).tolist() == [0, 2]
    np.testing.assert_array_equal(X, before)


def test_what_is_well_conditioned_keeps_every_column_and_what_is_not_known_is_not() -> None:
    """A least eigenvalue of the correlations above tol^2 and the rounding of n + p + 4 units for each of p columns."""
    ones = np.ones(100)
    across = np.where(np.arange(100) % 2, 1.0, -1.0)
    for part, known in ((1e-3, True), (1e-6, True), (1e-7, False)):
        X = np.column_stack([ones, ones + part * across])
        assert _well_conditioned(X, 1e-7) == known
    assert not _well_conditioned(np.column_stack([ones, ones + 0.09 * across]), 0.1), "an eigenvalue of 0.004"
    assert _well_conditioned(np.column_stack([ones, 1e60 * across]), 1e-7)
    for size in (0.0, 1e-80, 1e80):
        assert not _well_conditioned(np.column_stack([ones, size * across]), 1e-7), "squares that are none"
    assert _well_conditioned(np.zeros((4, 0)), 1e-7)


def test_a_reflection_leaves_what_is_across_and_its_norm() -> None:
    A = np.asfortranarray(RANDOM.normal(size=(6, 4)))
    A[:, 3] = A[:, 1] + 1e-5 * A[:, 3]
    before, norms = A.copy(), np.linalg.norm(A[1:], axis=0)
    v = before[1:, 1] / np.linalg.norm(before[1:, 1])
    _reflect(A, norms, 1, 1, float(np.linalg.norm(before[1:, 1])))
    # Norms are updated, by a square root of what is left of the share, down to 1e-6 of it: 1e-16 over that.
    for j in (2, 3):
        left = before[1:, j] - v * (v @ before[1:, j])
        assert norms[j] == pytest.approx(np.linalg.norm(left), rel=1e-9)
        assert np.linalg.norm(A[2:, j]) == pytest.approx(np.linalg.norm(left), rel=1e-9)
        assert abs(A[1, j]) == pytest.approx(abs(v @ before[1:, j]), rel=1e-9)
    np.testing.assert_array_equal(A[:, :2], before[:, :2])
    np.testing.assert_array_equal(A[0], before[0])


def test_a_column_of_zeros_is_dropped_wherever_it_stands() -> None:
    ones, zero, x = np.ones(8), np.zeros(8), np.arange(8.0)
    for columns, kept in (([zero, ones, x], [1, 2]), ([ones, zero, x], [0, 2]), ([ones, x, zero], [0, 1])):
        assert full_rank_columns(np.column_stack(columns)).tolist() == kept
