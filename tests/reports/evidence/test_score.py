"""The score: digits that others have counted, errors that were put in on purpose, and points that are no optimum."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import hand_made
import numpy as np
import pytest
from bounds import EPS, LOGARITHM, counted
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from relmer.datasets import case
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import Answer, Estimates
from relmer.reference.certificates.records import Certificate, from_json, in_order
from relmer.reference.certificates.store import certificate_of, certificates
from relmer.reports.evidence import evaluation, tolerances
from relmer.reports.evidence.digits import digits, exact_digits
from relmer.reports.evidence.evaluation import BALLS, DOUBLES, Evaluator, evaluator_of
from relmer.reports.evidence.landscape import criterion_at, landscape
from relmer.reports.evidence.score import relative_covariances, rounded_up, score
from relmer.reports.records import Optimality, Score

# What lme4 1.1-31's default fit reaches by REML, digits of theta, beta, sigma, criterion and SE: counted with another
# program before this one was written. Pastes and Machines are in tests/live/test_score_live.py.
COUNTED = {
    "dyestuff/reml": (8.7, 15.2, 9.5, 15.7, 8.9),
    "penicillin/reml": (4.5, 12.4, 6.1, 10.6, 4.6),
    "sleepstudy/slopes-reml": (5.0, 14.6, 6.1, 12.1, 5.2),
    "docs/bdf": (3.4, 5.0, 5.6, 10.7, 4.5),
    "docs/star-sample": (2.8, 4.0, 5.9, 10.6, 5.7),
}
SHOWN = ("theta", "beta", "sigma", "criterion", "se")
# Counted to one decimal by both, of a log of an error that may be one unit in the last place of a double.
COUNTING = 0.2
SLEEPSTUDY = "sleepstudy/slopes-reml"


def certificate(name: str) -> Certificate:
    found = certificate_of(case(name))
    assert found is not None
    return found


def said(name: str, engine: str = "lme4") -> Answer:
    answer = recorded.read(engine, case(name))
    assert answer is not None and answer.estimates is not None
    return answer


@lru_cache
def evaluator(name: str) -> Evaluator:
    return evaluator_of(certificate(name))


def scored(name: str, engine: str = "lme4", **changes: object) -> Score:
    answer = said(name, engine)
    return score(replace(answer, estimates=replace(answer.estimates, **changes)), certificate(name), evaluator(name))


def at(name: str, theta: tuple[float, ...]) -> Score:
    """The score of an engine that stops at theta and evaluates it rightly to a double."""
    found = evaluator(name).at(theta).values
    flat = {key: tuple(map(float, found[key])) for key in ("beta", "se", "varcomp")}
    p = len(flat["beta"])
    vcov = tuple(tuple(map(float, found["vcov"][i * p : (i + 1) * p])) for i in range(p))
    one = {key: float(found[key][0]) for key in ("sigma", "criterion")}
    return scored(name, theta=theta, vcov=vcov, **flat, **one)


@pytest.mark.parametrize("name", COUNTED)
def test_lme4_has_the_digits_that_others_counted(name: str) -> None:
    found = scored(name).digits
    assert [found[quantity] for quantity in SHOWN] == pytest.approx(COUNTED[name], abs=COUNTING)


# NIST's one-way layouts: digits of sigma^2 and sigma_b^2 of the same default fit against closed forms.
NIST = {"SiRstv": (7.1, 5.5), "SmLs01": (8.6, 7.2), "SmLs04": (6.9, 5.5), "SmLs07": (3.0, 1.5), "SmLs08": (0.9, 0.0)}


@pytest.mark.parametrize("name", NIST)
def test_lme4_has_the_digits_that_others_counted_on_nist(name: str) -> None:
    answer, found = said(f"nist/{name}-reml"), certificate(f"nist/{name}-reml")
    sigma2 = exact_digits("sigma", [answer.estimates.sigma**2], [found.double.values["sigma2"].exact])
    (proved,) = in_order(found, found.double.values)["varcomp"]
    between = exact_digits("varcomp", answer.estimates.varcomp, [proved.exact])
    assert (sigma2, between) == pytest.approx(NIST[name], abs=COUNTING)


@pytest.mark.parametrize("name", COUNTED)
def test_lme4_loses_them_in_its_optimiser_not_in_its_evaluation(name: str) -> None:
    """Its evaluation at its own theta is good to 14 digits of the criterion."""
    found = scored(name)
    assert found.evaluated == BALLS
    assert found.evaluation["criterion"] > 14
    assert found.evaluation["sigma"] > 13.5
    assert found.optimality in (Optimality.OPTIMUM, Optimality.EARLY)


def test_the_certificate_made_by_hand_gives_the_same_score_as_the_stored_one() -> None:
    """Values from the textbook's formula on one side, from the generator and the ball arithmetic on the other."""
    answer = said("dyestuff/reml")
    by_hand = score(answer, from_json(hand_made.text()))
    stored = score(answer, certificate("dyestuff/reml"))
    # Both are within 1e-26 of the truth: that is 3e-13 of the least error that counts, 1e-16 of a criterion of 320.
    assert by_hand.digits == pytest.approx(stored.digits, abs=3e-13)
    assert by_hand.distance == pytest.approx(stored.distance, rel=2 * EPS, abs=0)
    assert (by_hand.kind, stored.kind) == ("exact", "certified")


