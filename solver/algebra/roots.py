"""Roots T (c, m) of a positive semi-definite matrix G = T T' (theory.md, 2), singular or not."""

import numpy as np
from scipy.linalg import lapack

from relmer.solver.algebra.triangles import lower_triangle
from relmer.solver.arrays import Array

# Eigenvalues of a working G below this are taken for zero if the criterion then does not rise.
RANK = 1e-9
# Least eigenvalue of a working G at the start, relative to the largest one, or to 1: at zero theta's chart is flat.
FLOOR = 1e-2
# Row of a T from which on the rows of G = T T' are looked at each in its own size: a variance of one beside one of 1e10
# is none that is negligible.
GRADED = 1e5


def row_sizes(T: Array) -> Array:
    """Lengths (c, 1) of the rows of T, at least 1."""
    return np.asarray(np.maximum(np.sqrt((T**2).sum(axis=1, keepdims=True)), 1.0))


def graded_sizes(T: Array) -> Array:
    """The same, but ones where no row is so large that one scale would not hold all of them."""
    sizes = row_sizes(T)
    return sizes if sizes.max(initial=1.0) > GRADED else np.ones_like(sizes)


def reduced_root(T: Array) -> Array:
    """Root (c, m) of G = T T' without the directions of negligible variance; m is the rank that is left."""
    sizes = graded_sizes(T)
    left, singular, _ = np.linalg.svd(T / sizes)
    kept = singular**2 > RANK * max(1.0, float(singular.max() ** 2))
    return np.asarray(sizes * left[:, kept] * singular[kept])


def is_regular(T: Array) -> bool:
    """Whether no direction of G = T T' has negligible variance."""
    variances = lapack.dsyev(T @ T.T, compute_v=0)[0]
    if variances[-1] > GRADED**2:
        T = T / row_sizes(T)
        variances = lapack.dsyev(T @ T.T, compute_v=0)[0]
    return bool(variances[0] > RANK * max(1.0, variances[-1]))


def root_of(G: Array) -> Array:
    """A root T (c, c) of G = T T', singular or not."""
    if len(G) == 1:
        return np.sqrt(G)
    values, vectors = np.linalg.eigh(G)
    return spectral_root(values, vectors, 0.0)


def spectral_root(values: Array, vectors: Array, least: float) -> Array:
    """A root T (c, c) of the G of these eigenvalues and eigenvectors; eigenvalues below `least` count for `least`."""
    return np.asarray(vectors * np.sqrt(np.maximum(values, least)))


def root_by_columns(G: Array) -> Array:
    """Lower triangular T with T T' = G; of a G that is not quite semi-definite its leading columns.

    A G that was printed may have a negative eigenvalue. Here, other than in `root_of`, the columns that come first are
    kept to the digit, and what is negative under a root counts as zero.

    Examples
    --------
    >>> root_by_columns(np.array([[4.0, 2.0], [2.0, 1.0]]))
    array([[2., 0.],
           [1., 0.]])
    """
    rest, T = G.copy(), np.zeros_like(G)
    for k in range(len(G)):
        root = np.sqrt(max(rest[k, k], 0.0))
        if root > 0:
            T[k:, k] = rest[k:, k] / root
            rest -= np.outer(T[:, k], T[:, k])
    return T


def lower_trapezoid(root: Array) -> Array:
    """Lower triangular T (c, c) with T T' = root root', for a root (c, m) with any number of columns.

    Columns of T beyond the m-th are zero; the first nonzero entry of each column is positive.
    """
    width, rank = len(root), min(root.shape)
    if root.shape == (1, 1):
        return np.abs(root)
    T = np.zeros((width, width))
    if rank:
        rows, columns = lower_triangle(width)
        rows, columns = rows[columns < rank], columns[columns < rank]
        T[rows, columns] = lapack.dgeqrf(root.T)[0][columns, rows]
    first = T.diagonal()
    if not first.all():
        first = T[np.argmax(T != 0, axis=0), np.arange(width)]
    return T * np.where(first < 0, -1.0, 1.0)


def positive(G: Array) -> Array:
    """Lower triangular root T of G with its small and negative eigenvalues raised."""
    sizes = np.sqrt(np.maximum(G.diagonal(), 1.0))[:, None]
    if sizes.max() > GRADED:
        return np.asarray(sizes * positive(G / sizes / sizes.T))
    values, vectors, _ = lapack.dsyev(G)
    least = FLOOR * max(1.0, values[-1])
    if values[0] >= least:
        return np.asarray(lapack.dpotrf(G, lower=1)[0])
    return lower_trapezoid(spectral_root(values, vectors, least))
