"""The other factors of a crossed model by a sparse Cholesky factor, where a dense one would be wasteful or too large.

S = Z'V^-1 Z has entries only for effects that share a row or a level of the first factor. They, and a fill-reducing
order, are found once; at every G the numbers are renewed and M = T'S T + I is factored anew (SuperLU, no pivoting).
Traces of inverses come from complex steps: log|M + i eta F| = log|M| + i eta tr(M^-1 F) for a step eta so small that
nothing else is left, and nothing is subtracted (theory.md, 22 and 23). So an exact derivative costs one complex factor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import SuperLU, splu

from relmer.solver.algebra import factorize, lower_triangle, repeated
from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination.blocks import Part
from relmer.solver.elimination.coupling import Coupling, SparseCoupling
from relmer.solver.elimination.levels import apply, products
from relmer.solver.elimination.schur import REGULAR
from relmer.solver.model import symmetric_units

# Effects up to which a dense factor is cheap, and from which on it is too large.
DENSE = 500
TOO_LARGE = 20_000
# Share of the entries, and of the entries of the factor, from which on a dense factor is faster.
CROWDED = 0.05
# The complex step eta.
STEP = 1e-30


@dataclass(frozen=True)
class SparseFront:
    """S as a function of D^-1 of the first factor (theory.md, 19).

    Attributes
    ----------
    parts
        The other factors.
    rows, columns
        Where S has entries, row >= column, (m,).
    values
        What does not change of them with D^-1, (m,).
    pairs
        Per (a, b) of the lower triangle of a D^-1 the sparse (m, l) matrix that spreads it over the entries.
    order
        Fill-reducing order of the effects.
    """

    parts: tuple[Part, ...]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Array
    pairs: tuple[sparse.csc_array, ...]
    order: NDArray[np.int64]

    is_sparse = True

    def factored(self, inverse_D: Array, T: Sequence[Array]) -> "tuple[SparseInverse, float]":
        """S at D^-1 (c, c, l), and the factor of M at the roots T; also log|M|."""
        return inverse(self, self.symmetric(self.values + self.spread(inverse_D)), T)

    def spread(self, inner: Array) -> Array:
        """Entries (m,) of the sum of B' inner B over the levels, for symmetric inner (c, c, l)."""
        entries = zip(self.pairs, *lower_triangle(len(inner)), strict=True)
        return np.asarray(sum(products @ (inner[a, b] if a == b else 2 * inner[a, b]) for products, a, b in entries))

    def symmetric(self, values: Array) -> sparse.csc_array:
        """The matrix (r, r) of the given entries."""
        r = self.parts[-1].effects.stop
        lower = sparse.csc_array((values, (self.rows, self.columns)), shape=(r, r))
        return sparse.csc_array(lower + sparse.tril(lower, -1).T)

    def ldl(self, M: sparse.csc_array) -> SuperLU:
        """The factor of M in the order of the front."""
        return factorize(sparse.csc_array(M[self.order][:, self.order]), "NATURAL")


@dataclass(frozen=True)
class SparseInverse:
    """Omega = T M^-1 T' as an operator, and traces with it; what `schur.Inverse` is for a dense S."""

    front: SparseFront
    S: sparse.csc_array
    T: Sequence[Array]
    root: sparse.csc_array
    M: sparse.csc_array
    lu: SuperLU | None

    @property
    def inverse(self) -> "SparseInverse":
        """Itself: all that is needed comes from the factor of M."""
        return self

    def omega_times(self, columns: Array) -> Array:
        """Omega times columns (r, m)."""
        if self.lu is None:
            return np.zeros_like(columns)
        root, order = self.root, self.front.order
        solution = np.empty_like(columns)
        solution[order] = self.lu.solve((root.T @ columns)[order])
        return np.asarray(root @ solution)

    def returned(self, coupling: Coupling, U: Array) -> Array:
        """Sum over the levels of K Omega K' = U B Omega B'U', (c, c, 1)."""
        width, root = len(U), self.root
        traces = []
        for E in symmetric_units(width).reshape(-1, width, width):
            values = self.front.spread(products(U.transpose(1, 0, 2), apply(E, U).transpose(1, 0, 2)))
            traces.append(self.trace(sparse.csc_array(root.T @ self.front.symmetric(values) @ root)))
        return halved(traces, width)[:, :, None]

    def own(self, j: int) -> Array:
        """Sum of the blocks of part j on the diagonal of H = Psi S (theory.md, 23).

        tr(H E) = l tr(F) - tr(M^-1 F), F = T^-1 E T^-T, is found by the symmetric factor of M; where T is close to
        singular, the derivative of log|I + S G| itself is.
        """
        part, width = self.front.parts[j], self.front.parts[j].width
        changes = symmetric_units(width).reshape(-1, width, width)
        if lapack.dsyev(self.T[j].T @ self.T[j], compute_v=0)[0][0] >= REGULAR:
            back = np.linalg.inv(self.T[j])
            turned = [back @ E @ back.T for E in changes]
            return halved([part.levels * np.trace(F) - self.trace(self.placed(j, F)) for F in turned], width)
        root, identity = self.root, sparse.eye_array(self.S.shape[0])
        traces = []
        for E in changes:
            lu = splu(sparse.csc_array(identity + self.S @ (root @ root.T + 1j * STEP * self.placed(j, E))))
            traces.append(slope(lu))
        return halved(traces, width)

    def placed(self, j: int, block: Array) -> sparse.csc_array:
        """The matrix (r, r) that repeats a block over the levels of part j and is zero elsewhere."""
        part = self.front.parts[j]
        repeats = repeated([block], [part.levels]).tocoo()
        place = (repeats.row + part.effects.start, repeats.col + part.effects.start)
        return sparse.csc_array((repeats.data, place), shape=self.S.shape)

    def trace(self, F: sparse.csc_array) -> float:
        """Trace of M^-1 F."""
        return slope(self.front.ldl(sparse.csc_array(self.M + 1j * STEP * F)))


