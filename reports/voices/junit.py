"""A run as JUnit XML, for continuous-integration services: a suite per case, a test per engine and rung."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from xml.etree import ElementTree

from relmer.reports.causes import STALE, wrong_figures
from relmer.reports.records import CaseRun, Comparison, Report, Score
from relmer.reports.text import cut, digits_text, printable
from relmer.reports.verdicts import FailOn, Outcome
from relmer.reports.voices.answer import drift_told, drifts_of
from relmer.reports.voices.summary import against, badness, broken_by, rung_name, source, told

# Characters of a message, of a property's value, and of what a failing test tells of all that it fails by.
MESSAGE, VALUE, OUTPUT = 300, 300, 2000


def junit(report: Report) -> str:
    """Render `junit.xml`: a test per case, engine and rung; what breaks fails or is an error, accepted is skipped.

    What is long is cut: a test tells its worst comparison and counts the others, which `report.html` has.
    """
    suites = [suite(report, case) for case in report.cases]
    root = ElementTree.Element("testsuites", {"name": "relmer", **totals(suites)})
    root.extend(suites)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def suite(report: Report, case: CaseRun) -> ElementTree.Element:
    """One case, with the facts that identify it and the engines as properties."""
    rungs: dict[tuple[str, int], list[Comparison]] = {}
    for comparison in report.comparisons:
        if comparison.case == case.name:
            rungs.setdefault((comparison.engine, comparison.rung), []).append(comparison)
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
        ElementTree.SubElement(properties, "property", name=printable(name), value=cut(printable(value), VALUE))
    # Some services drop a test whose name they have seen before.
    names: Counter[str] = Counter()
    for test in (*(testcase(report, found) for found in rungs.values()), *others(report, case)):
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


def testcase(report: Report, comparisons: Sequence[Comparison]) -> ElementTree.Element:
    """The comparisons of one engine on one rung of one case."""
    worst = min(comparisons, key=partial(gravity, report))
    name = printable(f"{worst.engine} · rung {rung_name(worst.rung)}")
    element = ElementTree.Element("testcase", classname=printable(worst.case), name=name)
    evidence = cut(printable(f"{worst.quantity}: {worst.evidence}"), MESSAGE)
    seen = Counter(told(c) for c in comparisons)
    counted = printable(", ".join(f"{count} {what}" for what, count in seen.items()))
    ended = outcome(report, worst)
    match ended:
        case Outcome.PASSED:
            ElementTree.SubElement(element, ended).text = counted
        case Outcome.SKIPPED if worst.accepted:
            known = cut(f"accepted: {printable(worst.accepted)}; {evidence}", MESSAGE)
            ElementTree.SubElement(element, ended, message=known).text = counted
        case Outcome.SKIPPED:
            ElementTree.SubElement(element, ended, message=evidence)
        case _:
            failing = sorted(filter(report.fails, comparisons), key=badness)
            kind = printable(broken_by(report, worst))
            text = cut("\n".join([counted, *map(sentence, failing)]), OUTPUT)
            ElementTree.SubElement(element, ended, type=kind, message=evidence).text = text
    return element


def gravity(report: Report, comparison: Comparison) -> tuple[int, tuple[int, float]]:
    """Sort key: what breaks this run first, then what is accepted, then what agrees; what was not compared last."""
    place = (Outcome.FAILURE, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASSED).index(outcome(report, comparison))
    compared = comparison.verdict.judged or comparison.verdict.breaks
    return place if compared or report.fails(comparison) else len(Outcome), badness(comparison)


def sentence(comparison: Comparison) -> str:
    """A comparison in a line."""
    digits = digits_text(comparison.digits)
    said = f"{told(comparison)}, against {against(comparison)}" + (f", {digits} digits" if digits else "")
    return printable(f"{comparison.quantity}: {comparison.evidence} ({said})")


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
    moved = replace(report, drift=tuple(here(report.drift)) if FailOn.DRIFT in report.fail_on else ())
    found = [
        *((f"{source(f)} · {f.quantity}", f.verdict, f.evidence) for f in figures),
        *((f"{k.engine} · accepted · {k.what}", "stale", STALE) for k in stale),
        *((f"{engine} · drift", "drift", drift_told(drifts)) for engine, drifts in drifts_of(moved).items()),
    ]
    for name, kind, message in found:
        element = ElementTree.Element("testcase", classname=printable(case.name), name=printable(name))
        ElementTree.SubElement(element, Outcome.FAILURE, type=kind, message=cut(printable(message), MESSAGE))
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
