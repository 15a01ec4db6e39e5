"""Rulings on figures and estimates one by one: bounds, words and digits that the tests of whole answers do not see."""

import re
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from generated import OWN, Generated, generated

from relmer.datasets import key_of, load
from relmer.reference.answers import Answer, Fingerprint, Status
from relmer.reference.own_fits import estimates
from relmer.reports.evidence import figure, tolerances, uncentred
from relmer.reports.judge.estimates import nearest
from relmer.reports.judge.explanations import Account, Witness, criteria, prints
from relmer.reports.judge.listing import covariance
from relmer.reports.judge.printed import conventional, figures_elsewhere, of_others
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from tests.faults.court import court

N, P = 180, 2


@lru_cache
def model(formula: str = "Reaction ~ Days + (Days | Subject)", key: str = "") -> Generated:
    return generated(formula, load("sleepstudy").frame, published={key: "1.0"} if key else None)


def judged(said: Answer, which: str = "lme4") -> dict[tuple[int, str], Comparison]:
    here = model()
    theta = here.fit.optimum.theta.tolist()
    answers = {name: here.answer(name, theta) for name in (*OWN, "lme4")} | {which: said}
    return {(c.rung, c.quantity): c for c in here.judged(answers, which)}


def honest(which: str = "lme4") -> Answer:
    return model().answer(which, model().fit.optimum.theta.tolist())


def test_a_matrix_of_another_shape_is_told_with_both() -> None:
    said = honest()
    assert said.model is not None
    X = Fingerprint(shape=(N, 3), sha256="0" * 64, total=1.0, weighted=1.0)
    found = judged(replace(said, model=replace(said.model, X=X)))[2, "X"]
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.MODEL)
    assert found.evidence == "180, 3 against 180, 2"


@pytest.mark.parametrize(
    ("part", "quantity"),
    [("X", "X"), ("Lambda", "Lambda"), ("coefficients", "coefficient names"), ("terms", "terms")],
)
def test_what_an_engine_does_not_tell_of_its_model_is_not_given(part: str, quantity: str) -> None:
    said = honest()
    assert said.model is not None
    found = judged(replace(said, model=replace(said.model, **{part: None})))[2, quantity]
    assert (found.verdict, found.diagnosis) == (Verdict.NOT_GIVEN, Diagnosis.NONE)
    assert found.evidence == "lme4 does not tell"


@pytest.mark.parametrize("tells", [True, False])
def test_a_factor_that_another_model_has_is_the_models_affair_if_that_tells_its_terms(tells: bool) -> None:
    """Who fitted (1 | g) has not lost the levels of Subject: rung 2 names the term."""
    said = honest()
    assert said.model is not None and said.data is not None and said.model.terms is not None
    (seen,) = said.data.groupings.values()
    term = replace(said.model.terms[0], group="g")
    model_ = replace(said.model, terms=(term,) if tells else None)
    found = judged(replace(said, data=replace(said.data, groupings={"g": seen}), model=model_))
    at_rung_1 = {quantity for rung, quantity in found if rung == 1 and quantity.startswith("levels")}
    assert at_rung_1 == (set() if tells else {"levels of g", "levels of Subject"})
    assert found[2, "terms"].verdict is (Verdict.WRONG if tells else Verdict.NOT_GIVEN)


def test_what_follows_from_an_early_stop_has_the_digits_of_its_own_theta_but_for_theta() -> None:
    theta = (model().fit.optimum.theta + np.array([1e-3, 0.0, 0.0])).tolist()
    found = judged(model().answer("lme4", theta))
    for name in ("sigma", "se", "b", "fitted"):
        evidence = found[5, name].evidence
        assert re.match(r"the definition gives the same at the engine's own theta \(1[56]\.\d digits\)", evidence)
    assert "digits" not in found[5, "theta"].evidence


