"""How far rounding may move the criterion where an engine does not centre a response or a covariate far from zero."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, estimates_at
from relmer.solver.model import response, weighted
from relmer.solver.paths import degrees_of_freedom


@dataclass(frozen=True)
class Uncentred:
    """How far rounding may move the criterion, and a residual or a random effect, without centring."""

    criterion: float
    residual: float


def uncentred(view: Landscape, theta: Sequence[float]) -> Uncentred:
    """Bounds of the rounding at theta; none where it cannot cost half of a double's digits."""
    of_covariates = covariates(view)
    design = view.fit.design
    y = response(design)
    centred = y - y.mean()
    residual = centred - design.X @ linalg.lstsq(design.X, centred)[0]
    spread = np.sqrt(np.mean(residual**2))
    said = estimates_at(view, theta)
    growth = np.max(np.sum(design.X**2, axis=0) * (said["se"] / said["sigma"]) ** 2, initial=1.0)
    moved = len(y) * tolerances.EPS * np.abs(y).max() * growth
    rho = moved / spread
    if rho < tolerances.LOSS:
        return Uncentred(of_covariates, 0.0)
    d = degrees_of_freedom(design, view.fit.REML)
    return Uncentred(float(2 * d * np.log1p(rho)) + of_covariates, float(moved))


def covariates(view: Landscape) -> float:
    """How far rounding may move log|RX|^2 where a column of X is what little is left of it beside the others.

    The sum of squares of column j beside the others is 1 / [(X'X)^-1]_jj, a part 1 / h_j of its own. It is had as a
    difference, with n eps of the whole, so that each of the p logarithms is known to n eps h.
    """
    X = view.fit.design.X
    if not X.shape[1]:
        return 0.0
    R = linalg.qr(X, mode="r")[0][: X.shape[1]]
    inverse = linalg.solve_triangular(R, np.eye(len(R)))
    h = float(np.max(np.sum(X**2, axis=0) * np.sum(inverse**2, axis=1)))
    return X.size * tolerances.EPS * h if h > tolerances.FAR**2 else 0.0


def products(view: Landscape, theta: Sequence[float]) -> float:
    """How far rounding may move the criterion of who has pwrss as a difference: y'Wy less what the model explains.

    Each is a sum of n terms, known to n eps y'Wy (Higham 2002, section 3.1), so that pwrss = d sigma^2 is known to a
    part n eps y'Wy / pwrss of itself, and the criterion holds d log(pwrss).
    """
    y, _, _ = weighted(view.fit.design)
    d = degrees_of_freedom(view.fit.design, view.fit.REML)
    pwrss = d * float(estimates_at(view, theta)["sigma"][0]) ** 2
    return float(d * np.log1p(len(y) * tolerances.EPS * float(y @ y) / pwrss))
