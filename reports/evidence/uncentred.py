"""How far rounding may move the criterion where an engine does not centre a response or a covariate far from zero."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, estimates_at
from relmer.solver.arrays import Array
from relmer.solver.model import Design, factors, response, weighted
from relmer.solver.paths import degrees_of_freedom


@dataclass(frozen=True)
class Uncentred:
    """How far rounding may move the criterion, a residual, and what follows from that, without centring.

    Residuals that are off by at most rho are off by |dr| = sqrt(sum w) rho as a vector in units of the weights. Then
    beta = (X'V^-1 X)^-1 X'V^-1 y is off by at most (se / sigma) |dr|, for V - W^-1 is nowhere negative; and b by at
    most half the length of its row of T, times |dr|: it is Lambda u, u = (Lambda'Z'WZ Lambda + I)^-1 Lambda'Z'W r,
    where the singular values are s / (s^2 + 1) <= 1/2. A fitted value is off by these, times its row of |X| and |Z|:
    where weights are uneven, far more than rho in a row of small weight. Where a covariate is far from its origin so
    are these: an intercept is a value at 0.

    Attributes
    ----------
    criterion, residual
        Of the criterion, and of a residual.
    beta, b, fitted
        Of each entry; none where a residual loses little.
    """

    criterion: float
    residual: float
    beta: Array = field(default_factory=lambda: np.zeros(0))
    b: Array = field(default_factory=lambda: np.zeros(0))
    fitted: Array = field(default_factory=lambda: np.zeros(0))


def uncentred(view: Landscape, theta: Sequence[float], least: float = tolerances.LOSS) -> Uncentred:
    """Bounds of the rounding at theta; none where a residual loses less than a part `least`, half of its digits."""
    key = ("uncentred", *map(float, theta), least)
    if key not in view.remembered:
        view.remembered[key] = evaluated(view, theta, least)
    found: Uncentred = view.remembered[key]
    return found


def evaluated(view: Landscape, theta: Sequence[float], least: float) -> Uncentred:
    """`uncentred`, evaluated."""
    if ("uncentred",) not in view.remembered:
        view.remembered["uncentred",] = covariates(view), left_of_response(view.fit.design)
    of_covariates, spread = view.remembered["uncentred",]
    design = view.fit.design
    y = response(design)
    said = estimates_at(view, theta)
    growth = np.max(np.sum(design.X**2, axis=0) * (said["se"] / said["sigma"]) ** 2, initial=1.0)
    moved = len(y) * tolerances.EPS * np.abs(y).max() * growth
    rho = moved / spread
    d = degrees_of_freedom(design, view.fit.REML)
    of_covariates += offset(design, d, spread)
    if rho < least:
        return Uncentred(of_covariates, 0.0)
    length = moved * np.sqrt(len(y) if design.weights is None else np.sum(design.weights))
    roots = factors(design.terms, np.asarray(theta, dtype=float))
    lengths = [np.linalg.norm(T, axis=1) for T in roots]
    rows = [np.tile(one, len(term.levels)) for term, one in zip(design.terms, lengths, strict=True)]
    of_effects = sum(np.abs(term.X) @ one / 2 for term, one in zip(design.terms, lengths, strict=True))
    return Uncentred(
        criterion=float(2 * d * np.log1p(rho)) + of_covariates,
        residual=float(moved),
        beta=np.asarray(length * said["se"] / said["sigma"]),
        b=np.asarray(length / 2 * np.concatenate([*rows, np.zeros(0)])),
        fitted=np.asarray(length * (np.abs(design.X) @ (said["se"] / said["sigma"]) + of_effects)),
    )


def left_of_response(design: Design) -> float:
    """Root mean square of what X leaves of the centred response."""
    y = response(design)
    centred = y - y.mean()
    residual = centred - design.X @ linalg.lstsq(design.X, centred)[0]
    return float(np.sqrt(np.mean(residual**2)))


def offset(design: Design, d: int, spread: float) -> float:
    """How far rounding may move d log(pwrss) of who keeps the offset in the mean; nothing without one.

    A residual is y less a mean of the offset's size, a double: it is off by eps of the larger, so that each of d terms
    of pwrss moves by twice that part.
    """
    if design.offset is None:
        return 0.0
    largest = max(np.abs(design.y).max(), np.abs(design.offset).max())
    return float(2 * d * tolerances.EPS * largest / spread)


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
