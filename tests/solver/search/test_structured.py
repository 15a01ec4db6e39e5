"""The optimum of models with structured covariances: lme4's figures, laws, and bounds."""

import pickle

import numpy as np
import pandas as pd
import pytest
from bounds import HIGHER
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from strategies import mixed_data
from structured import width

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import lmer
from relmer.solver.fits import Fit, at_theta
from relmer.solver.paths import criterion, prepare, size, solve_at_par

METHODS = ["pls", "qr", "gls"]
SLEEP, CS = "Reaction ~ Days + ", "Machine + cs(0 + Machine | Worker"
# Default fits by REML of lme4 2.1-0 on R 4.6.1. Its optimiser stops at values that changed by less than 1e-8 of a
# criterion near 1,700 and from there at most an order of magnitude above the minimum.
LME4 = [
    ("sleepstudy", f"{SLEEP}cs(Days | Subject)", 1743.6282720865),
    ("sleepstudy", f"{SLEEP}diag(Days | Subject)", 1743.6692935815),
    ("sleepstudy", f"{SLEEP}cs(Days | Subject, hom = TRUE)", 1757.7743078718),
    ("sleepstudy", f"{SLEEP}diag(Days | Subject, hom = TRUE)", 1759.1498995518),
    ("sleepstudy", f"{SLEEP}ar1(0 + day | Subject)", 1734.1864679418),
    ("Machines", f"score ~ {CS})", 209.2204424066),
    ("Machines", f"score ~ {CS}, hom = TRUE)", 215.6875680204),
]
STOPPED = 2e-7


def data_of(name: str) -> pd.DataFrame:
    data = load(name).frame
    return data.assign(day=pd.Categorical(data["Days"].astype(int))) if name == "sleepstudy" else data


def value(fit: Fit, par: list[np.ndarray], method: str = "pls") -> float:
    return criterion(fit.design, solve_at_par(prepare(fit.design, method), par), fit.REML)


def noise(fit: Fit) -> float:
    return tolerances.CRITERION * size(fit.design, fit.solution, fit.REML)


def pars(fit: Fit) -> list[np.ndarray]:
    return [term.structure.par(own, width(term)) for term, own in zip(fit.design.terms, split(fit), strict=True)]


def split(fit: Fit) -> list[np.ndarray]:
    sizes = [term.structure.pattern(width(term)).size for term in fit.design.terms]
    return np.split(fit.theta.to_numpy(), np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("data", "formula", "theirs"), LME4)
def test_lme4s_figures(data: str, formula: str, theirs: float, method: str) -> None:
    fit = lmer(formula, data_of(data), method=method)
    assert fit.optimum.converged
    assert theirs - STOPPED <= fit.criterion <= theirs + 1e-9


def test_lme4s_parameters() -> None:
    """Printed with 6 and 10 digits, where it stopped: off by the root of twice the gap over the curvature."""
    machines = lmer(f"score ~ {CS})", data_of("Machines"))
    assert list(machines.par.index) == ["Worker.MachineA", "Worker.MachineB", "Worker.MachineC", "Worker.rho"]
    np.testing.assert_allclose(machines.par, [4.276607, 8.751475, 4.637746, 0.735715], rtol=1e-3)
    diagonal = lmer(f"{SLEEP}diag(Days | Subject)", data_of("sleepstudy"))
    np.testing.assert_allclose(diagonal.theta, [0.9798965277, 0.2342312254], rtol=1e-4)
    assert diagonal.theta.equals(diagonal.par)
    series = lmer(f"{SLEEP}ar1(0 + day | Subject)", data_of("sleepstudy"))
    np.testing.assert_allclose(series.par, [3.12881174, 0.8834991366], rtol=1e-4)
    assert list(series.theta.index[:3]) == ["Subject.day0", "Subject.day1.day0", "Subject.day2.day0"]
    assert len(series.theta) == 19


@st.composite
def drawn(draw: st.DrawFn) -> pd.DataFrame:
    data = mixed_data(draw(st.integers(0, 2**32 - 1)), draw(st.integers(30, 60)))
    t = np.random.default_rng(len(data)).permutation(np.resize(np.arange(3), len(data)))
    return data.assign(t=pd.Categorical.from_codes(t, ["u", "v", "w"]))


LAWS = [
    ("cs(x | g)", "(x | g)"),
    ("us(x | g)", "(x | g)"),
    ("ar1(x | g, hom = FALSE)", "(x | g)"),
    ("diag(x | g)", "(x || g)"),
    ("diag(0 + t | g, hom = TRUE)", "(1 | g:t)"),
    ("cs(1 | g)", "(1 | g)"),
    ("ar1(1 | g) + (1 | k)", "(1 | g) + (1 | k)"),
    ("cs(0 + f | g, hom = TRUE)", "ar1(0 + f | g)"),
    ("cs(0 + f | g) + (1 | k)", "ar1(0 + f | g, hom = FALSE) + (1 | k)"),
]


