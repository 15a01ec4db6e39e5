"""Exact laws of scale: weights, response and covariates times a constant, to the ends of the doubles."""

import numpy as np
import pandas as pd
import pytest
from bounds import REORDERED, SHIFTED_CRITERION
from hypothesis import given, settings
from hypothesis import strategies as st
from in_balls import criterion_in_balls

from relmer.datasets import load
from relmer.solver import Fit, ModelError, lmer

METHODS = ("pls", "qr", "gls")
MODELS = (
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("Machines", "score ~ Machine + (1 | Worker/Machine)"),
)


def weighted(dataset: str, formula: str, c: float, method: str, REML: bool) -> Fit:
    data = load(dataset).frame
    weights = np.random.default_rng(3).uniform(0.3, 3.0, len(data)) * c
    return lmer(formula, data, REML=REML, method=method, weights=weights)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("dataset", "formula"), MODELS)
@given(power=st.integers(-300, 300), REML=st.booleans())
@settings(max_examples=8, deadline=None)
def test_weights_times_a_constant(dataset: str, formula: str, method: str, power: int, REML: bool) -> None:
    """W -> cW is sigma^2 -> c sigma^2 in V = sigma^2 (ZTT'Z' + W^-1) with T -> T / sqrt(c): V is what it was.

    -log|W| gains n log c; log pwrss d log c; log|RX|^2 p log c; which cancel.
    """
    plain, moved = weighted(dataset, formula, 1.0, method, REML), weighted(dataset, formula, 10.0**power, method, REML)
    root = np.sqrt(10.0**power)
    assert moved.optimum.converged
    # log w is rounded to eps of up to 690 in n terms.
    assert abs(moved.criterion - plain.criterion) <= SHIFTED_CRITERION
    for name in ("beta", "se"):
        np.testing.assert_allclose(getattr(moved, name), getattr(plain, name), rtol=REORDERED)
    np.testing.assert_allclose(moved.fitted(), plain.fitted(), rtol=REORDERED)
    np.testing.assert_allclose(moved.theta * root, plain.theta, rtol=0, atol=REORDERED * plain.theta.max())
    assert moved.sigma / root == pytest.approx(plain.sigma, rel=REORDERED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [-12, -139, 30, 135])
@pytest.mark.parametrize("REML", [True, False])
def test_response_times_a_constant(power: int, method: str, REML: bool) -> None:
    data, c = load("sleepstudy").frame, 10.0**power
    plain = lmer("Reaction ~ Days + (Days | Subject)", data, REML=REML)
    moved = lmer("Reaction ~ Days + (Days | Subject)", data.assign(Reaction=data["Reaction"] * c), REML, method)
    d = 178 if REML else 180
    assert abs(moved.criterion - 2 * d * np.log(c) - plain.criterion) <= SHIFTED_CRITERION
    np.testing.assert_allclose(moved.theta, plain.theta, rtol=REORDERED)
    for name in ("beta", "se", "sigma"):
        np.testing.assert_allclose(getattr(moved, name) / c, getattr(plain, name), rtol=REORDERED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [-137, -40, 40, 137])
