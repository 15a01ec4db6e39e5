"""Every structure of random effects gives the criterion of the definition and its exact derivatives."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bounds import COMPLEX_STEP, REORDERED, SECOND_DIFFERENCE, TWICE
from complex_step import complex_gradient, difference
from in_balls import criterion_in_balls

from relmer.reports.evidence import tolerances
from relmer.solver import ModelError, lmer
from relmer.solver.elimination import apart, coupling, crossed, joint, schur, sparse_schur
from relmer.solver.elimination.corner import weights
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.model.chart import chain
from relmer.solver.model.design import Design
from relmer.solver.model.term import factors
from relmer.solver.model.theta import Lambda
from relmer.solver.paths import pls
from relmer.solver.paths.criterion import criterion, prepare, size, solve_at
from relmer.solver.paths.derivatives import derivatives_at
from relmer.solver.threads import one_thread

FORMULAS = {
    "y ~ x + (x | a)": "one factor: a (4 levels x 2), level by level",
    "y ~ x + (x || a) + (0 + f | a)": "one factor: a (4 levels x 4), level by level",
    "y ~ 0 + x + (x | a/b)": "nested: b:a (12 levels x 2) in a (4 levels x 2), level by level",
    "y ~ x + (x | a/b/c)": "nested: c:(b:a) (24 levels x 2) in b:a (12 levels x 2) in a (4 levels x 2), level by level",
    "y ~ 1 + (x | a) + (1 | a:b) + (0 + f | a:b:c)": (
        "nested: a:b:c (24 levels x 2) in a:b (12 levels x 1) in a (4 levels x 2), level by level"
    ),
    "y ~ x + (1 | a) + (1 | k)": (
        "crossed: k (5 levels x 1) level by level (dense), then a (4 levels x 1) by a dense factor of 4"
    ),
    "y ~ x + f + (x | a/b) + (x | k)": (
        "crossed: b:a (12 levels x 2) level by level (dense), "
        "then k (5 levels x 2), a (4 levels x 2) by a dense factor of 18"
    ),
}


def data() -> pd.DataFrame:
    """Rows in random order; b in a and c in b are labelled anew in each, k crosses them; no cell is empty."""
    random = np.random.default_rng(7)
    a, b, c = (part.ravel() for part in np.meshgrid(range(4), range(3), range(2), indexing="ij"))
    rows = random.permutation(np.concatenate([np.arange(24), random.integers(0, 24, 41)]))
    return pd.DataFrame(
        {
            "y": random.normal(size=65),
            "x": random.normal(size=65),
            "f": pd.Categorical.from_codes(random.integers(0, 2, 65), ["low", "high"]),
            "a": pd.Categorical.from_codes(a[rows], list("pqrs")),
            "b": pd.Categorical.from_codes(b[rows], list("uvw")),
            "c": pd.Categorical.from_codes(c[rows], list("mn")),
            "k": pd.Categorical.from_codes(random.permutation(np.arange(65) % 5), list("ABCDE")),
        }
    )


def first_derivatives(design: Design, theta: np.ndarray, REML: bool) -> np.ndarray:
    """The gradient where second derivatives are not asked for."""
    state = pls.prepare(design)
    T = factors(design.terms, theta)
    at = state.structure.solve([C.T @ each @ each.T @ C for C, each in zip(state.scales, T, strict=True)])
    n, p = design.X.shape
    duals = state.structure.curvature(at, weights(p, n, REML), exact=False)[0]
    original = [C @ S @ C.T for C, S in zip(state.scales, duals, strict=True)]
    return chain(T, original, np.zeros((len(theta), len(theta))))[0]


SEVERAL = list(FORMULAS)[2:]
BRANCHES = ("dense", "sparse", "never inverted", "sparse factor")
VARIANTS = (
    [(formula, "as chosen") for formula in FORMULAS]
    + [(formula, "joint") for formula in SEVERAL]
    + [
        (formula, variant)
        for formula in SEVERAL[-2:]
        for variant in ("dense", "sparse", "never inverted", "sparse factor")
    ]
)


def take(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the branches that only large models take, or only small ones."""
    monkeypatch.setattr(joint, "EFFECTS", 1000 if variant == "joint" else 0)
    if variant == "joint":
        monkeypatch.setattr(joint, "MULTIPLICATIONS", 2**20)
    if variant in ("dense", "sparse", "sparse factor"):
        monkeypatch.setattr(coupling, "SMALL", 0)
    if variant == "dense":
        # By way of the list of pairs, and all changes at once.
        monkeypatch.setattr(coupling, "PAIR", 10**9)
        monkeypatch.setattr(coupling, "MANY", 0)
    if variant in ("sparse", "sparse factor"):
        monkeypatch.setattr(coupling, "DENSE", 0)
    if variant == "sparse factor":
        monkeypatch.setattr(sparse_schur, "DENSE", 0)
        monkeypatch.setattr(sparse_schur, "CROWDED", np.inf)
    if variant == "never inverted":
        monkeypatch.setattr(schur, "REGULAR", np.inf)


