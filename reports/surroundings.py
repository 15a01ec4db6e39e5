"""The profiled criterion around the estimate of a fit, as numbers for the curves and contours of the page."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from relmer.solver.criterion import Prepared, criterion, prepare, profile
from relmer.solver.design import Array
from relmer.solver.fit import Fit

FIRST_STEP, HALVINGS = 0.1, 12


@dataclass(frozen=True)
class Surroundings:
    """A fit, with what the evaluation of its criterion needs."""

    fit: Fit
    prepared: Prepared


def surroundings(fit: Fit) -> Surroundings:
    """Make ready to evaluate the criterion of a fit at other theta."""
    return Surroundings(fit, prepare(fit.design, fit.method))


def value_at(around: Surroundings, moved: Mapping[int, float]) -> float:
    """Profiled criterion where theta[k] is `moved[k]` and all others stand at their estimates."""
    theta = around.fit.optimum.theta.copy()
    for k, value in moved.items():
        theta[k] = value
    return criterion(around.fit.design, profile(around.prepared, theta), around.fit.REML)


def reach(around: Surroundings, k: int, direction: int, rise: float) -> float:
    """Find theta[k] below (-1) or above (+1) its estimate where the criterion has risen by `rise`; at least its bound.

    A diagonal element of T is not searched below 0.
    """
    estimate, wanted = float(around.fit.optimum.theta[k]), around.fit.criterion + rise
    bounded = direction < 0 and bool(around.fit.design.template.diagonal[k])
    farthest = estimate if bounded else np.inf
    low, high = 0.0, min(FIRST_STEP, farthest)
    while value_at(around, {k: estimate + direction * high}) < wanted:
        if high >= farthest:
            return 0.0
        low, high = high, min(2 * high, farthest)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        risen = value_at(around, {k: estimate + direction * middle}) >= wanted
        low, high = (low, middle) if risen else (middle, high)
    return estimate + direction * high


def along(around: Surroundings, k: int, rise: float, count: int) -> tuple[Array, Array]:
    """Theta[k] in `count` steps as far as the criterion rises by `rise` either way, and the criterion there."""
    thetas = np.linspace(reach(around, k, -1, rise), reach(around, k, 1, rise), count)
    return thetas, np.array([value_at(around, {k: theta}) for theta in thetas])


def over(around: Surroundings, pair: tuple[int, int], rise: float, count: int) -> tuple[Array, Array, Array]:
    """Give two theta on a grid, (count,) each, and the criterion there: one row for each value of the second."""
    first, second = pair
    x, y = (np.linspace(reach(around, k, -1, rise), reach(around, k, 1, rise), count) for k in pair)
    return x, y, np.array([[value_at(around, {first: a, second: b}) for a in x] for b in y])
