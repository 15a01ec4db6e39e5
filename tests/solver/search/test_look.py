"""The search shares its derivatives with all paths; a look around by values alone makes `gls` a witness of theta."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from bounds import LOOKED

from relmer.datasets import load
from relmer.solver import lmer
from relmer.solver.algebra.roots import lower_trapezoid
from relmer.solver.elimination import nested
from relmer.solver.fits.fit import Fit
from relmer.solver.model.term import factors
from relmer.solver.paths.criterion import prepare
from relmer.solver.paths.pls import working_roots
from relmer.solver.search.ending import Ending
from relmer.solver.search.look import look_around
from relmer.solver.search.objective import NOISE, Objective

SLEEP = "Reaction ~ Days + (Days | Subject)"
MODELS = [
    ("sleepstudy", SLEEP),
    ("Dyestuff", "Yield ~ 1 + (1 | Batch)"),
    ("Dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    ("Pastes", "strength ~ 1 + (1 | sample) + (1 | batch)"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("Machines", "score ~ Machine + (0 + Machine | Worker)"),
]


def fit(method: str, formula: str = SLEEP, dataset: str = "sleepstudy", REML: bool = True) -> Fit:
    return lmer(formula, load(dataset).frame, method=method, REML=REML)


def off(curvature: Callable[..., tuple[list[np.ndarray], np.ndarray]]) -> Callable[..., object]:
    """Derivatives with an error: every dual is off by a thousandth."""

    def wrong(*arguments: object) -> tuple[list[np.ndarray], np.ndarray]:
        duals, second = curvature(*arguments)
        return [S + 1e-3 for S in duals], second

    return wrong


def test_wrong_derivatives_move_pls_and_qr_but_not_gls(monkeypatch: pytest.MonkeyPatch) -> None:
    right = fit("pls")
    monkeypatch.setattr(nested, "curvature", off(nested.curvature))
    wrong = {method: fit(method) for method in ("pls", "qr", "gls")}
    noise = LOOKED * NOISE * abs(right.criterion)
    for method in ("pls", "qr"):
        assert wrong[method].criterion - right.criterion > 100 * noise
        np.testing.assert_allclose(wrong[method].theta, wrong["pls"].theta, rtol=1e-6)
        assert not wrong[method].optimum.converged
    assert abs(wrong["gls"].criterion - right.criterion) <= noise
    assert np.abs(wrong["gls"].theta - right.theta).max() < np.abs(wrong["pls"].theta - right.theta).max() / 10
    assert wrong["gls"].optimum.ending is Ending.CONTRADICTED
    assert not wrong["gls"].optimum.converged


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(("dataset", "formula"), MODELS)
def test_at_a_minimum_the_look_finds_nothing(dataset: str, formula: str, REML: bool) -> None:
    by_definition = fit("gls", formula, dataset, REML)
    assert by_definition.optimum.converged
    assert by_definition.optimum.ending is not Ending.CONTRADICTED
    # Eight values for the noise, two an axis and one where their parabolas end, after the evaluations of the search and
    # the definition's own: at its end, and again without what has no variance.
    looks = 8 + 2 * len(by_definition.theta) + 1
    own = 1 + by_definition.singular
    assert by_definition.optimum.evaluations == fit("pls", formula, dataset, REML).optimum.evaluations + own + looks


@pytest.mark.parametrize("gap", [1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize(("dataset", "formula"), MODELS)
def test_from_beside_a_minimum_the_look_leads_to_it(dataset: str, formula: str, gap: float) -> None:
    there = fit("pls", formula, dataset)
    objective = Objective(prepare(there.design, "gls"), True)
    T = factors(there.design.terms, there.optimum.theta)
    roots = [lower_trapezoid(root) for root in working_roots(objective.reduced.scales, T)]
    best = objective.at(roots)
    random = np.random.default_rng(7)
    for _ in range(5):
        moved = [root + np.sqrt(gap) * np.tril(random.normal(size=root.shape)) for root in roots]
        found = look_around(objective, objective.at(moved))
        assert abs(found.value - best.value) <= LOOKED * NOISE * best.size


def drawn(random: np.random.Generator) -> tuple[str, pd.DataFrame]:
    """A model of few rows with units and origins of any size, whose V may be badly conditioned."""
    n, groups, others = (int(random.integers(*bounds)) for bounds in ((25, 160), (3, 12), (3, 7)))
    g, h = random.integers(0, groups, n), random.integers(0, others, n)
    x = random.normal(size=n) * 10.0 ** random.integers(-4, 5) + random.choice([0.0, 1e2, 1e4])
    z = random.normal(size=n)
    spread = 10.0 ** random.uniform(-3, 1)
    effects = random.normal(size=(3, groups)) * spread
    y = 1 + effects[0][g] + effects[1][g] * z + effects[2][h % groups] + random.normal(size=n)
    columns = {"y": 10.0 ** random.integers(-3, 4) * y + random.choice([0.0, 1e3, 1e5]), "x": x, "z": z}
    data = pd.DataFrame({**columns, "g": pd.Categorical(g.astype(str)), "h": pd.Categorical(h.astype(str))})
    terms = ["(1 | g)", "(x | g)", "(x || g)", "(1 | g) + (1 | h)", "(x | g) + (1 | h)", "(x + z | g)", "(1 | g/h)"]
    return f"y ~ x + {random.choice(terms)}", data


def test_rounding_alone_contradicts_nothing() -> None:
    """The noise of a badly conditioned V is measured, and not taken for a way down."""
    random = np.random.default_rng(11)
    contradicted = []
    for _ in range(120):
        formula, data = drawn(random)
        if lmer(formula, data).optimum.converged:
            ended = lmer(formula, data, method="gls").optimum
            contradicted += [formula] if ended.ending is Ending.CONTRADICTED else []
    assert contradicted == []
