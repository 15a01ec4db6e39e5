"""Programs that search for beta and sigma as well as theta: how far above the profiled criterion they leave these.

At theta the deviance is least at beta(theta) and sigma(theta). Elsewhere it is higher by (beta - beta(theta))'
vcov^-1 (beta - beta(theta)), vcov at the sigma that is said, and by d (log r + 1/r - 1), r = (sigma / sigma(theta))^2:
theory.md, 3, the deviance before it is profiled.

Where such a program stops so much above, b moves by at most sqrt(excess G_jj), since e_j'G Z'V^-1 Z G e_j <= G_jj, and
a fitted value by at most sqrt(excess) sigma, since R V^-1 R <= R; what sigma multiplies goes with the sigma that is
said.
"""

from collections.abc import Mapping

import numpy as np
from scipy import linalg

from relmer.reference.answers import Estimates
from relmer.reports.evidence.landscape import Landscape, beta_by_theta, centred
from relmer.solver.arrays import Array
from relmer.solver.paths import degrees_of_freedom

# How often each quantity has sigma as a factor.
POWERS = {"sigma": 1, "se": 1, "vcov": 2, "varcomp": 2, "V_diagonal": 2, "V_rowsum": 2}


def excess(view: Landscape, said: Estimates, at: Mapping[str, Array]) -> float:
    """How far the deviance at the beta and sigma that are said is above the profiled one.

    Parameters
    ----------
    view, said
        The model, and an engine's estimates.
    at
        The definition's values at the engine's theta.
    """
    r = (said.sigma / float(at["sigma"][0])) ** 2
    if len(said.beta) != len(at["beta"]):
        return float("inf")
    delta = np.asarray(said.beta) - at["beta"]
    if not (np.isfinite(delta).all() and r > 0):
        return float("inf")
    p, d = len(delta), degrees_of_freedom(view.fit.design, view.fit.REML)
    root = linalg.cholesky(at["vcov"].reshape(p, p), lower=True) if p else np.zeros((0, 0))
    of_beta = float(np.sum(linalg.solve_triangular(root, delta, lower=True) ** 2)) / r if p else 0.0
    return of_beta + d * float(np.log(r) + 1 / r - 1)


def unprofiled(name: str, said: Estimates, at: Mapping[str, Array]) -> Array:
    """The definition's value at the theta and the sigma that are said; beta as it is said."""
    if name == "beta":
        return np.asarray(said.beta, dtype=float)
    return np.asarray(at[name] * (said.sigma / float(at["sigma"][0])) ** POWERS.get(name, 0))


def moved_by(view: Landscape, name: str, above: float, said: Estimates) -> Array:
    """How far b and the fitted values may be from those of the profiled beta, for an excess of `above`."""
    if name == "fitted":
        return np.full(len(said.fitted), np.sqrt(above) * said.sigma)
    if name != "b":
        return np.zeros(len(np.ravel(getattr(said, name))))
    terms, first, found = view.fit.design.terms, 0, []
    for term in terms:
        width = len(term.columns)
        triangle = np.asarray(said.varcomp[first : first + width * (width + 1) // 2])
        variances = triangle[np.cumsum([0, *range(width, 1, -1)])] if width else triangle
        found.append(np.tile(np.sqrt(above * np.maximum(variances, 0.0)), len(term.levels)))
        first += len(triangle)
    return np.concatenate(found) if found else np.zeros(0)


def joint_vcov(view: Landscape, at: Mapping[str, Array]) -> Array:
    """The covariance of beta as the inverse of the joint information of beta, theta and sigma has it.

    Its block for beta is vcov + J Var(theta) J', J = d beta(theta) / d theta and Var(theta) = 2 H^-1, H the Hessian of
    the profiled criterion: the inverse of a partitioned matrix. It is what a program gives that inverts the Hessian of
    all its parameters (statsmodels' MixedLM, TMB's sdreport); lme4 takes theta as known.
    """
    C = beta_by_theta(centred(view, at["theta"].tolist()))
    p = len(at["beta"])
    return np.asarray(at["vcov"].reshape(p, p) + 2 * C @ C.T)
