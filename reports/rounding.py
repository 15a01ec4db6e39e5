"""How far rounding may move the criterion where an engine does not centre a response that is far from zero.

A sum of n terms of the size of y is rounded by up to n eps |y| (Higham 2002, section 3.1). X'V^-1 X is what is left of
X'X, g times smaller, so that the error of X beta, and with it of the residual, grows by g: to rho = n eps kappa g of
the residual, kappa = max|y| / rms(residual). The criterion holds d log(pwrss), pwrss a sum of squared residuals: its
error is up to 2 d log(1 + rho). Centring avoids all that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.reports import tolerances
from relmer.reports.hearing import OWN, Hearing
from relmer.reports.landscape import Landscape, estimates_at
from relmer.solver.paths.criterion import degrees_of_freedom


@dataclass(frozen=True)
class Uncentred:
    """How far rounding may move the criterion, and a residual or a random effect, without centring the response."""

    criterion: float
    residual: float


def uncentred(view: Landscape, theta: Sequence[float]) -> Uncentred:
    """Bounds of the rounding at theta; none where it cannot cost half of a double's digits."""
    design = view.fit.design
    y = design.y if design.offset is None else design.y - design.offset
    centred = y - y.mean()
    residual = centred - design.X @ linalg.lstsq(design.X, centred)[0]
    spread = np.sqrt(np.mean(residual**2))
    said = estimates_at(view, theta)
    growth = np.max(np.sum(design.X**2, axis=0) * (said["se"] / said["sigma"]) ** 2, initial=1.0)
    moved = len(y) * tolerances.EPS * np.abs(y).max() * growth
    rho = moved / spread
    if rho < tolerances.LOSS:
        return Uncentred(0.0, 0.0)
    d = degrees_of_freedom(design, view.fit.REML)
    return Uncentred(float(2 * d * np.log1p(rho)), float(moved))


def rounding(hearing: Hearing, errors: Sequence[float], thetas: Sequence[Sequence[float]]) -> tuple[str, str]:
    """Verdict on errors of the criterion at some theta, and what explains them if rounding does.

    Nothing excuses this project's paths where what they are held against is proved.
    """
    view = hearing.view
    if max(errors) <= tolerances.CRITERION * view.size:
        return "agree", ""
    if hearing.answer.engine in OWN and hearing.judge is not None:
        return "disagree", ""
    allowed = [uncentred(view, theta).criterion for theta in thetas]
    if not all(error <= bound for error, bound in zip(errors, allowed, strict=True)):
        return "disagree", ""
    return "explained", f"; without centring the response, rounding may move it by {max(allowed):.1e}"
