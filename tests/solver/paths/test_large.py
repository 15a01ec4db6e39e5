"""The criterion where theta drowns the residual, against balls: covariates in Hz and in seconds since 1970."""

import numpy as np
import pandas as pd
import pytest
from in_balls import criterion_in_balls

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import ModelError
from relmer.solver.language import build, model_frame, parse
from relmer.solver.paths import criterion, prepare, size, solve_at

UNITS = [(1e3, 0.0), (1e6, 0.0), (1e9, 0.0), (2.4e9, 0.0), (1e12, 0.0), (1.0, 1.7e9), (3600.0, 1.7e9), (1e6, 1e9)]
TERMS = ["(Days | Subject)", "(Days || Subject)", "(0 + Days | Subject)", "(Days | Subject) + (1 | k)"]


def design(term: str, scale: float, shift: float, fixed: str = "Days"):
    data = load("sleepstudy").frame.iloc[:80]
    data = data.assign(Days=data["Days"] * scale + shift, k=pd.Categorical(np.arange(80) % 7))
    return build(model_frame(parse(f"Reaction ~ {fixed} + {term}"), data))


@pytest.mark.parametrize("fixed", ["1", "Days"])
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize(("scale", "shift"), UNITS)
def test_shared_theta_is_right_by_every_path(scale: float, shift: float, term: str, fixed: str) -> None:
    """1e-12 of the size of the criterion, the bound of rung 3, or one line that refuses this theta."""
    made = design(term, scale, shift, fixed)
    diagonal = made.template.diagonal
    for theta in (np.where(diagonal, 1.0, 0.0), np.ones(len(diagonal)), np.where(diagonal, 0.5, -0.7)):
        expected = criterion_in_balls(made, theta, True)
        for method in ("pls", "qr", "gls"):
            at = solve_at(prepare(made, method), theta)
            assert abs(criterion(made, at, True) - expected) <= tolerances.CRITERION * size(made, at, True)
            assert np.all(np.isfinite([*at.beta, *at.u]))


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
def test_a_theta_without_digits_is_refused_in_one_line(method: str) -> None:
    """Three columns that lie along each other to 18 digits, each 1e9 to 1e18 times sigma."""
    made = design("(Days + I(Days^2) | Subject)", 1e6, 1.7e12, "1")
    with pytest.raises(ModelError, match="theta is so large") as raised:
        solve_at(prepare(made, method), np.ones(6))
    assert "\n" not in str(raised.value)


def test_effects_where_theta_is_large() -> None:
    """u is that of b = Lambda u: by the rotated roots as without them, in another unit of the covariate."""
    for method in ("pls", "qr", "gls"):
        small = solve_at(prepare(design("(Days | Subject)", 1.0, 0.0), method), np.array([900.0, 300.0, 700.0]))
        large = solve_at(prepare(design("(Days | Subject)", 1e3, 0.0), method), np.array([900.0, 0.3, 0.7]))
        np.testing.assert_allclose(large.u, small.u, rtol=0, atol=1e-9 * np.abs(small.u).max())
