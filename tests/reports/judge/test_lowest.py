"""No engine is the truth: the lowest criterion that the definition confirms is the reference for all."""

from dataclasses import replace

import numpy as np
import pytest
from generated import OWN, Generated, generated
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import mixed_data

from relmer.datasets import load
from relmer.reference.answers import Answer
from relmer.reference.own_inference import inference_of
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.evaluation import Evaluator
from relmer.reports.evidence.landscape import criterion_at
from relmer.reports.judge.more_questions import CONDITIONAL, POPULATION, WALD
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits import at_theta, lmer

THEIRS = ("lme4", "lme4-tight")
ENGINES = (*OWN, *THEIRS)
# Drawn designs of few rows with slopes and factors: many have more than one local optimum.
FORMULAS = ("y ~ x + (x | g)", "y ~ f + (f | g)", "y ~ x + f + (f | g) + (1 | g:h)", "y ~ x + (x | g) + (x | k)")


def at_the_optimum(comparisons: list[Comparison]) -> Comparison:
    (found,) = [c for c in comparisons if c.quantity == "criterion at the optimum"]
    return found


def stands(model: Generated, elsewhere: tuple[float, ...], *engines: str) -> dict:
    """Answers of all engines: some stand elsewhere, the others where this project's search ends."""
    here = tuple(model.fit.optimum.theta.tolist())
    return {name: model.answer(name, elsewhere if name in engines else here) for name in ENGINES}


@pytest.mark.parametrize("REML", [True, False])
def test_who_stands_at_the_lower_of_two_minima_is_not_accused_by_a_crowd_at_the_other(REML: bool) -> None:
    """Both of lme4's fits at the higher minimum of two_optima: they are wrong, and this project's paths are not."""
    model = generated("y ~ 0 + x + (0 + x | g)", load("two_optima").frame, REML)
    higher = 0.0788 if REML else 0.0645
    answers = stands(model, (higher,), "lme4", "lme4-tight")
    for name in OWN:
        found = model.judged(answers, name)
        assert {c.verdict for c in found} <= {Verdict.AGREE, Verdict.WITHIN}, name
        assert any("which it has not reached" in c.evidence for c in found if c.rung == 5)
    for name in ("lme4", "lme4-tight"):
        found = model.judged(answers, name)
        stop = at_the_optimum(found)
        assert (stop.verdict, stop.diagnosis) == (Verdict.WRONG, Diagnosis.LOCAL_OPTIMUM)
        follows = [c for c in found if c.rung == 5 and c.quantity == "theta"]
        assert [(c.verdict, c.diagnosis) for c in follows] == [(Verdict.WRONG, Diagnosis.LOCAL_OPTIMUM)]


def test_who_stands_below_this_projects_own_search_is_right_and_our_paths_are_wrong() -> None:
    """lme4 at the lower minimum, our paths at the higher: nothing excuses the reference."""
    model = generated("y ~ 0 + x + (0 + x | g)", load("two_optima").frame)
    answers = stands(model, (0.0788,), *OWN)
    assert at_the_optimum(model.judged(answers, "lme4")).verdict == Verdict.AGREE
    for name in OWN:
        assert at_the_optimum(model.judged(answers, name)).verdict == Verdict.WRONG


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 400),
    st.integers(18, 40),
    st.sampled_from(FORMULAS),
    st.booleans(),
    st.lists(st.floats(0, 3), min_size=30, max_size=30),
)
def test_the_lowest_is_never_accused_and_whoever_is_above_is_told_so(
    seed: int, rows: int, formula: str, REML: bool, drawn: list[float]
) -> None:
    frame = mixed_data(seed, rows)
    if not lmer(formula, frame, REML=REML).optimum.converged:
        return
    model = generated(formula, frame, REML)
    elsewhere = tuple(drawn[: len(model.fit.theta)])
    answers = stands(model, elsewhere, "lme4", "lme4-tight")
    gap = criterion_at(model.view, elsewhere) - model.fit.criterion
    above = gap > tolerances.CRITERION * model.view.size
    for name in ENGINES:
        found = model.judged(answers, name)
        stop = at_the_optimum(found)
        lowest = name in OWN if above else True
        if lowest:
            accused = [
                (c.rung, c.quantity, c.evidence) for c in found if c.verdict.breaks or c.verdict is Verdict.EARLY
            ]
            assert not accused, name
        else:
            assert stop.verdict is (Verdict.WRONG if gap > tolerances.EARLY else stop.verdict)
            assert stop.verdict in (Verdict.WRONG, Verdict.EARLY)
            assert "gap -" not in stop.evidence


def test_a_negative_gap_never_agrees() -> None:
    """A foreign answer below ours by more than rounding is the reference, so that no gap is negative."""
    model = generated("y ~ 0 + x + (0 + x | g)", load("two_optima").frame)
    best = tuple(model.fit.optimum.theta.tolist())
    shallow = replace(model, view=replace(model.view, fit=model.view.fit))
    answers = {name: model.answer(name, (0.0788,)) for name in OWN} | {"lme4": model.answer("lme4", best)}
    for name in OWN:
        stop = at_the_optimum(shallow.judged(answers, name))
        assert stop.verdict == Verdict.WRONG
        assert "lowest criterion is lme4's" in stop.evidence


