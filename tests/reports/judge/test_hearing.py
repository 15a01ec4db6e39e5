"""What a hearing knows: whom an answer is held against, who excuses it, and how a comparison is recorded."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from relmer.reference.answers import Grouping, Status, Term
from relmer.reports.evidence import BALLS, tolerances
from relmer.reports.judge import hearing
from relmer.reports.judge.hearing import DIGITS, LONGEST, Hearing, Ruling, apart, not_given, peer_of, same, short, told
from relmer.reports.verdicts import Diagnosis, Verdict

SIZE = 1e3
THETA = (0.5,)
FOUND = Ruling(Verdict.EARLY, Diagnosis.STOP, "because")


def kin(**changed: object) -> SimpleNamespace:
    """Two engines of one house, one of another, and ours."""
    houses = {"default": "R", "tight": "R", "theirs": "S", "pls": "relmer"}
    facts: dict[str, object] = {
        "houses": houses,
        "is_own": lambda name: name == "pls",
        "witness": lambda name: {"R": "tight"}.get(houses[name]),
        "unprofiled": frozenset(),
        "peers": lambda name: ("first", "second"),
    }
    return SimpleNamespace(**(facts | changed))


def one(engine: str = "default", **changed: Any) -> Hearing:
    """An answer whose criterion is 1e-4 higher than that of its theta."""
    stops = {"gaps": {"default": 1e-2, "tight": 1e-6}, "noise": {"default": 1e-10, "tight": 1e-10}, "scores": {}}
    stops |= {"view": SimpleNamespace(size=SIZE), "best": 99.0, "best_engine": "", "best_recorded": False}
    facts: dict[str, Any] = {
        "case": SimpleNamespace(name="a case"),
        "answer": SimpleNamespace(engine=engine, estimates=SimpleNamespace(theta=THETA, criterion=100.0001)),
        "kin": kin(),
        "peer": SimpleNamespace(engine="gls", version="2", recorded=False),
        "stops": SimpleNamespace(**(stops | changed.pop("stops", {}))),
        "points": {},
        "evaluator": SimpleNamespace(
            certificate=None, at=lambda theta: SimpleNamespace(criterion=100.0 if theta == THETA else np.nan)
        ),
    }
    return Hearing(**(facts | changed))


def test_the_witness_of_a_house_shows_that_its_program_can_reach_the_optimum() -> None:
    words = "; the same program, tight and with more than one optimiser, comes to 1.0e-06"
    assert one().tight == words
    assert one("tight").tight == "", "of itself it shows nothing"
    assert one("theirs").tight == "", "nobody speaks for that house"
    for left, shown in ((tolerances.EARLY, True), (1.01e-3, False), (np.inf, False)):
        assert bool(one(stops={"gaps": {"tight": left}}).tight) == shown
    assert one(stops={"gaps": {"tight": 0.5}, "noise": {"tight": 0.5}}).tight.endswith("comes to 5.0e-01")
    assert one(stops={"gaps": {}}).tight == ""


def test_who_is_alone_has_no_other_house_and_no_proof_beside_it() -> None:
    proved = SimpleNamespace(certificate="proof", at=None)
    assert one().alone, "another engine of its own house is none"
    assert not one(stops={"gaps": {"default": 0.0, "theirs": 0.0}}).alone
    assert not one(evaluator=proved).alone
    assert one(evaluator=proved, stops={"best_engine": "tight"}).alone, "an answer refutes the proof"


def test_gap_noise_and_score_are_those_of_the_engine() -> None:
    scored = one(stops={"scores": {"default": "score"}})
    assert (scored.gap, scored.noise, scored.score) == (1e-2, 1e-10, "score")
    assert (one("theirs").gap, one("theirs").noise, one("theirs").score) == (0.0, 0.0, None)
    assert (one().best, one().best_named, one("pls").own, one().own) == (99.0, "the optimum", True, False)
    assert one(stops={"best_engine": "tight"}).best_named == "the lowest, which tight reached"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """How far beta and sigma are above what theta gives, and what rounding may move both."""
    said = {"above": 1e-4, "centring": 0.0, "condition": 0.0}
    monkeypatch.setattr(hearing, "excess", lambda view, estimates, at: said["above"] if at == {"it": 1} else np.nan)
    monkeypatch.setattr(hearing, "uncentred", lambda view, theta: SimpleNamespace(criterion=said["centring"]))
    monkeypatch.setattr(hearing, "conditioned", lambda view, theta: said["condition"])
    return said


AT: Any = {"it": 1}


def unprofiled(criterion: float = 100.0001, engine: str = "default", **changed: Any) -> float:
    said = SimpleNamespace(engine=engine, estimates=SimpleNamespace(theta=THETA, criterion=criterion))
    return one(answer=said, **changed).unprofiled(AT)


def test_who_searches_for_beta_and_sigma_shows_it_by_a_criterion_that_is_higher_by_just_that(
    found: dict[str, float],
) -> None:
    rounding = tolerances.CRITERION * SIZE
    assert unprofiled() == 1e-4
    assert unprofiled(100.0001 + 0.9 * rounding) == unprofiled(100.0001 - 0.9 * rounding) == 1e-4
    assert unprofiled(100.0001 + 1.1 * rounding) == unprofiled(100.0001 - 1.1 * rounding) == 0.0
    assert unprofiled(engine="pls") == 0.0, "nothing excuses our own paths"
    assert one(answer=SimpleNamespace(engine="default", estimates=None)).unprofiled(AT) == 0.0
    declared = kin(unprofiled=frozenset({"default"}))
    assert unprofiled(100.0, kin=declared) == 1e-4, "or it declares so"
    found["above"] = np.inf
    assert unprofiled(100.0, kin=declared) == 0.0


def test_so_near_a_hit_must_show_more_than_chance(found: dict[str, float]) -> None:
    """More than rounding; two digits where more than the rounding of a sum may move both."""
    rounding = tolerances.CRITERION * SIZE
    for lost, least in ((0.0, 1.0), (rounding, 1.0), (1.1 * rounding, DIGITS)):
        for which in ("centring", "condition"):
            found |= {"centring": 0.0, "condition": 0.0, which: lost}
            for part, shown in ((0.9, False), (1.1, True)):
                found["above"] = part * least * rounding
                assert bool(unprofiled(100.0 + found["above"])) == shown


def test_a_comparison_says_whose_value_it_was_held_against() -> None:
    record = one().ruled(4, "sigma", FOUND, 7.5)
    assert (record.case, record.engine, record.rung, record.quantity) == ("a case", "default", 4, "sigma")
    assert (record.verdict, record.diagnosis, record.evidence) == (Verdict.EARLY, Diagnosis.STOP, "because")
    assert (record.digits, record.kind, record.reference) == (7.5, "live", "gls 2")
    assert one().ruled(4, "sigma", FOUND).digits is None
    for peer, kind, whose in (
        (None, "none", "none"),
        (SimpleNamespace(engine="gls", version="2", recorded=True), "recorded", "gls 2"),
        (SimpleNamespace(engine="pls", version="0", recorded=True), "relmer", "pls 0"),
    ):
        found = one(peer=peer).ruled(4, "sigma", FOUND)
        assert (found.kind, found.reference) == (kind, whose)
    other = one().named(record, "published", "SAS")
    assert (other.kind, other.reference, other.quantity, other.digits) == ("published", "SAS", "sigma", 7.5)
    enclosed = one().enclosed(3, "criterion", FOUND, 12.0)
    assert (enclosed.kind, enclosed.reference, enclosed.rung, enclosed.digits) == ("certified", BALLS, 3, 12.0)
    assert (enclosed.quantity, enclosed.evidence) == ("criterion", "because")


def test_rung_4_is_held_against_the_proof_or_the_lowest() -> None:
    proof = SimpleNamespace(name="model", double=SimpleNamespace(level="to 30 digits", kind="certified"))
    proved = one(evaluator=SimpleNamespace(certificate=proof))
    record = proved.against_best(4, "criterion", FOUND, 9.0)
    assert (record.kind, record.reference) == ("certified", "model, to 30 digits")
    assert (record.rung, record.quantity, record.digits, record.evidence) == (4, "criterion", 9.0, "because")
    for stops, kind in (
        ({"best_engine": "theirs"}, "live"),
        ({"best_engine": "theirs", "best_recorded": True}, "recorded"),
        ({"best_engine": "pls", "best_recorded": True}, "relmer"),
    ):
        record = one(stops=stops).against_best(4, "criterion", FOUND, 9.0)
        assert (record.kind, record.reference) == (kind, "the lowest criterion that the definition confirms")
        assert (record.rung, record.quantity, record.digits, record.evidence) == (4, "criterion", 9.0, "because")


def test_the_peer_is_the_first_that_has_fitted_or_that_has_told_its_model() -> None:
    def answer(status: Status, model: object = None) -> Any:
        return SimpleNamespace(status=status, model=model)

    fitted, failed, built = answer(Status.FITTED), answer(Status.FAILED), answer(Status.FAILED, "model")
    heard: Any
    for heard, peer in (
        ({"first": fitted, "second": answer(Status.FITTED)}, fitted),
        ({"first": built, "second": fitted}, fitted),
        ({"first": failed, "second": built}, built),
        ({"first": failed, "second": failed}, None),
        ({"second": fitted}, fitted),
        ({"other": fitted}, None),
    ):
        assert peer_of("default", heard, kin()) is peer  # type: ignore[arg-type]


def test_what_is_not_given_says_who_is_silent() -> None:
    theirs = {"default": 0.0, "theirs": 0.0}
    silent = "default does not tell"
    nobody = "nothing to hold it against: no lme4 here, none recorded"
    for rung, changed, evidence in (
        (1, {}, silent),
        (3, {}, silent),
        (4, {}, nobody),
        (5, {}, nobody),
        (4, {"stops": {"gaps": theirs}}, silent),
        (1, {"peer": None}, nobody),
    ):
        record = not_given(one(**changed), rung)
        assert (record.rung, record.verdict, record.diagnosis) == (rung, Verdict.NOT_GIVEN, Diagnosis.NONE)
        assert record.evidence == evidence
    assert not_given(one(), 3).quantity == "criterion"


def test_two_values_are_the_same_or_it_is_said_what_differs() -> None:
    agrees = same(one(), 1, "rows", 180, 180)
    assert (agrees.verdict, agrees.diagnosis, agrees.evidence) == (Verdict.AGREE, Diagnosis.NONE, "the same: 180")
    for rung, diagnosis in ((1, Diagnosis.DATA), (2, Diagnosis.MODEL)):
        differs = same(one(), rung, "rows", 179, 180)
        assert (differs.verdict, differs.diagnosis, differs.evidence) == (Verdict.WRONG, diagnosis, "179 against 180")
        assert (differs.rung, differs.quantity) == (rung, "rows")
        assert same(one(), rung, "rows", 179, 180, "a row lost").evidence == "a row lost"
    longer = tuple(f"coefficient {k}" for k in range(30))
    assert same(one(), 2, "names", longer, longer[1:]).evidence == "with coefficient 0"
    assert len(same(one(), 2, "names", longer, longer).evidence) == LONGEST
    assert len(same(one(), 2, "names", "x" * 400, longer).evidence) == LONGEST
    short_ones = longer[:3]
    assert same(one(), 2, "names", short_ones, short_ones[1:]).evidence == (
        "coefficient 0, coefficient 1, coefficient 2 against coefficient 1, coefficient 2"
    )
    assert len(same(one(), 2, "names", 1, 2, "y" * 400).evidence) == LONGEST


def test_values_are_told_in_few_words() -> None:
    for value, words in (
        (None, "absent"),
        ((), "none"),
        (("a", 1), "a, 1"),
        ("f" * 64, "sha256 ffffffffffff…"),
        ("f" * 63, "f" * 63),
        (Grouping(3, "0123456789abcdef"), "3 levels, sha256 0123456789ab…"),
        (Term("g", ("x", "z"), 4), "(x + z | g) with 4 levels"),
        (1.5, "1.5"),
    ):
        assert told(value) == words
    assert apart(("a", "b"), ("b", "c")) == "without c and with a"
    assert apart(("a", "b"), ("b",)) == "with a"
    assert apart(("b",), ("a", "b")) == "without a"
    assert short((0.123456789, 2.0)) == "0.12346, 2"
    assert replace(FOUND, evidence="x").saying("y").after("z") == Ruling(Verdict.EARLY, Diagnosis.STOP, "zxy")
