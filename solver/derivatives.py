"""Exact first and second derivatives of the profiled criterion, in the covariances G and in theta.

With V = I + Z G Z', A = Z'Z and N = n or n - p, write

    H = Z'V^-1 Z,   P = H - Z'V^-1 X (X'V^-1 X)^-1 X'V^-1 Z,   e = Z'V^-1 (y - X beta),   r2 = pwrss,

and K = P for REML, H for maximum likelihood. For symmetric changes E, F of G

    df  = tr(K E) - N e'E e / r2,
    d2f = -tr(K E K F) + 2 N e'E P F e / r2 - N (e'E e)(e'F e) / r2^2.

These hold at every positive semi-definite G, singular ones too, because G is never inverted. The change to theta is
the chain rule for G = T T'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import linalg, sparse

from relmer.solver.design import Array, Design, factors, lower_triangle, weighted
from relmer.solver.profile import sweep


@dataclass(frozen=True)
class CrossProducts:
    """Z'Z (q, q), Z'[Q r] (q, p + 1) and r'r, with Q an orthonormal basis of X and r the least-squares residual."""

    ZtZ: Array
    ZtQr: Array
    rss: float
    shapes: tuple[tuple[int, int], ...]
    n: int


@dataclass(frozen=True)
class Derivatives:
    """Derivatives at one theta.

    Attributes
    ----------
    duals
        Per term the symmetric (c, c) matrix S with df = tr(S dG).
    gradient, hessian
        With respect to theta.
    """

    duals: tuple[Array, ...]
    gradient: Array
    hessian: Array


def cross_products(design: Design) -> CrossProducts:
    """Form the cross products of the weighted design once."""
    y, X, Z = weighted(design)
    Q, _, _, residual = sweep(X, y)
    shapes = tuple((len(term.levels), len(term.columns)) for term in design.terms)
    ZtZ = sparse.csc_array(Z.T @ Z).toarray()
    return CrossProducts(ZtZ, Z.T @ np.column_stack([Q, residual]), float(residual @ residual), shapes, len(y))


def right_product(matrix: Array, blocks: Sequence[Array], shapes: Sequence[tuple[int, int]]) -> Array:
    """Matrix (r, q) times the block-diagonal Lambda that repeats each block over its levels."""
    product, first = np.empty_like(matrix), 0
    for T, (levels, width) in zip(blocks, shapes, strict=True):
        columns = slice(first, first + levels * width)
        product[:, columns] = (matrix[:, columns].reshape(-1, width) @ T).reshape(len(matrix), -1)
        first += levels * width
    return product


def derivatives(products: CrossProducts, blocks: Sequence[Array], REML: bool) -> Derivatives:
    """Duals, gradient and Hessian at the given factors T (one per term)."""
    ZtZ, p = products.ZtZ, products.ZtQr.shape[1] - 1
    N = products.n - p if REML else products.n
    AL = right_product(ZtZ, blocks, products.shapes)
    M = right_product(AL.T, blocks, products.shapes)
    L = linalg.cholesky(M + np.eye(len(M)), lower=True, check_finite=False)
    W = linalg.solve_triangular(L, AL.T, lower=True, check_finite=False)
    c = linalg.solve_triangular(
        L, right_product(products.ZtQr.T, blocks, products.shapes).T, lower=True, check_finite=False
    )
    H = ZtZ - W.T @ W
    h = products.ZtQr - W.T @ c
    C = -c.T @ c
    Cxx, Cxy = np.eye(p) + C[:p, :p], C[:p, p]
    beta = linalg.solve(Cxx, Cxy, assume_a="pos")
    e = h[:, p] - h[:, :p] @ beta
    r2 = products.rss + C[p, p] - Cxy @ beta
    P = H - h[:, :p] @ linalg.solve(Cxx, h[:, :p].T, assume_a="pos")
    return chain(blocks, *covariance_derivatives(P if REML else H, P, e, N / r2, N, products.shapes))


def covariance_derivatives(
    K: Array, P: Array, e: Array, weight: float, N: int, shapes: Sequence[tuple[int, int]]
) -> tuple[list[Array], list[list[Array]]]:
    """First and second derivatives in the entries of the G: S (c, c) per term, D (c, c, c', c') per pair."""
    starts = np.concatenate([[0], np.cumsum([levels * width for levels, width in shapes])])
    part = [slice(a, b) for a, b in pairwise(starts)]
    scores = [e[rows].reshape(shape) for rows, shape in zip(part, shapes, strict=True)]
    ee = [score.T @ score for score in scores]
    duals = []
    for rows, (levels, width), outer in zip(part, shapes, ee, strict=True):
        each = np.arange(levels)
        duals.append(K[rows, rows].reshape(levels, width, levels, width)[each, :, each].sum(axis=0) - weight * outer)
    second: list[list[Array]] = []
    for j, (levels_j, width_j) in enumerate(shapes):
        second.append([])
        for m, (levels_m, width_m) in enumerate(shapes):
            K_jm = K[part[j], part[m]].reshape(levels_j, width_j, levels_m, width_m)
            P_jm = P[part[j], part[m]].reshape(levels_j, width_j, levels_m, width_m)
            flat = K_jm.transpose(1, 3, 0, 2).reshape(width_j * width_m, -1)
            trace = (flat @ flat.T).reshape(width_j, width_m, width_j, width_m).transpose(2, 0, 1, 3)
            inner = np.einsum("ia,ibcd->abcd", scores[j], np.tensordot(P_jm, scores[m], axes=(2, 0)))
            second[j].append(-trace + 2 * weight * inner - weight**2 / N * np.multiply.outer(ee[j], ee[m]))
    return duals, second


def chain(blocks: Sequence[Array], duals: list[Array], second: list[list[Array]]) -> Derivatives:
    """Carry derivatives in G = T T' over to the lower triangles of the T."""
    units, changes = [], []
    for T in blocks:
        rows, columns = lower_triangle(len(T))
        unit = np.zeros((len(rows), *T.shape))
        unit[np.arange(len(rows)), rows, columns] = 1.0
        units.append(unit)
        changes.append(unit @ T.T + T @ unit.transpose(0, 2, 1))
    gradient = [np.einsum("ab,kab->k", S, dG) for S, dG in zip(duals, changes, strict=True)]
    hessian = [
        [
            np.einsum("kab,abcd,lcd->kl", changes[j], second[j][m], changes[m])
            + (2 * np.einsum("ab,kac,lbc->kl", duals[j], units[j], units[j]) if j == m else 0.0)
            for m in range(len(blocks))
        ]
        for j in range(len(blocks))
    ]
    return Derivatives(tuple(duals), np.concatenate(gradient), np.block(hessian) if blocks else np.zeros((0, 0)))


def derivatives_at(design: Design, theta: Array, REML: bool) -> Derivatives:
    """Duals, gradient and Hessian of the criterion of a design at theta."""
    return derivatives(cross_products(design), factors(design.terms, theta), REML)
