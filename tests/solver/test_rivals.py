"""Two strict minima in G: the lower one is found, in whatever unit the covariate is."""

import bounds
import numpy as np
import pytest

from relmer.datasets import load
from relmer.solver.fit import lmer

FORMULA = "y ~ 0 + x + (0 + x | g)"
# The lower minimum, by mpmath at 50 digits; the other one is at 77.468044832909 and 77.118029321708.
LOWEST = {True: 73.796492909905, False: 76.676023165000}


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize("method", ["pls", "qr", "gls"])
@pytest.mark.parametrize("unit", [1e-6, 0.1, 0.5, 1.0, 10.0, 1e6])
def test_the_lower_of_two_minima(REML: bool, method: str, unit: float) -> None:
    data = load("two_optima").frame
    data["x"] *= unit
    fit = lmer(FORMULA, data, REML=REML, method=method)
    assert fit.optimum.converged
    jacobian = 2 * np.log(unit) if REML else 0.0
    assert fit.criterion == pytest.approx(LOWEST[REML] + jacobian, rel=0, abs=bounds.SHIFTED_CRITERION)
