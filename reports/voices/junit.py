"""A run as JUnit XML, for continuous-integration services: a suite per case, a test per comparison."""

from collections import Counter
from xml.etree import ElementTree

from relmer.reports.records import CaseRun, Comparison, Report, Score
from relmer.reports.text import digits_text, printable
from relmer.reports.verdicts import Outcome
from relmer.reports.voices.summary import against, rung_name


def junit(report: Report) -> str:
    """Render `junit.xml`: what breaks fails or is an error; a test that passes has its evidence as output."""
    root = ElementTree.Element("testsuites", {"name": "relmer", **totals(report.comparisons)})
    for case in report.cases:
        root.append(suite(report, case))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def suite(report: Report, case: CaseRun) -> ElementTree.Element:
    """One case, with the facts that identify it and the engines as properties."""
    judged = tuple(c for c in report.comparisons if c.case == case.name)
    named = {"name": printable(case.name), "timestamp": printable(report.created)}
    element = ElementTree.Element("testsuite", {**named, **totals(judged)})
    facts = {
        "relmer": report.version,
        "formula": case.formula,
        "REML": str(case.REML).lower(),
        "dataset": case.dataset,
        "dataset_sha256": case.dataset_sha256,
        **{f"engine {engine.name}": f"{engine.version} ({engine.source})" for engine in report.engines},
    }
    facts |= {f"score {score.engine}": told(score) for score in report.scores if score.case == case.name}
    properties = ElementTree.SubElement(element, "properties")
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=printable(name), value=printable(value))
    # Some services drop a test whose name they have seen before.
    names: Counter[str] = Counter()
    for comparison in judged:
        name = printable(f"{comparison.engine} · rung {rung_name(comparison.rung)} · {comparison.quantity}")
        names[name] += 1
        unique = name if names[name] == 1 else f"{name} ({names[name]})"
        element.append(testcase(comparison, unique))
    return element


def told(score: Score) -> str:
    """A score in one line."""
    digits = ", ".join(f"{name} {digits_text(value)}" for name, value in score.digits.items())
    return f"{score.optimality}; digits against {score.certificate} ({score.level}): {digits}"


def testcase(comparison: Comparison, name: str) -> ElementTree.Element:
    """One comparison, under a name that is unique in its suite."""
    element = ElementTree.Element("testcase", classname=printable(comparison.case), name=name)
    evidence = printable(comparison.evidence)
    digits = digits_text(comparison.digits)
    told = f"{comparison.verdict} · against {against(comparison)}" + (f" · {digits} digits" if digits else "")
    text = f"{evidence}\n{printable(told)}"
    ended = comparison.verdict.junit
    match ended:
        case Outcome.PASSED:
            ElementTree.SubElement(element, ended).text = text
        case Outcome.SKIPPED:
            ElementTree.SubElement(element, ended, message=evidence)
        case _:
            ElementTree.SubElement(element, ended, type=comparison.verdict, message=evidence).text = text
    return element


def totals(comparisons: tuple[Comparison, ...]) -> dict[str, str]:
    """The counts that a suite states about itself."""
    seen = Counter(c.verdict.junit for c in comparisons)
    return {
        "tests": str(len(comparisons)),
        "failures": str(seen[Outcome.FAILURE]),
        "errors": str(seen[Outcome.ERROR]),
        "skipped": str(seen[Outcome.SKIPPED]),
    }
