"""Two strict minima in G: the lower one is found, in whatever unit the covariate is."""

import bounds
import numpy as np
import pandas as pd
import pytest
from in_balls import criterion_in_balls
from strategies import mixed_data

from relmer.datasets import load
from relmer.solver.fits.fitting import lmer
from relmer.solver.fits.refitting import refit
from relmer.solver.paths.criterion import criterion, prepare, solve_at
from tests.alarms.designs import problem

FORMULA = "y ~ 0 + x + (0 + x | g)"
# The lower minimum, by mpmath at 50 digits; the other one is at 77.468044832909 and 77.118029321708.
LOWEST = {True: 73.796492909905, False: 76.676023165000}


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
@pytest.mark.parametrize("unit", [1e-6, 0.1, 0.5, 1.0, 10.0, 1e6])
def test_the_lower_of_two_minima(REML: bool, method: str, unit: float) -> None:
    data = load("two_optima").frame
    data["x"] *= unit
    fit = lmer(FORMULA, data, REML=REML, method=method)
    assert fit.optimum.converged
    jacobian = 2 * np.log(unit) if REML else 0.0
    assert fit.criterion == pytest.approx(LOWEST[REML] + jacobian, rel=0, abs=bounds.SHIFTED_CRITERION)


# Drawn designs in which the first search ends on a face of G, and a theta that is lower than what it finds there.
LOWER = [
    (647, 42, "y ~ x + f + (f|g) + (1|g:h)", True, [0.0, 0.49, -1.0, 1.0]),
    (1008, 33, "y ~ f + (f | g)", True, [0.74, -0.47, 0.53]),
    (1725, 47, "y ~ x + f + (f | g/h)", False, [0.0] * 6),
    (5208, 52, "y ~ f + (0 + f | k) + (1 | g:h)", False, [0.45, 0.34, 0.55, 0.0]),
    (5404, 26, "y ~ x + f + (f | g/h)", True, [0.14, 0.52, 0.0, 2.29, -2.19, 1.89]),
    (6681, 45, "y ~ x + (x | g/h) + (1|k)", True, [0.04, -0.11, 0.0, 1.39, -0.35, 1.8, 1.33]),
    (6706, 33, "y ~ x + (x|g) + (x|k)", True, [1.69, 0.23, 0.0, 1.49, 0.05, 0.0]),
]


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
@pytest.mark.parametrize(("seed", "rows", "formula", "REML", "theta"), LOWER)
def test_a_minimum_on_one_face_is_not_the_last_word(
    seed: int, rows: int, formula: str, REML: bool, theta: list[float], method: str
) -> None:
    fit = lmer(formula, mixed_data(seed, rows), REML=REML, method=method)
    there = criterion(fit.design, solve_at(prepare(fit.design, "gls"), np.array(theta)), REML)
    assert -bounds.HIGHER <= there - fit.criterion < bounds.ROUNDED_THETA


def between_groups(seed: int) -> pd.DataFrame:
    """Few groups, and a covariate z that is constant within them."""
    random = np.random.default_rng(seed)
    groups, each = random.integers(4, 9), random.integers(3, 8)
    g = np.repeat(np.arange(groups), each)
    z = random.normal(size=groups) * 2 + random.choice([0, 3]) if random.random() < 0.5 else np.arange(groups) * 1.0
    data = pd.DataFrame({"g": g.astype(str), "z": z[g], "x": random.normal(size=len(g))})
    data["y"] = random.normal(size=groups)[g] * random.choice([0.5, 1, 3]) + random.normal(size=len(g))
    return data


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("seed", [2, 7, 15, 39, 45, 62, 63, 64, 94, 100, 119, 141])
def test_no_rival_lies_between_two_values_of_a_covariate_of_the_groups(seed: int, REML: bool) -> None:
    """Var(b_i) = (v_1 + v_2 z_i)^2 is zero between two z: no such G is lower, by V written out."""
    fit = lmer("y ~ x + (z | g)", between_groups(seed), REML=REML)
    quick, defined = (prepare(fit.design, method) for method in ("pls", "gls"))
    thetas = [
        length * np.array([abs(zero), -np.copysign(1.0, zero), 0.0]) / np.hypot(zero, 1.0)
        for zero in np.linspace(-8.0, 10.0, 60)
        for length in np.geomspace(0.02, 6, 8)
    ]
    best = min(thetas, key=lambda theta: criterion(fit.design, solve_at(quick, theta), REML))
    lowest = criterion(fit.design, solve_at(defined, best), REML)
    assert fit.criterion <= lowest + bounds.HIGHER


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
def test_a_slope_of_what_the_blocks_have(method: str) -> None:
    """Oats by ML with a covariate of the blocks; the lower theta is scipy's, begun anywhere."""
    data = load("Oats").frame
    order = sorted(data["Block"].unique())
    data["soil"] = [3.0 + 1.5 * order.index(block) for block in data["Block"]]
    fit = lmer("yield ~ nitro + (soil | Block)", data, REML=False, method=method)
    there = criterion(fit.design, solve_at(prepare(fit.design, "gls"), np.array([1.95942097, -0.20404589, 0.0])), False)
    assert there == pytest.approx(610.40898068, abs=1e-7)
    assert -bounds.HIGHER <= there - fit.criterion < bounds.ROUNDED_THETA


