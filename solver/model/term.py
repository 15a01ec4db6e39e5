"""A random-effects term, and the names of what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from relmer.solver.arrays import Array, Codes, Integers
from relmer.solver.errors import ModelError
from relmer.solver.model.covariance import UNSTRUCTURED, Covariance, Unstructured, factor
from relmer.solver.model.names import make_names, make_unique


@dataclass(frozen=True)
class RandomTerm:
    """One random term: every level of a grouping factor has its own coefficients.

    Attributes
    ----------
    group : str
        lme4's name of the grouping factor.
    columns : tuple of str
        Names of the c coefficients.
    levels : tuple of str
        The levels that occur, in order.
    codes : (n,) int64 array
        Index of each row's level.
    X : (n, c) float64 array
        The model matrix left of the bar.
    structure : Covariance
        That of the covariance matrix of one level's coefficients.
    """

    group: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    codes: Integers
    X: Array
    structure: Covariance = UNSTRUCTURED

    @property
    def is_free(self) -> bool:
        """Whether any covariance matrix will do."""
        return isinstance(self.structure, Unstructured)


def is_structured(terms: Sequence[RandomTerm]) -> bool:
    """Whether some term has a structure, so that theta does not move freely."""
    return not all(term.is_free for term in terms)


def factors(terms: Sequence[RandomTerm], theta: Array) -> list[Array]:
    """Split theta into the lower triangular T (c, c) of each term (theory.md, 2)."""
    blocks, first = [], 0
    for term in terms:
        pattern = term.structure.pattern(len(term.columns))
        blocks.append(factor(pattern, theta[first : first + pattern.size], len(term.columns)))
        first += pattern.size
    return blocks


def pars(terms: Sequence[RandomTerm], theta: Array) -> list[Array]:
    """par (k,) of each term, from theta."""
    ends = np.cumsum([term.structure.pattern(len(term.columns)).size for term in terms])
    parts = np.split(theta, ends[:-1]) if terms else []
    return [term.structure.par(part, len(term.columns)) for term, part in zip(terms, parts, strict=True)]


def theta_at(terms: Sequence[RandomTerm], par: Sequence[Array]) -> Array:
    """theta (m,) from the par of each term."""
    each = [term.structure.theta(own, len(term.columns)) for term, own in zip(terms, par, strict=True)]
    return np.concatenate([*each, np.zeros(0)])


def par_of(terms: Sequence[RandomTerm], theta: Array) -> Array:
    """par (k,) of all terms, one after the other."""
    return np.concatenate([*pars(terms, theta), np.zeros(0)])


def theta_of_par(terms: Sequence[RandomTerm], par: Array) -> Array:
    """theta (m,) from the par (k,) of all terms."""
    ends = np.cumsum([len(term.structure.bounds(len(term.columns))[0]) for term in terms])
    return theta_at(terms, np.split(par, ends[:-1]) if terms else [])


def theta_near(terms: Sequence[RandomTerm], blocks: Sequence[Array]) -> Array:
    """theta (m,) from factors T (c, c) that have the structures of their terms but for rounding."""
    return theta_at(terms, [term.structure.nearest(T) for term, T in zip(terms, blocks, strict=True)])


def par_bounds(terms: Sequence[RandomTerm]) -> tuple[Array, Array]:
    """Least and largest par (k,) of all terms."""
    each = [term.structure.bounds(len(term.columns)) for term in terms]
    none = np.zeros(0)
    return np.concatenate([none, *(lower for lower, _ in each)]), np.concatenate([none, *(upper for _, upper in each)])


def par_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """lme4's names of par: those of theta but for terms with a structure, which have group.column, and group.rho."""
    return tuple(name for term in terms for name in term.structure.par_names(term.group, term.columns))


def checked_theta(terms: Sequence[RandomTerm], theta: ArrayLike) -> Array:
    """theta (k,) as an array of the length that the terms ask for: the one place where theta is let in.

    Raises
    ------
    ModelError
        It has another shape; the message names its entries.
    """
    values = np.asarray(theta, dtype=float)
    if values.shape != (sum(term.structure.pattern(len(term.columns)).size for term in terms),):
        names = theta_names(terms)
        raise ModelError(f"theta has shape {values.shape}; it needs {len(names)} values: {', '.join(names)}")
    return values


def is_nested(inner: Codes, outer: Codes) -> bool:
    """Whether all rows of a level of the inner factor lie in one level of the outer, given the level of each row."""
    parent = np.zeros(int(inner.max(initial=-1)) + 1, dtype=np.int64)
    parent[inner] = outer
    return np.array_equal(parent[inner], outer)


def group_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """Names of the terms: those of their grouping factors; where one comes again, R's make.unique tells them apart."""
    return make_unique([term.group for term in terms])


def varcorr_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """Names of the terms in lme4's VarCorr, which come from R's make.names where a grouping factor comes again."""
    names = [term.group for term in terms]
    return make_names(names) if len(set(names)) < len(names) else tuple(names)


def theta_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """lme4's names of theta: group.column on the diagonal, group.row.column below it."""
    return tuple(name for term in terms for name in term.structure.theta_names(term.group, term.columns))
