"""How closely a double solver can come to an exact optimum, quantity by quantity, from the condition of V.

With A = Z'Z of order one (the solver's working coordinates), H = Z'V^-1 Z is A less a product of nearly its size: its
entries have an absolute error of some eps. In a direction in which V has the eigenvalue lambda, the score and the
curvature of log lambda are made of H lambda / sigma^2, so that log lambda is found to

    ROUNDED eps (n + kappa),   kappa = largest eigenvalue of V / sigma^2,

where n stands for the sums over rows, and ROUNDED for a dozen operations per entry and for the ratio of levels to
degrees of freedom (at most 4 in the plans). All else follows: sigma^2 is the smallest lambda; a variance is a
difference of variances of level means, each known to this; theta is the Cholesky factor of G; se^2 is a mean of some
lambda. beta is that of least squares: it is known to ROUNDED eps (n + kappa) of |y| / |x_j, given the other columns|.

A tie is a boundary where the dual is zero too. There the criterion is of fourth order in theta, so that Newton's
method comes to theta = 0 by steps of a third, and may end where the decrement, m (d log lambda)^2 / 3 with m degrees of
freedom, is within the rounding of the criterion f, 64 eps f: with f <= 1e3 and m >= 1/2, log lambda is known to
sqrt(6 * 64 eps f) < TIE.
"""

from dataclasses import dataclass

import numpy as np

from relmer.reference.exact.estimates import Exact, values
from relmer.reference.exact.rational import LogSum

EPS = 2.0**-52
ROUNDED = 64
TIE = 1e-5
# The dual of a draw is a fraction with a denominator below 1e6, in units of its own two parts: zero, or above this.
NO_DUAL = 1e-8
# Of the terms beyond the first order in the Cholesky factor.
SLACK = 2.0


@dataclass(frozen=True)
class Dense:
    """The model at its exact optimum, in doubles, written out: V (n, n), X, y, and rows and Z of each level."""

    V: np.ndarray
    X: np.ndarray
    y: np.ndarray
    levels: tuple[tuple[tuple[np.ndarray, np.ndarray], ...], ...]


def dense(exact: Exact) -> Dense:
    """Write a layout out in doubles."""
    layout = exact.layout
    V = float(exact.sigma2) * np.eye(len(layout.y))
    levels = []
    for term, covariance in zip(layout.terms, exact.covariances, strict=True):
        codes, Z = np.array(term.codes), np.array(term.Z, dtype=float)
        rows = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
        levels.append(tuple((k, Z[k]) for k in rows))
        for k in rows:
            V[np.ix_(k, k)] += Z[k] @ np.array(covariance, dtype=float) @ Z[k].T
    return Dense(V, np.array(layout.X, dtype=float), np.array(layout.y, dtype=float), tuple(levels))


def duals(exact: Exact, model: Dense) -> list[tuple[np.ndarray, float]]:
    """Per term the derivative S of the criterion in the covariance, and the size of the two parts that it is of."""
    inverse = np.linalg.inv(model.V)
    P = inverse - inverse @ model.X @ np.linalg.inv(model.X.T @ inverse @ model.X) @ model.X.T @ inverse
    K, weighed = P if exact.REML else inverse, P @ model.y
    found = []
    for levels in model.levels:
        parts = [(Z.T @ K[np.ix_(k, k)] @ Z, Z.T @ weighed[k]) for k, Z in levels]
        S = sum(part - np.outer(score, score) for part, score in parts)
        found.append((S, sum(float(np.trace(part)) for part, _ in parts)))
    return found


def tied(exact: Exact, model: Dense) -> bool:
    """Whether a covariance is singular and its dual too, on the null space."""
    for covariance, (S, size) in zip(exact.covariances, duals(exact, model), strict=True):
        variances, axes = np.linalg.eigh(np.array(covariance, dtype=float))
        null = axes[:, variances <= NO_DUAL * variances.max()]
        if null.shape[1] and np.linalg.eigvalsh(null.T @ S @ null)[0] < NO_DUAL * size:
            return True
    return False


def bounds(exact: Exact) -> dict[str, float]:
    """Largest error of each value, under its key."""
    model, known, sigma2 = dense(exact), values(exact), float(exact.sigma2)
    kappa = np.linalg.eigvalsh(model.V)[-1] / sigma2
    rounded = ROUNDED * EPS * (len(model.y) + kappa)
    level = rounded + TIE * tied(exact, model)
    assert isinstance(known["criterion"], LogSum)
    parts = [abs(power * np.log(float(number))) for number, power in known["criterion"].logs]
    found = {"criterion": rounded * (3 * known["criterion"].d + sum(parts))}
    found |= {"sigma": level * np.sqrt(sigma2), "sigma2": level * sigma2}
    names = exact.layout.coefficients
    se = np.sqrt(np.diagonal(np.array(exact.vcov, dtype=float)))
    sizes = np.sqrt(model.y @ model.y * np.diagonal(np.linalg.inv(model.X.T @ model.X)))
    for i, name in enumerate(names):
        found |= {f"beta[{name}]": rounded * sizes[i], f"se[{name}]": level * se[i]}
        found |= {f"vcov[{name}, {names[j]}]": level * se[i] * se[j] for j in range(i, len(names))}
    for term, covariance, levels in zip(exact.layout.terms, exact.covariances, model.levels, strict=True):
        rows, Z = levels[0]
        fit = np.linalg.pinv(Z)
        means = np.sqrt(np.diagonal(fit @ model.V[np.ix_(rows, rows)] @ fit.T))
        errors = level * np.outer(means, means)
        of_theta = factor_bounds(np.array(covariance, dtype=float) / sigma2, SLACK * errors / sigma2)
        for j, column in enumerate(term.columns):
            for i in range(j, len(term.columns)):
                other = term.columns[i]
                name = f"{term.name}, {column}" if i == j else f"{term.name}, {column}, {other}"
                found[f"{'var' if i == j else 'cov'}[{name}]"] = errors[i, j]
                found[f"G[{name}]"] = SLACK * errors[i, j] / sigma2
                theta = f"theta[{term.name}.{column}]" if i == j else f"theta[{term.name}.{other}.{column}]"
                if theta in known:
                    found[theta] = of_theta[i, j]
    return found


def factor_bounds(G: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """First-order bounds of the entries of the Cholesky factor T of G, whose entries have the given errors.

    T_jj^2 = G_jj - sum of T_jk^2 and T_ij T_jj = G_ij - sum of T_ik T_jk, differentiated; a zero pivot is known to the
    root of its error.
    """
    T, bound = np.zeros_like(G), np.zeros_like(G)
    for j in range(len(G)):
        pivot = max(G[j, j] - T[j, :j] @ T[j, :j], 0.0)
        error = errors[j, j] + 2 * np.abs(T[j, :j]) @ bound[j, :j]
        T[j, j] = np.sqrt(pivot)
        bound[j, j] = SLACK * min(np.sqrt(error), error / (2 * T[j, j]) if T[j, j] > 0 else np.inf)
        for i in range(j + 1, len(G)):
            if pivot > error:
                T[i, j] = (G[i, j] - T[i, :j] @ T[j, :j]) / T[j, j]
                error_ij = errors[i, j] + np.abs(T[i, :j]) @ bound[j, :j] + np.abs(T[j, :j]) @ bound[i, :j]
                bound[i, j] = SLACK * (error_ij + abs(T[i, j]) * bound[j, j]) / T[j, j]
            else:
                bound[i, j] = SLACK * np.sqrt(errors[i, i])
    return bound
