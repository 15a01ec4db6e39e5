"""Accepted failures: lists that are read exactly, and what they cover, no more."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.datasets import cases
from relmer.reference.engines import engine_names
from relmer.reports.accepted import AcceptedError, accept, known_failures, read
from relmer.reports.causes import causes
from relmer.reports.findings import findings
from relmer.reports.records import (
    CaseRun,
    Comparison,
    EngineUsed,
    KnownFailure,
    Optimality,
    Report,
    Said,
    Score,
)
from relmer.reports.verdicts import Diagnosis, FailOn, Verdict

CASE, ENGINE, LINK = "wheat/reml", "mixed", "https://example.org/issues/12"
GAP, CRITERION = 40.0, 1000.0
ENTRY = {
    "engine": ENGINE,
    "case": CASE,
    "rung": 4,
    "diagnosis": "false minimum",
    "size": 41.0,
    "link": LINK,
}


def wrong(rung: int, diagnosis: Diagnosis, digits: float | None = 2.0, verdict: Verdict = Verdict.WRONG) -> Comparison:
    return Comparison(
        case=CASE,
        engine=ENGINE,
        rung=rung,
        quantity="criterion at the optimum" if rung == 4 else f"quantity of rung {rung}",
        verdict=verdict,
        digits=digits,
        kind="certified",
        reference="wheat",
        evidence="seen",
        diagnosis=diagnosis,
    )


AGREES = wrong(3, Diagnosis.NONE, 14.0, Verdict.AGREE)
# A false minimum 40 above a criterion of 1000, which spoils two estimates.
FALSE = (
    wrong(4, Diagnosis.FALSE_MINIMUM, 1.4),
    wrong(5, Diagnosis.FALSE_MINIMUM, 0.5),
    wrong(5, Diagnosis.FALSE_MINIMUM, 0.2),
)
SCORE = Score(
    case=CASE,
    engine=ENGINE,
    certificate="wheat.reml",
    kind="certified",
    level="global-proved",
    regular=True,
    digits={},
    evaluation={},
    distance=1.0,
    distance_G=1.0,
    optimiser_error=GAP,
    evaluation_error=-1e-12,
    uncertainty=0.0,
    evaluated="doubles",
    optimality=Optimality.FALSE,
    reason="40 above the optimum",
)
SAID = Said(CASE, ENGINE, "2.0", "fitted", False, "", ("singular fit",), {"criterion": (CRITERION,)})


def report_of(*comparisons: Comparison, scores: tuple[Score, ...] = (SCORE,)) -> Report:
    run = CaseRun(CASE, "wheat", "0" * 64, "y ~ 1 + (x | g)", True, "", "", 10, 1, 4)
    return Report(
        created="",
        version="",
        environment={},
        engines=(EngineUsed(ENGINE, "2.0", "live", {}),),
        cases=(run,),
        comparisons=(AGREES, *comparisons),
        answers=(SAID,),
        scores=scores,
    )


def known(**changes: object) -> KnownFailure:
    return replace(KnownFailure(**{**ENTRY, "diagnosis": Diagnosis.FALSE_MINIMUM}), **changes)


def test_an_entry_accepts_all_that_is_wrong_by_its_diagnosis() -> None:
    done = accept(report_of(*FALSE), [known()])
    assert [c.accepted for c in done.comparisons] == ["", LINK, LINK, LINK]
    (entry,) = done.accepted
    assert (entry.found, entry.covers, entry.stale) == (GAP, 3, False)
    assert not done.broken
    assert replace(done, fail_on=(FailOn.ACCEPTED,)).broken
    assert report_of(*FALSE).broken


# What is found, and the entry that must not cover it.
UNCOVERED = {
    "larger than twice the size": (FALSE, known(size=19.9)),
    "another rung": (FALSE, known(rung=5)),
    "a lower rung": ((wrong(3, Diagnosis.FALSE_MINIMUM), *FALSE), known()),
    "another diagnosis": (FALSE, known(diagnosis=Diagnosis.LOCAL_OPTIMUM)),
    "something else breaks below it": ((wrong(2, Diagnosis.MODEL, None), *FALSE), known()),
    "something failed below it": ((wrong(1, Diagnosis.NONE, None, Verdict.FAILED), *FALSE), known()),
}


@pytest.mark.parametrize("name", UNCOVERED)
def test_an_entry_accepts_nothing_else(name: str) -> None:
    comparisons, entry = UNCOVERED[name]
    done = accept(report_of(*comparisons), [entry])
    assert not any(c.accepted for c in done.comparisons)
    assert done.accepted[0].covers == 0
    assert done.broken


def test_what_is_wrong_by_another_diagnosis_on_the_same_case_still_breaks() -> None:
    """A second cause that breaks no lower rung: the first stays accepted, the second fails."""
    second = wrong(5, Diagnosis.CONVENTION, 1.0)
    done = accept(report_of(*FALSE, second), [known()])
    assert [c.accepted for c in done.comparisons] == ["", LINK, LINK, LINK, ""]
    assert done.broken
    other = known(rung=5, diagnosis=Diagnosis.CONVENTION, size=0.1, link="it divides by n")
    both = accept(report_of(*FALSE, second), [other, known()])
    assert [c.accepted for c in both.comparisons] == ["", LINK, LINK, LINK, "it divides by n"]
    assert not both.broken


def test_a_failure_is_never_accepted() -> None:
    fails = wrong(5, Diagnosis.FALSE_MINIMUM, None, Verdict.FAILED)
    done = accept(report_of(*FALSE, fails), [known()])
    assert [c.accepted for c in done.comparisons] == ["", LINK, LINK, LINK, ""]
    assert done.broken


def test_an_engine_that_fails_is_expected_by_its_message() -> None:
    """The whole of its failure is accepted; not one that says something else, and nothing that is wrong."""
    fails = [replace(wrong(k, Diagnosis.NONE, None, Verdict.FAILED), evidence="no such level: 7") for k in (1, 2, 5)]
    entry = known(rung=1, diagnosis=Diagnosis.NONE, size=1.0, says="no such level")
    done = accept(report_of(*fails), [entry])
    assert [c.accepted for c in done.comparisons if c.verdict is Verdict.FAILED] == [LINK] * 3
    assert not done.broken and done.accepted[0].covers == 3
    other = accept(report_of(*fails), [replace(entry, says="killed")])
    assert other.broken and other.accepted[0].stale
    wrong_too = accept(report_of(*FALSE), [entry])
    assert wrong_too.broken and wrong_too.accepted[0].stale
    assert "does not fail here, saying 'no such level'" in findings(wrong_too)[-1].text


@given(st.floats(1e-8, 1e8), st.floats(1e-3, 1e3))
def test_up_to_twice_the_size_is_known(gap: float, size: float) -> None:
    done = accept(report_of(*FALSE, scores=(replace(SCORE, optimiser_error=gap),)), [known(size=size)])
    assert done.broken == (gap > 2 * size)


@given(st.floats(0.0, 16.0), st.floats(1e-16, 1.0))
def test_without_a_score_the_size_follows_from_the_digits(digits: float, size: float) -> None:
    """Rung 4: the relative error times the criterion that was printed; rung 5: the relative error of the worst."""
    low = accept(report_of(wrong(4, Diagnosis.STOP, digits), scores=()), [known(diagnosis=Diagnosis.STOP, size=size)])
    assert low.accepted[0].found == 10.0**-digits * CRITERION
    better = wrong(5, Diagnosis.ROUNDING, 16.0)
    entry = known(rung=5, diagnosis=Diagnosis.ROUNDING, size=size)
    high = accept(report_of(better, wrong(5, Diagnosis.ROUNDING, digits)), [entry])
    assert high.accepted[0].found == 10.0**-digits
    assert high.broken == (10.0**-digits > 2 * size)


def test_an_evaluation_that_is_off_has_its_own_size() -> None:
    off = replace(SCORE, optimiser_error=1e-9, evaluation_error=-3.0)
    done = accept(report_of(wrong(4, Diagnosis.ROUNDING), scores=(off,)), [known(diagnosis=Diagnosis.ROUNDING, size=2)])
    assert done.accepted[0].found == 3.0
    assert not done.broken


STALE = {
    "all is well": (),
    "it differs harmlessly": (wrong(4, Diagnosis.STOP, 8.0, Verdict.EARLY),),
    "another diagnosis": (wrong(4, Diagnosis.LOCAL_OPTIMUM),),
    "another rung": (wrong(5, Diagnosis.FALSE_MINIMUM),),
}


@pytest.mark.parametrize("name", STALE)
def test_an_entry_that_has_nothing_to_accept_fails_the_run_and_is_a_finding(name: str) -> None:
    done = accept(report_of(*STALE[name]), [known()])
    assert done.accepted[0].stale
    assert done.broken
    told = [f.text for f in findings(done) if "stale" in f.text]
    assert len(told) == 1
    assert LINK in told[0] and "false minimum" in told[0] and "rung 4" in told[0]


SILENT = {
    "another case": known(case="oats/reml"),
    "another engine": known(engine="blocked"),
}


@pytest.mark.parametrize("name", SILENT)
def test_an_entry_of_what_is_not_in_the_run_is_silent(name: str) -> None:
    done = accept(report_of(), [SILENT[name]])
    assert done.accepted == ()
    assert not done.broken


def test_an_entry_is_silent_where_its_engine_could_not_be_judged() -> None:
    nothing = [wrong(k, Diagnosis.NONE, None, Verdict.UNSUPPORTED) for k in range(1, 6)]
    report = replace(report_of(), comparisons=tuple(nothing))
    assert accept(report, [known()]).accepted == ()


def test_one_finding_for_each_cause() -> None:
    second = wrong(5, Diagnosis.CONVENTION, 1.0)
    report = report_of(*FALSE, second)
    assert [(c.diagnosis, c.rung, len(c.comparisons)) for c in causes(report.comparisons)] == [
        (Diagnosis.FALSE_MINIMUM, 4, 3),
        (Diagnosis.CONVENTION, 5, 1),
    ]
    told = [f.text for f in findings(accept(report, [known()]))]
    assert told == [
        "wrong, convention: rung 5 (estimates), quantity of rung 5: seen",
        "wrong, false minimum: stops 40 above the certified optimum 960.000000; it says: singular fit; and 2 more "
        f"comparisons from the same cause; accepted: {LINK}",
    ]


def test_a_stop_far_above_the_optimum_is_told_whatever_breaks_first() -> None:
    """The same cause from rung 3 on; a stop that breaks nothing; and one whose size follows from the digits."""
    stop = "stops 40 above the certified optimum 960.000000"
    first = wrong(3, Diagnosis.FALSE_MINIMUM)
    assert [f.text for f in findings(report_of(first, *FALSE))] == [
        f"wrong, false minimum: rung 3 (criterion), quantity of rung 3: seen; it {stop}; and 3 more comparisons from "
        "the same cause"
    ]
    early = wrong(4, Diagnosis.STOP, 1.4, Verdict.EARLY)
    assert [f.text for f in findings(report_of(early))] == [f"{stop}; it says: singular fit"]
    alone = replace(early, digits=2.0)
    assert [f.text for f in findings(report_of(alone, scores=()))] == [
        "stops 10 above the optimum; it says: singular fit"
    ]
    near = replace(SCORE, optimiser_error=9e-7)
    assert findings(report_of(early, scores=(near,))) == ()


def test_an_engine_that_fails_on_every_rung_is_one_finding() -> None:
    fails = [replace(wrong(k, Diagnosis.NONE, None, Verdict.FAILED), evidence="it left") for k in range(1, 6)]
    assert [f.text for f in findings(report_of(*fails, scores=()))] == [
        "failed: rung 1 (data), quantity of rung 1: it left; and 4 more comparisons from the same cause"
    ]


def written(**changes: object) -> str:
    """One entry as TOML; None leaves a key out."""
    lines = [f"{key} = {value}" for key, value in ({**QUOTED, **changes}).items() if value is not None]
    return "\n".join(["[[accepted]]", *lines, ""])


QUOTED = {key: value if isinstance(value, int | float) else f'"{value}"' for key, value in ENTRY.items()}


def test_a_list_is_read() -> None:
    text = written(why='"the chart has a fold"', size=1) + written(case='"oats/reml"')
    first, second = read(text.encode(), "mixed.toml")
    assert first == known(size=1.0, why="the chart has a fold")
    assert second == known(case="oats/reml")
    assert read(b"# nothing is known\n", "mixed.toml") == ()


GOOD = written(case='"oats/reml"')
BAD = {
    "no rung": (written(rung=None), "entry 2: rung is missing"),
    "rung 7": (written(rung=7), "entry 2, rung: must be one of 1, 2, 3, 4, 5, 6, not 7"),
    "rung as text": (written(rung='"4"'), "entry 2, rung: must be one of 1, 2, 3, 4, 5, 6, not '4'"),
    "rung true": (written(rung="true"), "entry 2, rung: must be one of 1, 2, 3, 4, 5, 6, not True"),
    "unknown diagnosis": (written(diagnosis='"bad luck"'), "entry 2, diagnosis: must be one of 'other data', "),
    "no diagnosis": (written(diagnosis='""'), "entry 2, diagnosis: must be one of"),
    "a list": (written(diagnosis="[1]"), "entry 2, diagnosis: must be one of"),
    "size 0": (written(size=0), "entry 2, size: must be a number above 0, not 0"),
    "size nan": (written(size="nan"), "entry 2, size: must be a number above 0, not nan"),
    "size inf": (written(size="inf"), "entry 2, size: must be a number above 0, not inf"),
    "size true": (written(size="true"), "entry 2, size: must be a number above 0, not True"),
    "an empty link": (written(link='" "'), "entry 2, link: must be a text, not ' '"),
    "a case that is a number": (written(case=3), "entry 2, case: must be a text, not 3"),
    "why a number": (written(why=3), "entry 2, why: must be a text, not 3"),
    "an unknown key": (written(colour='"red"'), "entry 2, 'colour': not known; there are engine, case, rung"),
    "twice": (written(case='"oats/reml"'), "entry 2: it repeats entry 1; remove one"),
    "another table": ("[expected]\n", "'expected' is not known; write entries under [[accepted]]"),
    "no TOML": ("[[accepted]\n", "is not TOML: "),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_list_is_refused_in_one_line_that_says_where(name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(AcceptedError) as caught:
        read((GOOD + text).encode(), "mixed.toml")
    assert re.match(r"mixed\.toml[, :]?", str(caught.value))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"accepted = 3\n", b"[accepted]\n", b"a = " + b"[" * 5000])
def test_what_is_no_list_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(AcceptedError, match=r"\Amixed\.toml[^\n]*\Z"):
        read(content, "mixed.toml")


def test_lists_of_a_user_come_after_the_shipped_ones(tmp_path: Path) -> None:
    mine = tmp_path / "mixed.toml"
    mine.write_text(written(), encoding="utf-8")
    shipped = known_failures()
    assert known_failures([mine]) == (*shipped, known())
    again = tmp_path / "again.toml"
    again.write_text(written(size=3), encoding="utf-8")
    assert known_failures([mine, again]) == (*shipped, known(size=3.0))


def test_the_shipped_lists_name_cases_and_engines_that_exist() -> None:

    names = {case.name for case in cases("*")}
    for entry in known_failures():
        assert entry.case in names and entry.engine in engine_names()
        assert entry.link.startswith("https://") or entry.why
