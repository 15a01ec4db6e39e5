"""Rung 4 as docs/tolerances.md has it: rulings on a gap, on the printed criterion, and what is said of both.

What the evidence finds is given here, so that each test is a sentence of the page, at its bound and on either side.
"""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from relmer.reports.evidence import tolerances
from relmer.reports.judge import optimum
from relmer.reports.judge.hearing import AGREES, Ruling
from relmer.reports.judge.optimum import (
    far_from,
    judge_certificate,
    judge_evaluation,
    judge_optimum,
    judge_printed,
    stop_of,
)
from relmer.reports.records import Optimality
from relmer.reports.verdicts import Diagnosis, Verdict

THETA = (0.5, 0.25)
SIZE = 1e3
NOISE = 1e-10
ABOVE = 1 + 1e-9


def hearing(**changed: object) -> SimpleNamespace:
    """Of an engine of another house that stopped 1e-5 above a certified optimum of 100."""
    facts: dict[str, object] = {
        "answer": SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=THETA, criterion=100.00001)),
        "view": SimpleNamespace(size=SIZE, takes=lambda theta: len(theta) == 2, fit=SimpleNamespace(theta=np.ones(2))),
        "stops": SimpleNamespace(gaps={"theirs": 1e-5}),
        "evaluator": SimpleNamespace(at=lambda theta: SimpleNamespace(criterion=100.00001, proved=theta == THETA)),
        "gap": 1e-5,
        "noise": NOISE,
        "best": 100.0,
        "best_named": "the optimum",
        "best_engine": "",
        "certificate": "proved",
        "own": False,
        "alone": False,
        "tight": "; tight too",
        "score": None,
        "stop": Ruling(Verdict.EARLY, Diagnosis.STOP, "early"),
        "peer": None,
        "unprofiled": lambda at: 0.0,
    }
    facts |= changed
    for kind in ("ruled", "enclosed", "against_best"):
        facts[kind] = recorder(kind)
    return SimpleNamespace(**facts)


