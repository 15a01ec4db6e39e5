"""`lmer`'s arguments beyond formula and data: what they change, and what they must not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import load
from relmer.solver import lmer
from relmer.solver.errors import ModelError
from relmer.solver.search.objective import NOISE


def sleep() -> pd.DataFrame:
    return load("sleepstudy").frame


SLOPES = "Reaction ~ Days + (Days | Subject)"


def test_a_subset_is_the_data_without_the_other_rows() -> None:
    data = sleep()
    kept = data[data["Days"] > 1]
    for given_ in ("Days > 1", data["Days"] > 1, (data["Days"] > 1).to_numpy()):
        fit, other = lmer(SLOPES, data, subset=given_), lmer(SLOPES, kept)
        assert fit.theta.equals(other.theta) and fit.criterion == other.criterion
        assert fit.fitted().equals(other.fitted()) and fit.X.equals(other.X)


def test_weights_and_offset_are_those_of_the_rows_that_are_taken() -> None:
    data = sleep().assign(w=np.linspace(1, 3, 180), o=np.linspace(-5, 5, 180))
    fit = lmer(SLOPES, data, weights="w", offset="o", subset="Days != 4")
    other = lmer(SLOPES, data[data["Days"] != 4], weights="w", offset="o")
    assert fit.theta.equals(other.theta) and fit.beta.equals(other.beta)


def test_exclude_tells_of_dropped_rows_as_missing() -> None:
    data = sleep()
    data.loc[[3, 50], "Days"] = np.nan
    omitted, excluded = (lmer(SLOPES, data, na_action=action) for action in ("omit", "exclude"))
    assert excluded.theta.equals(omitted.theta) and excluded.X.equals(omitted.X)
    for name in ("fitted", "residuals"):
        said: pd.Series[Any] = getattr(excluded, name)()
        assert said.index.equals(data.index) and np.flatnonzero(said.isna()).tolist() == [3, 50]
        assert said.dropna().equals(getattr(omitted, name)())


@pytest.mark.parametrize("formula", [SLOPES, "Reaction ~ Days + (Days || Subject)", "Reaction ~ (1 | Subject)"])
@settings(deadline=None, max_examples=20)
@given(st.data())
def test_a_start_changes_nothing(formula: str, data: Any) -> None:
    fit = lmer(formula, sleep())
    diagonal = fit.design.template.diagonal
    sizes = [data.draw(st.floats(0 if on else -1e3, 1e3)) for on in diagonal]
    asked = data.draw(st.sampled_from([sizes, np.array(sizes), {"theta": sizes}, pd.Series(sizes, fit.theta.index)]))
    again = lmer(formula, sleep(), start=asked)
    assert again.theta.equals(fit.theta) and again.beta.equals(fit.beta) and again.criterion == fit.criterion


def test_a_singular_optimum_is_found_from_far_away() -> None:
    data = load("Dyestuff2").frame
    fit = lmer("Yield ~ 1 + (1 | Batch)", data, start=[3.0])
    assert fit.criterion <= lmer("Yield ~ 1 + (1 | Batch)", data).criterion + NOISE * 200


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ([1.0], "needs 3 values"),
        ([1, 0, 1, 1], "needs 3 values"),
        ([-1, 0, 1], r"theta of Subject\.\(Intercept\) is -1; it must be at least 0"),
        ([1, 0, np.nan], r"theta of Subject\.Days is nan"),
        ([1, np.inf, 1], "Days.\\(Intercept\\) is inf"),
        ([1e300, 0, 1], "1e\\+300"),
        ("abc", "give numbers"),
        (["a", "b", "c"], "give numbers"),
        ({"fixef": 1}, "start has fixef"),
        ({"theta": [1, 0, 1], "beta": 2}, "start has beta"),
        ([[1, 0, 1]], "needs 3 values"),
    ],
)
def test_what_is_no_start_is_one_line(start: Any, told: str) -> None:
    with pytest.raises(ModelError, match=told) as error:
        lmer(SLOPES, sleep(), start=start)
    assert str(error.value).startswith("start") and "\n" not in str(error.value)


def test_control_takes_checks_by_their_names() -> None:
    data = sleep().assign(day=lambda d: pd.Categorical(d["Days"]))
    refused = "Reaction ~ 1 + (0 + day | Subject)"
    with pytest.raises(ModelError, match=r"check\.nobs\.vs\.nRE"):
        lmer(refused, data)
    by_control = lmer(refused, data, control={"check.nobs.vs.nRE": "ignore"})
    by_checks = lmer(refused, data, checks={"check.nobs.vs.nRE": "ignore"})
    assert by_control.criterion == by_checks.criterion


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"control": {"optCtrl": {"maxfun": 10}}}, "'optCtrl' has no meaning here, where every optimum is found"),
        ({"control": {"optimizer": "bobyqa"}}, "'optimizer' has no meaning here"),
        ({"control": {"check.conv.grad": "ignore"}}, "'check.conv.grad' has no meaning here, where the fit tells"),
        ({"control": {"check.scaleX": "ignore"}}, "has no meaning"),
        ({"control": {"sparseX": True}}, "'sparseX' has no meaning here; the options are"),
        ({"control": {"tolerance": 1}}, "'tolerance' is not known"),
        ({"control": {"check.nobs.vs.nRE": "no"}}, "check.nobs.vs.nRE can be"),
        ({"control": "bobyqa"}, "control must be a mapping"),
        (
            {"control": {"check.nobs.vs.nRE": "stop"}, "checks": {"check.nobs.vs.nRE": "stop"}},
            "given by checks and by control",
        ),
    ],
)
def test_what_control_cannot_be_is_one_line(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=r".") as error:
        lmer(SLOPES, sleep(), **arguments)
    assert told in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("scale", [1e-100, 1e-5, 1.0, 3.0, 1e40])
@pytest.mark.parametrize("REML", [True, False])
def test_weighted_least_squares_without_random_terms(scale: float, REML: bool) -> None:
    """By the normal equations and the likelihood, of which the sum of log weights is part."""
    data = sleep()
    w = scale * (1.0 + data["Days"].to_numpy())
    X, y = np.column_stack([np.ones(180), data["Days"]]), data["Reaction"].to_numpy()
    A = X.T @ (w[:, None] / scale * X)
    beta = np.linalg.solve(A, X.T @ (w / scale * y))
    df = 178 if REML else 180
    sigma2 = float((w / scale * (y - X @ beta) ** 2).sum()) / df
    minus_2_loglik = df * (1 + np.log(2 * np.pi * sigma2)) - np.log(w / scale).sum() + REML * np.linalg.slogdet(A)[1]
    for method in ("pls", "qr", "gls"):
        fit = lmer("Reaction ~ Days", data, REML=REML, weights=w, method=method)
        # Two columns of condition 17: some hundred units in the last place.
        np.testing.assert_allclose(fit.beta, beta, rtol=1e-12)
        np.testing.assert_allclose(fit.sigma**2, sigma2 * scale, rtol=1e-12)
        np.testing.assert_allclose(fit.criterion, minus_2_loglik, rtol=1e-12)
        np.testing.assert_allclose(fit.V.diagonal(), sigma2 * scale / w, rtol=1e-12)
