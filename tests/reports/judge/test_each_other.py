"""Where this project refuses a model, engines are held against each other, and nobody is accused without proof."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from generated import Generated, generated

from relmer.datasets import load
from relmer.reference.answers import Answer, CriterionValue, Fingerprint, Status
from relmer.reference.engines.kin import kin_of
from relmer.reference.engines.protocol import installed
from relmer.reference.own_inference import inference_of
from relmer.reports.given import House
from relmer.reports.judge.each_other import judge_each_other
from relmer.reports.records import RUNGS, Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.fits.given import at_theta
from relmer.solver.paths import criterion, solve_at

REFUSAL = "relmer refuses the model: for a reason"


def here() -> Generated:
    return generated("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)


def at(model: Generated, theta: np.ndarray, name: str, *others: np.ndarray) -> Answer:
    """The answer of a right program that stops at theta, asked for its criterion at the stops of others too."""
    said = model.answer(name, theta.tolist())
    asked = (
        CriterionValue(tuple(t.tolist()), criterion(model.fit.design, solve_at(model.fit.prepared, t), model.fit.REML))
        for t in others
    )
    concluded = inference_of(at_theta(model.fit, theta), ("satterthwaite",))
    return replace(said, criterion=(*said.criterion, *asked), inference=concluded)


def judged(
    model: Generated, answers: Mapping[str, Answer], name: str, unbounded: bool = False
) -> dict[tuple[int, str], Comparison]:
    kin = kin_of([*installed(), *map(House, ("one", "two", "three"))])
    answers = {**answers, "pls": unsupported()}
    return {(c.rung, c.quantity): c for c in judge_each_other(model.case, answers, [name], REFUSAL, kin, unbounded)}


def unsupported() -> Answer:
    return Answer(case="generated/one", engine="pls", version="0", status=Status.UNSUPPORTED, message="refused")


def test_what_two_houses_say_alike_agrees_on_every_rung() -> None:
    model = here()
    theta = model.fit.optimum.theta
    answers = {name: at(model, theta, name) for name in ("one", "two")}
    found = judged(model, answers, "one")
    assert {rung for rung, _ in found} == {*RUNGS}
    assert {c.verdict for c in found.values()} == {Verdict.AGREE}
    assert {(c.kind, c.reference) for c in found.values()} == {("live", "two 0")}


@pytest.mark.parametrize(
    ("step", "verdict", "diagnosis"),
    [(0.3, Verdict.WRONG, Diagnosis.UNKNOWN), (1e-3, Verdict.EARLY, Diagnosis.STOP), (0.0, Verdict.AGREE, "")],
)
def test_who_stops_above_what_its_own_criterion_shows_elsewhere_is_told_so(
    step: float, verdict: Verdict, diagnosis: str
) -> None:
    model = here()
    theta = model.fit.optimum.theta
    stopped = theta + step * np.array([1.0, 0.0, 0.0])
    answers = {"one": at(model, stopped, "one", theta), "two": at(model, theta, "two", stopped)}
    found = judged(model, answers, "one")
    if step:
        assert (found[4, "its own criterion"].verdict, found[4, "its own criterion"].diagnosis) == (verdict, diagnosis)
        assert "where two did" in found[4, "its own criterion"].evidence
    assert (4, "its own criterion") not in judged(model, answers, "one", unbounded=True), "there is no optimum"
    right = judged(model, answers, "two")
    assert not [c for c in right.values() if c.verdict in (Verdict.WRONG, Verdict.EARLY, Verdict.FAILED)]


def test_what_differs_is_not_judged_and_told_with_the_refusal() -> None:
    model = here()
    theta = model.fit.optimum.theta
    one, two = at(model, theta, "one"), at(model, theta, "two")
    assert two.estimates is not None and two.model is not None and two.data is not None
    assert two.inference is not None
    tests = {name: replace(one, df=tuple(2 * df for df in one.df)) for name, one in two.inference.tests.items()}
    other = Fingerprint(shape=(180, 2), sha256="0" * 64, total=1.0, weighted=1.0)
    doubled = tuple(2 * value for value in two.estimates.beta)
    two = replace(
        two,
        data=replace(two.data, rows=179),
        model=replace(two.model, X=other),
        estimates=replace(two.estimates, beta=doubled, b=two.estimates.b[:-1]),
        inference=replace(two.inference, df=5, BIC=two.inference.BIC + 1.0, tests=tests),
    )
    for name in ("one", "two"):
        found = judged(model, {"one": one, "two": two}, name)
        unlike = {key for key, c in found.items() if c.verdict is Verdict.UNSUPPORTED}
        concluded = {(6, "df"), (6, "BIC"), (6, "df (satterthwaite)")}
        assert unlike == {(1, "rows"), (2, "X"), (5, "beta"), (5, "b")} | concluded
        assert all(REFUSAL in found[key].evidence for key in unlike)
        assert {c.verdict for key, c in found.items() if key not in unlike} == {Verdict.AGREE}


def test_a_third_who_differs_is_seen_beside_the_two_who_agree() -> None:
    model = here()
    theta = model.fit.optimum.theta
    answers = {name: at(model, theta, name) for name in ("one", "two", "three")}
    assert answers["three"].estimates is not None
    answers["three"] = replace(answers["three"], estimates=replace(answers["three"].estimates, sigma=26.0))
    found = judged(model, answers, "one")[5, "sigma"]
    assert found.verdict is Verdict.UNSUPPORTED
    assert found.evidence.count("three 0: ") == found.evidence.count("two 0: 16.0 digits") == 1


def test_alone_nothing_can_be_said_but_of_its_own_criterion() -> None:
    model = here()
    theta = model.fit.optimum.theta
    found = judged(model, {"one": at(model, theta, "one")}, "one")
    assert {(c.verdict, c.evidence) for c in found.values()} == {(Verdict.UNSUPPORTED, REFUSAL)}
    house = {"lme4": at(model, theta + 0.2, "lme4", theta), "lme4-tight": at(model, theta, "lme4-tight")}
    found = judged(model, house, "lme4")
    assert found[4, "its own criterion"].verdict is Verdict.WRONG
    assert REFUSAL in found[4, "its own criterion"].evidence
    assert {c.verdict for key, c in found.items() if key[0] != 4} == {Verdict.NOT_GIVEN}
    house["lme4-tight"] = at(model, theta, "lme4-tight", theta + 0.2)
    assert {c.verdict for c in judged(model, house, "lme4-tight").values()} == {Verdict.NOT_GIVEN}


def test_own_paths_and_who_has_no_fit_say_why() -> None:
    model = here()
    theta = model.fit.optimum.theta
    failed = replace(unsupported(), engine="two", status=Status.FAILED, message="it left")
    answers = {"one": at(model, theta, "one"), "two": failed}
    assert {c.evidence for c in judged(model, answers, "pls").values()} == {"refused"}
    assert {(c.verdict, c.evidence) for c in judged(model, answers, "two").values()} == {(Verdict.FAILED, "it left")}
