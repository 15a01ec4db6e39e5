"""What the data leave open, against dense matrices changed by hand, and by other spellings of the same model."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import linalg

from relmer.datasets import load
from relmer.reports.evidence import tolerances
from relmer.solver import lmer
from relmer.solver.fits.unidentified import unidentified
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.model import Lambda, checks_of, theta_of
from relmer.solver.paths import prepare, solve_at

METHODS = ("pls", "qr", "gls")
# Left sides of a bar that are the same model: c is a level that one group alone has.
SPELLINGS = ("(t | g)", "(0 + t | g)", "(t || g)")
FORMULAS = (
    *(f"y ~ t + {bar}" for bar in SPELLINGS),
    "y ~ x + (x | g)",
    "y ~ g + (1 | g)",
    "y ~ g + x + (x | g)",
    "y ~ g * x + (x | g)",
    "y ~ w + (w | g)",
    "y ~ w + x + (w + x | g)",
    "y ~ t + (1 | g) + (t | g)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ h + (t | g) + (1 | h)",
    "y ~ x + (x + z | g)",
)


def drawn(seed: int, groups: int = 5, each: int = 8) -> pd.DataFrame:
    """Level c of t in the first group alone; w is constant in each group, z twice x."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), each)
    t = random.integers(0, 2, len(g))
    t[:2], t[each : each + 2] = [0, 1], [0, 1]
    t[2:4] = 2
    x = random.normal(size=len(g))
    y = random.normal(size=groups)[g] * 2 + t + random.normal(size=(groups, 3))[g, t] + random.normal(size=len(g))
    data = pd.DataFrame({"y": y, "x": x, "z": 2 * x, "w": (g % 2).astype(float)})
    return data.assign(g=g.astype(str), t=np.array(list("abc"))[t], h=random.integers(0, 4, len(g)).astype(str))


def changed(design, theta: np.ndarray, REML: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which beta and standard errors differ between V and V + D for a D that K'V K does not see, all written out."""
    X, y, n = design.X, design.y, len(design.y)
    first, forms = 0, []
    for term in design.terms:
        Z = design.Z.toarray()[:, first : first + len(term.levels) * len(term.columns)]
        first += Z.shape[1]
        for i, j in combinations([*range(len(term.columns)), *range(len(term.columns))], 2):
            if i <= j:
                unit = np.zeros((len(term.columns),) * 2)
                unit[i, j] = unit[j, i] = 1
                D = Z @ np.kron(np.eye(len(term.levels)), unit) @ Z.T
                forms.append(D / np.abs(D).max())
    forms.append(np.eye(n))
    K = linalg.null_space(X.T) if REML else np.eye(n)
    seen = np.array([(K.T @ D @ K).ravel() for D in forms]).T
    unseen = linalg.null_space(seen, rcond=SOLVED)
    ZL = (design.Z @ Lambda(design.template, theta)).toarray()
    V = np.eye(n) + ZL @ ZL.T

    def estimates(V: np.ndarray) -> np.ndarray:
        inverse = np.linalg.inv(V)
        vcov = np.linalg.inv(X.T @ inverse @ X)
        return np.array([vcov @ X.T @ inverse @ y, vcov.diagonal()])

    moved = np.zeros((2, X.shape[1]), dtype=bool)
    random = np.random.default_rng(0)
    for _ in range(3):
        D = np.tensordot(unseen @ random.normal(size=unseen.shape[1]), forms, 1) if unseen.size else np.zeros((n, n))
        # G is regular, so that a step small enough is one within the cone, whatever it does to V.
        step = 1e-3 / max(np.abs(D).max(), 1.0)
        moved |= (
            np.abs(estimates(V + step * D) - estimates(V)) > 1e-7 * step * np.abs(estimates(V)).max(axis=1)[:, None]
        )
    return moved[0], moved[1]


@given(st.integers(0, 2**32 - 1), st.sampled_from(FORMULAS), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_a_change_of_V_that_the_criterion_does_not_see_moves(seed: int, formula: str, REML: bool) -> None:
    design = build(model_frame(parse(formula), drawn(seed)))
    random = np.random.default_rng(seed)
    blocks = [
        np.tril(random.normal(size=(len(term.columns),) * 2) / 3) + np.eye(len(term.columns)) for term in design.terms
    ]
    theta = theta_of(blocks)
    found = unidentified(design, solve_at(prepare(design), theta), theta, REML)
    beta, se = changed(design, theta, REML)
    names = np.array(design.coefficients)
    assert (found.beta, found.se) == (tuple(names[beta]), tuple(names[se]))
    assert not (found.beta or found.se) or REML


@example(24565293)  # The spaces are dependent to rounding: Newton's matrix was singular.
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_spellings_and_paths_agree_on_what_is_open(seed: int) -> None:
    data = drawn(seed)
    fits = [lmer(f"y ~ t + {bar}", data, method=method) for bar in SPELLINGS for method in METHODS]
    lowest = min(fit.criterion for fit in fits)
    # Another spelling may end in another local optimum.
    fits = [fit for fit in fits if fit.criterion < lowest + tolerances.CRITERION * abs(lowest)]
    assert {(fit.unidentified.beta, fit.unidentified.se) for fit in fits} == {(("tc",), ("tc",))} or all(
        fit.singular for fit in fits
    )
    for fit in fits[1:]:
        known = [name for name in fit.beta.index if name not in fit.unidentified.beta]
        assert fit.unidentified.beta == fits[0].unidentified.beta
        assert fit.unidentified.se == fits[0].unidentified.se
        np.testing.assert_allclose(fit.beta[known], fits[0].beta[known], atol=1e-5 * np.abs(fits[0].beta[known]).max())
    assert all(lmer(f"y ~ t + {bar}", data, REML=False).unidentified.beta == () for bar in SPELLINGS[:2])


def test_at_the_boundary_an_unseen_covariance_is_bound_by_its_variances() -> None:
    """Without a variance of the intercept no covariance with it moves tc; the variance of tc is free, and so its SE."""
    design = build(model_frame(parse("y ~ t + (t | g)"), drawn(3)))
    for theta, beta in ((np.array([1.0, 0.2, 0.3, 1.0, 0.1, 1.0]), ("tc",)), (np.zeros(6), ())):
        found = unidentified(design, solve_at(prepare(design), theta), theta, True)
        assert (found.beta, found.se) == (beta, ("tc",))
        assert sorted(found.theta) == [("g.tc",), ("g.tc.(Intercept)",), ("g.tc.tb",)]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["y ~ g + (1 | g)", "y ~ g * x + (x | g)", "y ~ g + x + (1 | g)"]))
