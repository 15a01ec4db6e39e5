"""Twice the digits, against rationals."""

from fractions import Fraction

import numpy as np
from bounds import EPS
from hypothesis import given
from hypothesis import strategies as st

from relmer.solver.algebra.doubled import less, product, two_product, two_sum

numbers = st.floats(-1e50, 1e50).filter(lambda x: x == 0 or abs(x) > 1e-50)


@given(numbers, numbers)
def test_sums_and_products_are_exact_in_two_parts(a: float, b: float) -> None:
    for pair, exact in (
        (two_sum(np.array([a]), np.array([b])), Fraction(a) + Fraction(b)),
        (two_product(np.array([a]), np.array([b])), Fraction(a) * Fraction(b)),
    ):
        assert sum(Fraction(float(part[0])) for part in pair) == exact


@given(st.integers(0, 2**32 - 1), st.integers(0, 15))
def test_a_difference_that_cancels_keeps_its_digits(seed: int, digits: int) -> None:
    """What is left is off by its own rounding and by 2^-106 times some of what was subtracted."""
    random = np.random.default_rng(seed)
    W, a = random.normal(size=(20, 3)), random.normal(size=3) * 10.0**digits
    x = W @ a + random.normal(size=20)
    exact = [
        Fraction(x_i) - sum(Fraction(w) * Fraction(v) for w, v in zip(row, a, strict=True))
        for x_i, row in zip(x, W, strict=True)
    ]
    bound = [EPS * abs(e) + Fraction(10 * 2.0**-105 * 10.0**digits * 10) for e in exact]
    for got, e, within in zip(less(x, W, a), exact, bound, strict=True):
        assert abs(Fraction(float(got)) - e) <= within


@given(st.integers(0, 2**32 - 1))
def test_a_product_of_small_matrices(seed: int) -> None:
    random = np.random.default_rng(seed)
    A, B = random.normal(size=(2, 3)) * 1e8, random.normal(size=(3, 2))
    B[2] = -(A[0, :2] @ B[:2]) / A[0, 2]
    got = product(A, B)
    for i in range(2):
        for j in range(2):
            exact = sum(Fraction(A[i, k]) * Fraction(B[k, j]) for k in range(3))
            assert abs(Fraction(float(got[i, j])) - exact) <= EPS * abs(exact) + Fraction(1e-20)
