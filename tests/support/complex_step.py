"""Derivatives of the definition by complex steps: Im f(theta + i h) / h subtracts nothing."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from relmer.solver.model.design import Design, weighted
from relmer.solver.paths.criterion import degrees_of_freedom

STEP = 1e-30


def defined(design: Design, theta: np.ndarray, REML: bool) -> complex:
    """The criterion of a dense V, for complex theta too, without its constants."""
    y, X, Z = weighted(design)
    rows, columns, Lind = design.template.rows, design.template.columns, design.template.Lind
    factor = np.zeros((design.template.q, design.template.q), dtype=complex)
    factor[rows, columns] = theta[Lind]
    root = Z.toarray() @ factor
    V = root @ root.T + np.eye(len(y))
    solved = np.linalg.solve(V, np.column_stack([X, y]))
    C = np.column_stack([X, y]).T @ solved
    beta = np.linalg.solve(C[:-1, :-1], C[:-1, -1])
    r2 = C[-1, -1] - C[-1, :-1] @ beta
    value = log_determinant(V) + degrees_of_freedom(design, REML) * np.log(r2)
    return value + log_determinant(C[:-1, :-1]) if REML else value


def log_determinant(matrix: np.ndarray) -> complex:
    sign, logarithm = np.linalg.slogdet(matrix)
    return logarithm + np.log(sign)


def complex_gradient(design: Design, theta: np.ndarray, REML: bool) -> np.ndarray:
    """Im f(theta + i h) / h, in which nothing is subtracted."""
    return np.array([defined(design, theta + 1j * STEP * axis, REML).imag / STEP for axis in np.eye(len(theta))])


def difference(function: Callable[[np.ndarray], np.ndarray], theta: np.ndarray, step: float = 2e-3) -> np.ndarray:
    """Central differences, twice extrapolated, one row per entry of theta."""
    rows = []
    for axis in np.eye(len(theta)):
        slopes = [
            (function(theta + h * axis) - function(theta - h * axis)) / (2 * h) for h in (step, step / 2, step / 4)
        ]
        once = [(4 * fine - coarse) / 3 for coarse, fine in pairwise(slopes)]
        rows.append((16 * once[1] - once[0]) / 15)
    return np.array(rows)
