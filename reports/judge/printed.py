"""Printed figures: recomputed from an engine's estimates, compared at half a unit of their last printed digit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relmer.datasets import Case, free_of_fit, is_bound, load, number, outside, parse_key
from relmer.reference.answers import Answer, Estimates
from relmer.reference.engines import ORIGINAL, Kin
from relmer.reference.own_fits import estimates
from relmer.reference.published import Figure
from relmer.reports.evidence import (
    Landscape,
    candidates,
    criterion_at,
    digits,
    figure,
    figure_of_data,
    has_figure,
    tolerances,
    values,
)
from relmer.reports.judge.explanations import Account, account_of, contradicted_size, explanation, implied_gap, prints
from relmer.reports.judge.hearing import AGREES, Hearing, Ruling
from relmer.reports.records import Comparison, PublishedFigure
from relmer.reports.verdicts import Diagnosis, FigureVerdict, Verdict

# The document of a figure that no document of the ledger prints: its section names who prints it.
ELSEWHERE = ""
SINGLE, PRECISE = "single precision", 2.0**-23


@dataclass(frozen=True)
class Reproduction:
    """A printed figure, recomputed: the value, None if there is none, the verdict on it and the evidence."""

    value: float | None
    verdict: Verdict
    evidence: str


def judge_published(hearing: Hearing, account: Account) -> Iterator[Comparison]:
    """Every printed figure that the optimum gives against the engine's value.

    A figure that is rough or wrong by itself says nothing of an engine: it is charged to the figure.
    """
    mine, view = hearing.answer.estimates, hearing.view
    if mine is None or hearing.answer.engine not in hearing.stops.gaps or hearing.alone:
        return
    best = estimates(view.fit)
    if not whole(mine, best):
        return
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for printed in account.printed:
        if not free_of_fit(printed.quantity):
            seen.setdefault((printed.quantity, printed.printed), (f"document {printed.document}", place(printed)))
    for key, text in hearing.case.published.items():
        seen.setdefault((key, text), (hearing.case.source, hearing.case.source))
    for (key, text), (whose, where) in seen.items():
        if has_figure(view.fit.design, best, key) and prints(figure(view.fit.design, best, key), text):
            value = figure(view.fit.design, mine, key)
            ruling = ruling_of(hearing, key, text, value)
            found = hearing.ruled(
                4 if key in ("criterion", "logLik") else 5,
                key,
                ruling.after(f"printed {text}, here {value:.10g}").saying(f" ({where})"),
                None if is_bound(text) else digits("figure", np.array(value), np.array(number(text))),
            )
            yield hearing.named(found, "published", whose)


def whole(mine: Estimates, best: Estimates) -> bool:
    """Whether an answer has all the numbers of the model; what it lacks has failed on rung 5."""
    said, wanted = values(mine), values(best)
    return all(said[name].shape == wanted[name].shape and np.all(np.isfinite(said[name])) for name in wanted)


def ruling_of(hearing: Hearing, key: str, printed: str, value: float) -> Ruling:
    """Rule on an engine's value of a figure that the optimum gives: where it stopped may account for the difference."""
    if prints(value, printed):
        return AGREES
    if not np.isfinite(value):
        verdict = Verdict.FAILED if hearing.stop.verdict is Verdict.AGREE else hearing.stop.verdict
        return Ruling(verdict, hearing.stop.diagnosis, "; its estimates do not give this figure")
    implied = implied_gap(hearing.view, key, outside(value, printed))
    if hearing.stop.verdict is not Verdict.AGREE and implied <= tolerances.SLACK**2 * hearing.gap:
        told = f"; it stopped {hearing.gap:.1e} above the optimum, and {implied:.1e} explains the difference"
        return Ruling(hearing.stop.verdict, hearing.stop.diagnosis, told)
    if implied <= tolerances.SLACK**2 * hearing.noise:
        return Ruling(Verdict.WITHIN, Diagnosis.ROUNDING, "; the rounding of the criterion leaves so much open")
    return Ruling(Verdict.WRONG, Diagnosis.UNKNOWN, f"; it would have to stop {implied:.1e} above the optimum")