@pytest.mark.parametrize("formula", FORMULAS)
def test_structure_is_found_and_printed(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take("as chosen", monkeypatch)
    assert lmer(formula, data()).structure == FORMULAS[formula]


@pytest.mark.parametrize("singular", [False, True])
@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(("formula", "variant"), VARIANTS)
def test_criterion_gradient_and_hessian(
    formula: str, variant: str, REML: bool, singular: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(variant, monkeypatch)
    frame = data()
    random = np.random.default_rng(len(formula))
    prior = random.uniform(0.5, 2.0, len(frame)) if singular else None
    design = build(model_frame(parse(formula), frame, weights=prior))
    diagonal = design.template.diagonal
    theta = np.where(diagonal, random.uniform(0.3, 2.0, len(diagonal)), random.normal(size=len(diagonal)))
    if singular:
        theta[np.flatnonzero(diagonal)[::2]] = 0.0
    if variant == "sparse factor" and singular:
        with pytest.raises(ModelError, match="no exact second derivatives where a covariance matrix is singular"):
            derivatives_at(prepare(design), theta, REML)
    gradient = complex_gradient(design, theta, REML)
    exact = (
        first_derivatives(design, theta, REML) if singular else derivatives_at(prepare(design), theta, REML).gradient
    )
    np.testing.assert_allclose(exact, gradient, rtol=0, atol=COMPLEX_STEP * max(1.0, np.abs(gradient).max()))
    if not (variant == "sparse factor" and singular):
        with one_thread():
            hessian = difference(lambda at: complex_gradient(design, at, REML), theta)
        scale = max(1.0, np.abs(hessian).max())
        exact = derivatives_at(prepare(design), theta, REML).hessian
        np.testing.assert_allclose(exact, hessian, rtol=0, atol=SECOND_DIFFERENCE * scale)
    at, by_definition = (solve_at(prepare(design, method), theta) for method in ("pls", "gls"))
    value = criterion(design, by_definition, REML)
    assert abs(criterion(design, at, REML) - value) <= tolerances.CRITERION * abs(value) * 10
    for got, expected in ((at.beta, by_definition.beta), (at.u, by_definition.u), (at.RX, by_definition.RX)):
        np.testing.assert_allclose(got, expected, rtol=0, atol=tolerances.EVALUATION * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize(("formula", "variant"), VARIANTS)
def test_a_ray_is_one_solution_for_each_scale(formula: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take(variant, monkeypatch)
    state = pls.prepare(build(model_frame(parse(formula), data())))
    scales = np.array([0.0, 0.3, 20.0])
    logdet, diagonal = state.structure.elimination.ray(scales)
    for k, scale in enumerate(scales):
        at = state.structure.solve([scale * np.eye(len(C)) for C in state.scales])
        assert logdet[k] == pytest.approx(at.logdet, rel=tolerances.CRITERION)
        np.testing.assert_allclose(diagonal[k], at.RXy.diagonal(), rtol=tolerances.CRITERION)


@pytest.mark.parametrize("singular", [False, True])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_response_of_which_little_is_left_has_the_criterion_of_balls(formula: str, singular: bool) -> None:
    """The rows are taken apart; theta is as large as such a response makes it."""
    frame, random = data(), np.random.default_rng(len(formula))
    design = build(model_frame(parse(formula), frame, weights=random.uniform(0.5, 2.0, len(frame))))
    n, q = design.Z.shape
    along = design.X.sum(axis=1) + design.Z @ random.normal(size=q)
    design = replace(design, y=along + 1e-7 * random.normal(size=n))
    diagonal = design.template.diagonal
    theta = 1e6 * np.where(diagonal, random.uniform(0.3, 2.0, len(diagonal)), random.normal(size=len(diagonal)))
    if singular:
        theta[np.flatnonzero(diagonal)[::2]] = 0.0
    prepared = prepare(design)
    assert isinstance(prepared.path, pls.Reduced)
    assert isinstance(prepared.path.structure.elimination, apart.Graded)
    at = solve_at(prepared, theta)
    for REML in (True, False):
        off = criterion(design, at, REML) - criterion_in_balls(design, theta, REML)
        assert abs(off) <= tolerances.CRITERION * size(design, at, REML)


def test_sparse_and_dense_coupling_end_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    formula = "y ~ x + f + (x | a/b) + (x | k)"
    take("as chosen", monkeypatch)
    dense = lmer(formula, data())
    take("sparse", monkeypatch)
    sparse = lmer(formula, data())
    assert "pairs of effects" in sparse.structure
    assert abs(sparse.criterion - dense.criterion) <= TWICE * size(dense.design, dense.solution, True)


def moving() -> pd.DataFrame:
    """Workers who move between neighbouring firms only: few of the pairs of firms share a worker."""
    random = np.random.default_rng(3)
    worker = random.integers(0, 2000, 8000)
    firm = (worker // 3 + random.integers(0, 2, 8000)) % 667
    y = random.normal(size=2000)[worker] + random.normal(size=667)[firm] + random.normal(size=8000)
    return pd.DataFrame({"y": y, "x": random.normal(size=8000), "worker": worker.astype(str), "firm": firm.astype(str)})


def test_a_small_model_of_several_factors_is_solved_at_once() -> None:
    fit = lmer("y ~ x + (1 | a) + (1 | k)", data())
    assert fit.structure == "joint: k (5 levels x 1), a (4 levels x 1), all 9 effects at once"


def test_a_sparse_factor_is_chosen_and_ends_where_the_dense_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    formula, frame = "y ~ x + (1 | worker) + (x | firm)", moving()
    sparse = lmer(formula, frame)
    assert sparse.structure.endswith("firm (667 levels x 2) by a sparse factor of 1334")
    monkeypatch.setattr(sparse_schur, "DENSE", 10**9)
    dense = lmer(formula, frame)
    assert dense.structure.endswith("by a dense factor of 1334")
    assert sparse.optimum.converged
    assert dense.optimum.converged
    assert abs(sparse.criterion - dense.criterion) <= TWICE * size(dense.design, dense.solution, True)
    np.testing.assert_allclose(sparse.theta, dense.theta, rtol=0, atol=REORDERED * dense.theta.max())
    np.testing.assert_allclose(sparse.se, dense.se, rtol=REORDERED)


def test_average_information_ends_at_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """What large crossed models do in place of a Hessian at every step."""
    random = np.random.default_rng(5)
    g, h = random.integers(0, 40, 600), random.integers(0, 25, 600)
    y = random.normal(size=40)[g] + 0.7 * random.normal(size=25)[h] + random.normal(size=600)
    frame = pd.DataFrame({"y": y, "x": random.normal(size=600), "g": g.astype(str), "h": h.astype(str)})
    formula = "y ~ x + (1 | g) + (x | h)"
    exact = lmer(formula, frame)
    monkeypatch.setattr(crossed, "COSTLY", 0)
    average = lmer(formula, frame)
    assert average.optimum.converged
    assert abs(average.criterion - exact.criterion) <= TWICE * size(exact.design, exact.solution, True)
    np.testing.assert_allclose(average.theta, exact.theta, rtol=0, atol=REORDERED * exact.theta.max())


def test_the_factor_of_lme4_is_made_when_asked_for() -> None:
    fit = lmer("y ~ x + (x | a/b)", data())
    assert "Z" not in vars(fit.design)
    assert fit.L.shape == (32, 32)
    factor = Lambda(fit.design.template, fit.optimum.theta)
    M = (factor.T @ fit.Z.T @ fit.Z @ factor).toarray() + np.eye(32)
    np.testing.assert_allclose(
        (fit.P.T @ fit.L @ fit.L.T @ fit.P).toarray(), M, rtol=0, atol=tolerances.CRITERION * M.max()
    )
