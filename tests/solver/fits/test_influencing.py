"""Leverages and what follows from them, held against dense algebra and against fits to fewer rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from relmer.datasets import load
from relmer.solver import ModelError, cooks_distance, hatvalues, influence, lmer, rstudent
from relmer.solver.fits import at_theta
from tests.support.definition import generalized
from tests.support.strategies import Problem, problems

# V has eigenvalues from 1 to 1e3 here, X is well conditioned: inverses lose four digits of sixteen, on either side.
DIGITS = 1e-9


def dense(fit) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """y, X, Z Lambda Lambda'Z' and V, in units of sigma^2."""
    design = fit.design
    weights = np.ones(len(design.y)) if design.weights is None else design.weights
    root = (design.Z @ fit.Lambda).toarray()
    return design.y, design.X, root @ root.T, root @ root.T + np.diag(1 / weights)


@settings(deadline=None, max_examples=40)
@given(problem=problems())
def test_a_leverage_is_the_slope_of_a_fitted_value_in_its_response(problem: Problem) -> None:
    weights = 1.0 + np.arange(len(problem.data)) % 3
    fit = at_theta(lmer(problem.formula, problem.data, weights=weights), problem.theta)
    _, X, random, V = dense(fit)
    fixed = X @ np.linalg.inv(X.T @ np.linalg.inv(V) @ X) @ X.T @ np.linalg.inv(V)
    H = fixed + random @ np.linalg.inv(V) @ (np.eye(len(X)) - fixed)
    np.testing.assert_allclose(hatvalues(fit), H.diagonal(), rtol=0, atol=DIGITS)


@settings(deadline=None, max_examples=20)
@given(problem=problems())
def test_what_a_row_is_predicted_to_be_by_all_others_follows_from_its_leverage(problem: Problem) -> None:
    """e / (1 - h) is y less what the other rows say of it, theta held fixed, by dense algebra without the row."""
    fit = at_theta(lmer(problem.formula, problem.data), problem.theta)
    y, X, random, V = dense(fit)
    h, e = hatvalues(fit).to_numpy(), y - fit.mu
    for i in range(0, len(y), 7):
        others = np.delete(np.arange(len(y)), i)
        if np.linalg.matrix_rank(X[others]) < X.shape[1]:
            continue
        own = V[np.ix_(others, others)]
        beta, _ = generalized(X[others], own, y[others])
        told = X[i] @ beta + random[i, others] @ np.linalg.solve(own, y[others] - X[others] @ beta)
        assert abs(e[i] / (1 - h[i]) - (y[i] - told)) < DIGITS * np.abs(y).max()
        p, cook, student = X.shape[1], cooks_distance(fit), rstudent(fit)
        np.testing.assert_allclose(cook.iloc[i], (y[i] - told) ** 2 * h[i] / (p * fit.sigma**2), rtol=1e-6, atol=DIGITS)
        np.testing.assert_allclose(student.iloc[i] ** 2, (y[i] - told) ** 2 * (1 - h[i]) / fit.sigma**2, atol=1e-6)


def test_leverages_of_least_squares_and_of_more_effects_than_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("sleepstudy").frame
    X = np.column_stack([np.ones(len(data)), data["Days"]])
    exact = (X @ np.linalg.inv(X.T @ X) * X).sum(axis=1)
    np.testing.assert_allclose(hatvalues(lmer("Reaction ~ Days", data)), exact, atol=DIGITS)
    fit = lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", load("Penicillin").frame)
    written_out = hatvalues(fit)
    monkeypatch.setattr("relmer.solver.paths.leverage.DENSE", 0)
    monkeypatch.setattr("relmer.solver.paths.leverage.AT_ONCE", 7)
    np.testing.assert_allclose(hatvalues(fit), written_out, rtol=DIGITS)


def test_a_far_covariate_changes_no_leverage() -> None:
    data = load("sleepstudy").frame
    near = hatvalues(lmer("Reaction ~ Days + (Days | Subject)", data))
    far = hatvalues(lmer("Reaction ~ Days + (Days | Subject)", data.assign(Days=data["Days"] + 20100)))
    # The search ends within 1e-8 of a standard error of theta on either side.
    np.testing.assert_allclose(far, near, rtol=1e-6)


def test_a_row_that_only_its_own_coefficient_explains_has_none() -> None:
    data = load("sleepstudy").frame
    fit = lmer("Reaction ~ Days + own + (1 | Subject)", data.assign(own=(np.arange(len(data)) == 3) * 1.0))
    assert abs(hatvalues(fit).iloc[3] - 1) < DIGITS
    found = influence(fit, np.where(np.arange(len(data)) == 3, "own", "other"))
    assert np.isnan(found.beta_without.loc["own", "own"])
    assert np.isfinite(found.beta_without.loc["own", "Days"])
    assert list(found.failures) == ["other"]


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(
    ("name", "formula", "group"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)", "Subject"),
        ("Pastes", "strength ~ 1 + (1 | batch/cask)", "batch"),
        ("Machines", "score ~ Machine + (1 | Worker)", None),
    ],
)
def test_without_a_group_is_the_fit_to_the_other_rows(name: str, formula: str, group: str | None, REML: bool) -> None:
    data = load(name).frame
    told: list[tuple[int, int]] = []
    found = influence(lmer(formula, data, REML=REML), group, progress=lambda done, of: told.append((done, of)))
    assert told == [(k + 1, len(found)) for k in range(len(found))]
    for level in list(found.beta_without.index)[:5]:
        keep = data.index != level if group is None else data[group] != level
        alone = lmer(formula, data[keep].reset_index(drop=True), REML=REML)
        # Both ends are within rounding of the least; a standard error is the unit of what remains.
        assert ((found.beta_without.loc[level] - alone.beta).abs() / alone.se).max() < 1e-6
        np.testing.assert_allclose(found.vcov_without[level], alone.vcov, rtol=1e-5)
        np.testing.assert_allclose(found.components_without.loc[level, "sigma^2"], alone.sigma**2, rtol=1e-6)
        assert found.converged.loc[level]


@pytest.mark.parametrize("groups", ["Days", ["a", "b"], pd.Series([np.nan] * 180)])
def test_what_are_no_groups_is_told_in_a_line(groups: object) -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    with pytest.raises(ModelError) as told:
        influence(fit, groups)
    assert "\n" not in str(told.value) and len(str(told.value)) < 200
