"""What engines say reaches the report: every warning, and the values, to the bit."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets import case, cases
from relmer.reference.answers import recorded
from relmer.reports.one_case import SAID, said_by
from relmer.reports.run import compare

ENGINES = ("lme4", "lme4-bobyqa", "lme4-tight")
ANSWERS = [found for one in cases("*") for name in ENGINES if (found := recorded.read(name, one)) is not None]


def test_every_warning_of_every_recording_is_said() -> None:
    warned = [answer for answer in ANSWERS if answer.warnings]
    assert warned
    assert all(said_by(answer).warnings == answer.warnings for answer in ANSWERS)


def test_a_warning_is_in_the_report_of_a_run_whoever_is_judged() -> None:
    """lme4's tight fit is heard as a witness where only its default fit is judged."""
    chosen = next(one for one in cases("dyestuff2/*") if recorded.read("lme4-tight", one).warnings)
    report = compare(chosen.name, ["qr"])
    told = {said.engine: said.warnings for said in report.answers}
    assert told["lme4-tight"]
    assert {c.engine for c in report.comparisons} == {"qr"}


@given(st.lists(st.floats(), min_size=3, max_size=3), st.floats())
def test_values_are_said_to_the_bit_and_what_is_not_finite_as_none(theta: list[float], sigma: float) -> None:
    found = recorded.read("lme4", case("sleepstudy/slopes-reml"))
    assert found is not None and found.estimates is not None
    changed = replace(found, estimates=replace(found.estimates, theta=tuple(theta), sigma=sigma))
    said = said_by(changed)
    assert tuple(said.values) == SAID
    assert said.values["theta"] == tuple(value if math.isfinite(value) else None for value in theta)
    assert said.values["sigma"] == (sigma if math.isfinite(sigma) else None,)
    assert said.values["beta"] == found.estimates.beta


@pytest.mark.parametrize("name", ["failed", "unsupported"])
def test_without_a_fit_there_are_no_values(name: str) -> None:
    found = ANSWERS[0]
    said = said_by(replace(found, status=name, message="it left", estimates=None))
    assert (said.status, said.message, dict(said.values)) == (name, "it left", {})
