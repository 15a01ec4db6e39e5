"""Correct digits: the log relative error, the one unit of accuracy (NIST StRD)."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from relmer.reports.records import MOST
from relmer.solver.arrays import Array

# Below this part of the largest entry, an entry has no scale of its own. Quantities of one unit share one scale.
# lme4 calls a fit singular where an entry of theta is below 1e-4; a variance goes with theta squared.
SCALELESS = {
    "theta": 1e-4,
    "G": 1e-8,
    "varcomp": 1e-8,
    "vcov": 1.0,
    "b": 1.0,
    "fitted": 1.0,
    "V_diagonal": 1.0,
    "V_rowsum": 1.0,
}


def scales(name: str, reference: Array) -> Array:
    """What the error of each entry is relative to: its own size, or the largest where it has no scale of its own."""
    size = np.abs(reference)
    largest = size.max(initial=0.0) or 1.0
    return np.where(size <= SCALELESS.get(name, 0.0) * largest, largest, size)


def digits(name: str, value: Array, reference: Array) -> float:
    """Correct digits of the worst entry, from 0 to 16.

    Examples
    --------
    >>> digits("beta", np.array([1.001]), np.array([1.0])).__round__(6)
    3.0
    """
    value, reference = np.atleast_1d(value), np.atleast_1d(reference)
    if value.shape != reference.shape or not np.all(np.isfinite(value)):
        return 0.0
    return relative_digits(float(np.max(np.abs(value - reference) / scales(name, reference), initial=0.0)))


def exact_digits(name: str, value: Sequence[float | Fraction], reference: Sequence[Fraction]) -> float:
    """Correct digits of the worst entry of doubles against exact values: the differences are exact.

    Examples
    --------
    >>> round(exact_digits("beta", [1 / 3], [Fraction(1, 3)]), 1), exact_digits("beta", [0.5], [Fraction(1, 2)])
    (16.0, 16.0)
    >>> round(exact_digits("sigma", [0.3], [Fraction(3, 10) + Fraction(1, 10**12)]), 3)
    11.477
    """
    if len(value) != len(reference) or not all(map(math.isfinite, value)):
        return 0.0
    scale = scales(name, np.array(reference, dtype=float)).tolist()
    errors = (abs(Fraction(v) - r) / Fraction(s) for v, r, s in zip(value, reference, scale, strict=True))
    return relative_digits(float(min(max(errors, default=Fraction(0)), Fraction(1))))


def relative_digits(error: float) -> float:
    """Digits of a relative error, from 0 to 16."""
    return MOST if error == 0 else min(max(0.0, -math.log10(error)), MOST)
