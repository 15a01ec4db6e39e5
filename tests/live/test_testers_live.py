"""lmerTest and pbkrtest live: what they conclude, and what the recordings hold of it."""

from dataclasses import replace
from typing import Any

import pytest

from relmer.datasets import case
from relmer.reference.answers import Status, recorded
from relmer.reference.engines import answer, engine
from relmer.reports.run import run, sources
from relmer.reports.verdicts import Verdict

pytestmark = pytest.mark.usefixtures("rscript_of_inference")
F_TESTS = ("NumDF", "DenDF", "F", "p of F")
TOLD = {"Wald interval", "population prediction", "conditional prediction"}
CASES = ["sleepstudy/slopes-reml", "machines/nested-reml", "pastes/reml", "cake/reml"]


@pytest.mark.parametrize("name", ["lmertest", "pbkrtest"])
def test_a_package_concludes_from_the_fit_that_is_lme4s(name: str) -> None:
    said, fit = answer(engine(name), case(CASES[0]), []), answer(engine("lme4"), case(CASES[0]), [])
    assert said.status is Status.FITTED, said.message
    assert said.estimates is None
    assert said.inference is not None and fit.estimates is not None
    assert said.inference.theta == fit.estimates.theta


def test_what_they_conclude_and_what_lme4_concludes_agrees() -> None:
    names = ["lmertest", "pbkrtest", "lme4", "pls"]
    report = run(list(map(case, CASES)), names, sources(names))
    found = [c for c in report.comparisons if c.rung == 6]
    assert {(c.case, c.engine) for c in found} == {(of, name) for of in CASES for name in names}
    assert {c.verdict for c in found} <= {Verdict.AGREE, Verdict.WITHIN}
    told = {f"{name} (type III, {method})" for name in F_TESTS for method in ("satterthwaite", "kenward-roger")}
    of_terms = {c.quantity for c in found if c.engine == "pls" and "type III" in c.quantity}
    assert of_terms == told
    assert {c.verdict for c in found if c.engine in ("lme4", "pls")} == {Verdict.AGREE}


@pytest.mark.parametrize(
    "given",
    [
        {"dataset": "sleepstudy", "formula": "Reaction ~ Days + offset(10 * Days) + (Days | Subject)"},
        {
            "dataset": "sleepstudy",
            "formula": "Reaction ~ Days + (1 | Subject)",
            "offset": "Days",
            "weights": "Days + 1",
        },
        {"dataset": "ScotsSec", "formula": "attain ~ verbal + (1 | primary)", "subset": "attain > 5", "reml": False},
        {"dataset": "star_sample", "formula": "read ~ cltype + (1 | sch)", "na_action": "na.exclude"},
    ],
)
def test_what_lme4_predicts_and_its_intervals_are_right_with_offset_and_subset(given: dict[str, Any]) -> None:
    asked = replace(case(CASES[0]), name="own/predicted", published={}, **given)
    report = run([asked], ["lme4", "pls"], sources(["lme4", "pls"]))
    found = {(c.engine, c.quantity): c for c in report.comparisons if c.quantity in TOLD}
    assert {*found} == {(name, told) for name in ("lme4", "pls") for told in TOLD}
    assert {c.verdict for c in found.values()} == {Verdict.AGREE}


def test_what_a_package_refuses_is_said_in_its_words() -> None:
    said = answer(engine("pbkrtest"), case("sleepstudy/slopes-ml"), [])
    assert said.status is Status.UNSUPPORTED
    assert said.message == "pbkrtest: Kenward-Roger's method is only available for REML model fits"
    frozen = recorded.read("pbkrtest", case("sleepstudy/slopes-ml"))
    assert frozen is not None
    assert replace(frozen, environment={}) == replace(
        said, environment={}, recorded=True, dataset_sha256=frozen.dataset_sha256
    )


@pytest.mark.parametrize("name", ["dyestuff/reml", "dyestuff2/ml", "sleepstudy/slopes-ml"])
def test_lme4s_profile_intervals_are_the_roots_within_its_splines(name: str) -> None:
    report = run([case(name)], ["lme4-profile", "pls"], sources(["lme4-profile", "pls"]))
    (found,) = [c for c in report.comparisons if c.quantity == "profile interval"]
    assert (found.engine, found.rung, found.verdict) == ("lme4-profile", 6, Verdict.WITHIN)
    assert "interpolates the profile by splines" in found.evidence
    assert found.digits is not None and found.digits > 3


def test_of_a_profile_that_falls_again_there_is_no_one_interval() -> None:
    """Two optima: zeta of sigma is 1.96 at 3.6, falls to 0.7 at 8, and is 1.96 again at 16.4."""
    report = run([case("two-optima/ml")], ["lme4-profile", "pls"], sources(["lme4-profile", "pls"]))
    (found,) = [c for c in report.comparisons if c.quantity == "profile interval"]
    assert found.verdict is Verdict.NOT_GIVEN
    assert ".sigma does not rise steadily" in found.evidence
