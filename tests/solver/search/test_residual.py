"""A response without residual is refused by every path in the same words, and one with a small residual is fitted."""

import sys

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import load
from relmer.solver import ModelError, lmer
from relmer.solver.fits import at_theta
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.paths import prepare
from relmer.solver.search.optimise import check_residual, check_span, optimise

METHODS = ("pls", "qr", "gls")
# What stands in the response, and the formulas that have all of it.
WITHIN = {
    "u": (
        "1 + (1 | g)",
        "x + (1 | g)",
        "x + (x | g)",
        "h + (1 | g)",
        "x + (1 | g) + (1 | h)",
        "x + (x || g) + (1 | h)",
    ),
    "u + 3 * x": ("x + (1 | g)", "x + h + (1 | g)", "x + (x | g) + (1 | h)", "1 + (x | g)"),
    "u + x * v": ("x + (x | g)", "1 + (x || g)", "h + (x | g)", "x + (x | g) + (1 | h)"),
    "u + k": ("1 + (1 | g) + (1 | h)", "h + (1 | g)", "x + (1 | g) + (1 | h)", "x + (1 | g) + (0 + h | g)"),
}


def drawn(seed: int) -> pd.DataFrame:
    """Six or more rows in each of three to nine groups; u and v are constant in a group, k in a level of h."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(random.integers(3, 10)), 8)
    h = np.tile(np.arange(2), len(g) // 2)
    u, v, k = (random.normal(size=g.max() + 1).round(int(random.integers(1, 5))) for _ in range(3))
    data = pd.DataFrame(
        {"x": random.normal(size=len(g)) * 10.0 ** random.integers(-3, 4), "u": u[g], "v": v[g], "k": k[h]}
    )
    data = data.assign(g=g.astype(str), h=h.astype(str), e=random.normal(size=len(g)))
    return data.sample(frac=1, random_state=int(random.integers(99)))


@given(st.integers(0, 2**32 - 1), st.sampled_from([(y, f) for y, fs in WITHIN.items() for f in fs]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_X_and_Z_span_is_refused_in_the_same_words(seed: int, model: tuple[str, str], REML: bool) -> None:
    data = drawn(seed)
    data["y"] = data.eval(model[0])
    said = set()
    for method in METHODS:
        with pytest.raises(ModelError) as raised:
            lmer(f"y ~ {model[1]}", data, REML=REML, method=method)
        said.add(str(raised.value))
    assert len(said) == 1
    assert "without residual" in said.pop()


@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(-3, 3))
@settings(max_examples=30, deadline=None)
def test_a_residual_of_a_hundred_millionth_is_one(seed: int, REML: bool, unit: int) -> None:
    """sigma^2 is the mean square within, but for the share of 1e-16 that the random effects take."""
    data = drawn(seed)
    data["y"] = 10.0**unit * (data["u"] / data["u"].std() + 1e-8 * data["e"])
    fit = lmer("y ~ 1 + (1 | g)", data, REML=REML)
    assert fit.optimum.converged
    within = data["y"] - data.groupby("g")["y"].transform("mean")
    # Residuals known to eps / 1e-8 of themselves, by the dozen.
    assert fit.sigma**2 == pytest.approx((within**2).sum() / (len(data) - data["g"].nunique()), rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(y, f) for y, fs in WITHIN.items() for f in fs]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_none_is_refused_that_has_a_residual(seed: int, model: tuple[str, str], REML: bool) -> None:
    """One of 1e-5, which even the paths that subtract can see."""
    data = drawn(seed)
    spread = data.eval(model[0]).std()
    data["y"] = data.eval(model[0]) + 1e-5 * spread * data["e"]
    for method in ("pls", "qr"):
        fit = lmer(f"y ~ {model[1]}", data, REML=REML, method=method)
        assert 0 < fit.sigma < spread


@pytest.mark.parametrize("name", ["SmLs07", "SmLs08", "SmLs09"])
def test_a_mean_of_1e12_hides_no_residual(name: str) -> None:
    frame = load(name).frame.set_axis(["g", "y"], axis="columns")
    assert lmer("y ~ 1 + (1 | g)", frame).optimum.converged


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 5.0, -1e-100, 1e100])
@pytest.mark.parametrize(
    "formula", ["y ~ 1 + (1 | g)", "y ~ x + (x | g)", "y ~ 0 + (1 | g)", "y ~ h + (1 | g) + (1 | h)"]
)
def test_a_constant_response(formula: str, value: float, method: str) -> None:
    with pytest.raises(ModelError, match="without residual") as raised:
        lmer(formula, drawn(1).assign(y=value), method=method)
    assert "\n" not in str(raised.value)


def saturated(seed: int) -> pd.DataFrame:
    """Five groups in seven rows, and a covariate: [X Z] is all of the rows, Z is not."""
    random = np.random.default_rng(seed)
    return pd.DataFrame({"g": list("aabbcde"), "x": random.normal(size=7), "y": random.normal(size=7)})


def exact_criterion(data: pd.DataFrame, X: np.ndarray, REML: bool, t: float) -> mpmath.mpf:
    """The criterion of (1 | g) at G = t, from V written out, in 60 digits."""
    with mpmath.workdps(60):
        n, p = X.shape
        Z = mpmath.matrix((data["g"].to_numpy()[:, None] == sorted(set(data["g"]))).astype(float).tolist())
        V, X, y = mpmath.eye(n) + mpmath.mpf(t) * Z * Z.T, mpmath.matrix(X.tolist()), mpmath.matrix(data["y"].tolist())
        inverse = V**-1
        A = X.T * inverse * X
        residual = y - X * (A**-1 * X.T * inverse * y)
        d = n - p if REML else n
        f = mpmath.log(mpmath.det(V)) + d * mpmath.log((residual.T * inverse * residual)[0])
        return f + mpmath.log(mpmath.det(A)) if REML else f


def test_the_criterion_falls_without_bound_where_it_is_refused_and_not_elsewhere() -> None:
    """By 2 log 10 for each degree of freedom that is left, at every hundredfold of G; see the module's derivation."""
    data = saturated(0)
    X = np.column_stack([np.ones(7), data["x"], data["x"] ** 2])
    formula = "y ~ x + I(x^2) + (1 | g)"
    for REML in (True, False):
        fall = exact_criterion(data, X, REML, 1e12) - exact_criterion(data, X, REML, 1e10)
        assert float(fall) == pytest.approx(0.0 if REML else (5 - 7) * np.log(100), abs=1e-6)
    with pytest.raises(ModelError, match="without residual"):
        lmer(formula, data, REML=False)
    fit = lmer(formula, data)
    assert fit.optimum.converged
    constant = data.assign(y=data["g"].map(dict(zip("abcde", range(5), strict=True))).astype(float))
    fall = exact_criterion(constant, X[:, :1], True, 1e12) - exact_criterion(constant, X[:, :1], True, 1e10)
    assert float(fall) == pytest.approx((5 - 7) * np.log(100), abs=1e-6)


