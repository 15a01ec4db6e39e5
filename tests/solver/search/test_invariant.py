"""What holds of every fit by every path, however bad the design: V is one, the criterion is the definition's."""

import numpy as np
import pandas as pd
import pytest
from adversaries import Adversary, adversaries
from bounds import EPS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_balls import criterion_in_balls

from relmer.solver import Fit, ModelError, lmer
from relmer.solver.paths.criterion import size

METHODS = ("pls", "qr", "gls")
# The goal of the criterion, of its own size: the definition's digits at the theta that is returned.
DEFINED = 1e-10


def least_of_V(fit: Fit) -> float:
    """V's smallest eigenvalue over sigma^2 / max(w), less what rounding may take of it.

    V is the sum of a residual variance and a Gram matrix, rounded to n eps of its largest entry.
    """
    weights = np.ones(len(fit.design.y)) if fit.design.weights is None else fit.design.weights
    unit = fit.sigma**2 / weights.max()
    V = fit.V.toarray() / unit
    return float(np.linalg.eigvalsh(V)[0] + len(V) ** 2 * EPS * np.abs(V).max())


def check(fit: Fit) -> None:
    """The invariant."""
    numbers = [fit.criterion, fit.sigma, *fit.beta, *fit.se, *fit.theta, *fit.fitted(), *fit.b]
    assert np.all(np.isfinite(numbers))
    assert least_of_V(fit) >= 1.0 - 1e-9
    if fit.optimum.converged:
        defined = criterion_in_balls(fit.design, fit.optimum.theta, fit.REML)
        assert abs(defined - fit.criterion) <= DEFINED * size(fit.design, fit.solution, fit.REML)


@given(adversaries(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_fit_is_one_by_the_definition(problem: Adversary, REML: bool) -> None:
    said: dict[str, Fit | str] = {}
    for method in METHODS:
        try:
            said[method] = lmer(problem.formula, problem.data, REML=REML, method=method, weights=problem.weights)
        except ModelError as error:
            said[method] = str(error)
            assert "\n" not in str(error)
    fits = {method: fit for method, fit in said.items() if isinstance(fit, Fit)}
    for fit in fits.values():
        check(fit)
    converged = [fit for fit in fits.values() if fit.optimum.converged]
    for fit in converged[1:]:
        assert fit.criterion == pytest.approx(
            converged[0].criterion, abs=DEFINED * size(fit.design, fit.solution, REML)
        )
    assert len(fits) in (0, len(METHODS)), said


@pytest.mark.parametrize("seed", range(12))
def test_one_weight_of_1e8_leaves_its_digits_or_no_fit_says_that_it_converged(seed: int) -> None:
    """Rows beside one of 1e4 times their size: elimination sweeps a level at once, and may lose the small ones."""
    random = np.random.default_rng(seed)
    g, f = random.integers(0, 4, 30), random.integers(0, 2, 30)
    data = pd.DataFrame({"y": random.normal(size=30) + g, "g": g.astype(str), "f": np.array(["a", "b"])[f]})
    weights = random.uniform(0.4, 3.0, 30)
    weights[random.integers(30)] = 2e8
    for method in METHODS:
        check(lmer("y ~ 1 + (f | g)", data, REML=False, method=method, weights=weights))
