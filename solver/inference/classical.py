"""Degrees of freedom that count rows, columns and subjects, as SAS has them (inference.md, 15)."""

from dataclasses import dataclass

import numpy as np

from relmer.solver.algebra import triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference.terms import kept_columns
from relmer.solver.language import FixedTerms
from relmer.solver.model import RandomTerm, is_nested


@dataclass(frozen=True)
class Counted:
    """Degrees of freedom that every coefficient has by itself; a contrast has the fewest of those that it takes.

    Attributes
    ----------
    fit
        The covariance of beta is sigma^2 (RX'RX)^-1.
    each
        Of every coefficient (p,).
    """

    fit: Fit
    each: Array

    def whitened(self, L: Array) -> Array:
        """Rows L vcov^1/2 (m, p): sigma L RX^-1."""
        RX = self.fit.solution.RX
        return np.asarray(self.fit.sigma * triangular_solve(RX, L.T, trans=True).T) if len(RX) else L

    def degrees(self, l: Array) -> float:
        """Those of one contrast l (p,)."""
        return self.joint(l[None])[0]

    def joint(self, L: Array) -> tuple[float, float]:
        """Those of F for rows L."""
        return float(self.each[np.any(L != 0, axis=0)].min(initial=np.inf)), 1.0


def residual(fit: Fit) -> Counted:
    """n - p for all: SAS's ddfm=residual.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> residual(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)).each
    array([178., 178.])
    """
    n, p = fit.design.X.shape
    return Counted(fit, np.full(p, float(n - p)))


def between_within(fit: Fit) -> Counted:
    """Degrees of freedom between and within the subjects: SAS's ddfm=betwithin.

    The subjects are the levels of the outermost grouping factor. A term one of whose columns varies within a subject is
    within: with p_w such coefficients and p_b others, n - subjects - p_w and subjects - p_b.

    Raises
    ------
    ModelError
        There is no grouping factor that contains all others.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> between_within(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)).each
    array([ 17., 161.])
    """
    subject = subjects(fit.design.terms)
    X, n, count = fit.design.X, len(fit.design.y), len(subject.levels)
    first = np.unique(subject.codes, return_index=True)[1]
    varies = np.any(X[first][subject.codes] != X, axis=0)
    terms = FixedTerms(fit.frame).of_columns[kept_columns(fit)]
    within = np.isin(terms, terms[varies])
    return Counted(fit, np.where(within, float(n - count - within.sum()), float(count - (~within).sum())))


def subjects(terms: tuple[RandomTerm, ...]) -> RandomTerm:
    """The term whose levels no level of another crosses."""
    if not terms:
        raise ModelError("the model has no grouping factor, so that nothing is between subjects: take residual")
    for term in terms:
        if all(is_nested(other.codes, term.codes) for other in terms):
            return term
    groups = ", ".join(dict.fromkeys(term.group for term in terms))
    raise ModelError(f"grouping factors {groups:.200} cross, so that there are no subjects: take Satterthwaite")
