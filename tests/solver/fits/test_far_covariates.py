"""A covariate far from its origin: nothing is lost as long as the doubles differ, and theta says where it is."""

import numpy as np
import pandas as pd
import pytest
from bounds import REORDERED, SHIFTED_CRITERION

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import Fit, lmer
from relmer.solver.errors import ModelError
from relmer.solver.fits import at_theta
from relmer.solver.paths import size
from relmer.solver.search import Ending

METHODS = ("pls", "qr", "gls")
SHIFTS = [1e3, 1e6, 1e7, 1e8, 1.7e9, 3e10, 1e12, 1.7e12, 1e14, 1e15]


def rows(shift: float) -> pd.DataFrame:
    """Whole numbers, which a shift of up to 1e15 leaves as far apart as they were."""
    random = np.random.default_rng(11)
    g, h, x, z = np.arange(90) % 9, random.integers(0, 4, 90), random.integers(0, 12, 90), random.normal(size=90)
    y = 5 + x + 2 * random.normal(size=9)[g] + random.normal(size=9)[g] * x + random.normal(size=90)
    return pd.DataFrame({"y": y, "x": x + shift, "z": z, "g": g.astype(str), "h": h.astype(str)})


def same(moved: Fit, fit: Fit) -> None:
    bound = max(SHIFTED_CRITERION, tolerances.CRITERION * size(fit.design, fit.solution, True))
    assert abs(moved.criterion - fit.criterion) <= bound
    V = fit.V.toarray()
    np.testing.assert_allclose(moved.V.toarray(), V, rtol=0, atol=1e2 * REORDERED * V.max())
    np.testing.assert_allclose(moved.fitted(), fit.fitted(), rtol=1e2 * REORDERED)
    assert moved.sigma == pytest.approx(fit.sigma, rel=1e2 * REORDERED)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bar", ["(x | g)", "(x + z | g)", "(x | g) + (1 | h)"])
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_changes_nothing(shift: float, bar: str, method: str) -> None:
    """(x || g) is left out: without the covariance a shift is another model."""
    fit, moved = (lmer(f"y ~ z + {bar}", rows(c), method=method) for c in (0.0, shift))
    assert fit.optimum.converged
    same(moved, fit)
    # The covariances of the slopes and of what does not move are as before; b too.
    slopes = [name for name in fit.theta.index if "Intercept" not in name]
    assert len(slopes) >= 1
    b, b_moved = (each.b.xs("x", level="column") for each in (fit, moved))
    np.testing.assert_allclose(b_moved, b, rtol=0, atol=1e2 * REORDERED * np.abs(b).max())
    if shift <= 1e8:
        assert moved.optimum.converged


@pytest.mark.parametrize("method", METHODS)
def test_sleepstudy_stays_at_its_minimum(method: str) -> None:
    data = load("sleepstudy").frame
    for shift in SHIFTS:
        moved = lmer("Reaction ~ 1 + (Days | Subject)", data.assign(Days=data["Days"] + shift), method=method)
        assert abs(moved.criterion - 1769.8449038587) <= 1e-9
        assert np.linalg.eigvalsh(moved.V.toarray())[0] >= moved.sigma**2 * (1 - 1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [1e3, 1e5, 1e6, 2e7])
def test_in_the_fixed_effects_too(shift: float, method: str) -> None:
    """Up to where R drops the column beside the intercept, at 1e7 times its spread."""
    fit, moved = (lmer("y ~ x + (x | g)", rows(c), method=method) for c in (0.0, shift))
    same(moved, fit)
    assert moved.beta["x"] == pytest.approx(fit.beta["x"], rel=1e2 * REORDERED)
    assert moved.se["x"] == pytest.approx(fit.se["x"], rel=1e2 * REORDERED)
    at = moved.beta["(Intercept)"] + shift * moved.beta["x"]
    assert at == pytest.approx(fit.beta["(Intercept)"], abs=shift * abs(fit.beta["x"]) * REORDERED)


@pytest.mark.parametrize("method", METHODS)
def test_theta_that_no_double_carries_is_told(method: str) -> None:
    fit, moved = (lmer("y ~ z + (x | g)", rows(c), method=method) for c in (0.0, 1e13))
    same(moved, fit)
    assert moved.optimum.ending is Ending.UNCARRIED
    assert not moved.optimum.converged
    assert "subtract the mean" in moved.optimum.ending
    assert "\n" not in moved.optimum.ending
    # What theta's doubles stand for is another point indeed.
    assert abs(at_theta(moved, moved.optimum.theta).criterion - moved.criterion) > 1e-10


@pytest.mark.parametrize(("shift", "lost"), [(1e12, False), (4e15, False), (1e16, True), (1e17, True), (1e300, False)])
def test_a_column_whose_doubles_are_a_constant_but_for_their_rounding_is_told(shift: float, lost: bool) -> None:
    """At 1e16 doubles are 2 apart: rounded there, 8, 10, 12 and 14 may have been anything between their neighbours."""
    data = load("Orthodont").frame
    try:
        fit = lmer("distance ~ 1 + (age | Subject)", data.assign(age=data["age"] + shift))
    except ModelError as error:
        assert "squares are no doubles" in str(error)
        return
    told = [line for line in fit.messages if line.startswith("column age of ((Intercept) + age | Subject) differs by")]
    assert len(told) == lost
    plain = lmer(f"distance ~ 1 + ({'1' if lost else 'age'} | Subject)", data)
    assert fit.criterion == pytest.approx(plain.criterion, rel=1e-12)
    assert bool(fit.unidentified.theta) == lost
    assert all("subtract its mean" in line and "\n" not in line for line in told)