def test_near_a_zero_variance_a_small_stop_is_early_and_no_other_optimum() -> None:
    """The optimum has no variance of g, the stop a little: theta's chart is flat there, the line in G falls."""
    rng = np.random.default_rng(4)
    frame = mixed_data(11, 40)
    frame["y"] = rng.normal(size=len(frame))
    model = generated("y ~ x + (1 | g)", frame)
    if model.fit.theta.iloc[0] > 0:
        pytest.fail("the design is to have no variance of g")
    for theta in (1e-5, 1e-4, 1e-3, 5e-3):
        gap = criterion_at(model.view, (theta,)) - model.fit.criterion
        answers = stands(model, (theta,), "lme4")
        stop = at_the_optimum(model.judged(answers, "lme4"))
        expected = Verdict.AGREE if gap <= tolerances.GAP * model.view.size else Verdict.EARLY
        assert gap < tolerances.EARLY
        assert stop.verdict is expected, (theta, gap, stop.evidence)


@pytest.mark.parametrize("name", OWN)
def test_a_house_that_is_elsewhere_and_wrong_there_is_no_measure(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """lme4 stands at the higher minimum and misprints all that it has there: our paths are held against balls."""
    model = generated("y ~ 0 + x + (0 + x | g)", load("two_optima").frame)
    answers = stands(model, (0.0788,), "lme4", "lme4-tight")
    for engine in ("lme4", "lme4-tight"):
        said = answers[engine].estimates
        off = replace(said, criterion=said.criterion + 1, beta=(said.beta[0] * 2,), b=tuple(2 * v for v in said.b))
        answers[engine] = replace(answers[engine], estimates=off)
    found = {c.quantity: c for c in model.judged(answers, name) if c.rung == 5}
    assert found["beta"].verdict == Verdict.AGREE
    assert "balls give the same" in found["beta"].evidence
    assert found["b"].verdict == found["fitted"].verdict == Verdict.AGREE
    monkeypatch.setattr(Evaluator, "by_row", lambda self, theta: {})
    unproved = {c.quantity: c for c in model.judged(answers, name) if c.rung == 5}
    assert unproved["b"].verdict == Verdict.NOT_GIVEN, "without balls nobody knows who is right"
    wrong = {**answers, name: replace(answers[name], estimates=replace(answers[name].estimates, sigma=9.0))}
    assert {c.quantity: c for c in model.judged(wrong, name) if c.rung == 5}["sigma"].verdict == Verdict.WRONG


@pytest.mark.parametrize("name", OWN)
def test_whom_balls_prove_right_is_not_accused_by_what_another_concludes(name: str) -> None:
    """lme4's criterion is right where it stands, and its b, t, intervals and predictions are not: as where one weight
    is 1e8 times the others, and its sums have lost what these say.
    """
    model = generated("y ~ x + (x | g)", mixed_data(3, 40).assign(w=1.0 + np.arange(40) % 5), weights="w")
    there = tuple((1.2 * model.fit.optimum.theta + 0.01).tolist())
    answers = {}
    for engine, said in stands(model, there, *THEIRS).items():
        told = inference_of(at_theta(model.fit, np.array(said.estimates.theta)), ())
        whole = replace(said, inference=told)
        answers[engine] = misprinted(whole, 1 + 1e-7) if engine in THEIRS else whole
    found = {(c.rung, c.quantity): c for c in model.judged(answers, name) if c.rung in (5, 6)}
    for key in ((5, "b"), (5, "fitted"), (6, "t"), (6, WALD), (6, POPULATION), (6, CONDITIONAL)):
        assert found[key].verdict == Verdict.AGREE, found[key].evidence
        assert "balls give the same" in found[key].evidence
    wrong = {c.quantity for c in model.judged(answers, "lme4") if c.verdict is Verdict.WRONG}
    assert {"b", "fitted", "t", WALD, POPULATION, CONDITIONAL} <= wrong


def misprinted(said: Answer, off: float) -> Answer:
    """An answer whose b, fitted values, t, intervals and predictions are off by a factor."""

    def times(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(off * value for value in values)

    told, rows, ends = said.inference, said.inference.predictions, said.inference.intervals["wald"]
    intervals = {"wald": replace(ends, lower=times(ends.lower), upper=times(ends.upper))}
    moved = replace(rows, population=times(rows.population), conditional=times(rows.conditional))
    estimates = replace(said.estimates, b=times(said.estimates.b), fitted=times(said.estimates.fitted))
    told = replace(told, t=times(told.t), intervals=intervals, predictions=moved)
    return replace(said, estimates=estimates, inference=told)
