"""Document 003: lmm(form, dat, ref) against closed forms, the dense likelihood and the definition of its blocks."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE, LIKELIHOOD, SOLVED
from definition import generalized, minus_two_loglik
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import mixed_data

from relmer.datasets import load
from relmer.solver import ModelError, lmer, lmm, lmm_profile, lmm_setup, ols

MACHINES = (["Worker"], ["Worker", "Machine"])
REFS = ((["g"],), (["g"], ["g", "k"]), (["x", "g"], ["f"]), (["x"], "k"), (["g", "h", "f", "k", "x"],), (["o", "g"],))


def data_with_order(seed: int, rows: int) -> pd.DataFrame:
    data = mixed_data(seed, rows)
    data["o"] = pd.Categorical(
        data["k"].map({"u": "low", "v": "mid", "w": "high"}), ["low", "mid", "high"], ordered=True
    )
    return data


def block_by_hand(data: pd.DataFrame, names: list[str]) -> np.ndarray:
    """An indicator per combination of levels, the first factor running fastest, times the product of the numbers."""
    factors = [name for name in names if isinstance(data[name].dtype, pd.CategoricalDtype)]
    numbers = data[[name for name in names if name not in factors]].prod(axis=1).to_numpy()
    cells = product(*(data[name].cat.remove_unused_categories().cat.categories for name in reversed(factors)))
    columns = []
    for cell in cells:
        inside = np.ones(len(data), dtype=bool)
        for name, level in zip(reversed(factors), cell, strict=True):
            inside &= (data[name] == level).to_numpy()
        columns.append(inside * numbers)
    return np.column_stack(columns)


def marginal(data: pd.DataFrame, ref, theta) -> np.ndarray:
    V = np.exp(2 * theta[0]) * np.eye(len(data))
    for names, log_sd in zip(ref, theta[1:], strict=True):
        Z = block_by_hand(data, [names] if isinstance(names, str) else names)
        V += np.exp(2 * log_sd) * Z @ Z.T
    return V


def test_machines_is_the_closed_form_of_a_balanced_layout() -> None:
    """Six workers, three machines, three scores each.

    V has the eigenvalues sigma^2 (36 times), sigma^2 + 3 s_wm^2 (12: interaction and machines) and that plus 9 s_w^2
    (6: workers and mean); the maximum likelihood estimate of each is its sum of squares by that number.
    """
    data = load("Machines").frame
    cells = data.groupby(["Worker", "Machine"], observed=True)["score"].mean().unstack()
    assert cells.shape == (6, 3)
    within = (
        data.groupby(["Worker", "Machine"], observed=True)["score"].agg(lambda scores: scores.var(ddof=0) * 3).sum()
    )
    table = cells.to_numpy()
    worker, machine, mean = table.mean(axis=1, keepdims=True), table.mean(axis=0), table.mean()
    sigma2 = within / 36
    interaction = 3 * np.sum((table - worker - machine + mean) ** 2) / 12
    workers = 9 * np.sum((worker - mean) ** 2) / 6
    expected = np.log([sigma2, (workers - interaction) / 9, (interaction - sigma2) / 3]) / 2
    fit = lmm("score ~ Machine", data, MACHINES)
    np.testing.assert_allclose(fit.theta, expected, rtol=0, atol=SOLVED)
    np.testing.assert_allclose(fit.beta, [machine[0], *(machine[1:] - machine[0])], rtol=SOLVED)
    assert list(fit.theta.index) == ["sigma", "Worker", "Worker:Machine"]
    assert list(fit.beta.index) == ["(Intercept)", "MachineB", "MachineC"]
    assert fit.converged


def test_no_random_effects_is_least_squares() -> None:
    data = load("mtcars").frame
    fit, plain = lmm("mpg ~ wt + am", data), ols("mpg ~ wt + am", data)
    np.testing.assert_allclose(fit.beta, plain.betas, rtol=SOLVED)
    assert list(fit.theta.index) == ["sigma"]
    assert fit.theta["sigma"] == pytest.approx(np.log(plain.sigma2 * 29 / 32) / 2, abs=SOLVED)
    # -2 logLik(lm) of R 4.2.2, with the constant that the practical leaves out.
    assert 2 * fit.negative_loglik + 32 * np.log(2 * np.pi) == pytest.approx(160.02917141, abs=0.5e-8)


@given(st.integers(0, 2**32 - 1), st.integers(24, 50), st.sampled_from(REFS), st.data())
@settings(max_examples=40, deadline=None)
def test_profile_is_the_dense_likelihood_and_the_solution_its_maximum(seed: int, rows: int, ref, draw) -> None:
    data = data_with_order(seed, rows)
    setup = lmm_setup("y ~ x", data, ref)
    hand = [block_by_hand(data, [names] if isinstance(names, str) else names) for names in ref]
    np.testing.assert_allclose(setup.design.Z.toarray(), np.column_stack(hand), rtol=0, atol=DENSE)
    X, y = np.column_stack([np.ones(rows), data["x"]]), data["y"].to_numpy()
    fit = lmm("y ~ x", data, ref)
    assert fit.converged

    def dense(theta: np.ndarray) -> float:
        return (minus_two_loglik(X, marginal(data, ref, theta), y, REML=False) - rows * np.log(2 * np.pi)) / 2

    at_solution = dense(fit.theta.to_numpy())
    size = rows * (1 + abs(at_solution))
    assert abs(fit.negative_loglik - at_solution) <= LIKELIHOOD * size
    step = np.array(draw.draw(st.lists(st.floats(-1.0, 1.0), min_size=len(fit.theta), max_size=len(fit.theta))))
    near = np.where(np.isfinite(fit.theta), fit.theta, -3.0) + step
    assert lmm_profile(setup, near).negative_loglik == pytest.approx(dense(near), abs=LIKELIHOOD * size)
    assert dense(near) >= at_solution - LIKELIHOOD * size
    beta, _ = generalized(X, marginal(data, ref, near), y)
    np.testing.assert_allclose(lmm_profile(setup, near).beta, beta, rtol=0, atol=SOLVED * np.abs(beta).max())


@pytest.mark.parametrize("seed", [2, 45, 66, 69, 228])
def test_the_search_gets_past_an_inflection(seed: int) -> None:
    """A slope that X has as well: its variance is zero, and the start lies near an inflection of log(1 + a theta^2)."""
    data = data_with_order(seed, 45 if seed == 45 else 24 + seed % 27)
    fit = lmm("y ~ x", data, (["x"], "k"))
    assert fit.converged
    assert fit.theta["x"] == -np.inf


def test_a_variance_of_zero_is_minus_infinity() -> None:
    """Dyestuff2: the batches differ less than chance makes them, so sigma^2 is the total variance."""
    data = load("Dyestuff2").frame
    fit = lmm("Yield ~ 1", data, ["Batch"])
    assert fit.theta["Batch"] == -np.inf
    assert fit.theta["sigma"] == pytest.approx(np.log(data["Yield"].std(ddof=0)), abs=SOLVED)
    assert fit.beta["(Intercept)"] == pytest.approx(data["Yield"].mean(), rel=SOLVED)
    setup = lmm_setup("Yield ~ 1", data, ["Batch"])
    assert lmm_profile(setup, fit.theta).negative_loglik == fit.negative_loglik
    assert fit.negative_loglik < lmm_profile(setup, [fit.theta["sigma"], -1.0]).negative_loglik


def test_more_columns_than_rows() -> None:
    """Of 4 x 2 x 3 x 2 = 48 cells, 24 rows can fill half."""
    data = mixed_data(4, 24)
    ref = (["g", "h", "k", "f"],)
    setup = lmm_setup("y ~ x", data, ref)
    assert setup.design.Z.shape == (24, 48)
    fit = lmm("y ~ x", data, ref)
    X, y = np.column_stack([np.ones(24), data["x"]]), data["y"].to_numpy()
    finite = fit.theta.replace(-np.inf, -30.0).to_numpy()
    dense = minus_two_loglik(X, marginal(data, ref, finite), y, REML=False) - 24 * np.log(2 * np.pi)
    assert 2 * fit.negative_loglik == pytest.approx(dense, rel=SOLVED)


def test_the_qr_path_takes_more_random_effects_than_rows() -> None:
    formula = "y ~ x + (0 + f | g:h) + (1 | g:k)"
    fits = [lmer(formula, mixed_data(5, 24), method=name) for name in ("qr", "gls")]
    n, q = fits[0].Z.shape
    assert q > n
    assert fits[0].criterion == pytest.approx(fits[1].criterion, rel=SOLVED)


def test_the_same_model_by_lmer() -> None:
    fit = lmer("y ~ x + f + (1 | g) + (1 | k)", mixed_data(12, 60), REML=False)
    said = lmm("y ~ x + f", mixed_data(12, 60), [["g"], ["k"]])
    np.testing.assert_allclose(said.beta, fit.beta, rtol=SOLVED)
    expected = [fit.sigma, *np.sqrt(fit.VarCorr()["vcov"][:2])]
    np.testing.assert_allclose(np.exp(said.theta), expected, rtol=0, atol=SOLVED * max(expected))
    assert 2 * said.negative_loglik + 60 * np.log(2 * np.pi) == pytest.approx(fit.criterion, rel=SOLVED)


def test_order_of_rows_and_holes_change_nothing() -> None:
    data = mixed_data(21, 60)
    data["only_in_ref"] = data["g"]
    data.loc[[3, 17], "only_in_ref"] = np.nan
    data.loc[[9], "y"] = np.nan
    expected = lmm("y ~ x", data.dropna(), ["only_in_ref", ["only_in_ref", "f"]])
    shuffled = lmm("y ~ x", data.sample(frac=1.0, random_state=1), ["only_in_ref", ["only_in_ref", "f"]])
    np.testing.assert_allclose(shuffled.beta, expected.beta, rtol=SOLVED)
    np.testing.assert_allclose(np.exp(shuffled.theta), np.exp(expected.theta), rtol=0, atol=SOLVED)
    assert lmm_setup("y ~ x", data, ["only_in_ref"]).design.Z.shape == (57, 4)


@pytest.mark.parametrize(
    ("form", "ref", "message"),
    [
        ("y ~ x + (1 | g)", [], "form has a random term of g; name its variables in ref"),
        ("y ~ x", [[]], "ref has an empty list"),
        ("y ~ x", [["y"]], "ref names the response 'y'"),
        ("y ~ x", [["gg"]], "no column 'gg'; did you mean g"),
        ("y ~ x", [["zero", "g"]], "the block zero:g of ref is zero in every row"),
    ],
)
def test_lmm_refuses(form: str, ref, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        lmm(form, mixed_data(1, 30).assign(zero=0.0), ref)


@pytest.mark.parametrize("theta", [[0.0], [0.0, np.nan], [-np.inf, 0.0], [0.0, np.inf]])
def test_profile_refuses(theta) -> None:
    setup = lmm_setup("y ~ x", mixed_data(1, 30), ["g"])
    with pytest.raises(ModelError, match=r"^theta "):
        lmm_profile(setup, theta)
