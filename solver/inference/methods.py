"""What every method of denominator degrees of freedom gives: a covariance of beta, t and F (inference.md, 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg

from relmer.solver.algebra import full_rank_columns
from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.errors import ModelError

# What sums and products of matrices of order one lose, by entry: some 64 roundings.
ROUNDED = 64 * float(np.finfo(float).eps)
# A denominator degree of freedom is given where rounding leaves it six digits, or else it is refused.
KNOWN = 1e-6
OPEN = (
    "the variance of a contrast has no known degrees of freedom: the data leave it open (see the fit's unidentified), "
    "or a covariate of a random slope is so far from zero that rounding hides it: subtract its mean"
)


class Method(Protocol):
    """A way to the reference distribution of L beta, for rows L of contrasts."""

    def whitened(self, L: Array) -> Array:
        """Rows L vcov^1/2 (m, p), for the covariance of beta: their lengths are the standard errors."""

    def degrees(self, l: Array) -> float:
        """Denominator degrees of freedom of one contrast l (p,)."""

    def joint(self, L: Array) -> tuple[float, float]:
        """Denominator degrees of freedom of F for rows L (m, p), and what F is multiplied by."""


def independent(whitened: Array) -> Integers:
    """Of whitened rows (m, p) those that the ones before them do not determine, whatever their units."""
    return full_rank_columns(whitened.T)


@dataclass(frozen=True)
class Curved:
    """A positive semi-definite H (k, k) by its axes, in units of the sums that its diagonal is left of, and its noise.

    With H + E in the place of H, g'H^-1 g changes by g'H^-1 E H^-1 g, so at most by ||E|| ||H^-1 g||^2: that is what
    rounding may do to degrees of freedom. A curvature below ||E|| counts as ||E||; of a direction that moves nothing,
    little comes of that, and of one that moves something, more than can be given.

    Attributes
    ----------
    sizes
        Curvatures (k,), at least ||E||.
    axes
        Columns (k, k): of H in its own units, D^-1 times the eigenvectors.
    seen
        Which curvatures (k,) are more than rounding.
    noise
        ||E||.
    """

    sizes: Array
    axes: Array
    seen: Booleans
    noise: float

    def form(self, G: Array) -> tuple[Array, float]:
        """G'H^-1 G (s, s) for G (k, s), and the bound of the error of its trace."""
        along = self.axes.T @ G
        solved = along / self.sizes[:, None]
        return along.T @ solved, self.noise * float((solved**2).sum())

    @property
    def inverse(self) -> Array:
        """H^-1 (k, k) on the directions that are seen."""
        half = self.axes[:, self.seen] / np.sqrt(self.sizes[self.seen])
        return half @ half.T


def curved(H: Array, summed: Array, names: Sequence[str], lost: float, gradient: Array | float = 0.0) -> Curved:
    """H by its axes, for a diagonal that is left of sums of sizes (k,), all known to `lost` roundings.

    A curvature of a level valley is of the size of the gradient (theory.md, 35), up or down.

    Raises
    ------
    ModelError
        H has a negative curvature: it is not that of a minimum.
    """
    unit = np.sqrt(np.maximum(np.abs(H.diagonal()), summed))
    unit[unit == 0] = 1.0
    sizes, axes = linalg.eigh(H / unit / unit[:, None])
    noise = ROUNDED * lost * max(1, len(sizes))
    if len(sizes) and sizes[0] < -noise - np.abs(gradient / unit).max(initial=0.0):
        where = names[int(np.abs(axes[:, 0]).argmax())]
        raise ModelError(
            f"the criterion curves down along {where} here, so that this is no minimum: fit the model to its optimum"
        )
    return Curved(
        sizes=np.maximum(np.abs(sizes), noise), axes=axes / unit[:, None], seen=np.abs(sizes) > noise, noise=noise
    )
