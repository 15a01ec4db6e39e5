"""Two terms that are nearly the same leave a valley: straight in G, curved in theta, its floor almost level.

With a slope's covariate 1 + e x, and e to zero, of the variance of (1 | g) and that of (0 + xx | g) only the sum counts
to the first order. The criterion falls along the valley by the order of e, and is lowest at an end of it, or between.
"""

import numpy as np
import pandas as pd
import pytest
from in_balls import criterion_in_balls

from relmer.reports.evidence import tolerances
from relmer.solver import Fit, lmer
from relmer.solver.paths.criterion import size
from relmer.solver.search.valleys import farthest

METHODS = ("pls", "qr", "gls")


def rows(seed: int, part: float, center: float = 1.0) -> pd.DataFrame:
    """A covariate whose spread is a part of its mean, and slopes in it that matter or not."""
    random = np.random.default_rng(seed)
    groups, each = int(random.integers(4, 9)), int(random.integers(3, 7))
    g, x = np.repeat(np.arange(groups), each), np.round(random.normal(size=groups * each) * 256) / 256
    means, slopes = random.normal(size=(2, groups)) * random.choice([0.3, 1.0, 5.0], size=(2, 1))
    y = 2.0 + means[g] + slopes[g] * x + random.normal(size=len(g))
    return pd.DataFrame({"y": y, "g": g.astype(str), "xx": center * (1.0 + part * x), "z": x})


def lowest_on_the_valley(fit: Fit, center: float) -> float:
    """The criterion by its definition where the sum of both variances is that of the fit, and one takes all of it."""
    first, second = np.asarray(fit.theta)
    radius = np.hypot(first, center * second)
    angles = np.linspace(0.0, np.pi / 2, 7)
    return min(
        criterion_in_balls(fit.design, radius * np.array([np.cos(a), np.sin(a) / center]), fit.REML, bits=400)
        for a in angles
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("part", [1e-9, 1e-7, 1e-5, 1e-3])
@pytest.mark.parametrize(
    ("seed", "center", "REML"), [(1, 1.0, True), (8, 2010.0, False), (9, 1e5, True), (10, 1.0, False)]
)
def test_a_search_ends_at_the_lowest_point_of_a_valley(
    seed: int, center: float, REML: bool, part: float, method: str
) -> None:
    fit = lmer("y ~ 1 + (1 | g) + (0 + xx | g)", rows(seed, part, center), REML=REML, method=method)
    assert fit.optimum.converged
    assert fit.optimum.evaluations < 150
    allowed = 2 * tolerances.GAP * size(fit.design, fit.solution, REML)
    assert fit.criterion <= lowest_on_the_valley(fit, center) + allowed


@pytest.mark.parametrize("part", [2.0**-30, 2.0**-20, 2.0**-10])
@pytest.mark.parametrize("seed", [2, 4, 7])
def test_a_level_floor_does_not_use_up_the_steps(seed: int, part: float) -> None:
    """(xx | g) has all of (0 + z | g): the floor is level, and steps along it gain nothing and go on for ever.

    xx is 1 + part z to the last bit, so that (z | g) is the same model.
    """
    data = rows(seed, part)
    fit = lmer("y ~ 1 + (xx | g) + (0 + z | g)", data, REML=False)
    plain = lmer("y ~ 1 + (z | g)", data, REML=False)
    assert fit.optimum.converged
    assert fit.unidentified
    assert abs(fit.criterion - plain.criterion) <= 2 * tolerances.GAP * size(fit.design, fit.solution, False)


def test_how_far_a_covariance_can_change() -> None:
    """By theory: I + t E is positive semi-definite up to -1 / the least eigenvalue of E; a variance down to zero."""
    E = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert farthest([np.eye(2)], [E]) == pytest.approx(0.5, rel=1e-10)
    assert farthest([np.eye(1), 4 * np.eye(1)], [np.eye(1), -2 * np.eye(1)]) == pytest.approx(2.0, rel=1e-10)
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert farthest([singular], [-np.eye(2)]) == pytest.approx(0.0, abs=1e-10)
    assert np.isfinite(farthest([np.eye(1)], [np.eye(1)]))
    assert np.isfinite(farthest([np.eye(1)], [np.zeros((1, 1))]))
