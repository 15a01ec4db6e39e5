"""What moved between two reports: every kind of change, made up."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from fewer import without

from relmer.reports.changes import Diff, Differs, Kind, Presence, Way
from relmer.reports.diff import diff
from relmer.reports.records import EngineUsed, Optimality, Report
from relmer.reports.verdicts import Diagnosis, FigureVerdict, Verdict

CASE, ENGINE = "sleepstudy/REML", "lme4"


def changed(report: Report, field: str, where: Callable[[Any], bool], change: Callable[[Any], Any]) -> Report:
    """The report with some of its records changed; None takes one away."""
    told = [change(one) if where(one) else one for one in getattr(report, field)]
    assert told != list(getattr(report, field))
    return replace(report, **{field: tuple(one for one in told if one is not None)})


def of(case: str = CASE, engine: str = ENGINE, quantity: str = "") -> Callable[[Any], bool]:
    return lambda one: (one.case, one.engine) == (case, engine) and (not quantity or one.quantity == quantity)


def said(report: Report, **values: tuple[float | None, ...]) -> Report:
    return changed(report, "answers", of(), lambda one: replace(one, values={**one.values, **values}))


def scored(report: Report, **others: Any) -> Report:
    return changed(report, "scores", of(), lambda one: replace(one, **others))


def parts(found: Diff) -> dict[str, int]:
    """How many changes there are of each kind."""
    return {
        f.name: n
        for f in fields(Diff)
        if f.name not in ("before", "after", "same") and (n := len(getattr(found, f.name)))
    }


@pytest.fixture
def old(make_report: Callable[[int], Report]) -> Report:
    return make_report(5)


def test_a_report_is_itself_at_another_time(report: Report) -> None:
    found = diff(report, replace(report, created="later"))
    assert found.identical and parts(found) == {}
    assert set(found.same) == {(c.case, c.engine) for c in report.comparisons}
    assert found.fails(frozenset(Kind)) == ()


def test_a_value_tells_both_sides_the_digits_they_share_and_the_first_that_differs(old: Report) -> None:
    before = scored(said(old, criterion=(1743.628271959952,)), digits={"criterion": 12.0})
    after = scored(said(old, criterion=(1743.628271959951,)), digits={"criterion": 13.5})
    (moved,) = diff(before, after).moved
    assert (moved.before.value, moved.after.value) == ("1743.628271959952", "1743.628271959951")
    assert moved.first == 16
    # A difference of one unit in the last decimal, 1e-12, in doubles that lie 2.3e-13 apart.
    assert moved.shared == pytest.approx(-math.log10(1e-12 / 1743.628271959952), abs=math.log10(1 / (1 - 0.23)))
    assert (moved.rung, moved.quantity, moved.way) == (4, "criterion", Way.NEARER)
    assert diff(after, before).moved[0].way is Way.FARTHER
    assert moved.kinds == {Kind.MOVED} and diff(after, before).moved[0].kinds == {Kind.MOVED, Kind.FARTHER}


@pytest.mark.parametrize("by, way", [(0.05, Way.AS_NEAR), (-0.05, Way.AS_NEAR), (0.2, Way.NEARER), (-0.2, Way.FARTHER)])
def test_less_than_a_tenth_of_a_digit_is_as_near(old: Report, by: float, way: Way) -> None:
    before, after = (
        scored(said(old, sigma=(value,)), digits={"sigma": d}) for value, d in ((1.0, 8.0), (2.0, 8.0 + by))
    )
    assert [m.way for m in diff(before, after).moved] == [way]


def test_of_a_vector_the_entry_is_told_that_moved_most(old: Report) -> None:
    before, after = said(old, theta=(1.0, 2.0, 3.0)), said(old, theta=(1.0, 2.0002, 3.0000001))
    (moved,) = diff(before, after).moved
    assert (moved.quantity, moved.before.value, moved.after.value, moved.first) == ("theta[2]", "2.0", "2.0002", 5)
    assert moved.shared == pytest.approx(4.0, abs=1e-4)
    assert moved.way is not Way.UNKNOWN


@pytest.mark.parametrize(
    "was, now, shared, first",
    [
        ((1.0, None), (1.0, 2.0), 0.0, None),
        ((None, 1.0), (None, 2.0), pytest.approx(math.log10(2)), 1),
        ((1.0,), (1.0, 2.0), 0.0, None),
        ((1.0,), (-1.0,), 0.0, 1),
        ((0.0,), (1e-300,), 0.0, 1),
        ((99.5,), (100.5,), pytest.approx(-math.log10(1 / 100.5)), 1),
    ],
)
def test_values_that_are_none_zero_or_of_another_length(old: Report, was, now, shared, first) -> None:
    (moved,) = diff(said(old, beta=was), said(old, beta=now)).moved
    assert (moved.shared, moved.first) == (shared, first)


def test_nothing_is_nearer_where_nothing_or_another_thing_is_the_truth(old: Report) -> None:
    bare = replace(old, scores=(), comparisons=())
    (moved,) = diff(said(bare, sigma=(1.0,)), said(bare, sigma=(2.0,))).moved
    assert (moved.way, moved.before.digits) == (Way.UNKNOWN, None)
    other = scored(said(old, sigma=(2.0,)), certificate="another")
    assert {m.way for m in diff(said(old, sigma=(1.0,)), other).moved} == {Way.UNKNOWN}


def test_without_a_certificate_the_judges_digits_tell(old: Report) -> None:
    bare = replace(old, scores=())

    def with_digits(report: Report, digits: float) -> Report:
        return changed(report, "comparisons", of(quantity="sigma"), lambda c: replace(c, digits=digits))

    (moved,) = diff(with_digits(said(bare, sigma=(1.0,)), 5.0), with_digits(said(bare, sigma=(2.0,)), 7.0)).moved
    assert (moved.before.digits, moved.after.digits, moved.after.against, moved.way) == (
        5.0,
        7.0,
        "recorded",
        Way.NEARER,
    )


def test_digits_of_what_has_no_values_in_a_report_move_by_a_tenth(old: Report) -> None:
    def by(amount: float) -> Report:
        return changed(old, "comparisons", of(quantity="fitted"), lambda c: replace(c, digits=c.digits + amount))

    (moved,) = diff(old, by(-0.5)).moved
    assert (moved.quantity, moved.rung, moved.shared, moved.first, moved.way) == ("fitted", 5, None, None, Way.FARTHER)
    assert parts(diff(old, by(1e-9))) == {"elsewhere": 1}
    assert diff(old, by(1e-9)).elsewhere == ("comparisons",)


VERDICTS = {
    "worse": (Verdict.AGREE, Verdict.EARLY, Way.FARTHER, {Kind.VERDICT, Kind.WORSE}),
    "breaks": (Verdict.EARLY, Verdict.WRONG, Way.FARTHER, {Kind.VERDICT, Kind.WORSE, Kind.BROKEN}),
    "fails": (Verdict.AGREE, Verdict.FAILED, Way.FARTHER, {Kind.VERDICT, Kind.WORSE, Kind.BROKEN, Kind.GONE}),
    "better": (Verdict.WRONG, Verdict.AGREE, Way.NEARER, {Kind.VERDICT}),
    "breaks already": (Verdict.FAILED, Verdict.WRONG, Way.FARTHER, {Kind.VERDICT, Kind.WORSE}),
    "not judged": (Verdict.WITHIN, Verdict.UNSUPPORTED, Way.FARTHER, {Kind.VERDICT, Kind.WORSE, Kind.GONE}),
    "judged": (Verdict.NOT_GIVEN, Verdict.AGREE, Way.NEARER, {Kind.VERDICT}),
    "judged to be wrong": (Verdict.NOT_GIVEN, Verdict.WRONG, Way.FARTHER, {Kind.VERDICT, Kind.WORSE, Kind.BROKEN}),
    "another reason for none": (Verdict.NOT_GIVEN, Verdict.UNSUPPORTED, Way.AS_NEAR, {Kind.VERDICT}),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_verdict_gets_better_or_worse(name: str, old: Report) -> None:
    was, now, way, kinds = VERDICTS[name]

    def with_verdict(verdict: Verdict) -> Report:
        return replace(
            old, comparisons=tuple(replace(c, verdict=verdict) if of(quantity="b")(c) else c for c in old.comparisons)
        )

    (turned,) = diff(with_verdict(was), with_verdict(now)).turned
    assert (turned.rung, turned.quantity, turned.way, turned.kinds) == (5, "b", way, kinds)
    assert bool(diff(with_verdict(was), with_verdict(now)).fails(frozenset())) == (Kind.BROKEN in kinds)


def test_an_acceptance_that_is_withdrawn_breaks(old: Report) -> None:
    case, engine = "Penicillin/REML", "lme4-tight"
    bare = changed(old, "comparisons", of(case, engine), lambda c: replace(c, accepted=""))
    found = diff(old, bare)
    assert {t.quantity for t in found.turned} == {c.quantity for c in old.comparisons if c.accepted}
    assert all(Kind.BROKEN in t.kinds for t in found.turned)
    assert diff(bare, old).fails(frozenset()) == ()


OTHERS = {
    "diagnosis": {"diagnosis": Diagnosis.ROUNDING},
    "reference": {"kind": "certified", "reference": "sleepstudy.reml, global-proved"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_diagnosis_or_reference_is_a_change_of_the_verdict(name: str, old: Report) -> None:
    found = diff(old, changed(old, "comparisons", of(quantity="b"), lambda c: replace(c, **OTHERS[name])))
    assert [t.kinds for t in found.turned] == [{Kind.VERDICT}]


def test_another_version_is_the_same_reference(old: Report) -> None:
    """What is held against lme4-tight 1.1-31 is held against lme4-tight 2.1-0: no verdict has turned."""
    new = replace(
        old,
        engines=tuple(replace(e, version="2.1-0") if e.name == "lme4-tight" else e for e in old.engines),
        comparisons=tuple(replace(c, reference=c.reference.replace("1.1-31", "2.1-0")) for c in old.comparisons),
        answers=tuple(replace(a, version="2.1-0") if a.engine == "lme4-tight" else a for a in old.answers),
    )
    found = diff(old, new)
    assert found.turned == found.moved == ()
    assert found.differs == (Differs("", "lme4-tight", "version", "1.1-31", "2.1-0"),)


def test_comparisons_are_paired_by_their_reference_before_they_are_by_their_place(old: Report) -> None:
    """Of one quantity that is held against two things, the other one is not taken for it."""
    first = next(filter(of(quantity="b"), old.comparisons))
    printed = replace(first, kind="published", reference="document 000", digits=3.0)
    both = replace(old, comparisons=(printed, *old.comparisons))
    (gone,) = diff(both, old).turned
    assert (gone.before, gone.after) == (printed, None)
    assert gone.kinds == {Kind.VERDICT, Kind.WORSE, Kind.GONE}
    twice = replace(
        both, comparisons=(printed, replace(printed, digits=4.0, evidence="another place"), *old.comparisons)
    )
    (come,) = diff(both, twice).turned
    assert come.after is not None and come.after.evidence == "another place"


def test_a_yes_or_no_that_sees_other_things_has_changed(old: Report) -> None:
    found = diff(old, changed(old, "comparisons", of(quantity="rows"), lambda c: replace(c, evidence="the same: 181")))
    assert [(t.rung, t.quantity) for t in found.turned] == [(1, "rows")]


def test_gaps_differ_by_more_than_their_bounds(old: Report) -> None:
    before = scored(old, optimiser_error=1e-9, uncertainty=1e-12)
    assert diff(before, scored(old, optimiser_error=1.001e-9, uncertainty=1e-12)).gaps == ()
    (gap,) = diff(before, scored(old, optimiser_error=2e-9, uncertainty=1e-12)).gaps
    assert (gap.way, gap.kinds) == (Way.FARTHER, {Kind.MOVED, Kind.FARTHER})
    (gap,) = diff(before, scored(before, optimality=Optimality.NOWHERE)).gaps
    assert gap.after is not None and gap.after.optimality is Optimality.NOWHERE
    (gap,) = diff(before, changed(before, "scores", of(), lambda s: None)).gaps
    assert Kind.GONE in gap.kinds


def test_warnings_come_and_go(old: Report) -> None:
    def warns(*texts: str) -> Report:
        return replace(old, answers=tuple(replace(a, warnings=texts) if of()(a) else a for a in old.answers))

    found = diff(warns("singular", "scale", "scale"), warns("scale", "max|grad|"))
    told = {w.text: (w.before, w.after, w.kinds) for w in found.warned}
    assert told == {
        "singular": (1, 0, set()),
        "scale": (2, 1, set()),
        "max|grad|": (0, 1, {Kind.WARNING}),
    }


@pytest.mark.parametrize("gone", [{"case": CASE}, {"engine": ENGINE}])
def test_a_case_or_an_engine_that_went_is_told_once(gone: dict[str, str], old: Report) -> None:
    less = without(old, **gone)
    found = diff(old, less)
    assert [*found.changes] == [Presence(**{"case": "", "engine": "", **gone}, before=True, after=False)]
    assert set(found.fails(frozenset({Kind.GONE}))) == {*found.presence} and found.fails(frozenset()) == ()
    assert diff(less, old).fails(frozenset(Kind)) == ()


def test_an_engine_that_is_no_longer_judged_on_a_case_is_told_once(old: Report) -> None:
    found = diff(old, changed(old, "comparisons", of(), lambda c: None))
    assert found.presence == (Presence(CASE, ENGINE, before=True, after=False),)
    assert found.turned == ()


def test_what_an_engine_answers_differs(old: Report) -> None:
    failed = changed(
        old, "answers", of(), lambda a: replace(a, status="failed", message="it hung", values={}, version="2")
    )
    found = diff(old, failed)
    assert [(d.fact, d.before, d.after) for d in found.differs] == [
        ("status", "fitted", "failed"),
        ("message", "", "it hung"),
        ("version", "1.1-31", "2"),
    ]
    assert {d.kinds for d in found.differs} == {frozenset()}


def test_surroundings_differ(old: Report) -> None:
    new = replace(
        old,
        version="0.2.0",
        environment={**old.environment, "BLAS kernel": "Haswell"},
        engines=tuple(
            replace(e, environment={**e.environment, "R": "4.5.0"}) if e.name == ENGINE else e for e in old.engines
        ),
        cases=tuple(replace(c, dataset_sha256="1" * 64) if c.name == CASE else c for c in old.cases),
        tolerances=tuple(replace(t, value="1") for t in old.tolerances[:1]),
    )
    found = diff(old, new)
    assert {(d.case, d.engine, d.fact, d.before, d.after) for d in found.differs} == {
        ("", "", "relmer", "0.1.0", "0.2.0"),
        ("", "", "BLAS kernel", None, "Haswell"),
        ("", "", "tolerance criterion", "1e-12 × condition", "1"),
        ("", "", "tolerance theta", "sqrt(2 gap / λmin(H))", None),
        ("", ENGINE, "R", "4.2.2", "4.5.0"),
        (CASE, "", "dataset_sha256", old.cases[0].dataset_sha256, "1" * 64),
    }
    assert {d.kinds for d in found.differs} == {frozenset({Kind.ENVIRONMENT})}
    assert found.elsewhere == ()


def test_printed_figures_and_accepted_failures_differ(old: Report) -> None:
    first, *rest = old.figures
    new = replace(old, figures=(replace(first, verdict=FigureVerdict.WRONG), *rest))
    (figure,) = diff(old, new).figures
    assert Kind.BROKEN in figure.kinds and diff(new, old).fails(frozenset()) == ()
    (figure,) = diff(old, replace(old, figures=tuple(rest))).figures
    assert Kind.GONE in figure.kinds
    (known,) = old.accepted
    (stale,) = diff(old, replace(old, accepted=(replace(known, stale=True, found=None, covers=0),))).known
    assert Kind.BROKEN in stale.kinds
    assert parts(diff(old, replace(old, accepted=(replace(known, found=0.01 + 1e-12),)))) == {"elsewhere": 1}
    (gone,) = diff(old, replace(old, accepted=())).known
    assert (gone.before, gone.after) == (known, None)


def named_by_version(report: Report, name: str, version: str) -> Report:
    """The report whose engine is called by its version."""

    def call(one: Any) -> Any:
        return replace(one, engine=name) if one.engine == ENGINE else one

    return replace(
        report,
        engines=tuple(replace(e, name=name, version=version) if e.name == ENGINE else e for e in report.engines),
        **{f: tuple(map(call, getattr(report, f))) for f in ("comparisons", "scores", "accepted", "drift", "findings")},
        answers=tuple(replace(call(a), version=version) if a.engine == ENGINE else a for a in report.answers),
    )


def test_engines_that_are_called_by_their_version_are_one_engine(old: Report) -> None:
    found = diff(named_by_version(old, "lme4@1.1-26", "1.1-26"), named_by_version(old, "lme4@2.1", "2.1-0"))
    assert [(d.engine, d.fact, d.before, d.after) for d in found.differs] == [
        ("lme4", "name", "lme4@1.1-26", "lme4@2.1"),
        ("lme4", "version", "1.1-26", "2.1-0"),
    ]
    assert found.presence == found.turned == found.moved == ()
    assert (CASE, "lme4") not in found.same or found.differs


def test_engines_that_leave_a_doubt_are_not_paired(old: Report) -> None:
    two = replace(old, engines=(*old.engines, EngineUsed("lme4@2.1", "2.1-0", "live", {})))
    assert {(p.engine, p.before, p.after) for p in diff(old, two).presence} == {("lme4@2.1", False, True)}
