"""The criterion where theta drowns the residual, against balls: covariates in Hz and in seconds since 1970."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE
from in_balls import criterion_in_balls

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import ModelError
from relmer.solver.language import build, model_frame, parse
from relmer.solver.paths import criterion, prepare, size, solve_at
from relmer.solver.paths.large import EPS, ROUNDED, apart, is_large, sizes_of, turned_back

UNITS = [(1e3, 0.0), (1e6, 0.0), (1e9, 0.0), (2.4e9, 0.0), (1e12, 0.0), (1.0, 1.7e9), (3600.0, 1.7e9), (1e6, 1e9)]
TERMS = ["(Days | Subject)", "(Days || Subject)", "(0 + Days | Subject)", "(Days | Subject) + (1 | k)"]


def design(term: str, scale: float, shift: float, fixed: str = "Days"):
    data = load("sleepstudy").frame.iloc[:80]
    data = data.assign(Days=data["Days"] * scale + shift, k=pd.Categorical(np.arange(80) % 7))
    return build(model_frame(parse(f"Reaction ~ {fixed} + {term}"), data))


@pytest.mark.parametrize("fixed", ["1", "Days"])
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize(("scale", "shift"), UNITS)
def test_shared_theta_is_right_by_every_path(scale: float, shift: float, term: str, fixed: str) -> None:
    """1e-12 of the size of the criterion, the bound of rung 3, or one line that refuses this theta."""
    made = design(term, scale, shift, fixed)
    diagonal = made.template.diagonal
    for theta in (np.where(diagonal, 1.0, 0.0), np.ones(len(diagonal)), np.where(diagonal, 0.5, -0.7)):
        expected = criterion_in_balls(made, theta, True)
        for method in ("pls", "qr", "gls"):
            at = solve_at(prepare(made, method), theta)
            assert abs(criterion(made, at, True) - expected) <= tolerances.CRITERION * size(made, at, True)
            assert np.all(np.isfinite([*at.beta, *at.u]))


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
def test_a_theta_without_digits_is_refused_in_one_line(method: str) -> None:
    """Three columns that lie along each other to 18 digits, each 1e9 to 1e18 times sigma."""
    made = design("(Days + I(Days^2) | Subject)", 1e6, 1.7e12, "1")
    with pytest.raises(ModelError, match="theta is so large") as raised:
        solve_at(prepare(made, method), np.ones(6))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("span", [3.0, 6.0, 8.0])
@pytest.mark.parametrize("times", [1.0, 1e3])
def test_rows_of_very_different_weights_are_right_by_every_path(times: float, span: float) -> None:
    """Heavy rows of one level lie along each other in V, whose Cholesky factor then leaves no digits of light ones."""
    made = design("(Days | Subject)", 1.0, 0.0)
    made = replace(made, weights=10.0 ** np.random.default_rng(5).uniform(-span, span, len(made.y)))
    theta = times * np.array([1.0, 0.5, 1.0])
    expected = criterion_in_balls(made, theta, True)
    for method in ("pls", "qr", "gls"):
        at = solve_at(prepare(made, method), theta)
        assert abs(criterion(made, at, True) - expected) <= tolerances.CRITERION * size(made, at, True)


def test_a_theta_without_digits_is_refused_whatever_the_weights() -> None:
    made = design("(Days + I(Days^2) | Subject)", 1e6, 1.7e12, "1")
    made = replace(made, weights=10.0 ** np.random.default_rng(5).uniform(-8.0, 8.0, len(made.y)))
    with pytest.raises(ModelError, match="theta is so large"):
        solve_at(prepare(made, "gls"), np.ones(6))


def test_effects_where_theta_is_large() -> None:
    """u is that of b = Lambda u: by the rotated roots as without them, in another unit of the covariate."""
    for method in ("pls", "qr", "gls"):
        small = solve_at(prepare(design("(Days | Subject)", 1.0, 0.0), method), np.array([900.0, 300.0, 700.0]))
        large = solve_at(prepare(design("(Days | Subject)", 1e3, 0.0), method), np.array([900.0, 0.3, 0.7]))
        np.testing.assert_allclose(large.u, small.u, rtol=0, atol=1e-9 * np.abs(small.u).max())


def test_the_size_of_a_column_is_its_root_mean_square_by_the_weights_if_asked() -> None:
    made = design("(Days | Subject)", 1e3, 0.0)
    weights = np.linspace(0.5, 2.0, len(made.y))
    for weighted, given, expected in (
        (False, weights, made.terms[0].X ** 2),
        (True, weights, weights[:, None] * made.terms[0].X ** 2),
        (True, None, made.terms[0].X ** 2),
    ):
        (found,) = sizes_of(replace(made, weights=given), weighted)
        np.testing.assert_allclose(found, np.sqrt(expected.sum(axis=0) / len(made.y)), rtol=DENSE)
    np.testing.assert_array_equal(sizes_of(replace(made, weights=weights)), sizes_of(made))


def test_theta_is_large_where_a_row_has_a_variance_of_more_than_1e5() -> None:
    """size^2 times the row's sum of squares; of any row of any term."""
    for rows, sizes, large in (
        ([[0.0, 300.0], [100.0, 0.0]], [1.0, 1.0], False),
        ([[300.0, 101.0], [0.0, 0.0]], [1.0, 1.0], True),
        ([[0.0, 0.0], [100.0, 0.0]], [1.0, 3.0], False),
        ([[0.0, 0.0], [100.0, 0.0]], [1.0, 3.2], True),
        ([[0.0, 0.0], [100.0, 0.0]], [3.2, 1.0], False),
        # Each row by itself: their sum is more.
        ([[300.0, 0.0], [200.0, 0.0]], [1.0, 1.0], False),
        # 300^2 + 100^2 is 1e5, and no more.
        ([[300.0, 100.0], [0.0, 0.0]], [1.0, 1.0], False),
    ):
        assert is_large([np.array(rows)], [np.array(sizes)]) == large
        assert is_large([np.ones((1, 1)), np.array(rows)], [np.ones(1), np.array(sizes)]) == large
    assert not is_large([np.zeros((0, 0))], [np.zeros(0)])


