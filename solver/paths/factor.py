"""L, P, RZX and RX (theory.md, 11): the sparse Cholesky factor of the penalized system, extended by X."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import SuperLU, spsolve_triangular

from relmer.solver.algebra import factorize, repeated, sweep
from relmer.solver.arrays import Array, Codes
from relmer.solver.model import factors, inwards, standardise, weighted
from relmer.solver.paths.criterion import Prepared
from relmer.solver.paths.pls import working_roots


@dataclass(frozen=True)
class ExtendedFactor:
    """L L' = P M P' for M = Lambda'Z'Z Lambda + I, and its extension by X.

    Attributes
    ----------
    L
        Sparse lower triangular (q, q).
    P
        Sparse permutation matrix (q, q).
    RZX
        L RZX = P Lambda'Z'X, (q, p).
    RX
        Upper triangular (p, p), RX'RX = X'X - RZX'RZX.
    """

    L: sparse.csc_array
    P: sparse.csc_array
    RZX: Array
    RX: Array


def penalized(ZtZ: sparse.csc_array, factor: sparse.csc_array) -> sparse.csc_array:
    """M = Lambda'Z'Z Lambda + I, sparse (q, q)."""
    return sparse.csc_array(factor.T @ ZtZ @ factor + sparse.eye_array(factor.shape[1], format="csc"))


def factorized(M: sparse.csc_array, pattern: sparse.csc_array) -> tuple[SuperLU, Codes]:
    """The factor of M, its rows in the order that spares fill in the pattern of any theta; and that order.

    A zero of theta may thin M out; else M has the pattern, and is factored once.
    """
    if M.nnz == pattern.nnz:
        lu = factorize(M, "MMD_AT_PLUS_A")
        return lu, np.argsort(lu.perm_c)
    order = np.argsort(factorize(pattern, "MMD_AT_PLUS_A").perm_c)
    return factorize(sparse.csc_array(M[order][:, order]), "NATURAL"), order


def extended_factor(prepared: Prepared, theta: Array) -> ExtendedFactor:
    """L, P, RZX and RX at theta, in the units of X as it was given; found for Q, of X = Q RX0 (theory.md, 12)."""
    given, reduced = prepared.sound, prepared.reduced
    p = len(reduced.RX0)
    RX0 = reduced.RX0 if given.plain else given.w_unit * reduced.RX0 @ given.fixed.C.T
    q = sum(given.counts)
    if q == 0:
        none = sparse.csc_array((0, 0))
        return ExtendedFactor(none, none, np.zeros((0, p)), RX0)
    standard = standardise(given.design)
    _, X, Z = weighted(standard.design)
    ZtZ = sparse.csc_array(Z.T @ Z)
    # Z Lambda = (Z C^-T)(C'Lambda), with C repeated over the levels.
    blocks = factors(prepared.design.terms, theta)
    roots = working_roots(standard.scales, inwards(given, blocks))
    wide = [np.zeros((0, len(basis.C))) for basis in given.bases]
    for k, root in zip(given.present, roots, strict=True):
        wide[k] = root
    levels = [count // len(basis.C) for count, basis in zip(given.counts, given.bases, strict=True)]
    factor, pattern = repeated(wide, levels), repeated([np.ones(root.shape) for root in wide], levels)
    lu, order = factorized(penalized(ZtZ, factor), penalized(ZtZ, pattern))
    P = sparse.csc_array((np.ones(q), (np.arange(q), order)), shape=(q, q))
    L = sparse.csc_array(lu.L @ sparse.diags_array(np.sqrt(lu.U.diagonal())))
    Q = sweep(X, X[:, 0] if p else np.zeros(len(X))).Q
    R_ZQ = spsolve_triangular(sparse.csr_array(L), P @ (factor.T @ (Z.T @ Q)), lower=True)
    R_Q = linalg.cholesky(np.eye(p) - R_ZQ.T @ R_ZQ)
    return ExtendedFactor(L, P, R_ZQ @ RX0, R_Q @ RX0)
