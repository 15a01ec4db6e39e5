"""Hypotheses of type I, II and III: what they mean, in cells and in sums of squares, by exact arithmetic."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.reference.exact.rational import Matrix, rank, rational
from relmer.solver import Fit, ModelError, anova_table, hypotheses, lmer
from relmer.solver.fits import at_theta


@st.composite
def unbalanced(draw: st.DrawFn) -> pd.DataFrame:
    """Two crossed factors, from 1 to 4 rows in every cell, a covariate, and groups."""
    a, b = draw(st.integers(2, 3)), draw(st.integers(2, 3))
    counts = draw(st.lists(st.integers(1, 4), min_size=a * b, max_size=a * b))
    cells = [cell for cell, count in zip(product(range(a), range(b)), counts, strict=True) for _ in range(count + 2)]
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = len(cells)
    g = random.permutation(np.arange(n) % 4)
    y = random.normal(size=n) + 2 * random.normal(size=4)[g]
    frame = pd.DataFrame({"y": y, "x": random.integers(0, 9, n).astype(float)})
    return frame.assign(
        a=pd.Categorical([f"a{i}" for i, _ in cells]), b=pd.Categorical([f"b{j}" for _, j in cells]), g=g.astype(str)
    )


def same_space(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether rows of small rationals span one space, exactly."""
    one, other = (rational_rows(rows) for rows in (first, second))
    return rank(one) == rank(other) == rank((*one, *other))


def rational_rows(rows: np.ndarray) -> Matrix:
    return tuple(tuple(Fraction(value).limit_denominator(10**5) for value in row) for row in rows.tolist())


def means(data: pd.DataFrame, coefficients: list[str], factor: str) -> np.ndarray:
    """Differences of the plain averages of the cells' means, by level of a factor, as contrasts of the coefficients."""
    levels = {name: list(data[name].cat.categories) for name in "ab"}
    rows = {}
    for a, b in product(levels["a"], levels["b"]):
        marks = {"(Intercept)": 1.0, f"a{a}": 1.0, f"b{b}": 1.0, f"a{a}:b{b}": 1.0}
        rows[a, b] = np.array([marks.get(name, 0.0) for name in coefficients])
    averages = [sum(row for cell, row in rows.items() if cell["ab".index(factor)] == level) for level in levels[factor]]
    other = len(levels["b" if factor == "a" else "a"])
    return np.array([average - averages[0] for average in averages[1:]]) / other


@settings(max_examples=10, deadline=None)
@given(unbalanced())
def test_type_III_compares_the_plain_averages_of_cells(data: pd.DataFrame) -> None:
    for contrasts in (None, {"a": "contr.sum"}, {"a": "contr.helmert", "b": "contr.sum"}):
        fit = lmer("y ~ a * b + (1 | g)", data, contrasts=contrasts)
        plain = lmer("y ~ a * b + (1 | g)", data)
        found, table = hypotheses(fit), anova_table(fit)
        for name in "ab":
            expected = means(data, list(plain.beta.index), name)
            if contrasts is None:
                assert same_space(found[name].to_numpy(), expected)
            else:
                # Of other coefficients beta' = M beta the hypothesis is the same.
                M = np.linalg.lstsq(fit.design.X, plain.design.X, rcond=None)[0]
                assert same_space(np.round(found[name].to_numpy() @ M, 9), expected)
        np.testing.assert_allclose(table["F value"], anova_table(plain)["F value"], rtol=1e-8)


def reduction(data: pd.DataFrame, larger: str, smaller: str) -> float:
    """By how much terms reduce the sum of squares."""
    return sum(
        sign * float(np.sum((data["y"] - X @ np.linalg.lstsq(X, data["y"], rcond=None)[0]) ** 2))
        for sign, X in ((-1, dummies(data, larger)), (1, dummies(data, smaller)))
    )


def dummies(data: pd.DataFrame, terms: str) -> np.ndarray:
    """A column for every level of every term."""
    columns = [np.ones(len(data))]
    for term in terms.split():
        names = term.split(":")
        keys = data[names].astype(str).agg("/".join, axis=1) if names != ["x"] else None
        columns += [data["x"].to_numpy()] if keys is None else [(keys == key).to_numpy(float) for key in keys.unique()]
    return np.column_stack(columns)


def without_variance(data: pd.DataFrame) -> Fit:
    """A fit at theta = 0, whatever its optimum: V = I."""
    return at_theta(lmer("y ~ x + a * b + (1 | g)", data), [0.0])


@settings(max_examples=10, deadline=None)
@given(unbalanced())
def test_types_I_and_II_are_reductions_of_the_sum_of_squares(data: pd.DataFrame) -> None:
    """Of a model without variance between the groups, F is the reduction over sigma^2."""
    fit = without_variance(data)
    sigma2 = fit.sigma**2
    expected = {
        "I": {"x": ("x", ""), "a": ("x a", "x"), "b": ("x a b", "x a"), "a:b": ("x a b a:b", "x a b")},
        "II": {
            "x": ("x a b a:b", "a b a:b"),
            "a": ("x a b", "x b"),
            "b": ("x a b", "x a"),
            "a:b": ("x a b a:b", "x a b"),
        },
    }
    for type, terms in expected.items():
        table = anova_table(fit, type, "residual")
        for name, (larger, smaller) in terms.items():
            assert table.loc[name, "Sum Sq"] == pytest.approx(reduction(data, larger, smaller), rel=1e-8, abs=SOLVED)
            assert table.loc[name, "F value"] * table.loc[name, "NumDF"] * sigma2 == pytest.approx(
                table.loc[name, "Sum Sq"], rel=1e-12
            )


def test_a_cell_without_rows_and_columns_that_are_dropped() -> None:
    random = np.random.default_rng(3)
    a, b = np.repeat([0, 0, 1], 6), np.repeat([0, 1, 0], 6)
    data = pd.DataFrame({"y": random.normal(size=18), "a": a.astype(str), "b": b.astype(str), "g": np.arange(18) % 3})
    fit = lmer("y ~ a * b + (1 | g)", data)
    assert fit.dropped == ("a1:b1",)
    for type in ("I", "II", "III"):
        table = anova_table(fit, type)
        assert table.loc[["a", "b"], "NumDF"].tolist() == [1, 1]
        assert table.loc["a:b"].isna().all()
        assert hypotheses(fit, type)["a:b"].shape == (0, 3)


def test_what_contains_what() -> None:
    """A covariate is within its own product with a factor, the factor is not."""
    random = np.random.default_rng(4)
    data = pd.DataFrame({"y": random.normal(size=24), "x": random.normal(size=24), "f": list("abc") * 8})
    fit = lmer("y ~ x * f + (1 | g)", data.assign(g=np.arange(24) // 6))
    L = hypotheses(fit)
    assert rational(L["x"].to_numpy()[0].tolist(), False) != rational([0.0, 1, 0, 0, 0, 0], False)
    np.testing.assert_allclose(L["x"].to_numpy(), [[0, 1, 0, 0, 1 / 3, 1 / 3]], atol=SOLVED)
    np.testing.assert_allclose(L["f"].to_numpy(), [[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]], atol=SOLVED)


@pytest.mark.parametrize("type", ["IV", 4, None, "iii", "II b"])
def test_an_unknown_type_is_refused(type: object) -> None:
    data = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 9], "x": [1.0, 2, 3, 1, 2, 3], "g": list("aaabbb")})
    with pytest.raises(ModelError, match=r"^type .* is not known; choose one of I, II and III$"):
        hypotheses(lmer("y ~ x + (1 | g)", data), type)
