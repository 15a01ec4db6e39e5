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
from relmer.reports.judge.each_other import harmless, judge_each_other, matrices_alike
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
    assert [quantity for rung, quantity in found if rung == 4] == ["criterion"]
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
        own, lower = (criterion(model.fit.design, solve_at(model.fit.prepared, t), True) for t in (stopped, theta))
        assert found[4, "its own criterion"].digits == pytest.approx(-np.log10((own - lower) / lower), abs=0.01)
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


def test_a_matrix_is_told_by_its_bits_or_else_by_its_sums() -> None:
    one = Fingerprint(shape=(180, 2), sha256="0" * 64, total=810.0, weighted=5e4)
    for other, verdict, words in (
        (one, Verdict.AGREE, "the same bits"),
        (replace(one, sha256="1" * 64), Verdict.AGREE, "sums agree to 16.0 digits"),
        (replace(one, sha256="1" * 64, total=810.0 * (1 + 1e-13)), Verdict.AGREE, "sums agree to 13.0 digits"),
        (replace(one, sha256="1" * 64, weighted=5e4 * (1 + 1e-6)), Verdict.UNSUPPORTED, "sums agree to 6.0 digits"),
        (replace(one, shape=(180, 3)), Verdict.UNSUPPORTED, "180, 2 against 180, 3"),
    ):
        found = matrices_alike("X", one, other)
        assert (found.verdict, found.told) == (verdict, words)


PART = 1e-3**0.5
MOVES_NOTHING = {
    "criterion": lambda v, n, sigma, se: 1e-3 + 0 * v,
    "AIC": lambda v, n, sigma, se: 1e-3 + 0 * v,
    "BIC": lambda v, n, sigma, se: 1e-3 + 0 * v,
    "logLik": lambda v, n, sigma, se: 1e-3 / 2 + 0 * v,
    "criterion at theta 1": lambda v, n, sigma, se: 0 * v,
    "t": lambda v, n, sigma, se: PART + 0 * v,
    "beta": lambda v, n, sigma, se: PART * se,
    "Wald interval": lambda v, n, sigma, se: PART * np.array([*se, *se]),
    "b": lambda v, n, sigma, se: PART * sigma / n**0.5 + 0 * v,
    "fitted": lambda v, n, sigma, se: PART * sigma / n**0.5 + 0 * v,
    "conditional SD": lambda v, n, sigma, se: PART * sigma / n**0.5 + 0 * v,
    "prediction": lambda v, n, sigma, se: PART * sigma / n**0.5 + 0 * v,
    "sigma": lambda v, n, sigma, se: PART / (2 * n) ** 0.5 * abs(v),
    "se": lambda v, n, sigma, se: PART / (2 * n) ** 0.5 * abs(v),
    "theta": lambda v, n, sigma, se: PART * (2 / n) ** 0.5 * abs(v),
}


@pytest.mark.parametrize("quantity", MOVES_NOTHING)
def test_what_moves_no_conclusion_is_a_part_of_a_standard_error(quantity: str) -> None:
    """By hand, of the sentences of the docstring: sqrt(1e-3) of a standard error is 3 % of it."""
    model = here()
    said = at(model, model.fit.optimum.theta, "one")
    assert said.estimates is not None
    value = np.array([-3.0, 2.0, 1.0, 4.0]) if quantity == "Wald interval" else np.array([-3.0, 2.0])
    expected = MOVES_NOTHING[quantity](value, 180, said.estimates.sigma, np.array(said.estimates.se))
    np.testing.assert_allclose(harmless(quantity, value, said), expected, rtol=1e-12)
    if quantity in ("b", "fitted", "conditional SD", "beta", "Wald interval"):
        # Without estimates, and so without rows: relative, as of one row.
        np.testing.assert_allclose(
            harmless(quantity, value, replace(said, estimates=None)), PART * 2**0.5 * abs(value), rtol=1e-12
        )


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
