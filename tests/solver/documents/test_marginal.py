"""Document 000: V by hand and by getV, and the fixed effects that follow from it."""

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE, SOLVED
from definition import generalized
from hypothesis import given, settings
from printed import assert_printed, where_lme4_stopped
from scipy import sparse
from strategies import Problem, mixed_data, problems

from relmer.datasets import load
from relmer.solver import ModelError, covariances, expanded, getFE, getV, lmer, ngrps
from relmer.solver.model.theta import Lambda


def close(value, expected, bound: float = SOLVED) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(value, expected, rtol=0, atol=bound * np.abs(expected).max())


def test_sleepstudy_prints_the_documents_figures() -> None:
    fit = where_lme4_stopped("docs/sleepstudy")
    assert_printed(getFE(fit.X, getV(fit), fit.design.y), "251.40510 10.46729")
    assert list(getFE(fit.X, getV(fit), fit.design.y).index) == ["(Intercept)", "Days"]
    G = covariances(fit)
    assert list(G) == ["Subject"]
    assert list(G["Subject"].index) == list(G["Subject"].columns) == ["(Intercept)", "Days"]
    assert_printed(G["Subject"].to_numpy(), "612.100158 9.604409 9.604409 35.071714")
    Gm = expanded(G, {"Subject": 18})
    assert Gm.shape == (36, 36)
    expected = np.kron(np.eye(3), [[612.100158, 9.604409], [9.604409, 35.071714]])
    close(Gm[:6, :6].toarray(), expected, 0.5e-6 / 35)
    manual = fit.Z @ Gm @ fit.Z.T + fit.sigma**2 * sparse.eye_array(180)
    close(manual.toarray(), getV(fit).toarray(), DENSE)


def test_three_levels_stack_two_kronecker_blocks() -> None:
    """The printed variances by hand, as in section 3: 30 teachers, then 10 schools."""
    fit = where_lme4_stopped("docs/three-level")
    assert fit.Z.shape == (150, 40)
    assert ngrps(fit) == {"tch.cl:sch.cl": 30, "sch.cl": 10}
    G = covariances(fit)
    assert_printed([G["tch.cl:sch.cl"].iat[0, 0], G["sch.cl"].iat[0, 0]], "1.226473 .4201496")
    Gm = expanded({"teachers": 1.226473, "schools": 0.4201496}, {"teachers": 30, "schools": 10})
    assert Gm.diagonal().tolist() == [1.226473] * 30 + [0.4201496] * 10
    assert Gm.nnz == 40
    V = fit.Z @ Gm @ fit.Z.T + fit.sigma**2 * sparse.eye_array(150)
    for covariance in (V, V.toarray(), getV(fit), expanded_V(fit)):
        assert_printed(getFE(fit.X, covariance, fit.design.y), "0.3758945 0.3587507")


def expanded_V(fit) -> sparse.csc_array:
    return fit.Z @ expanded(covariances(fit), ngrps(fit)) @ fit.Z.T + fit.R


def test_random_slopes_on_unsorted_rows() -> None:
    fit = where_lme4_stopped("docs/star-sample")
    assert_printed(getFE(fit.X, getV(fit), fit.design.y), "438.908738 -5.923652 -2.209975 2.045771")
    teacher, school = covariances(fit).values()
    assert_printed(teacher.to_numpy(), "141.78835 -10.1180105 -10.11801 0.7220208")
    assert_printed(school.to_numpy(), "153.929734 -6.3991477 -6.399148 0.2660246")
    close(expanded_V(fit).toarray(), getV(fit).toarray(), DENSE)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_getFE_is_the_formula_whatever_holds_V(problem: Problem) -> None:
    X, y, Z = problem.design.X, problem.design.y, problem.design.Z
    factor = Lambda(problem.design.template, problem.theta)
    V = 2.5 * (Z @ factor @ factor.T @ Z.T + sparse.eye_array(len(y)))
    dense = V.toarray()
    expected, _ = generalized(X, dense, y)
    for held in (sparse.csr_array(V), dense, pd.DataFrame(dense), dense.tolist()):
        close(getFE(X, held, y), expected)
    names = [f"c{k}" for k in range(X.shape[1])]
    named = getFE(pd.DataFrame(X, columns=names), V, pd.Series(y, index=range(7, 7 + len(y))))
    close(named, expected)
    assert list(named.index) == names


def test_getV_with_weights_is_the_definition() -> None:
    data = mixed_data(3, 40)
    weights = np.random.default_rng(4).uniform(0.3, 3.0, 40)
    fit = lmer("y ~ x + (1 | g)", data, weights=weights)
    same = data["g"].to_numpy()[:, None] == data["g"].to_numpy()[None, :]
    variance = fit.VarCorr()["vcov"].tolist()
    assert variance[0] > 0
    expected = variance[0] * same + np.diag(variance[1] / weights)
    close(getV(fit).toarray(), expected, DENSE)
    close(getFE(fit.X, getV(fit), fit.design.y), fit.beta)


def test_a_term_that_comes_twice_keeps_its_own_covariance() -> None:
    fit = lmer("Reaction ~ Days + (Days || Subject)", load("sleepstudy").frame)
    G = covariances(fit)
    assert {name: list(block.columns) for name, block in G.items()} == {
        "Subject": ["(Intercept)"],
        "Subject.1": ["Days"],
    }
    close([block.iat[0, 0] for block in G.values()], fit.VarCorr()["vcov"][:2], DENSE)
    close(expanded_V(fit).toarray(), getV(fit).toarray(), DENSE)


def test_without_random_terms_V_is_the_residual_variance() -> None:
    fit = lmer("mpg ~ wt + am", load("mtcars").frame)
    assert covariances(fit) == {} == ngrps(fit)
    assert expanded({}, {}).shape == (0, 0)
    close(getFE(fit.X, getV(fit), fit.design.y), fit.beta)


@pytest.mark.parametrize(
    ("X", "V", "y", "message"),
    [
        (np.ones((3, 1)), np.eye(3), [1, 2], r"X has shape \(3, 1\) and y 2 rows"),
        (np.ones((3, 1)), np.eye(2), [1, 2, 3], r"V has shape \(2, 2\) for 3 rows"),
        (np.ones((2, 1)), [[1.0, 0.5], [0.2, 1.0]], [1, 2], "V is not symmetric"),
        (np.ones((2, 1)), [[1.0, 2.0], [2.0, 1.0]], [1, 2], "V is not positive definite"),
        (np.ones((2, 1)), sparse.csc_array([[1.0, 2.0], [2.0, 1.0]]), [1, 2], "V is not positive definite"),
        (np.ones((2, 1)), sparse.csc_array([[1.0, 1.0], [1.0, 1.0]]), [1, 2], "V is not positive definite"),
        (np.ones((2, 1)), [[1.0, np.nan], [np.nan, 1.0]], [1, 2], "must be finite numbers"),
        (np.ones((2, 1)), np.eye(2), [1, np.nan], "must be finite numbers"),
        (np.ones((3, 2)), np.eye(3), [1, 2, 3], "X has columns that others determine"),
    ],
)
def test_getFE_refuses(X, V, y, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        getFE(X, V, y)


def test_expanded_refuses() -> None:
    with pytest.raises(ModelError, match="G has terms a, levels has b"):
        expanded({"a": 1.0}, {"b": 2})
    with pytest.raises(ModelError, match=r"G\['a'\] has shape \(1, 2\)"):
        expanded({"a": [[1.0, 2.0]]}, {"a": 2})
