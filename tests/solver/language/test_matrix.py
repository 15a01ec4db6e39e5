"""X, its rank and the random terms on small data; expected values from R 4.2.2 and lme4 1.1-31 or by hand."""

import numpy as np
import pandas as pd
import pytest
from bounds import EPS
from exact_polynomials import exact_polynomials

from relmer.solver.algebra.rank import full_rank_columns
from relmer.solver.errors import ModelError
from relmer.solver.language.contrasts import polynomial
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.matrix import fixed_matrix, random_terms
from relmer.solver.model.term import RandomTerm

DATA = pd.DataFrame(
    {
        "y": np.arange(12.0),
        "x": [3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0, 5.0, 3.5, 5.5, 8.0, 9.5],
        "a": list("uuuvvvuuuvvv"),
        "b": list("pqrpqrpqrrqp"),
        "o": pd.Categorical(list("lmhlmhlmhlmh"), categories=list("lmh"), ordered=True),
        "l": [True, False, False] * 4,
        "k": [10, 10, 9, 9, 8, 8, 10, 10, 9, 9, 8, 8],
        "one": ["same"] * 12,
    }
)


def names(text: str) -> tuple[str, ...]:
    return fixed_matrix(model_frame(parse(f"y ~ {text}"), DATA))[1]


def terms(text: str) -> tuple[RandomTerm, ...]:
    return random_terms(model_frame(parse(f"y ~ 1 + {text}"), DATA))


# R 4.2.2: colnames(model.matrix(~ ..., DATA)).
NAMES = [
    ("x", "(Intercept) x"),
    ("a", "(Intercept) av"),
    ("a - 1", "au av"),
    ("0 + a + b", "au av bq br"),
    ("a:b", "(Intercept) au:bp av:bp au:bq av:bq au:br av:br"),
    ("0 + a:b", "au:bp av:bp au:bq av:bq au:br av:br"),
    ("a + a:b", "(Intercept) av au:bq av:bq au:br av:br"),
    ("0 + x:a", "x:au x:av"),
    ("x + x:a", "(Intercept) x x:av"),
    ("a:x", "(Intercept) au:x av:x"),
    ("a:b + a:l", "(Intercept) au:bp av:bp au:bq av:bq au:br av:br au:lTRUE av:lTRUE"),
    ("o", "(Intercept) o.L o.Q"),
    ("0 + o", "ol om oh"),
    ("a:o", "(Intercept) au:ol av:ol au:om av:om au:oh av:oh"),
    ("a*o", "(Intercept) av o.L o.Q av:o.L av:o.Q"),
    ("l", "(Intercept) lTRUE"),
    ("0 + l", "lFALSE lTRUE"),
    ("l:x", "(Intercept) lFALSE:x lTRUE:x"),
    ("factor(k)", "(Intercept) factor(k)9 factor(k)10"),
    ("I(x^2) + log(x)", "(Intercept) I(x^2) log(x)"),
]


@pytest.mark.parametrize(("text", "expected"), NAMES)
def test_names_as_r(text: str, expected: str) -> None:
    assert names(text) == tuple(expected.split())


def test_values_of_an_interaction() -> None:
    X, _ = fixed_matrix(model_frame(parse("y ~ a:x"), DATA.iloc[[0, 3, 1]]))
    assert X.tolist() == [[1, 3, 0], [1, 0, 1.5], [1, 1, 0]]


def test_logicals_keep_both_values() -> None:
    # R 4.2.2: model.matrix(~ l) with l all TRUE has the columns (Intercept) and lTRUE.
    _, found = fixed_matrix(model_frame(parse("y ~ l"), DATA[DATA["l"]]))
    assert found == ("(Intercept)", "lTRUE")


def test_no_columns_at_all() -> None:
    X, found = fixed_matrix(model_frame(parse("y ~ 0 + (1 | a)"), DATA))
    assert (X.shape, found) == ((12, 0), ())


@pytest.mark.parametrize("text", ["one", "0 + one", "x - one", "x:one"])
def test_a_factor_with_one_level_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"'one' has one level, 'same': contrasts can be applied only"):
        names(text)


# R 4.2.2: contr.poly(4).
CUBIC = [
    [-0.67082039324993692, 0.5, -0.22360679774997896],
    [-0.22360679774997896, -0.5, 0.67082039324993692],
    [0.22360679774997896, -0.5, -0.67082039324993692],
    [0.67082039324993692, 0.5, 0.22360679774997896],
]


def test_polynomial_contrasts_of_four_levels() -> None:
    contrasts, found = polynomial(tuple("abcd"))
    np.testing.assert_allclose(contrasts, CUBIC, rtol=0, atol=8 * EPS)  # R's roundings and ours: see below
    assert found == (".L", ".Q", ".C")


@pytest.mark.parametrize("k", [2, 3, 7, 12, 22, 50])
def test_polynomial_contrasts_are_exact_to_rounding(k: int) -> None:
    contrasts, found = polynomial(tuple(map(str, range(k))))
    # Orthogonalised twice, a column of norm 1 keeps an error of a few roundings (3 observed at k = 95).
    np.testing.assert_allclose(contrasts, exact_polynomials(k), rtol=0, atol=8 * np.finfo(float).eps)
    assert found[3:] == tuple(f"^{degree}" for degree in range(4, k))


