"""Whitened rows have the cross products W'V^-1 W of the definition, log|V| and root'V^-1 W, however V is taken."""

from collections.abc import Callable

import numpy as np
import pytest
from bounds import DENSE
from flint import arb, arb_mat, ctx

from relmer.solver.algebra import LARGE_EFFECTS, whitened_by_augmenting, whitened_by_root
from relmer.solver.algebra.whitening import Whitened, columns_apart, marginal_half
from relmer.solver.errors import ModelError

RANDOM = np.random.default_rng(11)
Z, T, ROWS = RANDOM.normal(size=(12, 4)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(12, 2))
WAYS: list[Callable[[np.ndarray, np.ndarray, np.ndarray], Whitened]] = [
    lambda Z, T, rows: whitened_by_root(Z @ T, rows),
    whitened_by_augmenting,
]
# Of ten digits some are left to the parts that are added.
TEN = 1e-9


def balls(matrix: np.ndarray) -> arb_mat:
    return arb_mat([[arb(float(entry)) for entry in row] for row in matrix])


def doubles(matrix: arb_mat) -> np.ndarray:
    return np.array([[float(matrix[i, j]) for j in range(matrix.ncols())] for i in range(matrix.nrows())])


def defined(Z: np.ndarray, T: np.ndarray, rows: arb_mat) -> tuple[np.ndarray, float, np.ndarray]:
    """rows'V^-1 rows, log|V| and T'Z'V^-1 rows in 400 bits."""
    root = balls(Z) * balls(T)
    V = root * root.transpose()
    for i in range(V.nrows()):
        V[i, i] += 1
    solved = V.solve(rows)
    return doubles(rows.transpose() * solved), float(V.det().log()), doubles(root.transpose() * solved)


def assert_whitened(found: Whitened, Z: np.ndarray, T: np.ndarray, rows: arb_mat, bound: float) -> None:
    products, logdet, effects = defined(Z, T, rows)
    scale = np.sqrt(np.outer(products.diagonal(), products.diagonal()))
    np.testing.assert_allclose((found.white.T @ found.white) / scale, products / scale, rtol=0, atol=bound)
    assert found.logdet == pytest.approx(logdet, rel=bound)
    for c in (np.array([1.0, 0.0]), np.array([-0.5, 2.0])):
        np.testing.assert_allclose(found.effects(c), effects @ c, rtol=0, atol=bound * np.abs(effects @ c).max())


@pytest.fixture(autouse=True)
def bits() -> object:
    with ctx.workprec(400):
        yield


@pytest.mark.parametrize("way", WAYS)
def test_by_V_and_by_the_augmented_root_it_is_the_definition(way: Callable[..., Whitened]) -> None:
    assert_whitened(way(Z, T, ROWS), Z, T, balls(ROWS), DENSE * 100)


@pytest.mark.parametrize("large", [1e4, 1e8, 1e12])
def test_large_effects_cost_no_digit_of_what_they_leave(large: float) -> None:
    """Rows that lie along the root, but for a part of their size, and rows that do not."""
    rows = np.column_stack([Z @ T @ [1.0, -2.0, 0.5] + ROWS[:, 0] / 8, ROWS[:, 1]])
    assert_whitened(whitened_by_augmenting(Z, large * T, rows), Z, large * T, balls(rows), TEN)


@pytest.mark.parametrize("other", [1.0, 1e12])
def test_each_column_is_swept_by_what_it_leaves_itself(other: float) -> None:
    """One lies along the root but for 1e-8 of it; of the other, however large, nothing is taken."""
    across = ROWS[:, 1] - Z @ np.linalg.lstsq(Z, ROWS[:, 1])[0]
    rows = np.column_stack([1e8 * Z @ T @ [1.0, -2.0, 0.5] + ROWS[:, 0], other * across])
    assert_whitened(whitened_by_augmenting(Z, 1e10 * T, rows), Z, 1e10 * T, balls(rows), TEN)


def test_more_effects_than_rows_are_whitened_too() -> None:
    for way in WAYS:
        assert_whitened(way(Z[:3], T, ROWS[:3]), Z[:3], T, balls(ROWS[:3]), DENSE * 100)
    assert_whitened(whitened_by_augmenting(Z[:2], T, ROWS[:2]), Z[:2], T, balls(ROWS[:2]), DENSE * 100)


def test_a_root_beside_which_the_residual_is_rounding_is_told() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="so large that it hides I"):
        marginal_half(np.array([[1e9], [1e9]]))