def of_others(case: Case, view: Landscape, key: str, printed: str, mine: Estimates) -> Reproduction:
    """A figure that another program printed: a known convention or a stop like lme4's may account for it."""
    value = figure(view.fit.design, mine, key)
    evidence = f"printed {printed}, here {value:.10g}"
    if prints(value, printed):
        return Reproduction(value, Verdict.AGREE, evidence)
    for told, other in conventional(view, key, mine):
        if prints(other, printed):
            return Reproduction(value, Verdict.WITHIN, f"{evidence}; {told}: {other:.10g}")
    gap = implied_gap(view, key, outside(value, printed))
    why = f"a stop like lme4's would have to lie {gap:.1e} above the optimum to account for the difference"
    rough = gap <= tolerances.STOP * max(1, len(mine.theta))
    return Reproduction(value, Verdict.WITHIN if rough else Verdict.WRONG, f"{evidence}; {why}")


def conventional(view: Landscape, key: str, mine: Estimates) -> Iterator[tuple[str, float]]:
    """What a figure would be by each known convention."""
    quantity = parse_key(key)[0]
    n, p = view.fit.design.X.shape
    at, value = values(mine) | {"criterion": np.array([mine.criterion])}, figure(view.fit.design, mine, key)
    if quantity in ("criterion", "logLik"):
        factor = 1.0 if quantity == "criterion" else -0.5
        yield from ((f"the criterion {told}", factor * float(c[0])) for told, c in candidates(view, "criterion", at))
    elif quantity in ("se", "sigma"):
        for told, factor in ((f"times sqrt({n}/{n - p})", n / (n - p)), (f"times sqrt({n - p}/{n})", (n - p) / n)):
            yield f"the value {told}", value * factor**0.5
    elif quantity in ("sigma2", "var", "cov", "G", "Gm", "vcov", "V"):
        for told, factor in ((f"times {n}/{n - p}", n / (n - p)), (f"times {n - p}/{n}", (n - p) / n)):
            yield f"the value {told}", value * factor
    elif quantity == "t":
        yield f"the value times sqrt({n - p}/{n})", value * ((n - p) / n) ** 0.5
    for step in (-PRECISE, PRECISE):
        yield SINGLE, value * (1 + step)


def of_document(account: Account, view: Landscape, printed: Figure, mine: Estimates, gap: float) -> Reproduction:
    """A document's figure of a fit that stopped `gap` above the optimum."""
    value = figure(view.fit.design, mine, printed.quantity)
    evidence = f"printed {printed.printed}, here {value:.10g}"
    if prints(value, printed.printed):
        return Reproduction(value, Verdict.AGREE, evidence)
    why = explanation(account, view, printed.quantity, printed.printed, mine, gap)
    if why:
        return Reproduction(value, Verdict.WITHIN, f"{evidence}; {why}")
    return Reproduction(value, Verdict.WRONG, f"{evidence}; no fit gives the printed digits")


def of_data(account: Account, view: Landscape, frame: pd.DataFrame, printed: Figure) -> Reproduction:
    """A figure of data and matrices."""
    value = figure_of_data(view.fit.design, frame, printed.quantity)
    evidence = f"printed {printed.printed}, here {value:.10g}"
    if prints(value, printed.printed):
        return Reproduction(value, Verdict.AGREE, evidence)
    why = contradicted_size(view.fit.design, account.printed, printed.quantity, printed.printed)
    if why:
        return Reproduction(value, Verdict.WITHIN, f"{evidence}; {why}")
    return Reproduction(value, Verdict.WRONG, evidence)


def place(printed: Figure | PublishedFigure) -> str:
    """Where a figure stands."""
    if not printed.document:
        return printed.section
    return f"document {printed.document}, {printed.section}: {printed.label}"


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


def figures_elsewhere(case: Case, answers: Mapping[str, Answer], view: Landscape) -> tuple[PublishedFigure, ...]:
    """Every figure that the case names, as another program prints it."""
    said = answers.get(ORIGINAL)
    theirs = said.estimates if said and said.estimates and view.takes(said.estimates.theta) else None
    own = estimates(view.fit)
    return tuple(elsewhere(case, view, key, text, own, theirs) for key, text in case.published.items())


def elsewhere(
    case: Case, view: Landscape, key: str, printed: str, own: Estimates, theirs: Estimates | None
) -> PublishedFigure:
    """Record of a figure that another program prints, as the case names it."""
    if has_figure(view.fit.design, own, key):
        found = of_others(case, view, key, printed, own)
        lme4 = None if theirs is None else figure(view.fit.design, theirs, key)
    else:
        found, lme4 = Reproduction(None, Verdict.WRONG, f"printed {printed}; this model has no {key}"), None
    return PublishedFigure(
        document=ELSEWHERE,
        section=case.source,
        label=key,
        printed=printed,
        case=case.name,
        quantity=key,
        relmer=found.value,
        lme4=lme4,
        verdict=FigureVerdict.of(found.verdict),
        evidence=found.evidence,
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
