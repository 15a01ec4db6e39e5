"""two_optima has two strict minima by either criterion: the signs of the exact derivative show it."""

import csv
import math
from fractions import Fraction

import pytest

from relmer.datasets.exported import DATA


def groups() -> list[list[tuple[Fraction, Fraction]]]:
    """(x, y) of each group."""
    found: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for row in csv.DictReader((DATA / "two_optima.csv").read_text().splitlines()):
        found.setdefault(row["g"], []).append((Fraction(row["x"]), Fraction(row["y"])))
    return list(found.values())


# y = beta x + b_g x + e, var(b) = gamma var(e). A group counts by s = sum x^2 and its slope t = sum x y / s; with
# w = s / (1 + gamma s), W = sum w, beta = sum w t / W, S the residual of the groups' own lines and d = n - 1 or n:
#   r^2 = S + sum w (t - beta)^2,   f = sum log(1 + gamma s) + [REML] log W + d log r^2.
# Since dw/dgamma = -w^2 and beta minimises r^2:
#   f' = sum w - [REML] sum w^2 / W - d sum w^2 (t - beta)^2 / r^2, rational where gamma is.


def parts(gamma: Fraction) -> tuple[list[Fraction], list[Fraction], Fraction, Fraction]:
    """The weights w, the deviations t - beta, r^2 and the determinant of V."""
    s = [sum(x * x for x, _ in group) for group in groups()]
    t = [sum(x * y for x, y in group) / size for group, size in zip(groups(), s, strict=True)]
    S = sum((y - slope * x) ** 2 for group, slope in zip(groups(), t, strict=True) for x, y in group)
    w = [size / (1 + gamma * size) for size in s]
    beta = sum(weight * slope for weight, slope in zip(w, t, strict=True)) / sum(w)
    deviations = [slope - beta for slope in t]
    r2 = S + sum(weight * deviation**2 for weight, deviation in zip(w, deviations, strict=True))
    return w, deviations, r2, math.prod(1 + gamma * size for size in s)


def derivative(gamma: Fraction, REML: bool) -> Fraction:
    """f' at gamma, exactly."""
    w, deviations, r2, _ = parts(gamma)
    pull = sum(weight**2 * deviation**2 for weight, deviation in zip(w, deviations, strict=True)) / r2
    n = sum(map(len, groups()))
    return sum(w) - REML * sum(weight**2 for weight in w) / sum(w) - (n - REML) * pull


def criterion(gamma: Fraction, REML: bool) -> float:
    """f at gamma, without its constants."""
    w, _, r2, det = parts(gamma)
    return math.log(det) + REML * math.log(sum(w)) + (sum(map(len, groups())) - REML) * math.log(r2)


@pytest.mark.parametrize("REML", [True, False])
def test_two_minima_with_a_barrier_between_them(REML: bool) -> None:
    falls_and_rises = [derivative(Fraction(gamma), REML) > 0 for gamma in ("0", "0.05", "1", "100")]
    assert falls_and_rises == [False, True, False, True]
    near, barrier, far = (criterion(Fraction(gamma), REML) for gamma in ("0.005", "0.17", "10"))
    assert barrier > near + 2 and near > far + 0.3


@pytest.mark.parametrize("REML", [True, False])
def test_the_exact_derivative_is_that_of_the_criterion(REML: bool) -> None:
    step = Fraction(1, 10**4)
    for gamma in (Fraction(1, 100), Fraction(1, 4), Fraction(5)):
        # Of f' the central difference's own error, h^2 f''' / 6, is here below 9e-8, and its rounding, eps f / h with f
        # below 100, below 1e-8.
        h = gamma * step
        slope = (criterion(gamma + h, REML) - criterion(gamma - h, REML)) / float(2 * h)
        assert slope == pytest.approx(float(derivative(gamma, REML)), rel=1e-7)