def test_a_root_is_turned_until_its_largest_row_is_alone() -> None:
    """root = T Q', Q orthonormal; the rows of T, by their sizes from the largest on, are a lower triangle."""
    root = np.array([[3.0, 4.0, 1.0], [300.0, -100.0, 50.0], [0.5, 0.25, 7.0]])
    for sizes, order in (([1.0, 1.0, 1.0], [1, 2, 0]), ([1e3, 1.0, 1e6], [2, 0, 1])):
        T, Q = apart(root, np.array(sizes))
        np.testing.assert_allclose(T @ Q.T, root, rtol=0, atol=DENSE * 300)
        np.testing.assert_allclose(Q.T @ Q, np.eye(3), rtol=0, atol=DENSE)
        np.testing.assert_array_equal(T[order], np.tril(T[order]))


def test_a_root_of_fewer_columns_than_rows_is_turned_too() -> None:
    root = np.array([[0.5], [-3.0], [1.0]])
    T, Q = apart(root, np.array([1.0, 2.0, 4.0]))
    assert (T.shape, Q.shape) == ((3, 1), (1, 1))
    np.testing.assert_array_equal(T @ Q.T, root)
    two = np.array([[0.5, 1.0], [-3.0, 0.25], [1.0, -1.0]])
    T, Q = apart(two, np.array([1.0, 2.0, 4.0]))
    assert (T.shape, Q.shape) == ((3, 2), (2, 2))
    np.testing.assert_allclose(T @ Q.T, two, rtol=0, atol=DENSE)


@pytest.mark.parametrize(
    ("far", "left", "refused"),
    [(0.7, 0.5, False), (1.5, 0.5, True), (1.5, 1.0, True), (7.0, 10.0, False), (15.0, 10.0, True)],
)
@pytest.mark.parametrize("first", [True, False])
def test_rows_that_lie_along_each_other_are_refused_where_their_rounding_is_seen(
    far: float, left: float, refused: bool, first: bool
) -> None:
    """eps times the length of a row that lies along a longer one, beyond 1e-10 of what is left of it, or of sigma."""
    length = far * ROUNDED / EPS
    rows = np.array([[2 * length, 0.0], [length, left]])
    root = rows if first else rows[::-1]
    if refused:
        with pytest.raises(ModelError, match="theta is so large"):
            apart(root, np.ones(2))
    else:
        apart(root, np.ones(2))
    # A longer row that stands across, or one alone, is known to eps of itself.
    apart(np.array([[2 * length, 0.0], [0.0, length]]), np.ones(2))
    apart(np.array([[1e12]]), np.ones(1))


def test_effects_are_turned_back_level_by_level() -> None:
    random = np.random.default_rng(7)
    levels, widths = (3, 2, 4), ((2, 2), (3, 1), (1, 1))
    Q = [np.linalg.qr(random.normal(size=shape))[0] for shape in widths]
    each = [random.normal(size=(l, shape[1])) for l, shape in zip(levels, widths, strict=True)]
    expected = [Q[k] @ u for k, part in enumerate(each) for u in part]
    found = turned_back(np.concatenate([part.ravel() for part in each]), Q, levels)
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=0, atol=DENSE * np.abs(found).max())
