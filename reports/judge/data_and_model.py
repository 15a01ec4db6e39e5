"""Rungs 1 and 2: what the engine saw and what it built, exactly."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from relmer.reference.answers import Fingerprint
from relmer.reports.evidence import digits, tolerances
from relmer.reports.judge.hearing import Hearing, same, unsupported
from relmer.reports.records import MOST, Comparison, Verdict

# What is compared of a model, and the field that holds it.
PARTS = {
    "coefficient names": "coefficients",
    "terms": "terms",
    "theta names": "theta_names",
    **{matrix: matrix for matrix in ("X", "Z", "Lambda")},
}


def judge_data(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 1: rows, response and grouping factors, exactly."""
    mine, theirs = hearing.answer.data, hearing.peer.data if hearing.peer else None
    if mine is None or theirs is None:
        yield unsupported(hearing, 1)
        return
    compare = partial(same, hearing, 1)
    yield compare("rows", mine.rows, theirs.rows)
    yield compare("response", mine.response_sha256, theirs.response_sha256)
    for group in sorted(mine.groupings.keys() | theirs.groupings.keys()):
        yield compare(f"levels of {group}", mine.groupings.get(group), theirs.groupings.get(group))


def judge_model(hearing: Hearing) -> Iterator[Comparison]:
    """Rung 2: X, Z, Lambda's template, names and their order."""
    mine, theirs = hearing.answer.model, hearing.peer.model if hearing.peer else None
    if mine is None or theirs is None:
        yield unsupported(hearing, 2)
        return
    for quantity, part in PARTS.items():
        said, expected = getattr(mine, part), getattr(theirs, part)
        if said is None or expected is None:
            untold = hearing.answer.engine if said is None else "the other side"
            yield hearing.comparison(2, quantity, Verdict.UNSUPPORTED, None, f"{untold} does not tell")
        elif isinstance(said, Fingerprint):
            yield judge_matrix(hearing, quantity, said, expected)
        else:
            yield same(hearing, 2, quantity, said, expected)


def judge_matrix(hearing: Hearing, name: str, mine: Fingerprint, theirs: Fingerprint) -> Comparison:
    """The same bits, or sums that differ by no more than the rounding of computed columns."""
    if mine == theirs:
        return hearing.comparison(2, name, Verdict.AGREE, MOST, f"the same bits, {mine.shape[0]} × {mine.shape[1]}")
    if mine.shape != theirs.shape:
        return same(hearing, 2, name, mine.shape, theirs.shape)
    sums = np.array([[mine.total, mine.weighted], [theirs.total, theirs.weighted]])
    reached = digits(name, sums[0], sums[1])
    verdict = Verdict.AGREE if reached >= -np.log10(tolerances.MATRIX) else Verdict.DISAGREE
    return hearing.comparison(2, name, verdict, reached, f"digests differ, sums agree to {reached:.1f} digits")
