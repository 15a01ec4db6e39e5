"""What a case looks like: the criterion by its closed form, Z and V as they are defined, where engines stopped."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from relmer.datasets import cases
from relmer.reference.own_fits import fit_of
from relmer.reports.evidence.sight import CELLS, DIGITS, SHADES, matrices, shades, sight
from relmer.solver.fits import at_theta, lmer

# Numbers for pictures have DIGITS digits: half a unit of the last one, relative.
SHORT = 0.5 * 10.0 ** (1 - DIGITS)


def one_way(k: int, J: int, REML: bool, seed: int = 0, sd: float = 1.0):
    """A balanced one-way layout: data, fit."""
    random = np.random.default_rng(seed)
    g = np.repeat([f"g{i:02d}" for i in range(k)], J)
    y = np.repeat(random.normal(0, sd, k), J) + random.normal(0, 1, k * J)
    return g, y, lmer("y ~ 1 + (1 | g)", pd.DataFrame({"y": y, "g": g}), REML=REML, method="pls")


def closed_form(y: np.ndarray, k: int, J: int, REML: bool):
    """-2 log likelihood of theta, but for a constant: V / sigma^2 has the eigenvalues 1 and 1 + J theta^2 (k times)."""
    table = y.reshape(k, J)
    between, within = (
        J * ((table.mean(axis=1) - y.mean()) ** 2).sum(),
        ((table - table.mean(axis=1)[:, None]) ** 2).sum(),
    )
    d = k * J - REML

    def value(theta: float) -> float:
        scale = 1 + J * theta**2
        logdet = k * np.log(scale) - (np.log(scale) if REML else 0.0)
        return float(logdet + d * np.log(within + between / scale))

    return value


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(("k", "J", "sd"), [(6, 5, 1.0), (9, 3, 0.0), (4, 30, 5.0)])
def test_the_curve_of_one_theta_is_the_closed_form(k: int, J: int, sd: float, REML: bool) -> None:
    _, y, fit = one_way(k, J, REML, sd=sd)
    seen, value = (
        sight("a", fit, {"lme4": (0.9,), "far": (1e6,), "other model": (1.0, 2.0)}),
        closed_form(y, k, J, REML),
    )
    best = value(fit.theta.iloc[0])
    slack = 2 * SHORT * abs(value(seen.x[-1]) - best)
    steep = abs(value(seen.x[-1]) - value(seen.x[-1] * (1 - SHORT)))
    # x is rounded as well: the slope at the steepest end bounds what that moves.
    for x, rise in zip(seen.x, seen.rise, strict=True):
        wanted = value(x) - best
        assert rise == pytest.approx(wanted, rel=2 * SHORT, abs=slack + 4 * steep + 1e-9)
    assert min(seen.x) >= 0 and seen.bound is None and seen.y == ()
    assert seen.marks["lme4"] == pytest.approx((0.9, value(0.9) - best), rel=2 * SHORT, abs=1e-9)
    assert seen.outside == ("far",) and set(seen.marks) == {"lme4"}


def dense(g: np.ndarray, theta: float, sigma: float) -> np.ndarray:
    """V of a one-way layout, as it is defined."""
    same = g[:, None] == g[None, :]
    return sigma**2 * (theta**2 * same + np.eye(len(g)))


def test_small_matrices_are_shown_entry_by_entry() -> None:
    g, _, fit = one_way(4, 5, True)
    seen = matrices("a", fit)
    V = dense(g, fit.theta.iloc[0], fit.sigma)
    assert shades(V) == seen.V
    assert shades((g[:, None] == np.unique(g)[None, :]).astype(float)) == seen.Z
    assert seen.largest == pytest.approx({"V": V.max(), "Z": 1.0}, rel=SHORT)
    assert seen.sorted_by == ()


def test_a_large_V_is_shown_by_the_means_of_its_cells_whatever_the_order_of_its_rows() -> None:
    k, J = 10, 4 * CELLS // 10
    g, y, fit = one_way(k, J, False)
    V = dense(g, fit.theta.iloc[0], fit.sigma)
    side = len(g) // CELLS
    means = V.reshape(CELLS, side, CELLS, side).mean(axis=(1, 3))
    order = np.random.default_rng(1).permutation(len(g))
    mixed = lmer("y ~ 1 + (1 | g)", pd.DataFrame({"y": y[order], "g": g[order]}), REML=False, method="pls")
    for seen in (matrices("a", fit), matrices("a", mixed)):
        assert shades(means) == seen.V
        assert seen.sorted_by == ("g",)
        assert len(seen.Z) == CELLS and {len(row) for row in seen.Z} == {k}


@given(st.lists(st.lists(st.integers(-600, 600), min_size=3, max_size=3), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_shades_tell_sign_and_size(entries: list[list[int]]) -> None:
    cells = np.array(entries, dtype=float)
    most = np.abs(cells).max()
    for row, letters in zip(cells, shades(cells), strict=True):
        for value, letter in zip(row, letters, strict=True):
            step = "." if value == 0 else str(int(-(-abs(value) * SHADES // most)))
            assert letter == step if value >= 0 else letter == "abcdef"[int(step) - 1]


def slopes(seed: int):
    """A model of three theta."""
    random = np.random.default_rng(seed)
    g, x = np.repeat([f"g{i}" for i in range(8)], 6), np.tile(np.arange(6.0), 8)
    b = random.normal(size=(8, 2)) @ [[1.0, 0.4], [0.0, 0.8]]
    y = 3 + x + b[:, 0].repeat(6) + b[:, 1].repeat(6) * x + random.normal(size=48)
    return lmer("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x, "g": g}), method="pls")


def test_beyond_the_chart_lie_the_same_covariances_with_the_sign_of_a_column_turned() -> None:
    """T and T D of signs D have one TT'; so has the criterion one value. The engine stands on the edge of the chart."""
    fit = slopes(0)
    edge = (0.0, -float(fit.theta.iloc[2]), float(fit.theta.iloc[2]))
    seen = sight("a", fit, {"stuck": edge, "good": tuple(fit.theta)})
    assert seen.axes == ("from the optimum (0) to the theta of stuck (1)",) and seen.bound == 1.0
    assert seen.marks["good"] == (0.0, 0.0)
    at_edge = np.array(edge)
    beyond = at_edge + (seen.x[-1] - 1) * (at_edge - fit.optimum.theta)
    turned = beyond * [-1, -1, 1]
    assert turned[0] > 0
    mirrored = sight("a", fit, {"turned": tuple(turned), "stuck": edge})
    assert mirrored.marks["turned"][-1] == pytest.approx(seen.rise[-1], rel=2 * SHORT)


