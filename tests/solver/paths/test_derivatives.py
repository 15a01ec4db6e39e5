"""Exact derivatives against those of the definition, by complex steps."""

import numpy as np
from bounds import COMPLEX_STEP, GRADIENT, SECOND_DIFFERENCE
from complex_step import complex_gradient, difference
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Problem, problems
from structures import eliminated

from relmer.solver.model.term import factors
from relmer.solver.model.theta import Lambda
from relmer.solver.paths.criterion import criterion, prepare, solve_at
from relmer.solver.paths.derivatives import derivatives_at
from relmer.solver.threads import one_thread


@given(problems(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_gradient_is_that_of_the_definition(problem: Problem, at_once: bool) -> None:
    for REML in (True, False):
        with eliminated(at_once):
            exact = derivatives_at(prepare(problem.design), problem.theta, REML).gradient
        defined = complex_gradient(problem.design, problem.theta, REML)
        scale = max(1.0, np.abs(defined).max())
        np.testing.assert_allclose(exact, defined, rtol=0, atol=COMPLEX_STEP * scale)


@given(problems(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_hessian_is_that_of_the_definition(problem: Problem, REML: bool, at_once: bool) -> None:
    with eliminated(at_once):
        exact = derivatives_at(prepare(problem.design), problem.theta, REML).hessian
    with one_thread():
        defined = difference(lambda theta: complex_gradient(problem.design, theta, REML), problem.theta)
    np.testing.assert_array_equal(exact.shape, defined.shape)
    scale = max(1.0, np.abs(defined).max())
    np.testing.assert_allclose(exact, defined, rtol=0, atol=SECOND_DIFFERENCE * scale)


@given(problems(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_those_of_the_determinant_alone_are_its_own(problem: Problem, at_once: bool) -> None:
    """log|V| by a complex step: d log|V| is the imaginary part of log|V + i h dV| over h."""
    design, h = problem.design, 1e-30
    with eliminated(at_once):
        exact = derivatives_at(prepare(design), problem.theta, False, of_logdet=True)
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    Z = root[:, None] * design.Z.toarray()

    def gradient(theta: np.ndarray) -> np.ndarray:
        found = []
        for step in np.eye(len(theta)):
            T = Lambda(design.template, theta).toarray() + 1j * h * Lambda(design.template, step).toarray()
            sign = np.linalg.slogdet(np.eye(len(Z)) + Z @ T @ T.T @ Z.T)[0]
            found.append(np.angle(sign) / h)
        return np.array(found)

    theta = np.asarray(problem.theta, dtype=float)
    defined = gradient(theta)
    scale = max(1.0, np.abs(defined).max(initial=0.0))
    np.testing.assert_allclose(exact.gradient, defined, rtol=0, atol=COMPLEX_STEP * scale)
    with one_thread():
        second = difference(gradient, theta)
    scale = max(1.0, np.abs(second).max(initial=0.0))
    np.testing.assert_allclose(exact.hessian, second, rtol=0, atol=SECOND_DIFFERENCE * scale)


@given(problems(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_duals_are_derivatives_in_G(problem: Problem, at_once: bool) -> None:
    """From a singular or regular G, the criterion along G + t vv' starts with the slope v'Sv."""
    with eliminated(at_once):
        S = derivatives_at(prepare(problem.design), problem.theta, True).duals[0]
    blocks = factors(problem.design.terms, problem.theta)
    prepared = prepare(problem.design, "gls")
    direction = np.ones(len(S)) / np.sqrt(len(S))

    def along(t: float) -> float:
        G = blocks[0] @ blocks[0].T + t * np.outer(direction, direction)
        vectors, values = np.linalg.eigh(G)[::-1]
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        lower = np.linalg.qr(root.T, mode="r").T
        theta = np.concatenate([T[np.triu_indices(len(T))[::-1]] for T in [lower, *blocks[1:]]])
        return criterion(problem.design, solve_at(prepared, theta), True)

    steps = [1e-4, 5e-5, 2.5e-5]
    slopes = [(along(t) - along(0.0)) / t for t in steps]
    first = [2 * slopes[1] - slopes[0], 2 * slopes[2] - slopes[1]]
    numeric = (4 * first[1] - first[0]) / 3
    expected = direction @ S @ direction
    scale = max(1.0, abs(expected), *np.abs(slopes))
    assert abs(numeric - expected) <= 1e2 * GRADIENT * scale
