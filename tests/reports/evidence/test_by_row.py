"""What balls give of each row is what the definition gives that the alarms' own witness writes out."""

import numpy as np
import pytest
from generated import generated
from strategies import mixed_data

from relmer.reports.evidence.evaluation import evaluator_of
from tests.alarms.proof import Witness


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ f + (x || g) + (1 | k)", "y ~ 1 + (0 + f | g)"])
@pytest.mark.parametrize("weights", ["", "w"])
def test_by_row(formula: str, weights: str) -> None:
    frame = mixed_data(5, 30)
    frame["w"] = 10.0 ** np.random.default_rng(2).uniform(-6, 6, len(frame))
    model = generated(formula, frame, weights=weights)
    theta = tuple((1.3 * model.fit.optimum.theta + 0.02).tolist())
    found = evaluator_of(None, model.view).by_row(theta)
    exact = Witness(model.fit.design, model.fit.REML).at(theta)[0]
    assert {*found} == {"b", "fitted", "V_diagonal", "V_rowsum"}
    for name, value in found.items():
        assert value.tolist() == [float(entry.mid()) for entry in exact[name]], name
