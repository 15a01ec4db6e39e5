"""Printed figures: recomputed from an engine's estimates, compared at half a unit of their last printed digit."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from relmer.datasets import Case, free_of_fit, load, parse_key
from relmer.reference.answers import Answer, Estimates
from relmer.reference.own_fits import estimates
from relmer.reference.published import Figure, half_unit, number
from relmer.reports.evidence import Landscape, criterion_at, digits, figure, figure_of_data, tolerances
from relmer.reports.judge.explanations import (
    DEFAULT,
    Account,
    account_of,
    contradicted_size,
    explanation,
    implied_gap,
    prints,
)
from relmer.reports.judge.hearing import Hearing
from relmer.reports.records import FIGURE_VERDICTS, Comparison, PublishedFigure

VERDICTS = dict(zip(("agree", "explained", "disagree"), FIGURE_VERDICTS, strict=True))


def judge_published(hearing: Hearing, account: Account) -> Iterator[Comparison]:
    """Every printed figure of the case against the engine's value: those of the documents, then those of others."""
    yield from judge_data_figures(hearing, account)
    mine = hearing.answer.estimates
    if mine is None or len(mine.theta) != len(hearing.view.fit.theta):
        return
    gap = hearing.gaps[hearing.answer.engine]
    of_fit = (f for f in account.printed if not free_of_fit(f.quantity))
    for printed in {(f.quantity, f.printed): f for f in reversed(list(of_fit))}.values():
        verdict, evidence = of_document(account, hearing.view, printed, mine, gap)
        where = f"document {printed.document}"
        yield compared(hearing, printed.quantity, printed.printed, verdict, where, f"{evidence} ({place(printed)})")
    for key, text in hearing.case.published.items():
        verdict, evidence = of_others(hearing, key, text, mine)
        yield compared(hearing, key, text, verdict, hearing.case.source, evidence)


def compared(hearing: Hearing, key: str, printed: str, verdict: str, reference: str, evidence: str) -> Comparison:
    """Record the comparison of a printed figure."""
    assert hearing.answer.estimates is not None
    value = figure(hearing.view.fit.design, hearing.answer.estimates, key)
    rung = 4 if key in ("criterion", "logLik") else 5
    reached = digits("figure", np.array(value), np.array(number(printed)))
    return Comparison(
        hearing.case.name, hearing.answer.engine, rung, key, verdict, reached, "published", reference, evidence
    )


def of_others(hearing: Hearing, key: str, printed: str, mine: Estimates) -> tuple[str, str]:
    """Verdict on a figure that another program printed, and the evidence: a stop like lme4's may explain it."""
    value = figure(hearing.view.fit.design, mine, key)
    evidence = f"printed {printed}, here {value:.10g}"
    if prints(value, printed):
        return "agree", evidence
    gap = implied_gap(hearing.view, key, abs(value - number(printed)) - half_unit(printed))
    own_gap, printed_gap = hearing.gaps[hearing.answer.engine], tolerances.STOP * max(1, len(mine.theta))
    whose = "the engine's own stop" if own_gap > printed_gap else "a stop like lme4's, when it was printed,"
    verdict = "explained" if gap <= max(printed_gap, tolerances.SLACK**2 * own_gap) else "disagree"
    return verdict, f"{evidence}; {whose} would have to lie {gap:.1e} above the optimum to explain the difference"


def of_document(account: Account, view: Landscape, printed: Figure, mine: Estimates, gap: float) -> tuple[str, str]:
    """Verdict on a document's figure, and the evidence."""
    value = figure(view.fit.design, mine, printed.quantity)
    evidence = f"printed {printed.printed}, here {value:.10g}"
    if prints(value, printed.printed):
        return "agree", evidence
    why = explanation(account, view, printed.quantity, printed.printed, mine, gap)
    return ("explained", f"{evidence}; {why}") if why else ("disagree", f"{evidence}; no fit gives the printed digits")


def place(printed: Figure | PublishedFigure) -> str:
    """Where a figure stands."""
    return f"document {printed.document}, {printed.section}: {printed.label}"


