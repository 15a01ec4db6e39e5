"""A run as JUnit XML, for continuous-integration services: a suite per case, a test per comparison."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from xml.etree import ElementTree

from relmer.reports.causes import wrong_figures
from relmer.reports.records import CaseRun, Comparison, Report, Score
from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import FailOn, Outcome
from relmer.reports.voices.summary import against, rung_name, source, told

STALE = "the accepted failure is stale: nothing of the kind was found; remove the entry"


def junit(report: Report) -> str:
    """Render `junit.xml`: what breaks fails or is an error, and what is accepted is skipped.

    A test that passes has its evidence as output.
    """
    suites = [suite(report, case) for case in report.cases]
    root = ElementTree.Element("testsuites", {"name": "relmer", **totals(suites)})
    root.extend(suites)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def suite(report: Report, case: CaseRun) -> ElementTree.Element:
    """One case, with the facts that identify it and the engines as properties."""
    judged = tuple(c for c in report.comparisons if c.case == case.name)
    element = ElementTree.Element("testsuite", name=printable(case.name), timestamp=printable(report.created))
    facts = {
        "relmer": report.version,
        "formula": case.model,
        "REML": str(case.REML).lower(),
        "dataset": case.dataset,
        "dataset_sha256": case.dataset_sha256,
        **{f"engine {engine.name}": f"{engine.version} ({engine.source})" for engine in report.engines},
    }
    facts |= {f"score {score.engine}": scored(score) for score in report.scores if score.case == case.name}
    said = [said for said in report.answers if said.case == case.name and said.warnings]
    facts |= {f"warnings {one.engine}": "; ".join(one.warnings) for one in said}
    properties = ElementTree.SubElement(element, "properties")
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=printable(name), value=printable(value))
    # Some services drop a test whose name they have seen before.
    names: Counter[str] = Counter()
    for test in (*(testcase(report, comparison) for comparison in judged), *others(report, case)):
        name = test.get("name", "")
        names[name] += 1
        test.set("name", name if names[name] == 1 else f"{name} ({names[name]})")
        element.append(test)
    element.attrib |= totals([element])
    return element


def scored(score: Score) -> str:
    """A score in one line."""
    digits = ", ".join(f"{name} {digits_text(value)}" for name, value in score.digits.items())
    return f"{score.optimality}; digits against {score.certificate} ({score.level}): {digits}"


def testcase(report: Report, comparison: Comparison) -> ElementTree.Element:
    """One comparison."""
    name = printable(f"{comparison.engine} · rung {rung_name(comparison.rung)} · {comparison.quantity}")
    element = ElementTree.Element("testcase", classname=printable(comparison.case), name=name)
    evidence = printable(comparison.evidence)
    digits = digits_text(comparison.digits)
    said = f"{told(comparison)} · against {against(comparison)}" + (f" · {digits} digits" if digits else "")
    text = f"{evidence}\n{printable(said)}"
    ended = outcome(report, comparison)
    match ended:
        case Outcome.PASSED:
            ElementTree.SubElement(element, ended).text = text
        case Outcome.SKIPPED if comparison.accepted:
            link = printable(comparison.accepted)
            ElementTree.SubElement(element, ended, message=f"accepted: {link}; {evidence}").text = text
        case Outcome.SKIPPED:
            ElementTree.SubElement(element, ended, message=evidence)
        case _:
            kind = printable(", ".join(filter(None, (comparison.verdict, comparison.diagnosis))))
            ElementTree.SubElement(element, ended, type=kind, message=evidence).text = text
    return element


def outcome(report: Report, comparison: Comparison) -> Outcome:
    """How the test of a comparison ends in this run: what is accepted is skipped, what one fails on fails."""
    ended = comparison.verdict.junit
    if report.fails(comparison):
        return ended if comparison.verdict.breaks else Outcome.FAILURE
    return Outcome.SKIPPED if comparison.accepted else ended


def others(report: Report, case: CaseRun) -> Iterator[ElementTree.Element]:
    """What breaks the run without being a comparison: printed figures, stale acceptances, and drift if one chooses."""
    here = partial(filter, lambda record: record.case == case.name)
    figures = here(wrong_figures(report))
    stale = [k for k in here(report.accepted) if k.stale]
    drift = here(report.drift) if FailOn.DRIFT in report.fail_on else ()
    found = [
        *((f"{source(f)} · {f.quantity}", f.verdict, f.evidence) for f in figures),
        *((f"{k.engine} · accepted · {k.diagnosis}", "stale", STALE) for k in stale),
        *((f"{d.engine} · drift · {d.quantity}", "drift", f"recorded {d.recorded}, now {d.live}") for d in drift),
    ]
    for name, kind, message in found:
        element = ElementTree.Element("testcase", classname=printable(case.name), name=printable(name))
        ElementTree.SubElement(element, Outcome.FAILURE, type=kind, message=printable(message))
        yield element


def totals(suites: Iterable[ElementTree.Element]) -> dict[str, str]:
    """The counts that a suite states about itself."""
    tests = [test for element in suites for test in element.iter("testcase")]
    ended = Counter(part.tag for test in tests for part in test)
    return {
        "tests": str(len(tests)),
        "failures": str(ended[Outcome.FAILURE]),
        "errors": str(ended[Outcome.ERROR]),
        "skipped": str(ended[Outcome.SKIPPED]),
    }
