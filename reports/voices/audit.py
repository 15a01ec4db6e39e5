"""Evidence for an auditor: requirement, test, evidence, verdict; what the run depended on; how it is made again.

`audit.md` ends with a table in the columns of CAMIS, which compares analyses between programs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from relmer.reports.records import RUNGS, CaseRun, Comparison, EngineUsed, Report
from relmer.reports.text import digits_text, number, printable
from relmer.reports.verdicts import FailOn, Verdict
from relmer.reports.voices.markdown import escape, table
from relmer.reports.voices.report_json import content_sha256
from relmer.reports.voices.summary import WORST_FIRST, Standing, badness, counts, lowest_digits, standings

REQUIRED = {
    1: ("sees the rows, the response and the groups of the data file", "compared bit by bit"),
    2: (
        "builds the model matrices, the terms and the names of the formula",
        "compared bit by bit, computed columns to rounding",
    ),
    3: ("computes the criterion at a given theta", "at shared theta, without an optimiser, to rounding"),
    4: ("stops at the optimum", "the criterion at its theta, evaluated anew, less the certified or lowest one"),
    5: ("reports right estimates, standard errors and predictions", "to what its stop and rounding leave open"),
    6: (
        "concludes rightly from its fit: likelihood, degrees of freedom, tests",
        "at the theta where it stopped, to what rounding and differences for derivatives leave open",
    ),
}
CHECK = """grep -v -e '^ "created": ' -e '^ "sha256": ' report.json | sha256sum"""
TAKEN_OVER = "all of report.json but the lines of `created`, the one value that a repetition changes, and of `sha256`"


class Met(StrEnum):
    """Whether a requirement is met."""

    MET = "met"
    EARLY = "met but for early stops"
    KNOWN = "met but for known failures"
    UNMET = "not met"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Requirement:
    """A requirement on an engine, and what the run found of it.

    Attributes
    ----------
    number, text
        What is required.
    engines
        Of whom: those of which the same was seen; none if it is required of the run.
    test, evidence
        How it was tested, and what was seen.
    met
        What it comes to.
    case
        The case that says the most of it; empty if all say the same.
    """

    number: str
    text: str
    engines: tuple[str, ...]
    test: str
    evidence: str
    met: Met
    case: str = ""


def requirements(report: Report) -> tuple[Requirement, ...]:
    """What is required of every engine rung by rung, and of the run as a whole."""
    judged = dict.fromkeys(c.engine for c in report.comparisons)
    rungs = [of_rung(report, engine, rung) for rung in RUNGS for engine in judged]
    return (*together([*rungs, *(answered(report, engine) for engine in judged)]), *of_run(report))


def together(found: Sequence[Requirement]) -> Iterator[Requirement]:
    """Engines of which the same was seen stand together."""
    same: dict[Requirement, list[str]] = {}
    for each in found:
        same.setdefault(replace(each, engines=()), []).extend(each.engines)
    return (replace(each, engines=tuple(engines)) for each, engines in same.items())


def of_rung(report: Report, engine: str, rung: int) -> Requirement:
    """A requirement of one rung."""
    own = [c for c in report.comparisons if c.engine == engine and c.rung == rung]
    known = [c for c in own if c.verdict.judged or c.verdict.breaks]
    text, test = REQUIRED[rung]
    seen = {verdict: sum(c.verdict is verdict for c in own) for verdict in WORST_FIRST}
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in seen.items() if count)
    worst = min(known, key=badness, default=None)
    evidence, case = told, ""
    if worst is not None and worst.verdict is not Verdict.AGREE:
        evidence, case = f"{told}; the worst {worst.quantity}: {worst.evidence}", worst.case
    elif (fewest := lowest_digits(known)) is not None:
        evidence = f"{told}; {digits_text(fewest)} digits at least"
    cases = number(len({c.case for c in own}), "case")
    return Requirement(
        number=f"R{rung}",
        text=text,
        engines=(engine,),
        test=f"{test}: {number(len(own), 'comparison')} on {cases}",
        evidence=evidence,
        met=met(known),
        case=case,
    )


def met(known: Sequence[Comparison]) -> Met:
    """What some comparisons come to."""
    if not known:
        return Met.UNTESTED
    if any(c.breaks for c in known):
        return Met.UNMET
    if any(c.accepted for c in known):
        return Met.KNOWN
    return Met.EARLY if any(c.verdict is Verdict.EARLY for c in known) else Met.MET


def answered(report: Report, engine: str) -> Requirement:
    """Whether an engine answers every case that it is for."""
    own = [c for c in report.comparisons if c.engine == engine]
    failed = sorted({c.case for c in own if c.verdict is Verdict.FAILED})
    none = sorted({c.case for c in own} - {c.case for c in own if c.verdict.judged} - set(failed))
    told = [f"{number(len({c.case for c in own}) - len(failed) - len(none), 'case')} answered"]
    told += [
        f"{verdict} on {number(len(some), 'case')}"
        for verdict, some in ((Verdict.FAILED, failed), (Verdict.UNSUPPORTED, none))
        if some
    ]
    return Requirement(
        number=f"R{len(RUNGS) + 1}",
        text="answers, or says that it cannot",
        engines=(engine,),
        test="an answer of every case asked for",
        evidence="; ".join(told),
        met=Met.UNMET if failed else Met.MET,
        case=failed[0] if failed else "",
    )


def of_run(report: Report) -> Iterator[Requirement]:
    """What is required of the run: printed figures, accepted failures, recordings; and what is not tested."""
    first = len(RUNGS) + 2
    wrong = [f for f in report.figures if f.verdict.means.breaks]
    yield Requirement(
        f"R{first}",
        "figures that documents print are reproduced",
        (),
        "recomputed, at half a unit of the last printed digit",
        f"{number(len(report.figures), 'figure')}, {len(wrong)} not reproduced",
        Met.UNTESTED if not report.figures else Met.UNMET if wrong else Met.MET,
        next((f.case for f in wrong), ""),
    )
    stale = [known for known in report.accepted if known.stale]
    yield Requirement(
        f"R{first + 1}",
        "every accepted failure is one that is found",
        (),
        "entries of the accepted failures against what is wrong",
        f"{number(len(report.accepted), 'entry', 'entries')}, {len(stale)} stale",
        Met.UNTESTED if not report.accepted else Met.UNMET if stale else Met.MET,
        next((known.case for known in stale), ""),
    )
    live = [engine.name for engine in report.engines if engine.source == "live"]
    moved = {d.engine for d in report.drift}
    yield Requirement(
        f"R{first + 2}",
        "live engines return what was recorded of them",
        (),
        "value by value, where there is a recording",
        f"{number(len(report.drift), 'quantity', 'quantities')} moved, of {', '.join(sorted(moved)) or 'none'}",
        Met.UNTESTED if not live else Met.UNMET if moved and FailOn.DRIFT in report.fail_on else Met.MET,
        report.drift[0].case if report.drift else "",
    )
    profiles = [c for c in report.comparisons if c.quantity == "profile interval"]
    broken = [c for c in profiles if c.verdict.breaks]
    yield Requirement(
        f"R{first + 3}",
        "profile intervals are right",
        (),
        "roots of the profile likelihood, of engines that are asked for it (lme4-profile)",
        f"{number(len(profiles), 'case', 'cases')}, {len(broken)} wrong",
        Met.UNTESTED if not profiles else Met.UNMET if broken else Met.MET,
        broken[0].case if broken else "",
    )


@dataclass(frozen=True)
class Data:
    """A data set of the run, its hash, and the cases that use it."""

    name: str
    sha256: str
    cases: tuple[str, ...]


def data_of(report: Report) -> tuple[Data, ...]:
    """The data of the run, each once."""
    found: dict[tuple[str, str], list[str]] = {}
    for case in report.cases:
        found.setdefault((case.dataset, case.dataset_sha256), []).append(case.name)
    return tuple(Data(name, sha256, tuple(cases)) for (name, sha256), cases in sorted(found.items()))


CAMIS = ("Analysis", "Supported R", "Supported Python", "Results Match", "Notes")


def camis(report: Report) -> tuple[tuple[str, ...], ...]:
    """A row of CAMIS's table for each case.

    An engine is of R or of Python by what it runs in, as its environment tells. Results match where every engine is
    equal to the reference within the stated tolerance; an early stop matches to the digits that it leaves.
    """
    found = standings(report)
    return tuple(
        camis_row(case, [(e, found.get((case.name, e.name))) for e in report.engines]) for case in report.cases
    )


def camis_row(case: CaseRun, standing: Sequence[tuple[EngineUsed, Standing | None]]) -> tuple[str, ...]:
    """One row."""
    stood = [(engine, s) for engine, s in standing if s is not None]

    def supported(word: str) -> str:
        asked = [
            (engine, s)
            for engine, s in stood
            if word in engine.environment and ("R" not in engine.environment or word == "R")
        ]
        able = [f"{engine.name} {engine.version}".strip() for engine, s in asked if s.verdict.judged]
        return f"Yes: {', '.join(able)}" if able else "No" if asked else "Not tested"

    wrong = [engine.name for engine, s in stood if s.verdict.breaks]
    early = [s.digits for _, s in stood if s.verdict is Verdict.EARLY and s.digits is not None]
    judged = [s for _, s in stood if s.verdict.judged]
    match = "Not tested" if not judged and not wrong else "Yes"
    if wrong:
        match = f"No: {', '.join(wrong)}"
    elif early:
        match = f"To {digits_text(min(early))} digits"
    notes = [
        f"{engine.name}: {s.diagnosis or s.verdict}{' (accepted)' if s.accepted else ''}"
        for engine, s in stood
        if s.verdict is not Verdict.AGREE
    ]
    return (
        f"{case.name}: {case.model}, {'REML' if case.REML else 'ML'}, {case.dataset}",
        supported("R"),
        supported("Python"),
        match,
        "; ".join(notes),
    )


def audit(report: Report) -> str:
    """Render `audit.md`."""
    rows = [
        [
            f"{each.number} {each.text}",
            told_of(each.engines),
            each.test,
            each.evidence,
            each.case,
            each.met,
        ]
        for each in requirements(report)
    ]
    seen = ", ".join(f"{count:,} {verdict}" for verdict, count in counts(report).items() if count)
    parts = [
        "# Evidence",
        f"relmer {escape(report.version)}, {escape(report.created)}. {seen or 'Nothing was compared'}.",
        "## Requirements",
        table(("requirement", "of", "test", "evidence", "case", "verdict"), rows),
        "## To repeat",
        "The run:",
        code(report.command or "not known"),
        f"The content of report.json has the SHA-256 {report.sha256 or content_sha256(report)}, "
        f"taken over {escape(TAKEN_OVER)}. "
        "To compute it again:",
        code(CHECK),
        "The certificates, by a program that shares no code with the solver:",
        code("relmer certify --verify"),
        "## Data",
        table(("data", "SHA-256", "cases"), [[d.name, d.sha256, ", ".join(d.cases)] for d in data_of(report)]),
        "## Environment",
        table(
            ("of", "what", "version"), [["the run", *item] for item in report.environment.items()] + of_engines(report)
        ),
        "## Comparison with other software",
        "In the columns of CAMIS. Of each case: who supports it, and whether all results match the reference.",
        table(CAMIS, camis(report)),
    ]
    return "\n\n".join(parts) + "\n"


def told_of(engines: Sequence[str]) -> str:
    """Of whom something is required."""
    return ", ".join(engines) or "the run"


def code(line: str) -> str:
    """A line of code."""
    return f"    {' '.join(printable(line).split())}"


def of_engines(report: Report) -> list[list[str]]:
    """The environment of every engine; those of one house that have the same stand together."""
    told: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for engine in report.engines:
        told.setdefault(tuple(engine.environment.items()), []).append(f"{engine.name} {engine.version} {engine.source}")
    return [[", ".join(names), *item] for items, names in told.items() for item in items]