def slope(lu: SuperLU) -> float:
    """Derivative of log|M| along F, from the pivots of M + i eta F, of either sign."""
    pivots = lu.U.diagonal()
    return float((pivots.imag / pivots.real).sum() / STEP)


def halved(traces: Sequence[float], width: int) -> Array:
    """The symmetric matrix (c, c) whose traces with the units E_a of gamma are the given numbers."""
    found = np.zeros((width, width))
    rows, columns = lower_triangle(width)
    found[rows, columns] = np.where(rows == columns, traces, np.array(traces) / 2)
    found[columns, rows] = found[rows, columns]
    return found


def inverse(front: SparseFront, S: sparse.csc_array, T: Sequence[Array]) -> tuple[SparseInverse, float]:
    """Factor M; also log|M|."""
    root = repeated(T, [part.levels for part in front.parts])
    M = sparse.csc_array(root.T @ S @ root + sparse.eye_array(S.shape[0]))
    lu = front.ldl(M)
    found = SparseInverse(front, S, list(T), root, M, lu if any(each.any() for each in T) else None)
    return found, float(np.log(lu.U.diagonal()).sum())


def sparse_front(
    coupling: SparseCoupling, columns: Array, effects: Codes, parts: tuple[Part, ...]
) -> SparseFront | None:
    """The front of the other factors' columns (m, n), whose numbers multiply the given effects.

    None where a dense one is cheaper.
    """
    (m, n), r = columns.shape, parts[-1].effects.stop
    if r <= DENSE:
        return None
    Z = sparse.csr_array((columns.T.ravel(), effects.T.ravel(), np.arange(0, m * n + 1, m)), shape=(n, r))
    targets = coupling.pairs[0].indices
    entries = distinct(targets, r * r)
    if r <= TOO_LARGE and len(entries) > CROWDED * r * r / 2:
        return None
    cross = sparse.coo_array(sparse.triu(sparse.csr_array(Z.T @ Z)))
    keys = cross.row.astype(np.int64) * r + cross.col
    entries = np.union1d(entries, keys)
    column, row = np.divmod(entries, r)
    pattern = sparse.csc_array((np.ones(len(entries)), (row, column)), shape=(r, r))
    dominant = sparse.csc_array(pattern + pattern.T + sparse.diags_array(np.diff((pattern + pattern.T).indptr) + 1.0))
    lu = factorize(dominant, "MMD_AT_PLUS_A")
    if r <= TOO_LARGE and lu.L.nnz > 4 * CROWDED * r * r / 2:
        return None
    values = np.zeros(len(entries))
    values[np.searchsorted(entries, keys)] = cross.data
    positions = np.searchsorted(entries, targets)
    shape = (len(entries), coupling.pairs[0].shape[1])
    pairs = tuple(sparse.csc_array((each.data, positions, each.indptr), shape=shape) for each in coupling.pairs)
    front = SparseFront(parts, row, column, values, pairs, np.argsort(lu.perm_c))
    width = len(coupling.B)
    identity = np.broadcast_to(np.eye(width)[:, :, None], (width, width, shape[1]))
    values -= front.spread(np.ascontiguousarray(identity))
    return front


def distinct(numbers: NDArray[np.integer[Any]], bound: int) -> NDArray[np.int64]:
    """The distinct ones of numbers below a bound, sorted; a table is faster than sorting, while it is small."""
    if bound > TOO_LARGE**2:
        return np.unique(numbers).astype(np.int64)
    seen = np.zeros(bound, dtype=bool)
    seen[numbers] = True
    return np.flatnonzero(seen)
