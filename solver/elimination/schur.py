"""What the dense factor of the crossed factors gives: Omega, Psi and H, and the sums of their blocks.

M = T'S T + I = L L' with the block-diagonal T of the factors, Omega = T M^-1 T', Psi = (I + S G)^-1 = I - S Omega and
H = Psi S (theory.md, 20 and 21). Where a G is not close to singular, its rows of Psi are those of G^-1 Omega, and H is
(I - Psi) G^-1 between two such factors, which spares the products of large matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from relmer.solver.arrays import Array
from relmer.solver.elimination.blocks import Part, by_level, congruent, diagonal, dots, times
from relmer.solver.elimination.coupling import Coupling, mirrored
from relmer.solver.elimination.levels import products
from relmer.solver.errors import ModelError

# Smallest eigenvalue of a working G above which its inverse is used.
REGULAR = 1e-4


@dataclass(frozen=True)
class Inverse:
    """Omega (r, r), and what is cheapest for Psi = I - S Omega and H = Psi S, part by part.

    Attributes
    ----------
    G_inverse
        Of each part whose G is not close to singular, whose rows of Psi are those of G^-1 Omega.
    Psi
        The rows of Psi (l, c, r) of the other parts; nothing for those above.
    zero
        Whether T, and so Omega, is zero.
    """

    parts: tuple[Part, ...]
    S: Array
    omega: Array
    G_inverse: list[Array | None]
    Psi: list[Array]
    zero: bool

    def returned(self, coupling: Coupling, U: Array) -> Array:
        """U_i B_i Omega B_i'U_i' of each level of the first factor, (c, c, l)."""
        return products(U, products(U, coupling.gather(self.omega)))

    def omega_times(self, columns: Array) -> Array:
        """Omega times columns (r, m), or several such (k, r, m)."""
        return np.zeros_like(columns) if self.zero else self.omega @ columns

    def moved(self, j: int, columns: Array) -> Array:
        """The rows of Psi times columns (r, m) that belong to part j: (l, c, m)."""
        part, back = self.parts[j], self.G_inverse[j]
        if back is not None:
            return np.asarray(back @ (by_level(self.omega, part) @ columns))
        return by_level(columns, part) if self.zero else np.asarray(self.Psi[j] @ columns)

    def own(self, j: int) -> Array:
        """Sum of the blocks of part j on the diagonal of H = Psi S."""
        part, back = self.parts[j], self.G_inverse[j]
        if back is not None:
            return np.asarray(back @ dots(by_level(self.omega, part), by_level(self.S, part)))
        return diagonal(self.S, part) if self.zero else dots(self.Psi[j], by_level(self.S, part))

    def turned(self, j: int, S_E: Array, omega_S_E: Array) -> Array:
        """Sum of the blocks of part j on the diagonal of Psi S_E Psi', for S_E (r, r) and Omega S_E."""
        part, back = self.parts[j], self.G_inverse[j]
        if back is not None:
            return np.asarray(back @ dots(by_level(omega_S_E, part), by_level(self.omega, part)) @ back)
        return diagonal(S_E, part) if self.zero else dots(self.Psi[j] @ S_E, self.Psi[j])

    def block(self, j: int, m: int) -> Array:
        """A block of H as (l, c, l', c')."""
        part, other = self.parts[j], self.parts[m]
        left, right = self.G_inverse[j], self.G_inverse[m]
        shape = (part.levels, part.width, other.levels, other.width)
        if self.zero:
            return self.S[part.effects, other.effects].reshape(shape)
        if left is None:
            return (self.Psi[j] @ self.S[:, other.effects]).reshape(shape)
        if right is None:
            return self.block(m, j).transpose(2, 3, 0, 1)
        if part.width == other.width == 1:
            block = (self.omega[part.effects, other.effects] * -(left * right)).reshape(shape)
        else:
            half = self.omega[part.effects, other.effects].reshape(-1, other.width) @ -right
            block = (left @ half.reshape(part.levels, part.width, -1)).reshape(shape)
        if j == m:
            each = np.arange(part.levels)
            block[each, :, each, :] += left
        return block


