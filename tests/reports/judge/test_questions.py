"""What is asked of vectors of rung 6, by hand: bounds of degrees of freedom, of F and of p, and when one is another."""

from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from generated import OWN, Generated, generated
from scipy import stats

from relmer.datasets import load
from relmer.reference import answers
from relmer.reference.answers import FTests, Inference
from relmer.reference.own_inference import inference_of
from relmer.reports.evidence import tolerances
from relmer.reports.judge.questions import SAME, Question, insensible, meets
from relmer.reports.judge.terms import OfTerm, insensible_F, whitened_columns
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits.given import at_theta

DF = np.array([2.5, 17.0, 178.0])
TESTED = answers.Tested(se=(1.0, 1.0, 1.0), df=tuple(DF.tolist()), t=(1.0, 1.0, 1.0), p=(0.5, 0.5, 0.5))


def asked(name: str, method: str, own: bool) -> Question:
    at: Any = SimpleNamespace(by=lambda method: TESTED, differences=1e-6)
    return Question(hearing=None, at=at, values={}, name=name, method=method, own=own)  # type: ignore[arg-type]


def test_degrees_of_freedom_are_told_to_an_evaluation_and_what_a_method_costs() -> None:
    """Differences cost a share of df itself; Kenward and Roger divide what is solved for by 1 - 2 / df."""
    solved = tolerances.CRITERION / np.abs(1 - 2 / DF)
    for method, own, lost in (
        ("satterthwaite", True, 0 * DF),
        ("satterthwaite", False, 1e-6 * DF),
        ("kenward-roger", True, 0 * DF),
        ("kenward-roger", False, solved),
        ("residual", False, 0 * DF),
    ):
        np.testing.assert_allclose(asked("df", method, own).relative(), tolerances.EVALUATION + lost, rtol=1e-12)


@pytest.mark.parametrize("df", [3.0, 17.0, 178.0, 1e4])
def test_degrees_of_freedom_may_move_as_far_as_p_is_the_same_to_3e_5(df: float) -> None:
    """To first order: at the t whose p is 0.05."""
    (moved,) = insensible(np.array([df]))
    t = stats.t.isf(0.025, df)
    if moved < df:
        slope = (2 * stats.t.sf(t, df * 1.001) - 2 * stats.t.sf(t, df * 0.999)) / (0.002 * df)
        assert moved * abs(slope) == pytest.approx(3e-5, rel=1e-2)
    else:
        assert abs(2 * stats.norm.sf(t) - 0.05) < 3e-5


@pytest.mark.parametrize(("q", "df"), [(1.0, 17.0), (3.0, 17.0), (2.0, 178.0)])
def test_the_same_of_an_F_test(q: float, df: float) -> None:
    (moved,) = insensible_F(np.array([q]), np.array([df]))
    at = stats.f.isf(0.05, q, df)
    slope = (stats.f.sf(at, q, df * 1.001) - stats.f.sf(at, q, df * 0.999)) / (0.002 * df)
    assert moved * abs(slope) == pytest.approx(3e-5, rel=1e-2)


def test_a_value_is_another_where_it_meets_that_and_that_is_not_the_right_one() -> None:
    right, bound = np.array([2.0, 3.0]), np.array([1e-5, 1e-5])
    other = np.array([2.0, 4.0])
    for said, value, met in (
        (other, other, True),
        (other * (1 + 0.5 * SAME), other, True),
        (other + 0.9e-5, other, False),
        (other * [1.0, 1.01], other, False),
        (right, right + 9e-5, False),
        (right + 9e-5, right + 9e-5, False),
        (right + 11e-5, right + 11e-5, True),
        (np.array([2.0, np.inf]), np.array([2.0, np.inf]), True),
        (np.array([2.0, 5.0]), np.array([2.0, np.inf]), False),
    ):
        assert meets(said, value, right, bound) is met, (said, value)


