"""Predictions: what the formula learnt is kept; standard errors by definition and by draws; what is refused."""

import pickle
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import special

from relmer.datasets import load
from relmer.solver import ModelError, lmer, predict
from relmer.solver.fits import Fit, at_theta
from relmer.solver.paths import prepare

# The rows are evaluated again in doubles: polynomials by their recursion, all else by the same steps. Each is right to
# a few hundred roundings of the largest term.
SAME = 1e-12


def drawn(seed: int, n: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    g = random.permutation(np.arange(n) % 6)
    f = random.permutation(np.arange(n) % 3)
    x, z = random.normal(10, 3, n), random.uniform(1, 5, n)
    y = 2 * x + f + random.normal(size=6)[g] + random.normal(size=n)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": z,
            "g": [f"g{k}" for k in g],
            "f": pd.Categorical.from_codes(f, ["low", "mid", "high"]),
            "o": pd.Categorical.from_codes(f, ["low", "mid", "high"], ordered=True),
            "k": f + 1,
            "l": random.permutation(np.arange(n) % 2 == 0),
            "d": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 90, n), "D"),
            "t": [("u", "v", "w", "wide")[i % 4] for i in range(n)],
        }
    )


FORMULAS = [
    "y ~ poly(x, 3) + (1 | g)",
    "y ~ poly(x, z, degree = 2) + (1 | g)",
    "y ~ poly(x, 2, raw = TRUE) * f + (1 | g)",
    "y ~ poly(x, 2)[, 2] + (poly(x, 1) | g)",
    "y ~ scale(x) + scale(z, scale = FALSE) + (scale(x) | g)",
    "y ~ ns(x, df = 3) + bs(z, df = 5) + (1 | g)",
    "y ~ bs(x, knots = c(8, 11), degree = 2) + ns(z, knots = 3) + (1 | g)",
    "y ~ log(x + 20) + I(x - mean(x)) + I(z / max(z)) + (1 | g)",
    "y ~ cut(x, 3) + (1 | g)",
    "y ~ cut(x, quantile(x, c(0, 0.3, 1)), include.lowest = TRUE) + (1 | g)",
    "y ~ I(x > median(x)) + l + (0 + l | g)",
    "y ~ f * x + (1 | g)",
    "y ~ o + z + (1 | g / f)",
    "y ~ factor(k, labels = c('p', 'q', 'r')) + (1 | g)",
    "y ~ as.numeric(f) + as.numeric(factor(t)) + (1 | g)",
    "y ~ as.numeric(as.factor(k)) + as.numeric(droplevels(f)) * x + (1 | g)",
    "y ~ factor(k) + (factor(k) | g)",
    "y ~ x + z + I(2 * x) + (1 | k) + (1 | g)",
    "y ~ x + offset(z) + offset(scale(z)[, 1]) + (1 | g:f)",
    "y ~ d + months(d) + (1 | g)",
    "y ~ 0 + t + C(f, contr.sum) + (1 | g)",
    "y ~ relevel(f, ref = 'high') + x %in% f + (1 | paste(g, f))",
    "y ~ I(x * length(unique(t))) + (x || g)",
]
IGNORED = {"check.nobs.vs.nRE": "ignore", "check.nobs.vs.nlev": "ignore"}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_row_is_predicted_as_it_was_fitted_whatever_stands_beside_it(formula: str) -> None:
    data = drawn(1)
    data.index = data.index + 100
    fit = lmer(formula, data, checks=IGNORED)
    for rows in ([7], [3, 50, 11, 12, 3], range(60)):
        new = data.iloc[rows].drop(columns="y")
        for name in ("g", "t"):
            new[name] = new[name].astype(object)
        found = predict(fit, new)
        expected = fit.fitted().iloc[rows]
        assert list(found.index) == list(expected.index)
        np.testing.assert_allclose(found, expected, rtol=0, atol=SAME * np.abs(fit.fitted()).max())


def test_contrasts_that_were_given_are_kept() -> None:
    data = drawn(2)
    fit = lmer("y ~ f * o + (1 | g)", data, contrasts={"f": "contr.sum", "o": "contr.treatment"})
    new = data.iloc[[5, 6]].astype({"f": str, "o": str})
    np.testing.assert_allclose(predict(fit, new), fit.fitted().iloc[[5, 6]], rtol=SAME)


def test_an_offset_that_is_a_column_is_taken_from_new_data_and_numbers_are_refused() -> None:
    data = drawn(3)
    fit = lmer("y ~ x + (1 | g)", data, offset="2 * z")
    np.testing.assert_allclose(predict(fit, data.iloc[:4]), fit.fitted().iloc[:4], rtol=SAME)
    moved = predict(fit, data.iloc[:4].assign(z=lambda d: d["z"] + 1))
    np.testing.assert_allclose(moved, fit.fitted().iloc[:4] + 2, rtol=SAME)
    numbers = lmer("y ~ x + (1 | g)", data, offset=2 * data["z"])
    np.testing.assert_allclose(predict(numbers, re_form="~(1|g)"), fit.fitted(), rtol=SAME)
    with pytest.raises(
        ModelError, match=r"^the offset was given as numbers: for new data fit with offset\(column\) in the formula$"
    ):
        predict(numbers, data)