@dataclass(frozen=True)
class Cholesky:
    """T, S and the factor L of M, as L' in Fortran's order; None where T is zero and M is I."""

    parts: tuple[Part, ...]
    S: Array
    T: Sequence[Array]
    L: Array | None

    @property
    def inverse(self) -> Inverse:
        """Omega, and what is cheapest for the rest."""
        return inverse(self)

    def omega_times(self, columns: Array) -> Array:
        """Omega times columns (r, m)."""
        if self.L is None:
            return np.zeros_like(columns)
        solution = lapack.dpotrs(self.L, times(columns.T, self.T, self.parts).T)[0]
        return times(solution.T, [each.T for each in self.T], self.parts).T


def factorize(parts: tuple[Part, ...], S: Array, T: Sequence[Array]) -> tuple[Cholesky, float]:
    """Factor M; also log|M|.

    Raises
    ------
    ModelError
        The covariances are so large that M is not positive definite to rounding.
    """
    if not any(each.any() for each in T):
        return Cholesky(parts, S, T, None), 0.0
    M = congruent(S, T, parts)
    M[range(len(M)), range(len(M))] += 1.0
    L, status = lapack.dpotrf(M.T, lower=0, clean=0, overwrite_a=1)
    if status:
        raise ModelError("the random effects are so large beside the residual that it is lost in rounding")
    return Cholesky(parts, S, T, L), 2.0 * float(np.log(L.diagonal()).sum())


@dataclass(frozen=True)
class DenseFront:
    """S as a function of D^-1 of the first factor (theory.md, 19): what does not change (r, r), and the coupling."""

    parts: tuple[Part, ...]
    within: Array
    coupling: Coupling

    is_sparse = False

    def factored(self, inverse_D: Array, T: Sequence[Array]) -> tuple[Cholesky, float]:
        """S at D^-1 (c, c, l), and the factor of M at the roots T; also log|M|."""
        S = self.coupling.spread(inverse_D[None])[0]
        S += self.within
        return factorize(self.parts, S, T)


def inverse(of: Cholesky) -> Inverse:
    """Omega, and what is cheapest for the rest."""
    parts, S, T = of.parts, of.S, of.T
    if of.L is None:
        return Inverse(parts, S, np.zeros_like(S), [None] * len(parts), [], True)
    omega = congruent(mirrored(lapack.dpotri(of.L, lower=0)[0].T), [each.T for each in T], parts)
    G_inverse: list[Array | None] = []
    Psi: list[Array] = []
    for part, each in zip(parts, T, strict=True):
        regular = lapack.dsyev(each.T @ each, compute_v=0)[0][0] >= REGULAR
        G_inverse.append(np.asarray(np.linalg.inv(each @ each.T)) if regular else None)
        Psi.append(np.zeros((0, 0, 0)) if regular else rows_of_Psi(S, omega, part))
    return Inverse(parts, S, omega, G_inverse, Psi, False)


def rows_of_Psi(S: Array, omega: Array, part: Part) -> Array:
    """The rows (l, c, r) of Psi = I - S Omega that belong to a part."""
    rows = -(S[part.effects] @ omega)
    own = np.arange(part.effects.stop - part.effects.start)
    rows[own, part.effects.start + own] += 1.0
    return rows.reshape(part.levels, part.width, -1)


def pair_second(block: Array, h: Array, other_h: Array, w: Array) -> Array:
    """-tr(E H F H) + 2 sum of w_x h_x'E H F h_x between two factors (theory.md, 26), (c c, c' c') for E and F flat.

    The block of H is (l, c, l', c'), the h are (l, c, p + 1) and (l', c', p + 1).
    """
    levels, a, others, b = block.shape
    if a == b == 1:
        flat = block.reshape(levels, others)
        return np.array([[2 * np.vdot(h[:, 0] * w, flat @ other_h[:, 0]) - np.vdot(flat, flat)]])
    flat = block.transpose(1, 3, 0, 2).reshape(a * b, -1)
    trace = (flat @ flat.T).reshape(a, b, a, b).transpose(2, 0, 1, 3)
    inner = np.tensordot(block, other_h * w, axes=(2, 0))
    return np.asarray(2 * np.einsum("iar,ibcdr->abcd", h, inner) - trace).reshape(a * a, b * b)