def test_lengths_of_whitened_columns_go_with_the_size_of_vcov() -> None:
    """Of one hypothesis l: |l_j| / sqrt(l'V l); of all coefficients the lengths of the columns of V^-1/2."""
    random = np.random.default_rng(3)
    half = random.normal(size=(3, 3))
    V, l = half @ half.T, np.array([[1.0, -2.0, 0.5]])
    for size in (1.0, 1e-24, 1e24):
        one = np.abs(l[0]) / np.sqrt(size * float(l[0] @ V @ l[0]))
        np.testing.assert_allclose(whitened_columns(l, size * V), one, rtol=1e-10)
        lengths = np.sqrt(np.linalg.inv(V).diagonal() / size)
        np.testing.assert_allclose(whitened_columns(np.eye(3), size * V), lengths, rtol=1e-8)
    twice = np.vstack([l, l])
    np.testing.assert_allclose(whitened_columns(twice, V), np.abs(l[0]) / np.sqrt(float(l[0] @ V @ l[0])), rtol=1e-8)
    np.testing.assert_array_equal(whitened_columns(l, 0 * V), 0.0)


F_TESTED = FTests(type="III", terms=("f",), NumDF=(2.0,), DenDF=(17.0,), F=(8.0,), p=(0.003,))


def of_term(name: str) -> OfTerm:
    at: Any = SimpleNamespace(F_by=lambda method, type: F_TESTED)
    values = {"beta": np.ones(1), "se": np.ones(1)}
    return OfTerm(None, at, values, name, "satterthwaite", True, F_TESTED)  # type: ignore[arg-type]


def test_what_is_harmless_of_an_F_test() -> None:
    """F = s^2 / q moves by 2 s ds / q, and 3 % of a standard error of s is harmless: s = 4, q = 2."""
    right = np.array([8.0])
    np.testing.assert_allclose(of_term("F").bounds(right, "harmless"), 4 * tolerances.EARLY**0.5, rtol=1e-12)
    df = np.array([17.0])
    np.testing.assert_allclose(of_term("DenDF").bounds(df, "harmless"), insensible_F(np.array([2.0]), df), rtol=1e-12)
    np.testing.assert_allclose(of_term("DenDF").bounds(df), tolerances.EVALUATION * 17.0, rtol=1e-12)
    np.testing.assert_array_equal(of_term("NumDF").bounds(np.array([2.0])), 0.0)


@lru_cache
def model(REML: bool) -> Generated:
    return generated("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, REML)


@lru_cache
def concluded(REML: bool) -> Inference:
    fit = model(REML).fit
    return inference_of(at_theta(fit, np.array(fit.optimum.theta)), ("satterthwaite", "kenward-roger"))


def judged(said: Inference, REML: bool = True) -> dict[str, Comparison]:
    here = model(REML)
    theta = tuple(here.fit.optimum.theta.tolist())
    heard = {name: here.answer(name, theta) for name in (*OWN, "lme4")}
    heard["lme4"] = replace(heard["lme4"], inference=said)
    return {c.quantity: c for c in here.judged(heard, "lme4") if c.rung == 6}


def named(found: Comparison, words: str) -> None:
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION), found
    assert words in found.evidence


@pytest.mark.parametrize("REML", [True, False])
@pytest.mark.parametrize(("name", "part"), [("AIC", 1.0), ("BIC", 1.0), ("logLik", -0.5)])
def test_what_is_made_of_another_criterion_is_named_by_that(name: str, part: float, REML: bool) -> None:
    """d log 2 pi left out, as of a criterion by itself."""
    said, d = concluded(REML), 178 if REML else 180
    other = getattr(said, name) - part * d * np.log(2 * np.pi)
    named(judged(replace(said, **{name: float(other)}), REML)[name], "without the constant d log(2 pi)")


def test_degrees_of_freedom_by_another_count_are_named_to_the_digits_that_are_told() -> None:
    said = concluded(True)
    tested, F = said.tests["satterthwaite"], said.F_tests["satterthwaite"]
    for df in (178.0, 178.0 + 0.3 * SAME * 17.0):
        found = judged(replace(said, tests={"satterthwaite": replace(tested, df=(df, df))}))
        named(found["df (satterthwaite)"], "n - p")
    found = judged(replace(said, F_tests={"satterthwaite": replace(F, DenDF=(180.0,))}))
    named(found["DenDF (type III, satterthwaite)"], "n in the place of Satterthwaite's")
    found = judged(replace(said, tests={"satterthwaite": replace(tested, df=(170.0, 171.0))}))
    assert found["df (satterthwaite)"].diagnosis is Diagnosis.UNKNOWN


def test_digits_are_told_of_what_is_wrong_too() -> None:
    said = concluded(True)
    assert said.AIC is not None
    found = judged(replace(said, AIC=said.AIC * (1 + 1e-6)))["AIC"]
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.UNKNOWN)
    assert found.digits == pytest.approx(6.0, abs=0.01)