def recorder(kind: str) -> Callable[..., tuple[object, ...]]:
    """Keep what is recorded, and against what."""
    return lambda rung, quantity, ruling, digits=None: (
        kind,
        rung,
        quantity,
        ruling.verdict,
        ruling.diagnosis,
        ruling.evidence,
        digits,
    )


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the evidence says: nothing, until a test says otherwise."""
    said: dict[str, object] = {
        "hidden": 0.0,
        "centring": 0.0,
        "is": Optimality.EARLY,
        "evaluation": AGREES,
        "convention": "",
        "slip": "",
        "asked": [],
    }
    monkeypatch.setattr(optimum, "conditioned", lambda view, theta: seen(view, theta, said["hidden"]))
    monkeypatch.setattr(
        optimum, "uncentred", lambda view, theta: seen(view, theta, SimpleNamespace(criterion=said["centring"]))
    )
    monkeypatch.setattr(
        optimum,
        "optimality",
        lambda view, theta, gap: seen(view, theta, SimpleNamespace(optimality=said["is"], reason=f"{gap} at {theta}")),
    )

    def evaluation(one: SimpleNamespace, errors: list[float], thetas: list[tuple[float, ...]]) -> Ruling:
        assert one.view.size == SIZE
        said["asked"] = [*errors, *thetas]
        return said["evaluation"]  # type: ignore[return-value]

    monkeypatch.setattr(optimum, "evaluation", evaluation)
    monkeypatch.setattr(optimum, "estimates_at", lambda view, theta: seen(view, theta, {"theta": theta}))
    monkeypatch.setattr(
        optimum,
        "convention",
        lambda view, name, value, at: seen(
            view, at["theta"], said["convention"] if (name, value, at["criterion"]) == wanted(at) else ""
        ),
    )

    def misread(view: object, thetas: list[tuple[float, ...]], value: np.ndarray, at: np.ndarray) -> object:
        return seen(view, *thetas, said["slip"] if value == at == 100.00001 else "")

    monkeypatch.setattr(optimum, "misread", misread)
    return said


def seen(view: object, theta: object, found: object) -> object:
    """What is found of this view at this theta."""
    assert getattr(view, "size", None) == SIZE
    assert theta == THETA
    return found


def wanted(at: dict[str, np.ndarray]) -> tuple[str, float, float]:
    """The criterion that was printed, held against that at its theta."""
    assert at["theta"] == THETA
    return "criterion", 100.00001, 100.00001


def ruled(**changed: object) -> tuple[Verdict, Diagnosis]:
    ruling = stop_of(hearing(**changed))
    return ruling.verdict, ruling.diagnosis


def test_a_gap_within_rounding_agrees_and_says_so(found: dict[str, object]) -> None:
    for own in (True, False):
        ruling = stop_of(hearing(gap=NOISE, own=own))
        assert (ruling.verdict, ruling.diagnosis) == (Verdict.AGREE, Diagnosis.NONE)
        assert ruling.evidence == "gap +1.0e-10, within rounding (1e-10) of the optimum"
        assert ruled(gap=NOISE * ABOVE, own=own)[0] is not Verdict.AGREE


def test_a_gap_that_the_condition_hides_is_rounding_and_harmless_up_to_a_thousandth(found: dict[str, object]) -> None:
    found["hidden"] = 1e-5
    for own in (True, False):
        ruling = stop_of(hearing(own=own))
        assert (ruling.verdict, ruling.diagnosis) == (Verdict.WITHIN, Diagnosis.ROUNDING)
        assert ruling.evidence.startswith("gap +1.0e-05; the condition of V there hides")
        assert ruling.evidence.endswith("below 1.0e-05")
    assert ruled(gap=1e-5 * ABOVE) == (Verdict.EARLY, Diagnosis.STOP)
    found["hidden"] = 1.0
    assert ruled(gap=2e-3) == (Verdict.WRONG, Diagnosis.ROUNDING)
    # Without a proof the optimum's doubles may be as far off; at the bound it is harmless all the same.
    assert ruled(gap=2e-3, certificate=None) == (Verdict.NOT_GIVEN, Diagnosis.ROUNDING)
    assert ruled(gap=tolerances.EARLY, certificate=None) == (Verdict.WITHIN, Diagnosis.ROUNDING)


def test_who_stops_early_and_at_most_a_thousandth_above_is_early(found: dict[str, object]) -> None:
    ruling = stop_of(hearing(gap=1e-3))
    assert (ruling.verdict, ruling.diagnosis) == (Verdict.EARLY, Diagnosis.STOP)
    assert ruling.evidence == f"stopped early: 0.001 at {THETA}"
    assert ruled(gap=np.nextafter(1e-3, 1)) == (Verdict.WRONG, Diagnosis.STOP)
    assert ruled(gap=1e-3, own=True) == (Verdict.WRONG, Diagnosis.STOP), "nothing excuses our own paths"


@pytest.mark.parametrize(
    ("what", "diagnosis"),
    [
        (Optimality.FALSE, Diagnosis.FALSE_MINIMUM),
        (Optimality.ANOTHER, Diagnosis.LOCAL_OPTIMUM),
        (Optimality.NOWHERE, Diagnosis.NOT_STATIONARY),
        (Optimality.OPTIMUM, Diagnosis.NONE),
    ],
)
def test_another_end_is_wrong_however_near_and_has_its_name(
    found: dict[str, object], what: Optimality, diagnosis: Diagnosis
) -> None:
    found["is"] = what
    for own in (True, False):
        assert ruled(own=own) == (Verdict.WRONG, diagnosis)
    assert stop_of(hearing()).evidence == f"{what}: 1e-05 at {THETA}; tight too"
    assert stop_of(hearing(own=True)).evidence == f"{what}: 1e-05 at {THETA}"


def test_without_centring_a_stop_that_is_not_early_may_be_rounding(found: dict[str, object]) -> None:
    found |= {"is": Optimality.NOWHERE, "centring": 1e-5}
    ruling = stop_of(hearing())
    assert (ruling.verdict, ruling.diagnosis) == (Verdict.WITHIN, Diagnosis.ROUNDING)
    assert ruling.evidence.endswith(f"at {THETA}; without centring, rounding may move its criterion by 1.0e-05")
    assert ruled(gap=1e-5 * ABOVE) == (Verdict.WRONG, Diagnosis.NOT_STATIONARY)
    assert ruled(own=True) == (Verdict.WRONG, Diagnosis.NOT_STATIONARY)
    found["centring"] = 1.0
    assert ruled(gap=2e-3) == (Verdict.WRONG, Diagnosis.ROUNDING)


def test_the_lowest_is_named_where_nothing_is_proved(found: dict[str, object]) -> None:
    told = "; the lowest criterion is lme4's"
    evidence = f"stopped early: 1e-05 at {THETA}{told}"
    assert stop_of(hearing(certificate=None, best_engine="lme4")).evidence == evidence
    assert told not in stop_of(hearing(certificate="proved", best_engine="lme4")).evidence
    assert "the lowest criterion is" not in stop_of(hearing(certificate=None)).evidence


def test_a_theta_that_is_none_of_the_model_or_not_to_be_evaluated_has_no_gap(found: dict[str, object]) -> None:
    nowhere = SimpleNamespace(gaps={})
    assert ruled(stops=nowhere) == (Verdict.FAILED, Diagnosis.NONE)
    assert stop_of(hearing(stops=nowhere)).evidence == "the criterion cannot be evaluated at its theta"
    none = SimpleNamespace(engine="theirs", estimates=None)
    longer = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=(*THETA, 1.0), criterion=100.0))
    for answer in (none, longer):
        ruling = stop_of(hearing(stops=nowhere, answer=answer))
        assert (ruling.verdict, ruling.diagnosis) == (Verdict.NOT_GIVEN, Diagnosis.MODEL)
        assert ruling.evidence == "theta is not that of this model"
    assert ruled(answer=none) == (Verdict.NOT_GIVEN, Diagnosis.MODEL), "whatever gap is known"


def said_of_evaluation(**changed: object) -> tuple[object, ...]:
    return judge_evaluation(hearing(**changed))  # type: ignore[arg-type]


def test_what_is_printed_is_held_against_the_value_at_its_theta(found: dict[str, object]) -> None:
    there = SimpleNamespace(at=lambda theta: SimpleNamespace(criterion=100.0 if theta == THETA else 0.0, proved=True))
    kind, rung, quantity, verdict, diagnosis, evidence, digits = said_of_evaluation(evaluator=there)
    assert (kind, rung, quantity) == ("enclosed", 4, "criterion at its own theta")
    assert (verdict, diagnosis) == (Verdict.AGREE, Diagnosis.NONE)
    assert evidence == "it printed 100.0000100000, the definition gives 100.0000000000"
    assert digits == pytest.approx(7.0, abs=1e-6), "a relative error of 1e-7"
    assert found["asked"] == [pytest.approx(1e-5), THETA]
    unproved = SimpleNamespace(at=lambda theta: SimpleNamespace(criterion=100.0, proved=False))
    assert said_of_evaluation(evaluator=unproved)[0] == "ruled"


@pytest.mark.parametrize(
    ("above", "gap", "verdict"),
    [
        (1e-3, 0.0, Verdict.EARLY),
        (1e-3, -1e-3, Verdict.EARLY),
        (1.001e-3, 0.0, Verdict.WRONG),
        (6e-4, 3e-4, Verdict.EARLY),
        (6e-4, 6e-4, Verdict.WRONG),
    ],
)
def test_who_searches_for_beta_and_sigma_has_stopped_by_so_much_more(
    found: dict[str, object], above: float, gap: float, verdict: Verdict
) -> None:
    found["evaluation"] = Ruling(Verdict.WRONG, Diagnosis.CRITERION, "")
    said = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=THETA, criterion=100.00001 + above))
    asked = []
    found_by = hearing(answer=said, gap=gap, unprofiled=lambda at: asked.append(at["criterion"]) or above)
    _, _, _, told, diagnosis, evidence, _ = judge_evaluation(found_by)  # type: ignore[arg-type]
    assert (told, diagnosis) == (verdict, Diagnosis.STOP)
    assert evidence.endswith(f"; {above:.1e} more at the beta and sigma that it found")
    assert asked == [np.array([100.00001])]


def test_what_it_is_above_must_be_just_that(found: dict[str, object]) -> None:
    found["evaluation"] = Ruling(Verdict.WRONG, Diagnosis.CRITERION, "")
    for more, same in ((0.0, True), (0.9, True), (1.2, False), (-0.9, True), (-1.2, False)):
        moved = 100.00001 + 1e-4 + more * tolerances.CRITERION * SIZE
        said = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=THETA, criterion=moved))
        found_by = hearing(answer=said, unprofiled=lambda at: 1e-4)
        assert (judge_evaluation(found_by)[4] is Diagnosis.STOP) == same  # type: ignore[index, arg-type]


def test_at_the_bound_it_is_just_that(found: dict[str, object]) -> None:
    """Of a criterion of 0, so that the sum is the bound to the bit."""
    found["evaluation"] = Ruling(Verdict.WRONG, Diagnosis.CRITERION, "")
    bound = tolerances.CRITERION * SIZE
    none = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=THETA, criterion=0.0))
    there = SimpleNamespace(at=lambda theta: SimpleNamespace(criterion=0.0, proved=True))
    found_by = hearing(answer=none, evaluator=there, unprofiled=lambda at: bound)
    assert judge_evaluation(found_by)[4] is Diagnosis.STOP  # type: ignore[index, arg-type]
    bound = tolerances.GAP * SIZE
    said = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=THETA, criterion=bound))
    assert judge_printed(hearing(answer=said, best=0.0))[3] is Verdict.AGREE  # type: ignore[index, arg-type]


def test_a_convention_and_a_slip_are_named_where_the_value_is_wrong(found: dict[str, object]) -> None:
    wrong, rounding = Ruling(Verdict.WRONG, Diagnosis.CRITERION, ""), Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, "; so")
    found |= {"evaluation": wrong, "convention": "without 2 pi", "slip": "of another d"}
    assert said_of_evaluation()[3:5] == (Verdict.WRONG, Diagnosis.CONVENTION)
    assert str(said_of_evaluation()[5]).endswith("; it is the criterion without 2 pi")
    found["convention"] = ""
    assert said_of_evaluation()[3:5] == (Verdict.WRONG, Diagnosis.CRITERION)
    assert str(said_of_evaluation()[5]).endswith("; it is the criterion of another d")
    found["slip"] = ""
    assert str(said_of_evaluation()[5]).endswith("the definition gives 100.0000100000")
    found |= {"evaluation": rounding, "convention": "without 2 pi", "slip": "of another d"}
    assert said_of_evaluation()[3:5] == (Verdict.WITHIN, Diagnosis.ROUNDING)
    assert str(said_of_evaluation()[5]).endswith("; so"), "of a value that is not wrong no cause is sought"


def printed(off: float, **changed: object) -> tuple[object, ...]:
    said = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=THETA, criterion=100.0 + off))
    return judge_printed(hearing(answer=said, **changed))  # type: ignore[arg-type]


def test_the_printed_criterion_agrees_with_the_certified_one_within_rounding(found: dict[str, object]) -> None:
    bound = tolerances.GAP * SIZE
    kind, rung, quantity, verdict, diagnosis, evidence, _ = printed(bound / 2)
    assert (kind, rung, quantity) == ("against_best", 4, "criterion")
    assert (verdict, diagnosis) == (Verdict.AGREE, Diagnosis.NONE)
    assert str(evidence).endswith("from the certified 100.0000000000")
    assert printed(-bound / 2)[3] is Verdict.AGREE
    assert printed(2 * bound)[3] is not Verdict.AGREE
    assert printed(-2 * bound)[3] is not Verdict.AGREE


def test_what_a_stop_and_a_search_leave_unexplained_is_an_error_of_evaluation(found: dict[str, object]) -> None:
    stopped = Ruling(Verdict.EARLY, Diagnosis.STOP, "early")
    kept = AGREES
    printed(1e-3, gap=3e-4, unprofiled=lambda at: 2e-4 if at["theta"] == THETA else 0.0, stop=kept)
    assert found["asked"] == [pytest.approx(5e-4), THETA]
    printed(-1e-3, gap=-3e-4, stop=kept)
    assert found["asked"] == [pytest.approx(7e-4), THETA]
    printed(1e-4, gap=3e-4, stop=kept)
    assert found["asked"] == [0.0, THETA]
    # Of stop and evaluation the worse is told, with its diagnosis; of two alike that of the evaluation.
    assert printed(1e-3, stop=stopped)[3:6] == (
        Verdict.EARLY,
        Diagnosis.STOP,
        "+1.0e-03 from the certified 100.0000000000",
    )
    assert printed(1e-3, stop=kept)[3:6] == (
        Verdict.WITHIN,
        Diagnosis.ROUNDING,
        "+1.0e-03 from the certified 100.0000000000; the rounding of its evaluation",
    )
    found["evaluation"] = Ruling(Verdict.WRONG, Diagnosis.CRITERION, "; so")
    assert printed(1e-3, stop=stopped)[3:5] == (Verdict.WRONG, Diagnosis.CRITERION)
    assert printed(1e-3, stop=Ruling(Verdict.WRONG, Diagnosis.STOP, ""))[3:5] == (Verdict.WRONG, Diagnosis.CRITERION)


def test_digits_are_those_of_the_score_where_there_is_one(found: dict[str, object]) -> None:
    assert printed(1e-5)[6] == pytest.approx(7.0, abs=1e-6)
    score = SimpleNamespace(digits={"criterion": 6.5}, distance=2e-6, distance_G=3e-6)
    assert printed(1e-5, score=score)[6] == 6.5
    assert far_from(score) == "theta is within 2.0e-06"  # type: ignore[arg-type]
    assert far_from(SimpleNamespace(distance=None, distance_G=3e-6)) == "G is within 3.0e-06"  # type: ignore[arg-type]


def test_a_certificate_that_cannot_be_used_fails() -> None:
    assert [*judge_certificate(hearing(), "")] == []  # type: ignore[arg-type]
    told = [*judge_certificate(hearing(), "of another data set")]  # type: ignore[arg-type]
    assert told == [("ruled", 4, "certificate", Verdict.FAILED, Diagnosis.NONE, "of another data set", None)]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of rung 4 by their names."""
    monkeypatch.setattr(optimum, "judge_evaluation", lambda one: f"evaluation of {one.answer.engine}")
    monkeypatch.setattr(optimum, "judge_printed", lambda one: f"printed by {one.answer.engine}")
    monkeypatch.setattr(optimum, "not_given", lambda one, rung: f"nothing of {one.answer.engine} on {rung}")
    monkeypatch.setattr(optimum, "replace", lambda record, gap: (*record, gap))