def test_random_effects_are_those_that_re_form_has() -> None:
    fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    data = load("sleepstudy").frame
    fixed = fit.X.to_numpy() @ fit.beta.to_numpy()
    b = fit.b.unstack("column").droplevel("group").loc[data["Subject"].astype(str)]
    for new in (None, data):
        for nothing in ("~0", "NA", "~ 0"):
            np.testing.assert_allclose(predict(fit, new, re_form=nothing), fixed, rtol=SAME)
        np.testing.assert_allclose(predict(fit, new, "~ (1 | Subject)"), fixed + b["(Intercept)"].to_numpy(), rtol=SAME)
        slopes = fixed + b["Days"].to_numpy() * data["Days"].to_numpy()
        np.testing.assert_allclose(predict(fit, new, "~ (0 + Days | Subject)"), slopes, rtol=SAME)
        np.testing.assert_allclose(predict(fit, new, "~ (Days | Subject)"), fit.fitted(), rtol=SAME)


def test_rows_that_lack_a_value_have_no_prediction() -> None:
    data = drawn(4)
    data.loc[[3, 8], "x"] = np.nan
    fit = lmer("y ~ x + (1 | g)", data, na_action="na.exclude")
    for found in (
        predict(fit),
        predict(fit, re_form="~0"),
        predict(fit, data),
        predict(fit, data, se_fit=True)["se.fit"],
    ):
        assert list(np.flatnonzero(found.isna())) == [3, 8]
    assert predict(fit, data.iloc[[3]]).isna().tolist() == [True]
    assert len(predict(fit, data.iloc[:0])) == 0
    # Without effects the group is not asked for.
    assert predict(fit, pd.DataFrame({"x": [10.0]}), re_form="~0").notna().all()


def by_definition(fit: Fit, x: np.ndarray, z: np.ndarray, own: float) -> float:
    """Var(x'(b^ - beta) + z'(b^ - b)) from V itself, in 40 digits; `own` is that of effects that no row has."""
    with mpmath.workdps(40):
        exact = [mpmath.matrix(each.tolist()) for each in (fit.design.X, fit.Z.toarray(), fit.Lambda.toarray())]
        X, Z, Lambda = exact
        w = np.ones(len(fit.design.y)) if fit.design.weights is None else fit.design.weights
        V = Z * Lambda * Lambda.T * Z.T + mpmath.diag([1 / mpmath.mpf(each) for each in w])
        z, x = mpmath.matrix(z.tolist()), mpmath.matrix(x.tolist())
        c = Z * (Lambda * (Lambda.T * z))
        Vc, VX = mpmath.lu_solve(V, c), mpmath.inverse(V) * X
        d = x - X.T * Vc
        root = Lambda.T * z
        variance = (root.T * root)[0] - (c.T * Vc)[0] + (d.T * mpmath.lu_solve(X.T * VX, d))[0]
        return float(mpmath.sqrt(mpmath.mpf(fit.sigma) ** 2 * variance + own))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ f + (1 | g) + (1 | f:g)", "y ~ x + (1 | g) + (0 + x | g)"])
def test_standard_errors_are_those_of_the_definition(formula: str, weighted: bool) -> None:
    data = drawn(5, 24)
    weights = np.linspace(0.5, 2, 24) if weighted else None
    fit = at_theta(lmer(formula, data, weights=weights), np.linspace(0.9, 0.4, len(lmer(formula, data).theta)))
    found = predict(fit, se_fit=True)["se.fit"]
    fixed = predict(fit, data, re_form="~0", se_fit=True)["se.fit"]
    for k in range(0, 24, 5):
        x, z = fit.design.X[k], fit.Z.toarray()[k]
        # 1e-10: the systems are of condition 1e4 at most.
        assert found.iloc[k] == pytest.approx(by_definition(fit, x, z, 0.0), rel=1e-10)
        assert fixed.iloc[k] == pytest.approx(by_definition(fit, x, 0 * z, 0.0), rel=1e-10)
    new = data.iloc[[0]].assign(g="new")
    # A level that no row has: its z'Gz is added, for it is independent of all that was seen.
    own = fit.sigma**2 * by_new_level(fit, new)
    expected = by_definition(fit, fit.design.X[0], 0 * fit.Z.toarray()[0], own)
    assert predict(fit, new, allow_new_levels=True, se_fit=True)["se.fit"].iloc[0] == pytest.approx(expected, rel=1e-10)


def by_new_level(fit: Fit, new: pd.DataFrame) -> float:
    """z'T T'z, summed over the terms, from theta alone."""
    x, theta = float(new["x"].iloc[0]), fit.theta.to_numpy()
    if len(theta) == 3:
        T = np.array([[theta[0], 0], [theta[1], theta[2]]])
        return float(((T.T @ [1, x]) ** 2).sum())
    names = list(fit.theta.index)
    return float(
        sum((value * (x if name.endswith(".x") else 1)) ** 2 for name, value in zip(names, theta, strict=True))
    )


