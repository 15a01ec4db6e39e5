"""Profile intervals: closed forms, and the definition's deviance minimised under the constraint by another program."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from relmer.datasets import load
from relmer.solver import ModelError, confint, lmer, profile, refit
from relmer.solver.fits import profile_ends

Z = 1.959963984540054
Q = Z**2
# Ends are roots to ten digits.
TEN = 1e-10


def roots(rise, best: float, low: float, high: float) -> list[float]:
    """Where a profile has risen by Q on both sides; a lower end that has not is `low`."""
    first = low if rise(low) <= Q else optimize.brentq(lambda v: rise(v) - Q, low, best, xtol=1e-14, rtol=1e-14)
    return [first, optimize.brentq(lambda v: rise(v) - Q, best, high, xtol=1e-14, rtol=1e-14)]


@st.composite
def one_way(draw) -> pd.DataFrame:
    """A balanced one-way layout, the groups apart or not."""
    seed, groups, times = draw(st.integers(0, 2**32 - 1)), draw(st.integers(3, 7)), draw(st.integers(2, 6))
    rng = np.random.default_rng(seed)
    spread = draw(st.sampled_from([0.0, 0.5, 2.0]))
    g = np.repeat(np.arange(groups), times)
    y = rng.normal(size=groups)[g] * spread + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "g": g})


@settings(max_examples=6, deadline=None)
@given(one_way())
def test_balanced_one_way(data: pd.DataFrame) -> None:
    # -2 loglik = I(J - 1) log s2 + W / s2 + I log l + (B + IJ (b - mean)^2) / l with l = s2 + J t2.
    grouped = data.groupby("g")["y"]
    I, J = grouped.ngroups, len(data) // grouped.ngroups
    mean, B = data["y"].mean(), J * ((grouped.mean() - data["y"].mean()) ** 2).sum()
    W = ((data["y"] - grouped.transform("mean")) ** 2).sum()

    def value(s2: float, l: float, extra: float = 0.0) -> float:
        return I * (J - 1) * math.log(s2) + W / s2 + I * math.log(l) + (B + extra) / l

    def over_both(extra: float) -> float:
        s2, l = W / (I * (J - 1)), (B + extra) / I
        if l < s2:
            s2 = l = (W + B + extra) / (I * J)
        return value(s2, l, extra)

    least = over_both(0.0)
    s2 = min(W / (I * (J - 1)), (W + B) / (I * J))

    def of_sigma(sigma: float) -> float:
        return value(sigma**2, max(sigma**2, B / I)) - least

    def of_mean(b: float) -> float:
        return over_both(I * J * (b - mean) ** 2) - least

    found = confint(lmer("y ~ 1 + (1 | g)", data, REML=False), method="profile")
    top = 100 * math.sqrt(s2)
    np.testing.assert_allclose(found.loc[".sigma"], roots(of_sigma, math.sqrt(s2), math.sqrt(s2) / 50, top), rtol=TEN)
    far = 1e3 * math.sqrt(B + W)
    # Relative to the width: a mean may be any number.
    expected = np.array(roots(of_mean, mean, mean - far, mean + far))
    np.testing.assert_allclose(found.loc["(Intercept)"], expected, atol=TEN * np.ptp(expected), rtol=0)
    # The SD's ends: the deviance's least over s2, by a search in one dimension, where its value is known to 1e-12.
    for end in found.loc[".sig01"]:
        other = optimize.minimize_scalar(
            lambda log, end: value(math.exp(log), math.exp(log) + J * end**2),
            args=(end,),
            bounds=(math.log(s2) - 4, math.log(s2) + 4),
            method="bounded",
            options={"xatol": 1e-9},
        )
        if end == 0:
            assert other.fun - least <= Q + 1e-9
            assert found.attrs["boundary"] == (".sig01",)
        else:
            assert other.fun - least == pytest.approx(Q, abs=1e-9)


def test_without_random_effects_as_in_closed_form() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": np.arange(12.0), "y": rng.normal(size=12)})
    fit = lmer("y ~ x", data, REML=False)
    found = confint(fit, method="profile", parm="x")
    Sxx = ((data["x"] - data["x"].mean()) ** 2).sum()
    b = ((data["x"] - data["x"].mean()) * data["y"]).sum() / Sxx
    rss = ((data["y"] - data["y"].mean() - b * (data["x"] - data["x"].mean())) ** 2).sum()
    half = math.sqrt(rss / Sxx * math.expm1(Q / 12))
    np.testing.assert_allclose(found.loc["x"], [b - half, b + half], rtol=TEN)


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_slopes_against_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(8), 6), np.tile(np.arange(6.0), 8)
    b = rng.normal(size=(8, 2))
    data = pd.DataFrame({"y": b[g, 0] + x * b[g, 1] + rng.normal(size=48), "x": x, "g": g})
    X, Z = np.column_stack([np.ones(6), x[:6]]), np.column_stack([np.ones(6), x[:6]])
    Y = data["y"].to_numpy().reshape(8, 6)

    def deviance(par: np.ndarray) -> float:
        s1, s2, rho, sigma = np.exp(par[0]), np.exp(par[1]), np.tanh(par[2]), np.exp(par[3])
        G = np.array([[s1**2, rho * s1 * s2], [rho * s1 * s2, s2**2]])
        V = Z @ G @ Z.T + sigma**2 * np.eye(6)
        if np.linalg.cond(V) > 1e12:
            return math.inf
        inverse, P = np.linalg.inv(V), np.linalg.inv(V) @ X
        e = Y - X @ np.linalg.solve(8 * X.T @ P, P.T @ Y.sum(axis=0))
        return 8 * (6 * math.log(2 * math.pi) + np.linalg.slogdet(V)[1]) + float(np.einsum("gi,ij,gj", e, inverse, e))

    fit = lmer("y ~ x + (x | g)", data, REML=False)
    found = confint(fit, method="profile", parm="theta_")
    inside = (math.log, math.atanh, math.log, math.log)
    order = (0, 2, 1, 3)
    for ends, change, place in zip(found.to_numpy(), inside, order, strict=True):
        for end in ends:
            if end in (0.0, -1.0, 1.0):
                continue
            at = change(end)
            fixed = lambda rest, place=place, at=at: deviance(np.insert(rest, place, at))  # noqa: E731
            ends_of_search = [
                optimize.minimize(fixed, np.delete(start, place), method="BFGS")
                for start in (np.zeros(4), np.array([0.0, 0.0, 0.7, 0.0]), np.array([0.0, 0.0, -0.7, 0.0]))
            ]
            # A correlation on its way to 1 is flat in atanh: the simplex goes on where differences give no slope.
            lowest = min(ends_of_search, key=lambda found: found.fun).x
            least = optimize.minimize(fixed, lowest, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).fun
            # The profile's last step promises 1e-9 of the deviance; the simplex ends at 1e-12, within rounding of 1e2.
            assert least - fit.criterion == pytest.approx(Q, abs=2e-9)


def test_names_and_refusals() -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    assert [own.name for own in profile(fit).parameters][:4] == [
        "sd_(Intercept)|Subject",
        "cor_Days.(Intercept)|Subject",
        "sd_Days|Subject",
        "sigma",
    ]
    assert list(fit.confint(parm="beta_").index) == ["(Intercept)", "Days"]
    assert fit.confint().loc[".sigma"].isna().all()
    for bad, said in (({"method": "exact"}, "exact"), ({"level": 95}, "level"), ({"parm": "days"}, "days")):
        with pytest.raises(ModelError, match=said):
            fit.confint(**bad)
    with pytest.raises(ModelError, match="cs"):
        lmer("Reaction ~ Days + cs(Days | Subject)", load("sleepstudy").frame).profile()
    with pytest.raises(ModelError, match="flat"):
        lmer("Reaction ~ Days + (1 | Subject) + (Days | Subject)", load("sleepstudy").frame).profile()


@pytest.mark.parametrize(
    ("formula", "REML"), [("y ~ x + z + (x | g)", True), ("y ~ 1 + (1 | g)", False), ("y ~ 0 + z + (1 | g)", True)]
)
def test_many_responses_have_the_ends_of_each(formula: str, REML: bool) -> None:
    rng = np.random.default_rng(5)
    g, x = np.divmod(np.arange(30), 5)
    data = pd.DataFrame({"y": rng.normal(size=30), "x": x.astype(float), "z": (g > 2).astype(float), "g": g})
    fit = lmer(formula, data, REML=REML)
    Y = rng.normal(size=(30, 5)) + rng.normal(size=(6, 5))[g] + 1e3
    # One that has no residual variance has no fit, and no ends; one far out is as any other.
    Y[:, 3], Y[:, 4] = 2.0, 1e6 * Y[:, 4]
    lower, upper = profile_ends(fit, Y, 0.9)
    assert np.isnan(lower[3]).all() and np.isnan(upper[3]).all()
    for k in (0, 2, 4):
        one = confint(refit(fit, Y[:, k]), 0.9, "profile", "beta_").to_numpy()
        np.testing.assert_allclose(np.column_stack([lower[k], upper[k]]), one, atol=TEN * np.ptp(one), rtol=0)