@settings(max_examples=15, deadline=None)
def test_what_reml_sees_nothing_of_leads_no_path_astray(seed: int, formula: str) -> None:
    """beta is that of least squares, by all paths; only the standard errors are open."""
    data = drawn(seed)
    plain = lmer(formula.partition(" + (")[0], data)
    for method in METHODS:
        fit = lmer(formula, data, method=method)
        assert fit.optimum.converged
        assert fit.criterion == pytest.approx(plain.criterion, rel=tolerances.CRITERION)
        np.testing.assert_allclose(fit.beta, plain.beta, atol=SOLVED * np.abs(plain.beta).max())
        assert fit.unidentified.beta == ()
        assert {"(Intercept)", "g1", "g2", "g3", "g4"} <= set(fit.unidentified.se)


@pytest.mark.parametrize("shift, scale", [(0.0, 1.0), (1e4, 1.0), (0.0, 1e-8), (0.0, 1e8)])
def test_neither_unit_nor_origin_matters(shift: float, scale: float) -> None:
    data = drawn(5)
    data["x"] = scale * (data["x"] + shift)
    fit = lmer("y ~ g * x + (x | g)", data)
    assert fit.unidentified.names == {"g.(Intercept)", "g.x.(Intercept)", "g.x"}
    assert fit.unidentified.beta == ()
    assert fit.unidentified.se == tuple(fit.beta.index)


def test_a_column_of_zeros_and_more_columns_than_rows() -> None:
    data = drawn(6).assign(zero=0.0)
    design = build(model_frame(parse("y ~ x + (x | g) + (0 + zero | g)"), data))
    theta = np.array([1.0, 0.5, 1.0, 2.0])
    assert unidentified(design, solve_at(prepare(design), theta), theta, True).theta == (("g.1.zero",),)
    few = data.iloc[::8].assign(g=["a", "a", "b", "b", "b"], **{f"v{k}": np.arange(5.0) ** k for k in range(1, 7)})
    formula = "y ~ 1 + (v1 + v2 + v3 + v4 + v5 + v6 | g)"
    wide = build(model_frame(parse(formula), few), checks_of({"check.nobs.vs.nRE": "ignore"}))
    theta = theta_of([np.eye(7)])
    # Four contrasts of the rows see at most ten numbers of the 29 that V is made of.
    assert len(unidentified(wide, solve_at(prepare(wide), theta), theta, True).theta) >= 19


def test_nothing_is_open_where_the_data_determine_everything() -> None:
    for formula in ("Reaction ~ Days + (Days | Subject)", "Reaction ~ Days", "Reaction ~ Days + (1 | Subject)"):
        assert not lmer(formula, load("sleepstudy").frame).unidentified


def test_only_the_sum_of_two_variances_counts() -> None:
    found = lmer("Reaction ~ Days + (1 | Subject) + (Days | Subject)", load("sleepstudy").frame).unidentified
    assert found.theta == (("Subject.(Intercept)", "Subject.1.(Intercept)"),)
    assert found.beta == found.se == ()


def test_weights_and_the_coefficients_left_open() -> None:
    data = drawn(7)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(data))
    fit = lmer("y ~ t + (t | g)", data, weights=weights)
    assert fit.unidentified.beta in (("tc",), ())
    assert fit.unidentified.se == ("tc",)