@pytest.mark.parametrize(("times", "excused"), [(0.9, True), (2.0, False)])
def test_what_another_may_lose_excuses_a_path_that_is_held_against_it_and_no_more(times: float, excused: bool) -> None:
    """A mean of 1e6 with residuals of 0.1: rounding leaves 2e-3 of lme4's criterion open, and sigma as far as that."""
    here = generated("Response ~ 1 + (1 | Treatment)", load("SmLs04").frame)
    theta = here.fit.optimum.theta.tolist()
    answers = {name: here.answer(name, theta) for name in (*OWN, "lme4")}
    said = answers["qr"].estimates
    assert said is not None
    lost = uncentred(here.view, theta).criterion
    moved = tolerances.SLACK * float(here.view.sensitivity["sigma"][0]) * np.sqrt(2 * lost)
    answers["qr"] = replace(answers["qr"], estimates=replace(said, sigma=said.sigma + times * float(moved)))
    found = {c.quantity: c for c in here.judged(answers, "qr")}["sigma"]
    assert (found.verdict is not Verdict.WRONG) is excused
    assert (found.diagnosis is Diagnosis.ROUNDING) is excused


def test_the_nearest_is_fitted_and_has_a_gap_and_the_least() -> None:
    said = {name: SimpleNamespace(engine=name, status=Status.FITTED) for name in ("one", "two", "three", "four")}
    said["four"].status = Status.FAILED
    gaps = {"two": 1e-2, "three": 1e-3, "four": 0.0, "away": 0.0}
    kin = SimpleNamespace(peers=lambda name: ("one", "away", "two", "three", "four"))
    hearing: Any = SimpleNamespace(
        kin=kin,
        answer=SimpleNamespace(engine="mine"),
        stops=SimpleNamespace(gaps=gaps),
        view=SimpleNamespace(size=1e3),
    )
    answers: Any = said
    assert nearest(hearing, answers) is said["three"]
    gaps["two"], gaps["three"] = 1e-12, 0.0
    assert nearest(hearing, answers) is said["two"], "gaps that rounding cannot tell: the first of the peers"
    assert nearest(hearing, {}) is None


def test_a_figure_prints_what_lies_within_half_a_unit_but_for_the_rounding_of_an_evaluation() -> None:
    assert prints(24.745 + 0.5 * tolerances.EVALUATION * 0.005, "24.74")
    assert not prints(24.745 + 2.0 * tolerances.EVALUATION * 0.005, "24.74")


@pytest.mark.parametrize("at_printed", [None, 1743.7])
def test_an_explanation_tells_the_criterion_where_it_is_known(at_printed: float | None) -> None:
    here = model()
    own = estimates(here.fit)
    told = criteria(Account((), (), at_printed), Witness("somebody", own, 1744.0), here.view)
    optimum = here.fit.criterion
    first = "" if at_printed is None else "at the printed covariances 1743.7000000000, "
    assert told == (
        f"criterion {first}at that fit 1744.0000000000, {1744.0 - optimum:+.1e} from the optimum {optimum:.10f}"
    )


def test_a_variance_is_taken_as_it_is_printed_and_else_of_its_standard_deviation() -> None:
    var, sd = key_of("var", "g", "x"), key_of("sd", "g", "x")
    assert covariance({var: 4.0, sd: 3.0}, "g", "x", "x") == 4.0
    assert covariance({sd: 3.0}, "g", "x", "x") == 9.0
    assert np.isnan(covariance({var: 4.0}, "g", "z", "z"))
    pair = {var: 4.0, key_of("sd", "g", "z"): 3.0}
    for cov in (key_of("cov", "g", "x", "z"), key_of("cov", "g", "z", "x")):
        assert covariance(pair | {cov: 5.0}, "g", "x", "z") == covariance(pair | {cov: 5.0}, "g", "z", "x") == 5.0
    assert covariance(pair | {key_of("corr", "g", "z", "x"): 0.5}, "g", "x", "z") == 3.0