@given(drawn(), st.sampled_from(LAWS), st.booleans())
@settings(max_examples=60, deadline=None)
def test_two_names_of_one_model(data: pd.DataFrame, law: tuple[str, str], REML: bool) -> None:
    one, other = (lmer(f"y ~ x + {random}", data, REML=REML) for random in law)
    assert one.optimum.converged and other.optimum.converged
    assert one.criterion == pytest.approx(other.criterion, abs=max(HIGHER, noise(one)))


@given(drawn(), st.sampled_from(["cs(0 + t | g)", "cs(0 + t | g, hom = TRUE)", "diag(0 + t | g)"]))
@settings(max_examples=20, deadline=None)
def test_an_order_of_levels_that_does_not_count(data: pd.DataFrame, random: str) -> None:
    turned = data.assign(t=data["t"].cat.reorder_categories(["w", "u", "v"]))
    one, other = lmer(f"y ~ x + {random}", data), lmer(f"y ~ x + {random}", turned)
    assert one.criterion == pytest.approx(other.criterion, abs=max(HIGHER, noise(one)))


@given(drawn())
@settings(max_examples=20, deadline=None)
def test_more_parameters_fit_no_worse(data: pd.DataFrame) -> None:
    """us has cs, which has cs of one standard deviation, which has diag of one; and so for ar1."""
    us, *chain = (
        lmer(f"y ~ x + {random}", data, checks={"check.nobs.vs.nRE": "ignore"}).criterion
        for random in ("(0 + t | g)", "cs(0 + t | g)", "cs(0 + t | g, hom = TRUE)", "diag(0 + t | g, hom = TRUE)")
    )
    ar1 = [lmer(f"y ~ x + ar1(0 + t | g, hom = {hom})", data).criterion for hom in ("FALSE", "TRUE")]
    for values in ([us, *chain], [us, *ar1, chain[-1]]):
        assert np.all(np.diff(values) >= -HIGHER)


FORMULAS = [
    "y ~ x + cs(0 + t | g)",
    "y ~ x + cs(0 + t | g, hom = TRUE) + (x | k)",
    "y ~ x + ar1(0 + t | g)",
    "y ~ x + ar1(0 + t | g, hom = FALSE)",
    "y ~ f + diag(t | g)",
    "y ~ x + cs(x + f | g) + (1 | g:h)",
]


@given(drawn(), st.sampled_from(FORMULAS), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nothing_nearby_or_far_is_lower(data: pd.DataFrame, formula: str, REML: bool) -> None:
    """By the definition, at steps of par within its bounds, large and small, and where par is drawn anew."""
    fit = lmer(formula, data, REML=REML)
    assert fit.optimum.converged, fit.optimum.ending
    random = np.random.default_rng(0)
    found = pars(fit)
    definition = prepare(fit.design, "gls")
    for k in range(60):
        par = []
        for term, own in zip(fit.design.terms, found, strict=True):
            lower, upper = term.structure.bounds(width(term))
            far = np.where(np.isfinite(upper), random.uniform(np.maximum(lower, -1.0), np.minimum(upper, 1.0)), 0.0)
            far = np.where(np.isfinite(upper), far, np.abs(random.normal(size=len(own))) * 2)
            moved = far if k % 3 == 0 else own + 10.0 ** -(k % 4) * random.normal(size=len(own))
            par.append(np.clip(moved, lower, upper))
        at = solve_at_par(definition, par)
        assert criterion(fit.design, at, REML) >= fit.criterion - noise(fit)


@given(drawn(), st.sampled_from(FORMULAS))
@settings(max_examples=25, deadline=None)
def test_every_path_ends_there(data: pd.DataFrame, formula: str) -> None:
    fits = [lmer(formula, data, method=method) for method in METHODS]
    for fit in fits:
        assert fit.optimum.converged, fit.optimum.ending
        assert fit.criterion == pytest.approx(fits[0].criterion, abs=max(HIGHER, noise(fit)))


def test_a_standard_deviation_of_zero() -> None:
    """No variance between groups: the singular minimum is told, and its dual is positive."""
    data = mixed_data(3, 60)
    noise_of = np.random.default_rng(5).normal(size=60)
    for rows in data.groupby("g", observed=True).groups.values():
        X = np.column_stack([np.ones(len(rows)), data["x"][rows]])
        data.loc[rows, "y"] = noise_of[rows] - X @ np.linalg.lstsq(X, noise_of[rows])[0]
    for random in ("cs(1 + x | g)", "cs(1 + x | g, hom = TRUE)", "diag(x | g)", "ar1(x | g, hom = FALSE) + (x | k)"):
        fit = lmer(f"y ~ 1 + {random}", data)
        assert fit.optimum.converged and fit.singular
        assert fit.par.iloc[:1].tolist() == [0.0] and min(fit.optimum.duals) >= 0


@pytest.mark.parametrize(("sign", "rho"), [(1.0, 1.0), (-1.0, -0.5)])
@pytest.mark.parametrize("hom", ["TRUE", "FALSE"])
def test_a_correlation_at_its_bound(sign: float, rho: float, hom: str) -> None:
    """Effects of three conditions that are equal, or add up to zero within each group."""
    random = np.random.default_rng(11)
    g, t = np.repeat(np.arange(20), 6), np.tile(np.repeat(np.arange(3), 2), 20)
    b = np.repeat(random.normal(size=(20, 1)), 3, axis=1) if sign > 0 else random.normal(size=(20, 3))
    b -= 0.0 if sign > 0 else b.mean(axis=1, keepdims=True)
    # The means of residuals within a cell are taken out, so that none of them adds to the effects.
    e = random.normal(size=(20, 3, 1)) * np.array([1.0, -1.0])
    frame = pd.DataFrame({"y": 3 * b[g, t] + e.ravel(), "g": g.astype(str), "t": pd.Categorical(t.astype(str))})
    fit = lmer(f"y ~ 1 + cs(0 + t | g, hom = {hom})", frame)
    assert fit.optimum.converged and fit.singular
    assert fit.par["g.rho"] == pytest.approx(rho, abs=1e-12)
    assert 0 <= min(fit.optimum.duals) < np.inf
    inside = [np.append(pars(fit)[0][:-1], rho * 0.999)]
    assert value(fit, inside) > fit.criterion


def test_a_fit_is_kept_and_told() -> None:
    fit = lmer(f"{SLEEP}ar1(0 + day | Subject)", data_of("sleepstudy"))
    again = pickle.loads(pickle.dumps(fit))
    assert again.par.equals(fit.par) and again.criterion == fit.criterion
    assert "rho  ar1" in repr(fit)
    there = at_theta(fit, fit.theta)
    assert there.criterion == pytest.approx(fit.criterion, abs=HIGHER)
    assert there.par.to_numpy() == pytest.approx(fit.par.to_numpy())
    G = fit.VarCorr()
    assert len(G) == 56
    assert G["sdcor"].iloc[10] == pytest.approx(fit.par["Subject.rho"])


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ x + (1 | g) + ar1(1 | g)", {"g.(Intercept)", "g.1.*"}),
        ("y ~ x + diag(x | g) + cs(x | g)", {"g.(Intercept)", "g.x", "g.1.(Intercept)", "g.1.x", "g.1.rho"}),
        ("y ~ g + cs(1 | g)", {"g.(Intercept)"}),
    ],
)
def test_what_the_data_leave_open(formula: str, names: set[str]) -> None:
    data = mixed_data(7, 60)
    data["y"] += 2 * data["x"] * np.random.default_rng(2).normal(size=4)[data["g"].cat.codes]
    assert set(lmer(formula, data).unidentified.names) <= names
    assert lmer(formula, data).unidentified


