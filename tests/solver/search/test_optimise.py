"""The search ends at the minimum of the criterion over G, from anywhere, singular or not."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from bounds import DENSE, EPS, INVERTED, SHIFTED_CRITERION, SHIFTED_V, TWICE
from exact_bounds import ROUNDED
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Problem, problems

from relmer.datasets import load
from relmer.reference.exact.estimates import one_way
from relmer.reports.evidence import tolerances
from relmer.solver import ModelError, lmer
from relmer.solver.algebra.roots import lower_trapezoid
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.model.term import factors
from relmer.solver.model.working import original, standardise
from relmer.solver.paths.criterion import criterion, prepare, size, solve_at
from relmer.solver.search.optimise import optimise

# Criteria that others printed or that a tight fit of lme4 1.1-31 gives (field.md's table): name, formula, REML, value
# and the half unit of its last digit.
KNOWN = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", True, 1743.6282719585, 5e-10),
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", False, 1751.9393444636682, 5e-10),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)", True, 1743.6692936, 5e-8),
    ("sleepstudy", "Reaction ~ factor(Days) + (1 | Subject)", True, 1729.492560, 5e-7),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", True, 330.8605889911, 5e-10),
    ("Pastes", "strength ~ 1 + (1 | sample) + (1 | batch)", True, 246.9907458535, 5e-10),
    ("Machines", "score ~ Machine + (0 + Machine | Worker)", True, 208.311218, 5e-7),
    ("star_sample", "read ~ cltype + sx + (sx | sch/tch)", True, 10990.3881547322, 5e-10),
    ("star_kindergarten", "read ~ cltype + sx + (sx | sch/tch)", True, 55060.5344430553, 5e-10),
]


@pytest.mark.parametrize(("dataset", "formula", "REML", "expected", "half_unit"), KNOWN)
def test_known_optima(dataset: str, formula: str, REML: bool, expected: float, half_unit: float) -> None:
    fit = lmer(formula, load(dataset).frame, REML=REML)
    rounding = tolerances.GAP * 4 * abs(expected)
    assert abs(fit.criterion - expected) <= half_unit + rounding
    assert fit.optimum.converged


@pytest.mark.parametrize("name", ["Dyestuff", "Dyestuff2"])
@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
def test_balanced_one_way_is_exact(name: str, REML: bool, method: str) -> None:
    data = load(name).frame
    fit = lmer("Yield ~ 1 + (1 | Batch)", data, REML=REML, method=method)
    exact = one_way(data["Yield"].tolist(), data["Batch"].cat.codes.tolist(), REML)
    assert fit.sigma**2 == pytest.approx(float(exact.sigma2), rel=tolerances.EVALUATION, abs=0)
    between = fit.VarCorr().loc[0, "vcov"]
    assert between == pytest.approx(float(exact.covariances[0][0][0]), rel=tolerances.EVALUATION, abs=0.0)
    assert fit.se.iloc[0] ** 2 == pytest.approx(float(exact.vcov[0][0]), rel=tolerances.EVALUATION, abs=0)
    assert fit.criterion == pytest.approx(float(exact.criterion.decimal(20)), rel=tolerances.CRITERION)
    assert fit.singular == (name == "Dyestuff2")


def test_a_growth_curve_of_rank_one_is_exact() -> None:
    """By the analysis of variance; there the search once stopped a step too soon, trusting what it foresaw."""
    y = [12, -3, 20, 11, -3, 0, 21, 12, 12, 21, 10, 12, 10, 20, 11, 0]
    x = [2, 3, 3, 2, 0, 0, 3, 1, 2, 0, 2, 1, 1, 0, 1, 3]
    data = pd.DataFrame({"y": y, "x": x, "g": list("prprpqqqssqrsrps")}).astype({"y": float, "x": float})
    fit = lmer("y ~ x + (x | g)", data, REML=False)
    exact = [147159 / 1600, 16351 / 400, -49053 / 800, 891 / 80]
    kappa = float(np.linalg.eigvalsh(fit.V.toarray())[-1]) / fit.sigma**2
    np.testing.assert_allclose(fit.VarCorr()["vcov"], exact, rtol=ROUNDED * EPS * (len(data) + kappa))


def test_a_saddle_on_the_rank_face_is_left() -> None:
    """bdf has a stationary point of rank one at 13550.137 (certify.md); the minimum lies below it."""
    data = load("bdf").frame
    fit = lmer("aritPOST ~ aritPRET + sex + schoolSES + (sex | schoolNR)", data)
    assert fit.criterion < 13550.137 - 1
    assert not fit.singular


@given(problems())
@settings(max_examples=60, deadline=None)
def test_no_neighbour_in_G_lies_below(problem: Problem) -> None:
    """Nowhere along a ray G + t E into the cone, E = vv', is the criterion below the optimum."""
    fit = lmer(problem.formula, problem.data)
    assert fit.optimum.converged
    prepared = prepare(fit.design, "gls")
    at = solve_at(prepared, fit.optimum.theta)
    at_optimum, rounding = criterion(fit.design, at, True), INVERTED * size(fit.design, at, True)
    blocks = factors(fit.design.terms, fit.optimum.theta)
    random = np.random.default_rng(0)
    for index, T in enumerate(blocks):
        for scale in (1e-4, 1e-2, 1.0):
            direction = random.normal(size=(len(T), 1)) * np.sqrt(scale)
            moved = list(blocks)
            moved[index] = lower_trapezoid(np.hstack([T, direction]))
            theta = np.concatenate([B[np.triu_indices(len(B))[::-1]] for B in moved])
            value = criterion(fit.design, solve_at(prepared, theta), True)
            assert value >= at_optimum - rounding


