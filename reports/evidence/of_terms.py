"""How far the F tests of terms may be from the definition's, by who takes differences and rounds hypotheses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.differences import by_differences
from relmer.reports.evidence.inference import Concluded
from relmer.solver.arrays import Array
from relmer.solver.inference import hypotheses, kenward_roger, satterthwaite

# lmerTest rounds hypotheses twice, by zapsmall, to seven digits of their largest entry, and so what maps them to other
# contrasts: an entry may be off by this many halves of a unit.
DIGITS, HALVES = 7, 4
METHODS: dict[str, Callable[..., Any]] = {"satterthwaite": satterthwaite, "kenward-roger": kenward_roger}


@dataclass(frozen=True)
class LostOfTerms:
    """What may be lost of each term's F and, relative, of its degrees of freedom (t,).

    Attributes
    ----------
    F
        Absolute, by the rounding of the hypothesis.
    df
        By differences, by rounding beside a pole, and by the rounding of the hypothesis.
    """

    F: Array
    df: Array


def lost_of_terms(at: Concluded, method: str, type: str, terms: tuple[str, ...]) -> LostOfTerms:
    """What lmerTest and pbkrtest may lose of the F tests of these terms."""
    rows = hypotheses(at.fit, type)
    unit = unit_of([L.to_numpy() for L in rows.values()]) if type != "I" else 0.0
    made = METHODS[method](at.fit) if method in METHODS else None
    lost_F, lost_df = [], []
    for term in terms:
        L = rows[term].to_numpy()
        by_rows = rounded_rows(at, made, L, unit)
        lost_F.append(by_rows[0])
        lost_df.append(by_rows[1] + by_method(at, method, made, L))
    return LostOfTerms(np.array(lost_F), np.array(lost_df))


def unit_of(rows: list[Array]) -> float:
    """By how much an entry of a hypothesis may be off that seven digits of the largest round."""
    largest = max((float(np.abs(L).max(initial=0.0)) for L in rows), default=0.0)
    return HALVES * 0.5 * 10.0 ** (np.ceil(np.log10(largest)) - DIGITS) if largest > 0 else 0.0


def rounded_rows(at: Concluded, made: Any, L: Array, unit: float) -> tuple[float, float]:
    """What F, and relative its degrees of freedom, move by as entries that are not exact move by a unit each."""
    if unit == 0.0 or made is None:
        return 0.0, 0.0
    F, nu = tested(at, made, L)
    moved_F = moved_nu = 0.0
    inexact = np.abs(L - np.round(L, DIGITS)) > tolerances.EPS * np.abs(L)
    for place in np.argwhere(inexact):
        beside = L.copy()
        beside[tuple(place)] += unit
        other_F, other_nu = tested(at, made, beside)
        moved_F, moved_nu = moved_F + abs(other_F - F), moved_nu + abs(other_nu - nu) / nu
    return moved_F, moved_nu


def tested(at: Concluded, made: Any, L: Array) -> tuple[float, float]:
    """F, and its degrees of freedom."""
    nu, factor = made.joint(L)
    half = np.asarray(np.linalg.qr(np.asarray(made.whitened(L).T, dtype=float), mode="r"))
    white = linalg.lstsq(half.T, L @ at.fit.beta.to_numpy())[0]
    return float(factor * (white @ white) / max(1, np.linalg.matrix_rank(half))), float(nu)


def by_method(at: Concluded, method: str, made: Any, L: Array) -> float:
    """What the method's own arithmetic may move degrees of freedom by, relative.

    Satterthwaite's are joined from those of the eigenvectors of L vcov L', and rise with each of them: they are at
    their ends where all of these are. Kenward and Roger's nu is 4 + (q + 2)/(q rho - 1): rho rounded by r moves it by
    r (q rho)(nu - 4)^2/(q + 2), and 1 - 2/nu is divided by.
    """
    q = len(L)
    if method == "satterthwaite":
        axes = linalg.eigh(L @ at.fit.vcov.to_numpy() @ L.T)[1]
        rows = axes.T @ L
        each = np.array([made.degrees(row) for row in rows])
        off = np.minimum(each * by_differences(at.view, at.fit, rows), 1.0)
        here = joined(each)
        return max(abs(joined(each * (1 + side * off)) - here) for side in (-1.0, 1.0)) / here
    if method == "kenward-roger":
        nu = float(made.joint(L)[0])
        pole = max(abs(1 - 2 / nu), tolerances.EPS)
        return float(tolerances.CRITERION) * (1 / pole + abs(nu - 4) * (abs(nu - 4) + q + 2) / (q + 2) / abs(nu))
    return 0.0


def joined(nu: Array) -> float:
    """2 E / (E - q), E the sum of nu_i / (nu_i - 2); 2 where one is no more than 2, and what all are where all are one.

    Examples
    --------
    >>> joined(np.array([4.0, 6.0])).__round__(3), joined(np.array([2.0, 9.0])), joined(np.array([5.0]))
    (4.667, 2.0, 5.0)
    """
    if len(nu) == 1 or np.ptp(nu) < 1e-8:
        return float(nu.mean())
    if np.any(nu <= 2):
        return 2.0
    E = float((nu / (nu - 2)).sum())
    return 2 * E / (E - len(nu))
