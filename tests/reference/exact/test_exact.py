"""Closed forms: against figures that others computed, and against the likelihood itself at high precision."""

from decimal import Decimal
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import load
from relmer.reference.exact.estimates import exact, one_way, values
from relmer.reference.exact.layouts import Layout, NotExact, Term, intercepts
from relmer.reference.exact.rational import LogSum, Matrix, Root, identity, inverse, ldl, pi, product, rational


def dyestuff(REML: bool, name: str = "Dyestuff"):
    data = load(name).frame
    return one_way(data["Yield"].tolist(), data["Batch"].cat.codes.tolist(), REML)


def test_dyestuff() -> None:
    """Exact values of field.md 1.9 and section 4."""
    found = dyestuff(True)
    assert found.sigma2 == Fraction("2451.25")
    assert found.covariances[0][0][0] == Fraction("1764.05")
    assert found.vcov[0][0] == Fraction(3757166, 10000) + Fraction(2, 30000)
    assert str(found.criterion.decimal(40)).startswith("319.6542768422")
    assert str(dyestuff(False).criterion.decimal(40)).startswith("327.327059881")
    theta = mpmath.sqrt(mpmath.mpf("1764.05") / mpmath.mpf("2451.25"))
    assert mpmath.nstr(theta, 11) == "0.84832378143"


def test_effects_are_the_best_linear_predictor() -> None:
    """b = G Z'V^-1 (y - mean), with V written out at 40 digits."""
    data = load("Dyestuff").frame
    found = dyestuff(True)
    codes = data["Batch"].cat.codes.tolist()
    with mpmath.workdps(40):
        variance, shared = (
            mpmath.mpf(part.numerator) / part.denominator for part in (found.sigma2, found.covariances[0][0][0])
        )
        mean = mpmath.mpf(found.beta[0].numerator) / found.beta[0].denominator
        V = mpmath.matrix(30)
        for i in range(30):
            for j in range(30):
                V[i, j] = (variance if i == j else 0) + (shared if codes[i] == codes[j] else 0)
        weighed = V**-1 * (mpmath.matrix(data["Yield"].tolist()) - mean * mpmath.ones(30, 1))
        for code, effect in enumerate(b for (b,) in found.effects[0]):
            b = shared * sum(weighed[i] for i in range(30) if codes[i] == code)
            assert abs(b - mpmath.mpf(effect.numerator) / effect.denominator) < mpmath.mpf(10) ** -30


def test_dyestuff2_is_on_the_boundary() -> None:
    for REML, criterion in ((True, "161.828277"), (False, "162.87303")):
        found = dyestuff(REML, "Dyestuff2")
        assert found.covariances[0][0][0] == 0
        assert str(found.criterion.decimal(40)).startswith(criterion)


def test_unbalanced_has_no_closed_form() -> None:
    with pytest.raises(NotExact, match="different numbers of rows"):
        one_way([1.0, 2.0, 3.0], [0, 0, 1], True)


def dense_criterion(groups: list[list[int]], sigma2: Fraction, between: Fraction, REML: bool):
    """-2 log-likelihood of the layout with V written out, at 50 digits."""
    y = [value for group in groups for value in group]
    n = len(y)
    code = [g for g, group in enumerate(groups) for _ in group]
    variance, shared = (mpmath.mpf(part.numerator) / part.denominator for part in (sigma2, between))
    V = mpmath.matrix(n)
    for i in range(n):
        for j in range(n):
            V[i, j] = (variance if i == j else 0) + (shared if code[i] == code[j] else 0)
    inverse = V**-1
    ones, response = mpmath.ones(n, 1), mpmath.matrix(y)
    information = (ones.T * inverse * ones)[0]
    residual = response - ones * ((ones.T * inverse * response)[0] / information)
    value = n * mpmath.log(2 * mpmath.pi) + mpmath.log(mpmath.det(V)) + (residual.T * inverse * residual)[0]
    return value - mpmath.log(2 * mpmath.pi) + mpmath.log(information) if REML else value


