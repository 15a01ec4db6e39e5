"""Profile intervals of another program: right, lost by splines, of another level, in other units, or wrong."""

from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from generated import OWN, Generated, generated

from relmer.datasets import load
from relmer.reference.answers import Intervals
from relmer.reference.own_inference import inference_of, profiled
from relmer.reports.evidence import tolerances
from relmer.reports.judge import profiles
from relmer.reports.judge.profiles import PROFILE, OfProfile
from relmer.reports.records import Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits.given import at_theta

# confint(fm1) of lme4's own documentation: .sig01, .sig02, .sig03, .sigma, (Intercept), Days.
LME4 = (
    (14.3815048, -0.4815007, 3.8011641, 22.8982669, 237.6806955, 7.3586533),
    (37.7159953, 0.6849863, 8.7533666, 28.8579965, 265.1295147, 13.5759187),
)


@lru_cache
def model() -> Generated:
    return generated("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)


@lru_cache
def right(level: float) -> np.ndarray:
    ends = profiled(model().fit, level)
    return np.array([ends.lower, ends.upper])


def judged(ends: np.ndarray, level: float = 0.95) -> Comparison:
    here = model()
    theta = tuple(here.fit.optimum.theta.tolist())
    answers = {name: here.answer(name, theta) for name in (*OWN, "lme4")}
    said = inference_of(at_theta(here.fit, np.array(theta)), ())
    told = Intervals(level=level, lower=tuple(ends[0].tolist()), upper=tuple(ends[1].tolist()))
    answers["lme4"] = replace(answers["lme4"], inference=replace(said, intervals={"profile": told}))
    (found,) = (c for c in here.judged(answers, "lme4") if c.quantity == PROFILE)
    return found


def test_what_lme4_prints_is_within_and_the_definitions_agrees() -> None:
    assert judged(right(0.95)).verdict is Verdict.AGREE
    found = judged(np.array(LME4))
    assert found.verdict in (Verdict.AGREE, Verdict.WITHIN)
    assert found.diagnosis in (Diagnosis.NONE, Diagnosis.ROUNDING)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.99])
def test_another_level_is_named(level: float) -> None:
    found = judged(right(level))
    assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION)
    assert f"of level {level:g}, not 0.95" in found.evidence
    assert judged(right(level), level).verdict is Verdict.AGREE


def test_ends_in_other_units_or_order_are_named() -> None:
    ends = right(0.95)
    deviations = np.array([True, False, True, True, False, False])
    for said, words in (
        (np.where(deviations, ends**2, ends), "variances in the place of standard deviations"),
        (ends[::-1], "the upper ends first"),
    ):
        found = judged(said)
        assert (found.verdict, found.diagnosis) == (Verdict.WRONG, Diagnosis.CONVENTION), found
        assert words in found.evidence


@pytest.mark.parametrize("place", [1, 2, 4])
@pytest.mark.parametrize("side", [0, 1])
def test_an_end_that_is_off_is_rounding_where_splines_lose_as_much_and_else_wrong(side: int, place: int) -> None:
    """By the sentence of the definition: 3 % of a standard error, which is half of the width over z, is harmless."""
    ends = right(0.95)
    width = ends[1] - ends[0]
    for part, verdicts in (
        (1e-11, {Verdict.AGREE}),
        (1e-5, {Verdict.WITHIN}),
        (0.1, {Verdict.WRONG}),
    ):
        said = ends.copy()
        said[side, place] += part * width[place]
        found = judged(said)
        assert found.verdict in verdicts, found
        assert found.diagnosis is (Diagnosis.UNKNOWN if part == 0.1 else found.diagnosis)
        if found.verdict is Verdict.WITHIN:
            assert found.diagnosis is Diagnosis.ROUNDING
            assert "by splines, and searches by values, may lose" in found.evidence


def asked() -> OfProfile:
    here = model()
    at: Any = SimpleNamespace(view=here.view)
    hearing: Any = SimpleNamespace(view=here.view)
    about = Intervals(level=0.95, lower=(), upper=())
    return OfProfile(hearing, at, {}, PROFILE, "", False, about)


def test_what_is_harmless_is_a_part_of_the_half_width_over_z() -> None:
    ends = right(0.95)
    width = np.tile(ends[1] - ends[0], 2)
    expected = tolerances.EARLY**0.5 * width / (2 * 1.959963984540054)
    np.testing.assert_allclose(asked().bounds(ends.ravel(), "harmless"), expected, rtol=1e-10)


@pytest.mark.parametrize("who", ["products", "rounding_at"])
def test_what_rounding_moves_the_criterion_by_moves_the_ends(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the stop of a search, which is 1e-3, counts in its place; the ends move by it over the slope."""
    ends, question = right(0.95).ravel(), asked()
    before = question.bounds(ends, "rounding")
    monkeypatch.setattr(profiles, who, lambda *_: 1.0)
    here = question.here
    moved = here.moved(1.0) - here.moved(tolerances.EARLY)
    np.testing.assert_allclose(question.bounds(ends, "rounding") - before, moved, rtol=1e-9)


def test_a_convention_differs_from_what_is_right_and_is_met_to_the_bound_at_its_size() -> None:
    right, bound = np.array([2.0, 5.0]), np.array([1e-3, 1e-3])
    for other, said, told in (
        (right * [1.0, 2.0], right * [1.0, 2.0] + [2.9e-3, 10.9e-3], "so"),
        (right * [1.0, 2.0], right * [1.0, 2.0] + [3.1e-3, 0.0], ""),
        (right + 9e-3, right + 11e-3, ""),
        (right + 11e-3, right + 12e-3, "so"),
    ):
        stub: Any = SimpleNamespace(
            bounds=lambda right, of: bound,
            conventions=lambda said, right, other=other: [("so", other)],
            here=SimpleNamespace(zeta=lambda said: said, inside=np.zeros(2, dtype=bool)),
        )
        assert OfProfile.convention(stub, said, right) == told
