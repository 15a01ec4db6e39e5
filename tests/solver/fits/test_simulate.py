"""What is drawn from a model: its moments, by tests with a stated rate of false alarms, and its seeds."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from relmer.datasets import load
from relmer.solver import ModelError, bootstrap, lmer, simulate

# Rate of false alarms of each test of moments; seeds are fixed, so that it alarms always or never.
ALARM = 1e-4
DRAWS = 4000


@pytest.fixture(scope="module")
def fit():
    data = load("sleepstudy").frame.copy()
    data["w"] = np.linspace(0.5, 2.0, len(data))
    data["o"] = np.arange(len(data)) / 10.0
    return lmer("Reaction ~ Days + (Days | Subject)", data, weights="w", offset="o")


def quadratic(drawn: np.ndarray, mean: np.ndarray, V: np.ndarray) -> np.ndarray:
    """(y - mean)'V^-1 (y - mean) of every draw, chi squared with n degrees of freedom if these are its moments."""
    half = np.linalg.solve(np.linalg.cholesky(V), drawn - mean[:, None])
    return np.asarray((half**2).sum(axis=0))


def alarms(squares: np.ndarray, n: int) -> bool:
    """Whether their sum is too large or too small."""
    level = stats.chi2.cdf(squares.sum(), n * len(squares))
    return not ALARM / 2 < level < 1 - ALARM / 2


def test_new_effects_have_the_moments_of_V(fit) -> None:
    mean = fit.design.X @ fit.solution.beta + fit.design.offset
    drawn = simulate(fit, DRAWS, seed=20).to_numpy()
    assert not alarms(quadratic(drawn, mean, fit.V.toarray()), len(mean))
    # A standard deviation in the place of a variance, or no weights, is seen.
    assert alarms(quadratic(drawn, mean, fit.V.toarray() / fit.sigma), len(mean))
    unweighted = fit.V.toarray() - fit.R.toarray() + fit.sigma**2 * np.eye(len(mean))
    assert alarms(quadratic(drawn, mean, unweighted), len(mean))
    whitened = np.linalg.solve(np.linalg.cholesky(fit.V.toarray()), drawn.mean(axis=1) - mean) * np.sqrt(DRAWS)
    assert not alarms(whitened**2, 1)


def test_kept_effects_leave_the_residual_alone(fit) -> None:
    drawn = simulate(fit, DRAWS, seed=21, re_form=None).to_numpy()
    assert not alarms(quadratic(drawn, fit.mu, fit.R.toarray()), len(fit.mu))


def test_some_effects_are_kept_and_the_others_are_new() -> None:
    data = load("Penicillin").frame.assign(w=lambda d: np.linspace(0.5, 2.0, len(d)))
    fit = lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data, weights="w")
    drawn = simulate(fit, DRAWS, seed=23, re_form="~ (1 | sample)").to_numpy()
    Z, kept = fit.Z.toarray(), np.arange(30) >= 24
    mean = fit.design.X @ fit.solution.beta + Z[:, kept] @ fit.b.to_numpy()[kept]
    V = Z[:, ~kept] @ fit.G.toarray()[np.ix_(~kept, ~kept)] @ Z[:, ~kept].T + fit.R.toarray()
    assert not alarms(quadratic(drawn, mean, V), len(mean))
    # With the effects of the samples drawn, too, it is not.
    assert alarms(quadratic(simulate(fit, DRAWS, seed=23).to_numpy(), mean, V), len(mean))
    assert simulate(fit, 3, seed=1, re_form="~ (1 | sample) + (1 | plate)").equals(
        simulate(fit, 3, seed=1, re_form=None)
    )


def test_other_parameters(fit) -> None:
    given = {"theta": [0.5, 0.1, 0.2], "beta": [1.0, -1.0], "sigma": 3.0}
    drawn = simulate(fit, DRAWS, seed=22, newparams=given).to_numpy()
    G = 9.0 * np.array([[0.25, 0.05], [0.05, 0.05]])
    Z = fit.Z.toarray()
    V = Z @ np.kron(np.eye(18), G) @ Z.T + 9.0 * np.diag(1.0 / fit.design.weights)
    mean = fit.design.X @ [1.0, -1.0] + fit.design.offset
    assert not alarms(quadratic(drawn, mean, V), len(mean))


def test_a_draw_depends_on_the_seed_and_its_number_alone(fit) -> None:
    whole = simulate(fit, 300, seed=7)
    pd.testing.assert_frame_equal(simulate(fit, 70, seed=7), whole.iloc[:, :70])
    assert not simulate(fit, 1, seed=8).equals(whole.iloc[:, :1])
    assert not simulate(fit, 1).equals(simulate(fit, 1))
    assert list(whole.columns[:2]) == ["sim_1", "sim_2"]


def test_another_process_draws_the_same() -> None:
    program = (
        "from relmer.datasets import load\nfrom relmer.solver import lmer, simulate\n"
        "fit = lmer('Yield ~ 1 + (1 | Batch)', load('Dyestuff').frame)\n"
        "print(simulate(fit, 3, seed=5).to_csv())"
    )
    told = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120).stdout
        for _ in range(2)
    ]
    fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    assert told == [f"{simulate(fit, 3, seed=5).to_csv()}\n"] * 2


def test_the_bootstrap_of_a_balanced_layout_is_that_of_the_mean_squares() -> None:
    """One way, REML is the ANOVA estimate where that is positive, draw by draw."""
    fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    found = bootstrap(fit, 2000, seed=9)
    y = simulate(fit, 2000, seed=9).to_numpy().reshape(6, 5, -1)
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=(0, 1)) / 24
    between = 5 * y.mean(axis=1).var(axis=0, ddof=1)
    # Where the mean square between is larger, the ANOVA estimates are those of REML (Searle et al. 1992, 3.8).
    regular = between > within
    np.testing.assert_array_equal(found.singular, ~regular)
    np.testing.assert_allclose(found.sigma[regular] ** 2, within[regular], rtol=1e-9)
    np.testing.assert_allclose(
        (found.theta.iloc[:, 0] * found.sigma)[regular] ** 2, ((between - within) / 5)[regular], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"nsim": -1}, "nsim is -1: give a whole number of at least 0"),
        ({"nsim": 2.5}, "nsim is 2.5"),
        ({"seed": "x"}, "seed is 'x'"),
        (
            {"re_form": "~(1|Subject)"},
            "re_form has the term ((Intercept) | Subject), which the model has not",
        ),
        ({"re_form": "all"}, "re_form is 'all': give None for all random effects, '~0' for none, or '~ (1 | g)'"),
        ({"newparams": {"tau": 1}}, "newparams has 'tau': it may have theta, beta, sigma"),
        ({"newparams": {"beta": [1.0]}}, "newparams: beta needs 2 numbers: (Intercept), Days"),
        ({"newparams": {"sigma": -1.0}}, "newparams: sigma is -1.0"),
        ({"newparams": {"theta": [1.0]}}, "theta"),
    ],
)
def test_what_is_none_is_refused(fit, arguments, words: str) -> None:
    with pytest.raises(ModelError) as refused:
        simulate(fit, **arguments)
    assert words in str(refused.value)
