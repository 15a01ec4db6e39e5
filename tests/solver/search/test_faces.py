"""A search of many entries goes on within the face of G that it has reached, and ends where it would without that."""

import sys

import numpy as np
import pandas as pd
import pytest

from relmer.reports.evidence import tolerances
from relmer.solver import Fit, lmer
from relmer.solver.paths.criterion import criterion, prepare, size, solve_at
from relmer.solver.search import faces
from relmer.solver.search.objective import Objective, moving_entries, newton_step

MODULES = [sys.modules[f"relmer.solver.search.{name}"] for name in ("objective", "optimise")]
FORMULAS = (
    "y ~ x + (x * f | h) + (z * v | l)",
    "y ~ 1 + (l | h) + (h | l)",
    "y ~ x + (h / f | m) + (f:x | l)",
    "y ~ f + (x * v | g) + (0 + h || l)",
    "y ~ x + (x * f * v | g)",
    "y ~ x + (x + z + v | g / f)",
)


def rows(seed: int) -> pd.DataFrame:
    """Many covariates and crossed factors, of which a level of g and a slope in l matter."""
    random = np.random.default_rng(seed)
    n = int(random.integers(100, 200))
    data = pd.DataFrame({name: random.normal(size=n) for name in "xvz"})
    for name, levels in (("f", 3), ("g", 7), ("h", 5), ("l", 6), ("m", 4)):
        data[name] = pd.Categorical([f"{name}{k}" for k in random.integers(0, levels, n)])
    slopes, means = random.normal(size=6)[data["l"].cat.codes], random.normal(size=7)[data["g"].cat.codes]
    data["y"] = data["x"] + slopes * data["v"] + 0.7 * means + random.normal(size=n)
    return data


def searched(formula: str, data: pd.DataFrame, many: float) -> Fit:
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            patch.setattr(module, "MANY", many)
        return lmer(formula, data)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_search_on_faces_ends_where_one_without_them_does(formula: str, seed: int) -> None:
    data = rows(seed)
    fit, whole = searched(formula, data, 0), searched(formula, data, np.inf)
    assert len(fit.theta) >= 15
    assert fit.optimum.converged and whole.optimum.converged
    assert min(fit.optimum.duals) >= 0.0
    allowed = 2 * tolerances.GAP * size(fit.design, fit.solution, True)
    assert abs(fit.criterion - whole.criterion) <= allowed


@pytest.mark.parametrize("zero", [0, 1, 3])
def test_entries_in_columns_of_zeros_have_no_slope_and_change_no_other(zero: int) -> None:
    """f is even in each column of T, so its gradient is zero there and its Hessian has no mixed entry."""
    fit = lmer("y ~ x + (x + z + v | g)", rows(3))
    objective = Objective(fit.prepared, True)
    T = np.tril(np.random.default_rng(4).normal(size=(4, 4)))
    T[:, zero] = 0.0
    at = objective.coordinates.derivatives([T], *objective.curvature(objective.at([T])))
    moving = moving_entries([T])
    whole, part = newton_step(*at), newton_step(*at, moving)
    still = np.setdiff1d(np.arange(10), moving)
    assert len(still) == 4 - zero
    np.testing.assert_array_equal(whole.gradient[still], 0.0)
    hessian = whole.axes * whole.curvatures @ whole.axes.T
    rounding = 1e3 * np.finfo(float).eps * np.abs(hessian).max()
    np.testing.assert_allclose(hessian[np.ix_(still, moving)], 0.0, rtol=0, atol=rounding)
    np.testing.assert_allclose(
        part.axes * part.curvatures @ part.axes.T,
        np.where(np.isin(np.arange(10), moving)[:, None] & np.isin(np.arange(10), moving), hessian, 0.0),
        rtol=0,
        atol=rounding,
    )
    assert part.decrement == pytest.approx(whole.decrement, rel=1e-9)


def test_a_direction_is_held_out_only_if_the_criterion_is_lower_without_it() -> None:
    fit = lmer("y ~ x + (x + v | l)", rows(5))
    objective = Objective(fit.prepared, True)
    T = np.diag([0.5, 1.0, 1e-3])
    here = objective.at([T])
    rising, falling = np.eye(3), -np.eye(3)
    assert faces.held_out(objective, here, [falling]) is None
    there = faces.held_out(objective, here, [rising])
    lower = objective.at([np.diag([0.5, 1.0, 0.0])]).value < here.value
    assert (there is not None) == lower
    assert faces.held_out(objective, objective.at([np.eye(3)]), [rising]) is None


def test_a_wide_crossed_model_on_few_rows_takes_few_steps_of_few_calls() -> None:
    """361 entries of theta, nearly all zero: ten seconds when every entry of G took a turn of the calls."""
    data = rows(6)
    data["u"] = data["x"].abs()
    fit = lmer("y ~ x + (g / factor(f) || m) + (sqrt(u) * v | l) + (x * f || h)", data)
    assert len(fit.theta) > 250
    assert fit.structure.startswith("joint: ")
    assert fit.optimum.converged
    assert min(fit.optimum.duals) >= 0.0
    defined = criterion(fit.design, solve_at(prepare(fit.design, "gls"), fit.theta.to_numpy()), True)
    assert abs(defined - fit.criterion) <= tolerances.CRITERION * size(fit.design, fit.solution, True)
