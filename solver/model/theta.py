"""theta, the factors T of the terms, and Lambda (theory.md, 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array
from relmer.solver.model.covariance import Pattern, whole_triangle


@dataclass(frozen=True)
class Template:
    """Where theta goes in Lambda: entry (rows[k], columns[k]) is theta[Lind[k]].

    Attributes
    ----------
    rows, columns, Lind
        Positions in the q x q factor and, counted from 0, in theta.
    q
        Number of random effects.
    diagonal
        For each entry of theta, whether it stands on the diagonal of its T.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    Lind: NDArray[np.int64]
    q: int
    diagonal: NDArray[np.bool_]

    @cached_property
    def by_column(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The entries column by column, rows ascending: their order here, their rows, where each column begins."""
        order = np.lexsort((self.rows, self.columns)).astype(np.int64)
        starts = np.searchsorted(self.columns[order], np.arange(self.q + 1)).astype(np.int64)
        return order, self.rows[order], starts


def template(shapes: Sequence[tuple[int, int]], patterns: Sequence[Pattern] | None = None) -> Template:
    """Template of Lambda for terms of the given (levels, columns), whose T has the pattern, or is free.

    Examples
    --------
    >>> template([(2, 1)]).Lind
    array([0, 0])
    """
    if patterns is None:
        patterns = [whole_triangle(width) for _, width in shapes]
    rows, columns, Lind, diagonal = [], [], [], []
    first_effect = first_theta = 0
    for (levels, width), pattern in zip(shapes, patterns, strict=True):
        i, j, own = pattern.rows, pattern.columns, pattern.entry
        offsets = first_effect + width * np.repeat(np.arange(levels), len(i))
        rows.append(offsets + np.tile(i, levels))
        columns.append(offsets + np.tile(j, levels))
        Lind.append(first_theta + np.tile(own, levels))
        diagonal.append(np.isin(np.arange(pattern.size), own[i == j]))
        first_effect += levels * width
        first_theta += pattern.size
    none = [np.zeros(0, dtype=np.int64)]
    return Template(
        np.concatenate(rows or none),
        np.concatenate(columns or none),
        np.concatenate(Lind or none),
        first_effect,
        np.concatenate(diagonal or none).astype(bool),
    )


def Lambda(pattern: Template, theta: Array) -> sparse.csc_array:
    """Relative covariance factor (q, q), sparse lower triangular, at theta.

    Examples
    --------
    >>> Lambda(template([(2, 1)]), np.array([3.0])).toarray()
    array([[3., 0.],
           [0., 3.]])
    """
    order, rows, starts = pattern.by_column
    values = np.asarray(theta, dtype=float)[pattern.Lind[order]]
    return sparse.csc_array((values, rows.copy(), starts.copy()), shape=(pattern.q, pattern.q))


def split(theta: Array, widths: Sequence[int]) -> list[Array]:
    """Split theta into lower triangles of the given widths.

    Examples
    --------
    >>> split(np.array([1.0, 2.0, 3.0]), [2])[0]
    array([[1., 0.],
           [2., 3.]])
    """
    blocks, first = [], 0
    for width in widths:
        rows, columns = lower_triangle(width)
        T = np.zeros((width, width))
        T[rows, columns] = theta[first : first + len(rows)]
        blocks.append(T)
        first += len(rows)
    return blocks


def covariance(T: Array, sigma: float) -> Array:
    """sigma^2 T T' (c, c): the covariance matrix of the random effects of one level."""
    return np.asarray(sigma**2 * T @ T.T)


def theta_of(blocks: Sequence[Array]) -> Array:
    """Join the lower triangles of the given T, column by column, into theta."""
    return np.concatenate([T[lower_triangle(len(T))] for T in blocks] or [np.zeros(0)])