def test_covariate_times_a_constant(power: int, method: str) -> None:
    data, c = load("sleepstudy").frame, 10.0**power
    plain = lmer("Reaction ~ Days + (Days | Subject)", data)
    moved = lmer("Reaction ~ Days + (Days | Subject)", data.assign(Days=data["Days"] * c), method=method)
    assert abs(moved.criterion - 2 * np.log(c) - plain.criterion) <= SHIFTED_CRITERION
    np.testing.assert_allclose(moved.theta * [1, c, c], plain.theta, rtol=REORDERED)
    np.testing.assert_allclose(moved.beta * [1, c], plain.beta, rtol=REORDERED)
    np.testing.assert_allclose(moved.se * [1, c], plain.se, rtol=REORDERED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("formula", ["Reaction ~ Days + (1 | Subject)", "Reaction ~ 1 + (0 + Days | Subject)"])
@pytest.mark.parametrize("c", [1e154, 1e200, 1e300, 1e-154, 1e-200, 1e-300])
def test_numbers_whose_squares_are_none_are_refused(c: float, formula: str, method: str) -> None:
    data = load("sleepstudy").frame
    for name, said in (("Days", "Days"), ("Reaction", "the response")):
        with pytest.raises(ModelError, match=f"{said}.* it by a constant") as raised:
            lmer(formula, data.assign(**{name: data[name] * c}), method=method)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("method", METHODS)
def test_one_number_that_is_too_large(method: str) -> None:
    data = load("sleepstudy").frame
    y = data["Reaction"].where(data.index != data.index[7], 1e308)
    with pytest.raises(ModelError, match="the largest number of the response is 1e"):
        lmer("Reaction ~ Days + (Days | Subject)", data.assign(Reaction=y), method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [4, 8, 12, 16])
@pytest.mark.parametrize("kind", ["one row", "all rows"])
def test_uneven_weights_are_those_of_the_definition(power: int, kind: str, method: str) -> None:
    """1e-12 of the size of some 2000 is 2e-9."""
    data = load("sleepstudy").frame.iloc[:80]
    weights = 10.0 ** np.random.default_rng(5).uniform(-power / 2, power / 2, 80)
    if kind == "one row":
        weights = np.where(np.arange(80) == 11, 10.0**power, 1.0)
    fit = lmer("Reaction ~ Days + (Days | Subject)", data, method=method, weights=weights)
    assert fit.optimum.converged
    assert fit.optimum.unidentified == ()
    assert abs(criterion_in_balls(fit.design, fit.optimum.theta, True) - fit.criterion) <= 2e-9


def test_a_response_far_from_zero_keeps_its_residual() -> None:
    """What is left of a mean 1e9 times the residual has its own last digit: y - mean is exact in rationals."""
    random = np.random.default_rng(4)
    g = np.arange(60) % 6
    y = np.round(1e9 + random.normal(size=6)[g] + random.normal(size=60), 6)
    data = pd.DataFrame({"y": y, "g": g.astype(str)})
    for method in METHODS:
        fit = lmer("y ~ 1 + (1 | g)", data, method=method)
        assert abs(criterion_in_balls(fit.design, fit.optimum.theta, True) - fit.criterion) <= 1e-10


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("y", "w"), [(1e5, 1e300), (1e100, 1e200), (1e130, 1e300), (1.0, 1e306), (1e-8, 1e-300), (1e-100, 1e-200)]
)
def test_weights_that_leave_no_squares_are_refused(y: float, w: float, method: str) -> None:
    """Each is in range; what the criterion and sigma are made of, w y^2, is not."""
    data = load("Rail").frame
    weights = np.random.default_rng(2).uniform(0.5, 2.0, len(data)) * w
    with pytest.raises(ModelError, match=r"weights times the squared residual .* the weights by a const") as told:
        lmer("travel ~ 1 + (1 | Rail)", data.assign(travel=data["travel"] * y), weights=weights, method=method)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [30, 33, 60, 120, 290])
@pytest.mark.parametrize("seed", [1, 2])
def test_weights_too_uneven_for_doubles_are_refused_and_none_else(power: int, seed: int, method: str) -> None:
    data = load("Penicillin").frame.iloc[:70]
    weights = 10.0 ** np.random.default_rng(seed).uniform(-power / 2, power / 2, len(data))
    weights[[3, 40]] = 10.0 ** (-power / 2), 10.0 ** (power / 2)
    if power > 31:
        with pytest.raises(ModelError, match=r"weights from .* to .*: rounding hides the light rows") as told:
            lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data, method=method, weights=weights)
        assert "\n" not in str(told.value)
        return
    fit = lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data, method=method, weights=weights)
    assert fit.optimum.converged
    # 1e-12 of the size of some 2000.
    assert abs(criterion_in_balls(fit.design, fit.optimum.theta, True) - fit.criterion) <= 2e-9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("y", "x", "w"),
    [(1, 1e100, 1e200), (1, 1e-100, 1e-200), (1e100, 1e-130, 1), (1e-100, 1e130, 1), (1e100, 1e-130, 1e-200)],
)
def test_standard_errors_and_deviations_need_no_squares(y: float, x: float, w: float, method: str) -> None:
    """SE = sigma |row of RX^-1| and the deviations of slopes keep the laws of scale where variances are no doubles."""
    data = load("Orthodont").frame
    weights = np.random.default_rng(6).uniform(0.5, 2.0, len(data))
    plain = lmer("distance ~ age + (age | Subject)", data, weights=weights)
    moved = lmer(
        "distance ~ age + (age | Subject)",
        data.assign(distance=data["distance"] * y, age=data["age"] * x),
        method=method,
        weights=weights * w,
    )
    np.testing.assert_allclose(moved.se / y * [1, x], plain.se, rtol=REORDERED)
    sd, other = (each.VarCorr()["sdcor"].to_numpy() for each in (moved, plain))
    np.testing.assert_allclose(sd[:3] / [y, y / x, 1], other[:3], rtol=1e2 * REORDERED)
    assert moved.sigma / y / w**0.5 == pytest.approx(plain.sigma, rel=REORDERED)
