"""From derivatives in the covariances G to derivatives in theta.

gamma lists the lower triangles of the symmetric G, column by column; a unit of an entry off the diagonal changes two
entries of G. For G = T T' and theta the lower triangles of the T, with dG = dT T' + T dT',

    df/dtheta = J df/dgamma,   d2f/dtheta2 = J d2f/dgamma2 J' + 2 tr(S dT dT'),   J = dgamma/dtheta,

where S = df/dG, symmetric, so that df = tr(S dG).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from relmer.solver.design import Array, lower_triangle


@lru_cache(maxsize=64)
def units(width: int) -> Array:
    """Unit changes of the lower triangle of a T, (m, c, c)."""
    rows, columns = lower_triangle(width)
    each = np.zeros((len(rows), width, width))
    each[np.arange(len(rows)), rows, columns] = 1.0
    return each


@lru_cache(maxsize=64)
def symmetric_units(width: int) -> Array:
    """Changes of a symmetric G (c, c) by a unit of each entry of gamma, flat: (m, c c)."""
    each = units(width)
    changes = np.maximum(each, each.transpose(0, 2, 1))
    return changes.reshape(len(each), -1)


def jacobian(T: Array) -> Array:
    """Dgamma / dtheta of G = T T', (m, m): row k belongs to entry k of theta."""
    if len(T) == 1:
        return 2.0 * T
    rows, columns = lower_triangle(len(T))
    half = units(len(T)) @ T.T
    return np.asarray(half[:, rows, columns] + half[:, columns, rows])


def chain(blocks: Sequence[Array], duals: Sequence[Array], second: Array) -> tuple[Array, Array]:
    """Gradient (k,) and Hessian (k, k) in theta from S (c, c) of each term and d2f/dgamma2 (k, k)."""
    sizes = [len(lower_triangle(len(T))[0]) for T in blocks]
    J = np.zeros_like(second)
    curvature = np.zeros_like(second)
    gradient = np.empty(len(second))
    first = 0
    for T, S, size in zip(blocks, duals, sizes, strict=True):
        part = slice(first, first + size)
        rows, columns = lower_triangle(len(T))
        J[part, part] = jacobian(T)
        gradient[part] = 2.0 * (S @ T)[rows, columns]
        curvature[part, part] = 2.0 * S[rows[:, None], rows] * (columns[:, None] == columns)
        first += size
    return gradient, J @ second @ J.T + curvature


def carried(scales: Sequence[Array], second: Array) -> Array:
    """d2f/dgamma2 (k, k) in the covariances G of which C'G C are the given one's."""
    sizes = [len(lower_triangle(len(C))[0]) for C in scales]
    K = np.zeros_like(second)
    first = 0
    for C, size in zip(scales, sizes, strict=True):
        rows, columns = lower_triangle(len(C))
        changes = C.T @ symmetric_units(len(C)).reshape(size, len(C), len(C)) @ C
        K[first : first + size, first : first + size] = changes[:, rows, columns]
        first += size
    return np.asarray(K @ second @ K.T)


def gamma_of(duals: Sequence[Array]) -> Array:
    """Derivatives in gamma from symmetric S with df = tr(S dG): entries off the diagonal count twice."""
    return np.concatenate([symmetric_units(len(S)) @ S.ravel() for S in duals])


def matrices(gamma: Array, widths: Sequence[int]) -> list[Array]:
    """The symmetric G (c, c) whose lower triangles gamma lists."""
    ends = np.cumsum([0, *(len(lower_triangle(width)[0]) for width in widths)])
    return [
        (gamma[a:b] @ symmetric_units(width)).reshape(width, width)
        for width, a, b in zip(widths, ends, ends[1:], strict=False)
    ]
