"""The three paths end at the same minimum, in any unit and with uneven weights, or say that they do not."""

import mpmath
import numpy as np
import pandas as pd
import pytest
from definition import minus_two_loglik
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver import Fit, ModelError, lmer
from relmer.solver.fits import at_theta

PATHS = ("pls", "qr", "gls")
# Ten digits of the criterion is what every path promises.
DIGITS = 1e-10
FORMULAS = {
    "one": "y ~ 1 + (1 | g)",
    "slopes": "y ~ x + (x | g)",
    "by factor": "y ~ 1 + (f:x | g)",
    "wide": "y ~ f + (f | g)",
    "crossed": "y ~ x + (x || g) + (1 | h)",
    "nested": "y ~ x + (1 | g / h)",
}


def few_rows(seed: int) -> pd.DataFrame:
    """Few groups of few rows: slopes of which the criterion has several minima."""
    rng = np.random.default_rng(seed)
    n, l = int(rng.integers(20, 50)), int(rng.integers(2, 7))
    g, h = rng.integers(0, l, n), rng.integers(0, 3, n)
    data = pd.DataFrame({"x": rng.normal(size=n) * rng.choice([1.0, 30.0]), "g": g, "h": h})
    data["f"] = np.array(["a", "b"])[rng.integers(0, 2, n)]
    data["y"] = rng.normal(size=n) + rng.normal(size=l)[g] * data["x"] * rng.choice([0.0, 1.0, 5.0])
    for name in ("g", "h", "f"):
        data[name] = pd.Categorical(data[name].astype(str))
    return data


def fits(formula: str, data: pd.DataFrame, REML: bool, **extra) -> list[Fit]:
    """The fit by every path; none where all of them refuse the model."""
    found, refused = [], []
    for path in PATHS:
        try:
            found.append(lmer(formula, data, REML=REML, method=path, **extra))
        except ModelError as error:
            refused.append(str(error))
    assert not (found and refused), refused
    return found


def agree(found: list[Fit]) -> bool:
    """Whether the criteria, if there are any, are the same to ten digits."""
    values = [fit.criterion for fit in found]
    return not values or max(values) - min(values) <= DIGITS * max(1.0, *map(abs, values))


# The same draws each time: what a bound of 1e-10 leaves to the weights' rounding is no matter of luck.
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(FORMULAS)), st.integers(-140, 140), st.booleans())
def test_in_any_unit(seed: int, kind: str, power: int, REML: bool) -> None:
    data = few_rows(seed)
    data["y"] *= 10.0**power
    found = fits(FORMULAS[kind], data, REML)
    assert agree([fit for fit in found if fit.optimum.converged])


def test_a_singular_minimum_whose_first_row_is_nearly_zero() -> None:
    """Seen: with T_11 = 0 before a second column pls and qr converged 3e-4 above; no entry of T showed the slope."""
    x = [1.739, -0.496, 0.329, -0.259, 1.583, 1.320, 0.633, -2.204, 0.052, 0.684, 1.004, -0.618, 1.822, -1.320, -0.662]
    data = pd.DataFrame({"x": np.array(x * 3) * 2.0, "f": pd.Categorical(["a", "b", "b"] * 15)})
    data["g"] = pd.Categorical((["0", "0", "0", "1"] * 12)[:45])
    rng = np.random.default_rng(2)
    for k in range(20):
        data["y"] = 1e30 * (0.4 * data["x"] + rng.normal(size=45) * 1e-3 - 0.9 + 1e-3 * k * data["x"].abs())
        assert agree(fits("y ~ 1 + (f:x | g)", data, True))


def weighed(seed: int, power: float, heavy: int) -> pd.DataFrame:
    """Rows of which some have a weight that is far above that of the others."""
    rng = np.random.default_rng(seed)
    n, l = int(rng.integers(30, 70)), int(rng.integers(4, 9))
    g, h = rng.integers(0, l, n), rng.integers(0, 4, n)
    data = pd.DataFrame({"x": rng.normal(size=n), "g": g, "h": h, "f": np.array(list("abc"))[rng.integers(0, 3, n)]})
    data["y"] = data["x"] + rng.normal(size=n) + rng.normal(size=l)[g] + 0.5 * rng.normal(size=l)[g] * data["x"]
    data["w"] = 1.0
    data.loc[rng.integers(0, n, heavy), "w"] = 10.0**power
    for name in ("g", "h", "f"):
        data[name] = pd.Categorical(data[name].astype(str))
    return data


# The same draws each time: what a bound of 1e-10 leaves to the weights' rounding is no matter of luck.
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["one", "slopes", "wide", "crossed", "nested"]),
    st.sampled_from([(1, 8.0), (2, 6.0), (3, 5.0)]),
    st.booleans(),
)
def test_a_few_heavy_rows(seed: int, kind: str, most: tuple[int, float], REML: bool) -> None:
    """Their paths say the same, and say so: before, correct answers were called drowned from a weight of 1e7 on."""
    heavy, power = most
    found = fits(FORMULAS[kind], weighed(seed, power, heavy), REML, weights="w")
    assert agree(found)
    assert not found or sum(fit.optimum.converged for fit in found) >= 2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("kind", "heavy"), [("one", 3), ("slopes", 1)])
def test_log_det_V_of_heavy_rows_is_that_of_60_digits(path: str, kind: str, heavy: int) -> None:
    """Where the slope cancels the intercept at a heavy row, and where heavy rows of one level lie along each other."""
    data = weighed(11, 9.0, heavy)
    data.loc[data["w"] > 1, "g"] = data["g"][data["w"].idxmax()]
    fit = lmer(FORMULAS[kind], data, REML=False, weights="w", method=path)
    theta = np.array([0.7])
    if kind == "slopes":
        theta = np.array([0.7, -0.7 / data["x"][data["w"].idxmax()], 0.0])
    at = at_theta(fit, theta)
    with mpmath.workdps(60):
        root = mpmath.matrix((at.design.Z @ at.Lambda).toarray().tolist())
        V = root * root.T
        for k, weight in enumerate(data["w"]):
            V[k, k] += 1 / mpmath.mpf(weight)
        L = mpmath.cholesky(V)
        exact = sum(2 * mpmath.log(L[k, k]) + mpmath.log(mpmath.mpf(w)) for k, w in enumerate(data["w"]))
    # eps times the root of the largest weight, where intercept and slope cancel: R T has that of its own digits left.
    assert at.solution.logdet_L == pytest.approx(float(exact), abs=np.finfo(float).eps * 1e9**0.5 * 10)


def test_rows_that_small_weights_alone_tell_apart_are_no_exact_fit() -> None:
    """Seen: with three weights of 1e6 a column that others determine counted, and all paths refused: no residual."""
    found = fits(FORMULAS["wide"], weighed(175, 6.0, 3), False, weights="w")
    assert len(found) == 3 and agree(found)
    assert all(fit.optimum.converged for fit in found)
    fit = found[0]
    defined = minus_two_loglik(fit.design.X, fit.V.toarray(), fit.design.y, REML=False)
    # The dense V has a condition of 1e6 or so, and n = 59 terms.
    assert fit.criterion == pytest.approx(defined, abs=1e-6)