def test_the_two_errors_are_the_two_differences() -> None:
    """printed - f* = (f(theta) - f*) + (printed - f(theta)), exactly up to the rounding of the two."""
    found = scored(SLEEPSTUDY)
    best = certificate(SLEEPSTUDY).double.values["criterion"].exact
    printed = Fraction(said(SLEEPSTUDY).estimates.criterion)
    total = float(printed - best)
    rounding = 2 * EPS * (abs(found.optimiser_error) + abs(found.evaluation_error))
    assert found.optimiser_error + found.evaluation_error == pytest.approx(total, abs=rounding)
    assert found.optimiser_error > 0
    assert found.uncertainty < 1e-20


def test_an_error_of_the_evaluation_is_told_as_one() -> None:
    right = said(SLEEPSTUDY).estimates.criterion
    printed = right + 1e-6
    found, before = scored(SLEEPSTUDY, criterion=printed), scored(SLEEPSTUDY)
    assert found.optimiser_error == before.optimiser_error
    told = found.evaluation_error - before.evaluation_error
    assert told == pytest.approx(float(Fraction(printed) - Fraction(right)), abs=2 * EPS * 1e-6)
    assert found.optimality is Optimality.EARLY


def test_an_error_of_one_quantity_is_told_by_its_digits() -> None:
    beta = tuple(value * (1 + 1e-7) for value in said(SLEEPSTUDY).estimates.beta)
    found, before = scored(SLEEPSTUDY, beta=beta), scored(SLEEPSTUDY)
    # lme4's beta has 14 digits, of the optimum and at its theta: 1e-7 of the error that was put in.
    assert min(before.digits["beta"], before.evaluation["beta"]) > 14
    assert found.digits["beta"] == pytest.approx(7.0, abs=1e-7)
    assert found.evaluation["beta"] == pytest.approx(7.0, abs=1e-7)
    assert {**found.digits, "beta": 0} == {**before.digits, "beta": 0}


def test_the_distance_holds_the_optimum() -> None:
    """theta* lies within the proved distance, and not within 1 - 1e-12 of it: the bound is tight."""
    mine = [Fraction(value) for value in said(SLEEPSTUDY).estimates.theta]
    proved = in_order(certificate(SLEEPSTUDY), certificate(SLEEPSTUDY).double.values)["theta"]
    farthest = max(abs(m - p.exact) for m, p in zip(mine, proved, strict=True))
    found = scored(SLEEPSTUDY)
    assert farthest <= Fraction(found.distance) <= farthest * (1 + Fraction(1, 10**12))


def test_theta_at_the_optimum_has_a_distance_of_its_rounding() -> None:
    proved = in_order(certificate(SLEEPSTUDY), certificate(SLEEPSTUDY).double.values)["theta"]
    found = at(SLEEPSTUDY, tuple(float(value.exact) for value in proved))
    assert found.optimality is Optimality.OPTIMUM
    assert found.distance <= 2.0**-53 * (1 + 1e-9)
    assert abs(found.optimiser_error) < 1e-25
    assert min(found.digits.values()) > 14


def test_where_theta_is_not_unique_g_stands_for_it() -> None:
    plain = hand_made.dyestuff()
    for reading in plain["readings"].values():
        reading["values"] = {key: value for key, value in reading["values"].items() if not key.startswith("theta")}
    found = score(said("dyestuff/reml"), from_json(json.dumps(plain)))
    assert "theta" not in found.digits and found.distance is None
    (theta,), G = said("dyestuff/reml").estimates.theta, Fraction(176405, 245125)
    error = abs(Fraction(theta) ** 2 - G)
    assert found.digits["G"] == pytest.approx(-math.log10(error / G), abs=LOGARITHM)
    assert found.distance_G == pytest.approx(float(error), rel=2 * EPS, abs=0)


# ---- what a theta is ----


