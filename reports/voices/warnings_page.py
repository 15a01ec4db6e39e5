"""The page of warnings: by engine and kind how often each is true, and how often an engine is wrong without a word."""

from collections import Counter
from collections.abc import Iterator, Sequence

from relmer.reports.doubts import Doubt
from relmer.reports.records import Report
from relmer.reports.text import number
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.markdown import escape, table
from relmer.reports.voices.warned import Warned, Word, warned

SILENT = "wrong, and no word"
WORDS = (Word.TRUE, Word.FALSE, Word.OPEN)


def warnings_page(reports: Sequence[Report], command: str) -> str:
    """Render the page of engines, each of which has a report of its own."""
    found = {report.engines[0].name: warned(report, report.engines[0].name) for report in reports}
    parts = [
        "# Warnings, true and false",
        f"What engines said of their own fits on {number(len(reports[0].cases), 'case')}, held against certified "
        f"optima. This page is made by\n\n    {command}",
        "What is asked of each kind, and of nothing else:",
        table(("a warning of", "is true by"), [(str(kind), kind.asks) for kind in Doubt]),
        "A warning is not judged where nothing is proved of the case, where the fit is wrong whatever its rank, or "
        "where it is of no kind above. An engine is silent where it stops at a wrong optimum and doubts nothing; "
        "“singular” is no doubt of the stop. The same reading of words judges a warning of your own "
        "([is it real?](howto/warning.md)). Over generated designs, of statsmodels, nlme and mixedlm too: "
        "[a sweep](sweeps/lme4-stops.md#warnings-by-kind).",
        "## By engine",
        table(
            ("engine", "warning", *WORDS, SILENT),
            (row for name, own in found.items() for row in counted(name, own)),
        ),
        "## Each of them",
        table(
            ("case", "warning", "is", "engines"),
            each(found),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def counted(name: str, found: Sequence[Warned]) -> Iterator[list[str]]:
    """The engine's warnings by kind and worth, and its silent failures."""
    silent = sum(one.word is Word.MISSING for one in found)
    seen: Counter[tuple[Doubt | None, Word]] = Counter(
        (one.kind, one.word) for one in found if one.word is not Word.MISSING
    )
    kinds: list[Doubt | None] = [*Doubt, None]
    first = True
    for kind in kinds:
        if not any(kind is each for each, _ in seen):
            continue
        yield [name if first else "", str(kind or "other"), *(str(seen[kind, word] or "") for word in WORDS), ""]
        first = False
    yield [name if first else "", "none", "", "", "", str(silent)]


def each(found: dict[str, tuple[Warned, ...]]) -> Iterator[list[str]]:
    """Every warning and silence, once for all engines that do the same."""
    engines: dict[tuple[str, str, Word], list[str]] = {}
    for name, own in found.items():
        for one in own:
            said = dict.fromkeys([(one.case, str(one.kind or one.text or "no word"), one.word)])
            for key in said:
                if name not in engines.setdefault(key, []):
                    engines[key].append(name)
    for (case, kind, word), names in engines.items():
        yield [case, kind, str(Verdict.WRONG if word is Word.MISSING else word), escape(", ".join(names))]
