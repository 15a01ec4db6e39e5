"""All random effects of a small model at once: where numbers are few, the calls cost more than they do.

One QR of the rows, [Z X y] = Q [R B; 0 R0], leaves of Z min(n, q) pseudo-rows R, as `levels` does level by level
(theory.md, 18). With D = I + R G R' and N = D^-1/2 [R B] everything is as there, in matrices of all q effects:

    log|V| = log|D|,   A = R0'R0 + N_B'N_B,   H = Z'V^-1 Z = N_R'N_R,   h = N_R'N_B RXy^-1.

D, of the rows, has the determinant of the slides' Lambda'Z'Z Lambda + I, of the effects (Sylvester). All effects are
one level, with no factor outside: Phi is the sum of w_x h_x h_x' (theory.md, 28 and 30).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from relmer.solver.arrays import Array, Codes
from relmer.solver.elimination.blocks import Part, by_level, diagonal, effects_of, parts_of, symmetric, times
from relmer.solver.elimination.contract import ray_of
from relmer.solver.elimination.corner import Corner, Weights, solved, squares
from relmer.solver.errors import ModelError
from relmer.solver.model import by_entry

# Largest number of effects, and of multiplications in the QR, up to which calls count for more.
EFFECTS = 64
MULTIPLICATIONS = 2**18
# Times as many that count no more than one turn of the loop over the entries of a G in `crossed`.
TURN = 4


@dataclass(frozen=True)
class Joint:
    """What depends on the data alone: the factors, R (m, q) and B (m, p + 1) of m pseudo-rows, A0 (p + 1, p + 1)."""

    parts: tuple[Part, ...]
    R: Array
    B: Array
    within: Array

    is_costly = is_sparse = False
    is_swept = True

    def solve(self, G: Sequence[Array], roots: Sequence[Array] | None = None) -> "JointSolved":
        """Eliminate all effects at the covariances G = T T', one (c, c) each.

        Raises
        ------
        ModelError
            The covariances are so large that D is not positive definite to rounding.
        """
        if roots is None:
            return eliminate(self, times(self.R, G, self.parts) @ self.R.T)
        RT = times(self.R, roots, self.parts)
        return eliminate(self, RT @ RT.T)

    def ray(self, scales: Array) -> tuple[Array, Array]:
        """log|V| (m,) and the diagonals of RXy (m, p + 1) at m multiples G = scale I."""
        RR = self.R @ self.R.T
        return ray_of(lambda scale: eliminate(self, scale * RR), scales)

    def describe(self, sizes: Sequence[str]) -> str:
        """What is eliminated how, in one line."""
        return f"joint: {', '.join(sizes)}, all {self.R.shape[1]} effects at once"


@dataclass(frozen=True)
class JointSolved(Corner):
    """What was solved: the lower triangular D^1/2 (m, m), and N_B (m, p + 1)."""

    of: Joint
    half: Array
    N: Array

    @cached_property
    def solutions(self) -> tuple[Array, Array]:
        """H (q, q) and h (q, p + 1)."""
        N = lapack.dtrtrs(self.half, self.of.R, lower=1)[0]
        return N.T @ N, N.T @ (self.N @ self.inverse)

    def in_bases(self, bases: Sequence[Array]) -> "JointSolved":
        """The same for effects S^-1 b, whose columns are Z S and covariances S^-1 G S^-T, given S (c, c) of factors."""
        return replace(self, of=replace(self.of, R=np.asfortranarray(times(self.of.R, bases, self.of.parts))))

    def effects(self) -> list[Array]:
        """e = Z'V^-1 (y - X beta) of every factor, (c, l)."""
        e = self.solutions[1][:, -1:] * self.root_pwrss
        return [by_level(e, part)[:, :, 0].T for part in self.of.parts]

    def curvature(self, weights: Weights, exact: bool = True) -> tuple[list[Array], Array]:
        """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all."""
        return curvature(self, weights)