def test_a_term_that_alone_fits_a_response_that_all_of_them_cannot_help_but_fit() -> None:
    """Two slopes in each of seven groups and h span all 16 rows, whatever the response; g alone does not."""
    random = np.random.default_rng(5)
    g = np.repeat(np.arange(7), [2, 2, 2, 2, 2, 3, 3])
    data = pd.DataFrame({"g": g.astype(str), "x": random.normal(size=16), "h": random.integers(0, 4, 16).astype(str)})
    formula = "y ~ 1 + (x || g) + (1 | h)"
    fitted = lmer(formula, data.assign(y=random.normal(size=16)))
    assert np.isfinite(fitted.criterion)
    with pytest.raises(ModelError, match="without residual"):
        lmer(formula, data.assign(y=random.normal(size=7)[g]))


def test_where_the_search_is_cut_short_no_residual_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """X'V^-1 X of columns that Z spans is rounding at a G without bound; that is no matter of the response."""
    monkeypatch.setattr(sys.modules["relmer.solver.search.optimise"], "MAXIMUM_STEPS", 1)
    data = load("bdf").frame
    for formula in ("langPOST ~ schoolSES + (1 | schoolNR)", "langPOST ~ sex * schoolSES + (sex | schoolNR)"):
        prepared = prepare(build(model_frame(parse(formula), data)))
        optimise(prepared, True)
        check_residual(prepared.reduced, True)
        check_span(prepared.reduced, True)


def test_at_a_given_theta_too() -> None:
    data = drawn(2)
    fit = lmer("y ~ x + (1 | g)", data.assign(y=data["u"] + data["e"]))
    assert np.isfinite(at_theta(fit, [1e6]).criterion)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-9, 1.0, 1e9]), st.sampled_from([0.0, 1.0, 1e6]))
@settings(max_examples=20, deadline=None)
def test_weights_and_an_offset_hide_no_exact_fit(seed: int, unit: float, size: float) -> None:
    """Nor do they make one."""
    data = drawn(seed)
    random = np.random.default_rng(seed)
    weights, offset = unit * 10.0 ** random.uniform(-2, 2, len(data)), size * random.normal(size=len(data))
    exact = data.assign(y=data["u"] + 3 * data["x"] / data["x"].std() + offset)
    formula = "y ~ x + (1 | g) + (1 | h)"
    for method in METHODS:
        with pytest.raises(ModelError, match="together fit the response without residual"):
            lmer(formula, exact, weights=weights, offset=offset, method=method)
        assert (
            lmer(formula, exact.assign(y=exact["y"] + data["e"]), weights=weights, offset=offset, method=method).sigma
            > 0
        )
