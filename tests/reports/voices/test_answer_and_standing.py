"""The answer of a run in sentences, and where an engine stands on a case."""

from dataclasses import replace

import pytest

from relmer.reports.records import Comparison, EngineUsed
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices.answer import answer, sentence
from relmer.reports.voices.summary import standing

FOREIGN = EngineUsed("mixed", "2.0", "live", {})
A, W, E, X = Verdict.AGREE, Verdict.WITHIN, Verdict.EARLY, Verdict.WRONG
U, F, N = Verdict.UNSUPPORTED, Verdict.FAILED, Verdict.NOT_GIVEN
# One word per case; "accepted" is wrong and accepted.
SENTENCES = {
    (A, A, A): "mixed 2.0 agrees on all 3.",
    (A,): "mixed 2.0 agrees on 1 of 1 case.",
    (A, W, E): "mixed 2.0 agrees on all 3 (early on 1, within on 1).",
    (X, A, E): "mixed 2.0 is wrong on 1 of 3 cases, early on 1.",
    (X, "accepted", A): "mixed 2.0 is wrong on 2 of 3 cases (accepted: 1).",
    ("accepted", "accepted"): "mixed 2.0 is wrong on 2 of 2 cases (accepted: 2).",
    (A, A, F): "mixed 2.0 agrees on 2 of 3 cases, failed on 1. Not judged: 1 failed.",
    (A, A, U): "mixed 2.0 agrees on all 2, unsupported on 1. Not judged: 1 unsupported.",
    (F, F): "mixed 2.0 failed on 2. Not judged: 2 failed.",
    (U, N): "mixed 2.0 could not be judged. Not judged: 1 unsupported, 1 not given.",
    (
        X,
        F,
        U,
    ): "mixed 2.0 is wrong on 1 of 2 cases, failed on 1, unsupported on 1. Not judged: 1 failed, 1 unsupported.",
}


def run_of(make_report, words, engine=FOREIGN):
    """A report with one comparison of one engine on each case."""
    report = make_report(len(words))
    rows = [row(4, X if word == "accepted" else word) for word in words]
    rows = [
        replace(c, case=case.name, engine=engine.name, accepted="https://example.org" if word == "accepted" else "")
        for c, case, word in zip(rows, report.cases, words, strict=True)
    ]
    bare = dict.fromkeys(("answers", "scores", "findings", "drift", "figures", "accepted"), ())
    return replace(report, engines=(engine,), comparisons=tuple(rows), **bare)


@pytest.mark.parametrize("words", SENTENCES)
def test_the_answer_by_engine(words, make_report):
    assert sentence(run_of(make_report, words)) == SENTENCES[words]


def test_nothing_was_compared(make_report):
    assert sentence(replace(make_report(1), comparisons=())) == "Nothing was compared."


def test_own_paths_are_the_instrument(make_report):
    own = [EngineUsed(name, "0.1.0", "computed", {}) for name in ("pls", "qr", "gls")]
    report = run_of(make_report, (A, A, X))
    rows = [
        replace(c, engine=e.name, verdict=Verdict.AGREE if (e.name, k) != ("gls", 2) else Verdict.WRONG)
        for e in own
        for k, c in enumerate(report.comparisons)
    ]
    told = answer(replace(report, engines=(*own, FOREIGN), comparisons=(*report.comparisons, *rows)))
    assert told == (
        "mixed 2.0 is wrong on 1 of 3 cases.",
        "The instrument: pls and qr agree on all 3; gls is wrong on 1 of 3 cases.",
    )


def test_a_recording_is_told_with_its_reason(make_report):
    recorded = EngineUsed("lme4", "1.1-31", "recorded", {}, "R is not on the PATH: install it")
    told = answer(run_of(make_report, (A, A), recorded))
    assert told == ("lme4 1.1-31 agrees on all 2.", "lme4 is recorded, not run, because R is not on the PATH.")


def row(rung, verdict, digits=None, quantity="beta", kind="exact"):
    return Comparison("case", "engine", rung, quantity, verdict, digits, kind, "", "")


def test_a_standing_is_diagnosed_at_the_first_rung_that_breaks():
    found = standing(
        [
            row(5, Verdict.WRONG, 0.1),
            row(3, Verdict.FAILED),
            row(3, Verdict.WRONG, 2.5),
            row(3, Verdict.WRONG, 2.0),
            row(1, Verdict.AGREE),
        ]
    )
    assert (found.verdict, found.rung, found.digits, found.broken) == (
        Verdict.WRONG,
        "3 criterion",
        2.0,
        row(3, Verdict.WRONG, 2.0),
    )


def test_a_standing_without_a_break_has_the_digits_of_the_estimates():
    found = standing(
        [
            row(3, Verdict.AGREE, 3.0),
            row(5, Verdict.AGREE, 9.0),
            row(5, Verdict.WITHIN, 5.0),
            row(5, Verdict.UNSUPPORTED),
            row(5, Verdict.AGREE, 1.0, kind="published"),
        ]
    )
    assert (found.verdict, found.rung, found.digits) == (Verdict.WITHIN, "", 5.0)
    assert found.omitted == {Verdict.UNSUPPORTED: 1}
    assert standing([row(2, Verdict.UNSUPPORTED)]).verdict == Verdict.UNSUPPORTED
    assert standing([]) is None


def test_a_standing_is_accepted_where_all_that_breaks_is():
    known = replace(row(5, Verdict.WRONG, 1.0), accepted="https://example.org", diagnosis=Diagnosis.CONVENTION)
    assert standing([known, row(1, Verdict.AGREE)]).accepted
    assert standing([known]).diagnosis == Diagnosis.CONVENTION
    assert not standing([known, row(4, Verdict.WRONG)]).accepted
    assert not standing([known, row(4, Verdict.FAILED)]).accepted
    assert not standing([row(1, Verdict.AGREE)]).accepted
