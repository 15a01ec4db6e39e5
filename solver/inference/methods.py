"""What every method of denominator degrees of freedom gives: a covariance of beta, t and F (inference.md, 3)."""

from typing import Protocol

import numpy as np
from scipy import linalg

from relmer.solver.algebra import full_rank_columns
from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError

# Curvature in coordinates of its own units, beside the largest of 1, that is rounding: Hessians are sums of some 1e3
# products of numbers of one size, each known to some eps.
FLAT = 1e-7
# Slope along such a direction, a unit long where curvatures are of order one, that is rounding:
# its square over a curvature of FLAT is 1e-11, no more.
SLOPE = 1e-9
OPEN = (
    "the variance of a contrast has no known degrees of freedom: the data leave it open (see the fit's unidentified), "
    "or a covariate of a random slope is so far from zero that rounding hides it: subtract its mean"
)


class Method(Protocol):
    """A way to the reference distribution of L beta, for rows L of contrasts."""

    @property
    def vcov(self) -> Array:
        """Covariance of beta (p, p) that standard errors come from."""

    def degrees(self, l: Array) -> float:
        """Denominator degrees of freedom of one contrast l (p,)."""

    def joint(self, L: Array) -> tuple[float, float]:
        """Denominator degrees of freedom of F for rows L (m, p), and what F is multiplied by."""


def whitened(L: Array, vcov: Array) -> Array:
    """Rows L vcov^1/2 (m, p), of one length each where they are contrasts of one standard error."""
    return np.asarray(L @ linalg.cholesky(vcov, lower=True)) if len(vcov) else L


def independent(L: Array, vcov: Array) -> Integers:
    """The rows of L (m, p) that those before them do not determine, whatever their units."""
    return full_rank_columns(whitened(L, vcov).T)


def open_inverse(H: Array, names: tuple[str, ...], flat: float = FLAT) -> tuple[Array, Array]:
    """H^-1 (k, k) on the directions with curvature, and those without any (k, m), for a positive semi-definite H.

    Raises
    ------
    ModelError
        H has a negative curvature: it is not that of a minimum.
    """
    unit = np.sqrt(np.abs(H.diagonal()))
    unit[unit == 0] = 1.0
    sizes, axes = linalg.eigh(H / unit / unit[:, None])
    if len(sizes) and sizes[0] < -flat * max(1.0, sizes[-1]):
        where = names[int(np.abs(axes[:, 0]).argmax())]
        raise ModelError(
            f"the criterion curves down along {where} here, so that this is no minimum: fit the model to its optimum"
        )
    seen = sizes > flat * max(1.0, sizes.max(initial=0.0))
    half = axes[:, seen] / np.sqrt(sizes[seen]) / unit[:, None]
    return half @ half.T, axes[:, ~seen] / unit[:, None]
