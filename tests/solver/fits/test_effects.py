"""Conditional variances against their definition, and what is refused of effects, residuals and matrices."""

import numpy as np
import pandas as pd
import pytest

from relmer.solver import ModelError, fixef, isSingular, lmer, model_matrix, postVar, ranef, residuals

# Doubles lose 1e-16 a step in a few hundred steps, through systems whose condition is below 1e4.
CLOSE = 1e-10


def crossed(seed: int, n: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 5, n), random.integers(0, 4, n)
    y = random.normal(size=5)[a] + random.normal(size=4)[b] + random.normal(size=n)
    return pd.DataFrame({"y": y, "x": random.normal(size=n), "a": [f"a{k}" for k in a], "b": [f"b{k}" for k in b]})


@pytest.mark.parametrize("seed", range(5))
def test_conditional_variance_is_that_of_normal_variables(seed: int) -> None:
    """Var(b | y) = G - G Z' V^-1 Z G, written out; of one factor in two terms together."""
    data = crossed(seed, 60)
    weights = np.random.default_rng(seed + 100).uniform(0.5, 2.0, 60)
    fit = lmer("y ~ x + (1 | a) + (0 + x | a) + (1 | b)", data, weights=weights)
    G, Z, V = (each.toarray() for each in (fit.G, fit.Z, fit.V))
    whole = G - G @ Z.T @ np.linalg.solve(V, Z @ G)
    a, b = (len(set(data[name])) for name in "ab")
    places = {"a": np.column_stack([np.arange(a), a + np.arange(a)]), "b": 2 * a + np.arange(b)[:, None]}
    for group, blocks in postVar(fit).items():
        expected = np.array([whole[np.ix_(own, own)] for own in places[group]])
        np.testing.assert_allclose(blocks, expected, rtol=0, atol=CLOSE * np.abs(G).max())
    assert list(ranef(fit, condVar=True)["a"].columns) == [
        (kind, name) for kind in ("condval", "condsd") for name in ("(Intercept)", "x")
    ]


def test_without_random_effects_there_are_none() -> None:
    fit = lmer("y ~ x", crossed(1, 20))
    assert ranef(fit, condVar=True) == {} == postVar(fit)
    assert not isSingular(fit)
    assert model_matrix(fit, "random").shape == (20, 0)


def test_dropped_columns_keep_their_place() -> None:
    data = crossed(2, 40).assign(z=lambda d: 2 * d["x"], w=lambda d: d["x"] ** 2)
    fit = lmer("y ~ x + z + w + (1 | a)", data)
    assert list(fixef(fit).index) == ["(Intercept)", "x", "w"]
    assert fixef(fit, add_dropped=True).isna().to_dict() == {"(Intercept)": False, "x": False, "z": True, "w": False}


def test_what_is_refused_in_one_line() -> None:
    fit = lmer("y ~ x + (1 | a)", crossed(3, 40))
    with pytest.raises(ModelError, match=r"^type 'partial' is not known; choose response, working, pearson, deviance$"):
        residuals(fit, "partial")
    with pytest.raises(ModelError, match=r"^type 'Z' is not known; choose fixed, random or randomListRaw$"):
        model_matrix(fit, "Z")
    for bad in (-1, float("nan"), "small", True):
        with pytest.raises(ModelError, match=r"^tol is .*: give a number of at least 0$"):
            isSingular(fit, bad)
