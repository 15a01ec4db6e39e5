"""A search of many parameters has a budget, and says so where it is used up."""

import sys

import numpy as np
import pandas as pd
import pytest

from relmer.solver import lmer
from relmer.solver.search import Ending

# The face has the function of the same name.
MODULE = sys.modules["relmer.solver.search.optimise"]


def many() -> tuple[str, pd.DataFrame]:
    """Some 50 parameters on few rows, most of them zero at the minimum."""
    random = np.random.default_rng(3)
    n = 90
    data = pd.DataFrame({name: random.normal(size=n) for name in ("y", "x", "v", "z")})
    for name, levels in (("f", "pqr"), ("h", "ABCDE"), ("l", "abcdef")):
        data[name] = pd.Categorical(random.choice(list(levels), n))
    return "y ~ x + (x * f | h) + (z * v | l)", data


def test_descents_that_the_budget_does_not_cover_are_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    formula, data = many()
    whole = lmer(formula, data)
    monkeypatch.setattr(MODULE, "BUDGET", 0)
    first = lmer(formula, data)
    assert len(whole.theta) == 31
    assert first.optimum.evaluations < whole.optimum.evaluations
    assert whole.criterion <= first.criterion + 1e-9
    assert first.optimum.converged


def test_a_descent_that_takes_too_many_steps_is_broken_off_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    formula, data = many()
    monkeypatch.setattr(MODULE, "BUDGET", 0)
    monkeypatch.setattr(MODULE, "MAXIMUM_STEPS", 3)
    fit = lmer(formula, data)
    assert fit.optimum.ending is Ending.EXHAUSTED
    assert not fit.optimum.converged
    assert np.isfinite(fit.criterion)
