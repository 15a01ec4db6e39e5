"""What follows from a triangle, by the definition."""

import math

import numpy as np
import pytest
from bounds import DENSE

from relmer.solver.algebra import (
    inverse_of_cross_product,
    logdet_triangle,
    lower_triangle,
    triangular_solve,
    units_of_rows,
)

R = np.array([[2.0, 1.0, -3.0], [0.0, -0.5, 4.0], [0.0, 0.0, 8.0]])


def test_the_places_of_a_lower_triangle_are_told_column_by_column_and_cannot_be_changed() -> None:
    rows, columns = lower_triangle(3)
    assert [*zip(rows.tolist(), columns.tolist(), strict=True)] == [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (2, 2)]
    assert not rows.flags.writeable
    assert not columns.flags.writeable


def test_a_triangle_is_solved_from_either_side_and_its_zeros_are_told() -> None:
    """R x = (0, 0, 8) has x_3 = 1, x_2 = 8, x_1 = -5/2; R'x = (2, 0, 0) begins with 1, 2, and ends with -5/8."""
    assert triangular_solve(R, np.array([0.0, 0.0, 8.0])).tolist() == [-2.5, 8.0, 1.0]
    assert triangular_solve(R, np.array([[2.0], [0.0], [0.0]]), trans=True).tolist() == [[1.0], [2.0], [-0.625]]
    assert triangular_solve(R.T, np.array([2.0, 0.0, 0.0]), lower=True).tolist() == [1.0, 2.0, -0.625]
    assert triangular_solve(np.zeros((0, 0)), np.zeros((0, 2))).shape == (0, 2)
    with pytest.raises(np.linalg.LinAlgError, match="entry 2 of its diagonal is 0"):
        triangular_solve(np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones(2))


def test_the_log_determinant_is_that_of_the_square() -> None:
    """|R'R| = (2 * 0.5 * 8)^2, and 0 of no rows."""
    assert logdet_triangle(R) == 2 * math.log(8.0)
    assert logdet_triangle(np.zeros((0, 0))) == 0.0


def test_the_inverse_of_a_cross_product_is_one_and_symmetric_to_the_bit() -> None:
    product = R.T @ R
    np.testing.assert_allclose(inverse_of_cross_product(R) @ product, np.eye(3), rtol=0, atol=DENSE * 100)
    np.testing.assert_allclose(inverse_of_cross_product(R, 3.0) @ product, 3 * np.eye(3), rtol=0, atol=DENSE * 100)
    uneven = inverse_of_cross_product(np.triu(np.random.default_rng(1).normal(size=(6, 6))) + 2 * np.eye(6))
    np.testing.assert_array_equal(uneven, uneven.T)


def test_the_unit_of_a_row_is_the_power_of_two_above_its_largest_entry() -> None:
    M = np.array([[0.0, -3.0, 1.0], [0.0, 0.0, 0.0], [1e-200, 0.0, 0.0], [4.0, 1.0, 2.0]])
    found = units_of_rows(M)
    np.testing.assert_array_equal(found[[0, 1, 3]], [4.0, 1.0, 8.0])
    assert found[2] / 2 <= 1e-200 < found[2]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(units_of_rows(np.zeros((2, 0))), [1.0, 1.0])