EVALUATION, PRINTED, NOTHING = "evaluation of theirs", "printed by theirs", "nothing of theirs on 4"


def climbed(**changed: object) -> list[object]:
    return [*judge_optimum(hearing(**changed))]  # type: ignore[arg-type]


@pytest.mark.usefixtures("parts")
def test_rung_4_has_the_stop_the_evaluation_and_what_was_printed() -> None:
    stop, *others = climbed(gap=1e-3)
    assert stop[:5] == ("against_best", 4, "criterion at the optimum", Verdict.EARLY, Diagnosis.STOP)
    assert stop[5] == "early"
    assert stop[6] == pytest.approx(5.0, abs=1e-4), "1e-3 above 100"
    assert stop[7] == 1e-3
    assert others == [EVALUATION, PRINTED]
    assert climbed(certificate=None)[1:] == [EVALUATION]
    assert climbed(gap=np.inf)[0][7] is None
    unproved = SimpleNamespace(at=lambda theta: SimpleNamespace(criterion=100.0, proved=False))
    assert climbed(own=True, evaluator=unproved)[1:] == [PRINTED], "our own values prove nothing of themselves"
    assert climbed(own=True)[1:] == [EVALUATION, PRINTED]
    assert climbed(evaluator=unproved)[1:] == [EVALUATION, PRINTED]
    assert climbed(alone=True) == [NOTHING, EVALUATION, PRINTED]


@pytest.mark.usefixtures("parts")
def test_rung_4_of_an_answer_without_a_stop() -> None:
    none = SimpleNamespace(engine="theirs", estimates=None)
    longer = SimpleNamespace(engine="theirs", estimates=SimpleNamespace(theta=(*THETA, 1.0), criterion=100.0))
    assert climbed(answer=none) == [NOTHING]
    told = "theta has 3 entries, the model has 2: see rung 2"
    assert climbed(answer=longer) == [("ruled", 4, "optimum", Verdict.NOT_GIVEN, Diagnosis.MODEL, told, None)]
    failed = Ruling(Verdict.FAILED, Diagnosis.NONE, "not there")
    assert climbed(stop=failed) == [("ruled", 4, "optimum", Verdict.FAILED, Diagnosis.NONE, "not there", None)]


@pytest.mark.usefixtures("parts")
def test_the_stop_says_how_far_theta_is_from_the_proved_one() -> None:
    score = SimpleNamespace(distance=2e-6, distance_G=3e-6)
    assert climbed(score=score)[0][5] == "early; its theta is within 2.0e-06 of the proved one"
