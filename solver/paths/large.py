"""Covariances so large that V = I + Z Lambda Lambda'Z' has the residual in its last digits, or not at all.

There V must not be formed: rows are whitened by the QR of [Z Lambda; I] (`whitened_by_augmenting`), whose errors are
relative to every column of Z Lambda by itself. So Lambda is turned, which changes no V, until its columns are as far
apart as they can be: the root of a term gets a triangle of zeros, beginning with its largest row (theory.md, 43).
"""

from collections.abc import Sequence

import numpy as np

from relmer.solver.algebra import LARGE_EFFECTS
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import Design

# A variance of a row, in units of sigma^2, beyond which a Cholesky factor of V leaves too few digits of the residual:
# its rounding is eps of the largest entry, 2e-11 of the least eigenvalue.
LARGE = 1e5
EPS = float(np.finfo(float).eps)
# Rounding of a row of a root that may be seen, relative to what is left of it beside larger rows, or to sigma.
ROUNDED = 1e-10


def sizes_of(design: Design, weighted: bool = False) -> list[Array]:
    """Root mean squares (r,) of the columns of every term, as they are or of the weighted rows.

    A weight scales a row and column of V, which costs its Cholesky factor nothing; but it does once rows are rotated.
    """
    weights = design.weights if weighted and design.weights is not None else np.ones(len(design.y))
    return [np.sqrt((weights[:, None] * term.X**2).mean(axis=0)) for term in design.terms]


def is_large(roots: Sequence[Array], sizes: Sequence[Array]) -> bool:
    """Whether some column has so much variance that V is not to be written out."""
    pairs = zip(roots, sizes, strict=True)
    return any(float(((size[:, None] * root) ** 2).sum(axis=1).max(initial=0.0)) > LARGE for root, size in pairs)


def apart(root: Array, size: Array) -> tuple[Array, Array]:
    """T (r, k) and Q with root = T Q', the rows of T with a triangle of zeros from the largest on, in units of `size`.

    Raises
    ------
    ModelError
        The rows are so large and so close to each other that their rounding is seen.
    """
    lengths = size * np.linalg.norm(root, axis=1)
    order = np.argsort(-lengths, kind="stable")
    Q, R = np.linalg.qr(root[order].T)
    left = size[order][: R.shape[0]] * np.abs(R.diagonal())
    if np.any((EPS * lengths[order] > ROUNDED * np.maximum(1.0, np.append(left, np.zeros(len(root) - len(left)))))[1:]):
        raise ModelError(LARGE_EFFECTS)
    T = np.empty((len(root), R.shape[0]))
    T[order] = R.T
    return T, Q


def turned_back(u: Array, Q: Sequence[Array], levels: Sequence[int]) -> Array:
    """u (q,) of roots T Q', for that of the roots T."""
    ends = np.cumsum([l * each.shape[1] for l, each in zip(levels, Q, strict=True)])
    parts = zip(np.split(u, ends[:-1]), Q, strict=True)
    return np.concatenate([(part.reshape(-1, each.shape[1]) @ each.T).ravel() for part, each in parts])
