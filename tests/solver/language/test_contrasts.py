"""Contrasts that a user chooses, as R's `model.matrix(contrasts.arg = )` codes them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver import lmer
from relmer.solver.errors import ModelError
from relmer.solver.language.contrasts import NAMED, chosen_contrasts
from relmer.solver.language.factors import Factor
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms

N = 48


def data() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    f, h = np.array(list("abc"))[np.arange(N) % 3], np.array(list("pq"))[np.arange(N) // 3 % 2]
    return pd.DataFrame(
        {"y": rng.normal(size=N), "x": rng.normal(size=N), "f": f, "h": h, "my f": f, "g": np.arange(N) % 8}
    )


def frame(text: str, contrasts: object, changed: pd.DataFrame | None = None) -> ModelFrame:
    return model_frame(parse(text), data() if changed is None else changed, contrasts=contrasts)  # type: ignore[arg-type]


# R 4.2.2: contr.sum(4) and the like, rows of the matrix.
MATRICES = {
    "contr.treatment": [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "contr.sum": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]],
    "contr.helmert": [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]],
    "contr.SAS": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]],
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_matrices_are_those_of_R(name: str) -> None:
    levels = tuple("abcd")
    matrix, names = NAMED[name](levels)
    assert matrix.tolist() == MATRICES[name]
    assert names == {"contr.treatment": levels[1:], "contr.SAS": levels[:-1]}.get(name, ("1", "2", "3"))


# R 4.2.2: colnames(model.matrix(~ ..., contrasts.arg = ...)); a logical is a factor there, too.
NAMES = [
    ("f", {"f": "contr.sum"}, "(Intercept) f1 f2"),
    ("f", {"f": "contr.SAS"}, "(Intercept) fa fb"),
    ("f", {"f": "contr.poly"}, "(Intercept) f.L f.Q"),
    ("f*x + f:h", {"f": "contr.helmert"}, "(Intercept) f1 f2 x f1:x f2:x fa:hq fb:hq fc:hq"),
    ("0 + f", {"f": "contr.sum"}, "fa fb fc"),
    ("f:x", {"f": "contr.sum"}, "(Intercept) fa:x fb:x fc:x"),
    ("f", {"f": [[-1], [0], [1]]}, "(Intercept) f1"),
    ("f", {"f": pd.DataFrame({"lin": [-1, 0, 1], "quad": [1, -2, 1]})}, "(Intercept) flin fquad"),
    ("factor(g)", {"factor( g )": "contr.sum"}, "(Intercept) " + " ".join(f"factor(g){i}" for i in range(1, 8))),
]


@pytest.mark.parametrize(("text", "contrasts", "names"), NAMES)
def test_names_are_those_of_R(text: str, contrasts: dict[str, object], names: str) -> None:
    made = frame(f"y ~ {text}", contrasts)
    X, found = fixed_matrix(made)
    assert found == tuple(names.split())
    assert X.shape == (N, len(found))


def test_names_that_need_backticks_and_logicals() -> None:
    for key in ("my f", "`my f`"):
        assert fixed_matrix(frame("y ~ `my f`", {key: "contr.sum"}))[1] == ("(Intercept)", "`my f`1", "`my f`2")
    assert fixed_matrix(frame("y ~ l", {"l": "contr.sum"}, data().assign(l=data()["x"] > 0)))[1] == (
        "(Intercept)",
        "l1",
    )


def test_rows_of_a_table_go_by_the_levels() -> None:
    table = pd.DataFrame({"one": [3.0, 1.0, 2.0]}, index=["c", "a", "b"])
    X, _ = fixed_matrix(frame("y ~ f", {"f": table}))
    assert X[:3, 1].tolist() == [1.0, 2.0, 3.0]


def test_random_effects_keep_the_default_as_in_lme4() -> None:
    """lme4 1.1-31: getME(lmer(y ~ f + (f | g), d, contrasts = list(f = "contr.sum")), "cnms")."""
    (term,) = random_terms(frame("y ~ f + (f | g)", {"f": "contr.sum"}))
    assert term.columns == ("(Intercept)", "fb", "fc")


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["contr.sum", "contr.helmert", "contr.SAS", "contr.poly", "matrix"]))
def test_the_model_is_the_same_whatever_the_contrasts(seed: int, contrasts: str) -> None:
    """X spans the same columns, so that ML criterion, fitted values and theta stay."""
    rng = np.random.default_rng(seed)
    drawn = data().assign(y=rng.normal(size=N))
    chosen = rng.normal(size=(3, 2)) if contrasts == "matrix" else contrasts
    if contrasts == "matrix" and np.linalg.cond(np.column_stack([np.ones(3), chosen])) > 20:
        return
    plain = lmer("y ~ f*x + (1 | g)", drawn, REML=False)
    other = lmer("y ~ f*x + (1 | g)", drawn, REML=False, contrasts={"f": chosen})
    # A condition of 20 for f, squared in cross products, and the noise of the search, of which 1e-9 is far above.
    assert other.criterion == pytest.approx(plain.criterion, rel=1e-9)
    np.testing.assert_allclose(other.fitted(), plain.fitted(), atol=1e-5)


# R 4.2.2: model.matrix(~ h, contrasts.arg = list(h = ...))[1:3, 3].
VECTORS = [
    ([1, 2, -3], [-0.771516749810460, 0.617213399848368, 0.154303349962092]),
    ([-1, 0, 1], [0.408248290463863, -0.816496580927726, 0.408248290463863]),
    ([2, -1, -1], [0.0, -0.707106781186547, 0.707106781186548]),
    ([0, 0, 5], [-0.707106781186548, 0.707106781186548, 0.0]),
]


@pytest.mark.parametrize(("given", "rest"), VECTORS)
def test_a_vector_gets_the_columns_that_it_lacks_and_a_matrix_does_not(given: list[int], rest: list[float]) -> None:
    y = np.random.default_rng(1).normal(size=18)
    data = pd.DataFrame({"h": list("abc") * 6, "g": np.repeat(list("uvw"), 6), "y": y})
    X = lmer("y ~ h + (1 | g)", data, contrasts={"h": given}).X
    assert list(X.columns) == ["(Intercept)", "h1", "h2"]
    np.testing.assert_allclose(X.to_numpy()[:3, 1:], np.column_stack([given, rest]), atol=1e-15)
    alone = lmer("y ~ h + (1 | g)", data, contrasts={"h": np.reshape(given, (3, 1))}).X
    assert list(alone.columns) == ["(Intercept)", "h1"]


# R 4.2.2: model.matrix(~ C(f, ...))[1:5, 3:5]; its column of ones, ^0, is redundant.
FULL = {
    "contr.poly(5, contrasts = FALSE)": [
        [-0.632455532034, 0.534522483825, -0.316227766017],
        [-0.316227766017, -0.267261241912, 0.632455532034],
        [0.0, -0.534522483825, 0.0],
        [0.316227766017, -0.267261241912, -0.632455532034],
        [0.632455532034, 0.534522483825, 0.316227766017],
    ],
    "contr.poly(5, scores = c(1, 2, 4, 8, 16), contrasts = FALSE)": [
        [-0.4262867932596, 0.4620308277253, -0.4810503133720],
        [-0.3443085637866, 0.1694113034993, 0.2077262716834],
        [-0.1803521048406, -0.2926195242260, 0.6887765850553],
        [0.1475608130514, -0.7238482967696, -0.4947165154564],
        [0.8033866488353, 0.3850256897711, 0.0792639720897],
    ],
}


@pytest.mark.parametrize("spelled", FULL)
def test_polynomials_without_contrasts_begin_with_ones(spelled: str) -> None:
    """Of all R's contrasts these alone are no indicators then."""
    y = np.random.default_rng(2).normal(size=20)
    data = pd.DataFrame({"f": pd.Categorical(list("abcde") * 4), "g": np.repeat(list("uv"), 10), "y": y})
    fit = lmer(f"y ~ C(f, {spelled}) + (1 | g)", data)
    assert fit.dropped == (f"C(f, {spelled})^0",)
    assert list(fit.X.columns[1:]) == [f"C(f, {spelled})^{degree}" for degree in (1, 2, 3)]
    np.testing.assert_allclose(fit.X.to_numpy()[:5, 1:], FULL[spelled], atol=1e-12)


