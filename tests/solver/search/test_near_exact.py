"""A residual of 1e-3 to 1e-12 of the response is found to its digits by every path; below, all refuse in one way.

With a noise so small the random effects are free, so that one factor's REML sigma^2 is the mean square that least
squares on [X Z] leaves, but for a share of the order of the square of noise over effects; and the criterion at the
theta that is returned is that of its definition, in ball arithmetic.
"""

import numpy as np
import pandas as pd
import pytest
from in_balls import criterion_in_balls

from relmer.solver import Fit, ModelError, lmer
from relmer.solver.paths.criterion import size

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