def is_small(rows: int, columns: int, widths: Sequence[int], levels: Sequence[int], times: int = 1) -> bool:
    """Whether a model of n rows and p + 1 columns of X and y is one for this module, or so many times one."""
    q = sum(l * c for l, c in zip(levels, widths, strict=True))
    return q <= EFFECTS * times and rows * (q + columns) ** 2 <= MULTIPLICATIONS * times


def is_wide(rows: int, columns: int, widths: Sequence[int], levels: Sequence[int]) -> bool:
    """Whether factors that cross have so many columns that `crossed` would take longer: it takes a turn per entry."""
    turns = widths[0] * (widths[0] + 1) // 2 - 1
    return is_small(rows, columns, widths, levels, TURN * turns)


def prepare(columns: Array, widths: Sequence[int], codes: Sequence[Codes], levels: Sequence[int]) -> Joint:
    """Reduce the rows: columns (m, n) of Z, of X and y."""
    count, n = sum(widths), columns.shape[1]
    parts = parts_of(levels, widths)
    q = parts[-1].effects.stop
    rows = np.zeros((q + len(columns) - count, n))
    rows[effects_of(parts, codes), np.arange(n)] = columns[:count]
    rows[q:] = columns[count:]
    # Householder's reflections keep the digits of small rows below large ones (Cox and Higham 1998).
    order = np.argsort(-np.abs(rows).max(axis=0), kind="stable")
    reduced = np.triu(lapack.dgeqrf(rows[:, order].T, overwrite_a=1)[0][: len(rows)])
    m = min(n, q)
    R0 = reduced[m:, q:]
    return Joint(parts, np.asfortranarray(reduced[:m, :q]), np.asfortranarray(reduced[:m, q:]), R0.T @ R0)


def eliminate(reduced: Joint, D: Array) -> JointSolved:
    """Eliminate all effects, given R G R', which becomes D."""
    D.flat[:: len(D) + 1] += 1.0
    half, status = lapack.dpotrf(D.T, lower=1, clean=0, overwrite_a=1)
    if status:
        raise ModelError("the random effects are so large beside the residual that it is lost in rounding")
    N = lapack.dtrtrs(half, reduced.B, lower=1)[0]
    logdet = 2.0 * float(np.log(half.diagonal()).sum())
    return JointSolved(logdet, *solved(reduced.within + N.T @ N), of=reduced, half=half, N=N)


def curvature(at: JointSolved, weights: Weights) -> tuple[list[Array], Array]:
    """The dual df/dG (c, c) of every factor, and d2f/dgamma2 of all."""
    parts, (H, h) = at.of.parts, at.solutions
    Phi = (h * weights.columns) @ h.T
    slopes, twice = H - Phi, 2 * Phi - H
    blocks = [
        [by_entry(by_entry(pair(H, twice, part, other), part.width).T, other.width).T for other in parts[: j + 1]]
        for j, part in enumerate(parts)
    ]
    first = np.concatenate([by_entry(squares(by_level(h, part).transpose(1, 2, 0)), part.width) for part in parts])
    return [diagonal(slopes, part) for part in parts], symmetric(blocks) - (first * weights.pairs.ravel()) @ first.T


def pair(H: Array, right: Array, part: Part, other: Part) -> Array:
    """tr(E H F right) between two factors, (c c, c' c') for E and F flat, for symmetric H and right (q, q)."""
    shape = (part.levels, part.width, other.levels, other.width)
    pair_of = [each[part.effects, other.effects] for each in (H, right)]
    if part.width == other.width == 1:
        return np.array([[np.vdot(*pair_of)]])
    a, b = part.width, other.width
    flat = [each.reshape(shape).transpose(1, 3, 0, 2).reshape(a * b, -1) for each in pair_of]
    return np.asarray((flat[0] @ flat[1].T).reshape(a, b, a, b).transpose(2, 0, 1, 3).reshape(a * a, b * b))
