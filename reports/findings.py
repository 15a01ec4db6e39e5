"""What a reader should know first: each thing that went wrong once, by its cause, and stops far above the optimum."""

import math
from collections.abc import Iterator

from relmer.reports.causes import OPTIMUM, Cause, causes, scale_of, wrong_figures
from relmer.reports.evidence import tolerances
from relmer.reports.judge import place
from relmer.reports.records import RUNGS, Comparison, Finding, KnownFailure, PublishedFigure, Report
from relmer.reports.text import number

# What rung 4 calls the gap between an engine's theta and the optimum.
AT_OPTIMUM = "criterion at the optimum"


def findings(report: Report) -> tuple[Finding, ...]:
    """List what breaks the run, then what is accepted, then the other stops that a reader should know of."""
    found = causes(report.comparisons)
    return (
        *(of_cause(report, cause) for cause in found if not cause.accepted),
        *(of_stale(known) for known in report.accepted if known.stale),
        *(of_figure(figure, others) for figure, others in wrong_figures(report).items()),
        *(of_cause(report, cause) for cause in found if cause.accepted),
        *stops(report),
    )


def of_cause(report: Report, cause: Cause) -> Finding:
    """One line for a cause: its first rung that breaks tells, the others are counted; and where the engine stopped."""
    told, others = cause.teller, len(cause.comparisons) - 1
    stopped = next((text for c in cause.comparisons if (text := stop(report, c))), "")
    name = f"{cause.verdict}{f', {cause.diagnosis}' if cause.diagnosis else ''}"
    where = f"rung {told.rung} ({RUNGS[told.rung]}), {told.quantity}: {told.evidence}"
    if stopped:
        where = f"{stopped}; {words(report, told)}" if told.rung == OPTIMUM else f"{where}; it {stopped}"
    more = f"; and {number(others, 'more comparison')} from the same cause" if others else ""
    accepted = f"; accepted: {cause.accepted}" if cause.accepted else ""
    return Finding(case=cause.case, engine=cause.engine, text=f"{name}: {where}{more}{accepted}")


def stop(report: Report, told: Comparison) -> str:
    """How far above the optimum an engine stopped; empty if it is not about that, or not worth a finding."""
    if (told.rung, told.quantity) != (OPTIMUM, AT_OPTIMUM) or told.digits is None:
        return ""
    scale = scale_of(report, told.case, told.engine)
    score, said = scale.score, scale.said
    gap = scale.size_at_optimum(told) if score is None else score.optimiser_error
    if not tolerances.FINDING < gap < math.inf:
        return ""
    whose = "optimum" if score is None else f"{score.kind} optimum"
    printed = said.values.get("criterion", (None,))[0] if said is not None else None
    if score is not None and printed is not None:
        whose += f" {printed - score.evaluation_error - gap:.6f}"
    return f"stops {gap:.6g} above the {whose}"


def words(report: Report, told: Comparison) -> str:
    """What an engine says of its fit."""
    said = scale_of(report, told.case, told.engine).said
    return f"it says: {'; '.join(said.warnings) if said is not None and said.warnings else 'nothing'}"


def of_stale(known: KnownFailure) -> Finding:
    """An acceptance that has nothing to accept."""
    happens = f"nothing here is {known.verdict} by {known.what}"
    if known.says:
        happens = f"it does not fail here, saying {known.says!r},"
    text = f"the accepted failure is stale: {happens} from rung {known.rung} on; remove the entry ({known.link})"
    return Finding(case=known.case, engine=known.engine, text=text)


def of_figure(figure: PublishedFigure, others: int) -> Finding:
    """A printed figure that nothing reproduces."""
    more = f", and {number(others, 'more place')}" if others else ""
    return Finding(
        case=figure.case,
        engine=f"document {figure.document}" if figure.document else "printed figure",
        text=f"{figure.quantity}: {figure.evidence} ({place(figure)}{more})",
    )


def stops(report: Report) -> Iterator[Finding]:
    """Stops that break nothing, but are so far above the optimum that printed digits show it."""
    for c in report.comparisons:
        if not c.verdict.breaks and (told := stop(report, c)):
            yield Finding(case=c.case, engine=c.engine, text=f"{told}; {words(report, c)}")