def of_data(account: Account, view: Landscape, frame: pd.DataFrame, printed: Figure) -> tuple[float, str, str]:
    """Value of a figure of data and matrices, the verdict on it, and the evidence."""
    value = figure_of_data(view.fit.design, frame, printed.quantity)
    evidence = f"printed {printed.printed}, here {value:.10g}"
    if prints(value, printed.printed):
        return value, "agree", evidence
    why = contradicted_size(view.fit.design, account.printed, printed.quantity, printed.printed)
    return value, "explained" if why else "disagree", f"{evidence}; {why}" if why else evidence


def judge_data_figures(hearing: Hearing, account: Account) -> Iterator[Comparison]:
    """The printed data (rung 1) and the printed sizes and matrices (rung 2), in one comparison each.

    They depend on no estimate; that the engine saw the same data and built the same matrices is shown on these rungs.
    """
    free = [f for f in account.printed if free_of_fit(f.quantity)]
    frame = load(hearing.case.dataset).frame
    for rung, name in ((1, "printed data"), (2, "printed sizes and matrices")):
        chosen = [f for f in free if (parse_key(f.quantity)[0] == "data") == (rung == 1)]
        judged = [(f, *of_data(account, hearing.view, frame, f)[1:]) for f in chosen]
        worst = max((verdict for _, verdict, _ in judged), key=list(VERDICTS).index, default="")
        if judged:
            named = [f"{f.quantity}: {said} ({place(f)})" for f, verdict, said in judged if verdict != "agree"]
            yield Comparison(
                hearing.case.name,
                hearing.answer.engine,
                rung,
                name,
                worst,
                None,
                "published",
                f"document {chosen[0].document}",
                "; ".join(named) or f"{len(chosen)} printed figures come out",
            )


def published_figures(case: Case, answers: Mapping[str, Answer], view: Landscape) -> tuple[PublishedFigure, ...]:
    """Every figure that a document prints of the case, by this project's fit and by lme4's default fit."""
    account = account_of(case, answers, view)
    said = answers.get(DEFAULT)
    theirs = said.estimates if said else None
    if theirs is not None and len(theirs.theta) != len(view.fit.theta):
        theirs = None
    own = estimates(view.fit)
    gap = criterion_at(view, theirs.theta) - view.fit.criterion if theirs and account.printed else 0.0
    same, frame = built_the_same(answers), load(case.dataset).frame
    return tuple(
        of_data_record(account, view, frame, f, same)
        if free_of_fit(f.quantity)
        else of_fit_record(account, view, f, own, theirs, gap)
        for f in account.printed
    )


def built_the_same(answers: Mapping[str, Answer]) -> bool:
    """Whether lme4 saw the same data and built the same matrices, to the bit, as the definition."""
    theirs, mine = answers.get(DEFAULT), answers.get("gls")
    if theirs is None or mine is None or mine.model is None:
        return False
    return theirs.data == mine.data and theirs.model == mine.model


def of_data_record(
    account: Account, view: Landscape, frame: pd.DataFrame, printed: Figure, same: bool
) -> PublishedFigure:
    """Record of a figure of data and matrices; lme4's value is ours where its matrices are, to the bit."""
    value, verdict, evidence = of_data(account, view, frame, printed)
    lme4 = value if same and parse_key(printed.quantity)[0] != "data" else None
    return recorded_figure(printed, value, lme4, verdict, evidence)


def of_fit_record(
    account: Account, view: Landscape, printed: Figure, own: Estimates, theirs: Estimates | None, gap: float
) -> PublishedFigure:
    """Record of a figure of a fit: by our fit, and by lme4's that stops `gap` above the optimum."""
    verdict, evidence = of_document(account, view, printed, own, 0.0)
    lme4 = None
    if theirs is not None:
        lme4 = figure(view.fit.design, theirs, printed.quantity)
        their_verdict, their_evidence = of_document(account, view, printed, theirs, gap)
        if their_verdict != "agree":
            evidence += f"; lme4: {their_evidence}"
        verdict = max(verdict, their_verdict, key=list(VERDICTS).index)
    return recorded_figure(printed, figure(view.fit.design, own, printed.quantity), lme4, verdict, evidence)


def recorded_figure(printed: Figure, value: float, lme4: float | None, verdict: str, evidence: str) -> PublishedFigure:
    """Record of a printed figure."""
    return PublishedFigure(
        printed.document,
        printed.section,
        printed.label,
        printed.printed,
        printed.case,
        printed.quantity,
        value,
        lme4,
        VERDICTS[verdict],
        evidence,
    )
