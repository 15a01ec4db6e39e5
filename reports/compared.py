"""Two engines, versions or recordings of one, judged on the same cases: a report of each, which `diff` compares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from relmer.datasets import Case, DataError
from relmer.reference.answers import Answer, recorded
from relmer.reference.engines import engine_names, version_names
from relmer.reports.one_case import GIVEN
from relmer.reports.records import EngineUsed, Report
from relmer.reports.run import run, sources

RECORDED, LIVE = "recorded", "live"


@dataclass(frozen=True)
class Asked:
    """An engine by its name, or the recordings of one in a folder.

    Attributes
    ----------
    name
        Of the engine.
    root
        The folder of the recordings' own folder or archive; None for an engine that is asked, or recorded here.
    """

    name: str
    root: Path | None = None


def asked(text: str) -> Asked | None:
    """What a text names: an engine, or the folder or archive of its recordings; None if neither.

    Examples
    --------
    >>> asked("lme4@2.1-0"), asked("nobody")
    (Asked(name='lme4@2.1-0', root=None), None)
    """
    path = Path(text)
    if path.is_dir() or path.name.endswith(recorded.ARCHIVE):
        return Asked(path.name.removesuffix(recorded.ARCHIVE), path.parent)
    return Asked(text) if text in (*engine_names(), *version_names()) else None


def compared(
    both: Sequence[Asked],
    cases: Sequence[Case],
    jobs: int = 1,
    progress: Callable[[str], None] = lambda name: None,
) -> list[Report]:
    """Judge each on the cases, beside the definition and what is recorded of those who speak for their houses.

    Raises
    ------
    DataError
        Nothing is recorded of one of the cases.
    """
    named = [one.name for one in both if one.root is None]
    used = {
        name: replace(one, source=RECORDED) if name not in named and one.source == LIVE else one
        for name, one in sources(named).items()
    }
    given: list[Answer] = []
    calls: list[str] = []
    for k, one in enumerate(both):
        answers = recordings(one, cases)
        # Two recordings may have one name; a report lists an engine once.
        call = one.name if one.root is None else f"{one.name}@{k}"
        calls.append(call)
        given += [replace(said, engine=call) for said in answers]
        if answers:
            first = answers[0]
            used[call] = EngineUsed(name=call, version=first.version, source=GIVEN, environment=dict(first.environment))
    report = run(cases, tuple(dict.fromkeys(calls)), used, jobs, progress, given=given)
    return [only(report, call) for call in calls]


def recordings(one: Asked, cases: Sequence[Case]) -> list[Answer]:
    """What a folder holds of the cases; nothing of an engine that is asked by its name."""
    if one.root is None:
        return []
    found = [said for case in cases if (said := recorded.read(one.name, case, one.root)) is not None]
    if not found:
        raise DataError(f"{one.root / one.name} holds no recording of {one.name} on a case that is chosen")
    return found


def only(report: Report, engine: str) -> Report:
    """What a report says of one engine."""
    return replace(
        report,
        engines=tuple(one for one in report.engines if one.name == engine),
        comparisons=tuple(c for c in report.comparisons if c.engine == engine),
        answers=tuple(said for said in report.answers if said.engine == engine),
        scores=tuple(score for score in report.scores if score.engine == engine),
        accepted=tuple(known for known in report.accepted if known.engine == engine),
        drift=tuple(drift for drift in report.drift if drift.engine == engine),
        findings=tuple(finding for finding in report.findings if finding.engine == engine),
        figures=(),
    )
