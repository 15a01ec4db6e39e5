"""par, theta, T and G of lme4 2.x's structures: closed forms against the definition, and against lme4 2.1-0."""

import numpy as np
import pytest
from bounds import EPS
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from structured import KINDS, defined_G, pars_of

from relmer.solver.model import root, structure_of

# Entries of T come from a few operations, and near a bound of rho from the square root of 1 - rho, which is exact;
# their products are summed c times: c = 6 with s up to 3.
ENTRIES = 6 * 10 * 9 * EPS


@st.composite
def structured(draw: st.DrawFn, free: bool = True):
    name, hom = draw(st.sampled_from([*KINDS, ("us", False)] if free else KINDS))
    c = draw(st.integers(1, 6))
    return structure_of(name, hom), c, draw(pars_of(name, hom, c))


def doubles(G) -> np.ndarray:
    return np.array([[float(G[i, j].mid()) for j in range(G.ncols())] for i in range(G.nrows())])


def exactly(structure, par, c) -> np.ndarray:
    with ctx.workprec(300):
        return doubles(defined_G(structure, [arb(float(x)) for x in par], c))


@given(structured())
@settings(max_examples=300, deadline=None)
def test_theta_is_the_factor_of_G(drawn) -> None:
    structure, c, par = drawn
    T = root(structure, par, c)
    np.testing.assert_array_equal(T, np.tril(T))
    assert structure.name == "us" or np.all(T.diagonal() >= 0)
    expected = exactly(structure, par, c)
    np.testing.assert_allclose(T @ T.T, expected, rtol=0, atol=ENTRIES)
    np.testing.assert_allclose(structure.G(par, c), expected, rtol=0, atol=ENTRIES)


@given(structured(free=False))
@settings(max_examples=300, deadline=None)
def test_par_comes_back_from_theta(drawn) -> None:
    """But for a correlation of fewer than two standard deviations that are not zero, which theta does not show."""
    structure, c, par = drawn
    lower, upper = structure.bounds(c)
    is_rho = np.isfinite(upper)
    back = structure.par(structure.theta(par, c), c)
    np.testing.assert_allclose(back[~is_rho], par[~is_rho], rtol=0, atol=ENTRIES)
    shown = np.count_nonzero(par[~is_rho]) * (c if structure.hom else 1) > 1
    neighbours = structure.name == "cs" or structure.hom or np.any(par[:c][:-1] * par[:c][1:] > 0)
    if is_rho.any() and shown and neighbours:
        assert back[-1] == pytest.approx(par[-1], abs=ENTRIES / 0.01**2)
    np.testing.assert_allclose(structure.G(back, c), structure.G(par, c), rtol=0, atol=ENTRIES / 0.01)
    assert np.all((lower <= back) & (back <= upper))


@pytest.mark.parametrize("rho", [-1.0, -0.6, 0.0, 0.6, 1.0])
@pytest.mark.parametrize("present", [(0, 3, 5), (0, 2, 5), (0, 2, 4), (1, 4), (0, 5), (2, 4, 5)])
def test_rho_of_rows_apart_has_the_sign_that_any_two_of_them_show(rho: float, present: tuple[int, ...]) -> None:
    structure, s = structure_of("ar1", False), np.zeros(6)
    s[list(present)] = 1.0
    par = np.append(s, rho)
    back = structure.par(structure.theta(par, 6), 6)
    np.testing.assert_allclose(structure.G(back, 6), structure.G(par, 6), rtol=0, atol=ENTRIES / 0.01)


@given(structured())
@settings(max_examples=100, deadline=None)
def test_derivatives_are_those_of_G(drawn) -> None:
    """By differences with a step of 2^-150: G is a polynomial of degree 7 at most, whose rest is below 2^-100."""
    structure, c, par = drawn
    changes = structure.changes(par, c)
    random = np.random.default_rng(c)
    dual = random.normal(size=(c, c))
    dual += dual.T
    bend = structure.bend(par, dual)
    with ctx.workprec(1000):
        step = arb(2) ** -150

        def at(*moves):
            moved = [arb(float(x)) for x in par]
            for axis, times in moves:
                moved[axis] += times * step
            return defined_G(structure, moved, c)

        for a in range(len(par)):
            slope = doubles((at((a, 1)) - at((a, -1))) * (1 / (2 * step)))
            np.testing.assert_allclose(changes[a], slope, rtol=0, atol=ENTRIES)
            for b in range(a + 1):
                both = at((a, 1), (b, 1)) + at((a, -1), (b, -1)) - at((a, 1), (b, -1)) - at((a, -1), (b, 1))
                curved = doubles(both * (1 / (4 * step**2)))
                assert bend[a, b] == pytest.approx(float((dual * curved).sum()), abs=100 * ENTRIES)
                assert bend[b, a] == pytest.approx(bend[a, b], abs=100 * ENTRIES)


