"""Every fault is caught on its rung and by its name on the smallest case where it must show; the rest is nightly's.

The score of all faults on all cases is that of docs/faults.md, made by `nox -s faults -- --write`.
"""

from dataclasses import replace
from functools import cache

import pytest

from relmer.reports.evidence import tolerances
from relmer.reports.records import RUNGS
from relmer.reports.verdicts import Diagnosis, Verdict

from .bank import FAULTS, PARTS
from .court import DRAWN, court, courts
from .fault import Fault
from .score import Outcome, Result, counted, tried
from .showing import Showing, showing

# What the judge broke on, or had no name or a false one for, beyond the smallest case.
MENDED = [
    ("u for b", "oxide/sites-reml"),
    ("V's diagonal without the residual", "dyestuff2/reml"),
    ("contrasts treatment for polynomials", "cake/reml"),
    ("log|RX|² left out", "sleepstudy/slopes-reml"),
    ("a term left out", "pastes/reml"),
    ("nested read as crossed", "drawn/labels"),
    ("fitted without b", "drawn/weights"),
]
HIDDEN = [name for name, fault in FAULTS.items() if fault.hidden]
SHOWN = [name for name in FAULTS if name not in HIDDEN]
# Rows up to which a case may be the smallest of a fault here.
MOST_ROWS = 200


@cache
def by_size() -> list[str]:
    """The cases of the sample, by their rows: the drawn ones where no stored one has what a fault needs."""
    stored = [name for name in courts() if name not in DRAWN and court(name).n <= MOST_ROWS]
    return [*sorted(stored, key=lambda name: court(name).n), *DRAWN]


def smallest(fault: Fault) -> str:
    """The smallest case on which a fault must show."""
    for name in by_size():
        at = court(name)
        if fault.where.holds(at):
            planted = fault.plant(at)
            if planted is not None and showing(fault, at, planted) is Showing.MUST:
                return name
    raise AssertionError(f"{fault.name} must show nowhere")


@pytest.mark.parametrize("name", SHOWN)
def test_a_fault_is_caught_on_its_rung_and_named(name: str) -> None:
    fault = FAULTS[name]
    found = tried(fault, smallest(fault))
    assert found is not None
    assert (found.outcome, found.rung, found.named) == (Outcome.DETECTED, fault.rung, True), found.told


@pytest.mark.parametrize(("name", "case"), MENDED)
def test_what_was_mended_is_named(name: str, case: str) -> None:
    found = tried(FAULTS[name], case)
    assert found is not None and found.showing is Showing.MUST
    assert found.named, found.told


@pytest.mark.parametrize("name", HIDDEN)
def test_what_nobody_can_see_is_not_accused(name: str) -> None:
    fault = FAULTS[name]
    cases = [case for case in by_size() if fault.where.holds(court(case))]
    for case in [*cases[:2], *(c for c in cases if c in DRAWN)]:
        found = tried(fault, case)
        assert found is not None
        assert found.outcome in (Outcome.PASSED, Outcome.EXCUSED), found.told
        assert found.outcome is Outcome.PASSED or found.named, found.told


def test_another_share_of_what_the_data_do_not_tell_passes_and_is_told() -> None:
    at = court("drawn/two-intercepts")
    planted = FAULTS["another theta in a direction that the data do not tell"].plant(at)
    assert planted is not None
    (theta,) = [c for c in at.judge(planted) if c.quantity == "theta"]
    assert (theta.verdict, theta.diagnosis) == (Verdict.WITHIN, Diagnosis.UNIDENTIFIED)
    assert "g.(Intercept)" in theta.evidence


@pytest.mark.parametrize("case", DRAWN)
def test_an_honest_answer_is_not_accused(case: str) -> None:
    at = court(case)
    assert {c.verdict for c in at.judge(at.honest)} == {Verdict.AGREE}


@pytest.mark.parametrize("case", [*DRAWN, "sleepstudy/slopes-reml", "pastes/ml", "dyestuff2/reml"])
def test_an_honest_conclusion_is_not_accused(case: str) -> None:
    at = court(case)
    found = [c for c in at.judge(replace(at.honest, inference=at.concluded)) if c.rung == 6]
    refused = {*at.concluded.refused}
    assert len(found) >= 6
    assert {c.verdict for c in found if c.quantity not in refused} == {Verdict.AGREE}
    assert {c.quantity for c in found if c.verdict is Verdict.UNSUPPORTED} == refused