def test_lme4_with_nlminb_stops_at_a_false_minimum_and_its_dual_says_so() -> None:
    """lme4 1.1-31 with nlminbwrap stops here on the star sample, and reports convergence and this criterion."""
    theta = (0.0, -0.27145377668791859, 0.1130223480957767, 0.49057986471095372, -0.028189359936813378, 0.0)
    found = at("docs/star-sample", theta)
    assert found.optimality is Optimality.FALSE
    above = float(11018.379801491268 - certificate("docs/star-sample").double.values["criterion"].exact)
    rounding = tolerances.CRITERION * evaluator("docs/star-sample").view.size
    assert found.optimiser_error == pytest.approx(above, abs=rounding)
    assert "the dual of tch:sch has the eigenvalue -413" in found.reason


def test_a_stationary_point_of_a_rank_face_is_a_false_minimum() -> None:
    """bdf has one of rank 1 at 13550.137, which must be refused: there the chart's gradient is zero."""
    view = evaluator("docs/bdf").view

    def on_face(t: np.ndarray) -> tuple[float, np.ndarray]:
        theta = np.array([*t, 0.0])
        return criterion_at(view, tuple(theta)), view.derivatives(theta).gradient[:2]

    face = optimize.minimize(on_face, np.array([0.5, 0.0]), jac=True, method="BFGS")
    assert face.fun == pytest.approx(13550.137, abs=5e-4)
    found = at("docs/bdf", (*face.x.tolist(), 0.0))
    assert found.optimality is Optimality.FALSE
    assert "the dual of schoolNR has the eigenvalue -" in found.reason


def test_the_worse_of_two_optima_is_another_local_optimum() -> None:
    """A bounded search finds the other minimum, which the certificate's search met on its way.

    It told six decimals. Here theta is found to 1e-8: with a curvature of 749 that moves the criterion by 4e-14.
    """
    (met,) = [e for e in certificate("two-optima/reml").double.starts.elsewhere if e.dual is None]
    view = evaluator("two-optima/reml").view
    near = optimize.minimize_scalar(
        lambda theta: criterion_at(view, (theta,)), bounds=(0.0, 0.3), method="bounded", options={"xatol": 1e-8}
    )
    assert near.fun == pytest.approx(float(met.criterion), abs=5e-7)
    found = at("two-optima/reml", (float(near.x),))
    assert found.optimality is Optimality.ANOTHER
    best = certificate("two-optima/reml").double.values["criterion"].exact
    assert found.optimiser_error == pytest.approx(float(met.criterion) - float(best), abs=5e-7)


@pytest.mark.parametrize(
    ("theta", "expected"),
    [
        ((0.0, 0.0, 0.0), Optimality.FALSE),
        ((3.0, 0.0, 0.05), Optimality.NOWHERE),
        ((0.9669, 0.0152, 0.2309), Optimality.EARLY),
    ],
)
def test_far_and_near(theta: tuple[float, ...], expected: str) -> None:
    assert at(SLEEPSTUDY, theta).optimality == expected


def test_theta_zero_is_a_stationary_point_of_the_chart_and_no_minimum() -> None:
    """Dyestuff at theta = 0: the chart's derivative is zero for any model, the dual is not.

    The criterion there is that of a mean, with a sum of squares of 5 x 11271.5 + 24 x 2451.25.
    """
    found = at("dyestuff/reml", (0.0,))
    assert found.optimality is Optimality.FALSE
    at_zero = 29 * (1 + math.log(2 * math.pi * 115187.5 / 29)) + math.log(30)
    rounding = tolerances.GAP * at_zero + 5e-11
    assert found.optimiser_error == pytest.approx(at_zero - 319.6542768423, abs=rounding)


def test_theta_zero_is_the_optimum_of_dyestuff2() -> None:
    found = at("dyestuff2/reml", (0.0,))
    assert (found.optimality, found.distance) == (Optimality.OPTIMUM, 0.0)


def test_a_criterion_below_the_certified_one_is_not_an_optimum_that_agrees() -> None:
    """A certificate of a worse optimum: an engine that finds the better one is not called right without a word."""
    plain = hand_made.dyestuff()
    for reading in plain["readings"].values():
        reading["values"]["criterion"] = {"value": "320.5", "radius": "1e-26"}
    found = score(said("dyestuff/reml"), from_json(json.dumps(plain)))
    assert found.optimality is Optimality.ANOTHER
    assert "below the certified optimum" in found.reason


def test_the_decrement_of_an_early_stop_is_its_gap() -> None:
    found = scored(SLEEPSTUDY)
    gap, decrement = (float(word.rstrip(";")) for word in found.reason.split() if "e-" in word)
    assert found.optimality is Optimality.EARLY
    assert decrement == pytest.approx(gap, rel=0.1, abs=0)  # both are told to two digits: 5% of 1.0 each


# ---- what is refused, what is done without python-flint, how it is counted ----


