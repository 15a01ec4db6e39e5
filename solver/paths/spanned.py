"""A response of which X and Z leave little: y = X beta + Z b + rest, to the last digit of the rest.

V^-1 takes from y what Z spans, up to a part of the order of 1 / theta, and that is what sigma and theta are made of. In
numbers of the size of y this is a difference, known to eps of y; of a rest of 1e-10 of y six digits would be left, and
no optimum. But rest and b are known to their own last digits, and all that a path needs is linear in y, so it is made
of both: (y - X beta - Z T w) for any w is rest + Z (b - T w), and of rows that are turned until Z is R the response is
R b on top (theory.md, 48). Nothing of the size of y remains to be subtracted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.algebra import less
from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.elimination import Elimination
from relmer.solver.errors import ModelError
from relmer.solver.model import Design

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
# What is left of a response, in units of its largest value, that is rounding: of its own digits and of its formula,
# some tens of operations. NIST's SmLs07 to 09, decimals with a mean of 1e12, keep 450 eps.
ROUNDING = 100 * EPS
# A working G at which what Z spans is gone from pwrss, but for directions along which Z is less than 1e-8 of its size;
# and the part of |y0|^2 that surely is none of it. Of a large crossed model this is not asked: a solution costs as much
# as a step of the search, which finds no minimum there.
FAR, MUCH = 1e12, 1e-4
# Part of a column that X leaves of one that is in its span.
WITHIN = 1e-10
# Numbers in [X Z] up to which it is written out.
DENSE = 2**22
# Part of the smallest pivot that rows of small weights leave, up to which rounding is told from it.
HALFWAY = 0.1
# Sweeps: each leaves of what is left n eps times the condition of [X Z], the last what the coefficients' rounding is.
SWEEPS = 4


@dataclass(frozen=True)
class Spanned:
    """Least squares of y on [X Z], and of the columns of X on Z.

    Attributes
    ----------
    beta
        Coefficients (p,) of y on X.
    effects
        Coefficients (q, p + 1) on Z, of X and, last, of y; some are zero where columns of Z depend on each other.
    rest
        X - Z effects and y - offset - X beta - Z effects (n, p + 1), each number to its own last digit, weighted.
    residual
        What is left of y, swept once more (n,): without the rounding of the coefficients.
    rank
        Of [X Z].
    order
        The columns of Z, each in all levels of its term, those first that explain most of y for their number.
    """

    beta: Array
    effects: Array
    rest: Array
    residual: Array
    rank: int
    order: tuple[Integers, ...]


def is_rounding(design: Design, residual: Array) -> bool:
    """Whether a weighted residual (n,) is rounding of the response."""
    size = np.abs(design.y) if design.offset is None else np.maximum(np.abs(design.y), np.abs(design.offset))
    weighted = size if design.weights is None else np.sqrt(design.weights) * size
    return bool(np.abs(residual).max() <= ROUNDING * max(float(weighted.max()), TINY))


def surely_left(elimination: Elimination, residual0: Array, weights: Array | None) -> bool:
    """Whether much is left of the response where the random effects are free, or all but free.

    If [X Z] left nothing of y0, A0 with a ridge of 1 / FAR would leave the square of its coefficients over FAR, and a
    G = FAR would leave of pwrss that of the effects.
    """
    A = np.array(elimination.within)
    A.flat[: -1 : len(A) + 1] += 1.0 / FAR
    R, status = lapack.dpotrf(A, overwrite_a=1)
    least = np.sqrt(MUCH) * linalg.norm(residual0, check_finite=False)
    if status or R[-1, -1] <= least:
        return False
    if elimination.is_swept or elimination.is_costly:
        return True
    try:
        _, diagonal = elimination.ray(np.array([FAR if weights is None else FAR / weights.mean()]))
    except (ModelError, np.linalg.LinAlgError):
        return False
    return bool(diagonal[0, -1] > least)


def spanned(design: Design, y0: Array) -> Spanned | None:
    """The response by X and Z, if they leave little of the y0 that X leaves, but more than rounding.

    None if not, where they leave no degree of freedom, and where they are too large to be written out.

    The coefficients are doubles, whatever these are, and what they leave of y is found with twice the digits, so that
    the three together are y.
    """
    n, p = design.X.shape
    if n * (p + design.Z.shape[1]) > DENSE:
        return None
    Z = design.Z.toarray()
    root = np.ones(n) if design.weights is None else np.sqrt(design.weights)
    columns = np.hstack([design.X, Z])
    order = by_what_they_explain(root[:, None] * columns, y0, p, [*groups(design, p)])
    order = inside_first(design, p, order)
    both = columns_of(columns, root, [np.arange(p), *order])
    known = design.y[:, None] if design.offset is None else np.column_stack([design.y, design.offset])
    coefficients, rest = both.sweep(known)
    residual = root * rest
    for _ in range(2):
        residual = residual - both.Q @ (both.Q.T @ residual)
    much = np.linalg.norm(residual) > np.sqrt(MUCH) * np.linalg.norm(y0)
    if much or both.rank == n or is_rounding(design, residual):
        return None
    order = [each - p for each in order]
    alone = columns_of(Z, root, order)
    swept = [alone.sweep(x[:, None]) for x in design.X.T]
    return Spanned(
        beta=coefficients[:p],
        effects=np.column_stack([*(each for each, _ in swept), coefficients[p:]]),
        rest=np.column_stack([*(root * left for _, left in swept), root * rest]),
        residual=residual,
        rank=both.rank,
        order=tuple(order),
    )


def groups(design: Design, first: int) -> Iterator[Integers]:
    """The places of every column of every term in all its levels, counted from `first` on."""
    for term in design.terms:
        shape = len(term.levels), len(term.columns)
        yield from first + np.arange(shape[0] * shape[1]).reshape(shape).T
        first += shape[0] * shape[1]


def by_what_they_explain(columns: Array, y0: Array, p: int, groups: Sequence[Integers]) -> list[Integers]:
    """Groups of columns (n, k), after the first p: each time that which takes most of what is left, per rank.

    Small effects come after large ones, so that what depends on others is left out where it is small: where factors
    cross, the mean of a large one would else stand in a small one; and a factor comes before one that lies within it.
    """
    Q, found, left = basis_of(columns[:, :p], np.zeros((len(y0), 0))), list[Integers](), list(groups)
    while left:
        bases = [basis_of(columns[:, each], Q) for each in left]
        squares = [float(((basis.T @ y0) ** 2).sum()) / max(basis.shape[1], 1) for basis in bases]
        most = int(np.argmax(squares))
        found.append(left.pop(most))
        Q = np.hstack([Q, bases[most]])
        y0 = y0 - bases[most] @ (bases[most].T @ y0)
    return found


def inside_first(design: Design, p: int, order: Sequence[Integers]) -> list[Integers]:
    """The same groups, but of every term those first whose column is in the span of X (`inside`).

    Their regression on the others may be large, and what is left of it beside them small (`unrotated_scale`): so the
    others must have no part in their pseudo-rows.
    """
    found = list(order)
    groups_of = iter(groups(design, p))
    for term in design.terms:
        own = [next(groups_of) for _ in term.columns]
        first = {int(each[0]) for each, here in zip(own, inside(design.X, term.X), strict=True) if here}
        ours = {int(each[0]) for each in own}
        at = [k for k, each in enumerate(order) if int(each[0]) in ours]
        for k, each in zip(at, sorted((order[k] for k in at), key=lambda each: int(each[0]) not in first), strict=True):
            found[k] = each
    return found


def inside(X: Array, columns: Array) -> Booleans:
    """Which columns (n, c) are in the span of X (n, p)."""
    left = columns - X @ np.linalg.lstsq(X, columns)[0]
    return np.asarray(np.linalg.norm(left, axis=0) <= WITHIN * np.linalg.norm(columns, axis=0))


def basis_of(columns: Array, Q: Array) -> Array:
    """An orthonormal basis (n, r) of what orthonormal Q leaves of columns."""
    lengths = np.linalg.norm(columns, axis=0)
    own = columns / np.where(lengths > 0, lengths, 1.0)
    for _ in range(2):
        own = own - Q @ (Q.T @ own)
    basis, R, _ = linalg.qr(own, mode="economic", pivoting=True)
    basis = basis[:, : int((np.abs(R.diagonal()) > max(columns.shape) * EPS).sum())]
    return np.asarray(basis - Q @ (Q.T @ basis))


@dataclass(frozen=True)
class Columns:
    """Columns (n, k), and Q R of those of full rank, `kept`, of weighted rows and unit length."""

    columns: Array
    root: Array
    lengths: Array
    Q: Array
    R: Array
    kept: Integers

    @property
    def rank(self) -> int:
        """Their rank."""
        return len(self.kept)

    def sweep(self, known: Array) -> tuple[Array, Array]:
        """Coefficients (k,) and what they leave of the first of the known columns (n, m), less the others."""
        coefficients = np.zeros(self.columns.shape[1])
        rest = self.swept_by(known, coefficients)
        for _ in range(SWEEPS):
            step = linalg.solve_triangular(self.R, self.Q.T @ (self.root * rest))
            coefficients[self.kept] += step / self.lengths[self.kept]
            rest = self.swept_by(known, coefficients)
        return coefficients, rest

    def swept_by(self, known: Array, coefficients: Array) -> Array:
        """The first of the known columns, less the others and columns times coefficients, to the last digit."""
        used = np.flatnonzero(coefficients)
        others = np.hstack([known[:, 1:], self.columns[:, used]])
        return less(known[:, 0], others, np.append(np.ones(known.shape[1] - 1), coefficients[used]))


def columns_of(columns: Array, root: Array, order: Sequence[Integers]) -> Columns:
    """Find columns of full rank, group after group, in rows of these roots of weights.

    What is left of a column that others determine is rounding, n eps of its length, over the least of the pivots before
    it. Where only rows of small weights tell columns apart, pivots are as small as these rows are beside the others.
    """
    weighted = root[:, None] * columns
    lengths = np.linalg.norm(weighted, axis=0)
    lengths[lengths == 0] = 1.0
    spread = float(root.max() / root.min())
    rounding = max(columns.shape) * EPS
    # Of rows still more uneven such pivots and that rounding cannot be told from each other.
    rounding *= spread if rounding * spread**2 <= HALFWAY else 1.0
    Q, kept = np.zeros((len(columns), 0)), [np.zeros(0, dtype=np.int64)]
    for each in order:
        own = weighted[:, each] / lengths[each]
        for _ in range(2):
            own = own - Q @ (Q.T @ own)
        _, R, pivots = linalg.qr(own, mode="economic", pivoting=True)
        rank = int((np.abs(R.diagonal()) > rounding).sum())
        kept.append(each[pivots[:rank]])
        Q = np.hstack([Q, linalg.qr(own[:, pivots[:rank]], mode="economic")[0]])
    chosen = np.concatenate(kept)
    Q, R = linalg.qr(weighted[:, chosen] / lengths[chosen], mode="economic")
    return Columns(columns=columns, root=root, lengths=lengths, Q=Q, R=R, kept=chosen)
