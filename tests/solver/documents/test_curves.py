"""Curves and surfaces of the criterion against the likelihood written out."""

import numpy as np
import pytest
from bounds import LIKELIHOOD
from definition import generalized, minus_two_loglik
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import mixed_data

from relmer.datasets import load
from relmer.solver import ModelError, lmer, profile_curve, profile_surface
from relmer.solver.model.theta import Lambda


def by_definition(fit, theta: np.ndarray) -> float:
    """-2 loglik at the sigma^2 that minimises it: r'V^-1 r / (n - p) for REML, else / n."""
    X, y = fit.design.X, fit.design.y
    root = (fit.Z @ Lambda(fit.design.template, theta)).toarray()
    V = root @ root.T + np.eye(len(y))
    beta, _ = generalized(X, V, y)
    residual = y - X @ beta
    d = len(y) - X.shape[1] if fit.REML else len(y)
    return minus_two_loglik(X, residual @ np.linalg.solve(V, residual) / d * V, y, fit.REML)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.lists(st.floats(-2.0, 3.0), min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_the_other_entries_are_held_at_the_optimum(seed: int, REML: bool, values: list[float]) -> None:
    fit = lmer("y ~ x + (x | g) + (1 | k)", mixed_data(seed, 40), REML=REML)
    size = 1000.0
    for position, name in enumerate(fit.theta.index):
        curve = profile_curve(fit, name, values)
        assert curve.index.name == name
        assert curve.index.tolist() == values
        for value, criterion in zip(values, curve, strict=True):
            theta = fit.theta.to_numpy().copy()
            theta[position] = value
            assert abs(criterion - by_definition(fit, theta)) <= LIKELIHOOD * size
            assert criterion >= fit.criterion - LIKELIHOOD
    assert len(curve) == len(values)


@pytest.mark.parametrize("REML", [True, False])
def test_surface_is_the_criterion_over_the_grid(REML: bool) -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, REML=REML)
    one, two = [0.0, 0.5, float(fit.theta.iloc[0])], [float(fit.theta.iloc[2]), 0.4]
    surface = profile_surface(fit, "Subject.(Intercept)", one, "Subject.Days", two)
    assert surface.shape == (3, 2)
    assert (surface.index.name, surface.columns.name) == ("Subject.(Intercept)", "Subject.Days")
    for a in one:
        for b in two:
            theta = np.array([a, fit.theta.iloc[1], b])
            assert surface.loc[a, b] == pytest.approx(by_definition(fit, theta), rel=LIKELIHOOD)
    assert surface.to_numpy().min() == surface.loc[one[2], two[0]] == pytest.approx(fit.criterion, rel=LIKELIHOOD)


def test_the_fit_stays_as_it_was() -> None:
    fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    before = fit.theta.copy()
    profile_curve(fit, "Batch.(Intercept)", np.linspace(0, 2, 5))
    assert fit.theta.equals(before)


def test_names_and_values_are_checked() -> None:
    fit = lmer("y ~ x + (x | g)", mixed_data(1, 30))
    with pytest.raises(ModelError, match=r"theta has no entry 'g'; its names are g.\(Intercept\), g.x"):
        profile_curve(fit, "g", [1.0])
    with pytest.raises(ModelError, match=r"values of g\.x must be a list of finite numbers"):
        profile_curve(fit, "g.x", [np.nan])
    with pytest.raises(ModelError, match=r"both names are 'g\.x'"):
        profile_surface(fit, "g.x", [1.0], "g.x", [1.0])
    twice = lmer("y ~ x + (1 | g) + (1 | g)", mixed_data(1, 30))
    with pytest.raises(ModelError, match=r"theta has 2 entries 'g.\(Intercept\)'"):
        profile_curve(twice, "g.(Intercept)", [1.0])