@pytest.mark.parametrize("gap", [1e-7, 1e-5, 1e-4, 9e-4])
@pytest.mark.parametrize("case", ["sleepstudy/slopes-reml", "drawn/labels"])
def test_an_early_stop_of_any_house_is_told_with_its_gap_and_the_digits_that_it_lost(case: str, gap: float) -> None:
    """Whoever is not lme4 stops early just as lme4 does: the verdict is early, and nothing launders it."""
    at = court(case)
    planted = FAULTS[f"stops {gap:g} above the optimum"].plant(at)
    assert planted is not None
    (stop,) = [c for c in at.judge(planted) if c.quantity == "criterion at the optimum"]
    assert (stop.verdict, stop.diagnosis) == (Verdict.EARLY, Diagnosis.STOP)
    # What both evaluations round beside the gap.
    assert stop.gap == pytest.approx(gap, rel=0, abs=2 * tolerances.CRITERION * at.made.view.size)
    assert stop.digits is not None and stop.digits < 15
    assert f"{stop.gap:.1e} above the optimum" in stop.evidence


LENGTHS = [
    ("the correlations left out", "Subject.Days.(Intercept)"),
    ("the intercept of a term left out", "Subject.(Intercept)"),
    ("the last slope of a term left out", "Subject.Days"),
]


@pytest.mark.parametrize(("name", "lost"), LENGTHS)
@pytest.mark.parametrize("silent", [False, True])
def test_a_theta_of_another_length_is_another_model_with_the_missing_entry_named(
    name: str, lost: str, silent: bool
) -> None:
    at = court("sleepstudy/slopes-reml")
    planted = FAULTS[name].plant(at)
    assert planted is not None
    found = at.judge(replace(planted, data=None, model=None) if silent else planted)
    (theta,) = [c for c in found if c.quantity == "theta"]
    assert (theta.rung, theta.verdict) == (2, Verdict.WRONG)
    assert lost in theta.evidence
    wrong = [c for c in found if c.verdict.breaks]
    assert min(c.rung for c in wrong) == 2
    assert not [c for c in found if c.rung > 2 and c.verdict in (Verdict.AGREE, Verdict.WITHIN, Verdict.EARLY)]


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("name", ["the last coefficient left out", "a quadratic term too many"])
def test_another_number_of_coefficients_has_a_verdict_on_every_rung(name: str, silent: bool) -> None:
    """The judge compared them entry by entry, and broke."""
    at = court("sleepstudy/slopes-reml")
    planted = FAULTS[name].plant(at)
    assert planted is not None
    found = at.judge(replace(planted, data=None, model=None) if silent else planted)
    assert {c.rung for c in found} == {*RUNGS} - {6}
    assert next(c for c in found if c.quantity == "beta" and c.rung == 5).verdict is Verdict.FAILED


def test_rows_with_missing_values_that_are_kept_pass_nowhere_above() -> None:
    at = court("drawn/gaps")
    planted = FAULTS["missing values filled with the mean"].plant(at)
    assert planted is not None
    found = at.judge(planted)
    assert next(c for c in found if c.quantity == "rows").verdict is Verdict.WRONG
    assert not any(c.verdict is Verdict.AGREE for c in found if c.rung > 2)


def test_a_name_stands_for_one_fault_and_every_rung_has_some() -> None:
    assert len(FAULTS) == sum(len(part.FAULTS) for part in PARTS) >= 120
    assert {fault.rung for fault in FAULTS.values()} == set(RUNGS)
    assert all(fault.words or fault.hidden for fault in FAULTS.values())


def test_a_fault_that_is_missed_is_counted_so() -> None:
    """The count is no constant: a judge that hears nothing wrong has a score of nought."""
    deaf = Result("sigma²", "dyestuff/reml", Showing.MUST, Outcome.PASSED, 0, False, False, "")
    assert (counted([deaf], 5).detected, counted([deaf], 5).missed) == (0, 1)
