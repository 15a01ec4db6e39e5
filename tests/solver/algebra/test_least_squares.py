"""Least squares by the normal equations of the definition, in ball arithmetic; V of any form, or why it is none."""

import numpy as np
import pytest
from bounds import DENSE
from flint import arb, arb_mat, ctx
from scipy import sparse

from relmer.solver.algebra import least_squares, sweep
from relmer.solver.algebra.least_squares import generalized_least_squares, whitened
from relmer.solver.errors import ModelError

RANDOM = np.random.default_rng(5)
X, Y = RANDOM.normal(size=(10, 3)), RANDOM.normal(size=10)
# Every row has another variance, and shares one with the next: the order of elimination matters.
V = np.diag(RANDOM.uniform(1.0, 3.0, 10)) + 0.4 * (np.eye(10, k=1) + np.eye(10, k=-1))


def defined(X: np.ndarray, V: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(X'V^-1 X)^-1 X'V^-1 y, X'V^-1 X, and y - X beta, in 400 bits."""
    with ctx.workprec(400):
        A, B, b = (arb_mat([[arb(float(e)) for e in row] for row in each]) for each in (X, V, y[:, None]))
        solved = B.solve(A)
        information = A.transpose() * solved
        beta = information.solve(solved.transpose() * b)
        left = b - A * beta
        doubles = [np.array([[float(e) for e in row] for row in m.tolist()]) for m in (beta, information, left)]
    return doubles[0][:, 0], doubles[1], doubles[2][:, 0]


def test_beta_and_the_factor_are_those_of_the_normal_equations() -> None:
    beta, R = least_squares(X, Y)
    expected, information, _ = defined(X, np.eye(10), Y)
    np.testing.assert_allclose(beta, expected, rtol=DENSE)
    np.testing.assert_allclose(R.T @ R, information, rtol=0, atol=DENSE * 10)
    np.testing.assert_array_equal(R, np.triu(R))
    assert np.all(R.diagonal() > 0)
    assert R.shape == (3, 3)
    square, _ = least_squares(X[:3], Y[:3])
    np.testing.assert_allclose(X[:3] @ square, Y[:3], rtol=0, atol=DENSE * 10)


@pytest.mark.parametrize("form", [np.asarray, sparse.csc_array, sparse.csr_array, lambda V: V.tolist()])
def test_generalized_least_squares_are_those_of_the_definition(form: object) -> None:
    beta, R = generalized_least_squares(X, form(V), Y[:, None])  # type: ignore[operator]
    expected, information, _ = defined(X, V, Y)
    np.testing.assert_allclose(beta, expected, rtol=DENSE)
    np.testing.assert_allclose(R.T @ R, information, rtol=0, atol=DENSE * 10)


@pytest.mark.parametrize("form", [np.asarray, sparse.csc_array])
def test_whitened_rows_have_the_cross_products_of_the_definition(form: object) -> None:
    rows = np.column_stack([X, Y])
    white = whitened(form(V), rows)  # type: ignore[operator]
    np.testing.assert_allclose(white.T @ white, rows.T @ np.linalg.solve(V, rows), rtol=0, atol=DENSE * 10)
    # What differs by rounding from one side of the diagonal to the other is symmetric.
    uneven = V + np.triu(np.full(V.shape, 1e-9), 1)
    again = whitened(form(uneven), rows)  # type: ignore[operator]
    np.testing.assert_allclose(again.T @ again, white.T @ white, rtol=0, atol=1e-6)


@pytest.mark.parametrize("form", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (V[:9, :9], r"^V has shape \(9, 9\) for 10 rows; it must be 10 x 10$"),
        (V[:, :9], r"^V has shape \(10, 9\) for 10 rows; it must be 10 x 10$"),
        (np.where(np.eye(10) > 0, np.inf, V), "^X, V and y must be finite numbers; leave out rows that miss a value$"),
        (V + np.triu(np.full(V.shape, 1e-3), 1), "^V is not symmetric; a covariance matrix equals its transpose$"),
        (V - np.triu(np.full(V.shape, 1e-3), 1), "^V is not symmetric; a covariance matrix equals its transpose$"),
        (V - 2 * np.eye(10), "^V is not positive definite; add the residual variance R to Z G Z'$"),
        (np.zeros((10, 10)), "^V is not positive definite; add the residual variance R to Z G Z'$"),
    ],
)
def test_a_V_that_is_none_is_refused(form: object, changed: np.ndarray, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        generalized_least_squares(X, form(changed), Y)  # type: ignore[operator]


def test_rows_that_do_not_fit_and_columns_that_others_determine_are_refused() -> None:
    with pytest.raises(ModelError, match=r"^X has shape \(9, 3\) and y 10 rows; give X one row per element of y$"):
        generalized_least_squares(X[:9], V, Y)
    with pytest.raises(ModelError, match=r"^X has shape \(10,\) and y 10 rows"):
        generalized_least_squares(X[:, 0], V, Y)
    with pytest.raises(ModelError, match=r"^X has columns that others determine; leave them out$"):
        generalized_least_squares(np.column_stack([X, X[:, 0] - X[:, 1]]), V, Y)
    for X_, y_ in ((np.where(X[4, 1] == X, np.nan, X), Y), (X, np.where(Y[2] == Y, np.inf, Y))):
        with pytest.raises(ModelError, match="must be finite numbers"):
            generalized_least_squares(X_, V, y_)


@pytest.mark.parametrize("graded", [False, True])
def test_what_is_swept_is_Q_R_beta_and_what_is_left(graded: bool) -> None:
    found = sweep(X, Y, graded)
    beta, information, left = defined(X, np.eye(10), Y)
    np.testing.assert_allclose(found.Q @ found.R, X, rtol=0, atol=DENSE)
    np.testing.assert_allclose(found.Q.T @ found.Q, np.eye(3), rtol=0, atol=DENSE)
    np.testing.assert_allclose(found.R.T @ found.R, information, rtol=0, atol=DENSE * 10)
    np.testing.assert_array_equal(found.R, np.triu(found.R))
    assert np.all(found.R.diagonal() > 0)
    np.testing.assert_allclose(found.beta, beta, rtol=DENSE)
    np.testing.assert_allclose(found.residual, left, rtol=0, atol=DENSE)


def test_a_mean_of_any_size_leaves_the_rounding_of_y_itself() -> None:
    """Of y = 2^50 + r the doubles hold r to 1/4: it is exact here, and so is what is left, to some eps of r."""
    ones = np.ones((16, 1))
    r = np.arange(16.0) - 3.0
    found = sweep(ones, 2.0**50 + r)
    np.testing.assert_allclose(found.residual, r - r.mean(), rtol=0, atol=0.25)
    np.testing.assert_allclose(found.beta, [2.0**50 + r.mean()], rtol=2.0**-52)
    assert abs(found.residual.sum()) <= 1.0


def test_small_rows_of_graded_ones_keep_their_digits() -> None:
    """Row by row Q is X R^-1, so that a row 1e-12 of another is right to some eps of itself."""
    weights = np.where(np.arange(10) < 5, 1.0, 1e-12)
    heavy = X * weights[:, None]
    found = sweep(heavy, Y * weights, True)
    np.testing.assert_allclose(found.Q @ found.R, heavy, rtol=DENSE * 100)


def test_without_columns_nothing_is_swept() -> None:
    found = sweep(X[:, :0], Y)
    np.testing.assert_array_equal(found.residual, Y)
    assert (found.Q.shape, found.R.shape, found.beta.shape) == ((10, 0), (0, 0), (0,))
