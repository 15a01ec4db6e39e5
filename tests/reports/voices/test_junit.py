"""junit.xml, parsed back."""

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import FailOn, FigureVerdict, Verdict
from relmer.reports.voices.junit import junit

ELEMENTS = {
    Verdict.WRONG: "failure",
    Verdict.FAILED: "error",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.NOT_GIVEN: "skipped",
    Verdict.AGREE: "system-out",
    Verdict.WITHIN: "system-out",
    Verdict.EARLY: "system-out",
}
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped", "tests": "testcase"}


def test_every_comparison_is_one_test_with_the_right_outcome(report):
    root = ElementTree.fromstring(junit(report))
    tests = list(root.iter("testcase"))
    compared = [test for test in tests if " · rung " in test.get("name")]
    assert len(compared) == len(report.comparisons)
    for comparison, test in zip(report.comparisons, compared, strict=True):
        (outcome,) = test
        assert seen(test.get("classname")) == seen(comparison.case)
        assert outcome.tag == ("skipped" if comparison.accepted else ELEMENTS[comparison.verdict])
        if comparison.accepted:
            assert outcome.get("message").startswith(f"accepted: {printable(comparison.accepted)}; ")
        if comparison.diagnosis:
            assert comparison.diagnosis in (outcome.get("type") or "") + (outcome.text or "")
        assert seen(comparison.engine) in seen(test.get("name"))
        assert seen(comparison.quantity) in seen(test.get("name"))
        assert seen(comparison.evidence) in seen((outcome.get("message") or "") + (outcome.text or ""))


def seen(text):
    """A string as XML carries it, whatever its white space."""
    return " ".join(printable(text).split())


def test_names_follow_the_ladder(make_report):
    test = ElementTree.fromstring(junit(make_report(1))).find("testsuite/testcase")
    assert test.get("name") == "pls · rung 1 data · rows"
    assert test.get("classname") == "sleepstudy/REML"


def test_counts_are_those_of_the_elements(report):
    root = ElementTree.fromstring(junit(report))
    assert len(root) == len(report.cases)
    for element in (root, *root):
        for attribute, tag in COUNTED.items():
            assert int(element.get(attribute)) == sum(1 for _ in element.iter(tag)), (
                attribute,
                element.get("name"),
            )
    unaccepted = sum(c.verdict is Verdict.WRONG and not c.accepted for c in report.comparisons)
    stale = sum(known.stale for known in report.accepted)
    figures = len({(f.case, f.quantity, f.printed) for f in report.figures if f.verdict.means.breaks and f.case})
    assert int(root.get("failures")) == unaccepted + stale + figures > 0


def test_names_are_unique_within_a_suite(make_report):
    report = make_report(1)
    doubled = replace(report, comparisons=report.comparisons * 3)
    names = Counter(test.get("name") for test in ElementTree.fromstring(junit(doubled)).iter("testcase"))
    assert set(names.values()) == {1}


def test_a_suite_says_what_was_fitted_by_which_version(make_report):
    report = make_report(1)
    suite = ElementTree.fromstring(junit(report)).find("testsuite")
    told = {item.get("name"): item.get("value") for item in suite.iter("property")}
    assert told["formula"] == "Reaction ~ Days + (Days | Subject)"
    assert told["dataset_sha256"] == report.cases[0].dataset_sha256
    assert told["engine lme4-tight"] == "1.1-31 (recorded)"
    (score,) = [score for score in report.scores if score.engine == "lme4"]
    expected = (
        f"stopped early; digits against sleepstudy.REML (global-proved): theta {digits_text(score.digits['theta'])}, "
    )
    assert told["score lme4"].startswith(expected)


CHOICES = {
    FailOn.EARLY: lambda c: c.verdict is Verdict.EARLY,
    FailOn.WITHIN: lambda c: c.verdict is Verdict.WITHIN,
    FailOn.ACCEPTED: lambda c: bool(c.accepted),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_what_one_fails_on_is_a_failure_here_too(choice, make_report):
    report = make_report(10)
    usual = {test.get("name") for test in failures(report)}
    chosen = failures(replace(report, fail_on=(choice,)))
    assert len(chosen) - len(failures(report)) == sum(map(CHOICES[choice], report.comparisons)) > 0
    assert usual <= {test.get("name") for test in chosen}


def failures(report):
    """The tests that fail."""
    return [test for test in ElementTree.fromstring(junit(report)).iter("testcase") if test.find("failure") is not None]


def test_a_figure_that_nothing_reproduces_fails(make_report):
    report = make_report(1)
    first, *rest = report.figures
    wrong = replace(report, figures=(replace(first, verdict=FigureVerdict.WRONG, evidence="no fit gives it"), *rest))
    (more,) = [test for test in failures(wrong) if test not in failures(report)][-1:]
    assert more.get("name") == "document 000 · beta[(Intercept)]"
    assert more.find("failure").get("message") == "no fit gives it"
    assert len(failures(wrong)) == len(failures(report)) + 1


def test_drift_fails_where_one_chooses_so(make_report):
    report = make_report(3)
    moved = [test for test in failures(replace(report, fail_on=(FailOn.DRIFT,))) if "drift" in test.get("name")]
    assert len(moved) == len(report.drift) > 0
    assert moved[0].find("failure").get("message") == "recorded 1743.628271959952, now 1743.628271959951"


def test_a_stale_acceptance_fails(make_report):
    report = make_report(3)
    stale = replace(report, accepted=(replace(report.accepted[0], stale=True),))
    (more,) = [test for test in failures(stale) if "accepted" in test.get("name")]
    assert more.get("classname") == "Penicillin/REML"
    assert len(failures(stale)) == len(failures(report)) + 1


def test_a_suite_has_the_warnings_of_every_engine(make_report):
    suites = ElementTree.fromstring(junit(make_report(5))).findall("testsuite")
    told = [{p.get("name"): p.get("value") for p in suite.iter("property")} for suite in suites]
    assert told[4]["warnings lme4"] == "boundary (singular) fit: see help('isSingular')"
    assert not [name for name in told[0] if name.startswith("warnings")]


@pytest.mark.parametrize(
    "character", ["\x00", "\x08", "\x0b", "\x1b", "\x7f", "\x85", "\ud800", "\udfff", "\ufffe", "\uffff"]
)
def test_characters_that_xml_forbids_or_a_terminal_obeys_are_dropped(character, make_report):
    report = make_report(1)
    first = replace(report.comparisons[0], evidence=f"before{character}after", verdict=Verdict.WRONG)
    text = junit(replace(report, comparisons=(first,)))
    assert ElementTree.fromstring(text.encode()).find(".//failure").get("message") == "beforeafter"


def test_other_characters_stay(make_report):
    report = make_report(1)
    evidence = "θ ≤ 1 & <σ²> \t 𝜎 ]]> \U0001f600"
    first = replace(report.comparisons[0], evidence=evidence, verdict=Verdict.AGREE)
    root = ElementTree.fromstring(junit(replace(report, comparisons=(first,))))
    assert root.find(".//system-out").text.startswith(evidence)
