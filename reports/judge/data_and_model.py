"""Rungs 1 and 2: what the engine saw and what it built, exactly."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from relmer.reference.answers import Fingerprint, Model
from relmer.reports.evidence import digits, same_rows, tolerances
from relmer.reports.judge.hearing import AGREES, LONGEST, Hearing, Ruling, not_given, same
from relmer.reports.records import MOST, Comparison
from relmer.reports.verdicts import Diagnosis, Verdict
from relmer.solver.model import theta_names

# What is compared of a model, and the field that holds it.
PARTS = {
    "coefficient names": "coefficients",
    "terms": "terms",
    "theta names": "theta_names",
    **{matrix: matrix for matrix in ("X", "Z", "Lambda")},
}


def judge_data(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 1: rows, response and grouping factors, exactly; a known slip that gives the same digest is named."""
    mine, theirs = hearing.answer.data, hearing.peer.data if hearing.peer else None
    if mine is None or theirs is None:
        yield not_given(hearing, 1)
        return
    compare = partial(same, hearing, 1)
    design = hearing.view.fit.design
    yield compare("rows", mine.rows, theirs.rows)
    yield compare("response", mine.response_sha256, theirs.response_sha256, same_rows.response(design, mine))
    models = (hearing.answer.model, hearing.peer.model if hearing.peer else None)
    for group in sorted(mine.groupings.keys() | theirs.groupings.keys()):
        seen, wanted = mine.groupings.get(group), theirs.groupings.get(group)
        if (seen is None or wanted is None) and is_the_models(group, *models):
            continue
        yield compare(f"levels of {group}", seen, wanted, same_rows.grouping_factor(design, group, seen))
    for quantity in ("weights", "offset"):
        told, expected = (getattr(data, f"{quantity}_sha256") for data in (mine, theirs))
        if told is not None and expected is not None:
            yield compare(quantity, told, expected, same_rows.per_row(design, quantity, told))
        elif told != expected:
            yield hearing.ruled(1, quantity, untold(hearing, told))


def is_the_models(group: str, *models: Model | None) -> bool:
    """Whether one model has a factor that another has not: which factors there are is the model's affair, rung 2's."""
    told = [{term.group for term in model.terms} for model in models if model is not None and model.terms is not None]
    return len(told) == len(models) and len({group in groups for groups in told}) > 1


def judge_model(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 2: X, Z, Lambda's template, names and their order; a theta of another length is another model's."""
    mine, theirs = hearing.answer.model, hearing.peer.model if hearing.peer else None
    if mine is None or theirs is None:
        yield not_given(hearing, 2)
    else:
        for quantity, part in PARTS.items():
            yield judge_part(hearing, quantity, getattr(mine, part), getattr(theirs, part), other_terms(mine, theirs))
    estimates = hearing.answer.estimates
    if estimates is not None and not hearing.view.takes(estimates.theta):
        names = theta_names(hearing.view.fit.design.terms)
        told = f"{len(estimates.theta)} entries; this model has {len(names)}: {', '.join(names)}"
        known = names if mine is None or mine.theta_names is None else mine.theta_names
        if lost := [name for name in names if name not in known]:
            told += f"; the engine's has no {', '.join(lost)}"
        yield hearing.ruled(2, "theta", Ruling(Verdict.WRONG, Diagnosis.MODEL, told))


def other_terms(mine: Model, theirs: Model) -> str:
    """Name the columns that a model has too few or too many."""
    said, wanted = ({(t.group, column) for t in model.terms or () for column in t.columns} for model in (mine, theirs))
    told = [
        f"{word} {', '.join(f'{column} in {group}' for group, column in sorted(some))}"
        for word, some in (("without", wanted - said), ("with", said - wanted))
        if some
    ]
    return " and ".join(told)


def untold(hearing: Hearing, mine: object) -> Ruling:
    """Of what one side does not tell nothing is known."""
    silent = hearing.answer.engine if mine is None else "the other side"
    return Ruling(Verdict.NOT_GIVEN, Diagnosis.NONE, f"{silent} does not tell")


def judge_part(hearing: Hearing, quantity: str, mine: Any, theirs: Any, lost: str) -> Comparison:
    """One part of a model; what an engine does not tell is not given."""
    if mine is None or theirs is None:
        return hearing.ruled(2, quantity, untold(hearing, mine))
    if isinstance(mine, Fingerprint):
        return judge_matrix(hearing, quantity, mine, theirs)
    return same(hearing, 2, quantity, mine, theirs, lost if quantity == "terms" else "")


def judge_matrix(hearing: Hearing, name: str, mine: Fingerprint, theirs: Fingerprint) -> Comparison:
    """The same bits, or sums that differ by no more than the rounding of computed columns."""
    if mine == theirs:
        told = f"the same bits, {mine.shape[0]} × {mine.shape[1]}"
        return hearing.ruled(2, name, AGREES.saying(told), MOST)
    if mine.shape != theirs.shape:
        return same(hearing, 2, name, mine.shape, theirs.shape)
    sums = np.array([[mine.total, mine.weighted], [theirs.total, theirs.weighted]])
    reached = digits(name, sums[0], sums[1])
    told = f"digests differ, sums agree to {reached:.1f} digits"
    if reached >= -np.log10(tolerances.MATRIX):
        return hearing.ruled(2, name, AGREES.saying(told), reached)
    design = hearing.view.fit.design
    cause = same_rows.matrix(design, name, mine) or same_rows.columns(design, name, mine, theirs)
    return hearing.ruled(2, name, Ruling(Verdict.WRONG, Diagnosis.MODEL, (cause or told)[:LONGEST]), reached)
