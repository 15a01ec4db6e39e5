"""Closed forms: against figures that others computed, and against the likelihood itself at high precision."""

from decimal import Decimal
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.datasets import load
from relmer.reference.exact import one_way


def dyestuff(REML: bool, name: str = "Dyestuff"):
    data = load(name).frame
    return one_way(data["Yield"].tolist(), data["Batch"].cat.codes.tolist(), REML)


def test_dyestuff() -> None:
    """Exact values of field.md 1.9 and section 4."""
    exact = dyestuff(True)
    assert exact.residual == Fraction("2451.25")
    assert exact.between == Fraction("1764.05")
    assert exact.mean_variance == Fraction(3757166, 10000) + Fraction(2, 30000)
    assert str(exact.criterion).startswith("319.6542768422")
    assert str(dyestuff(False).criterion).startswith("327.327059881")
    theta = mpmath.sqrt(mpmath.mpf("1764.05") / mpmath.mpf("2451.25"))
    assert mpmath.nstr(theta, 11) == "0.84832378143"


def test_effects_are_the_best_linear_predictor() -> None:
    """b = G Z'V^-1 (y - mean), with V written out at 40 digits."""
    data = load("Dyestuff").frame
    exact = dyestuff(True)
    codes = data["Batch"].cat.codes.tolist()
    with mpmath.workdps(40):
        variance, shared = (mpmath.mpf(part.numerator) / part.denominator for part in (exact.residual, exact.between))
        mean = mpmath.mpf(exact.mean.numerator) / exact.mean.denominator
        V = mpmath.matrix(30)
        for i in range(30):
            for j in range(30):
                V[i, j] = (variance if i == j else 0) + (shared if codes[i] == codes[j] else 0)
        weighed = V**-1 * (mpmath.matrix(data["Yield"].tolist()) - mean * mpmath.ones(30, 1))
        for code, effect in enumerate(exact.effects):
            b = shared * sum(weighed[i] for i in range(30) if codes[i] == code)
            assert abs(b - mpmath.mpf(effect.numerator) / effect.denominator) < mpmath.mpf(10) ** -30
    assert exact.size == 5


def test_dyestuff2_is_on_the_boundary() -> None:
    for REML, criterion in ((True, "161.828277"), (False, "162.87303")):
        exact = dyestuff(REML, "Dyestuff2")
        assert exact.between == 0
        assert str(exact.criterion).startswith(criterion)


def test_unbalanced_has_no_closed_form() -> None:
    assert one_way([1.0, 2.0, 3.0], [0, 0, 1], True) is None


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
    exact = one_way(
        [float(y) for group in groups for y in group],
        [g for g, group in enumerate(groups) for _ in group],
        REML,
    )
    with mpmath.workdps(50):
        value = dense_criterion(groups, exact.residual, exact.between, REML)
        assert abs(value - mpmath.mpf(str(exact.criterion))) < mpmath.mpf(10) ** -36
        for change in (Fraction(1, 1000), Fraction(-1, 1000)):
            moved = exact.residual * (1 + change)
            assert dense_criterion(groups, moved, exact.between, REML) > value
            shifted = exact.between + change * exact.residual
            if shifted >= 0:
                assert dense_criterion(groups, exact.residual, shifted, REML) > value


@pytest.mark.parametrize("REML", [True, False])
def test_values_are_taken_as_decimals(REML: bool) -> None:
    exact = one_way([0.1, 0.3, 0.2, 0.6], [0, 0, 1, 1], REML)
    assert exact.mean == Fraction(3, 10)
    assert isinstance(exact.criterion, Decimal)
