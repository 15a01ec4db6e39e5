"""How a fault of rung 5 tells something else of the right optimum."""

from collections.abc import Callable
from typing import Any

import numpy as np

from relmer.reference.answers import Answer

from .court import Court

Vector = np.ndarray


Plant = Callable[[Court], Answer | None]


def told(name: str, change: Callable[[Court, Vector], Any]) -> Plant:
    """Another value of one quantity; a scalar, a vector or a matrix as it was."""

    def plant(court: Court) -> Answer | None:
        changed = np.asarray(change(court, np.array(getattr(court.said, name), dtype=float)), dtype=float)
        return court.says(**{name: plain(changed)})

    return plant


def plain(values: Vector) -> Any:
    """Plain tuples of numbers, or a number."""
    return tuple(map(plain, values)) if values.ndim else float(values)


def divisor(court: Court) -> float:
    """The other divisor of the residual variance, over the one that counts."""
    return court.n / (court.n - court.p)


def correlations(C: Vector) -> Vector:
    """A covariance matrix scaled to ones on its diagonal; zeros stay."""
    size = np.sqrt(np.diag(C))
    size = np.where(size > 0, size, 1.0)
    return np.asarray(C / np.outer(size, size))


def of_the_start(name: str) -> Plant:
    """What goes with the theta where the search began."""

    def plant(court: Court) -> Answer | None:
        begun = court.at(court.design.template.diagonal.astype(float)).estimates
        assert begun is not None
        return court.says(**{name: getattr(begun, name)})

    return plant


def residual_variance(court: Court) -> Vector:
    """The diagonal of R."""
    weights = court.design.weights
    return court.fit.sigma**2 * (np.ones(court.n) if weights is None else 1 / weights)
