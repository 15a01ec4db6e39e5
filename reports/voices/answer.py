"""The answer of a run: what every voice says first, on one line, and what it counts beside the verdicts."""

from collections import Counter
from collections.abc import Iterator, Sequence

from relmer.reports.causes import wrong_figures
from relmer.reports.records import Drift, EngineUsed, KnownFailure, Report
from relmer.reports.text import digits_text, number
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.summary import WORST_FIRST, Standing, counts, standings

OWN, RECORDED = "computed", "recorded"
UNJUDGED = "could not be judged"


def sentence(report: Report) -> str:
    """The answer of a run on one line."""
    return " ".join(answer(report))


def answer(report: Report) -> tuple[str, ...]:
    """The answer of a run in sentences: the engines, this project's own paths, and what has to be told apart.

    The first is about the engines that are judged; this project's own paths are the instrument.
    """
    if not report.comparisons:
        return ("Nothing was compared.",)
    engines, own = clauses(report)
    return (
        *([f"{'; '.join(engines)}."] if engines else []),
        *([f"The instrument: {'; '.join(own)}."] if own else []),
        *apart(report),
    )


def clauses(report: Report) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A clause for each engine that is judged, and for this project's own paths, those together that do the same."""
    found = standings(report)
    engines: list[str] = []
    own: dict[tuple[str, str], list[str]] = {}
    for engine in report.engines:
        predicates = clause(report, engine, [s for (_, name), s in found.items() if name == engine.name])
        if predicates is not None and engine.source == OWN:
            own.setdefault(predicates, []).append(engine.name)
        elif predicates is not None:
            engines.append(f"{named(engine)} {predicates[0]}")
    paths = (f"{listed(names)} {one if len(names) == 1 else many}" for (one, many), names in own.items())
    return tuple(engines), tuple(paths)


def clause(report: Report, engine: EngineUsed, found: Sequence[Standing]) -> tuple[str, str] | None:
    """What an engine does over its cases, as predicates of one and of several; None if it is not judged on any."""
    seen = Counter(s.verdict for s in found)
    if not seen:
        return None
    cases = sum(count for verdict, count in seen.items() if verdict.judged or verdict.breaks)
    if not cases:
        return UNJUDGED, UNJUDGED
    notes = {v: seen[v] for v in WORST_FIRST if seen[v]}
    wrong, failed = notes.pop(Verdict.WRONG, 0), notes.pop(Verdict.FAILED, 0)
    agree = notes.pop(Verdict.AGREE, 0) + sum(count for v, count in notes.items() if v.judged)
    mild = [f"{v} on {count:,}" for v, count in notes.items() if v.judged]
    also = [f"{v} on {count:,}" for v, count in notes.items() if not v.judged]
    also = [*([f"{Verdict.FAILED} on {failed:,}"] if failed else []), *also]
    if wrong:
        known = accepted_cases(report, engine.name)
        where = f"on {wrong:,} of {number(cases, 'case')}" + (f" (accepted: {known:,})" if known else "")
        rest = [where, *mild, *also]
        return verbs(Verdict.WRONG, rest)
    if not agree:
        return ", ".join(also), ", ".join(also)
    whole = f"on all {cases:,}" if agree == cases > 1 else f"on {agree:,} of {number(cases, 'case')}"
    where = whole + (f" ({', '.join(mild)})" if mild else "")
    return verbs(Verdict.AGREE, [where, *also])


def verbs(verdict: Verdict, where: Sequence[str]) -> tuple[str, str]:
    """A verdict's predicates, of one and of several."""
    return f"{verdict.one} {', '.join(where)}", f"{verdict.several} {', '.join(where)}"


def accepted_cases(report: Report, engine: str) -> int:
    """On how many cases all that is wrong with an engine is accepted."""
    wrong: dict[str, bool] = {}
    for c in report.comparisons:
        if c.engine == engine and c.verdict is Verdict.WRONG:
            wrong[c.case] = wrong.get(c.case, True) and bool(c.accepted)
    return sum(wrong.values())


def apart(report: Report) -> Iterator[str]:
    """What is no engine's verdict: figures that nothing reproduces, stale acceptances, drift, recordings, gaps."""
    figures = len(wrong_figures(report))
    if figures:
        yield f"{number(figures, 'printed figure')} not reproduced."
    stale = sum(known.stale for known in report.accepted)
    if stale:
        yield f"{number(stale, 'accepted failure')} stale."
    if report.drift:
        yield f"{number(len(report.drift), 'quantity', 'quantities')} drifted from the recordings."
    notes: dict[str, list[str]] = {}
    for engine in report.engines:
        if engine.source == RECORDED and engine.note:
            notes.setdefault(engine.note, []).append(engine.name)
    for note, names in notes.items():
        reason = note.partition(": ")[0].rstrip(".")
        yield f"{listed(names)} {'is' if len(names) == 1 else 'are'} recorded, not run, because {reason}."
    seen = counts(report)
    left = ", ".join(f"{seen[v]:,} {v}" for v in WORST_FIRST if seen[v] and not v.judged)
    if left:
        yield f"Not judged: {left}."


def named(engine: EngineUsed) -> str:
    """An engine with its version, as "lme4 1.1-31"."""
    return f"{engine.name} {engine.version}".strip()


def listed(names: Sequence[str]) -> str:
    """Names in a row.

    Examples
    --------
    >>> listed(["pls", "qr", "gls"])
    'pls, qr and gls'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def warnings_of(report: Report) -> dict[str, tuple[int, int]]:
    """Warnings of each engine that has any: how many, and on how many cases."""
    found: dict[str, list[int]] = {}
    for said in report.answers:
        if said.warnings:
            found.setdefault(said.engine, []).append(len(said.warnings))
    return {engine: (sum(counted), len(counted)) for engine, counted in found.items()}


def warnings_told(counted: tuple[int, int] | None) -> str:
    """Warnings in words.

    Examples
    --------
    >>> warnings_told((3, 2)), warnings_told(None)
    ('3 on 2 cases', '')
    """
    return "" if counted is None else f"{counted[0]:,} on {number(counted[1], 'case')}"


def found_of(known: KnownFailure) -> str:
    """What was found of an accepted failure: its size, and whether that is too large to be it."""
    if known.stale:
        return "nothing: stale"
    size = "of unknown size" if known.found is None else f"{known.found:.3g}"
    return size if known.covers else f"{size}: not covered"


def drifts_of(report: Report) -> dict[str, tuple[Drift, ...]]:
    """Drift of each engine that has any, the fewest digits first."""
    ordered = sorted(report.drift, key=lambda d: 0.0 if d.digits is None else d.digits)
    return {
        name: tuple(d for d in ordered if d.engine == name) for name in dict.fromkeys(d.engine for d in report.drift)
    }


def drift_told(drifts: Sequence[Drift]) -> str:
    """The drift of one engine in a line, with the BLAS of the recording and of now."""
    worst = drifts[0]
    cases = number(len({d.case for d in drifts}), "case")
    places = dict.fromkeys((d.recorded_blas, d.live_blas) for d in drifts if d.recorded_blas or d.live_blas)
    told = "".join(f"; recorded with BLAS {then}, now {now}" for then, now in places)
    kept = digits_text(worst.digits)
    most = f"most {worst.case}, {worst.quantity}: {worst.recorded}, now {worst.live}"
    most += f" ({kept} digits)" if kept else ""
    return f"{number(len(drifts), 'quantity', 'quantities')} on {cases} drifted; {most}{told}"
