"""Penalized least squares by a sparse Cholesky factor: the path that carries the speed.

L L' = P (Lambda'Z'Z Lambda + I) P', with the fill-reducing permutation P found once and the numbers renewed at every
theta; then RZX, RX, beta and u (Bates 2011, slides 14 and 15; Bates et al. 2015, equations 18 and 52 to 58).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import SuperLU, splu, spsolve_triangular

from relmer.solver.design import Array, Design, Lambda, Template, weighted
from relmer.solver.profile import Profile, logdet_triangle, sweep
from relmer.solver.standard import Standard, standardise


@dataclass(frozen=True)
class State:
    """What depends on the data alone.

    y is swept by the least-squares fit, X made orthonormal (Q = X RX0^-1), and Z Lambda written as (Z C^-T)(C' Lambda)
    in working coordinates, which keeps the digits that a large mean or a badly scaled covariate would cost the cross
    products.

    Attributes
    ----------
    beta0, RX0
        Least-squares coefficients (p,) and triangular factor (p, p) of X.
    residual0
        y - X beta0, (n,).
    Q
        Orthonormal columns (n, p).
    Z, scale
        Random-effects matrix in working coordinates Z C^-T (n, q), and the block-diagonal C' (q, q).
    ZtZ, ZtQy
        Cross products Z'Z and Z'[Q residual0] in working coordinates.
    order
        Fill-reducing order of the random effects.
    """

    beta0: Array
    RX0: Array
    residual0: Array
    Q: Array
    Z: sparse.csc_array
    scale: sparse.csc_array
    ZtZ: sparse.csc_array
    ZtQy: Array
    template: Template
    order: NDArray[np.int64]


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
    """Form the cross products and find the permutation on the pattern of Lambda'Z'Z Lambda + I."""
    standard = standardise(design)
    y, X, Z = weighted(standard.design)
    Q, RX0, beta0, residual0 = sweep(X, y)
    ZtZ = sparse.csc_array(Z.T @ Z)
    scale = repeated(standard)
    pattern = penalized(ZtZ, scale @ Lambda(design.template, np.ones(len(design.template.diagonal))))
    order = np.argsort(factorize(pattern, "MMD_AT_PLUS_A").perm_c) if Z.shape[1] else np.zeros(0, dtype=np.int64)
    ZtQy = Z.T @ np.column_stack([Q, residual0])
    return State(beta0, RX0, residual0, Q, Z, scale, ZtZ, ZtQy, design.template, order)


def repeated(standard: Standard) -> sparse.csc_array:
    """C' of every term, repeated over its levels: the block-diagonal (q, q) with Z Lambda = (Z C^-T)(C' Lambda)."""
    terms = standard.design.terms
    blocks = [
        sparse.kron(sparse.eye_array(len(t.levels)), sparse.csc_array(C.T))
        for t, C in zip(terms, standard.scales, strict=True)
    ]
    return sparse.csc_array(sparse.block_diag(blocks) if blocks else (0, 0))


def penalized(ZtZ: sparse.csc_array, factor: sparse.csc_array) -> sparse.csc_array:
    """Lambda'Z'Z Lambda + I, sparse (q, q)."""
    return sparse.csc_array(factor.T @ ZtZ @ factor + sparse.eye_array(ZtZ.shape[0], format="csc"))


def factorize(M: sparse.csc_array, ordering: Literal["NATURAL", "MMD_AT_PLUS_A"]) -> SuperLU:
    """Symmetric elimination without pivoting: M = L D L' for a positive definite M."""
    factor: SuperLU = splu(M, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor


def profile(state: State, theta: Array) -> Profile:
    """Solve the extended system for u and beta; pwrss is then summed over the rows.

    pwrss is smallest at the solution, so an error of the solution enters it squared.
    """
    factor = state.scale @ Lambda(state.template, theta)
    right = factor.T @ state.ZtQy
    logdet_L, solution = solve_permuted(state, factor, right)
    cross = right[:, :-1].T @ solution
    R = linalg.cholesky(np.eye(len(cross)) - cross[:, :-1])
    beta = linalg.cho_solve((R, False), -cross[:, -1])
    u = solution[:, -1] - solution[:, :-1] @ beta
    residual = state.residual0 - state.Q @ beta - state.Z @ (factor @ u)
    return Profile(
        logdet_L=logdet_L,
        logdet_RX=logdet_triangle(R) + logdet_triangle(state.RX0),
        pwrss=float(residual @ residual + u @ u),
        beta=state.beta0 + linalg.solve_triangular(state.RX0, beta),
        u=u,
    )


def solve_permuted(state: State, factor: sparse.csc_array, right: Array) -> tuple[float, Array]:
    """log|L|^2 and the solution of (Lambda'Z'Z Lambda + I) s = right."""
    if len(state.order) == 0:
        return 0.0, right
    M = penalized(state.ZtZ, factor)[state.order][:, state.order]
    lu = factorize(sparse.csc_array(M), "NATURAL")
    solution = np.empty_like(right)
    solution[state.order] = lu.solve(right[state.order])
    return float(np.log(lu.U.diagonal()).sum()), solution


def extended_factor(state: State, theta: Array) -> Factor:
    """L, P, RZX and RX at theta, in the units of X."""
    q, p = len(state.order), len(state.RX0)
    factor = state.scale @ Lambda(state.template, theta)
    P = sparse.csc_array((np.ones(q), (np.arange(q), state.order)), shape=(q, q))
    if q == 0:
        return Factor(P, P, np.zeros((0, p)), state.RX0)
    lu = factorize(sparse.csc_array(P @ penalized(state.ZtZ, factor) @ P.T), "NATURAL")
    L = sparse.csc_array(lu.L @ sparse.diags_array(np.sqrt(lu.U.diagonal())))
    R_ZQ = spsolve_triangular(sparse.csr_array(L), P @ (factor.T @ state.ZtQy[:, :-1]), lower=True)
    R_Q = linalg.cholesky(np.eye(p) - R_ZQ.T @ R_ZQ)
    return Factor(L, P, R_ZQ @ state.RX0, R_Q @ state.RX0)