def test_rows_that_are_known_as_a_rest_and_what_the_effects_make_of_them() -> None:
    """rows + Z along, `along` so large that the sum as doubles would have no digit of the rows."""
    along = 1e12 * RANDOM.normal(size=(4, 2))
    for size in (1e10, 1e14):
        square = size * np.eye(4)
        found = whitened_by_augmenting(Z, square, ROWS, along)
        assert_whitened(found, Z, square, balls(ROWS) + balls(Z) * balls(along), TEN)


def test_columns_that_lie_along_each_other_are_turned_apart() -> None:
    """The second is the first but for 1e-6 of it, and both are large; eps of them is 1e-11 of sigma."""
    T = np.array([[1e4, 1e4, 0.0], [0.0, 0.01, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    assert_whitened(whitened_by_augmenting(Z, T, ROWS), Z, T, balls(ROWS), TEN)
    along = RANDOM.normal(size=(4, 2))
    found = whitened_by_augmenting(Z, T, ROWS, along)
    assert_whitened(found, Z, T, balls(ROWS) + balls(Z) * balls(along), TEN)


def test_a_column_twice_is_one_that_is_larger() -> None:
    """root root' of (r, r) is that of sqrt(2) r."""
    twice = whitened_by_augmenting(Z[:, :1], np.full((1, 2), 1e6), ROWS)
    once = whitened_by_augmenting(Z[:, :1], np.array([[np.sqrt(2) * 1e6]]), ROWS)
    assert twice.logdet == pytest.approx(once.logdet, rel=TEN)
    np.testing.assert_allclose(twice.white.T @ twice.white, once.white.T @ once.white, rtol=0, atol=TEN * 12)
    c = np.array([1.0, -1.0])
    np.testing.assert_allclose(twice.effects(c), np.full(2, once.effects(c)[0] / np.sqrt(2)), rtol=1e-6)


def test_without_effects_rows_are_as_they_are() -> None:
    none = whitened_by_augmenting(np.zeros((12, 0)), np.zeros((0, 0)), ROWS)
    np.testing.assert_array_equal(none.white, ROWS)
    assert (none.logdet, none.effects(np.ones(2)).shape) == (0.0, (0,))
    known = whitened_by_augmenting(Z, np.zeros((4, 0)), ROWS, np.ones((4, 2)))
    np.testing.assert_allclose(known.white, ROWS + Z @ np.ones((4, 2)), rtol=0, atol=DENSE)


def test_columns_are_turned_until_they_stand_across_and_none_is_lost() -> None:
    root = np.column_stack([Z[:, 0], Z[:, 0] + 1e-3 * Z[:, 1], Z[:, 2]])
    W = columns_apart(root)
    apart = root @ W
    np.testing.assert_allclose(W.T @ W, np.eye(3), rtol=0, atol=DENSE)
    products = apart.T @ apart
    np.testing.assert_allclose(products, np.diag(products.diagonal()), rtol=0, atol=DENSE * products.max())
    np.testing.assert_allclose(apart @ apart.T, root @ root.T, rtol=0, atol=DENSE * 100)
    assert columns_apart(np.column_stack([Z[:, 0], Z[:, 0]])).shape == (2, 1), "a redundant column is left out"


@pytest.mark.parametrize(("small", "refused"), [(1e-3, False), (1e8, True)])
def test_a_column_whose_rounding_is_seen_is_refused(small: float, refused: bool) -> None:
    """Beside one of 1e15 it is known to 0.2: of 1e-3, log|V| has 2 * 1e-3 * 0.2 of it; of 1e8, 2 / 1e8 * 0.2."""
    root = np.diag([1e15, small])
    if refused:
        with pytest.raises(ModelError) as raised:
            columns_apart(root)
        assert str(raised.value) == LARGE_EFFECTS
    else:
        columns_apart(root)


@pytest.mark.parametrize(("part", "refused"), [(0.9, False), (1.1, True)])
def test_ten_digits_of_the_determinant_must_be_left(part: float, refused: bool) -> None:
    """A singular value of 1 beside one of s is known to eps s, and moves log(1 + 1^2) by 2 / 2 of that."""
    root = np.diag([part * 1e-10 / 2.0**-52, 1.0])
    if refused:
        with pytest.raises(ModelError, match=LARGE_EFFECTS):
            columns_apart(root)
    else:
        assert columns_apart(root).shape == (2, 2)


def test_a_root_of_more_columns_than_rows_has_as_many_apart_as_rows() -> None:
    root = RANDOM.normal(size=(2, 5))
    W = columns_apart(root)
    assert W.shape == (5, 2)
    np.testing.assert_allclose(root @ W @ W.T @ root.T, root @ root.T, rtol=0, atol=10 * DENSE)