def test_where_all_are_at_the_optimum_the_slowest_rise_is_drawn() -> None:
    """The criterion rises by 6 at both ends, and in no direction of theta is it curved less."""
    fit = slopes(0)
    seen = sight("a", fit, {"lme4": tuple(fit.theta)})
    assert "slowest" in seen.axes[0]
    assert seen.marks == {"lme4": (0.0, 0.0)} and seen.bound is None
    # HALVINGS steps leave 1/256 of a doubling, in which the rise changes by less than a factor of 4.
    assert seen.rise[0] == pytest.approx(6, rel=0.02) and seen.rise[-1] == pytest.approx(6, rel=0.02)
    h = fit.derivatives.hessian
    length = (seen.x[-1] - seen.x[0]) / 2
    assert np.linalg.eigvalsh(h)[0] * length**2 / 2 == pytest.approx(6, rel=0.9)


def test_a_model_without_random_effects_has_no_picture() -> None:
    seen = sight("docs/mtcars-ols", fit_of(cases("docs/mtcars-ols")[0], "pls"), {"lm": ()})
    assert (seen.axes, seen.Z, seen.V) == ((), (), ())


def test_a_theta_that_cannot_be_evaluated_is_left_out() -> None:
    _, _, fit = one_way(5, 4, True)
    seen = sight("a", fit, {"nan": (float("nan"),), "fine": (1.0,)})
    assert set(seen.marks) == {"fine"}


def test_a_lower_criterion_than_this_projects_is_the_lowest() -> None:
    _, y, fit = one_way(5, 8, True, sd=2.0)
    value = closed_form(y, 5, 8, True)
    away = at_theta(fit, fit.optimum.theta * 1.5)
    seen = sight("a", away, {"best": tuple(fit.theta)})
    assert seen.marks["best"][-1] == 0.0
    assert max(seen.rise) > 0 and min(seen.rise) >= 0
    assert seen.lowest - away.criterion == pytest.approx(
        value(fit.theta.iloc[0]) - value(1.5 * fit.theta.iloc[0]), rel=1e-6
    )


def test_all_the_projects_cases_are_drawn_the_same_twice() -> None:
    with threadpool_limits(limits=1, user_api="blas"):
        for one in cases("two-optima/*") + cases("penicillin/reml"):
            fit = fit_of(one, "pls")
            assert sight(one.name, fit, {}) == sight(one.name, fit, {})
