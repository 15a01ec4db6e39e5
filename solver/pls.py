"""Penalized least squares with the structure of the random effects used: the path that carries the speed.

The rows are read once. At every theta the random effects are eliminated from Z'V^-1 [Z X y] in the order that their
structure asks for (`structure`), which gives log|V| = log|L|^2, RX, beta and pwrss (Bates 2011, slides 14 and 15;
Bates et al. 2015, equations 18 and 52 to 58). L itself is made when it is asked for, sparse, with a fill-reducing
permutation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack
from scipy.sparse.linalg import SuperLU, splu, spsolve_triangular

from relmer.solver import structure
from relmer.solver.design import Array, Design, Lambda, factors, response, weighted
from relmer.solver.profile import Profile, logdet_triangle, sweep
from relmer.solver.standard import Standard, scale_of, standardise, working
from relmer.solver.structure import Structure


@dataclass(frozen=True)
class State:
    """What depends on the data alone.

    y is swept by the least-squares fit and X made orthonormal, X = Q RX0; the columns of Z are in working coordinates,
    Z C^-T. This keeps the digits that a large mean or a badly scaled covariate would cost the cross products.

    Attributes
    ----------
    design
        Where it comes from.
    beta0, RX0
        Least-squares coefficients (p,) and triangular factor (p, p) of X.
    residual0
        y - X beta0, (n,), weighted.
    scales
        C (c, c) of each term.
    structure
        The reduced rows in working coordinates.
    """

    design: Design
    beta0: Array
    RX0: Array
    residual0: Array
    scales: tuple[Array, ...]
    structure: Structure


@dataclass(frozen=True)
class Factor:
    """L L' = P (Lambda'Z'Z Lambda + I) P' and its extension by X.

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


def prepare(design: Design) -> State:
    """Read the rows: sweep y, find the structure of the random effects, reduce."""
    y, X = weighted_rows(design)
    Q, RX0, beta0, residual0 = sweep(X, y)
    scales = tuple(scale_of(term) for term in design.terms)
    columns = working_columns(design, scales)
    reduced = structure.build(design.terms, columns, np.concatenate([Q.T, residual0[None]]))
    return State(design, beta0, RX0, residual0, scales, reduced)


def weighted_rows(design: Design) -> tuple[Array, Array]:
    """Y without the offset, and X, every row times the square root of its weight."""
    y, X = response(design), design.X
    if design.weights is None:
        return y, X
    root = np.sqrt(design.weights)
    return root * y, root[:, None] * X


def working_columns(design: Design, scales: Sequence[Array]) -> list[Array]:
    """The weighted columns of Z in working coordinates, (c, n) of each term."""
    columns = [working(term, C) for term, C in zip(design.terms, scales, strict=True)]
    if design.weights is None:
        return columns
    root = np.sqrt(design.weights)
    return [root * z for z in columns]


def profile(state: State, theta: Array) -> Profile:
    """Eliminate the random effects at theta, and go back for beta and u."""
    roots = [C.T @ each for C, each in zip(state.scales, factors(state.design.terms, theta), strict=True)]
    return solution(state, roots, structure.solve(state.structure, [root @ root.T for root in roots]))


def solution(state: State, roots: Sequence[Array], at: structure.State) -> Profile:
    """Beta and u at the roots C'T of the working G, where the random effects were eliminated.

    With e = Z'V^-1 (y - X beta), b = G e and u = T'e. pwrss is summed over the rows, where it is smallest at the
    solution, so that an error of the solution enters it squared; of one factor, for which nothing was subtracted, it
    is as good as it stands.
    """
    p = len(state.RX0)
    RX = at.RC[:p, :p]
    beta = lapack.dtrtrs(RX, at.RC[:p, p])[0] if p else np.zeros(0)
    moved = lapack.dtrtrs(state.RX0, beta)[0] if p else beta
    e = structure.effects(state.structure, at)
    u = np.concatenate([(root.T @ score).T.ravel() for root, score in zip(roots, e, strict=True)] or [np.zeros(0)])
    pwrss = at.root_pwrss**2
    if len(state.structure.factors) > 1:
        residual = state.residual0 - weighted_rows(state.design)[1] @ moved
        columns = working_columns(state.design, state.scales)
        for term, z, root, score in zip(state.design.terms, columns, roots, e, strict=True):
            residual -= np.einsum("an,an->n", z, (root @ (root.T @ score))[:, term.codes])
        pwrss = float(residual @ residual + u @ u)
    return Profile(
        logdet_L=at.logdet,
        logdet_RX=at.logdet_RX + logdet_triangle(state.RX0),
        pwrss=pwrss,
        beta=state.beta0 + moved,
        u=u,
        RX=RX @ state.RX0,
    )


def penalized(ZtZ: sparse.csc_array, factor: sparse.csc_array) -> sparse.csc_array:
    """Lambda'Z'Z Lambda + I, sparse (q, q)."""
    return sparse.csc_array(factor.T @ ZtZ @ factor + sparse.eye_array(ZtZ.shape[0], format="csc"))


def factorize(M: sparse.csc_array, ordering: Literal["NATURAL", "MMD_AT_PLUS_A"]) -> SuperLU:
    """Symmetric elimination without pivoting: M = L D L' for a positive definite M."""
    factor: SuperLU = splu(M, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor


def extended_factor(state: State, theta: Array) -> Factor:
    """L, P, RZX and RX at theta, in the units of X."""
    design, p = state.design, len(state.RX0)
    standard = standardise(design)
    _, X, Z = weighted(standard.design)
    q = Z.shape[1]
    if q == 0:
        none = sparse.csc_array((0, 0))
        return Factor(none, none, np.zeros((0, p)), state.RX0)
    ZtZ = sparse.csc_array(Z.T @ Z)
    order = np.argsort(factorize(penalized(ZtZ, Lambda(design.template, np.ones(len(theta)))), "MMD_AT_PLUS_A").perm_c)
    factor = repeated(standard) @ Lambda(design.template, theta)
    P = sparse.csc_array((np.ones(q), (np.arange(q), order)), shape=(q, q))
    lu = factorize(sparse.csc_array(P @ penalized(ZtZ, factor) @ P.T), "NATURAL")
    L = sparse.csc_array(lu.L @ sparse.diags_array(np.sqrt(lu.U.diagonal())))
    Q = sweep(X, X[:, 0] if p else np.zeros(len(X)))[0]
    R_ZQ = spsolve_triangular(sparse.csr_array(L), P @ (factor.T @ (Z.T @ Q)), lower=True)
    R_Q = linalg.cholesky(np.eye(p) - R_ZQ.T @ R_ZQ)
    return Factor(L, P, R_ZQ @ state.RX0, R_Q @ state.RX0)


def repeated(standard: Standard) -> sparse.csc_array:
    """C' of every term, repeated over its levels: the block-diagonal (q, q) with Z Lambda = (Z C^-T)(C' Lambda)."""
    blocks = [
        sparse.kron(sparse.eye_array(len(term.levels)), sparse.csc_array(C.T))
        for term, C in zip(standard.design.terms, standard.scales, strict=True)
    ]
    return sparse.csc_array(sparse.block_diag(blocks))
