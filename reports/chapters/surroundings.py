"""The profiled criterion around the estimate of a fit, as numbers for the curves and contours of the page."""

from dataclasses import dataclass

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.documents import criterion_moved
from relmer.solver.fits import Fit

FIRST_STEP, HALVINGS = 0.1, 12


@dataclass(frozen=True)
class Surface:
    """The criterion over two theta: their values (m,) and (n,), and the criterion (n, m)."""

    x: Array
    y: Array
    z: Array


def reach(fit: Fit, k: int, direction: int, rise: float) -> float:
    """Find theta[k] below (-1) or above (+1) its estimate where the criterion has risen by `rise`; at least its bound.

    A diagonal element of T is not searched below 0.
    """
    estimate, wanted = float(fit.optimum.theta[k]), fit.criterion + rise

    def risen(distance: float) -> bool:
        return criterion_moved(fit, [k], [(estimate + direction * distance,)])[0] >= wanted

    bounded = direction < 0 and bool(fit.design.template.diagonal[k])
    farthest = estimate if bounded else np.inf
    low, high = 0.0, min(FIRST_STEP, farthest)
    while not risen(high):
        if high >= farthest:
            return 0.0
        low, high = high, min(2 * high, farthest)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if risen(middle) else (middle, high)
    return estimate + direction * high


def along(fit: Fit, k: int, rise: float, count: int) -> tuple[Array, Array]:
    """theta[k] in `count` steps as far as the criterion rises by `rise` either way, and the criterion there."""
    thetas = np.linspace(reach(fit, k, -1, rise), reach(fit, k, 1, rise), count)
    return thetas, np.array(criterion_moved(fit, [k], [(theta,) for theta in thetas]))


def over(fit: Fit, pair: tuple[int, int], rise: float, count: int) -> Surface:
    """The criterion over a grid of two theta, `count` values of each, as far as it rises by `rise`."""
    x, y = (np.linspace(reach(fit, k, -1, rise), reach(fit, k, 1, rise), count) for k in pair)
    grid = criterion_moved(fit, pair, [(a, b) for b in y for a in x])
    return Surface(x=x, y=y, z=np.reshape(grid, (count, count)))
