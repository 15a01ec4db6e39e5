"""How far rounding may move the criterion where an engine does not centre a response that is far from zero."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.landscape import Landscape, estimates_at
from relmer.solver.model import response
from relmer.solver.paths import degrees_of_freedom


@dataclass(frozen=True)
class Uncentred:
    """How far rounding may move the criterion, and a residual or a random effect, without centring the response."""

    criterion: float
    residual: float


def uncentred(view: Landscape, theta: Sequence[float]) -> Uncentred:
    """Bounds of the rounding at theta; none where it cannot cost half of a double's digits, or y is not far from 0."""
    design = view.fit.design
    y = response(design)
    centred = y - y.mean()
    residual = centred - design.X @ linalg.lstsq(design.X, centred)[0]
    spread = np.sqrt(np.mean(residual**2))
    said = estimates_at(view, theta)
    growth = np.max(np.sum(design.X**2, axis=0) * (said["se"] / said["sigma"]) ** 2, initial=1.0)
    moved = len(y) * tolerances.EPS * np.abs(y).max() * growth
    rho = moved / spread
    if rho < tolerances.LOSS or abs(y.mean()) < tolerances.FAR * spread:
        return Uncentred(0.0, 0.0)
    d = degrees_of_freedom(design, view.fit.REML)
    return Uncentred(float(2 * d * np.log1p(rho)), float(moved))
