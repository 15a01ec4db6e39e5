"""Every part of the criterion by the definition, and in units and origins that a design must be taken out of first."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from bounds import DENSE, INVERTED
from strategies import mixed_data

from relmer.solver.errors import ModelError
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import Design, Lambda
from relmer.solver.model.structures import CompoundSymmetry
from relmer.solver.paths import criterion, derivatives_at, prepare, size, solve_at, solve_at_par
from relmer.solver.paths.criterion import degrees_of_freedom

METHODS = ("pls", "qr", "gls")
THETA = np.array([0.8, 0.3, 0.6, 0.5])
ROWS = 40


def design_of(formula: str = "y ~ x + (x | g) + (1 | k)", **changed: object) -> Design:
    """A design with weights, of the rows that all tests here share."""
    data = mixed_data(3, ROWS).assign(zero=0.0, **changed)
    return build(model_frame(parse(formula), data, weights=np.random.default_rng(1).uniform(0.5, 2.0, ROWS)))


@dataclass(frozen=True)
class Dense:
    """V inverted as it stands, in units of sigma^2."""

    logdet_V: float
    information: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    quadratic: float
    logdet_W: float


def dense(design: Design, theta: np.ndarray) -> Dense:
    """The definition (theory.md, 3 to 8)."""
    assert design.weights is not None
    root = design.Z.toarray() @ Lambda(design.template, theta).toarray()
    V = root @ root.T + np.diag(1 / design.weights)
    inverse = np.linalg.inv(V)
    information = design.X.T @ inverse @ design.X
    beta = np.linalg.solve(information, design.X.T @ inverse @ design.y)
    residual = design.y - design.X @ beta
    return Dense(
        logdet_V=np.linalg.slogdet(V)[1],
        information=information,
        beta=beta,
        u=root.T @ inverse @ residual,
        quadratic=residual @ inverse @ residual,
        logdet_W=np.log(design.weights).sum(),
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_part_is_that_of_the_definition(method: str) -> None:
    design = design_of()
    at, defined = solve_at(prepare(design, method), THETA), dense(design, THETA)
    assert at.logdet_L == pytest.approx(defined.logdet_V + defined.logdet_W, rel=INVERTED, abs=INVERTED)
    assert at.logdet_RX == pytest.approx(np.linalg.slogdet(defined.information)[1], rel=INVERTED, abs=INVERTED)
    assert at.pwrss == pytest.approx(defined.quadratic, rel=INVERTED)
    np.testing.assert_allclose(at.beta, defined.beta, rtol=0, atol=INVERTED * np.abs(defined.beta).max())
    np.testing.assert_allclose(at.u, defined.u, rtol=0, atol=INVERTED * np.abs(defined.u).max())
    np.testing.assert_allclose(at.RX.T @ at.RX, defined.information, rtol=INVERTED)
    np.testing.assert_array_equal(at.RX, np.triu(at.RX))


@pytest.mark.parametrize("REML", [True, False])
def test_the_size_is_the_sum_of_the_parts_without_their_signs(REML: bool) -> None:
    """log|L|^2, log|RX|^2, d, d log(2 pi pwrss / d) and log|W|, one by one by the definition."""
    design = design_of(y=mixed_data(3, ROWS)["y"] / 64)
    defined = dense(design, THETA)
    d = ROWS - 2 if REML else ROWS
    pieces = [
        defined.logdet_V + defined.logdet_W,
        np.linalg.slogdet(defined.information)[1] if REML else 0.0,
        d,
        d * math.log(2 * math.pi * defined.quadratic / d),
        -defined.logdet_W,
    ]
    assert min(pieces) < 0 < max(pieces), "parts of both signs, or the test shows nothing"
    at = solve_at(prepare(design), THETA)
    assert degrees_of_freedom(design, REML) == d
    assert size(design, at, REML) == pytest.approx(sum(map(abs, pieces)), rel=INVERTED)
    assert criterion(design, at, REML) == pytest.approx(sum(pieces), abs=INVERTED * sum(map(abs, pieces)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("y_by", "w_by"), [(2.0**100, 1.0), (1.0, 2.0**-60), (2.0**-90, 2.0**40)])
def test_units_of_response_and_weights_scale_every_part(y_by: float, w_by: float, method: str) -> None:
    """Weights times c are rows times c^1/2, and with theta / c^1/2 the same V of these: powers of two lose no digit."""
    design = design_of()
    assert design.weights is not None
    root = w_by**0.5
    moved = replace(design, y=y_by * design.y, weights=w_by * design.weights)
    one, two = solve_at(prepare(design, method), THETA), solve_at(prepare(moved, method), THETA / root)
    assert two.logdet_L == pytest.approx(one.logdet_L, rel=DENSE)
    assert two.logdet_RX == pytest.approx(one.logdet_RX + 2 * math.log(w_by), rel=DENSE)
    assert two.pwrss == pytest.approx(w_by * y_by**2 * one.pwrss, rel=DENSE)
    for found, expected in ((two.beta, y_by * one.beta), (two.u, y_by * root * one.u), (two.RX, root * one.RX)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=DENSE * np.abs(expected).max())
    assert one.inner is None
    assert two.inner is not None, "what leads back to the rows as they are needs it"
    assert two.inner.logdet_L == two.logdet_L
    for REML in (True, False):
        here, there = (derivatives_at(prepare(each), at, REML) for each, at in ((design, THETA), (moved, THETA / root)))
        np.testing.assert_allclose(there.gradient, root * here.gradient, rtol=0, atol=DENSE * 1e3 * root)
        np.testing.assert_allclose(there.hessian, w_by * here.hessian, rtol=0, atol=DENSE * 1e3 * w_by)
        for dual, expected in zip(there.duals, here.duals, strict=True):
            np.testing.assert_allclose(dual, w_by * expected, rtol=0, atol=DENSE * 1e3 * w_by)


def test_another_origin_of_a_covariate_turns_G_and_its_dual() -> None:
    """Z' = Z A of x' = x + m: G = A G'A', so that df/dG' = A'(df/dG) A; theta' is known to some eps m / sd(x)."""
    m, unit = 2.0**22, 2.0**-11
    x = np.round(mixed_data(3, ROWS)["x"] / unit, 8)
    near, far = design_of(x=x), design_of(x=x + m)
    T = np.array([[0.8, 0.0], [0.3 * unit, 0.6 * unit]])
    A = np.array([[1.0, m], [0.0, 1.0]])
    first = math.hypot(0.8 - m * T[1, 0], m * T[1, 1])
    moved = np.array(
        [
            [first, 0.0],
            [((0.8 - m * T[1, 0]) * T[1, 0] - m * T[1, 1] ** 2) / first, 0.8 * T[1, 1] / first],
        ]
    )
    tolerance = 1e3 * np.finfo(float).eps * m * unit
    theta, theta_far = (np.array([each[0, 0], each[1, 0], each[1, 1], 0.5]) for each in (T, moved))
    for method in METHODS:
        one, two = solve_at(prepare(near, method), theta), solve_at(prepare(far, method), theta_far)
        for REML in (True, False):
            bound = tolerance * size(near, one, REML)
            assert abs(criterion(far, two, REML) - criterion(near, one, REML)) <= bound
    here, there = (
        derivatives_at(prepare(*each), at, True).duals for each, at in (((near,), theta), ((far,), theta_far))
    )
    unscaled = np.diag([1.0, unit])
    expected, found = (unscaled @ each @ unscaled for each in (A.T @ here[0] @ A, there[0]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(there[1], here[1], rtol=0, atol=tolerance * np.abs(here[0]).max())


@pytest.mark.parametrize("method", METHODS)
def test_effects_of_a_column_of_zeros_are_zero(method: str) -> None:
    """The other terms are as they are without it."""
    with_zeros, without = design_of("y ~ x + (x | g) + (0 + zero | k)"), design_of("y ~ x + (x | g)")
    theta = THETA[:3]
    one = solve_at(prepare(without, method), theta)
    two = solve_at(prepare(with_zeros, method), np.append(theta, 0.7))
    np.testing.assert_allclose(two.u[:8], one.u, rtol=0, atol=DENSE * np.abs(one.u).max())
    np.testing.assert_array_equal(two.u[8:], np.zeros(3))
    assert two.pwrss == pytest.approx(one.pwrss, rel=DENSE)
    here, there = (
        derivatives_at(prepare(without), theta, True),
        derivatives_at(prepare(with_zeros), np.append(theta, 0.7), True),
    )
    np.testing.assert_allclose(there.gradient, [*here.gradient, 0.0], rtol=0, atol=DENSE * 1e3)
    np.testing.assert_array_equal(there.duals[1], np.zeros((1, 1)))
    np.testing.assert_array_equal(there.hessian[3], np.zeros(4))


@pytest.mark.parametrize("method", METHODS)
def test_without_random_effects_it_is_weighted_least_squares_in_any_unit(method: str) -> None:
    design = design_of("y ~ x")
    assert design.weights is not None
    moved = replace(design, y=2.0**100 * design.y, weights=2.0**-60 * design.weights)
    beta = dense(design, np.zeros(0)).beta
    for each, by in ((design, 1.0), (moved, 2.0**100)):
        at = solve_at(prepare(each, method), np.zeros(0))
        np.testing.assert_allclose(at.beta, by * beta, rtol=INVERTED)
        assert (at.u.shape, at.logdet_L) == ((0,), 0.0)
        found = derivatives_at(prepare(each, method), np.zeros(0), True)
        assert (found.duals, found.gradient.shape, found.hessian.shape) == ((), (0,), (0, 0))


def test_derivatives_where_no_column_is_left() -> None:
    """An effect of zeros does nothing, and so does its variance."""
    found = derivatives_at(prepare(design_of("y ~ x + (0 + zero | k)")), np.array([0.7]), True)
    np.testing.assert_array_equal(found.gradient, [0.0])
    np.testing.assert_array_equal(found.hessian, [[0.0]])
    assert [dual.tolist() for dual in found.duals] == [[[0.0]]]


def test_duals_are_those_of_G_whatever_its_structure_and_beside_effects_of_zeros() -> None:
    theta = np.array([0.8, 0.3, 0.6])
    free, bound, beside = (
        derivatives_at(prepare(design_of(f"y ~ x + {term}")), at, True)
        for term, at in (
            ("(x | g)", theta),
            ("cs(x | g)", theta),
            ("cs(x | g) + (0 + zero | k)", np.append(theta, 0.7)),
        )
    )
    np.testing.assert_allclose(bound.duals[0], free.duals[0], rtol=DENSE)
    np.testing.assert_allclose(beside.duals[0], free.duals[0], rtol=0, atol=DENSE * 1e3)
    np.testing.assert_array_equal(beside.duals[1], [[0.0]])
    np.testing.assert_allclose(beside.gradient, [*bound.gradient, 0.0], rtol=0, atol=DENSE * 1e3)


@pytest.mark.parametrize(("y_by", "w_by", "told"), [(1e-120, 1e-80, "multiply"), (1e120, 1e80, "divide")])
@pytest.mark.parametrize("part", [1.0, 0.01])
def test_a_sum_of_squares_that_is_no_double_is_refused(y_by: float, w_by: float, told: str, part: float) -> None:
    """1e-240 times 1e-80 is below the least double, 1e320 above the largest; however little X leaves."""
    design = design_of()
    assert design.weights is not None
    moved = replace(design, y=y_by * (1.0 + part * design.y), weights=w_by * design.weights)
    with pytest.raises(ModelError, match=rf"^weights times the squared residual are no doubles: {told} the weights by"):
        solve_at(prepare(moved), THETA / w_by**0.5)


@pytest.mark.parametrize("method", ["qr", "gls"])
def test_nothing_left_is_a_double(method: str) -> None:
    """The path by elimination, which takes logarithms, refuses it in its own words."""
    design = design_of()
    assert design.weights is not None
    nothing = replace(design, y=np.zeros(ROWS), weights=2.0**-40 * design.weights)
    assert solve_at(prepare(nothing, method), THETA).pwrss == 0.0
    with pytest.raises(ModelError, match=r"^the model fits the response without residual"):
        solve_at(prepare(nothing), THETA)


class Untold(CompoundSymmetry):
    """A structure whose theta nobody may ask for."""

    def theta(self, par: np.ndarray, width: int) -> np.ndarray:
        raise AssertionError("theta was asked for")


def test_the_definition_takes_G_as_it_is_and_no_theta() -> None:
    """A slip in theta is one that the paths by theta share: gls is their witness because it takes none."""
    design = design_of("y ~ x + cs(x | g)")
    par = [[2, 1, 0.5]]
    expected = solve_at_par(prepare(design, "pls"), par)
    untold = replace(design, terms=tuple(replace(term, structure=Untold(hom=False)) for term in design.terms))
    found = solve_at_par(prepare(untold, "gls"), par)
    assert found.pwrss == pytest.approx(expected.pwrss, rel=INVERTED)
    for method in ("pls", "qr"):
        with pytest.raises(AssertionError, match="theta was asked for"):
            solve_at_par(prepare(untold, method), par)


def test_whole_numbers_are_numbers() -> None:
    design = design_of("y ~ x + (x | g)")
    one, two = (solve_at_par(prepare(design), [par]) for par in ([2, 1, 3], [2.0, 1.0, 3.0]))
    assert one.pwrss == two.pwrss