# Each model is the one before it with another term, or with a covariance set free.
GROWING = [
    ("(1 | g)", "(1 | g) + (1 | k)", "(1 | g) + (1 | k) + (0 + x | k)", "(x | g) + (x | k)"),
    ("(1 | g)", "(x || g)", "(x | g)", "(x | g/h)", "(x | g/h) + (1 | k)"),
    ("(1 | g:h)", "(1 | g/h)", "(f | g) + (1 | g:h)", "(f | g/h)"),
]


@given(problems(), st.sampled_from(GROWING), st.booleans())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_adding_a_term_never_raises_the_criterion(problem: Problem, models: tuple[str, ...], REML: bool) -> None:
    """The same designs every time: of some 10,000 with this few rows one has a lower minimum that no start finds."""
    data = problem.data
    design = [build(model_frame(parse(f"y ~ x + f + {terms}"), data)) for terms in models]
    values = []
    for each in design:
        optimum, at = optimise(prepare(each), REML)
        assert optimum.converged
        values.append(criterion(each, at, REML))
        rounding = TWICE * size(each, at, REML)
    for smaller, larger in pairwise(values):
        assert larger <= smaller + rounding


@given(problems())
@settings(max_examples=60, deadline=None)
def test_working_coordinates_are_the_same_model(problem: Problem) -> None:
    standard = standardise(problem.design)
    blocks = factors(problem.design.terms, problem.theta)
    back = original(standard.scales, blocks)
    for C, T, B in zip(standard.scales, blocks, back, strict=True):
        G = np.linalg.inv(C).T @ T @ T.T @ np.linalg.inv(C)
        np.testing.assert_allclose(B @ B.T, G, rtol=0, atol=1e3 * DENSE * max(1.0, np.abs(G).max()))
        np.testing.assert_array_equal(B, np.tril(B))


def test_row_order_and_labels_change_nothing() -> None:
    data = load("sleepstudy").frame
    formula = "Reaction ~ Days + (Days | Subject)"
    fit = lmer(formula, data)
    shuffled = data.sample(frac=1.0, random_state=4).reset_index(drop=True)
    shuffled["Subject"] = shuffled["Subject"].cat.rename_categories(lambda label: f"subject {label}")
    again = lmer(formula, shuffled)
    assert again.criterion == pytest.approx(fit.criterion, rel=tolerances.CRITERION)
    np.testing.assert_allclose(again.theta, fit.theta, rtol=tolerances.EVALUATION)


@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
@pytest.mark.parametrize(
    ("shift", "scale"), [(100.0, 1.0), (2010.0, 1.0), (14610.0, 1.0), (0.0, 1e3), (0.0, 1e6), (0.0, 1e-6)]
)
def test_shift_and_scale_of_a_covariate_change_nothing(shift: float, scale: float, method: str) -> None:
    """The table of field.md 1.6, on which lme4 and others lose up to 44: years, dates and units.

    The criterion is invariant to a shift; a factor c adds 2 log c to REML, which has log|X'V^-1 X| in it.
    """
    data = load("sleepstudy").frame
    fit = lmer("Reaction ~ Days + (Days | Subject)", data)
    data["Days"] = data["Days"] * scale + shift
    moved = lmer("Reaction ~ Days + (Days | Subject)", data, method=method)
    assert abs(moved.criterion - 2 * np.log(scale) - fit.criterion) <= SHIFTED_CRITERION
    V = fit.V.toarray()
    np.testing.assert_allclose(moved.V.toarray(), V, rtol=0, atol=SHIFTED_V * V.max())
    assert moved.se.iloc[1] * scale == pytest.approx(fit.se.iloc[1], rel=SHIFTED_V)


def test_no_residual_is_refused() -> None:
    data = load("sleepstudy").frame
    data["Reaction"] = 2.0 * data["Days"] + 1.0
    with pytest.raises(ModelError, match="without residual"):
        lmer("Reaction ~ Days + (1 | Subject)", data)


def test_design_of_rank_deficient_X_drops_the_column() -> None:
    data = load("sleepstudy").frame
    data["twice"] = 2 * data["Days"]
    design = build(model_frame(parse("Reaction ~ Days + twice + (1 | Subject)"), data))
    assert design.coefficients == ("(Intercept)", "Days")
    assert design.dropped == ("twice",)
