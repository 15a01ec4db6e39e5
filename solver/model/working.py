"""Working coordinates: the same model with its random-effects columns made orthonormal on average (theory.md, 13).

X_j of a term becomes X_j C_j^-T, with C_j C_j' the mean of its cross product over the levels, and so G_j becomes
C_j' G_j C_j. A shift or a change of scale of a slope's covariate leaves the working problem as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from relmer.solver.algebra import lower_trapezoid
from relmer.solver.arrays import Array
from relmer.solver.model.covariance import UNSTRUCTURED
from relmer.solver.model.design import Design
from relmer.solver.model.term import RandomTerm


@dataclass(frozen=True)
class Standard:
    """A design in working coordinates, and the C (c, c) of each term that leads back."""

    design: Design
    scales: tuple[Array, ...]


def standardise(design: Design) -> Standard:
    """The design in working coordinates."""
    scales = tuple(scale_of(term) for term in design.terms)
    terms = [
        replace(term, X=working(term, C).T, structure=UNSTRUCTURED)
        for term, C in zip(design.terms, scales, strict=True)
    ]
    return Standard(replace(design, terms=tuple(terms)), scales)


def scale_of(term: RandomTerm) -> Array:
    """C (c, c), lower triangular, with C C' the mean cross product of the term's columns over its levels.

    A term whose mean cross product is singular is scaled column by column, without rotation.
    """
    mean = term.X.T @ term.X / len(term.levels)
    scale = np.sqrt(mean.diagonal())
    scale[scale == 0] = 1.0
    correlation = mean / scale / scale[:, None]
    C, status = lapack.dpotrf(correlation, lower=1)
    return np.diag(scale) if status else scale[:, None] * C


def working(term: RandomTerm, C: Array) -> Array:
    """The term's columns in working coordinates, C^-1 X_j', (c, n)."""
    z = np.array(term.X.T, dtype=float, order="C")
    if not is_lower(C):
        return np.linalg.solve(C, z)
    for a in range(len(C)):
        if a:
            z[a] -= C[a, :a] @ z[:a]
        z[a] /= C[a, a]
    return z


def is_lower(C: Array) -> bool:
    """Whether C is lower triangular, and regular; else it is a diagonal matrix with its columns in another order."""
    return bool(C.diagonal().all())


def original(scales: Sequence[Array], roots: Sequence[Array]) -> list[Array]:
    """Carry roots (c, m) of the working G_j back to the lower triangular T of the original columns: C^-T root."""
    return [lower_trapezoid(led_back(C, root) if root.size else root) for C, root in zip(scales, roots, strict=True)]


def led_back(C: Array, root: Array) -> Array:
    """C^-T root (c, m)."""
    return np.asarray(lapack.dtrtrs(C, root, lower=1, trans=1)[0] if is_lower(C) else np.linalg.solve(C.T, root))
