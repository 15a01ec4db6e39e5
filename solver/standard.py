"""Working coordinates: the same model with its random-effects columns made orthonormal on average.

Z_j becomes Z_j C_j^-T with C_j C_j' the mean of X_i'X_i over the levels, so that G_j becomes C_j' G_j C_j. A shift or a
change of scale of a slope's covariate leaves the working problem as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse

from relmer.solver.design import Array, Design, random_matrix


@dataclass(frozen=True)
class Standard:
    """A design in working coordinates, and the C (c, c) of each term that leads back."""

    design: Design
    scales: tuple[Array, ...]


def standardise(design: Design) -> Standard:
    """Give the design in working coordinates.

    A term whose mean cross product is singular is scaled column by column, without rotation.
    """
    terms, scales = [], []
    for term in design.terms:
        mean = term.X.T @ term.X / len(term.levels)
        scale = np.sqrt(np.diagonal(mean))
        scale = np.where(scale > 0, scale, 1.0)
        correlation = mean / np.outer(scale, scale)
        try:
            C = scale[:, None] * linalg.cholesky(correlation, lower=True)
        except linalg.LinAlgError:
            C = np.diag(scale)
        scales.append(C)
        terms.append(replace(term, X=linalg.solve_triangular(C, term.X.T, lower=True).T))
    blocks = [random_matrix(term) for term in terms]
    Z = sparse.csc_array(sparse.hstack(blocks)) if blocks else design.Z
    return Standard(replace(design, terms=tuple(terms), Z=Z), tuple(scales))


def lower_trapezoid(root: Array) -> Array:
    """Lower triangular T (c, c) with T T' = root root', for a root (c, r) of any rank.

    Columns beyond the r-th are zero; the first nonzero entry of each column is positive.
    """
    width, rank = len(root), min(root.shape)
    T = np.zeros((width, width))
    if rank:
        R = linalg.qr(root.T, mode="r")[0][:rank]
        T[:, :rank] = np.tril(R.T)
    first = T[np.argmax(T != 0, axis=0), np.arange(width)]
    return T * np.where(first < 0, -1.0, 1.0)


def original(scales: Sequence[Array], roots: Sequence[Array]) -> list[Array]:
    """Carry roots of the working G_j (c, r) back to the lower triangular T of the original columns."""
    return [
        lower_trapezoid(linalg.solve_triangular(C, root, lower=True, trans="T"))
        for C, root in zip(scales, roots, strict=True)
    ]