def test_the_known_conventions_of_a_figure() -> None:
    """n / (n - p) either way of what is a variance, its root of what is a deviation, and single precision of all."""
    view = model().view
    own = estimates(view.fit)
    factor, eps = N / (N - P), 2.0**-23
    both = {f"the value times {N}/{N - P}": factor, f"the value times {N - P}/{N}": 1 / factor}
    roots = {f"the value times sqrt({N}/{N - P})": factor**0.5, f"the value times sqrt({N - P}/{N})": factor**-0.5}
    for key, expected in {
        "sigma": roots,
        key_of("se", "Days"): roots,
        "sigma2": both,
        key_of("var", "Subject", "Days"): both,
        key_of("cov", "Subject", "(Intercept)", "Days"): both,
        key_of("vcov", "Days", "Days"): both,
        key_of("V", "1", "2"): both,
        key_of("t", "Days"): {f"the value times sqrt({N - P}/{N})": factor**-0.5},
        key_of("beta", "Days"): {},
    }.items():
        value = figure(view.fit.design, own, key)
        found = list(conventional(view, key, own))
        single = [other for told, other in found if told == "single precision"]
        np.testing.assert_allclose(single, [value * (1 - eps), value * (1 + eps)], rtol=1e-15)
        others = {told: other for told, other in found if told != "single precision"}
        assert others == pytest.approx({told: value * times for told, times in expected.items()}, rel=1e-14)


@pytest.mark.parametrize(
    ("formula", "m"), [("Reaction ~ Days + (1 | Subject)", 1), ("Reaction ~ Days + (Days || Subject)", 2)]
)
def test_a_printed_figure_is_that_of_a_stop_of_2e_6_for_each_parameter(formula: str, m: int) -> None:
    here = model(formula, "sigma")
    own = estimates(here.fit)
    reach = float(here.view.sensitivity["sigma"][0])
    for part, verdict in ((0.9, Verdict.WITHIN), (1.1, Verdict.WRONG)):
        printed = f"{own.sigma + reach * np.sqrt(2 * part * m * tolerances.STOP):.13f}"
        assert of_others(here.case, here.view, "sigma", printed, own).verdict is verdict


def test_lme4s_value_stands_beside_a_figure_where_it_has_one() -> None:
    here = model(key="sigma")
    theta = here.fit.optimum.theta.tolist()
    said = here.answer("lme4", theta)
    assert said.estimates is not None
    for answers, value in (
        ({"lme4": said}, said.estimates.sigma),
        ({}, None),
        ({"lme4": replace(said, estimates=replace(said.estimates, theta=(1.0,)))}, None),
    ):
        (found,) = figures_elsewhere(here.case, answers, here.view)
        assert (found.lme4, found.relmer) == (value, pytest.approx(here.fit.sigma, rel=1e-12))


def listed(**figures: str) -> dict[str, Comparison]:
    at = court("drawn/weights")
    said = replace(at.honest, data=None, model=None, criterion=(), estimates=None, inference=None, figures=figures)
    return {c.quantity: c for c in at.judge(said)}


@pytest.mark.parametrize(("part", "verdict"), [(0.5, Verdict.AGREE), (50.0, Verdict.EARLY)])
def test_a_printed_criterion_has_the_rounding_of_its_size(part: float, verdict: Verdict) -> None:
    at = court("drawn/weights")
    off = part * tolerances.CRITERION * at.made.view.size
    found = listed(criterion=repr(at.fit.criterion + off))["criterion"]
    assert found.verdict is verdict, found


def test_a_figure_that_a_stop_could_give_says_how_far_that_would_be() -> None:
    at = court("drawn/weights")
    key = key_of("beta", "x")
    beta = estimates(at.fit).beta[at.design.coefficients.index("x")]
    found = listed(**{key: f"{beta * 1.2:.6g}"})[key]
    assert found.verdict is Verdict.WRONG
    assert "; it would have to stop " in found.evidence