def test_one_row_for_each_effect_is_identified_by_its_structure() -> None:
    """180 random effects of 180 rows: the residual and a correlation that falls are told apart."""
    fit = lmer(f"{SLEEP}ar1(0 + day | Subject)", data_of("sleepstudy"))
    assert fit.optimum.converged and not fit.unidentified
    flat = lmer(f"{SLEEP}diag(0 + day | Subject, hom = TRUE)", data_of("sleepstudy"))
    assert flat.unidentified.names == {"Subject.*", "sigma"}


def test_sigma_that_falls_to_zero_is_reached_to_rounding_and_named() -> None:
    """One row per subject and day: with sigma zero V is that of the days, and the criterion has its lowest limit.

    The limit is that of sigma^2 = 0 put in: V of the ten days of a subject, minimised by scipy to 1e-9 of a gap.
    """
    fit = lmer(f"{SLEEP}(1 | Subject) + ar1(0 + day | Subject, hom = FALSE)", data_of("sleepstudy"))
    y, days = fit.design.y.reshape(18, 10), np.arange(10)
    X = np.column_stack([np.ones(10), days])

    def at_zero(q: np.ndarray) -> float:
        s, rho = np.exp(q[1:11]), np.tanh(q[11])
        V = np.exp(2 * q[0]) + np.outer(s, s) * rho ** abs(np.subtract.outer(days, days))
        L = np.linalg.cholesky(V)
        W, Y = np.linalg.solve(L, X), np.linalg.solve(L, y.T)
        A = 18 * W.T @ W
        left = Y - (W @ np.linalg.solve(A, W.T @ Y.sum(axis=1)))[:, None]
        logdets = 36 * np.log(L.diagonal()).sum() + np.linalg.slogdet(A)[1]
        return float(logdets + (left**2).sum() + 178 * np.log(2 * np.pi))

    begun = np.concatenate([np.log(fit.sigma * fit.par.to_numpy()[:-1]), [np.arctanh(fit.par.iloc[-1])]])
    limit = minimize(at_zero, begun, method="BFGS", options={"gtol": 1e-7}).fun
    assert fit.optimum.converged
    assert fit.criterion == pytest.approx(limit, abs=1e-8)
    assert fit.sigma < 1e-3
    assert fit.optimum.unidentified == (("sigma",),)
