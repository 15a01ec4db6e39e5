"""V^-1/2 times rows for V = I + root root', root (n, q): by V itself, or by the QR of [root; I] where it is large."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.algebra.doubled import less
from relmer.solver.algebra.triangles import logdet_triangle, triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError

# Part of a column that must be left of it beside the others: rounding is eps over it, 2e-11.
LOST = 1e-5
EPS = float(np.finfo(float).eps)
TEN_DIGITS = 1e-10
LARGE_EFFECTS = (
    "theta is so large that random effects which lie along each other drown the residual in rounding; "
    "the criterion has no ten digits there"
)


@dataclass(frozen=True)
class Whitened:
    """Rows (n, m) whitened for V = I + root root', with a root (n, q): V^-1/2 rows, and log|V|; `effects` leads back.

    Attributes
    ----------
    white
        V^-1/2 rows (n, m).
    logdet
        log|V|.
    effects
        root'V^-1 r (q,) for a combination r = rows c, given c (m,).
    """

    white: Array
    logdet: float
    effects: Callable[[Array], Array]


def marginal_half(root: Array) -> Array:
    """V^1/2 (n, n), the lower Cholesky factor of V = I + root root'."""
    half, info = lapack.dpotrf(root @ root.T + np.eye(len(root)), lower=1, clean=1)
    if info:
        raise np.linalg.LinAlgError("V has no Cholesky factor: its root is not finite, or so large that it hides I")
    return np.asarray(half)


def whitened_by_root(root: Array, rows: Array, half: Array | None = None) -> Whitened:
    """Whiten rows (n, m) for V = I + root root' by the Cholesky factor of V, which may be known."""
    half = marginal_half(root) if half is None else half
    white = triangular_solve(half, rows, lower=True)

    def effects(c: Array) -> Array:
        return np.asarray(root.T @ triangular_solve(half, white @ c, lower=True, trans=True))

    return Whitened(white=white, logdet=logdet_triangle(half), effects=effects)


def whitened_by_augmenting(Z: Array, T: Array, rows: Array, along: Array | None = None) -> Whitened:
    """Whiten rows (n, m) for V = I + root root', root = Z T, by the QR of [root; I] (n + q, q).

    Nothing is squared: R'R = I + root'root, the complement Q_2 of Q whitens, and root'V^-1 r = R^-1 Q'[r; 0].
    Householder's errors are relative to every column by itself (Higham 2002, theorem 19.4), so it does not matter how
    large the columns of the root are, as long as they lie apart. A column x of the rows that lies along it,
    x = root w + rest, is whitened as Q_2'[rest; -w], which is as small as what is left of it (theory.md, 43). Columns
    that lie along each other are turned apart first. Of rows that are known as rows + Z along, `along` (q, m), the rest
    is rows + Z (along - T w), to the last digit of the rows.

    Raises
    ------
    ModelError
        The columns of the root are so large and so close to each other that fewer than ten digits are left.
    """
    root = Z @ T
    q = root.shape[1]
    if q == 0:
        return Whitened(white=together(Z, rows, along), logdet=0.0, effects=lambda c: np.zeros(0))
    stacked = np.vstack([root, np.eye(q)])
    norms = np.linalg.norm(stacked, axis=0)
    (reflectors, tau), triangle = linalg.qr(stacked, mode="raw", check_finite=False)
    R: Array = np.asarray(triangle[:q], dtype=float)
    reflectors = np.asfortranarray(reflectors[:, :q])
    if np.any(np.abs(R.diagonal()) < LOST * norms):
        W = columns_apart(root)
        turned_apart = whitened_by_augmenting(Z, T @ W, rows, along)
        return replace(turned_apart, effects=lambda c: np.asarray(W @ turned_apart.effects(c)))
    n, m = rows.shape
    work = max(1, int(lapack.dormqr("L", "T", reflectors, tau, np.zeros((n + q, m), order="F"), -1)[1][0]))

    def turned(extended: Array) -> Array:
        return np.asarray(lapack.dormqr("L", "T", reflectors, tau, np.asfortranarray(extended), work)[0])

    whole = together(Z, rows, along)
    rotated = turned(np.vstack([whole, np.zeros((q, m))]))
    w = triangular_solve(R, rotated[:q])
    moved = T @ w
    if along is not None:
        moved = np.column_stack([-less(along[:, j], T, w[:, j]) for j in range(m)])
    left = [less(x, Z, a) for x, a in zip(rows.T, moved.T, strict=True)]
    tried = np.vstack([np.column_stack(left), -w])
    w *= np.linalg.norm(tried, axis=0) < np.linalg.norm(whole, axis=0) / 2
    rotated = np.where(w.any(axis=0), turned(tried), rotated)

    def effects(c: Array) -> Array:
        return np.asarray(w @ c + triangular_solve(R, rotated[:q] @ c))

    return Whitened(white=rotated[q:], logdet=logdet_triangle(R), effects=effects)


def together(Z: Array, rows: Array, along: Array | None) -> Array:
    """Rows (n, m) + Z along."""
    return rows if along is None else rows + Z @ along


def columns_apart(root: Array) -> Array:
    """Orthonormal W (q, r), r <= q, for which root W (n, r) has orthogonal columns and the same root root'.

    Singular values s are known to eps times the largest. One that is no larger is left out: it is zero, or its square,
    which is what V sees, is rounding. Any other moves log|V| by 2 s / (1 + s^2) times its own rounding, of which ten
    digits must be left.
    """
    _, s, rows = linalg.svd(root, full_matrices=False)
    rounding = EPS * s[0]
    kept = s > len(s) * rounding
    if np.any(2 * s[kept] * rounding > TEN_DIGITS * (1 + s[kept] ** 2)):
        raise ModelError(LARGE_EFFECTS)
    return np.asarray(rows[kept].T)
