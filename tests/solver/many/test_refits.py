"""Many responses side by side: the same minima as one by one, and the definition's criterion at them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from definition import minus_two_loglik
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import load
from relmer.solver import Fit, ModelError, lmer, refit, simulate
from relmer.solver.fits import at_theta
from relmer.solver.many import rows as rows_of

# Twelve digits, as the search of one response has them; of the definition, eps times V's condition and its n terms.
DIGITS, DEFINED = 1e-12, 1e-10
# Around a regular minimum the criterion is a parabola: rounding of it by 1e-13 moves theta by the root, but derivatives
# are searched, whose rounding moves it by itself times the inverse of the curvature.
THETA = 1e-9


@dataclass(frozen=True)
class Drawn:
    """A design of a kind, with weights and an offset or none."""

    formula: str
    data: pd.DataFrame
    weighted: bool

    def fit(self, REML: bool) -> Fit:
        """The fit of its own response."""
        extra = {"weights": "w", "offset": "o"} if self.weighted else {}
        return lmer(self.formula, self.data, REML=REML, **extra)


KINDS = {
    "intercepts": "y ~ x + (1 | g)",
    "slopes": "y ~ x + (x | g)",
    "uncorrelated": "y ~ x + (x || g)",
    "wide": "y ~ x + f + (f | g)",
    "nested": "y ~ x + (1 | g / h)",
    "crossed": "y ~ f + (1 | g) + (1 | k)",
    "crossed slopes": "y ~ x + (x | g) + (1 | k)",
    "no fixed effects": "y ~ 0 + (1 | g)",
}


@st.composite
def designs(draw) -> Drawn:
    """Of every kind, balanced or with rows lost, weighted or not."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    groups, times = draw(st.integers(4, 9)), draw(st.integers(5, 8))
    data = pd.DataFrame({"g": np.repeat(np.arange(groups), times), "k": np.tile(np.arange(times), groups)})
    data["h"] = data["k"] // 2
    data["f"] = np.array(["a", "b", "c"])[data["k"] % 3]
    data["x"] = data["k"].astype(float) if draw(st.booleans()) else rng.normal(size=len(data))
    data["y"] = rng.normal(size=len(data)) + rng.normal(size=groups)[data["g"]]
    data["w"], data["o"] = rng.uniform(0.5, 2.0, len(data)), rng.normal(size=len(data))
    if draw(st.booleans()):
        data = data.drop(index=rng.choice(len(data), 3, replace=False)).reset_index(drop=True)
    for name in ("g", "h", "k", "f"):
        data[name] = pd.Categorical(data[name].astype(str))
    return Drawn(KINDS[draw(st.sampled_from(sorted(KINDS)))], data, draw(st.booleans()))


