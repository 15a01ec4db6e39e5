"""The multivariate normal likelihood as it is defined: a dense V, its inverse and its determinant."""

import numpy as np


def generalized(X: np.ndarray, V: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give (X'V^-1 X)^-1 X'V^-1 y and (X'V^-1 X)^-1, by inverses."""
    inverse = np.linalg.inv(V)
    vcov = np.linalg.inv(X.T @ inverse @ X)
    return vcov @ (X.T @ inverse @ y), vcov


def minus_two_loglik(X: np.ndarray, V: np.ndarray, y: np.ndarray, REML: bool) -> float:
    """-2 log-likelihood, restricted for REML, of y ~ N(X beta, V) with beta at its estimate for this V."""
    beta, vcov = generalized(X, V, y)
    residual = y - X @ beta
    n, p = X.shape
    value = np.linalg.slogdet(V)[1] + residual @ np.linalg.solve(V, residual)
    if REML:
        return float(value - np.linalg.slogdet(vcov)[1] + (n - p) * np.log(2 * np.pi))
    return float(value + n * np.log(2 * np.pi))
