"""What every path is, and what it gives at one theta."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from relmer.solver.arrays import Array


@dataclass(frozen=True)
class Solution:
    """The penalized least squares problem solved at one theta (theory.md, 4 to 7).

    Attributes
    ----------
    logdet_L
        log|L|^2 = log|Lambda'Z'Z Lambda + I| = log|V|, V in units of sigma^2.
    logdet_RX
        log|RX|^2 = log|X'V^-1 X|.
    pwrss
        Penalized weighted residual sum of squares, |y - X beta - Z Lambda u|^2 + |u|^2.
    beta
        Fixed effects (p,).
    u
        Spherical random effects (q,), Lambda'e.
    RX
        Upper triangular (p, p) with a positive diagonal, RX'RX = X'V^-1 X.
    inner
        The same in sound coordinates, where these are not those of the design.
    """

    logdet_L: float
    logdet_RX: float
    pwrss: float
    beta: Array
    u: Array
    RX: Array
    inner: "Solution | None" = None


class Path(Protocol):
    """A design as one path wants it: what depends on the data alone, computed once."""

    def solve_at(self, roots: Sequence[Array]) -> Solution:
        """beta and u at their optimum for a root (r, m) of the G of every term, and the pieces of the criterion.

        Raises
        ------
        ModelError
            The covariances are so large that rounding leaves no digits.
        """
