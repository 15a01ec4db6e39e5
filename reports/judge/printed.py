"""Printed figures: recomputed from an engine's estimates, compared at half a unit of their last printed digit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relmer.datasets import Case, free_of_fit, load, number, outside, parse_key
from relmer.reference.answers import Answer, Estimates
from relmer.reference.engines import ORIGINAL, Kin
from relmer.reference.own_fits import estimates
from relmer.reference.published import Figure
from relmer.reports.evidence import Landscape, criterion_at, digits, figure, figure_of_data, tolerances
from relmer.reports.judge.explanations import Account, account_of, contradicted_size, explanation, implied_gap, prints
from relmer.reports.judge.hearing import Hearing
from relmer.reports.records import Comparison, FigureVerdict, PublishedFigure, Verdict


@dataclass(frozen=True)
class Reproduction:
    """A printed figure, recomputed: the value, the verdict on it and the evidence."""

    value: float
    verdict: Verdict
    evidence: str


def judge_published(hearing: Hearing, account: Account) -> Iterator[Comparison]:
    """Every printed figure of the case against the engine's value: those of the documents, then those of others."""
    yield from judge_data_figures(hearing, account)
    mine = hearing.answer.estimates
    if mine is None or not hearing.view.takes(mine.theta):
        return
    gap = hearing.gaps[hearing.answer.engine]
    of_fit = (f for f in account.printed if not free_of_fit(f.quantity))
    for printed in {(f.quantity, f.printed): f for f in reversed(list(of_fit))}.values():
        found = of_document(account, hearing.view, printed, mine, gap)
        found = replace(found, evidence=f"{found.evidence} ({place(printed)})")
        yield compared(hearing, printed.quantity, printed.printed, found, f"document {printed.document}")
    for key, text in hearing.case.published.items():
        yield compared(hearing, key, text, of_others(hearing, key, text, mine), hearing.case.source)


def compared(hearing: Hearing, key: str, printed: str, found: Reproduction, reference: str) -> Comparison:
    """Record the comparison of a printed figure."""
    return Comparison(
        case=hearing.case.name,
        engine=hearing.answer.engine,
        rung=4 if key in ("criterion", "logLik") else 5,
        quantity=key,
        verdict=found.verdict,
        digits=digits("figure", np.array(found.value), np.array(number(printed))),
        kind="published",
        reference=reference,
        evidence=found.evidence,
    )


def of_others(hearing: Hearing, key: str, printed: str, mine: Estimates) -> Reproduction:
    """A figure that another program printed: a stop like lme4's may explain it."""
    value = figure(hearing.view.fit.design, mine, key)
    evidence = f"printed {printed}, here {value:.10g}"
    if prints(value, printed):
        return Reproduction(value, Verdict.AGREE, evidence)
    gap = implied_gap(hearing.view, key, outside(value, printed))
    own_gap, printed_gap = hearing.gaps[hearing.answer.engine], tolerances.STOP * max(1, len(mine.theta))
    whose = "the engine's own stop" if own_gap > printed_gap else "a stop like lme4's, when it was printed,"
    explained = gap <= max(printed_gap, tolerances.SLACK**2 * own_gap)
    why = f"{whose} would have to lie {gap:.1e} above the optimum to explain the difference"
    return Reproduction(value, Verdict.EXPLAINED if explained else Verdict.DISAGREE, f"{evidence}; {why}")


def of_document(account: Account, view: Landscape, printed: Figure, mine: Estimates, gap: float) -> Reproduction:
    """A document's figure of a fit that stopped `gap` above the optimum."""
    value = figure(view.fit.design, mine, printed.quantity)
    evidence = f"printed {printed.printed}, here {value:.10g}"
    if prints(value, printed.printed):
        return Reproduction(value, Verdict.AGREE, evidence)
    why = explanation(account, view, printed.quantity, printed.printed, mine, gap)
    if why:
        return Reproduction(value, Verdict.EXPLAINED, f"{evidence}; {why}")
    return Reproduction(value, Verdict.DISAGREE, f"{evidence}; no fit gives the printed digits")


def of_data(account: Account, view: Landscape, frame: pd.DataFrame, printed: Figure) -> Reproduction:
    """A figure of data and matrices."""
    value = figure_of_data(view.fit.design, frame, printed.quantity)
    evidence = f"printed {printed.printed}, here {value:.10g}"
    if prints(value, printed.printed):
        return Reproduction(value, Verdict.AGREE, evidence)
    why = contradicted_size(view.fit.design, account.printed, printed.quantity, printed.printed)
    if why:
        return Reproduction(value, Verdict.EXPLAINED, f"{evidence}; {why}")
    return Reproduction(value, Verdict.DISAGREE, evidence)


