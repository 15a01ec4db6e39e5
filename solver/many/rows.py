"""Shared of one design and many responses, reduced once.

Rotated as `elimination` does it (theory.md, 14 and 18), rows are pseudo-rows whose covariance is D = I + R G R', and
rows that no random effect reaches. G is linear in gamma, so D = I + sum of gamma_a N_a with N_a = R E_a R'; all that
the criterion needs of a response beside D is the products S_xz = B_x B_z' of its pseudo-rows with those of X.

Pseudo-rows fall apart into blocks with D of their own: the levels of one grouping factor; and single rows, where all
N_a have the same eigenvectors, as those of crossed and nested factors do if data are balanced. Blocks with the same N
count as one class, of which the sums of S are kept: balanced data have few, whatever their number of levels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.elimination import Grouping, groupings_of, orthogonalise
from relmer.solver.model import Design, RandomTerm, scale_of, symmetric_units, working

# Part of the largest entry of the N that eigenvectors common to all may leave off the diagonals: rounding of sums.
COMMON = 1e-13
# Numbers that those of one block of responses may take together.
AT_ONCE = 2**21


@dataclass(frozen=True)
class Shared:
    """What depends on X, Z and the weights alone.

    Attributes
    ----------
    design
        Where it comes from, in sound coordinates.
    Q, RX0
        Orthonormal columns (n, p) of the weighted X, and the triangular factor (p, p).
    scales
        C (c, c) of each term: its working covariance is C'G C.
    N
        Change (K, k, r, r) of the D of each class by a unit of each entry of gamma.
    counts
        Blocks of each class (K,).
    basis
        Orthonormal rows (blocks r, n), block after block, which turn the data's rows into pseudo-rows.
    classes
        Class of each block.
    B
        Pseudo-rows (blocks, r, p) of Q.
    inner
        Q without what the pseudo-rows hold, (n, p).
    bends
        d2 gamma_a / d theta2, (k, k, k).
    """

    design: Design
    Q: Array
    RX0: Array
    scales: tuple[Array, ...]
    N: Array
    counts: Array
    basis: sparse.csr_array
    classes: Integers
    B: Array
    inner: Array
    bends: Array

    @property
    def widths(self) -> tuple[int, ...]:
        """Columns of each term."""
        return tuple(map(len, self.scales))

    @property
    def together(self) -> int:
        """How many responses are handled at once, so that memory is bounded."""
        K, k, r, _ = self.N.shape
        p = self.Q.shape[1]
        return max(1, AT_ONCE // int(len(self.Q) + K * r * r * (2 * k + p + 2) + (k + 1) * (p + 1) ** 2))


@dataclass(frozen=True)
class Responses:
    """What is added by m responses.

    Attributes
    ----------
    beta0
        Least-squares coefficients on Q (m, p).
    S_xx, S_xy, S_yy
        Products of pseudo-rows, summed over the levels of each class: (K r r, p p), (m, K r r, p), (m, K r r).
    A_xx, A_xy, A_yy
        What no pseudo-row holds of the products: (p, p), (m, p), (m,).
    """

    beta0: Array
    S_xx: Array
    S_xy: Array
    S_yy: Array
    A_xx: Array
    A_xy: Array
    A_yy: Array

    def __len__(self) -> int:
        """The number of responses."""
        return len(self.A_yy)

    def taken(self, which: Integers | Booleans) -> "Responses":
        """Those of some responses."""
        return Responses(
            beta0=self.beta0[which],
            S_xx=self.S_xx,
            S_xy=self.S_xy[which],
            S_yy=self.S_yy[which],
            A_xx=self.A_xx,
            A_xy=self.A_xy[which],
            A_yy=self.A_yy[which],
        )


def reduced(design: Design) -> Shared:
    """Reduce X and Z of a design in sound coordinates, whose terms have no structure."""
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    Q, RX0 = np.linalg.qr(root[:, None] * design.X)
    scales = tuple(scale_of(term) for term in design.terms)
    columns = [root * working(term, C) for term, C in zip(design.terms, scales, strict=True)]
    groupings = groupings_of(design.terms)
    if len(groupings) == 1:
        N, basis = by_level(groupings[0], np.concatenate(columns))
    else:
        N, basis = at_once(design.terms, columns)
    first, classes, counts = np.unique(N, axis=0, return_index=True, return_inverse=True, return_counts=True)[1:]
    B = (basis @ Q).reshape(len(N), N.shape[2], Q.shape[1])
    inner = Q - basis.T @ (basis @ Q)
    return Shared(
        design=design,
        Q=Q,
        RX0=RX0,
        scales=scales,
        N=N[first],
        counts=counts.astype(float),
        basis=basis,
        classes=classes.ravel(),
        B=B,
        inner=inner - basis.T @ (basis @ inner),
        bends=bends_of(tuple(map(len, scales))),
    )


def by_level(grouping: Grouping, columns: Array) -> tuple[Array, sparse.csr_array]:
    """N (l, k, c, c) of every level, and the orthonormal rows within levels, sparse (l c, n)."""
    width, n = columns.shape
    own = columns.copy()
    R = orthogonalise(own, width, grouping.codes, grouping.levels).transpose(2, 1, 0)
    rows = grouping.codes * width + np.arange(width)[:, None]
    at = (rows.ravel(), np.tile(np.arange(n), width))
    basis = sparse.csr_array((own.ravel(), at), shape=(grouping.levels * width, n))
    return R[:, None] @ units_of(grouping.widths) @ R[:, None].transpose(0, 1, 3, 2), basis


def at_once(terms: Sequence[RandomTerm], columns: Sequence[Array]) -> tuple[Array, sparse.csr_array]:
    """N (1, k, r, r) of all effects, or (r, k, 1, 1) if they can be taken apart, and the orthonormal rows, (r, n)."""
    n = len(terms[0].codes)
    blocks = []
    for term, own in zip(terms, columns, strict=True):
        Z = np.zeros((n, len(term.levels), len(own)))
        Z[np.arange(n), term.codes] = own.T
        blocks.append(Z)
    Q, R = np.linalg.qr(np.hstack([Z.reshape(n, -1) for Z in blocks]))
    parts = np.split(R, np.cumsum([Z[0].size for Z in blocks])[:-1], axis=1)
    N = []
    for Z, part in zip(blocks, parts, strict=True):
        width = Z.shape[2]
        each = part.reshape(len(R), -1, width)
        units = symmetric_units(width).reshape(-1, width, width)
        N += [np.einsum("rla,ab,slb->rs", each, unit, each, optimize=True) for unit in units]
    together = np.array(N)
    largest = np.abs(together).max(axis=(1, 2), keepdims=True)
    # Some combination whose eigenvalues coincide only where those of all do.
    _, U = np.linalg.eigh(np.tensordot(np.sqrt(np.arange(2.0, 2.0 + len(N))), together / largest, 1))
    turned = U.T @ together @ U
    values = np.diagonal(turned, axis1=1, axis2=2)
    off = turned - values[:, :, None] * np.eye(len(R))
    if np.all(np.abs(off) <= COMMON * largest):
        return values.T[:, :, None, None].copy(), sparse.csr_array((Q @ U).T)
    return together[None], sparse.csr_array(Q.T)


def units_of(widths: Sequence[int]) -> Array:
    """E_a (k, c, c) of terms with one grouping factor, side by side."""
    starts = np.cumsum([0, *widths])
    found = []
    for width, start in zip(widths, starts, strict=False):
        own = np.zeros((width * (width + 1) // 2, starts[-1], starts[-1]))
        own[:, start : start + width, start : start + width] = symmetric_units(width).reshape(-1, width, width)
        found.append(own)
    return np.concatenate(found)


def bends_of(widths: Sequence[int]) -> Array:
    """d2 gamma_a / d theta_t d theta_u (k, k, k): gamma = theta' bends theta / 2, for G = T T'."""

    def bends(width: int) -> Array:
        rows, columns = lower_triangle(width)
        place = {(i, j): a for a, (i, j) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True))}
        found = np.zeros((len(rows),) * 3)
        for (i, j), a in place.items():
            for l in range(j + 1):
                found[a, place[i, l], place[j, l]] += 1.0
                found[a, place[j, l], place[i, l]] += 1.0
        return found

    each = [bends(width) for width in widths]
    whole = np.zeros((sum(map(len, each)),) * 3)
    start = 0
    for own in each:
        part = slice(start, start := start + len(own))
        whole[part, part, part] = own
    return whole


def with_responses(shared: Shared, Y: Array) -> Responses:
    """Reduce responses Y (n, m), without offset, in sound coordinates."""
    design = shared.design
    y = Y if design.weights is None else np.sqrt(design.weights)[:, None] * Y
    beta0 = shared.Q.T @ y
    y = y - shared.Q @ beta0
    again = shared.Q.T @ y
    y = y - shared.Q @ again
    K, _, r, _ = shared.N.shape
    (p, m), levels = beta0.shape, len(shared.classes)
    By = (shared.basis @ y).reshape(levels, r, m)
    inner = y - shared.basis.T @ By.reshape(levels * r, m)
    S_xx = np.zeros((K, r, r, p, p))
    S_xy, S_yy = np.zeros((m, K, r, r, p)), np.zeros((m, K, r, r))
    for k in range(K):
        own = shared.classes == k
        Bx, by = shared.B[own], By[own]
        S_xx[k] = np.einsum("iax,ibz->abxz", Bx, Bx)
        # Only symmetric matrices are held against these, so that either order of a pair of columns will do.
        S_xy[:, k] = np.tensordot(by, Bx, (0, 0)).transpose(1, 0, 2, 3)
        S_yy[:, k] = np.einsum("iam,ibm->mab", by, by)
    return Responses(
        beta0=(beta0 + again).T,
        S_xx=S_xx.reshape(K * r * r, p * p),
        S_xy=S_xy.reshape(m, K * r * r, p),
        S_yy=S_yy.reshape(m, K * r * r),
        A_xx=shared.inner.T @ shared.inner,
        A_xy=inner.T @ shared.inner,
        A_yy=np.einsum("nm,nm->m", inner, inner),
    )


def lower(roots: Array) -> Array:
    """Lower triangular T (..., c, c), its diagonal not negative, with T T' = root root', of roots (..., c, c)."""
    T = np.asarray(np.linalg.qr(roots.swapaxes(-1, -2), mode="r")).swapaxes(-1, -2)
    return np.asarray(T * np.where(np.diagonal(T, axis1=-2, axis2=-1) < 0, -1.0, 1.0)[..., None, :])


def turned(widths: Sequence[int], scales: Sequence[Array], theta: Array) -> Array:
    """theta (m, k) of the T that C T, turned, is of every term."""
    found, start = [], 0
    for width, C in zip(widths, scales, strict=True):
        i, j = lower_triangle(width)
        T = np.zeros((len(theta), width, width))
        T[:, i, j] = theta[:, start : start + len(i)]
        start += len(i)
        found.append(lower(C @ T)[:, i, j])
    return np.concatenate(found, axis=1)


def original_theta(shared: Shared, theta: Array) -> Array:
    """theta (m, k) of the design from that in working coordinates."""
    return turned(shared.widths, [np.asarray(linalg.inv(C)).T for C in shared.scales], theta)


def working_theta(shared: Shared, theta: Array) -> Array:
    """theta (k,) in working coordinates from that of the design."""
    found: Array = turned(shared.widths, [C.T for C in shared.scales], theta[None])[0]
    return found