# A sweep of 10,010 designs found these two, of few rows, in which the search stopped at the higher of two minima
# (docs/sweeps/lme4-stops.md): one on another face of G, 0.23 above, one with zero 0.004 below it. theta is where lme4
# stopped in the first; in the second it is zero.
FEW_ROWS = [
    (
        [2.038, 2.443, -1.564, -1.402, 0.454, -0.11, 1.786, -0.705, -0.228, 0.481],
        [0.76, 1.297, -1.46, -0.737, 0.269, -0.035, 0.276, -0.276, 0.049, 0.567],
        [0, 1, 2, 2, 1, 0, 0, 2, 0, 0],
        "y ~ 1 + (x | g)",
        [1.595973, 2.826849, 0.0],
    ),
    (
        [-1.476, -2.4, 3.456, -1.647, -1.832, 1.675, 0.052],
        [-0.796, -1.113, 0.742, -0.948, -0.859, 0.465, -0.027],
        [0, 1, 2, 0, 0, 1, 0],
        "y ~ 1 + (1 | g)",
        [0.0],
    ),
]


def deviance(y: np.ndarray, Z: np.ndarray, g: np.ndarray, theta: list[float]) -> float:
    """-2 log-likelihood of a mean and one term, its V written out."""
    n, T = len(y), np.zeros((Z.shape[1],) * 2)
    T[np.triu_indices(Z.shape[1])] = theta
    V = np.eye(n) + (g[:, None] == g) * (Z @ T.T @ T @ Z.T)
    weighted = np.linalg.solve(V, np.ones(n))
    e = y - weighted @ y / weighted.sum()
    return np.linalg.slogdet(V)[1] + n * (1 + np.log(2 * np.pi * (e @ np.linalg.solve(V, e)) / n))


@pytest.mark.parametrize("method", ["pls", "qr", "gls", "many"])
@pytest.mark.parametrize(("y", "x", "g", "formula", "theta"), FEW_ROWS)
def test_of_few_rows_other_faces_and_zero_are_looked_at(
    y: list[float], x: list[float], g: list[int], formula: str, theta: list[float], method: str
) -> None:
    data = pd.DataFrame({"y": y, "x": x, "g": g})
    Z = np.column_stack([np.ones(len(y)), x])[:, : 2 if len(theta) == 3 else 1]
    lower = deviance(data["y"].to_numpy(), Z, data["g"].to_numpy(), theta)
    if method == "many":
        other = lmer(formula, data.assign(y=np.roll(y, 1)), REML=False)
        found = refit(other, data[["y", "y"]].to_numpy()).criterion[1]
    else:
        found = lmer(formula, data, REML=False, method=method).criterion
    assert found <= lower + bounds.SHIFTED_CRITERION


@pytest.mark.parametrize("method", ["pls", "qr", "gls", "many"])
def test_where_weights_leave_few_levels_other_faces_are_looked_at(method: str) -> None:
    """38 rows of 4 levels, weights 1e10 apart: the first search ends 1.67 above where lme4's bobyqa stopped."""
    made = problem("adversary/178")
    fit = lmer(made.formula, made.frame, REML=made.reml, weights="w", method="pls" if method == "many" else method)
    lower = criterion_in_balls(fit.design, np.array([0.17970399769166398, 0.04986032415210289, 0.0]), made.reml)
    assert lower < 5433.57
    found = fit.criterion
    if method == "many":
        y = made.frame["y"].to_numpy()
        other = lmer(made.formula, made.frame.assign(y=np.roll(y, 1)), REML=made.reml, weights="w")
        found = refit(other, np.column_stack([y, y])).criterion[1]
    assert found <= lower + bounds.SHIFTED_CRITERION
