"""Random effects in the span of X: REML sees nothing of them, and its criterion is that of least squares, whatever G.

With K'X = 0 and K'Z = 0 is K'V K = sigma^2 K'K. So the REML criterion of every G is that of the linear model,

    log|X'X| + (n - p) (1 + log(2 pi RSS / (n - p))).
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.reports.evidence import tolerances
from relmer.solver import lmer
from relmer.solver.paths.criterion import size
from relmer.solver.search import Ending

METHODS = ("pls", "qr", "gls")
# gh has a level for every cell of g and h. By the first ones all of Z is in the span of X, by the last ones a part.
UNSEEN = (
    "y ~ gh + (1 | g)",
    "y ~ gh + (1 | h)",
    "y ~ gh + (1 | g) + (1 | h)",
    "y ~ gh + (1 | g / h)",
    "y ~ gh + x + (1 | h) + (1 | gh)",
    "y ~ g:h + (1 | g)",
    "y ~ interaction(g, h) + (h | g)",
    "y ~ gh + (0 + h | g)",
    "y ~ gh * x + (x | g)",
    "y ~ gh * x + (x || h)",
)
PARTLY = (
    "y ~ gh + (x | g)",
    "y ~ gh + (1 | g) + (1 | k)",
    "y ~ g + (1 | g / h)",
    "y ~ g + (h | g)",
    "y ~ g * x + (x | g) + (1 | k)",
)


def cells(seed: int, shift: float, power: int) -> pd.DataFrame:
    """Rows of every cell of two factors, and a third one across them; all of it far from zero or of another unit."""
    random = np.random.default_rng(seed)
    G, H, each = int(random.integers(3, 8)), int(random.integers(2, 4)), int(random.integers(4, 8))
    g, h = np.repeat(np.arange(G), H * each), np.tile(np.repeat(np.arange(H), each), G)
    k, x = random.integers(0, 5, len(g)), random.normal(size=len(g)) + shift
    y = random.normal(size=G)[g] + random.normal(size=H)[h] + random.normal(size=5)[k] + random.normal(size=len(g))
    data = pd.DataFrame({"y": (y + shift) * 10.0**power, "x": x, "g": g.astype(str), "h": h.astype(str)})
    return data.assign(k=k.astype(str), gh=data["g"] + "." + data["h"])


def of_least_squares(X: np.ndarray, y: np.ndarray) -> float:
    """The REML criterion of the linear model."""
    (n, p), (Q, R) = X.shape, np.linalg.qr(X)
    left = y - Q @ (Q.T @ y)
    left -= Q @ (Q.T @ left)
    return 2 * np.log(np.abs(R.diagonal())).sum() + (n - p) * (1 + np.log(2 * np.pi * (left @ left) / (n - p)))


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(UNSEEN),
    st.sampled_from([0.0, 9.0, 1e4]),
    st.sampled_from([-100, -9, 0, 12, 100]),
)
def test_what_reml_does_not_see_is_not_searched(seed: int, formula: str, shift: float, power: int) -> None:
    """Seen: refused as "without residual", or theta of 400, after steps along rounding."""
    data = cells(seed, shift, power)
    # X spans the shifts: without them, exactly for the doubles of the data, least squares loses no digits.
    plain = data.assign(x=data["x"] - shift, y=data["y"] - data["y"][0])
    centred = lmer(formula, plain).design
    right = of_least_squares(centred.X, centred.y)
    for method in METHODS:
        fit = lmer(formula, data, method=method)
        assert abs(fit.criterion - right) <= tolerances.GAP * size(fit.design, fit.solution, True)
        assert fit.optimum.ending is Ending.UNSEEN
        assert fit.optimum.converged
        assert len({name for direction in fit.unidentified.theta for name in direction}) == len(fit.theta)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(PARTLY), st.sampled_from([0.0, 1e4]))
def test_what_reml_sees_in_part_is_fitted(seed: int, formula: str, shift: float) -> None:
    """No path refuses it, all have one criterion, and what of G is not seen stays of the order of the rest."""
    found = [lmer(formula, cells(seed, shift, 0), method=method) for method in METHODS]
    allowed = 2 * tolerances.GAP * size(found[0].design, found[0].solution, True)
    assert np.ptp([fit.criterion for fit in found if fit.optimum.converged]) <= allowed
    assert all(fit.optimum.ending is not Ending.UNSEEN for fit in found)
    assert max(float(np.abs(fit.theta).max()) for fit in found) < 1e2 * max(1.0, shift)


@pytest.mark.parametrize("method", METHODS)
def test_maximum_likelihood_sees_them(method: str) -> None:
    """In the span of X, random effects only add to V: their variances are zero, by ML."""
    for formula in UNSEEN:
        fit = lmer(formula, cells(7, 0.0, 0), REML=False, method=method)
        assert fit.optimum.ending is not Ending.UNSEEN
        assert fit.optimum.converged
        assert float(np.abs(fit.theta).max()) < 1e-6


def test_a_start_is_kept() -> None:
    fit = lmer("y ~ gh + (1 | g)", cells(3, 0.0, 0), start=[2.5])
    assert fit.theta.tolist() == pytest.approx([2.5], rel=1e-15)


def test_what_x_leaves_is_searched() -> None:
    """A slope whose covariate is that of X but for a part of 1e-4 is seen, and found: y has much of that part."""
    data = cells(5, 0.0, 0)
    random = np.random.default_rng(5)
    data["v"] = random.normal(size=len(data))
    data["z"] = data["x"] + 1e-4 * data["v"]
    slopes = random.normal(size=data["g"].nunique())
    data["y"] += 5.0 * slopes[data["g"].astype(int)] * data["v"]
    fit = lmer("y ~ g:x + (0 + z | g)", data)
    assert fit.optimum.ending is not Ending.UNSEEN
