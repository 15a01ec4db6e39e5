"""Rungs 1 and 2: what the engine saw and what it built, exactly."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from relmer.reference.answers import Fingerprint
from relmer.reports.evidence import digits, tolerances
from relmer.reports.judge.hearing import Hearing, same, unsupported
from relmer.reports.records import MOST, Comparison
from relmer.reports.verdicts import Verdict


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
    yield same(hearing, 2, "coefficient names", mine.coefficients, theirs.coefficients)
    yield same(hearing, 2, "terms", mine.terms, theirs.terms)
    yield same(hearing, 2, "theta names", mine.theta_names, theirs.theta_names)
    for name in ("X", "Z", "Lambda"):
        yield judge_matrix(hearing, name, getattr(mine, name), getattr(theirs, name))


def judge_matrix(hearing: Hearing, name: str, mine: Fingerprint, theirs: Fingerprint) -> Comparison:
    """The same bits, or sums that differ by no more than the rounding of computed columns."""
    if mine == theirs:
        return hearing.comparison(2, name, Verdict.AGREE, MOST, f"the same bits, {mine.shape[0]} × {mine.shape[1]}")
    if mine.shape != theirs.shape:
        return same(hearing, 2, name, mine.shape, theirs.shape)
    sums = np.array([[mine.total, mine.weighted], [theirs.total, theirs.weighted]])
    reached = digits(name, sums[0], sums[1])
    verdict = Verdict.AGREE if reached >= -np.log10(tolerances.MATRIX) else Verdict.WRONG
    return hearing.comparison(2, name, verdict, reached, f"digests differ, sums agree to {reached:.1f} digits")
