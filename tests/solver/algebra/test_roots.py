"""Roots of covariances, singular or not: T T' = G, and what counts as negligible."""

import numpy as np
import pytest
from bounds import DENSE

from relmer.solver.algebra import (
    graded_sizes,
    is_regular,
    lower_trapezoid,
    positive,
    reduced_root,
    root_by_columns,
    root_of,
    row_sizes,
    spectral_root,
)
from relmer.solver.algebra.roots import FLOOR, GRADED, RANK

RANDOM = np.random.default_rng(4)
REGULAR = np.array([[4.0, 2.0, 0.0], [2.0, 5.0, -1.0], [0.0, -1.0, 2.0]])
# Of rank 2: the last is the sum of the others.
LINES = np.array([[1.0, 0.0], [0.5, 2.0], [1.5, 2.0]])
SINGULAR = LINES @ LINES.T


@pytest.mark.parametrize("G", [REGULAR, SINGULAR, np.zeros((2, 2)), np.array([[9.0]]), np.array([[0.0]])])
def test_a_root_gives_G_again(G: np.ndarray) -> None:
    for T in (root_of(G), root_by_columns(G)):
        assert T.shape == G.shape
        # The root of an eigenvalue that is zero is that of its rounding: 1e-8, and its square 1e-16.
        np.testing.assert_allclose(T @ T.T, G, rtol=0, atol=DENSE * 10)
    T = root_by_columns(G)
    np.testing.assert_array_equal(T, np.tril(T))


def test_a_printed_G_that_is_none_keeps_its_leading_columns_to_the_digit() -> None:
    G = np.array([[4.0, 2.0], [2.0, 0.5]])
    T = root_by_columns(G)
    np.testing.assert_array_equal(T, [[2.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(G, [[4.0, 2.0], [2.0, 0.5]])
    T = root_of(np.diag([4.0, -1e-3]))
    np.testing.assert_array_equal(T @ T.T, np.diag([4.0, 0.0]))


def test_eigenvalues_below_the_least_count_for_it() -> None:
    values, vectors = np.array([-1.0, 0.01, 4.0]), np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    T = spectral_root(values, vectors, 0.25)
    np.testing.assert_allclose(T @ T.T, (vectors * [0.25, 0.25, 4.0]) @ vectors.T, rtol=0, atol=DENSE)


@pytest.mark.parametrize(
    "root",
    [
        RANDOM.normal(size=(3, 3)),
        -np.eye(3),
        RANDOM.normal(size=(3, 5)),
        RANDOM.normal(size=(3, 1)),
        -RANDOM.normal(size=(4, 2)),
        np.zeros((3, 0)),
        np.zeros((2, 2)),
        np.array([[0.0, 0.0], [-3.0, 4.0]]),
        np.array([[-2.0]]),
        np.array([[-3.0], [4.0]]),
        0.5 * np.eye(2),
        np.array([[3.0, -4.0]]),
    ],
)
def test_a_trapezoid_is_lower_triangular_with_positive_first_entries(root: np.ndarray) -> None:
    T = lower_trapezoid(root)
    c, m = root.shape
    assert T.shape == (c, c)
    np.testing.assert_allclose(T @ T.T, root @ root.T, rtol=0, atol=DENSE * 10)
    np.testing.assert_array_equal(T, np.tril(T))
    np.testing.assert_array_equal(T[:, m:], 0.0)
    for column in T.T:
        assert not np.any(column) or column[np.flatnonzero(column)[0]] > 0


def test_a_row_is_looked_at_in_its_own_size_where_one_is_large() -> None:
    """Lengths of at least 1; beyond 1e5 each row has its own."""
    T = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(row_sizes(T), [[5.0], [1.0], [1.0]])
    np.testing.assert_array_equal(graded_sizes(T), np.ones((3, 1)))
    np.testing.assert_array_equal(graded_sizes(np.array([[GRADED], [2.0]])), np.ones((2, 1)))
    np.testing.assert_allclose(graded_sizes(np.array([[1.01 * GRADED], [2.0]])), [[1.01 * GRADED], [2.0]])
    assert graded_sizes(np.zeros((0, 0))).shape == (0, 1)


@pytest.mark.parametrize(
    ("variances", "rank"),
    [
        ((1.0, 1.1 * RANK), 2),
        ((1.0, 0.9 * RANK), 1),
        ((100.0, 110 * RANK), 2),
        ((100.0, 90 * RANK), 1),
        # Of small ones the size of sigma is the measure.
        ((1e-4, 1.1 * RANK), 2),
        ((1e-4, 0.9 * RANK), 1),
        ((0.5 * RANK, 0.5 * RANK), 0),
        # Beside a large one, 1e12, a variance of one is none that is negligible.
        ((1e12, 1.0), 2),
        ((1e12, 0.9 * RANK), 1),
        # One of 1e8 is none that is so large.
        ((1e8, 0.05), 1),
    ],
)
def test_a_direction_of_negligible_variance_is_left_out(variances: tuple[float, float], rank: int) -> None:
    for turned in (np.eye(2), np.array([[0.6, -0.8], [0.8, 0.6]])):
        T = np.diag(np.sqrt(variances)) @ turned
        root = reduced_root(T)
        assert root.shape == (2, rank)
        left = np.where(np.arange(2) < rank, variances, 0.0)
        np.testing.assert_allclose(root @ root.T, np.diag(left), rtol=0, atol=1e-12 * max(1.0, *variances))
        assert is_regular(T) == (rank == 2)


def test_of_three_variances_it_is_the_largest_that_counts() -> None:
    for variances, regular in (((50 * RANK, 1.0, 100.0), False), ((1.0, 1.0, 1e12), True)):
        assert is_regular(np.diag(np.sqrt(variances))) == regular
    T = positive(np.diag([4.0, 0.9 * 4 * FLOOR, 1.0]))
    np.testing.assert_allclose(T @ T.T, np.diag([4.0, 4 * FLOOR, 1.0]), rtol=0, atol=DENSE)


def test_small_and_negative_eigenvalues_are_raised() -> None:
    """To a part of the largest, or of 1; a G that has none is its own Cholesky factor."""
    np.testing.assert_allclose(positive(REGULAR), np.linalg.cholesky(REGULAR), rtol=0, atol=DENSE)
    vectors = np.linalg.qr(RANDOM.normal(size=(2, 2)))[0]
    for values, raised in (
        ((4.0, 1.1 * 4 * FLOOR), (4.0, 1.1 * 4 * FLOOR)),
        ((4.0, 0.9 * 4 * FLOOR), (4.0, 4 * FLOOR)),
        ((4.0, -3.0), (4.0, 4 * FLOOR)),
        ((0.5, 0.0), (0.5, FLOOR)),
        ((-1.0, -2.0), (FLOOR, FLOOR)),
    ):
        T = positive((vectors * values) @ vectors.T)
        np.testing.assert_allclose(T @ T.T, (vectors * raised) @ vectors.T, rtol=0, atol=DENSE * 10)
        np.testing.assert_array_equal(T, np.tril(T))


def test_variances_of_very_different_sizes_are_raised_each_in_its_own() -> None:
    """Beside one of 1e12, one of 1e-4 is raised to a part of 1, not of 1e12; correlations stay."""
    T = positive(np.diag([1e12, 1e-4]))
    np.testing.assert_allclose(T @ T.T, np.diag([1e12, FLOOR]), rtol=DENSE)
    G = np.array([[1e12, 0.5e6], [0.5e6, 1.0]])
    T = positive(G)
    np.testing.assert_allclose(T @ T.T, G, rtol=DENSE)
