"""junit.xml, parsed back."""

import re
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


def rungs(report):
    """The comparisons of each test, by the key of case, engine and rung."""
    found = {}
    for c in report.comparisons:
        found.setdefault((seen(c.case), seen(c.engine), c.rung), []).append(c)
    return found


def compared(root):
    """The tests of rungs by the same key."""
    tests = [test for test in root.iter("testcase") if " · rung " in test.get("name")]
    names = [test.get("name").rpartition(" · rung ") for test in tests]
    keys = [
        (seen(t.get("classname")), seen(name), int(rung[0])) for t, (name, _, rung) in zip(tests, names, strict=True)
    ]
    return list(zip(keys, tests, strict=True))


def ends(comparison):
    """How a test of this comparison alone ends."""
    return "skipped" if comparison.accepted else ELEMENTS[comparison.verdict]


def test_every_rung_is_one_test_with_the_outcome_of_its_worst_comparison(report):
    expected, tests = rungs(report), compared(ElementTree.fromstring(junit(report)))
    assert sorted(key for key, _ in tests) == sorted(expected)
    for key, test in tests:
        (outcome,) = test
        told = [c for c in expected[key] if c.verdict.judged or c.verdict.breaks] or expected[key]
        ending = min(map(ends, told), key=["failure", "error", "skipped", "system-out"].index)
        assert outcome.tag == ending
        text = seen((outcome.get("message") or "") + (outcome.get("type") or "") + (outcome.text or ""))
        if ending in ("failure", "error"):
            broken = [c for c in expected[key] if c.breaks]
            assert broken, "only what breaks fails"
            assert len(text) > 2000 or all(seen(c.evidence) in text and seen(c.quantity) in text for c in broken)
            assert all(c.diagnosis in text for c in broken)
        if ending == "skipped" and any(c.accepted for c in told):
            links = {f"accepted: {printable(c.accepted)}; " for c in told if c.accepted}
            assert outcome.get("message").startswith(tuple(links))
        if ending != "skipped" or any(c.accepted for c in told):
            counted = sum(
                int(part.split()[0]) for part in re.findall(r"(?:^|, )(\d+ \w+)", (outcome.text or "").split("\n")[0])
            )
            assert counted == len(expected[key])


def seen(text):
    """A string as XML carries it, whatever its white space."""
    return " ".join(printable(text).split())


def test_names_follow_the_ladder(make_report):
    test = ElementTree.fromstring(junit(make_report(1))).find("testsuite/testcase")
    assert test.get("name") == "pls · rung 1 data"
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
    unaccepted = sum(any(c.verdict is Verdict.WRONG and c.breaks for c in of) for of in rungs(report).values())
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
    FailOn.DISAGREE: lambda c: c.verdict is Verdict.WRONG,
}


@pytest.mark.parametrize("choice", CHOICES)
def test_what_one_fails_on_is_a_failure_here_too(choice, make_report):
    report = make_report(10)
    chosen = replace(report, fail_on=(choice,))
    failed, usual = ({key for key, test in compared(root(one)) if test[0].tag == "failure"} for one in (chosen, report))
    more = {key for key, of in rungs(report).items() if any(map(CHOICES[choice], of))}
    assert more
    assert failed == usual | more


@pytest.mark.parametrize("digits", [0.5, 3.0, 7.5, 12.0, 16.0])
def test_too_few_digits_are_a_failure_here_too(digits, make_report):
    report = replace(make_report(10), fewest_digits=digits)
    few = {key: [c for c in of if c.digits is not None and c.digits < digits] for key, of in rungs(report).items()}
    for key, test in compared(root(report)):
        if few[key]:
            assert test[0].tag in ("failure", "error")
            assert test[0].tag == "error" or f"fewer than {digits:g} digits" in test[0].get("type")


def root(report):
    """The file, parsed."""
    return ElementTree.fromstring(junit(report))


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
    assert len(moved) == len({(d.case, d.engine) for d in report.drift}) > 0
    assert "1743.628271959952, now 1743.628271959951" in moved[0].find("failure").get("message")


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
    assert ElementTree.fromstring(text.encode()).find(".//failure").get("message") == f"{first.quantity}: beforeafter"


def test_other_characters_stay(make_report):
    report = make_report(1)
    evidence = "θ ≤ 1 & <σ²> \t 𝜎 ]]> \U0001f600"
    first = replace(report.comparisons[0], evidence=evidence, verdict=Verdict.WRONG)
    (failure,) = root(replace(report, comparisons=(first,))).iter("failure")
    assert f"{first.quantity}: {evidence} (wrong" in failure.text


def test_what_is_long_is_cut_with_a_pointer(make_report):
    report = make_report(2)
    long = tuple(replace(c, evidence="é" * 10**5, verdict=Verdict.WRONG, accepted="") for c in report.comparisons)
    said = tuple(replace(one, warnings=("w" * 10**6,)) for one in report.answers)
    whole = replace(report, comparisons=long, answers=said)
    longest = max(len(text) for part in root(whole).iter() for text in (part.text or "", *part.attrib.values()))
    assert longest <= 2000
    for failure in root(whole).iter("failure"):
        assert failure.get("message").endswith("… (the rest: report.html)")


def test_88_cases_of_12_engines_stay_far_below_4_megabytes(make_report):
    """A test is a case, an engine and a rung, however many comparisons: its size is bounded, and so is theirs."""
    report = make_report(1)
    first = report.comparisons[0]
    many = [
        replace(
            first, engine=f"engine-{k}", rung=rung, quantity=f"beta[{j}]", verdict=Verdict.EARLY, evidence="e" * 200
        )
        for k in range(12)
        for rung in (1, 2, 3, 4, 5)
        for j in range(12)
    ]
    size = len(junit(replace(report, comparisons=tuple(many))).encode())
    assert 88 * size < 2 * 10**6
