"""All random effects of a small model at once: where numbers are few, the calls cost more than they do.

One QR of the rows, [Z X y] = Q [R B; 0 W], leaves of Z the r pseudo-rows R, as `levels` does level by level. With
D = I + R G R' = L L' and N = L^-1 [R B] everything is as there, in matrices of all q effects:

    log|V| = log|D|,   C = [X y]'V^-1 [X y] = W'W + N_B'N_B,   H = Z'V^-1 Z = N_R'N_R,   h = N_R'N_B RC^-1.

D, of the rows, has the determinant of the slides' Lambda'Z'Z Lambda + I, of the effects (Sylvester).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination.blocks import Part, by_level, diagonal, effects_of, parts_of, symmetric, times
from relmer.solver.elimination.contract import ray_of
from relmer.solver.elimination.corner import Corner, Weights, solved, squares
from relmer.solver.errors import ModelError
from relmer.solver.model import symmetric_units

# Largest number of effects, and of multiplications in the QR, up to which calls count for more.
EFFECTS = 64
MULTIPLICATIONS = 2**18


@dataclass(frozen=True)
class Joint:
    """What depends on the data alone: the factors, R (r, q), B (r, p + 1), and W'W (p + 1, p + 1)."""

    parts: tuple[Part, ...]
    R: Array
    B: Array
    within: Array

    is_costly = is_sparse = False

    def solve(self, G: Sequence[Array]) -> "JointSolved":
        """Eliminate all effects at the covariances G, one (c, c) each.

        Raises
        ------
        ModelError
            The covariances are so large that D is not positive definite to rounding.
        """
        return eliminate(self, times(self.R, G, self.parts) @ self.R.T)

    def ray(self, scales: Array) -> tuple[Array, Array]:
        """log|V| (k,) and the diagonals of RC (k, p + 1) at k multiples G = scale I."""
        RR = self.R @ self.R.T
        return ray_of(lambda scale: eliminate(self, scale * RR), scales)

    def describe(self, sizes: Sequence[str]) -> str:
        """What is eliminated how, in one line."""
        return f"joint: {', '.join(sizes)}, all {self.R.shape[1]} effects at once"


@dataclass(frozen=True)
class JointSolved(Corner):
    """What was solved: the lower triangular L (r, r), and N_B (r, p + 1)."""

    of: Joint
    L: Array
    B: Array

    @cached_property
    def solutions(self) -> tuple[Array, Array]:
        """H (q, q) and h (q, p + 1)."""
        N = lapack.dtrtrs(self.L, self.of.R, lower=1)[0]
        return N.T @ N, N.T @ (self.B @ self.inverse)

    def effects(self) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every factor, (c, l)."""
        e = self.solutions[1][:, -1:] * self.root_pwrss
        return [by_level(e, part)[:, :, 0].T for part in self.of.parts]

    def curvature(self, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """df/dG of every factor (c, c), and d2f/dgamma2 of all."""
        return curvature(self, weights)


def is_small(rows: int, columns: int, widths: Sequence[int], levels: Sequence[int]) -> bool:
    """Whether a model of n rows and p + 1 columns of X and y is one for this module."""
    q = sum(l * c for l, c in zip(levels, widths, strict=True))
    return q <= EFFECTS and rows * (q + columns) ** 2 <= MULTIPLICATIONS


def prepare(columns: Array, widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]) -> Joint:
    """Reduce the rows: columns (m, n) of Z, of X and y."""
    count, n = sum(widths), columns.shape[1]
    parts = parts_of(levels, widths)
    q = parts[-1].effects.stop
    rows = np.zeros((q + len(columns) - count, n))
    rows[effects_of(parts, codes), np.arange(n)] = columns[:count]
    rows[q:] = columns[count:]
    reduced = np.triu(lapack.dgeqrf(rows.T, overwrite_a=1)[0][: len(rows)])
    r = min(n, q)
    W = reduced[r:, q:]
    return Joint(parts, np.asfortranarray(reduced[:r, :q]), np.asfortranarray(reduced[:r, q:]), W.T @ W)


def eliminate(reduced: Joint, D: Array) -> JointSolved:
    """Eliminate all effects, given R G R', which becomes D."""
    D.flat[:: len(D) + 1] += 1.0
    L, status = lapack.dpotrf(D.T, lower=1, clean=0, overwrite_a=1)
    if status:
        raise ModelError("the random effects are so large beside the residual that it is lost in rounding")
    B = lapack.dtrtrs(L, reduced.B, lower=1)[0]
    logdet = 2.0 * float(np.log(L.diagonal()).sum())
    return JointSolved(logdet, *solved(reduced.within + B.T @ B), of=reduced, L=L, B=B)


def curvature(at: JointSolved, weights: Weights) -> tuple[list[Array], Array]:
    """df/dG of every factor (c, c), and d2f/dgamma2 of all."""
    parts, (H, h) = at.of.parts, at.solutions
    units = [symmetric_units(part.width) for part in parts]
    Y = (h * weights.columns) @ h.T
    slopes, twice = H - Y, 2 * Y - H
    blocks = [
        [units[j] @ pair(H, twice, part, other) @ units[m].T for m, other in enumerate(parts[: j + 1])]
        for j, part in enumerate(parts)
    ]
    each = [squares(by_level(h, part).transpose(1, 2, 0)) for part in parts]
    first = np.concatenate([unit @ one for unit, one in zip(units, each, strict=True)])
    return [diagonal(slopes, part) for part in parts], symmetric(blocks) - (first * weights.pairs.ravel()) @ first.T


def pair(H: Array, right: Array, part: Part, other: Part) -> Array:
    """tr(E H F X) between two factors, (c c, c' c') for E and F flat, for symmetric H and X (q, q)."""
    shape = (part.levels, part.width, other.levels, other.width)
    left, X = H[part.effects, other.effects], right[part.effects, other.effects]
    if part.width == other.width == 1:
        return np.array([[np.vdot(left, X)]])
    c, d = part.width, other.width
    flat = [each.reshape(shape).transpose(1, 3, 0, 2).reshape(c * d, -1) for each in (left, X)]
    return np.asarray((flat[0] @ flat[1].T).reshape(c, d, c, d).transpose(2, 0, 1, 3).reshape(c * c, d * d))
