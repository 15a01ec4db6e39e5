"""What `run` and `judge` do alike: judge, with a journal to take up what was ended, write the report, say it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from relmer.datasets import Case
from relmer.reference.answers import Answer
from relmer.reports.accepted import known_failures
from relmer.reports.commands.options import Reporting, invocation
from relmer.reports.commands.telling import details, document, note, say
from relmer.reports.commands.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    ENGINE_MISSING,
    INTERRUPTED,
    TERMINATED,
    Terminated,
    complain,
    progress,
    sigterm_interrupts,
)
from relmer.reports.export import VOICES, write
from relmer.reports.given import ANSWERS, answers_json
from relmer.reports.journal import JOURNAL, Journal, conditions
from relmer.reports.one_case import CaseResult, charged
from relmer.reports.records import EngineUsed, Report
from relmer.reports.run import Broken, Interrupted, run
from relmer.reports.verdicts import Verdict
from relmer.reports.voices import as_json, spoken

WRITTEN = (*VOICES, ANSWERS)


def judged_report(
    chosen: Sequence[Case],
    judged: Sequence[str],
    engines: Mapping[str, EngineUsed],
    reporting: Reporting,
    jobs: int = 1,
    limit: float | None = None,
    given: Sequence[Answer] = (),
) -> tuple[Report, Interrupted | None]:
    """Judge cases and write the report on them, and all that was heard, into a folder that the caller holds.

    A run that was ended before is taken up, if that is asked. If this one is ended, its report is on the cases that
    were done, and the journal stays.

    Raises
    ------
    AcceptedError, DataError, OSError
        A file cannot be read or written; one line.
    """
    failing, known = reporting.failing, known_failures(reporting.accepted)
    journal = Journal(reporting.out / JOURNAL, conditions(engines, judged, limit), given)
    done = taken_up(journal, chosen, reporting)
    heard = [said for result in done.values() for said in result.heard]
    finished, seconds = len(done), dict[str, Mapping[str, float]]()

    def keep(case: Case, result: CaseResult) -> None:
        nonlocal finished
        with room_for(f"{reporting.out} cannot be written", f"{finished} of {len(chosen)} cases are done; "):
            journal.keep(case, result)
        finished += 1
        seconds[case.name] = result.seconds
        heard.extend(result.heard)

    left, ended, stages = len(chosen) - len(done), None, dict[str, float]()
    with sigterm_interrupts():
        try:
            with charged(stages, "cases"), progress(left) as advance:
                report = run(
                    chosen, judged, engines, min(jobs, left), advance, limit, known, given, keep=keep, done=done
                )
        except Interrupted as early:
            report, ended = early.report, early
        report = replace(report, **failing, command=invocation(() if given else judged))
        with charged(stages, "writing"), room_for(f"{reporting.out} keeps what it had, the report cannot be written"):
            write(report, reporting.out, {ANSWERS: answers_json(heard)})
    if ended is None:
        journal.remove()
    details(report, seconds, stages)
    return report, ended


@contextmanager
def room_for(what: str, there: str = "") -> Iterator[None]:
    """Tell what cannot be written, why, what there is and what to do about it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{what} ({reason}): {there}make room, and --resume goes on from there") from error


def taken_up(journal: Journal, chosen: Sequence[Case], reporting: Reporting) -> Mapping[int, CaseResult]:
    """What an ended run has left to take up, and one line that says it; nothing unless that is asked."""
    if reporting.resume:
        done, there = journal.done(chosen), journal.path.exists()
        told = done.told(len(chosen)) if there else f"no run was ended in {reporting.out}: all is judged"
        note(f"--resume: {told}")
        return done.results
    if left := len({entry["case"] for entry in journal.entries()}):
        told = f"a run that was ended has left {left} judged cases in {reporting.out}: --resume would take them up"
        note(f"note: {told}")
    return {}


def leave(ended: Interrupted, told: str = "the report is partial, and --resume goes on from there") -> NoReturn:
    """End as a run that was ended does: what there is in one line, and the status."""
    by_signal = TERMINATED if isinstance(ended.__cause__, Terminated) else INTERRUPTED
    status = DISAGREEMENT if isinstance(ended, Broken) else by_signal
    complain(f"{ended}; {told}", status)


def say_summary(report: Report, out: Path) -> None:
    """Say what came out, and where it was written: the answer first."""
    say([*spoken(report), f"report: {out / 'report.html'}"])
    document(lambda: as_json(report))


def status_of(report: Report, required: Sequence[str] = ()) -> int:
    """Exit status of a run."""
    failed = {c.engine for c in report.comparisons if c.verdict is Verdict.FAILED}
    if failed.intersection(required):
        return ENGINE_MISSING
    return DISAGREEMENT if report.broken else AGREEMENT
