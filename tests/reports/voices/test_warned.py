"""Warnings held against verdicts: true, without cause, missing."""

from dataclasses import replace
from itertools import product

import pytest

from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices.kinds import Kind, kinds
from relmer.reports.voices.warned import Word, warned

DOUBT = "Model failed to converge with max|grad| = 0.0033 (tol = 0.002, component 1)"
SINGULAR = "boundary (singular) fit: see help('isSingular')"


def about(report, case, texts, verdict, regular):
    """The report with lme4's warnings on a case, a verdict from its optimum on, and the certificate's optimum."""

    def judged(c):
        at = (c.case, c.engine) == (case, "lme4") and c.rung >= 4
        diagnosis = Diagnosis.FALSE_MINIMUM if verdict is Verdict.WRONG else Diagnosis.NONE
        return replace(c, verdict=verdict, diagnosis=diagnosis, accepted="") if at else c

    return replace(
        report,
        comparisons=tuple(map(judged, report.comparisons)),
        answers=tuple(
            replace(a, warnings=texts if (a.case, a.engine) == (case, "lme4") else ()) for a in report.answers
        ),
        scores=tuple(replace(s, regular=regular) for s in report.scores),
    )


@pytest.mark.parametrize(
    ("verdict", "regular"),
    [*product((Verdict.AGREE, Verdict.EARLY, Verdict.WRONG, Verdict.NOT_GIVEN), (True, False))],
)
def test_a_warning_is_what_the_judge_found_of_it(make_report, verdict, regular):
    report = about(make_report(2), "sleepstudy/REML", (DOUBT, SINGULAR, "hello"), verdict, regular)
    words = {one.text: one.word for one in warned(report, "lme4")}
    wrong = verdict is Verdict.WRONG
    assert words[DOUBT] is (Word.TRUE if wrong else Word.FALSE if verdict.judged else Word.OPEN)
    assert words[SINGULAR] is (Word.TRUE if not regular else Word.OPEN if wrong else Word.FALSE)
    assert words["hello"] is Word.OPEN
    assert "" not in words
    # The first screen's kind is the same judgement.
    assert (words[DOUBT] is Word.FALSE) == (Kind.WARNS in kinds(report))


def test_a_wrong_optimum_without_a_doubt_is_missing_a_warning(make_report):
    for texts in ((), (SINGULAR,)):
        report = about(make_report(2), "sleepstudy/REML", texts, Verdict.WRONG, True)
        assert [one.case for one in warned(report, "lme4") if one.word is Word.MISSING] == ["sleepstudy/REML"]
        assert not [one for one in warned(report, "qr") if one.word is Word.MISSING and one.case == "sleepstudy/REML"]
