"""The penalized least squares problem solved twice: by the extended Cholesky factor, and by pseudo-data.

Bates (2011), document 004: slides 8 (pseudo-data), 14 and 15 (the extended system, theory.md, 11). y, X and Z stand
here for the arrays with the offset taken from y and every row times the square root of its weight (theory.md, 3).
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.sparse.linalg import spsolve_triangular

from relmer.solver.algebra import least_squares
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.model import Lambda, checked_theta, weighted
from relmer.solver.paths import extended_factor


@dataclass(frozen=True)
class ExtendedSystem:
    """The solution of the extended system at one theta, stage by stage.

    Attributes
    ----------
    L, P
        L L' = P (Lambda'Z'Z Lambda + I) P', sparse (q, q).
    RZX, RX
        L RZX = P Lambda'Z'X, (q, p); RX'RX = X'X - RZX'RZX, upper triangular (p, p).
    c_u
        L c_u = P Lambda'Z'y, (q,).
    c_beta
        RX'c_beta = X'y - RZX'c_u, (p,).
    beta
        RX beta = c_beta, (p,).
    u
        L'P u = c_u - RZX beta, (q,), in the order of the columns of Z.
    """

    L: sparse.csc_array = field(repr=False)
    P: sparse.csc_array = field(repr=False)
    RZX: Array = field(repr=False)
    RX: Array = field(repr=False)
    c_u: Array
    c_beta: Array
    beta: "pd.Series[float]"
    u: Array


@dataclass(frozen=True)
class PseudoData:
    """The penalized problem as ordinary least squares on n + q rows.

    Attributes
    ----------
    response
        [y; 0], (n + q,).
    matrix
        [Z Lambda, X; I, 0], sparse (n + q, q + p).
    u, beta
        Its least squares coefficients (q,) and (p,).
    pwrss
        Its residual sum of squares, |y - X beta - Z Lambda u|^2 + |u|^2.
    """

    response: Array = field(repr=False)
    matrix: sparse.csc_array = field(repr=False)
    u: Array
    beta: "pd.Series[float]"
    pwrss: float


def extended_system(fit: Fit, theta: ArrayLike | None = None) -> ExtendedSystem:
    """Solve the extended penalized least squares system in the stages of document 004.

    Parameters
    ----------
    fit : Fit
        Of n rows, p coefficients and q random effects.
    theta : (m,) array-like, optional
        Where; the optimum if not given.

    Returns
    -------
    ExtendedSystem
        The factor, the right-hand sides and the solution.

    Raises
    ------
    ModelError
        If theta has another length than that of the fit, or is not finite.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    >>> system = extended_system(fit, [1.0])
    >>> system.RX.round(6).tolist(), system.beta.round(6).to_dict()
    ([[2.236068]], {'(Intercept)': 1527.5})
    """
    at = theta_or_optimum(fit, theta)
    y, X, Z = weighted(fit.design)
    factor = extended_factor(fit.prepared, at)
    right = factor.P @ (Lambda(fit.design.template, at).T @ (Z.T @ y))
    c_u = solve_lower(factor.L, right)
    c_beta = linalg.solve_triangular(factor.RX, X.T @ y - factor.RZX.T @ c_u, trans="T")
    beta = linalg.solve_triangular(factor.RX, c_beta)
    u = factor.P.T @ solve_lower(factor.L, c_u - factor.RZX @ beta, transposed=True)
    named = pd.Series(beta, index=list(fit.design.coefficients))
    return ExtendedSystem(factor.L, factor.P, factor.RZX, factor.RX, c_u, c_beta, named, u)


def solve_lower(L: sparse.csc_array, right: Array, transposed: bool = False) -> Array:
    """Solve L s = right, or L's = right, for a sparse lower triangular L (q, q)."""
    if len(right) == 0:
        return right
    matrix = sparse.csr_array(L.T if transposed else L)
    return np.asarray(spsolve_triangular(matrix, right, lower=not transposed))


def pseudo_data(fit: Fit, theta: ArrayLike | None = None) -> PseudoData:
    """u and beta by ordinary least squares on the data and q pseudo-observations.

    Parameters
    ----------
    fit : Fit
        Of n rows, p coefficients and q random effects.
    theta : (m,) array-like, optional
        Where; the optimum if not given.

    Returns
    -------
    PseudoData
        The extended arrays and their least squares solution.

    Raises
    ------
    ModelError
        If theta has another length than that of the fit, or is not finite.

    Notes
    -----
    A second way to the u of `extended_system` that shares no step with it: Householder QR of the dense extended
    matrix, no cross products. It costs (n + q)(q + p)^2 operations, so it is a check, not a method.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    >>> data = pseudo_data(fit)
    >>> data.matrix.shape, bool(np.allclose(data.u, fit.u))
    ((36, 7), True)
    """
    at = theta_or_optimum(fit, theta)
    y, X, Z = weighted(fit.design)
    q = Z.shape[1]
    response = np.concatenate([y, np.zeros(q)])
    top = sparse.hstack([Z @ Lambda(fit.design.template, at), sparse.csc_array(X)])
    bottom = sparse.eye_array(q, q + X.shape[1])
    matrix = sparse.csc_array(sparse.vstack([top, bottom]))
    solution, _ = least_squares(matrix.toarray(), response)
    residual = response - matrix @ solution
    beta = pd.Series(solution[q:], index=list(fit.design.coefficients))
    return PseudoData(response, matrix, solution[:q], beta, float(residual @ residual))


def theta_or_optimum(fit: Fit, theta: ArrayLike | None) -> Array:
    """theta as an array of the fit's length; the optimum for None."""
    if theta is None:
        return fit.optimum.theta
    values = checked_theta(fit.design.terms, theta)
    if not np.all(np.isfinite(values)):
        raise ModelError(f"theta is {values.tolist()}; give finite numbers")
    return values
