"""The three paths are one criterion: gls = qr = pls at shared theta."""

import numpy as np
import pytest
from bounds import INVERTED
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Problem, mixed_data, problems
from structures import eliminated

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import lmer
from relmer.solver.errors import ModelError
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.model.design import Design
from relmer.solver.model.theta import Lambda
from relmer.solver.paths.criterion import criterion, prepare, size, solve_at
from relmer.solver.paths.factor import extended_factor


def textbook(design: Design, theta: np.ndarray, REML: bool) -> float:
    """The multivariate normal log-likelihood with V inverted as it stands, sigma^2 profiled."""
    y, X, Z = design.y, design.X, design.Z.toarray()
    factor = Lambda(design.template, theta).toarray()
    V = Z @ factor @ factor.T @ Z.T + np.eye(len(y))
    inverse = np.linalg.inv(V)
    information = X.T @ inverse @ X
    beta = np.linalg.solve(information, X.T @ inverse @ y)
    residual = y - X @ beta
    d = len(y) - X.shape[1] if REML else len(y)
    sigma2 = residual @ inverse @ residual / d
    value = d * np.log(2 * np.pi * sigma2) + np.linalg.slogdet(V)[1] + d
    return value + np.linalg.slogdet(information)[1] if REML else value


@given(problems(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_paths_agree_at_shared_theta(problem: Problem, at_once: bool) -> None:
    design = problem.design
    with eliminated(at_once):
        profiles = {name: solve_at(prepare(design, name), problem.theta) for name in ("pls", "qr", "gls")}
    reference = profiles["gls"]
    for at in profiles.values():
        for REML in (True, False):
            bound = tolerances.CRITERION * size(design, reference, REML)
            assert abs(criterion(design, at, REML) - criterion(design, reference, REML)) <= bound
        assert at.pwrss == pytest.approx(reference.pwrss, rel=INVERTED, abs=0)
        scale = np.abs(reference.beta).max()
        np.testing.assert_allclose(at.beta, reference.beta, rtol=0, atol=tolerances.EVALUATION * scale)
        scale = max(np.abs(reference.u).max(), np.finfo(float).tiny)
        np.testing.assert_allclose(at.u, reference.u, rtol=0, atol=tolerances.EVALUATION * max(scale, 1e-3))


@given(problems())
@settings(max_examples=100, deadline=None)
def test_definition_is_the_textbook_likelihood(problem: Problem) -> None:
    design = problem.design
    at = solve_at(prepare(design, "gls"), problem.theta)
    for REML in (True, False):
        expected = textbook(design, problem.theta, REML)
        bound = INVERTED * size(design, at, REML)
        assert abs(criterion(design, at, REML) - expected) <= bound


@given(problems())
@settings(max_examples=60, deadline=None)
def test_factor_solves_the_extended_system(problem: Problem) -> None:
    design = problem.design
    factor = extended_factor(prepare(design, "pls"), problem.theta)
    ZL = (design.Z @ Lambda(design.template, problem.theta)).toarray()
    P, L = factor.P.toarray(), factor.L.toarray()
    M = P @ (ZL.T @ ZL + np.eye(ZL.shape[1])) @ P.T
    scale = np.abs(M).max()
    np.testing.assert_array_equal(P @ P.T, np.eye(len(P)))
    np.testing.assert_array_equal(L, np.tril(L))
    np.testing.assert_allclose(L @ L.T, M, rtol=0, atol=tolerances.CRITERION * scale)
    np.testing.assert_allclose(
        L @ factor.RZX,
        P @ ZL.T @ design.X,
        rtol=0,
        atol=tolerances.CRITERION * scale * np.abs(design.X).max(),
    )
    normal = design.X.T @ design.X
    np.testing.assert_allclose(
        factor.RX.T @ factor.RX + factor.RZX.T @ factor.RZX,
        normal,
        rtol=0,
        atol=tolerances.CRITERION * np.abs(normal).max(),
    )
    np.testing.assert_array_equal(factor.RX, np.triu(factor.RX))


def test_the_order_of_L_is_that_of_the_pattern_at_any_theta() -> None:
    """A theta of zero thins M out; the order that spares fill is that of the pattern, as lme4 analyses it once."""
    data = load("Penicillin").frame
    prepared = prepare(build(model_frame(parse("diameter ~ 1 + (1 | plate) + (1 | sample)"), data)), "pls")
    order = extended_factor(prepared, np.ones(2)).P.indices
    for theta in ([1.0, 0.0], [0.0, 1.0], [0.0, 0.0]):
        np.testing.assert_array_equal(extended_factor(prepared, np.array(theta)).P.indices, order)


def test_theta_zero_is_least_squares() -> None:
    data = load("sleepstudy").frame
    mixed = build(model_frame(parse("Reaction ~ Days + (Days | Subject)"), data))
    plain = build(model_frame(parse("Reaction ~ Days"), data))
    X, y = plain.X, plain.y
    beta, rss = np.linalg.lstsq(X, y)[:2]
    for name in ("pls", "qr", "gls"):
        for at in (solve_at(prepare(mixed, name), np.zeros(3)), solve_at(prepare(plain, name), np.zeros(0))):
            np.testing.assert_allclose(at.beta, beta, rtol=tolerances.CRITERION)
            assert at.pwrss == pytest.approx(rss[0], rel=tolerances.CRITERION, abs=0)
            assert at.logdet_L == 0.0
            assert not np.any(at.u)


@pytest.mark.parametrize("name", ["pls", "qr", "gls"])
def test_weights_scale_the_rows(name: str) -> None:
    """A weight of w counts as the definition says: Var(e_i) = sigma^2 / w_i."""
    data = mixed_data(5, 40)
    weights = np.random.default_rng(1).uniform(0.2, 4.0, len(data))
    offset = np.linspace(-3, 3, len(data))
    design = build(model_frame(parse("y ~ x + (x | g)"), data, weights=weights, offset=offset))
    theta = np.array([0.7, 0.2, 0.4])
    Z, factor = design.Z.toarray(), Lambda(design.template, theta).toarray()
    V = Z @ factor @ factor.T @ Z.T + np.diag(1 / weights)
    inverse = np.linalg.inv(V)
    information = design.X.T @ inverse @ design.X
    beta = np.linalg.solve(information, design.X.T @ inverse @ (data["y"] - offset))
    residual = data["y"] - offset - design.X @ beta
    d = len(data) - 2
    sigma2 = residual @ inverse @ residual / d
    expected = d * (1 + np.log(2 * np.pi * sigma2)) + np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
    at = solve_at(prepare(design, name), theta)
    assert criterion(design, at, True) == pytest.approx(expected, abs=INVERTED * size(design, at, True))
    np.testing.assert_allclose(at.beta, beta, rtol=tolerances.EVALUATION)


def test_paths_agree_at_the_optimum() -> None:
    data = load("sleepstudy").frame
    fits = [lmer("Reaction ~ Days + (Days | Subject)", data, method=name) for name in ("pls", "qr", "gls")]
    for fit in fits[1:]:
        assert fit.criterion == pytest.approx(fits[0].criterion, rel=tolerances.CRITERION)
        np.testing.assert_allclose(fit.theta, fits[0].theta, rtol=tolerances.EVALUATION)
        np.testing.assert_allclose(fit.vcov, fits[0].vcov, rtol=tolerances.EVALUATION)


def test_unknown_method_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="'magic' is not known; choose one of pls, qr, gls"):
        lmer("Reaction ~ Days + (1 | Subject)", load("sleepstudy").frame, method="magic")