REFUSED = [
    ({"f": "contr.foo"}, "contrasts of 'f' are 'contr.foo': give one of contr.treatment, contr.sum"),
    ({"f": "sum"}, "give one of contr.treatment"),
    ({"f": [[1.0], [2.0]]}, "need 3 rows of finite numbers"),
    ({"f": [[1.0], [2.0], [np.nan]]}, "need 3 rows of finite numbers"),
    ({"f": np.ones((3, 0))}, "need 3 rows"),
    ({"f": np.ones((3, 1, 1))}, "need 3 rows"),
    ({"f": [["u"], ["v"], ["w"]]}, "no matrix of numbers and no name"),
    ({"f": None}, "need 3 rows"),
    ({"f": [2, 2, 2]}, "are linearly dependent"),
    ({"f": pd.DataFrame({"one": [1, 2, 3]}, index=["a", "b", "z"])}, "other rows than its levels, a, b, c"),
    ({"z": "contr.sum"}, "'z', which is no factor of the fixed effects"),
    ({"x": "contr.sum"}, "'x', which is no factor"),
    ({"g": "contr.sum"}, "'g', which is no factor of the fixed effects; random effects keep"),
    ({3: "contr.sum"}, "no factor of the fixed effects"),
    ({"f +": "contr.sum"}, "cannot read"),
    ("contr.sum", "contrasts are str: give a dict"),
    ([("f", "contr.sum")], "contrasts are list: give a dict"),
    *(
        ({"f": matrix}, "no matrix of numbers and no name")
        for matrix in (
            np.array([[1], [0], [-1]]) * 1j,
            [["1"], ["0"], ["-1"]],
            [["1.5", 0.0], ["0", 1.0], [1.0, 2.0]],
            np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="datetime64[ns]"),
            [[True], [False], [True]],
            pd.DataFrame({"one": ["1", "0", "-1"]}),
            [[10**400], [0], [1]],
        )
    ),
]


@pytest.mark.parametrize(("contrasts", "message"), REFUSED)
def test_refused_in_one_line(contrasts: object, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        frame("y ~ f + x + (1 | g)", contrasts)
    assert "\n" not in str(caught.value)


def test_a_matrix_has_a_row_for_each_level_that_occurs() -> None:
    factor = Factor(("a", "c"), np.array([0, 1]))
    assert chosen_contrasts("f", [[1.0], [-1.0]], factor)[0].tolist() == [[1.0], [-1.0]]
