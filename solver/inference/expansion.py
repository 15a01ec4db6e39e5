"""How the covariance of beta moves with the variances: from the rows, without a matrix of n x n.

With X = Q R (theory.md, 12), the working columns of Z (theory.md, 13), U = Z Lambda and V = I + UU', Woodbury's formula

    V^-1 B = B - U (I + U'U)^-1 U'B

gives D = Z'V^-1 Q. For the change E_k of all G by a unit of entry k of gamma, V_k = Z E_k Z' (inference.md, 1 and 2):

    Phi = (Q'V^-1 Q)^-1,   P_k = Q'V^-1 V_k V^-1 Q = D'E_k D,   dPhi/dgamma_k = Phi P_k Phi,
    d log pwrss/dgamma_k = -e'E_k e / pwrss,   e = Z'V^-1 (y - X beta).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import SuperLU

from relmer.solver.algebra import factorize, lower_triangle, repeated, sweep
from relmer.solver.arrays import Array
from relmer.solver.elimination import expected
from relmer.solver.fits import Fit
from relmer.solver.model import factors, gamma_of, inwards, weighted, working
from relmer.solver.paths import is_graded, working_roots


@dataclass(frozen=True)
class Inverse:
    """V^-1 for V = I + UU', U sparse (n, q), by the sparse factor of I + U'U."""

    U: sparse.csr_array
    factor: SuperLU | None

    def times(self, B: Array) -> Array:
        """V^-1 B (n, m), with one step of iterative refinement: where V is large, little is left of B."""
        first = self.once(B)
        return first + self.once(B - first - self.U @ (self.U.T @ first))

    def once(self, B: Array) -> Array:
        """B - U (I + U'U)^-1 U'B."""
        return B if self.factor is None else np.asarray(B - self.U @ self.factor.solve(self.U.T @ B))


@dataclass(frozen=True)
class Expansion:
    """The covariance sigma^2 Phi of R beta, and what its derivatives in the working gamma are made of, at a fit.

    Attributes
    ----------
    fit
        Of n rows, p coefficients, q random effects and m entries of gamma.
    R
        Upper triangular (p, p), X = Q R.
    Phi
        (p, p), in units of sigma^2, as V.
    inverse
        V^-1.
    Z
        Working columns, weighted, sparse (n, q).
    D
        Z'V^-1 Q of each term that is present (l, r, p).
    e
        Z'V^-1 (y - X beta) of the same (l, r), over the square root of pwrss.
    """

    fit: Fit
    R: Array
    Phi: Array
    inverse: Inverse
    Z: sparse.csr_array
    D: tuple[Array, ...]
    e: tuple[Array, ...]

    def of(self, L: Array) -> Array:
        """Rows L (m, p) as they are for R beta: L R^-1."""
        return np.asarray(linalg.solve_triangular(self.R, L.T, trans="T").T) if len(self.R) else L

    def back(self, covariance: Array) -> Array:
        """The covariance (p, p) of beta from that of R beta."""
        half = self.of(np.eye(len(self.R)))
        product = half @ covariance @ half.T
        return np.asarray((product + product.T) / 2)

    @cached_property
    def P(self) -> Array:
        """D'E_k D (m, p, p)."""
        found = [np.zeros((0, *self.Phi.shape))]
        for D in self.D:
            gram = np.einsum("lax,lbz->abxz", D, D)
            i, j = lower_triangle(D.shape[1])
            found.append(np.where((i == j)[:, None, None], gram[i, j], gram[i, j] + gram[j, i]))
        return np.concatenate(found)

    @cached_property
    def slope_of_pwrss(self) -> Array:
        """d log pwrss/dgamma (m,)."""
        return gamma_of([-e.T @ e for e in self.e]) if self.e else np.zeros(0)

    @cached_property
    def second(self) -> Array:
        """Q'V^-1 V_k V^-1 V_o V^-1 Q, (m, m, p, p)."""
        p = len(self.Phi)
        moved = [
            self.Z[:, start : start + D[:, :, 0].size] @ turned(D, i, j).reshape(-1, p)
            for start, D in zip(np.cumsum([0, *(D[:, :, 0].size for D in self.D)]), self.D, strict=False)
            for i, j in zip(*lower_triangle(D.shape[1]), strict=True)
        ]
        found = np.zeros((len(moved), len(moved), p, p))
        for o, right in enumerate(moved):
            weighed = self.inverse.times(right)
            for k in range(o + 1):
                found[k, o] = moved[k].T @ weighed
                found[o, k] = found[k, o].T
        return found

    @cached_property
    def expected(self) -> tuple[Array, Array]:
        """tr(H_X E_k) (m,) and tr(H_X E_k H_X E_o) (m, m), H_X = Z'V^-1 Z swept by X (theory.md, 27)."""
        if not self.D:
            return np.zeros(0), np.zeros((0, 0))
        reduced = self.fit.prepared.reduced
        at = reduced.structure.at_roots(roots_of(self.fit))
        duals, second = reduced.structure.curvature(at, expected(len(self.Phi)))
        return gamma_of(duals), -second


def turned(D: Array, i: int, j: int) -> Array:
    """E D for the change E by a unit of entry (i, j) of a symmetric G, of D (l, r, p)."""
    found = np.zeros(D.shape)
    found[:, i] = D[:, j]
    found[:, j] = D[:, i]
    return found


def roots_of(fit: Fit) -> list[Array]:
    """Roots of the working G of the terms that are present."""
    blocks = factors(fit.design.terms, fit.optimum.theta)
    return working_roots(fit.prepared.reduced.scales, inwards(fit.prepared.sound, blocks))


def expansion(fit: Fit) -> Expansion:
    """The covariance of beta at a fit, and all that its derivatives need."""
    sound, scales = fit.prepared.sound, fit.prepared.reduced.scales
    present = sound.design.terms if sound.present else ()
    terms = [replace(term, X=working(term, C).T) for term, C in zip(present, scales, strict=True)]
    y, X, Z = weighted(replace(sound.design, terms=tuple(terms)))
    shapes = [(len(term.levels), term.X.shape[1]) for term in terms]
    U = sparse.csr_array(Z @ repeated(roots_of(fit), [l for l, _ in shapes]))
    eye = sparse.eye_array(U.shape[1], format="csc")
    inverse = Inverse(U, factorize(sparse.csc_array(U.T @ U + eye), "MMD_AT_PLUS_A") if U.shape[1] else None)
    found, p = sweep(X, y, is_graded(sound.design)), X.shape[1]
    VQ = inverse.times(found.Q)
    A = found.Q.T @ VQ
    Phi = linalg.inv((A + A.T) / 2) if p else A
    left = found.residual - found.Q @ (Phi @ (VQ.T @ found.residual))
    weighed = inverse.times(left[:, None])
    ends = np.cumsum([0, *(l * r for l, r in shapes)])[1:-1]
    D, e = Z.T @ VQ, Z.T @ weighed[:, 0] / np.sqrt(left @ weighed[:, 0])
    return Expansion(
        fit=fit,
        R=found.R if sound.plain else sound.w_unit * found.R @ sound.fixed.C.T,
        Phi=(Phi + Phi.T) / 2,
        inverse=inverse,
        Z=sparse.csr_array(Z),
        D=tuple(part.reshape(*shape, p) for part, shape in zip(np.split(D, ends), shapes, strict=False)),
        e=tuple(part.reshape(shape) for part, shape in zip(np.split(e, ends), shapes, strict=False)),
    )
