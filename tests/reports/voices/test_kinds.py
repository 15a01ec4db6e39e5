"""What went wrong, by kind: the worst first, engines that do the same together, and what follows."""

from dataclasses import replace

import pytest

from relmer.reports.records import Comparison, EngineUsed, FailOn, Said
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices.kinds import Kind, decision, kinds


def judged(engine, verdict, diagnosis=Diagnosis.NONE, case="c", rung=4, digits=3.0, **more):
    return Comparison(
        case=case,
        engine=engine,
        rung=rung,
        quantity="criterion at the optimum" if rung == 4 else "beta",
        verdict=verdict,
        digits=digits,
        kind="certified",
        reference="",
        evidence="gap +1.0e-08, within rounding",
        diagnosis=diagnosis,
        **more,
    )


def said(engine, *warnings, case="c", se=(1.0,), criterion=1000.0):
    values = {"criterion": (criterion,), "se": se}
    return Said(
        case=case,
        engine=engine,
        version="1",
        status="fitted",
        recorded=False,
        message="",
        warnings=warnings,
        values=values,
    )


@pytest.fixture
def bare(make_report):
    report = make_report(1)
    engines = (EngineUsed("pls", "0", "computed", {}), *(EngineUsed(n, "1", "live", {}) for n in ("a", "b")))
    empty = dict.fromkeys(("scores", "findings", "drift", "figures", "accepted", "answers", "comparisons"), ())
    return replace(report, engines=engines, cases=(), **empty)


KINDS = {
    Diagnosis.FALSE_MINIMUM: Kind.OPTIMUM,
    Diagnosis.LOCAL_OPTIMUM: Kind.OPTIMUM,
    Diagnosis.NOT_STATIONARY: Kind.OPTIMUM,
    Diagnosis.ROUNDING: Kind.DIGITS,
    Diagnosis.CONVENTION: Kind.OTHER,
    Diagnosis.MODEL: Kind.OTHER,
    Diagnosis.UNKNOWN: Kind.OTHER,
}


@pytest.mark.parametrize("diagnosis", KINDS)
def test_a_diagnosis_has_its_kind(bare, diagnosis):
    report = replace(bare, comparisons=(judged("a", Verdict.WRONG, diagnosis),), answers=(said("a"),))
    assert set(kinds(report)) == {KINDS[diagnosis]}


def test_engines_that_do_the_same_stand_together_and_what_follows_is_told(bare):
    wrong = [judged(name, Verdict.WRONG, Diagnosis.FALSE_MINIMUM) for name in ("a", "b")]
    answers = (said("pls", se=(2.0, 3.0)), *(said(name, "singular", se=(1.0, 3.0)) for name in ("a", "b")))
    (told,) = kinds(replace(bare, comparisons=tuple(wrong), answers=answers))[Kind.OPTIMUM]
    assert told.engines == ("a", "b")
    assert told.text == "stops 1 above the optimum; a standard error of 1 instead of 2; says only “singular”"


def test_the_largest_stands_first_and_what_is_accepted_last(bare):
    rows = [
        judged("a", Verdict.WRONG, Diagnosis.FALSE_MINIMUM, case=case, digits=digits, accepted=link)
        for case, digits, link in (("one", 3.0, ""), ("two", 1.0, ""), ("three", 0.5, "https://example.org"))
    ]
    answers = tuple(said("a", case=case) for case in ("one", "two", "three"))
    found = kinds(replace(bare, comparisons=tuple(rows), answers=answers))[Kind.OPTIMUM]
    assert [told.case for told in found] == ["two", "one", "three"]
    assert [told.accepted for told in found] == [False, False, True]


def test_a_warning_at_the_optimum_is_without_cause_and_one_at_a_wrong_stop_is_not(bare):
    doubt = "Model failed to converge with max|grad| = 0.003"
    fine = replace(bare, comparisons=(judged("a", Verdict.AGREE),), answers=(said("a", doubt),))
    (told,) = kinds(fine)[Kind.WARNS]
    assert told.text == f"says “{doubt}”, gap +1.0e-08"
    wrong = replace(fine, comparisons=(judged("a", Verdict.WRONG, Diagnosis.NOT_STATIONARY),))
    assert Kind.WARNS not in kinds(wrong)
    singular = replace(fine, answers=(said("a", "boundary (singular) fit: see help('isSingular')"),))
    assert Kind.WARNS not in kinds(singular)


def test_an_early_stop_is_no_wrong_fit(bare):
    report = replace(bare, comparisons=(judged("a", Verdict.EARLY, Diagnosis.STOP, digits=8.0),), answers=(said("a"),))
    (told,) = kinds(report)[Kind.EARLY]
    assert told.text.startswith("stops 1e-05 above the optimum")
    assert decision(report, kinds(report)) == "This run passes: every fit that could be judged can be used."


def test_the_decision(bare):
    assert decision(bare, {}) == "Nothing was compared."
    wrong = replace(bare, comparisons=(judged("a", Verdict.WRONG, Diagnosis.STOP),), answers=(said("a"),))
    assert decision(wrong, kinds(wrong)) == "This run fails: 1 fit, such as a on c."
    known = replace(wrong, comparisons=(replace(wrong.comparisons[0], accepted="https://example.org"),))
    assert decision(known, kinds(known)).startswith("This run passes: 1 wrong fit is known and accepted")
    asked = replace(known, fail_on=(FailOn.ACCEPTED,))
    assert decision(asked, kinds(asked)).startswith("This run fails")