# getTheta, getParNames and getThetaNames of lme4 2.1-0 on R 4.6.1, for columns a, b and c.
TRIANGLE = "g.a g.b.a g.c.a g.b g.c.b g.c"
LME4 = [
    ("diag", False, 1, [2.0], [2.0], "g.a", "g.a"),
    ("diag", False, 3, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "g.a g.b g.c", "g.a g.b g.c"),
    ("diag", True, 1, [2.0], [2.0], "g.*", "g.*"),
    ("diag", True, 3, [2.0], [2.0], "g.*", "g.*"),
    ("cs", False, 1, [2.0], [2.0], "g.a", "g.a"),
    (
        *("cs", False, 3, [1.0, 2.0, 3.0, 0.3]),
        [1.0, 0.6, 0.8999999999999999, 1.9078784028338913, 0.6604194471348085, 2.7845728853535427],
        *("g.a g.b g.c g.rho", TRIANGLE),
    ),
    ("cs", True, 1, [2.0], [2.0], "g.*", "g.a"),
    (
        *("cs", True, 3, [2.0, 0.3], [2.0, 0.6, 1.9078784028338913, 0.44027963142320564, 1.8563819235690284]),
        *("g.* g.rho", "g.a g.*.a g.b g.*.b g.c"),
    ),
    ("ar1", False, 1, [2.0], [2.0], "g.a", "g.a"),
    (
        *("ar1", False, 3, [1.0, 2.0, 3.0, 0.3]),
        [1.0, 0.6, 0.27, 1.9078784028338913, 0.8585452812752511, 2.861817604250837],
        *("g.a g.b g.c g.rho", TRIANGLE),
    ),
    ("ar1", True, 1, [2.0], [2.0], "g.*", "g.a"),
    (
        *("ar1", True, 3, [2.0, 0.3], [2.0, 0.6, 0.18, 1.9078784028338913, 0.5723635208501674]),
        *("g.* g.rho", "g.a g.b.a g.c.a g.b g.c.b"),
    ),
]


@pytest.mark.parametrize(("name", "hom", "c", "par", "theta", "names", "thetas"), LME4)
def test_lme4_says_the_same(name, hom, c, par, theta, names, thetas) -> None:
    structure, columns = structure_of(name, hom), ["a", "b", "c"][:c]
    np.testing.assert_allclose(structure.theta(np.array(par), c), theta, rtol=8 * EPS)
    assert structure.par_names("g", columns) == names.split()
    assert structure.theta_names("g", columns) == thetas.split()


@given(st.floats(-0.2, 1.0), st.permutations(range(5)))
def test_compound_symmetry_knows_no_order(rho: float, order: list[int]) -> None:
    s = np.array([0.5, 1.0, 1.5, 2.0, 2.5])
    structure = structure_of("cs")
    G = structure.G(np.append(s, rho), 5)
    np.testing.assert_array_equal(structure.G(np.append(s[order], rho), 5), G[np.ix_(order, order)])


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0), st.floats(-1.0, 1.0))
def test_two_columns_have_one_correlation(a: float, b: float, rho: float) -> None:
    for hom in (False, True):
        par = np.array([a, rho] if hom else [a, b, rho])
        np.testing.assert_array_equal(structure_of("cs", hom).G(par, 2), structure_of("ar1", hom).G(par, 2))


@pytest.mark.parametrize(("name", "hom"), KINDS)
def test_equal_deviations_are_homogeneous(name: str, hom: bool) -> None:
    one, many = structure_of(name, True), structure_of(name, False)
    rho = [0.4] * (name != "diag")
    np.testing.assert_array_equal(one.G(np.array([1.3, *rho]), 4), many.G(np.array([1.3] * 4 + rho), 4))


@pytest.mark.parametrize(("name", "least"), [("cs", -1 / 3), ("ar1", -1.0)])
def test_bounds_are_where_G_is_singular(name: str, least: float) -> None:
    structure = structure_of(name, True)
    lower, upper = structure.bounds(4)
    assert lower.tolist() == [0.0, least] and upper.tolist() == [np.inf, 1.0]
    for rho in (least, 1.0):
        assert abs(np.linalg.eigvalsh(structure.G(np.array([1.0, rho]), 4))[0]) < ENTRIES
    inside = structure.G(np.array([1.0, least + 0.01]), 4)
    assert np.linalg.eigvalsh(inside)[0] > 1e-5
