"""The strategies make what they claim: these tests test the tests."""

import numpy as np
from hypothesis import find, given, settings
from strategies import FORMULAS, Problem, mixed_data, problems

from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame


@given(problems())
@settings(max_examples=100, deadline=None)
def test_fixed_effects_are_well_conditioned(problem: Problem) -> None:
    assert np.linalg.cond(problem.design.X) < 100
    assert problem.design.Z.shape[1] == problem.design.template.q


def test_data_are_unbalanced_unsorted_and_crossed() -> None:
    data = mixed_data(3, 50)
    assert data["g"].value_counts().nunique() > 1
    assert not data["g"].cat.codes.is_monotonic_increasing
    assert (data.groupby(["g", "k"], observed=True).size().unstack().notna().sum() > 1).all()


def test_every_formula_makes_a_design() -> None:
    shapes = {build(model_frame(parse(formula), mixed_data(1, 40))).Z.shape[1] for formula in FORMULAS}
    assert len(shapes) > 3


def test_singular_theta_are_drawn() -> None:
    found = find(problems(), lambda problem: bool(np.any(problem.theta[problem.design.template.diagonal] == 0)))
    assert np.any(found.theta[found.design.template.diagonal] == 0)
