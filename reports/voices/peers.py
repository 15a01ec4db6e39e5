"""The page on other people's packages: where each stands, what it gets wrong, and the verdict on every case."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from relmer.reports.causes import Cause, causes, relative_error, scale_of
from relmer.reports.records import EngineUsed, Report
from relmer.reports.text import number
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.reports.voices.markdown import escape, table
from relmer.reports.voices.summary import Standing, rung_name, standings

RIGHT = (Verdict.AGREE, Verdict.WITHIN)
ORDER = (Verdict.WRONG, Verdict.FAILED, Verdict.EARLY, Verdict.WITHIN, Verdict.AGREE, Verdict.UNSUPPORTED)
OPTIMUM = 4
PART = "partial"


def peers_page(report: Report, peers: Sequence[str]) -> str:
    """Render the page on the engines of these names; those that could not be asked have the reason."""
    told = {engine.name: engine for engine in report.engines if engine.name in peers}
    used = [engine for engine in told.values() if not engine.note]
    names = [engine.name for engine in used]
    absent = {name: told[name].note if name in told else "not asked in this run" for name in peers if name not in names}
    found = standings(report)
    parts = [
        "# Other people's packages",
        f"What each package of [engines.md](engines.md) says of {number(len(report.cases), 'case')}, judged live. "
        "`nox -s peers` brings the packages that it can, runs them, and makes this page of their report; by hand",
        f"    {report.command}\n    relmer peers relmer-report --out docs/peers.md",
        "[report.md](report.md) says what the verdicts are. The adapters ask a package as its users do, by its "
        "defaults; it is given y, X and Z as numbers.",
        *([f"This page is of a part: {escape(report.environment[PART])}."] if PART in report.environment else []),
        "## Who was asked",
        table(("engine", "version", "beside"), ([e.name, e.version, surroundings(e)] for e in used)),
        "Not asked:",
        table(("engine", "why"), absent.items()),
        "## Where they stand",
        "Cases by the worst verdict on any rung. *Right* is `agree` or `within`, of those that the package can fit.",
        table(("engine", "right", *ORDER), (stood(report, name, found) for name in names)),
        "## What is wrong",
        "By the first rung that breaks and the diagnosis; of the cases the one where the error is largest: at rung 4 "
        "in units of the criterion, elsewhere relative.",
        table(("engine", "rung", "diagnosis", "on", "worst", "error", "evidence there"), wrongs(report, names)),
        "## What failed, and what is not supported",
        table(("engine", "verdict", "on", "it says", "cases"), refusals(report, names)),
        "## Case by case",
        "What is wrong is followed by its first rung and diagnosis.",
        table(("case", *names), cells(report, names, found)),
    ]
    return "\n\n".join(parts) + "\n"


def surroundings(engine: EngineUsed) -> str:
    """What it stands on: R, or Python."""
    names = ("R", "lme4", "Matrix") if "R" in engine.environment else ("Python", "numpy", "scipy")
    return ", ".join(f"{name} {engine.environment[name]}" for name in names if name in engine.environment)


def stood(report: Report, name: str, found: Mapping[tuple[str, str], Standing]) -> list[str]:
    """An engine, on how many of the cases that it can fit it is right, and how many have which verdict."""
    seen = Counter(found[case.name, name].verdict for case in report.cases if (case.name, name) in found)
    can = len(report.cases) - seen[Verdict.UNSUPPORTED]
    return [name, f"{sum(seen[verdict] for verdict in RIGHT)} of {can}", *(str(seen[verdict]) for verdict in ORDER)]


def wrongs(report: Report, names: Sequence[str]) -> Iterator[list[str]]:
    """What is wrong, by engine, rung and diagnosis, the most frequent first; a case counts where it first breaks."""
    first: dict[tuple[str, str], Cause] = {}
    for cause in causes(report.comparisons):
        if cause.engine in names and cause.verdict is Verdict.WRONG:
            before = first.setdefault((cause.case, cause.engine), cause)
            first[cause.case, cause.engine] = min(before, cause, key=lambda one: one.rung)
    gathered: dict[tuple[str, int, Diagnosis], list[Cause]] = {}
    for cause in first.values():
        gathered.setdefault((cause.engine, cause.rung, cause.diagnosis), []).append(cause)
    for (name, rung, diagnosis), found in sorted(
        gathered.items(), key=lambda pair: (names.index(pair[0][0]), -len(pair[1]))
    ):
        sizes = {cause: scale_of(report, cause.case, name).size(cause) for cause in found}
        worst = max(found, key=sizes.__getitem__)
        told = worst.teller if rung != OPTIMUM else worst.first[0]
        error = sizes[worst] if rung == OPTIMUM else relative_error(told)
        yield [name, rung_name(rung), diagnosis, number(len(found), "case"), worst.case, f"{error:.1e}", told.evidence]


def refusals(report: Report, names: Sequence[str]) -> Iterator[list[str]]:
    """What failed or is not supported, by what the engine says, with the cases."""
    gathered: dict[tuple[str, str, str], list[str]] = {}
    for said in report.answers:
        if said.engine in names and said.status in (Verdict.FAILED, Verdict.UNSUPPORTED):
            gathered.setdefault((said.engine, said.status, said.message), []).append(said.case)
    for (name, status, message), found in sorted(
        gathered.items(), key=lambda pair: (names.index(pair[0][0]), pair[0][1], -len(pair[1]))
    ):
        yield [name, status, number(len(found), "case"), message, ", ".join(found)]


def cells(report: Report, names: Sequence[str], found: Mapping[tuple[str, str], Standing]) -> Iterator[list[str]]:
    """The verdicts on every case."""
    for case in report.cases:
        yield [case.name, *(cell(found.get((case.name, name))) for name in names)]


def cell(one: Standing | None) -> str:
    """A verdict; what is wrong with its first rung and diagnosis."""
    if one is None:
        return ""
    told = f": {one.rung.split()[0]} {one.diagnosis}" if one.verdict is Verdict.WRONG else ""
    return f"{one.verdict}{told}"
