"""The search shares its derivatives with all paths; a look around by values alone makes `gls` a witness of theta."""

from collections.abc import Callable

import numpy as np
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
    # Two values an axis and one where their parabolas end, after the evaluations that pls has.
    looks = 2 * len(by_definition.theta) + 1
    assert by_definition.optimum.evaluations == fit("pls", formula, dataset, REML).optimum.evaluations + looks


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