def test_standard_errors_are_those_of_draws() -> None:
    """The mean square of 400 standardised errors of one prediction is chi-squared: a false alarm once in 1e6 runs."""
    data = drawn(6, 30)
    theta, sigma, beta, count = np.array([0.8, 0.3, 0.5]), 2.0, np.array([1.0, -0.5]), 400
    fit = at_theta(lmer("y ~ x + (x | g)", data), theta)
    random = np.random.default_rng(7)
    rows = data.iloc[[0, 17]].assign(x=[12.0, 3.0])
    X = np.column_stack([np.ones(2), rows["x"]])
    levels = list(fit.b.index.get_level_values("level")[::2])
    where = [levels.index(g) for g in rows["g"]]
    errors = np.empty((count, 2))
    for k in range(count):
        b = sigma * fit.Lambda @ random.normal(size=fit.Z.shape[1])
        y = fit.design.X @ beta + fit.Z @ b + sigma * random.normal(size=30)
        there = at_theta(replace(fit, prepared=prepare(replace(fit.design, y=y), "pls")), theta)
        truth = X @ beta + np.array([X[i] @ b.reshape(-1, 2)[where[i]] for i in range(2)])
        found = predict(there, rows, se_fit=True)
        errors[k] = (found["fit"] - truth) / (found["se.fit"] * sigma / there.sigma)
    for square in (errors**2).sum(axis=0):
        tail = special.chdtrc(count, square)
        assert min(tail, 1 - tail) > 0.25e-6


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"newdata": {"g": ["g1"], "f": ["low"]}}, r"the data have no column 'x'; did you mean g, f\?"),
    ({"newdata": {"x": [1.0], "f": ["low"]}}, r"the data have no column 'g'; .*"),
    (
        {"newdata": {"x": [1.0], "f": ["low"], "g": ["g9"]}},
        r"grouping factor 'g' has the new level 'g9': give allow_new_levels=True to predict with effects of 0",
    ),
    (
        {"newdata": {"x": [1.0], "f": ["lower"], "g": ["g1"]}, "allow_new_levels": True},
        r"'f' has the new level 'lower'; the model was fitted to 'low', 'mid', 'high'",
    ),
    (
        {"newdata": {"x": ["1"], "f": ["low"], "g": ["g1"]}},
        r"column 'x' held numbers when the model was fitted, and now text or categories",
    ),
    (
        {"newdata": {"x": [1.0], "f": [3], "g": ["g1"]}},
        r"column 'f' held text or categories when the model was fitted, and now numbers",
    ),
    (
        {"newdata": {"x": [True], "f": ["low"], "g": ["g1"]}},
        r"column 'x' held numbers when the model was fitted, and now logicals",
    ),
    ({"newdata": {"x": [np.inf], "f": ["low"], "g": ["g1"]}}, r"'x' is Inf in row 1 of the data, .*"),
    ({"re_form": "~ (1 | f)"}, r"re_form has an effect '\(Intercept\)' of 'f', which the model has not"),
    ({"re_form": "~ (x | g)"}, r"re_form has an effect 'x' of 'g', which the model has not"),
    ({"re_form": "~ (z | g)"}, r"re_form has 'z', which the model has not"),
    ({"re_form": "~ x + (1 | g)"}, r"re_form '~ x \+ \(1 \| g\)' has terms outside of bars: .*"),
    ({"re_form": "all"}, r"re_form is 'all': give None for all random effects, '~0' for none, or '~ \(1 \| g\)'"),
    ({"re_form": 3}, r"re_form is 3: .*"),
    ({"re_form": "~ (1 | "}, r"cannot read the formula .*"),
]


@pytest.mark.parametrize(("arguments", "why"), REFUSED)
def test_what_is_refused_in_one_line(arguments: dict[str, Any], why: str) -> None:
    fit = lmer("y ~ x + f + (1 | g)", drawn(8))
    if "newdata" in arguments:
        arguments = {**arguments, "newdata": pd.DataFrame(arguments["newdata"])}
    with pytest.raises(ModelError, match=f"^{why}$"):
        predict(fit, **arguments)
    with pytest.raises(ModelError, match=r"^newdata must be a pandas DataFrame, not dict$"):
        predict(fit, {"x": [1]})


@pytest.mark.parametrize("formula", ["y ~ poly(x, 2) + cut(z, 3) + (1 | g)", "y ~ ns(x, 3) + I(z - mean(z)) + (1 | g)"])
def test_what_was_learnt_is_pickled_with_the_fit(formula: str) -> None:
    data = drawn(10)
    fit = lmer(formula, data)
    fresh = pickle.loads(pickle.dumps(fit))
    assert predict(fresh, data.iloc[:3]).equals(predict(fit, data.iloc[:3]))


def test_what_goes_by_the_places_of_rows_has_no_value_elsewhere() -> None:
    fit = lmer("y ~ rev(x) + (1 | g)", drawn(9))
    with pytest.raises(ModelError, match=r"^'rev\(x\)' goes by the places of rows, which new data do not have; .*$"):
        predict(fit, drawn(9))