REFUSED = {
    "theta": ({"theta": (1.0,)}, "theta has 1 values, the certified model has 3"),
    "beta": ({"beta": (1.0,)}, "beta has 1 values"),
    "vcov": ({"vcov": ((1.0,),)}, "vcov is not 2 × 2"),
    "not finite": ({"sigma": float("inf")}, "not a number below 1e.150"),
    "too large": ({"theta": (1e300, 0.0, 0.0)}, "not a number below 1e.150"),
    "too large beside covariates": ({"theta": (1e101, 0.0, 0.0)}, "theta is not a number below"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_estimates_of_another_form_are_refused(name: str) -> None:
    changes, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        scored(SLEEPSTUDY, **changes)


def test_an_answer_to_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no estimates of the model of dyestuff\.reml"):
        score(said("dyestuff2/reml"), certificate("dyestuff/reml"))
    with pytest.raises(ValueError, match="no estimates"):
        score(replace(said("dyestuff/reml"), estimates=None), certificate("dyestuff/reml"))


def test_without_python_flint_the_score_says_that_it_is_computed_in_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "find_spec", lambda name: None)
    found, proved = score(said(SLEEPSTUDY), certificate(SLEEPSTUDY)), scored(SLEEPSTUDY)
    assert (found.evaluated, proved.evaluated) == (DOUBLES, BALLS)
    assert found.digits == proved.digits and found.distance == proved.distance
    assert abs(found.optimiser_error - proved.optimiser_error) <= found.uncertainty
    assert abs(found.evaluation_error - proved.evaluation_error) <= found.uncertainty


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_balls_and_doubles_agree_at_any_theta(name: str) -> None:
    """The verifier's evaluation and the definition's share no code; they differ by the rounding of the latter."""
    view = landscape(case(name))
    theta = tuple((0.5 + 0.1 * np.arange(len(view.fit.theta))).tolist())
    by_balls = evaluator(name).at(theta)
    in_doubles = Evaluator(certificate(name), view, None).at(theta)
    assert abs(by_balls.criterion - in_doubles.criterion) <= in_doubles.uncertainty
    for quantity, values in by_balls.values.items():
        assert exact_digits(quantity, [float(v) for v in in_doubles.values[quantity]], values) > 9


doubles = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False).filter(lambda x: abs(x) > 1e-6)


@given(st.lists(doubles, min_size=1, max_size=5), st.integers(1, 12))
def test_exact_digits_are_those_of_doubles_where_doubles_can_tell(values: list[float], lost: int) -> None:
    wrong = [value * (1 + 10.0**-lost) for value in values]
    found = exact_digits("beta", wrong, list(map(Fraction, values)))
    assert found == pytest.approx(lost, abs=counted(lost))
    assert found == pytest.approx(digits("beta", np.array(wrong), np.array(values)), abs=counted(lost))


def test_exact_digits_see_below_the_rounding_of_a_double() -> None:
    """1/3 as a double is 1.85e-17 too small, 16.26 digits, counted as 16; 1e-16 more makes 3.555e-16 of 1/3."""
    assert exact_digits("sigma", [1 / 3], [Fraction(1, 3)]) == 16.0
    more = Fraction(1, 3) + Fraction(1, 10**16)
    expected = -math.log10(1 - Fraction(1 / 3) / more)
    assert exact_digits("sigma", [1 / 3], [more]) == pytest.approx(expected, abs=LOGARITHM)
    assert exact_digits("beta", [1.0], [Fraction(-1)]) == 0.0 == exact_digits("beta", [float("nan")], [Fraction(1)])
    assert str(exact_digits("beta", [2.0], [Fraction(1)])) == "0.0"


# Products of doubles below 1e-154 are no longer rounded relative to themselves.
@given(st.lists(st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-150), min_size=6, max_size=6))
def test_relative_covariances_are_t_times_its_transpose(theta: list[float]) -> None:
    a, b, c, d, e, f = theta
    T = np.array([[a, 0, 0], [b, d, 0], [c, e, f]])
    G = T @ T.T
    found = [float(value) for value in relative_covariances(theta, [3])]
    # Of doubles, G is a sum of three products, each rounded.
    rounding = 3 * EPS * np.abs(T).max() ** 2
    assert found == pytest.approx([G[i, j] for j in range(3) for i in range(j, 3)], abs=2 * rounding)


@given(st.fractions(max_denominator=10**6))
def test_a_bound_is_never_rounded_down(value: Fraction) -> None:
    assert Fraction(rounded_up(value)) >= value


def test_the_words_are_those_that_the_report_knows() -> None:
    assert len(set(Optimality)) == 5
    assert all(isinstance(scored(c.case).optimality, Optimality) for c in certificates()[:2])


def test_estimates_have_every_quantity_of_the_score() -> None:
    names = set(in_order(certificate(SLEEPSTUDY), certificate(SLEEPSTUDY).double.values)) - {"G"}
    assert names <= set(Estimates.__dataclass_fields__)
