"""A residual of 1e-3 to 1e-12 of the response is found to its digits by every path; below, all refuse in one way.

Slopes that have one common value and no fixed effect leave a valley: intercepts and their regression on these slopes
are known apart by the slopes' spread only, and the lowest point is as far away as this is small.

With a noise so small the random effects are free, so that one factor's REML sigma^2 is the mean square that least
squares on [X Z] leaves, but for a share of the order of the square of noise over effects; and the criterion at the
theta that is returned is that of its definition, in ball arithmetic.
"""

import numpy as np
import pandas as pd
import pytest
from in_balls import criterion_in_balls

from relmer.solver import Fit, ModelError, lmer
from relmer.solver.paths import DENSE
from relmer.solver.paths.criterion import size
from relmer.solver.search import Ending

METHODS = ("pls", "qr", "gls")
# The response's own rounding, by the dozen, is this part of a residual of one.
ROUNDED = 1e-14
DEFINED = 1e-10
MODELS = {
    "b": ("x + (1 | g)", "x + (x | g)", "x + (1 | g) + (1 | h)", "x + (1 | g) + (1 | c)"),
    "b + 2 * x": ("x + (1 | g)",),
    "b + s * x": ("x + (x | g)", "x + (x || g)"),
    "b + k + x": ("x + (1 | g) + (1 | h)",),
}


def rows(response: str, noise: float) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(7)
    g, h = np.repeat(np.arange(8), 5), np.tile(np.arange(5), 8)
    data = pd.DataFrame({"x": random.normal(size=40), "b": random.normal(size=8)[g], "s": random.normal(size=8)[g]})
    data = data.assign(k=random.normal(size=5)[h], g=g.astype(str), h=h.astype(str))
    data["c"] = (g * 2 + random.integers(0, 2, 40)).astype(str)
    e = random.normal(size=40)
    return data.assign(y=3.0 + data.eval(response) + noise * e), e


@pytest.mark.parametrize("power", [-3, -6, -8, -9, -10, -11, -12])
@pytest.mark.parametrize(("response", "formula"), [(y, f) for y, fs in MODELS.items() for f in fs])
def test_every_path_finds_it(response: str, formula: str, power: int) -> None:
    fits: list[Fit] = [lmer(f"y ~ {formula}", rows(response, 10.0**power)[0], method=method) for method in METHODS]
    for fit in fits:
        assert fit.optimum.converged
        of = size(fit.design, fit.solution, True)
        assert abs(criterion_in_balls(fit.design, fit.optimum.theta, True) - fit.criterion) <= DEFINED * of
        assert fit.criterion == pytest.approx(fits[0].criterion, abs=DEFINED * of)


@pytest.mark.parametrize("method", METHODS)
def test_sigma_is_that_of_the_noise_and_the_refusal_is_monotone(method: str) -> None:
    refused = []
    for power in range(-4, -17, -1):
        data, e = rows("b", 10.0**power)
        X = np.column_stack([data["x"], pd.get_dummies(data["g"]).to_numpy(dtype=float)])
        left = e - X @ np.linalg.lstsq(X, e)[0]
        try:
            fit = lmer("y ~ x + (1 | g)", data, method=method)
        except ModelError as error:
            assert "fixed and random effects together fit the response without residual" in str(error)
            refused.append(power)
            continue
        assert not refused
        assert fit.optimum.converged
        expected = 10.0**power * np.sqrt(left @ left / (40 - 9))
        assert fit.sigma == pytest.approx(expected, rel=10 * 10.0 ** (2 * power) + ROUNDED / 10.0**power)
    assert refused and min(-power for power in refused) >= 13


def common_slope(seed: int, noise: float) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(8), 5)
    data = pd.DataFrame({"x": random.normal(size=40), "g": g.astype(str)})
    return data.assign(y=3.0 + random.normal(size=8)[g] + 2.0 * data["x"] + noise * random.normal(size=40))


