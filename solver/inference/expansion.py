"""How the covariance of beta moves with the variances: from the rows, without a matrix of n x n.

With X = Q R (theory.md, 12), U = Z Lambda and V = I + UU', Woodbury's formula

    V^-1 B = B - U (I + U'U)^-1 U'B

gives D = Z'V^-1 Q. For the change E_k of all G by a unit of entry k of gamma, V_k = Z E_k Z' (inference.md, 1 and 2):

    Phi = (Q'V^-1 Q)^-1,   P_k = Q'V^-1 V_k V^-1 Q = D'E_k D,   dPhi/dgamma_k = Phi P_k Phi,
    d log pwrss/dgamma_k = -e'E_k e / pwrss,   e = Z'V^-1 (y - X beta).

The columns of Z are those X_j C_j^-T of which the mean of Z'V^-1 Z over the levels is I: C is the working one of
theory.md, 13, times the lower triangular M of the mean M M' there. Degrees of freedom are the same in all coordinates;
in these the information on gamma is as well conditioned as the data allow, whatever a covariate's unit and origin. Of a
response of which X and Z leave little, the coordinates are those that keep its digits, M = I.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import SuperLU

from relmer.solver.algebra import factorize, lower_triangle, repeated, sweep, triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.elimination import Structure, Weights, build, expected
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference.methods import KNOWN, ROUNDED
from relmer.solver.model import factors, gamma_of, inwards, weighted, working
from relmer.solver.paths import is_graded, working_roots, working_scales

DROWNED = (
    "the variances of the random effects are so large beside the residual's that rounding leaves degrees of freedom no "
    "digits: take residual or between-within"
)


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
        Columns X_j C_j^-T, weighted, sparse (n, q).
    scales
        C (c, r) of every term, r = 0 where it is not present.
    roots
        C'T (r, c) of the terms that are present.
    structure
        The reduced rows in these coordinates.
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
    scales: tuple[Array, ...]
    roots: tuple[Array, ...]
    structure: Structure
    D: tuple[Array, ...]
    e: tuple[Array, ...]

    def of(self, L: Array) -> Array:
        """Rows L (m, p) as they are for R beta: L R^-1."""
        return np.asarray(triangular_solve(self.R, L.T, trans=True).T) if len(self.R) else L

    def whitened(self, L: Array, Phi: Array) -> Array:
        """Rows L vcov^1/2 (m, p), for the covariance sigma^2 Phi of R beta: the length of each is its standard error.

        L R^-1 comes first: where a covariate is far from zero, what cancels in L vcov L' is the square of that.
        """
        return np.asarray(self.fit.sigma * self.of(L) @ linalg.cholesky(Phi, lower=True)) if len(Phi) else L

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
        duals, second = self.curvature(expected(len(self.Phi)))
        return gamma_of(duals) if duals else np.zeros(0), -second

    def curvature(self, weights: Weights) -> tuple[list[Array], Array]:
        """The dual (r, r) of every term that is present, and second derivatives in gamma (m, m)."""
        if not self.D:
            return [], np.zeros((0, 0))
        return self.structure.curvature(self.structure.at_roots(self.roots), weights)

    @cached_property
    def lost(self) -> float:
        """By how much rounding of theta is magnified in C'T: of a slope's covariate, its distance from zero in spreads.

        1 where nothing cancels.
        """
        found = 1.0
        blocks = factors(self.fit.design.terms, self.fit.optimum.theta)
        present = [(C, T) for C, T in zip(self.scales, blocks, strict=True) if C.shape[1]]
        for (C, T), root in zip(present, self.roots, strict=True):
            size, left = np.abs(C).T @ np.abs(T), np.sqrt((root**2).sum(axis=0))
            moved = left > 0
            found = max(found, float((np.sqrt((size**2).sum(axis=0))[moved] / left[moved]).max(initial=1.0)))
        return found


def turned(D: Array, i: int, j: int) -> Array:
    """E D for the change E by a unit of entry (i, j) of a symmetric G, of D (l, r, p)."""
    found = np.zeros(D.shape)
    found[:, i] = D[:, j]
    found[:, j] = D[:, i]
    return found


def means(fit: Fit, roots: Sequence[Array]) -> list[Array]:
    """M (r, r), lower triangular, with M M' the mean of Z'V^-1 Z over the levels, in working coordinates."""
    structure = fit.prepared.reduced.structure
    if fit.prepared.reduced.spanned is not None:
        return [np.eye(len(root)) for root in roots]
    duals, _ = structure.curvature(structure.at_roots(roots), expected(fit.design.X.shape[1], False))
    found = []
    for term, dual in zip(fit.prepared.sound.design.terms, duals, strict=True):
        M, status = lapack.dpotrf(dual / len(term.levels), lower=1)
        found.append(np.eye(len(dual)) if status else np.tril(M))
    return found


def expansion(fit: Fit) -> Expansion:
    """The covariance of beta at a fit, and all that its derivatives need.

    Raises
    ------
    ModelError
        The condition of V is such that Woodbury's formula leaves less than six digits: one step of refinement leaves
        the square of what rounding does to it.
    """
    sound, reduced = fit.prepared.sound, fit.prepared.reduced
    roots = working_roots(reduced.scales, inwards(sound, factors(fit.design.terms, fit.optimum.theta)))
    present = sound.design.terms if sound.present else ()
    M = means(fit, roots) if present else []
    inner = [C @ own for C, own in zip(reduced.scales, M, strict=bool(present))]
    roots = [own.T @ root for own, root in zip(M, roots, strict=bool(present))]
    terms = [replace(term, X=working(term, C).T) for term, C in zip(present, inner, strict=True)]
    y, X, Z = weighted(replace(sound.design, terms=tuple(terms)))
    shapes = [(len(term.levels), term.X.shape[1]) for term in terms]
    U = sparse.csr_array(Z @ repeated(roots, [l for l, _ in shapes]))
    if U.shape[1] and ROUNDED * (1.0 + abs(U.T @ U).sum(axis=0).max()) > KNOWN**0.5:
        raise ModelError(DROWNED)
    eye = sparse.eye_array(U.shape[1], format="csc")
    inverse = Inverse(U, factorize(sparse.csc_array(U.T @ U + eye), "MMD_AT_PLUS_A") if U.shape[1] else None)
    found, p = sweep(X, y, is_graded(sound.design)), X.shape[1]
    half = np.ones(len(y)) if sound.design.weights is None else np.sqrt(sound.design.weights)
    structure = reduced.structure
    if present and reduced.spanned is None:
        Xy = np.concatenate([found.Q.T, found.residual[None]])
        structure = build(present, [half * term.X.T for term in terms], Xy)
    scales = working_scales(fit.prepared)
    for k, own in zip(sound.present, M, strict=bool(present)):
        scales[k] = scales[k] @ own
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
        scales=tuple(scales),
        roots=tuple(roots),
        structure=structure,
        D=tuple(part.reshape(*shape, p) for part, shape in zip(np.split(D, ends), shapes, strict=False)),
        e=tuple(part.reshape(shape) for part, shape in zip(np.split(e, ends), shapes, strict=False)),
    )
