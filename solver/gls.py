"""The definition: generalized least squares with V = Z Lambda Lambda' Z' + I written out, dense.

Rows that share no random effect are independent, so V is block-diagonal up to the order of the rows; each block V_i
is formed and factored for itself, as a textbook does for the clusters of a two-level model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import csgraph

from relmer.solver.design import Array, Design, Lambda, Template, weighted
from relmer.solver.profile import Profile, least_squares, logdet_triangle


@dataclass(frozen=True)
class State:
    """Weighted arrays, and the rows of each independent block."""

    y: Array
    X: Array
    Z: sparse.csr_array
    template: Template
    blocks: tuple[NDArray[np.int64], ...]


def prepare(design: Design) -> State:
    """Find the independent blocks of rows."""
    y, X, Z = weighted(design)
    full = Lambda(design.template, np.ones(len(design.template.diagonal)))
    return State(y, X, sparse.csr_array(Z), design.template, independent_rows(abs(Z) @ full))


def independent_rows(root: sparse.csc_array) -> tuple[NDArray[np.int64], ...]:
    """Rows of each connected component of the bipartite graph of rows and columns of Z Lambda (n, q)."""
    n, q = root.shape
    edges = sparse.block_array([[sparse.csr_array((n, n)), root], [root.T, sparse.csr_array((q, q))]])
    _, label = csgraph.connected_components(edges, directed=False)
    order = np.argsort(label[:n], kind="stable")
    ends = np.flatnonzero(np.diff(label[:n][order])) + 1
    return tuple(np.split(order, ends))


def covariance(Z: sparse.csr_array, Lambda: sparse.csc_array) -> Array:
    """V = Z Lambda Lambda' Z' + I of some rows, dense (n, n), in units of sigma^2."""
    root = (Z @ Lambda).toarray()
    used = root[:, np.any(root != 0, axis=0)]
    return used @ used.T + np.eye(len(root))


def profile(state: State, theta: Array) -> Profile:
    """Least squares of the rows whitened by the Cholesky factor of V.

    beta = (X'V^-1 X)^-1 X'V^-1 y; pwrss = (y - X beta)'V^-1 (y - X beta); u = Lambda'Z'V^-1 (y - X beta).
    """
    factor = Lambda(state.template, theta)
    logdet_V = 0.0
    white = np.empty((len(state.y), state.X.shape[1] + 1))
    chol = []
    for rows in state.blocks:
        C = linalg.cholesky(covariance(state.Z[rows], factor), lower=True)
        Xy = np.column_stack([state.X[rows], state.y[rows]])
        white[rows] = linalg.solve_triangular(C, Xy, lower=True)
        logdet_V += logdet_triangle(C)
        chol.append(C)
    beta, RX, _ = least_squares(white[:, :-1], white[:, -1])
    residual = white[:, -1] - white[:, :-1] @ beta
    V_inverse_residual = np.empty_like(residual)
    for rows, C in zip(state.blocks, chol, strict=True):
        V_inverse_residual[rows] = linalg.solve_triangular(C, residual[rows], lower=True, trans="T")
    u = factor.T @ (state.Z.T @ V_inverse_residual)
    return Profile(logdet_V, logdet_triangle(RX), float(residual @ residual), beta, u)