@pytest.mark.parametrize("seed", [7, 8, 9, 21])
@pytest.mark.parametrize("power", [-2, -3, -4, -5])
def test_one_slope_for_all_without_a_fixed_effect_has_its_minimum(seed: int, power: int) -> None:
    """Lower than at the regression that the intercepts of that slope's column alone would have, by the definition."""
    fits = [lmer("y ~ 1 + (x | g)", common_slope(seed, 10.0**power), method=method) for method in METHODS]
    of = size(fits[0].design, fits[0].solution, True)
    for fit in fits:
        assert fit.optimum.converged
        assert fit.criterion == pytest.approx(fits[0].criterion, abs=DEFINED * of)
        assert abs(criterion_in_balls(fit.design, fit.optimum.theta, True) - fit.criterion) <= DEFINED * of
    a, b, c = fits[0].optimum.theta
    regression = np.array([[1.0, 0.0], [0.0, 1.0]])
    for times in (-1e3, -1.0, -0.1, -1e-3, 1e-3, 0.1, 1.0, 1e3):
        regression[0, 1] = times * a / np.hypot(b, c)
        T = regression @ np.array([[a, 0.0], [b, c]])
        R = np.linalg.qr(T.T)[1].T
        moved = np.array([R[0, 0], R[1, 0], R[1, 1]])
        assert criterion_in_balls(fits[0].design, moved, True) >= fits[0].criterion - DEFINED * of


@pytest.mark.parametrize("power", [-6, -7, -9, -12])
@pytest.mark.parametrize("seed", [8, 9])
def test_a_valley_that_is_level_to_rounding_is_no_minimum(seed: int, power: int) -> None:
    """The optimum lies where the slopes' spread, 1e-6 of them and less, has no digits: all paths say so."""
    fits = [lmer("y ~ 1 + (x | g)", common_slope(seed, 10.0**power), method=method) for method in METHODS]
    assert {fit.optimum.converged for fit in fits} == {False}
    assert {fit.optimum.ending for fit in fits} == {Ending.DROWNED}


STRUCTURES = ["cs(x | g)", "diag(x | g)", "ar1(x | g)", "diag(x | g, hom = TRUE)", "(x | g)", "(x || g)"]


@pytest.mark.parametrize("power", [-2, -11])
@pytest.mark.parametrize("term", STRUCTURES)
@pytest.mark.parametrize("uneven", [False, True])
def test_structures_offsets_and_weights(term: str, uneven: bool, power: int) -> None:
    data, _ = rows("b + s * x", 10.0**power)
    random = np.random.default_rng(3)
    offset, weights = 3.0 * random.normal(size=40), 10.0 ** random.uniform(-4.0, 4.0, 40)
    data["y"] += offset
    for method in METHODS:
        fit = lmer(f"y ~ x + {term}", data, method=method, offset=offset, weights=weights if uneven else None)
        assert fit.optimum.converged
        of = size(fit.design, fit.solution, True)
        assert abs(criterion_in_balls(fit.design, fit.optimum.theta, True) - fit.criterion) <= DEFINED * of


@pytest.mark.parametrize("formula", ["x + (1 | g)", "x + (x | g)", "1 + (x | g)"])
@pytest.mark.parametrize("power", [-5, -8, -11])
def test_what_is_too_large_to_be_taken_apart_refuses_or_is_honest(formula: str, power: int) -> None:
    """By theory: the mean square that [X Z] leaves, of one factor and noise so small. Who is elsewhere says so."""
    random = np.random.default_rng(7)
    g, h = np.repeat(np.arange(1500), 4), np.tile(np.arange(4), 1500)
    x, e = random.normal(size=(2, 6000))
    data = pd.DataFrame({"x": x, "g": g.astype(str), "h": h.astype(str)})
    data["y"] = 3.0 + random.normal(size=1500)[g] + 2.0 * x + 10.0**power * e
    assert len(data) * (2 + 1500) > DENSE
    try:
        fit = lmer(f"y ~ {formula}", data)
    except ModelError as error:
        assert "residual" in str(error) and "\n" not in str(error)
        return
    within = [column - np.bincount(g, column)[g] / 4 for column in (x, e)]
    left = within[1] - within[0] * (within[0] @ within[1]) / (within[0] @ within[0])
    expected = 10.0**power * np.sqrt(left @ left / (6000 - 1501))
    assert not fit.optimum.converged or fit.sigma == pytest.approx(expected, rel=0.05)
