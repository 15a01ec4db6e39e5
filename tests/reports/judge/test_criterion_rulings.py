"""Rung 3: which values are held against what, and what is said of each kind of theta."""

from types import SimpleNamespace

import numpy as np
import pytest

from relmer.reference.answers import Status
from relmer.reports.evidence import tolerances
from relmer.reports.judge import criterion
from relmer.reports.judge.criterion import at_shared_theta, cause_of, judge_criterion, peers_rounding, ruling_of
from relmer.reports.judge.hearing import AGREES, Ruling
from relmer.reports.verdicts import Diagnosis, Verdict

A, B, C, HERE = (0.0,), (1.0,), (2.0,), (0.123456789,)
SIZE = 1e3


def answer(engine: str, status: Status = Status.FITTED, **values: float | None) -> SimpleNamespace:
    """Values at A, B, C and the optimum."""
    at = {"A": A, "B": B, "C": C, "here": HERE}
    points = tuple(SimpleNamespace(theta=at[name], value=value) for name, value in values.items())
    return SimpleNamespace(engine=engine, status=status, criterion=points)


def kin(own: tuple[str, ...] = ()) -> SimpleNamespace:
    houses = {"theirs": "theirs", "lme4": "lme4", "lme4-tight": "lme4", "pls": "relmer"}
    return SimpleNamespace(houses=houses, is_own=lambda name: name in own)


def hearing(said: SimpleNamespace, **changed: object) -> SimpleNamespace:
    """Asked at A and B as a start, and at C by chance."""
    facts: dict[str, object] = {
        "answer": said,
        "points": {"start": (A, B), "random": (C,)},
        "view": SimpleNamespace(size=SIZE, takes=lambda theta: len(theta) == 1),
        "peer": answer("lme4", A=10.0, B=20.0, C=30.0, here=5.0),
        "kin": kin(),
        "own": False,
        "evaluator": SimpleNamespace(data=None),
        "ruled": record("ruled"),
        "enclosed": record("enclosed"),
    }
    return SimpleNamespace(**(facts | changed))


def record(kind: str) -> object:
    def recorded(rung: int, quantity: str, ruling: Ruling, digits: float | None) -> tuple[object, ...]:
        assert rung == 3
        assert isinstance(ruling.diagnosis, Diagnosis)
        return kind, rung, quantity, ruling.verdict, ruling.evidence, digits

    return recorded


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the evidence says; each ruling is agreement until a test says otherwise."""
    said: dict[str, object] = {"ruling": AGREES, "everywhere": "", "misread": "", "errors": []}

    def evaluation(
        one: SimpleNamespace, errors: list[float], thetas: list[tuple[float, ...]], shared: bool = False
    ) -> Ruling:
        assert one.view.size == SIZE
        said["errors"].append((errors, thetas, shared))  # type: ignore[attr-defined]
        return said["ruling"]  # type: ignore[return-value]

    monkeypatch.setattr(criterion, "evaluation", evaluation)
    monkeypatch.setattr(criterion, "everywhere", lambda view, thetas, value, wanted: said["everywhere"])
    monkeypatch.setattr(criterion, "misread", lambda view, thetas, value, wanted: said["misread"])
    return said


def judged(said: SimpleNamespace, **changed: object) -> dict[str, tuple[object, ...]]:
    found = [*judge_criterion(hearing(said, **changed), {})]  # type: ignore[arg-type]
    return {str(one[2]): one for one in found}  # type: ignore[index]


def test_every_kind_of_theta_has_its_comparison_and_the_optimum_is_what_else_was_told(found: dict[str, object]) -> None:
    told = judged(answer("theirs", A=10.0, B=20.0, C=30.0, here=5.0))
    assert [*told] == ["criterion, start", "criterion, random", "criterion, optimum"]
    assert found["errors"] == [([0.0, 0.0], [A, B], True), ([0.0], [C], True), ([0.0], [HERE], True)]
    assert {one[0] for one in told.values()} == {"ruled"}
    assert {one[1] for one in told.values()} == {3}


def test_the_largest_difference_is_told_with_its_theta_and_the_digits_of_the_worst(found: dict[str, object]) -> None:
    told = judged(answer("theirs", A=10.0, B=20.02, C=29.7, here=5.0))
    assert told["criterion, start"][4] == "2 theta; largest difference 2.0e-02 at (1)"
    assert told["criterion, start"][5] == pytest.approx(3.0, abs=1e-6), "0.02 of 20"
    assert told["criterion, random"][4] == "1 theta; largest difference 3.0e-01 at (2)"
    assert told["criterion, random"][5] == pytest.approx(2.0, abs=1e-6)
    assert told["criterion, optimum"][4] == "1 theta; largest difference 0.0e+00 at (0.12346)"


def test_a_value_that_was_asked_for_and_is_missing_or_no_number_has_failed(found: dict[str, object]) -> None:
    for said in (answer("theirs", A=10.0, C=30.0), answer("theirs", A=10.0, B=np.inf, C=30.0)):
        told = judged(said)
        assert [*told] == ["criterion, start", "criterion, random"]
        assert told["criterion, start"][3] is Verdict.FAILED
        assert told["criterion, start"][4] == "no value at (1), one of 2 theta"
        assert told["criterion, start"][5] is None
    assert judged(answer("theirs", C=30.0))["criterion, start"][4] == "no value at (0), one of 2 of 2 theta"


def test_a_theta_where_the_engine_says_that_it_has_no_criterion_has_not_failed(found: dict[str, object]) -> None:
    told = judged(answer("theirs", A=None, B=20.0, C=None))
    assert [*told] == ["criterion, start", "criterion, start, undefined", "criterion, random, undefined"]
    assert told["criterion, start"][3] is Verdict.AGREE
    assert told["criterion, start, undefined"][3:] == (
        Verdict.NOT_GIVEN,
        "it says that its criterion is not defined at (0), one of 2 theta",
        None,
    )
    assert found["errors"] == [([0.0], [B], True)]


def test_without_anything_in_common_it_is_not_given(found: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(criterion, "not_given", lambda one, rung: (one.answer.engine, rung, f"nothing on {rung}"))
    assert [*judged(answer("theirs"))] == ["nothing on 3"]
    assert [*judged(answer("theirs", A=1.0), peer=None)] == ["nothing on 3"]
    told = judged(answer("theirs", A=10.0, B=20.0, C=30.0, here=5.0), peer=answer("lme4", A=10.0))
    assert told["criterion, random"][3:] == (Verdict.NOT_GIVEN, "no theta in common", None)
    assert "criterion, optimum" not in told, "nobody was asked for another's optimum"


def test_what_it_is_held_against_balls_first_and_then_the_house_of_the_peer() -> None:
    """The peer's own value comes before that of another fit of its house."""
    tight = answer("lme4-tight", A=11.0, B=21.0, here=6.0)
    failed = answer("lme4-tight", Status.FAILED, A=11.0, B=21.0)
    stranger = answer("theirs", A=12.0, B=22.0, C=32.0)
    peer = answer("lme4", A=10.0, B=None, C=np.nan)
    here = hearing(stranger, peer=peer)
    everybody = {"lme4-tight": tight, "theirs": stranger}
    assert at_shared_theta(here, everybody, [A])[0] == {A: 11.0, B: 21.0, HERE: 6.0}  # type: ignore[arg-type]
    assert at_shared_theta(here, {"lme4-tight": failed}, [A])[0] == {A: 10.0}  # type: ignore[arg-type]
    assert at_shared_theta(hearing(stranger, peer=None), everybody, [A])[0] == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("proved", [True, False])
