"""What the condition of V takes from any evaluation is not held against an engine; more than that is."""

from dataclasses import replace

import numpy as np
from generated import OWN, generated
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import mixed_data

from relmer.reference.answers.answer import CriterionValue
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.conditioning import condition, conditioned, rounding_at
from relmer.reports.evidence.landscape import criterion_at
from relmer.reports.verdicts import Verdict


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 300),
    st.integers(20, 60),
    st.floats(0, 5),
    st.sampled_from(["(x | g)", "(0 + x | g)"]),
)
def test_no_path_is_accused_where_a_covariate_drowns_the_residual(seed: int, rows: int, power: float, bar: str) -> None:
    """theta of order 1 on a covariate in small units: V has a condition number of up to 1e12."""
    frame = mixed_data(seed, rows)
    frame["x"] *= 10.0**power
    model = generated(f"y ~ x + {bar}", frame)
    here = tuple(model.fit.theta)
    answers = {name: model.answer(name, here) for name in (*OWN, "lme4")}
    for name in answers:
        accused = [c for c in model.judged(answers, name) if c.rung == 3 and c.verdict is Verdict.WRONG]
        assert not accused, (name, accused)


def test_the_bound_is_that_of_the_derivation_and_no_more_is_excused() -> None:
    frame = mixed_data(3, 40)
    frame["x"] *= 1e4
    model = generated("y ~ x + (0 + x | g)", frame)
    theta = model.points["start"][0]
    # One slope in each group: Z'Z is diagonal, and V's largest eigenvalue is 1 + the largest sum of squares.
    sums = frame.assign(square=frame["x"] ** 2).groupby("g", observed=True)["square"].sum()
    assert condition(model.view, theta) >= 1 + sums.max() * (1 - 40 * tolerances.EPS)
    bound = rounding_at(model.view, theta)
    assert bound == max(tolerances.CRITERION * model.view.size, tolerances.EPS * 40 * condition(model.view, theta))
    here = tuple(model.fit.theta)
    answers = {name: model.answer(name, here) for name in (*OWN, "lme4")}
    # Of one of our paths: what an engine loses that does not centre excuses no more than this.
    said = answers["pls"]
    for by, verdicts in ((0.1, (Verdict.AGREE, Verdict.WITHIN)), (4.0, (Verdict.WRONG,))):
        moved = tuple(CriterionValue(p.theta, p.value + by * bound * (p.theta == theta)) for p in said.criterion)
        heard = answers | {"pls": replace(said, criterion=moved)}
        (found,) = [c for c in model.judged(heard, "pls") if c.quantity == "criterion, start"]
        assert found.verdict in verdicts
    assert np.isfinite(bound)


def test_a_gap_that_the_condition_hides_is_rounding_and_a_larger_one_is_a_stop() -> None:
    """Two theta whose criteria differ by less, and by more, than n eps times the condition of V there."""
    frame = mixed_data(3, 40)
    frame["x"] *= 1e4
    model = generated("y ~ x + (1 | g)", frame)
    near = generated("y ~ 1 + (0 + x | g)", frame.assign(y=frame["y"] + frame["x"] * (frame["g"].astype(str) == "1")))
    for one in (model, near):
        best = np.array(one.fit.theta)
        hidden = conditioned(one.view, best)
        for step in np.geomspace(1e-9, 1e-2, 15):
            theta = tuple((best * (1 + step)).tolist())
            answers = {name: one.answer(name, tuple(best.tolist())) for name in OWN} | {
                "lme4": one.answer("lme4", theta)
            }
            (stop,) = [c for c in one.judged(answers, "lme4") if c.quantity == "criterion at the optimum"]
            gap = criterion_at(one.view, theta) - one.fit.criterion
            if gap > 2 * max(hidden, tolerances.GAP * one.view.size):
                assert stop.verdict in (Verdict.EARLY, Verdict.WRONG), (gap, hidden)
            if gap < max(hidden, tolerances.GAP * one.view.size) / 2:
                assert stop.verdict in (Verdict.AGREE, Verdict.WITHIN), (gap, hidden)


def test_at_a_shared_theta_the_condition_of_V_costs_an_engine_digits_and_no_verdict() -> None:
    """A covariate of 1e7 and theta = 1: V's condition is 1e16, and what it hides is more than 1e-3."""
    frame = mixed_data(3, 40)
    frame["x"] *= 1e7
    model = generated("y ~ x + (0 + x | g)", frame)
    theta = model.points["start"][0]
    bound = rounding_at(model.view, theta)
    assert bound > 10 * tolerances.EARLY
    here = tuple(model.fit.theta)
    answers = {name: model.answer(name, here) for name in (*OWN, "lme4")}
    said = answers["lme4"]
    for by, verdict in ((0.5, Verdict.WITHIN), (1e3, Verdict.WRONG)):
        moved = tuple(CriterionValue(p.theta, p.value + by * bound * (p.theta == theta)) for p in said.criterion)
        heard = answers | {"lme4": replace(said, criterion=moved)}
        (found,) = [c for c in model.judged(heard, "lme4") if c.quantity == "criterion, start"]
        assert found.verdict is verdict, found.evidence