@given(
    st.integers(2, 3).flatmap(
        lambda J: st.lists(st.lists(st.integers(-9, 9), min_size=J, max_size=J), min_size=2, max_size=3)
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_closed_form_is_the_minimum_of_the_dense_likelihood(groups: list[list[int]], REML: bool) -> None:
    if all(len(set(group)) == 1 for group in groups):
        return
    found = one_way(
        [float(y) for group in groups for y in group],
        [g for g, group in enumerate(groups) for _ in group],
        REML,
    )
    with mpmath.workdps(50):
        value = dense_criterion(groups, found.sigma2, found.covariances[0][0][0], REML)
        assert abs(value - mpmath.mpf(str(found.criterion.decimal(40)))) < mpmath.mpf(10) ** -36
        for change in (Fraction(1, 1000), Fraction(-1, 1000)):
            moved = found.sigma2 * (1 + change)
            assert dense_criterion(groups, moved, found.covariances[0][0][0], REML) > value
            shifted = found.covariances[0][0][0] + change * found.sigma2
            if shifted >= 0:
                assert dense_criterion(groups, found.sigma2, shifted, REML) > value


@pytest.mark.parametrize("REML", [True, False])
def test_values_are_taken_as_decimals(REML: bool) -> None:
    found = one_way([0.1, 0.3, 0.2, 0.6], [0, 0, 1, 1], REML)
    assert found.beta[0] == Fraction(3, 10)


def layout(y: list[float], *terms: Term, X: list[list[int]] | None = None) -> Layout:
    """A layout with the intercept, or the columns of X, as fixed effects."""
    rows = tuple(rational(row) for row in X) if X else ((Fraction(1),),) * len(y)
    return Layout(rational(y), rows, tuple(f"x{k}" for k in range(len(rows[0]))), terms)


def slopes(name: str, codes: list[int], *columns: list[int]) -> Term:
    """A term with the given columns."""
    Z = tuple(rational(row) for row in zip(*columns, strict=True))
    return Term(name, tuple(codes), tuple(f"z{k}" for k in range(len(columns))), Z)


EIGHT = [1.0, 2.0, 4.0, 3.0, 9.0, 7.0, 5.0, 8.0]
A, B, C = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1, 0, 1]
AB, AC = [0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 2, 3, 2, 3]
TREND = [-1, 0, 1]

REFUSED = [
    (layout(EIGHT, intercepts("g", [0, 0, 0, 1, 1, 1, 1, 1])), "the levels of g have different numbers of rows"),
    (layout(EIGHT, intercepts("g", range(8))), "g has a level for each row"),
    (layout(EIGHT, intercepts("a", A), intercepts("again", A[::-1])), "a and again are the same factor"),
    (
        layout(EIGHT, intercepts("a", A), intercepts("b", [0, 0, 0, 1, 0, 1, 1, 1])),
        "a and b do not meet in proportional numbers",
    ),
    (layout(EIGHT, intercepts("a", A), X=[[1, a] for a in A]), "no degrees of freedom to the stratum of a"),
    (layout(EIGHT, intercepts("a", A), X=[[1, k] for k in range(8)]), "do not split along the strata"),
    (layout(EIGHT, intercepts("a", A), X=[[1, 2]] * 8), "columns of X are linearly dependent"),
    (layout([1.0, 1.0, 2.0, 2.0], intercepts("a", [0, 0, 1, 1])), "fits the response without residual"),
    (
        layout(EIGHT, intercepts("ab", AB), intercepts("ac", AC), intercepts("a", A)),
        "ab and ac both divide a, and neither the other",
    ),
    (layout(EIGHT, slopes("a", A, AB), intercepts("b", B)), "several terms, and not all of them random intercepts"),
    (layout(EIGHT, slopes("a", A, AB)), "the levels of a differ in the cross products of z0"),
    (layout(EIGHT, slopes("a", A, [1] * 8, [2] * 8)), "z0 and z1 are linearly dependent within a level of a"),
    (layout(EIGHT, slopes("a", A, [1] * 8, C)), "do not split along the strata"),
    (
        layout(EIGHT, slopes("ab", AB, [1] * 8, C), X=[[1, c] for c in C]),
        "no degrees of freedom to the stratum of the residual",
    ),
]


@pytest.mark.parametrize(("refused", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_the_refusal_says_why(refused: Layout, message: str) -> None:
    with pytest.raises(NotExact, match=message):
        exact(refused)


@pytest.mark.parametrize("REML", [True, False])
def test_a_random_intercept_is_the_growth_curve_of_a_constant(REML: bool) -> None:
    """Equations (1) and (2) of balanced.py give the same; a column of twos quarters the variance."""
    for codes in (A, C):
        ones = exact(layout(EIGHT, intercepts("g", codes)), REML)
        twos = exact(layout(EIGHT, slopes("g", codes, [2] * 8)), REML)
        assert twos.covariances[0][0][0] == ones.covariances[0][0][0] / 4
        assert (twos.sigma2, twos.beta, twos.vcov) == (ones.sigma2, ones.beta, ones.vcov)
        assert twos.criterion.decimal(60) == ones.criterion.decimal(60)


def test_without_random_terms_it_is_least_squares() -> None:
    """By hand: Sxx = 42, Sxy = 79/2, Syy = 471/8, means 7/2 and 39/8."""
    fit = exact(layout(EIGHT, X=[[1, k] for k in range(8)]))
    assert fit.beta == (Fraction(19, 12), Fraction(79, 84))
    assert fit.sigma2 == Fraction(1825, 504)


def test_theta_is_left_out_where_it_is_not_unique() -> None:
    """G = diag(0, s): T may have any first column (0, a) with a^2 <= s."""
    codes = [g for g in range(4) for _ in range(3)]
    y = [slope * x + (1 - 3 * (x == 0)) for slope in (3, -3, 1, -1) for x in TREND]
    X = [[1, x] for _ in range(4) for x in TREND]
    flat = exact(layout(y, slopes("g", codes, [1] * 12, TREND * 4), X=X))
    (((a, b), (_, d)),) = flat.covariances
    assert a == b == 0 < d
    assert not [key for key in values(flat) if key.startswith("theta")]
    turned = exact(layout(y, slopes("g", codes, TREND * 4, [1] * 12), X=X))
    assert {key: value.decimal(9) for key, value in values(turned).items() if key.startswith("theta")} == {
        "theta[g.z0]": (Root(Fraction(1), d / flat.sigma2)).decimal(9),
        "theta[g.z1.z0]": Decimal(0),
        "theta[g.z1]": Decimal(0),
    }


# ---- rational arithmetic ----

SQUARE = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(st.integers(-5, 5).map(Fraction), min_size=n, max_size=n), min_size=n, max_size=n)
)


@given(SQUARE)
def test_inverse_and_determinant(rows: list[list[Fraction]]) -> None:
    A: Matrix = tuple(map(tuple, rows))
    determinant = mpmath.det(mpmath.matrix([[int(entry) for entry in row] for row in rows]))
    try:
        found, exactly = inverse(A)
    except ZeroDivisionError:
        assert abs(determinant) < 0.5
        return
    assert product(A, found) == identity(len(A))
    assert exactly == int(mpmath.nint(determinant))


@given(SQUARE)
def test_ldl_of_a_semidefinite_matrix(rows: list[list[Fraction]]) -> None:
    B: Matrix = tuple(map(tuple, rows))
    A = product(B, tuple(zip(*B, strict=True)))
    found = ldl(A)
    assert found is not None
    L, D = found
    assert (
        product(tuple(tuple(x * d for x, d in zip(row, D, strict=True)) for row in L), tuple(zip(*L, strict=True))) == A
    )
    assert min(D) >= 0
    assert ldl(tuple(tuple(-x for x in row) for row in A)) is None or not any(map(any, A))


def test_decimals_are_right_to_the_last_digit() -> None:
    numbers = [(Fraction(10**30 + 1, 7), 3), (Fraction(1, 10**25), -2), (Fraction(2), 180)]
    with mpmath.workdps(150):
        assert str(pi(100)) == mpmath.nstr(mpmath.pi, 100)
        root = mpmath.mpf(5) / 3 * mpmath.sqrt(mpmath.mpf(2) / 7)
        assert str(Root(Fraction(5, 3), Fraction(2, 7)).decimal(100)) == mpmath.nstr(root, 100)
        total = 180 * (1 + mpmath.log(2 * mpmath.pi))
        total += sum(power * mpmath.log(mpmath.mpf(x.numerator) / x.denominator) for x, power in numbers)
        assert str(LogSum(180, tuple(numbers)).decimal(100)) == mpmath.nstr(total, 100)
