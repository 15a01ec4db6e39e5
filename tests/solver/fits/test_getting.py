"""getME: what its names say of each other, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from relmer.datasets import load
from relmer.solver import ModelError, getME, lmer
from relmer.solver.fits import at_theta
from tests.support.definition import minus_two_loglik
from tests.support.strategies import Problem, problems


@settings(deadline=None, max_examples=30)
@given(problem=problems())
def test_the_names_are_of_one_model(problem: Problem) -> None:
    fit = at_theta(lmer(problem.formula, problem.data), problem.theta)
    of = getME(fit, "ALL")
    Z, Lambda, A = of["Z"].toarray(), of["Lambda"].toarray(), of["A"].toarray()
    # Sums of a few dozen products of numbers up to 1e2.
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(A, (Z @ Lambda).T, **close)
    np.testing.assert_allclose(of["mu"], of["X"] @ of["beta"] + Z @ of["b"].to_numpy() + of["offset"], **close)
    np.testing.assert_allclose(of["b"], Lambda @ of["u"], **close)
    stacked = np.zeros_like(Z.T)
    starts = of["Gp"]
    for group, first in zip(of["cnms"], starts, strict=False):
        for k, column in enumerate(of["cnms"][group]):
            rows = of["Ztlist"][f"{group}.{column}"].toarray()
            stacked[first + k : first + k + len(of["cnms"][group]) * len(rows) : len(of["cnms"][group])] = rows
    np.testing.assert_array_equal(stacked, Z.T)
    assert starts[-1] == of["q"] == of["q_i"].sum()
    assert of["Tp"].iloc[-1] == of["m"] == of["m_i"].sum()
    n, p = of["n"], of["p"]
    sigma = math.sqrt(of["devcomp"]["cmp"]["pwrss"] / (n - p))
    V = sigma**2 * (Z @ Lambda @ Lambda.T @ Z.T + np.eye(n))
    expected = minus_two_loglik(of["X"].to_numpy(), V, of["y"].to_numpy(), REML=True)
    # V has eigenvalues from 1 to 1e3: its inverse loses four digits.
    np.testing.assert_allclose(of["devfun"](fit.theta), expected, rtol=1e-9)


def test_names_that_are_none_and_theta_that_is_none() -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    devfun = getME(fit, "devfun")
    for asked in (
        lambda: getME(fit, "Zz"),
        lambda: getME(fit, ["X", 3]),
        lambda: devfun([1.0]),
        lambda: devfun("no"),
        lambda: devfun([1.0, math.nan, 1.0]),
    ):
        with pytest.raises(ModelError) as told:
            asked()
        assert "\n" not in str(told.value)
    assert getME(lmer("Reaction ~ Days", load("sleepstudy").frame), "q") == 0
    assert fit.getME("REML") == 2