def test_too_many_ordered_levels_are_refused() -> None:
    # R 4.2.2: contr.poly(96) stops as well.
    with pytest.raises(ModelError, match="96 levels"):
        polynomial(tuple(map(str, range(96))))


# lme4 1.1-31: names(cnms), cnms and levels(flist) of lFormula(y ~ 1 + ..., DATA).
def test_nested_terms() -> None:
    inner, outer = terms("(x | a/k)")
    assert (inner.group, inner.columns) == ("k:a", ("(Intercept)", "x"))
    assert inner.levels == ("8:v", "9:u", "9:v", "10:u")
    assert (outer.group, outer.levels) == ("a", ("u", "v"))
    assert outer.codes.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(inner.X, np.column_stack([np.ones(12), DATA["x"]]))


def test_only_combinations_that_occur_are_levels() -> None:
    (term,) = terms("(1 | a:k)")
    assert term.levels == ("u:9", "u:10", "v:8", "v:9")
    assert term.codes.tolist() == [1, 1, 0, 3, 2, 2, 1, 1, 0, 3, 2, 2]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("(1 | b) + (1 | a)", "b a"),
        ("(1 | a) + (1 | b)", "b a"),
        ("(1 | b) + (1 | o) + (1 | k)", "b o k"),
        ("(1 | a) + (1 | b) + (1 | o)", "o b a"),
        ("(1 | b) + (1 | a) + (1 | o)", "o b a"),
        ("(1 | a) + (0 + x | a) + (1 | b)", "b a a"),
    ],
)
def test_more_levels_first_and_ties_turned_around_when_sorted(text: str, order: str) -> None:
    # By R's rule: if (any(diff(nl) > 0)) rev(order(nl)), with nl = 2 for a and 3 for b, o and k.
    assert [term.group for term in terms(text)] == order.split()


def test_ties_are_turned_around_within_one_factor() -> None:
    found = terms("(1 | a) + (0 + x | a) + (1 | b)")
    assert [term.columns for term in found] == [("(Intercept)",), ("x",), ("(Intercept)",)]


def test_double_bar_keeps_a_factor_together() -> None:
    first, second = terms("(b || a)")
    assert (first.columns, second.columns) == (("(Intercept)",), ("bp", "bq", "br"))


def test_a_grouping_column_is_a_factor_left_of_its_bar() -> None:
    (term,) = terms("(k | k)")
    assert term.columns == ("(Intercept)", "k9", "k10")


def test_labels_that_coincide_are_refused() -> None:
    changed = DATA.assign(a=["u:v"] * 6 + ["u"] * 6, b=["w"] * 6 + ["v:w"] * 6)
    with pytest.raises(ModelError, match="'u:v:w'; rename"):
        random_terms(model_frame(parse("y ~ 1 + (1 | a:b)"), changed))


# R 4.2.2: q <- qr(X, tol = 1e-7); sort(q$pivot[seq_len(q$rank)]) - 1.
@pytest.mark.parametrize(("perturbation", "kept"), [(0.0, [0, 1, 3]), (1e-8, [0, 1, 3]), (1e-6, [0, 1, 2, 3])])
def test_rank_has_the_tolerance_of_linpack(perturbation: float, kept: list[int]) -> None:
    t = np.arange(1.0, 9.0)
    X = np.column_stack([np.ones(8), t, 1 + t + perturbation * t**3 / 100, (-1) ** t])
    assert full_rank_columns(X).tolist() == kept


# R 4.2.2: qr(cbind(1, 1 + r * c(1, -1, ...)), tol = 1e-7)$rank; r is the second column's relative norm.
@pytest.mark.parametrize(("relative_norm", "rank"), [(0.9999e-7, 1), (1.0001e-7, 2)])
def test_norms_stay_accurate_where_columns_are_nearly_dependent(relative_norm: float, rank: int) -> None:
    X = np.column_stack([np.ones(8), 1 + relative_norm * np.tile([1, -1], 4)])
    assert full_rank_columns(X).size == rank


# A column of relative norm r after the first: kept down to r = 1e-7, whether the cross products show it or the QR.
@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("n", [8, 100_000])
@pytest.mark.parametrize("relative_norm", [1e-2, 1e-4, 1e-6, 1.001e-7, 0.999e-7, 1e-8, 0.0])
def test_rank_across_sizes_and_angles(relative_norm: float, n: int, size: float) -> None:
    X = np.column_stack([size * (1 + relative_norm * np.tile([1.0, -1.0], n // 2)), np.ones(n), np.arange(n)])
    assert full_rank_columns(X[:, [1, 0, 2]]).tolist() == ([0, 1, 2] if relative_norm > 1e-7 else [0, 2])


@pytest.mark.parametrize(
    ("X", "kept"),
    [
        (np.zeros((3, 2)), []),
        (np.eye(3)[:, [0, 0, 1, 1, 2]], [0, 2, 4]),
        (np.ones((2, 3)) + np.eye(2, 3), [0, 1]),
        (np.empty((4, 0)), []),
    ],
)
def test_rank_of_degenerate_matrices(X: np.ndarray, kept: list[int]) -> None:
    original = X.copy()
    assert full_rank_columns(X).tolist() == kept
    np.testing.assert_array_equal(X, original)
