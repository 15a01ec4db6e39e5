"""The fit's matrices satisfy the equations that define them."""

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import lmer


@pytest.fixture(scope="module")
def fit():
    return lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)


def close(value, expected, factor: float = 10.0) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(value, expected, rtol=0, atol=factor * DENSE * np.abs(expected).max())


def test_names_are_lme4s(fit) -> None:
    assert list(fit.theta.index) == ["Subject.(Intercept)", "Subject.Days.(Intercept)", "Subject.Days"]
    assert list(fit.beta.index) == list(fit.vcov.columns) == list(fit.X.columns) == ["(Intercept)", "Days"]
    assert fit.b.index[0] == ("Subject", "308", "(Intercept)")
    assert fit.b.index[-1] == ("Subject", "372", "Days")


def test_V_is_ZGZ_plus_R(fit) -> None:
    Z, G, R, V = (matrix.toarray() for matrix in (fit.Z, fit.G, fit.R, fit.V))
    close(V, Z @ G @ Z.T + R)
    close(R, fit.sigma**2 * np.eye(180))
    Lambda = fit.Lambda.toarray()
    close(G, fit.sigma**2 * Lambda @ Lambda.T)


def test_beta_and_vcov_are_those_of_generalized_least_squares(fit) -> None:
    X, y = fit.X.to_numpy(), fit.design.y
    inverse = np.linalg.inv(fit.V.toarray())
    vcov = np.linalg.inv(X.T @ inverse @ X)
    close(fit.vcov, vcov, 1e3)
    close(fit.beta, vcov @ X.T @ inverse @ y, 1e3)
    close(fit.se, np.sqrt(np.diag(vcov)), 1e3)
    close(fit.t, fit.beta / fit.se)


def test_b_is_the_best_linear_predictor(fit) -> None:
    X, y = fit.X.to_numpy(), fit.design.y
    b = fit.G.toarray() @ fit.Z.toarray().T @ np.linalg.solve(fit.V.toarray(), y - X @ fit.beta.to_numpy())
    close(fit.b, b, 1e3)
    close(fit.b, fit.Lambda @ fit.u)
    close(fit.fitted(), X @ fit.beta.to_numpy() + fit.Z @ b, 1e3)
    close(fit.residuals(), y - fit.fitted())


def test_varcorr_is_that_of_R(fit) -> None:
    """The rows of as.data.frame(VarCorr(fit)), and the figures printed in the JSS paper."""
    assert fit.VarCorr()["grp"].tolist() == ["Subject", "Subject", "Subject", "Residual"]
    assert fit.VarCorr()["sdcor"].round(2).tolist() == [24.74, 5.92, 0.07, 25.59]
    G = fit.G.toarray()
    close(fit.VarCorr()["vcov"], [G[0, 0], G[1, 1], G[1, 0], fit.sigma**2])


def test_without_random_effects_there_is_nothing_to_derive() -> None:
    plain = lmer("mpg ~ wt", load("mtcars").frame)
    assert plain.structure == "no random effects"
    assert plain.derivatives.duals == ()
    assert (plain.derivatives.gradient.shape, plain.derivatives.hessian.shape) == ((0,), (0, 0))


def test_loglik(fit) -> None:
    assert fit.loglik == -fit.criterion / 2


def test_least_squares_without_a_random_term() -> None:
    """Figures printed in document 001 (lm(mpg ~ wt + am))."""
    fit = lmer("mpg ~ wt + am", load("mtcars").frame)
    assert [f"{value:.8f}" for value in fit.beta] == ["37.32155131", "-5.35281145", "-0.02361522"]
    assert f"{fit.sigma**2:.6f}" == "9.597231"
    assert [f"{value:.7f}" for value in fit.se] == ["3.0546385", "0.7882438", "1.5456453"]
    assert fit.theta.empty and fit.b.empty and fit.L.shape == fit.P.shape == (0, 0)
    close(fit.V.toarray(), fit.sigma**2 * np.eye(32))
    assert not fit.singular


def test_double_bar_names_the_group_twice() -> None:
    fit = lmer("Reaction ~ Days + (Days || Subject)", load("sleepstudy").frame)
    assert list(fit.theta.index) == ["Subject.(Intercept)", "Subject.Days"]
    assert fit.VarCorr()["grp"].tolist() == ["Subject", "Subject.1", "Residual"]


def test_missing_values_and_unused_levels_are_dropped() -> None:
    data = load("sleepstudy").frame
    holes = data.copy()
    holes.loc[[3, 50, 120], "Reaction"] = np.nan
    holes.loc[7, "Days"] = np.nan
    fit = lmer("Reaction ~ Days + (Days | Subject)", holes)
    whole = lmer("Reaction ~ Days + (Days | Subject)", data.drop(index=[3, 7, 50, 120]))
    assert len(fit.fitted()) == 176
    assert fit.criterion == pytest.approx(whole.criterion, rel=tolerances.CRITERION)
    assert 3 not in fit.X.index
    two = data[data["Subject"].isin(["308", "309", "310"])]
    assert len(lmer("Reaction ~ Days + (1 | Subject)", two).b) == 3


def test_fit_leaves_the_data_alone() -> None:
    data = load("sleepstudy").frame
    before = data.copy(deep=True)
    lmer("Reaction ~ Days + (Days | Subject)", data)
    pd.testing.assert_frame_equal(data, before)
