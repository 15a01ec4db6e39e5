"""Parts of the elimination by themselves: Gram-Schmidt within levels, rows taken apart, and what has no residual."""

from dataclasses import replace

import numpy as np
import pytest
from bounds import EPS

from relmer.solver.elimination.apart import Rows, orthonormal_or_none, prepare
from relmer.solver.elimination.corner import NO_RESIDUAL, diagonals, solved
from relmer.solver.elimination.levels import orthogonalise
from relmer.solver.errors import Unbounded


def test_columns_within_a_level_become_orthonormal_however_close_they_are() -> None:
    """Three columns apart by 1e-6: what one pass leaves of them lies 1e-10 along each other."""
    random = np.random.default_rng(1)
    codes = np.repeat(np.arange(5), 12)
    base = random.normal(size=60)
    columns = np.array([base, base + 1e-6 * random.normal(size=60), base + 1e-6 * random.normal(size=60), base**2])
    before = columns.copy()
    coefficients = orthogonalise(columns, 3, codes, 5)
    for level in range(5):
        own = columns[:, codes == level]
        np.testing.assert_allclose(own[:3] @ own[:3].T, np.eye(3), rtol=0, atol=20 * EPS)
        np.testing.assert_allclose(own[:3] @ own[3], 0, rtol=0, atol=20 * EPS * np.abs(before).max() ** 2 * 12)
        made = coefficients[:, :, level] @ own[:3]
        np.testing.assert_allclose(made[:3], before[:3, codes == level], rtol=0, atol=20 * EPS * np.abs(before).max())


def test_a_column_that_a_level_has_not_is_zero_there() -> None:
    codes = np.repeat(np.arange(40), 3)
    columns = np.array([np.ones(120), np.where(codes % 2, 0.0, np.arange(120.0) % 3)])
    coefficients = orthogonalise(columns, 2, codes, 40)
    assert np.all(columns[1, codes % 2 == 1] == 0)
    assert np.all(coefficients[1, :, 1::2] == 0)
    assert np.all(coefficients[1, 1, ::2] > 0)


def test_columns_become_orthonormal_or_none() -> None:
    """Of X = X_1 R: one that others determine has a column of zeros, and its size on the diagonal of R."""
    random = np.random.default_rng(3)
    X = random.normal(size=(20, 4)) @ np.triu(random.normal(size=(4, 4)))
    X[:, 2] = X[:, 0] - 2 * X[:, 1]
    sizes = np.linalg.norm(X, axis=0)
    found, R = orthonormal_or_none(X, sizes)
    assert not found[:, 2].any()
    assert R[2, 2] == sizes[2]
    others = found[:, [0, 1, 3]]
    np.testing.assert_allclose(others.T @ others, np.eye(3), rtol=0, atol=20 * EPS)
    np.testing.assert_allclose(found @ R, X, rtol=0, atol=20 * EPS * sizes.max())
    np.testing.assert_array_equal(R, np.triu(R))


def test_a_response_without_residual_is_told() -> None:
    A = np.diag([1.0, 1.0, 0.0])
    with pytest.raises(Unbounded, match=NO_RESIDUAL):
        solved(A)
    with pytest.raises(Unbounded, match=NO_RESIDUAL):
        diagonals(A[None])
    rest = np.random.default_rng(4).normal(size=(6, 2))
    rows = Rows(Z=np.ones((1, 6)), rest=rest, effects=np.zeros((2, 2)), order=[np.arange(2)])
    found, _ = prepare(rows, [np.eye(1)], [1], [np.repeat([0, 1], 3)], [2])
    assert found.at_roots([np.ones((1, 1))]).root_pwrss > 0
    none = replace(found, B=found.B * [1.0, 0.0], below=found.below * [1.0, 0.0])
    with pytest.raises(Unbounded, match=NO_RESIDUAL):
        none.at_roots([np.ones((1, 1))])
