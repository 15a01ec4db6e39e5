"""Input without an answer gets a diagnosis; where only part of the answer is undetermined, the rest is right."""

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import Fit, ModelError, lmer
from relmer.solver.documents.regression import ols

METHODS = ("pls", "qr", "gls")


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    g, h = random.integers(0, 6, 60), random.integers(0, 4, 60)
    return pd.DataFrame(
        {"x": random.normal(size=60), "g": g.astype(str), "h": h.astype(str), "u": random.normal(size=6)[g]}
    )


def refused(formula: str, data: pd.DataFrame, method: str) -> str:
    with pytest.raises(ModelError) as raised:
        lmer(formula, data, method=method)
    return str(raised.value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("formula", "response"),
    [
        ("y ~ 1 + (1 | g)", "u"),
        ("y ~ x + (1 | g)", "u + x"),
        ("y ~ x + (x | g)", "u + x * u"),
        ("y ~ 1 + (1 | g) + (1 | h)", "u + 3 * (h == '1')"),
        ("y ~ 0 + (1 | g)", "0 * u + 5"),
    ],
)
def test_random_effects_that_fit_perfectly(formula: str, response: str, method: str) -> None:
    data = frame()
    data["y"] = data.eval(response)
    message = refused(formula, data, method)
    assert "without residual" in message
    assert "\n" not in message


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("formula", "value"), [("y ~ 1 + (1 | g)", 5.0), ("y ~ x + (x | g)", 0.0)])
def test_a_constant_response(formula: str, value: float, method: str) -> None:
    assert "the fixed effects fit the response without residual" in refused(formula, frame().assign(y=value), method)


def test_weights_of_zero() -> None:
    data = frame().assign(y=1.0)
    with pytest.raises(ModelError, match="weights: zero in 1 row"):
        lmer("y ~ x + (1 | g)", data, weights=np.arange(60.0))


@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-7])
def test_a_small_residual_is_not_a_perfect_fit(noise: float) -> None:
    """A residual of 1e-7 of the random effects still has its digits: sigma^2 is the mean square within, exactly."""
    data = frame().sort_values("g").reset_index(drop=True).iloc[:54]
    residual = np.random.default_rng(1).normal(size=54) * noise
    data["y"] = data["u"] + residual
    fit = lmer("y ~ 1 + (1 | g)", data)
    within = data["y"] - data.groupby("g")["y"].transform("mean")
    assert fit.optimum.converged
    # sigma^2 differs from the mean square within by the share of the random effects, of the order of noise^2; it is a
    # sum of 54 squares of residuals, each known to some eps of y, eps / noise of itself.
    expected = (within**2).sum() / (54 - data["g"].nunique())
    assert fit.sigma**2 == pytest.approx(expected, rel=10 * noise**2 + 1e3 * 2.0**-52 / noise, abs=0)


def same_where_it_is_identified(fit: Fit, plain: Fit) -> None:
    assert fit.optimum.converged
    assert fit.criterion == pytest.approx(plain.criterion, rel=tolerances.CRITERION)
    V = plain.V.toarray()
    np.testing.assert_allclose(fit.V.toarray(), V, rtol=0, atol=SOLVED * V.max())
    np.testing.assert_allclose(fit.beta, plain.beta, rtol=SOLVED)
    np.testing.assert_allclose(fit.vcov, plain.vcov, rtol=0, atol=SOLVED * plain.vcov.to_numpy().max())


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(
    ("formula", "plain", "names"),
    [
        ("(1 | Subject) + (Days | Subject)", "(Days | Subject)", ("Subject.(Intercept)", "Subject.1.(Intercept)")),
        ("(1 | Subject) + (1 | Subject)", "(1 | Subject)", ("Subject.(Intercept)", "Subject.1.(Intercept)")),
        ("(Days | Subject) + (0 + Days | Subject)", "(Days | Subject)", ("Subject.Days", "Subject.1.Days")),
    ],
)
def test_terms_that_the_data_cannot_tell_apart(formula: str, plain: str, names: tuple[str, ...], REML: bool) -> None:
    data = load("sleepstudy").frame
    fit, other = (lmer(f"Reaction ~ Days + {terms}", data, REML=REML) for terms in (formula, plain))
    assert fit.optimum.unidentified == (names,)
    assert other.optimum.unidentified == ()
    same_where_it_is_identified(fit, other)


@pytest.mark.parametrize("terms", ["(1 | Subject)", "(Days | Subject)"])
def test_a_variance_that_fixed_effects_take(terms: str) -> None:
    """With a coefficient for every level REML sees nothing of the variances; ML does, and finds them zero."""
    data = load("sleepstudy").frame
    formula = f"Reaction ~ Subject * Days + {terms}"
    REML, ML = lmer(formula, data), lmer(formula, data, REML=False)
    assert {name for names in REML.optimum.unidentified for name in names} == set(REML.theta.index)
    assert ML.optimum.unidentified == ()
    np.testing.assert_array_equal(ML.theta, 0.0)
    plain = ols("Reaction ~ Subject * Days", data)
    assert REML.sigma**2 == pytest.approx(plain.sigma2, rel=SOLVED)
    np.testing.assert_allclose(REML.beta, plain.betas, rtol=SOLVED)


def test_crossed_factors_that_are_one() -> None:
    """A factor and its relabelled copy: the largest structure cannot tell them apart either."""
    data = load("sleepstudy").frame
    random = np.random.default_rng(2)
    data["k"] = random.integers(0, 5, len(data)).astype(str)
    data["copy"] = data["Subject"].astype(str).str[::-1]
    fit = lmer("Reaction ~ Days + (1 | Subject) + (1 | copy) + (1 | k)", data)
    assert fit.optimum.unidentified == (("Subject.(Intercept)", "copy.(Intercept)"),)
    same_where_it_is_identified(fit, lmer("Reaction ~ Days + (1 | Subject) + (1 | k)", data))


def test_a_variance_that_the_residual_hides() -> None:
    """A slope that is one in a single row of each level is another residual there, but not elsewhere: identified."""
    data = load("sleepstudy").frame
    data["first"] = (data["Days"] == 0).astype(float)
    fit = lmer("Reaction ~ Days + (1 | Subject) + (0 + first | Subject)", data)
    assert fit.optimum.unidentified == ()