def place(printed: Figure | PublishedFigure) -> str:
    """Where a figure stands."""
    return f"document {printed.document}, {printed.section}: {printed.label}"


def judge_data_figures(hearing: Hearing, account: Account) -> Iterator[Comparison]:
    """The printed data (rung 1) and the printed sizes and matrices (rung 2), in one comparison each.

    They depend on no estimate; that the engine saw the same data and built the same matrices is shown on these rungs.
    """
    free = [f for f in account.printed if free_of_fit(f.quantity)]
    frame = load(hearing.case.dataset).frame
    for rung, name in ((1, "printed data"), (2, "printed sizes and matrices")):
        chosen = [f for f in free if (parse_key(f.quantity)[0] == "data") == (rung == 1)]
        judged = [of_data(account, hearing.view, frame, f) for f in chosen]
        if judged:
            named = [
                f"{f.quantity}: {found.evidence} ({place(f)})"
                for f, found in zip(chosen, judged, strict=True)
                if found.verdict is not Verdict.AGREE
            ]
            yield Comparison(
                case=hearing.case.name,
                engine=hearing.answer.engine,
                rung=rung,
                quantity=name,
                verdict=Verdict.worst(found.verdict for found in judged),
                digits=None,
                kind="published",
                reference=f"document {chosen[0].document}",
                evidence="; ".join(named) or f"{len(chosen)} printed figures come out",
            )


def published_figures(
    case: Case, answers: Mapping[str, Answer], view: Landscape, kin: Kin
) -> tuple[PublishedFigure, ...]:
    """Every figure that a document prints of the case, by this project's fit and by lme4's default fit."""
    account = account_of(case, answers, view)
    said = answers.get(ORIGINAL)
    theirs = said.estimates if said else None
    if theirs is not None and not view.takes(theirs.theta):
        theirs = None
    own = estimates(view.fit)
    gap = criterion_at(view, theirs.theta) - view.fit.criterion if theirs and account.printed else 0.0
    same, frame = built_the_same(answers, kin), load(case.dataset).frame
    return tuple(
        of_data_record(account, view, frame, f, same)
        if free_of_fit(f.quantity)
        else of_fit_record(account, view, f, own, theirs, gap)
        for f in account.printed
    )


def built_the_same(answers: Mapping[str, Answer], kin: Kin) -> bool:
    """Whether lme4 saw the same data and built the same matrices, to the bit, as the definition."""
    theirs, mine = answers.get(ORIGINAL), answers.get(kin.definition)
    if theirs is None or mine is None or mine.model is None:
        return False
    return theirs.data == mine.data and theirs.model == mine.model


def of_data_record(
    account: Account, view: Landscape, frame: pd.DataFrame, printed: Figure, same: bool
) -> PublishedFigure:
    """Record of a figure of data and matrices; lme4's value is ours where its matrices are, to the bit."""
    found = of_data(account, view, frame, printed)
    return recorded_figure(printed, found, found.value if same and parse_key(printed.quantity)[0] != "data" else None)


def of_fit_record(
    account: Account, view: Landscape, printed: Figure, own: Estimates, theirs: Estimates | None, gap: float
) -> PublishedFigure:
    """Record of a figure of a fit: by our fit, and by lme4's that stops `gap` above the optimum."""
    found = of_document(account, view, printed, own, 0.0)
    if theirs is None:
        return recorded_figure(printed, found, None)
    lme4 = of_document(account, view, printed, theirs, gap)
    told = "" if lme4.verdict is Verdict.AGREE else f"; lme4: {lme4.evidence}"
    both = Verdict.worst([found.verdict, lme4.verdict])
    return recorded_figure(printed, replace(found, verdict=both, evidence=found.evidence + told), lme4.value)


def recorded_figure(printed: Figure, found: Reproduction, lme4: float | None) -> PublishedFigure:
    """Record of a printed figure: as this project's solver reproduces it, beside lme4's value."""
    return PublishedFigure(
        document=printed.document,
        section=printed.section,
        label=printed.label,
        printed=printed.printed,
        case=printed.case,
        quantity=printed.quantity,
        relmer=found.value,
        lme4=lme4,
        verdict=FigureVerdict.of(found.verdict),
        evidence=found.evidence,
    )
