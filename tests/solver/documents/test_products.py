"""Document 002: J_i, X_i, their Khatri-Rao product Z_i, and the coefficients of each subject."""

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from printed import assert_printed
from scipy import sparse
from strategies import Problem, mixed_data, problems

from relmer.datasets import case, load
from relmer.reports.evidence.landscape import allowance, landscape
from relmer.reports.evidence.tolerances import GAP, SLACK
from relmer.solver import ModelError, Zb, Ztlist, coef, indicators, khatri_rao, lmer, mmList

TOY = [
    [1, -1, 0, 0, 0, 0],
    [1, 1, 0, 0, 0, 0],
    [0, 0, 1, -1, 0, 0],
    [0, 0, 1, 1, 0, 0],
    [0, 0, 0, 0, 1, -1],
    [0, 0, 0, 0, 1, 1],
]
# The printed J_i' * X_i' of two measurements per subject.
TRUNCATED = [
    [1, 1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0, 0],
    [0, 0, 1, 1, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 1, 1],
    [0, 0, 0, 0, 0, 1],
]
SMALL = arrays.arrays(
    float, st.tuples(st.integers(1, 5), st.just(4)), elements=st.one_of(st.just(0.0), st.integers(-9, 9))
)


@pytest.fixture(scope="module")
def three():
    return lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy_three").frame)


def test_toy_of_the_paper() -> None:
    f = np.repeat([1, 2, 3], 2)
    J, levels = indicators(f)
    assert levels == ("1", "2", "3")
    assert J.toarray().tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    X = np.column_stack([np.ones(6), np.tile([-1, 1], 3)])
    assert khatri_rao(J.T, X.T).T.toarray().tolist() == TOY


def test_truncated_example() -> None:
    J, _ = indicators(["309", "309", "330", "330", "371", "371"])
    assert J.T.toarray().tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    X_t = [[1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 0, 1]]
    assert khatri_rao(J.T, X_t).toarray().tolist() == TRUNCATED


def test_three_subjects(three) -> None:
    data = load("sleepstudy_three").frame
    ones, days, zeros = [1] * 10, list(range(10)), [0] * 10
    printed = [
        ones + zeros + zeros,
        days + zeros + zeros,
        zeros + ones + zeros,
        zeros + days + zeros,
        zeros + zeros + ones,
        zeros + zeros + days,
    ]
    assert Ztlist(three)["Subject"].toarray().tolist() == printed
    J, levels = indicators(data["Subject"])
    assert levels == ("309", "330", "371")
    X = mmList(three)["Subject"]
    assert X.to_numpy().T.tolist() == [ones * 3, days * 3]
    assert list(X.columns) == ["(Intercept)", "Days"]
    Z = khatri_rao(J.T, X.T).T
    assert Z.toarray().T.tolist() == printed
    np.testing.assert_array_equal(Z.toarray(), three.Z.toarray())


def test_three_subjects_coefficients(three) -> None:
    """The document's b are those of the optimum, to the rounding of the criterion.

    Its intercepts and slopes are these b added to the fixed effects as a summary prints them, 249.459 and 4.819.
    """
    view = landscape(case("docs/sleepstudy-three"))
    allowed = SLACK * allowance(view, "b", GAP * view.size) + 0.5e-7
    assert allowed.max() < 1e-4
    printed = [-44.1573839, -2.4118590, 32.8633489, -0.3998801, 11.2940350, 2.8117392]
    assert np.all(np.abs(three.b.to_numpy() - printed) <= allowed)
    subjects = coef(three)["Subject"]
    assert list(subjects.index) == ["309", "330", "371"]
    assert list(subjects.columns) == ["(Intercept)", "Days"]
    assert three.beta.round(3).tolist() == [249.459, 4.819]
    lines = subjects - three.beta + three.beta.round(3)
    assert_printed(lines["(Intercept)"], "205.3016 282.3223 260.7530")
    assert_printed(lines["Days"], "2.407141 4.419120 7.630739")
    effects = np.repeat(np.reshape(printed, (3, 2)), 10, axis=0)
    by_hand = effects[:, 0] + effects[:, 1] * load("sleepstudy_three").frame["Days"].to_numpy()
    assert np.all(np.abs(Zb(three) - by_hand) <= 10 * allowed.max())


@given(SMALL, SMALL)
@settings(max_examples=100, deadline=None)
def test_khatri_rao_is_the_kronecker_product_of_each_column(A: np.ndarray, B: np.ndarray) -> None:
    expected = np.column_stack([np.kron(A[:, k], B[:, k]) for k in range(4)])
    for left in (A, sparse.csr_array(A), sparse.coo_array(A)):
        for right in (B, sparse.csc_array(B), pd.DataFrame(B)):
            product = khatri_rao(left, right)
            assert sparse.issparse(product)
            np.testing.assert_array_equal(product.toarray(), expected)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_Z_of_a_fit_is_its_khatri_rao_products(problem: Problem) -> None:
    fit = lmer(problem.formula, problem.data)
    products = []
    for term, X in zip(fit.design.terms, mmList(fit).values(), strict=True):
        labels = problem.data[term.group.split(":")].astype(str).agg(":".join, axis=1)
        J = (labels.to_numpy()[:, None] == np.array(term.levels)).astype(float)
        products.append(khatri_rao(J.T, X.T).toarray())
    np.testing.assert_array_equal(np.vstack(products), fit.Z.toarray().T)
    np.testing.assert_array_equal(sparse.vstack(list(Ztlist(fit).values())).toarray(), fit.Z.toarray().T)
    assert list(Ztlist(fit)) == list(mmList(fit)) and len(Ztlist(fit)) == len(fit.design.terms)
    np.testing.assert_allclose(
        fit.X @ fit.beta + Zb(fit), fit.fitted(), rtol=0, atol=DENSE * np.abs(fit.fitted()).max()
    )


def test_indicators_of_what_a_column_can_hold() -> None:
    J, levels = indicators(pd.Categorical(["b", None, "a", "b"], categories=["c", "b", "a"]))
    assert levels == ("b", "a")
    assert J.toarray().tolist() == [[1, 0], [0, 0], [0, 1], [1, 0]]
    J, levels = indicators(pd.Series([10.0, 2.0, np.nan, 10.0], index=[5, 3, 9, 1]))
    assert levels == ("2", "10")
    assert J.toarray().tolist() == [[0, 1], [1, 0], [0, 0], [0, 1]]


def test_coef_of_a_slope_without_a_fixed_effect() -> None:
    fit = lmer("y ~ f + (0 + x | g) + (1 | g) + (1 | k)", mixed_data(6, 50))
    tables = coef(fit)
    assert list(tables) == ["g", "k"]
    assert list(tables["g"].columns) == list(tables["k"].columns) == ["x", "(Intercept)", "fhigh"]
    assert (np.ptp(tables["g"]["x"]) > 0) and np.all(tables["g"]["fhigh"] == fit.beta["fhigh"])
    effects = fit.b.reset_index(name="b")
    for group, column in (("g", "x"), ("g", "(Intercept)"), ("k", "(Intercept)")):
        mine = effects[effects["group"].str.startswith(group) & (effects["column"] == column)]
        expected = mine.set_index("level")["b"] + fit.beta.get(column, 0.0)
        pd.testing.assert_series_equal(tables[group][column], expected, check_names=False, rtol=DENSE)
    assert np.all(tables["k"]["x"] == 0.0)


def test_khatri_rao_refuses_unequal_columns() -> None:
    with pytest.raises(ModelError, match="A has 3 columns and B 2"):
        khatri_rao(np.ones((2, 3)), np.ones((2, 2)))
