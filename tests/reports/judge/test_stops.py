"""What all engines are held against: the proved optimum, or the lowest criterion that the definition confirms."""

from types import SimpleNamespace

import numpy as np
import pytest

from relmer.reports.evidence import tolerances
from relmer.reports.judge import stops
from relmer.reports.judge.stops import Stops, evaluated, noise_of, stops_of
from relmer.solver.errors import ModelError

SIZE = 1e3
NOISE = tolerances.GAP * SIZE
OURS, LOWEST, HIGHER, NOWHERE = (0.0,), (1.0,), (2.0,), (3.0,)
# Criterion and what balls leave open, by theta.
VALUES = {OURS: 100.0, LOWEST: 99.0, HIGHER: 101.0}


def found(value: float, uncertainty: float = 0.0, proved: bool = True) -> SimpleNamespace:
    return SimpleNamespace(criterion=value, uncertainty=uncertainty, proved=proved)


def said(theta: tuple[float, ...] | None, recorded: bool = False) -> SimpleNamespace:
    return SimpleNamespace(estimates=None if theta is None else SimpleNamespace(theta=theta), recorded=recorded)


VIEW = SimpleNamespace(
    size=SIZE, takes=lambda theta: len(theta) == 1, fit=SimpleNamespace(optimum=SimpleNamespace(theta=np.array(OURS)))
)


def certificate(exact: float, error: float = 0.0) -> SimpleNamespace:
    values = {"criterion": SimpleNamespace(exact=exact, error=error)}
    return SimpleNamespace(name="proof", double=SimpleNamespace(values=values))


def stopped(
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[str, SimpleNamespace],
    proof: SimpleNamespace | None = None,
    values: dict[tuple[float, ...], float] = VALUES,
    mismatched: tuple[float, ...] | None = None,
    proved: bool = True,
    unsure: tuple[tuple[float, ...], ...] = (),
) -> Stops:
    """The stops, where an answer is scored by its theta."""

    def at(theta: object) -> SimpleNamespace:
        key = tuple(map(float, theta))  # type: ignore[call-overload]
        if key not in values:
            raise ModelError("no digits there")
        return found(values[key], 1e-6, proved and key not in unsure)

    monkeypatch.setattr(stops, "evaluable", lambda theta: True)
    monkeypatch.setattr(stops, "centred", lambda view, theta: SimpleNamespace(size=view.size, about=theta))
    monkeypatch.setattr(
        stops, "mismatch", lambda said, by: "another" if said.theta == mismatched or by is not proof else ""
    )
    monkeypatch.setattr(
        stops,
        "score",
        lambda answer, by, evaluator: answer.estimates.theta if by is proof and evaluator.at is at else None,
    )
    monkeypatch.setattr(stops, "replace", lambda score, optimiser_error: (score, optimiser_error))
    return stops_of(answers, VIEW, SimpleNamespace(at=at, certificate=proof))  # type: ignore[arg-type]


def test_without_a_proof_the_lowest_is_what_all_are_held_against(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"pls": said(OURS), "theirs": said(LOWEST, recorded=True), "far": said(HIGHER), "failed": said(None)}
    out = stopped(monkeypatch, answers | {"longer": said((1.0, 1.0)), "nowhere": said(NOWHERE)})
    assert (out.best, out.best_engine, out.best_recorded) == (99.0, "theirs", True)
    assert out.gaps == {"pls": 1.0, "theirs": 0.0, "far": 2.0}
    assert out.noise == {"pls": NOISE, "theirs": NOISE, "far": NOISE}
    assert out.view.about == LOWEST, "our own search ended higher: the landscape is that about the lowest"
    assert (out.scores, out.refuted) == ({}, "")


def test_where_our_search_ends_lowest_the_landscape_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    out = stopped(monkeypatch, {"pls": said(OURS), "far": said(HIGHER)})
    assert (out.best, out.best_engine, out.best_recorded) == (100.0, "pls", False)
    assert out.view is VIEW
    assert out.gaps == {"pls": 0.0, "far": 1.0}
    alone = stopped(monkeypatch, {"far": said(HIGHER)})
    assert alone.best == 100.0, "our own fit is a bound, whoever was asked"
    none = stopped(monkeypatch, {"failed": said(None)})
    assert (none.best, none.best_engine, none.best_recorded, none.gaps) == (100.0, "", False, {})


