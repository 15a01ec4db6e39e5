"""Which rungs an answer is heard on, whatever is found there: fits, listings, failures, and what was never asked."""

from types import SimpleNamespace

import pytest

from relmer.reference.answers import Status
from relmer.reference.certificates import CertificateError
from relmer.reports.judge import ladder
from relmer.reports.judge.ladder import certificate_or_reason, climb, judge_case
from relmer.reports.records import RUNGS
from relmer.reports.verdicts import Diagnosis, Verdict

PARTS = ("data", "model", "criterion", "listing", "optimum", "estimates", "published", "inference")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of the ladder says its name."""
    wants = {"published": ("account",)} | dict.fromkeys(("criterion", "estimates", "inference"), ("answers",))
    for name in PARTS:
        more = wants.get(name, ())
        monkeypatch.setattr(ladder, f"judge_{name}", lambda *asked, name=name, more=more: told(name, more, *asked))
    monkeypatch.setattr(ladder, "judge_misuse", lambda hearing: hearing.misuse)
    monkeypatch.setattr(ladder, "not_given", lambda hearing, rung: (*told("not given", (), hearing), rung))


def told(name: str, more: tuple[str, ...], hearing: SimpleNamespace, *asked: object) -> list[str]:
    """Its name, if it was asked about the answer, and what else it wants."""
    assert hearing.answer.engine == "theirs"
    assert asked == more
    return [name]


def heard(status: Status = Status.FITTED, **told: object) -> list[object]:
    facts = {"data": None, "figures": {}, "failed_in": "", "message": "it broke", "engine": "theirs"}
    answer = SimpleNamespace(status=status, **(facts | told))
    record = lambda rung, name, ruling: (rung, name, ruling.verdict, ruling.diagnosis, ruling.evidence)  # noqa: E731
    hearing = SimpleNamespace(answer=answer, ruled=record, misuse=None)
    return [*climb(hearing, "answers", "account")]  # type: ignore[arg-type]


def failed(first: int, verdict: Verdict = Verdict.FAILED) -> list[object]:
    return [(rung, name, verdict, Diagnosis.NONE, "it broke") for rung, name in RUNGS.items() if first <= rung <= 5]


UNASKED = (3, "criterion", Verdict.NOT_GIVEN, Diagnosis.NONE, "theirs was not asked: its fit failed")
LOWER = [("not given", 1), ("not given", 2)]


@pytest.mark.usefixtures("parts")
def test_a_fit_climbs_every_rung_and_a_listing_has_figures_in_place_of_estimates() -> None:
    assert heard() == ["data", "model", "criterion", "optimum", "estimates", "published", "inference"]
    assert heard(data="rows") == heard()
    assert heard(figures={"sigma": "1.0"}) == ["data", "model", "criterion", "listing"]


@pytest.mark.usefixtures("parts")
def test_a_failure_has_its_verdict_from_the_rung_on_where_it_went_wrong() -> None:
    """What it saw and built stands; what it was not asked for, or does not tell, has not failed."""
    built = ["data", "model"]
    assert heard(Status.FAILED) == failed(1)
    assert heard(Status.FAILED, failed_in="stages") == failed(1)
    assert heard(Status.FAILED, data="rows") == built + failed(3)
    assert heard(Status.FAILED, failed_in="criterion") == LOWER + failed(3)
    assert heard(Status.FAILED, failed_in="criterion", data="rows") == built + failed(3)
    assert heard(Status.FAILED, failed_in="fit") == [*LOWER, UNASKED, *failed(4)]
    assert heard(Status.FAILED, failed_in="fit", data="rows") == [*built, UNASKED, *failed(4)]


@pytest.mark.usefixtures("parts")
def test_what_an_engine_does_not_support_it_has_not_failed() -> None:
    unsupported = Verdict.UNSUPPORTED
    assert heard(Status.UNSUPPORTED) == failed(1, unsupported)
    assert heard(Status.UNSUPPORTED, failed_in="fit") == failed(1, unsupported)
    assert heard(Status.UNSUPPORTED, failed_in="fit", data="rows") == ["data", "model", *failed(3, unsupported)]


def test_a_certificate_is_used_or_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "certificate_of", lambda case: f"that of {case}")
    assert certificate_or_reason("a case") == ("that of a case", "")  # type: ignore[arg-type]

    def refuse(case: object) -> None:
        raise CertificateError("its data are others")

    monkeypatch.setattr(ladder, "certificate_of", refuse)
    assert certificate_or_reason("a case") == (None, "its data are others")  # type: ignore[arg-type]


@pytest.mark.parametrize(("stale", "refuted"), [("", ""), ("stale", ""), ("", "refuted"), ("stale", "refuted")])
def test_every_judged_engine_is_heard_with_its_peer_and_its_stop(
    monkeypatch: pytest.MonkeyPatch, stale: str, refuted: str
) -> None:
    """Witnesses are heard of, not judged; a certificate that cannot be used, or is refuted, is told with each."""
    proof = None if stale else "proof"
    monkeypatch.setattr(ladder, "certificate_or_reason", lambda case: (proof, stale) if case == "case" else None)
    monkeypatch.setattr(ladder, "evaluator_of", lambda certificate, view: ("evaluator", certificate, view))
    stops = SimpleNamespace(refuted=refuted, scores={"a": "score of a", "w": "score of w"})
    seen = []
    monkeypatch.setattr(ladder, "stops_of", lambda said, *about: seen.append(([*said], *about)) or stops)
    monkeypatch.setattr(ladder, "account_of", lambda case, answers, view: ("account", case, [*answers], view))
    monkeypatch.setattr(ladder, "peer_of", lambda name, answers, kin: f"peer of {name} among {[*answers]} by {kin}")
    monkeypatch.setattr(ladder, "stop_of", lambda hearing: f"stop of {hearing.answer}")

    def climbed(hearing: object, answers: object, account: object) -> list[object]:
        return [(hearing, [*answers], account)]  # type: ignore[call-overload]

    monkeypatch.setattr(ladder, "climb", climbed)
    monkeypatch.setattr(ladder, "judge_certificate", lambda hearing, told: [(hearing.answer, told)])
    answers = {"a": "A", "b": "B", "w": "W"}
    found = judge_case("case", answers, ["a", "b"], {"start": ()}, "view", "kin")  # type: ignore[arg-type, dict-item]
    assert seen == [(["a", "b", "w"], "view", ("evaluator", proof, "view"))]
    assert found.scores == ("score of a",)
    first, told, second, _ = found.comparisons
    assert told == ("A", stale or refuted)
    hearing = first[0]  # type: ignore[index]
    assert first[1:] == (["a", "b", "w"], ("account", "case", ["a", "b", "w"], "view"))  # type: ignore[index]
    assert (hearing.case, hearing.answer, hearing.kin, hearing.points) == ("case", "A", "kin", {"start": ()})
    assert hearing.peer == "peer of a among ['a', 'b', 'w'] by kin"
    assert (hearing.stops, hearing.evaluator) == (stops, ("evaluator", proof, "view"))
    assert hearing.stop == "stop of A"
    assert second[0].answer == "B"  # type: ignore[index]