def test_balls_are_taken_if_all_are_proved(proved: bool) -> None:
    asked = []

    def at(theta: tuple[float, ...]) -> SimpleNamespace:
        asked.append(theta)
        return SimpleNamespace(criterion=7.0, proved=proved or theta != B)

    here = hearing(answer("theirs", A=10.0), evaluator=SimpleNamespace(data="rows", at=at))
    values, kind = at_shared_theta(here, {}, [A, B, (1.0, 2.0)])  # type: ignore[arg-type]
    assert asked == [A, B], "of the model's length only"
    assert values == ({A: 7.0, B: 7.0} if proved else {A: 10.0, B: 20.0, C: 30.0, HERE: 5.0})
    assert kind is (here.enclosed if proved else here.ruled)


def ruled(verdict: Verdict, diagnosis: Diagnosis, cause: tuple[bool, str], theta: tuple[float, ...] = A) -> Ruling:
    here = hearing(answer("theirs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(criterion, "evaluation", lambda *a, **k: Ruling(verdict, diagnosis, "; so"))
        return ruling_of(here, [theta], np.array([1.0]), np.array([2.0]), lambda: cause)  # type: ignore[arg-type]


def test_a_cause_is_named_where_the_value_is_wrong() -> None:
    told = "1 theta; largest difference 1.0e+00 at (0)"
    known = (True, "without 2 pi")
    assert ruled(Verdict.WRONG, Diagnosis.CRITERION, known) == Ruling(
        Verdict.WRONG, Diagnosis.CONVENTION, f"{told}; it is the criterion without 2 pi"
    )
    assert ruled(Verdict.WRONG, Diagnosis.ROUNDING, known).diagnosis is Diagnosis.CONVENTION
    assert ruled(Verdict.WITHIN, Diagnosis.ROUNDING, known) == Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, f"{told}; so")
    slip = (False, "of another d")
    assert ruled(Verdict.WRONG, Diagnosis.CRITERION, slip) == Ruling(
        Verdict.WRONG, Diagnosis.CRITERION, f"{told}; so; it is the criterion of another d"
    )
    assert ruled(Verdict.WRONG, Diagnosis.ROUNDING, slip).evidence == f"{told}; so"
    assert ruled(Verdict.WRONG, Diagnosis.CRITERION, (False, "")).evidence == f"{told}; so"
    longer = ruled(Verdict.WRONG, Diagnosis.CRITERION, known, (0.0, 1.0))
    assert longer.diagnosis is Diagnosis.CRITERION, "the evidence knows nothing of a theta of another model"


def test_a_cause_must_give_all_values_that_can_be_held(
    found: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def everywhere(
        view: SimpleNamespace, thetas: list[tuple[float, ...]], value: np.ndarray, wanted: np.ndarray
    ) -> str:
        assert view.size == SIZE
        seen.append((thetas, value.tolist(), wanted.tolist()))
        return str(found["everywhere"])

    monkeypatch.setattr(criterion, "everywhere", everywhere)
    monkeypatch.setattr(
        criterion, "misread", lambda view, thetas, value, wanted: f"{view.size:g}{thetas}{value}{wanted}"
    )
    here = hearing(answer("theirs"))
    said, reference = {A: 1.0, B: np.nan, C: 3.0}, {A: 10.0, B: 20.0}
    assert cause_of(here, said, reference) == (False, "1000[(0.0,)][1.][10.]")  # type: ignore[arg-type]
    assert seen == [([A], [1.0], [10.0])]
    found["everywhere"] = "without 2 pi"
    assert cause_of(here, said, reference) == (True, "without 2 pi")  # type: ignore[arg-type]


def test_a_path_of_ours_is_excused_where_the_definition_gives_its_values_and_the_peer_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Within 1e-12 of the size of the definition, and within what the peer loses that does not centre."""
    monkeypatch.setattr(criterion, "criterion_at", lambda view, theta: {A: 10.0, B: 20.0}[theta] * (view.size / SIZE))
    monkeypatch.setattr(
        criterion,
        "uncentred",
        lambda view, theta, least: SimpleNamespace(
            criterion={A: 1e-5, B: 3e-5}[theta] * (view.size / SIZE) * (least == 0.0)
        ),
    )
    floor = tolerances.CRITERION * SIZE

    def excused(ours: float, theirs: float, theta: tuple[float, ...] = A, **changed: object) -> Ruling | None:
        here = hearing(answer("pls"), **changed)
        return peers_rounding(here, [theta, B], np.array([ours, 20.0]), np.array([theirs, 20.0]))  # type: ignore[arg-type]

    found = excused(10.0, 10.0 + 0.9e-5)
    assert found == Ruling(
        Verdict.WITHIN,
        Diagnosis.ROUNDING,
        "2 theta, as the definition; largest difference 9.0e-06; lme4 does not centre, and rounding may move its "
        "values by 3.0e-05",
    )
    assert excused(10.0, 10.0 - 0.9e-5) == found
    assert excused(10.0, 10.0 + 1.1e-5) is None, "each theta has its own bound"
    assert excused(10.0, 10.0 - 1.1e-5) is None
    assert excused(10.0 + 0.9 * floor, 10.0) is not None
    assert excused(10.0 + 1.1 * floor, 10.0) is None
    assert excused(10.0 - 1.1 * floor, 10.0) is None
    assert excused(10.0, 10.0, peer=None) is None
    # At the bounds themselves, about a criterion of 0.
    monkeypatch.setattr(criterion, "criterion_at", lambda view, theta: 0.0)
    here = hearing(answer("pls"))
    for ours, theirs in ((floor, floor), (0.0, 1e-5), (0.0, -1e-5)):
        assert peers_rounding(here, [A], np.array([ours]), np.array([theirs])) is not None  # type: ignore[arg-type]
    monkeypatch.setattr(criterion, "criterion_at", lambda view, theta: 10.0)
    assert excused(10.0, 10.0, kin=kin(own=("lme4",))) is None
    assert excused(10.0, 10.0, theta=(0.0, 1.0)) is None


def test_only_a_path_of_ours_that_is_wrong_beside_a_peer_is_looked_at_again(
    found: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, "the peer's")
    asked = []

    def rounding(*about: object) -> Ruling:
        assert about[0].answer.engine == "pls"  # type: ignore[attr-defined]
        asked.append([about[1], *(each.tolist() for each in about[2:])])  # type: ignore[attr-defined]
        return harmless

    monkeypatch.setattr(criterion, "peers_rounding", rounding)
    said = answer("pls", A=10.0, B=20.0)
    found["ruling"] = Ruling(Verdict.WRONG, Diagnosis.CRITERION, "")
    assert judged(said, own=True)["criterion, start"][3] is Verdict.WITHIN
    assert asked == [[[A, B], [10.0, 20.0], [10.0, 20.0]]]
    assert judged(said, own=False)["criterion, start"][3] is Verdict.WRONG
    balls = SimpleNamespace(data="rows", at=lambda theta: SimpleNamespace(criterion=7.0, proved=True))
    assert judged(said, own=True, evaluator=balls)["criterion, start"][3] is Verdict.WRONG
    found["ruling"] = AGREES
    assert judged(said, own=True)["criterion, start"][3] is Verdict.AGREE
    found["ruling"] = Ruling(Verdict.WRONG, Diagnosis.CRITERION, "; bad")
    monkeypatch.setattr(criterion, "peers_rounding", lambda *a: None)
    assert judged(said, own=True)["criterion, start"][3] is Verdict.WRONG