@pytest.mark.parametrize(("above", "centred"), [(0.9, False), (1.1, True)])
@pytest.mark.parametrize("proved", [True, False])
def test_the_landscape_is_moved_where_our_search_ends_higher_by_more_than_rounding(
    monkeypatch: pytest.MonkeyPatch, above: float, centred: bool, proved: bool
) -> None:
    noise = NOISE if proved else NOISE + 1e-6
    values = {OURS: 1e-3 + above * noise, LOWEST: 1e-3}
    out = stopped(monkeypatch, {"theirs": said(LOWEST)}, values=values, proved=proved)
    assert (getattr(out.view, "about", OURS) == LOWEST) == centred


def test_the_proved_optimum_is_what_all_are_held_against_and_scored_by(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"pls": said(OURS, True), "theirs": said(LOWEST), "far": said(HIGHER), "nowhere": said(NOWHERE)}
    out = stopped(monkeypatch, answers, certificate(98.5), mismatched=HIGHER)
    assert (out.best, out.best_engine, out.best_recorded, out.refuted) == (98.5, "", False, "")
    assert out.gaps == {"pls": 1.5, "theirs": 0.5, "far": 2.5}
    assert out.view is VIEW
    assert out.scores == {"pls": (OURS, 1.5), "theirs": (LOWEST, 0.5)}, "what is another model's has no score"


@pytest.mark.parametrize("error", [0.0, 1e-4])
@pytest.mark.parametrize(("below", "refuted"), [(0.9, False), (1.1, True)])
def test_an_answer_below_a_proved_local_optimum_by_more_than_rounding_refutes_it(
    monkeypatch: pytest.MonkeyPatch, error: float, below: float, refuted: bool
) -> None:
    proof = certificate(1.0 + below * (NOISE + error), error)
    values = {OURS: 5.0, LOWEST: 1.0}
    out = stopped(monkeypatch, {"theirs": said(LOWEST)}, proof, values)
    if refuted:
        assert (out.best, out.best_engine, out.scores) == (1.0, "theirs", {})
        assert out.refuted.startswith("theirs reaches ")
        assert out.refuted.endswith(" below proof, proved as a local optimum")
    else:
        assert (out.best, out.best_engine, out.refuted) == (proof.double.values["criterion"].exact, "", "")


def test_at_the_bounds_nothing_is_refuted_and_nothing_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of criteria of 0, so that the difference is the bound to the bit."""
    at_bound = {OURS: NOISE, LOWEST: 0.0}
    assert stopped(monkeypatch, {"theirs": said(LOWEST)}, values=at_bound).view is VIEW
    assert stopped(monkeypatch, {"theirs": said(LOWEST)}, certificate(NOISE), at_bound).refuted == ""


def test_what_an_evaluation_leaves_open_is_that_of_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {OURS: 5.0, LOWEST: 1.0}
    for unsure, refuted in (((), True), ((OURS,), True), ((LOWEST,), False)):
        out = stopped(monkeypatch, {"theirs": said(LOWEST)}, certificate(1.0 + 1e-7), values, unsure=unsure)
        assert bool(out.refuted) == refuted


def test_our_own_search_refutes_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    out = stopped(monkeypatch, {"failed": said(None)}, certificate(103.0))
    assert out.refuted == "this project reaches 3 below proof, proved as a local optimum"
    assert out.best == 100.0


def test_the_noise_is_that_of_a_sum_and_of_an_evaluation_that_is_not_proved() -> None:
    assert noise_of(VIEW, found(1.0, 1e-3, True)) == NOISE  # type: ignore[arg-type]
    assert noise_of(VIEW, found(1.0, 1e-3, False)) == NOISE + 1e-3  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [ModelError("x"), ZeroDivisionError("x"), OverflowError("x"), ValueError("x")])
def test_a_theta_that_cannot_be_evaluated_has_no_values(error: Exception) -> None:
    def fails(theta: object) -> None:
        raise error

    assert evaluated(SimpleNamespace(at=fails), OURS) is None  # type: ignore[arg-type]
    assert evaluated(SimpleNamespace(at=lambda theta: theta), OURS) == OURS  # type: ignore[arg-type]
    assert evaluated(SimpleNamespace(at=lambda theta: theta), (np.inf,)) is None  # type: ignore[arg-type]
