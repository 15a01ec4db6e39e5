"""Document 004: the extended system stage by stage, and the same u by least squares on pseudo-data."""

import numpy as np
import pytest
from bounds import DENSE, SOLVED
from definition import generalized
from hypothesis import given, settings
from strategies import Problem, mixed_data, problems

from relmer.datasets import load
from relmer.solver import ModelError, extended_system, lmer, pseudo_data
from relmer.solver.model.theta import Lambda


def close(value, expected, scale: float = 0.0, bound: float = SOLVED) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(value, expected, rtol=0, atol=bound * max(scale, np.abs(expected).max(initial=0.0)))


@given(problems())
@settings(max_examples=80, deadline=None)
def test_two_ways_to_u_and_the_definition(problem: Problem) -> None:
    """u = Lambda'Z'V^-1 (y - X beta), the conditional mean, with V in units of sigma^2."""
    fit = lmer(problem.formula, problem.data)
    system, pseudo = extended_system(fit, problem.theta), pseudo_data(fit, problem.theta)
    X, y = problem.design.X, problem.design.y
    ZL = (problem.design.Z @ Lambda(problem.design.template, problem.theta)).toarray()
    V = ZL @ ZL.T + np.eye(len(y))
    beta, _ = generalized(X, V, y)
    u = ZL.T @ np.linalg.solve(V, y - X @ beta)
    scale = np.abs(y).max()
    for solution in (system, pseudo):
        close(solution.beta, beta, scale)
        close(solution.u, u, scale)
        assert list(solution.beta.index) == list(problem.design.coefficients)
    residual = y - X @ beta - ZL @ u
    assert pseudo.pwrss == pytest.approx(residual @ residual + u @ u, rel=SOLVED, abs=0)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_stages_satisfy_their_equations(problem: Problem) -> None:
    system = extended_system(lmer(problem.formula, problem.data), problem.theta)
    X, y = problem.design.X, problem.design.y
    ZL = (problem.design.Z @ Lambda(problem.design.template, problem.theta)).toarray()
    L, P, RZX, RX = system.L.toarray(), system.P.toarray(), system.RZX, system.RX
    beta = system.beta.to_numpy()
    size = np.abs(np.block([ZL, X])).max() * np.abs(y).sum()
    np.testing.assert_array_equal(L, np.tril(L))
    np.testing.assert_array_equal(P @ P.T, np.eye(len(P)))
    close(L @ L.T, P @ (ZL.T @ ZL + np.eye(len(L))) @ P.T)
    close(L @ system.c_u, P @ ZL.T @ y, size)
    close(RX.T @ system.c_beta, X.T @ y - RZX.T @ system.c_u, size)
    close(RX @ beta, system.c_beta, size)
    close(L.T @ P @ system.u, system.c_u - RZX @ beta, size)
    normal = np.block([[ZL.T @ ZL + np.eye(len(L)), ZL.T @ X], [X.T @ ZL, X.T @ X]])
    close(normal @ np.concatenate([system.u, beta]), np.concatenate([ZL.T @ y, X.T @ y]), size * 10)


def test_at_the_optimum_they_give_the_fit() -> None:
    data = load("Penicillin").frame
    fit = lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    system, pseudo = extended_system(fit), pseudo_data(fit)
    for solution in (system, pseudo):
        close(solution.u, fit.u, 1.0)
        close(solution.beta, fit.beta)
    assert pseudo.pwrss == pytest.approx(fit.solution.pwrss, rel=SOLVED, abs=0)
    assert pseudo.matrix.shape == (144 + 30, 30 + 1)
    assert pseudo.response[:144].tolist() == data["diameter"].tolist()
    assert not np.any(pseudo.response[144:])
    dense = pseudo.matrix.toarray()
    np.testing.assert_array_equal(dense[144:], np.eye(30, 31))
    np.testing.assert_array_equal(dense[:144, 30], np.ones(144))
    np.testing.assert_array_equal(dense[:144, :30], (fit.Z @ fit.Lambda).toarray())


def test_permutation_saves_fill() -> None:
    """Nested factors: from the inside out nothing fills in; from the outside in the samples of a batch meet."""
    fit = lmer("strength ~ 1 + (1 | sample) + (1 | batch)", load("Pastes").frame)
    system = extended_system(fit, [1.0, 1.0])
    M = (fit.Z.T @ fit.Z).toarray() + np.eye(40)
    assert system.L.nnz < np.count_nonzero(np.linalg.cholesky(M[::-1, ::-1]))
    assert system.L.nnz == np.count_nonzero(np.tril(M))


def test_weights_and_offset() -> None:
    data = mixed_data(9, 40)
    random = np.random.default_rng(9)
    weights, offset = random.uniform(0.2, 4.0, 40), random.normal(size=40)
    fit = lmer("y ~ x + (x | g)", data, weights=weights, offset=offset)
    theta = np.array([0.7, 0.2, 0.4])
    ZL = (fit.Z @ Lambda(fit.design.template, theta)).toarray()
    V = ZL @ ZL.T + np.diag(1 / weights)
    y = data["y"].to_numpy() - offset
    beta, _ = generalized(fit.design.X, V, y)
    u = ZL.T @ np.linalg.solve(V, y - fit.design.X @ beta)
    for solution in (extended_system(fit, theta), pseudo_data(fit, theta)):
        close(solution.beta, beta)
        close(solution.u, u, 1.0)


def test_without_random_effects() -> None:
    fit = lmer("mpg ~ wt + am", load("mtcars").frame)
    for solution in (extended_system(fit), pseudo_data(fit)):
        close(solution.beta, fit.beta, bound=DENSE)
        assert len(solution.u) == 0


@pytest.mark.parametrize("theta", [[1.0], [1.0, 0.0, np.nan]])
def test_theta_is_checked(theta) -> None:
    fit = lmer("y ~ x + (x | g)", mixed_data(1, 30))
    for solve in (extended_system, pseudo_data):
        with pytest.raises(ModelError, match=r"^theta "):
            solve(fit, theta)