@settings(max_examples=40, deadline=None)
@given(designs(), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_minima_are_those_of_one_by_one(drawn: Drawn, REML: bool, seed: int) -> None:
    fit = drawn.fit(REML)
    rng = np.random.default_rng(seed)
    n = len(drawn.data)
    # Of the model, without any effects, and with tails: many are singular.
    Y = np.hstack([simulate(fit, 3, seed), rng.normal(size=(n, 3)), rng.standard_t(2, size=(n, 2)) * 1e6])
    found = refit(fit, Y)
    assert len(found) == 8 and not found.failures
    for k in range(8):
        one = refit(fit, Y[:, k])
        size = max(1.0, abs(one.criterion))
        assert found.criterion[k] <= one.criterion + DIGITS * size
        if not one.optimum.converged or found.criterion[k] < one.criterion - DIGITS * size:
            continue
        assert found.converged[k]
        assert found.singular[k] == one.singular
        if not one.singular and not one.optimum.unidentified:
            np.testing.assert_allclose(found.theta.iloc[k], one.theta, atol=THETA)
            np.testing.assert_allclose(found.sigma[k], one.sigma, rtol=THETA)
            np.testing.assert_allclose(
                found.beta.iloc[k], one.beta, atol=THETA * float(one.se.max() if len(one.se) else 1)
            )
            np.testing.assert_allclose(found.se.iloc[k], one.se, rtol=10 * THETA)


@settings(max_examples=15, deadline=None)
@given(designs(), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_criterion_is_that_of_the_definition(drawn: Drawn, REML: bool, seed: int) -> None:
    fit = drawn.fit(REML)
    Y = simulate(fit, 3, seed)
    found = refit(fit, Y)
    for k in range(3):
        at = at_theta(refit(fit, Y.iloc[:, k]), found.theta.iloc[k])
        offset = 0.0 if at.design.offset is None else at.design.offset
        defined = minus_two_loglik(at.design.X, at.V.toarray(), Y.iloc[:, k].to_numpy() - offset, REML)
        assert found.criterion[k] == pytest.approx(defined, rel=DEFINED, abs=DEFINED)


def test_ten_thousand_of_sleepstudy_in_pieces_are_those_of_one_piece(monkeypatch) -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    Y = simulate(fit, 300, seed=3)
    whole = refit(fit, Y)
    assert whole.alone == 0 and whole.converged.all()
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(rows_of, "AT_ONCE", 2**13)
    pieces = refit(fit, Y, progress=lambda done, of: told.append((done, of)))
    assert len(told) > 5 and told[-1] == (300, 300)
    np.testing.assert_allclose(pieces.criterion, whole.criterion, rtol=DIGITS)
    np.testing.assert_allclose(pieces.theta, whole.theta, atol=THETA)


def test_a_response_without_residual_is_that_response_s_failure() -> None:
    data = load("sleepstudy").frame
    fit = lmer("Reaction ~ Days + (1 | Subject)", data)
    Y = simulate(fit, 5, seed=1).to_numpy().copy()
    Y[:, 2] = 2.0 + 3.0 * data["Days"]
    found = refit(fit, Y)
    assert list(found.failures) == [2] and "residual" in found.failures[2]
    assert np.isnan(found.criterion[2]) and not found.converged[2]
    assert found.converged.drop(2).all() and np.isfinite(found.beta.drop(2)).all(axis=None)


@pytest.mark.parametrize("power", [-140, -70, -20, 20, 70, 135])
def test_units_of_a_response_change_its_units_alone(power: int) -> None:
    """-2 log-likelihood of c y is that of y and 2 d log c; theta stays, beta and sigma are c times as large."""
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    y, c = simulate(fit, 1, seed=5).to_numpy(), 10.0**power
    plain, scaled = refit(fit, y), refit(fit, c * y)
    np.testing.assert_allclose(scaled.theta, plain.theta, atol=THETA)
    np.testing.assert_allclose(scaled.sigma, c * plain.sigma, rtol=THETA)
    np.testing.assert_allclose(scaled.criterion, plain.criterion + 2 * 178 * np.log(c), rtol=DIGITS)


def test_models_for_which_each_response_goes_by_itself() -> None:
    """A structure, and a least-squares fit without a bar."""
    data = load("sleepstudy").frame
    for formula in ("Reaction ~ Days + cs(Days | Subject)", "Reaction ~ Days"):
        fit = lmer(formula, data)
        Y = simulate(fit, 2, seed=1)
        found = refit(fit, Y)
        assert found.alone == 2
        assert found.criterion[1] == refit(fit, Y.iloc[:, 1]).criterion
    assert len(refit(fit, np.empty((180, 0)))) == 0


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros(3), "the response has shape (3,); the model has 180 rows: give (180,) or (180, m)"),
        (np.full((180, 2), np.nan), "the response is nan in row 0 of response 0"),
        (["a"] * 180, "the response is not made of numbers"),
        (pd.Series(np.zeros(180), index=range(5, 185)), "the response's labels are not those of the rows"),
    ],
)
def test_what_is_no_response_is_refused(y, words: str) -> None:
    fit = lmer("Reaction ~ Days + (1 | Subject)", load("sleepstudy").frame)
    with pytest.raises(ModelError) as refused:
        refit(fit, y)
    assert words in str(refused.value)


def test_a_series_goes_by_its_labels() -> None:
    data = load("sleepstudy").frame
    fit = lmer("Reaction ~ Days + (1 | Subject)", data)
    y = 2.0 * data["Reaction"]
    mixed = y.sample(frac=1.0, random_state=1)
    assert refit(fit, mixed).criterion == refit(fit, y).criterion
    assert refit(fit, mixed).frame.y.tolist() == y.tolist()
