"""The criterion against its definition, a dense V, inverted by mpmath; the derivatives against differences."""

import csv
import io
import random

import mpmath
import numpy as np
import pytest
from certify_small import MODELS, factor_value, text
from flint import arb, ctx, fmpq

from relmer.reference.certify.criterion import BALLS, DOUBLES, entries, evaluate, numbers
from relmer.reference.certify.data import products
from relmer.reference.certify.factors import free_entries, in_factors, trapezoidal
from relmer.reference.certify.models import Model

BITS = 400
DIGITS = 120
# Balls of 400 bits hold 120 digits; a mean of 10^6, the condition of V and the sums leave more than these.
SAME = mpmath.mpf(10) ** -90
# A central difference with h = 10^-25 has the error f''' h^2 / 6 and the rounding 10^-100 / h: both far below.
STEP = fmpq(1, 10**25)
DIFFERENCE = 1e-40


def dense(model: Model, csv_text: str, G: list[np.ndarray], REML: bool, double: bool) -> mpmath.mpf:
    """The criterion, with V = I + ZGZ' written out."""
    rows = [row for row in csv.DictReader(io.StringIO(csv_text)) if row["y"] not in ("", "NA")]
    n, p = len(rows), len(model.fixed)

    def value(row: dict[str, str], column: tuple[str, ...]) -> mpmath.mpf:
        product, norm = mpmath.mpf(1), 1
        for factor in column[1:]:
            part = factor_value(model, row, factor, double)
            product *= mpmath.mpf(part.numerator) / part.denominator
            norm *= model.scores[factor].norm if factor in model.scores else 1
        return product / mpmath.sqrt(norm)

    X = mpmath.matrix([[value(row, column) for column in model.fixed] for row in rows])
    y = mpmath.matrix([value(row, ("y", "y")) for row in rows])
    V = mpmath.eye(n)
    for term, g in zip(model.random, G, strict=True):
        levels = [tuple(row[name] for name in term.group) for row in rows]
        Z = [[value(row, column) for column in term.columns] for row in rows]
        for i in range(n):
            for j in range(n):
                if levels[i] == levels[j]:
                    V[i, j] += sum(a * g[s, t] * b for s, a in enumerate(Z[i]) for t, b in enumerate(Z[j]))
    inverse = V**-1
    information = X.T * inverse * X
    residual = y - X * mpmath.lu_solve(information, X.T * inverse * y)
    r2 = (residual.T * inverse * residual)[0]
    N = n - p if REML else n
    found = mpmath.log(mpmath.det(V)) + N * (1 + mpmath.log(2 * mpmath.pi * r2 / N))
    return found + (mpmath.log(mpmath.det(information)) if REML else 0)


def covariances(model: Model, seed: int) -> list[np.ndarray]:
    """Positive definite rational matrices, one a term; every third draw of a term is singular."""
    draw = random.Random(seed)
    found = []
    for term in model.random:
        c = len(term.columns)
        R = np.array([[fmpq(draw.randint(-9, 9), 10) for _ in range(c)] for _ in range(c)], dtype=object)
        if draw.randint(0, 2) == 0:
            R[:, -1] = fmpq(0)
        found.append(R @ R.T)
    return found


def as_mp(G: list[np.ndarray]) -> list[np.ndarray]:
    return [np.frompyfunc(lambda x: mpmath.mpf(int(x.p)) / int(x.q), 1, 1)(g) for g in G]


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("reading", ["decimal", "double"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_criterion_is_the_dense_one(model: Model, reading: str, REML: bool) -> None:
    for seed in range(2):
        data, G = text(seed), covariances(model, seed)
        with ctx.workprec(BITS), mpmath.workdps(DIGITS):
            exact = products(model, data, reading)
            value = arb(evaluate(numbers(exact, BALLS), G, REML).value)
            expected = dense(model, data, as_mp(G), REML, reading == "double")
            assert abs(mpmath.mpf(value.mid().str(DIGITS, radius=False)) - expected) < SAME
            # Doubles: 200 operations on numbers up to the criterion's size, each rounded.
            plain = [g.astype(float) for g in G]
            assert evaluate(numbers(exact, DOUBLES), plain, REML).value == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_derivatives_are_those_of_differences(model: Model, REML: bool) -> None:
    with ctx.workprec(BITS):
        data, G = numbers(products(model, text(7), "decimal"), BALLS), covariances(model, 1)
        point = evaluate(data, G, REML)
        for k, (term, a, b) in enumerate(entries([len(g) for g in G])):
            beside = []
            for h in (STEP, -STEP):
                moved = [g.copy() for g in G]
                moved[term][a, b] += h
                if a != b:
                    moved[term][b, a] += h
                beside.append(evaluate(data, moved, REML))
            slope = (beside[0].value - beside[1].value) / (2 * STEP)
            assert abs(arb(slope - point.gradient[k])) < DIFFERENCE
            assert all(
                abs(part) < DIFFERENCE
                for part in (beside[0].gradient - beside[1].gradient) / (2 * STEP) - point.hessian[k]
            )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_derivatives_in_factors_are_those_of_differences(model: Model) -> None:
    """Of every second rank: the last column of each factor is left out where there is more than one."""
    with ctx.workprec(BITS):
        data = numbers(products(model, text(3), "decimal"), BALLS)
        draw = random.Random(5)
        factors = [
            np.array([[fmpq(draw.randint(-9, 9), 10) for _ in range(max(1, c - 1))] for _ in range(c)], dtype=object)
            for c in (len(term.columns) for term in model.random)
        ]

        def at(R: list[np.ndarray]):
            point = evaluate(data, [r @ r.T for r in R], True)
            return point.value, *in_factors(point, R)

        _, gradient, hessian = at(factors)
        k = 0
        for term, R in enumerate(factors):
            for column in range(R.shape[1]):
                for row in range(R.shape[0]):
                    beside = []
                    for h in (STEP, -STEP):
                        moved = [r.copy() for r in factors]
                        moved[term][row, column] += h
                        beside.append(at(moved))
                    assert abs(arb((beside[0][0] - beside[1][0]) / (2 * STEP) - gradient[k])) < DIFFERENCE
                    assert all(abs(x) < DIFFERENCE for x in (beside[0][1] - beside[1][1]) / (2 * STEP) - hessian[k])
                    k += 1


def test_a_trapezoidal_factor_gives_back_its_matrix() -> None:
    random_ = np.random.default_rng(1)
    for c in (1, 2, 3, 4):
        for rank in range(c + 1):
            B = random_.standard_normal((c, rank))
            pivots, R = trapezoidal(B @ B.T, rank)
            # Backward stable: c eps times a few, for entries of a few units.
            assert np.abs(R @ R.T - B @ B.T).max(initial=0) < 1e-13
            free = free_entries(pivots, c).reshape(rank, c).T
            assert (R[~free] == 0).all()
            assert all(R[row, k] > 0 for k, row in enumerate(pivots))
            assert free.sum() == c * rank - rank * (rank - 1) // 2
            if rank == c:
                assert pivots == list(range(c))
