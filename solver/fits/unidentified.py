"""What the data leave open at an optimum: covariances, coefficients and standard errors that are one choice of many.

Write Gamma_j = sigma^2 G_j and V = sum Z_j (I x Gamma_j) Z_j' + sigma^2 I, of the weighted rows (theory.md, 3), and K
for an orthonormal basis of what is orthogonal to X. REML sees K'V K alone. So a change E of the Gamma_j and sigma^2,
D = V(E), is unseen where K'D K = 0; maximum likelihood sees V itself, and D = 0 there. With the projection
P = K (K'V K)^-1 K', which does not change either, and the vectors x_j of the span of X with X'x_j = unit j,

    beta = X^+ (y - V P y):                 beta_j changes by      -x_j'D r,   r = P y, the residual over sigma^2
    vcov(beta) = X^+ (V - V P V) X^+':      its diagonal changes by  x_j'D x_j - 2 x_j'D P V x_j - x_j'D P D x_j

exactly, however large E is. So where both hold for no E that the Gamma_j may take from the optimum,

    beta_j is determined iff x_j'D r = 0,   its standard error iff K'D x_j = 0 and x_j'D x_j = 0.

The Gamma_j must stay positive semi-definite, so that E ranges over (Gamma + unseen changes) within the cone; only the
span of these E counts, that is, all unseen E that live on the largest range of such a Gamma + E (`admissible`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import linalg, sparse

from relmer.solver.algebra import RANK, lower_triangle, sweep
from relmer.solver.arrays import Array
from relmer.solver.model import (
    Design,
    Lambda,
    RandomTerm,
    factors,
    group_names,
    is_structured,
    matrices,
    moves,
    par_names,
    pars,
    random_matrix,
    response,
    symmetric_units,
    theta_names,
)
from relmer.solver.paths import Solution

EPS = float(np.finfo(float).eps)
# Part of its length that a form, or a direction, keeps and yet counts for zero: the root of what the moment equations
# of the search, which square the forms, take for zero.
APART = 1e-5
# Part of the sum of its parts' sizes below which a product is rounding, and part of the largest entry of a vector that
# counts as rounding in the others: together 1e-12, some 1e4 eps.
ROUNDED = 1e-6
# Eigenvalues of the most interior matrix of a face are of order one, and of order INTERIOR where it has none.
INTERIOR = 1e-10
POSITIVE = 1e-3


@dataclass(frozen=True)
class Unidentified:
    """What is one choice of many: the criterion is the same at all of them.

    Attributes
    ----------
    theta
        Per direction in which covariances, or covariances and sigma, can change, the names of those that do: an entry
        of theta stands for the variance or covariance at its place. No response would tell.
    beta
        Coefficients whose estimate changes along these directions, from the optimum.
    se
        Coefficients whose standard error does.
    """

    theta: tuple[tuple[str, ...], ...] = ()
    beta: tuple[str, ...] = ()
    se: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is open."""
        return bool(self.theta)

    @property
    def names(self) -> frozenset[str]:
        """Every entry of theta, and "sigma", that is named."""
        return frozenset(name for names in self.theta for name in names)


@dataclass(frozen=True)
class Coordinates:
    """A random term in coordinates of its own.

    Attributes
    ----------
    Z
        Sparse (n, l r), of columns that are orthonormal on average over the l levels; r is the rank of the term's c.
    width
        r.
    inner, outer
        (c, c), from a root of Gamma to one in these coordinates, of which the last c - r change nothing, and back to
        one of columns of mean square one.
    """

    Z: sparse.csr_array
    width: int
    inner: Array
    outer: Array

    def times(self, E: Array, rows: Array) -> Array:
        """Z (I x E) Z' times rows (n, m)."""
        r = self.width
        effects = (self.Z.T @ rows).reshape(-1, r, rows.shape[1])
        return np.asarray(self.Z @ np.einsum("ab,lbm->lam", E[:r, :r], effects).reshape(-1, rows.shape[1]))


# A change E of the Gamma_j, in the coordinates of the terms, and of sigma^2, as a matrix (1, 1) that comes last.
Change = list[Array]


def unidentified(design: Design, at: Solution, theta: Array, REML: bool) -> Unidentified:
    """What the data leave open at an optimum.

    Parameters
    ----------
    design
        Of n rows and p coefficients.
    at
        The solution at the optimum.
    theta
        The optimum (k,).
    REML
        By the REML criterion, or by the deviance, which leaves covariances open but no coefficient.

    Returns
    -------
    Unidentified
        Empty where the data determine everything.

    Examples
    --------
    The fixed effects take a mean for each group, so that REML sees nothing of the variance between groups; the means
    are sure, but not how far they would differ in other data.

    >>> import pandas as pd
    >>> from relmer.solver import lmer
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> lmer("y ~ g + (1 | g)", data).unidentified
    Unidentified(theta=(('g.(Intercept)',),), beta=(), se=('(Intercept)', 'gb', 'gc'))
    """
    if not design.terms:
        return Unidentified()
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    terms = [coordinates(term, root) for term in design.terms]
    X = root[:, None] * design.X
    swept = sweep(X, X[:, 0] if X.shape[1] else root)
    moving, names = directions(design.terms, terms, theta)
    combinations = unseen_combinations(terms, moving, swept.Q if REML else X[:, :0])
    unseen = [each for c in combinations.T if (each := combined(moving, c)) is not None]
    roots = [term.inner @ T for term, T in zip(terms, factors(design.terms, theta), strict=True)]
    changes = admissible([*(T @ T.T for T in roots), np.ones((1, 1))], unseen)
    beta, se = set[int](), set[int]()
    if REML and X.shape[1]:
        x = swept.Q @ linalg.solve_triangular(swept.R, np.eye(len(swept.R)), trans="T")
        b = Lambda(design.template, theta) @ at.u
        residual = root * (response(design) - design.X @ at.beta - design.Z @ b)
        residual /= np.abs(residual).max()
        for E in changes:
            moved = moved_by(terms, E, swept.Q, x, residual)
            beta |= set(np.flatnonzero(moved[0]).tolist())
            se |= set(np.flatnonzero(moved[1]).tolist())
    return Unidentified(
        theta=named_along(names, combinations) if names else named(design.terms, terms, unseen),
        beta=tuple(design.coefficients[k] for k in sorted(beta)),
        se=tuple(design.coefficients[k] for k in sorted(se)),
    )


def coordinates(term: RandomTerm, root: Array) -> Coordinates:
    """The coordinates of a term whose rows are multiplied by the square roots of the weights."""
    columns = root[:, None] * term.X
    spread = np.sqrt((columns**2).mean(axis=0))
    spread[spread == 0] = 1.0
    # Rows of zeros, so that a term of more columns than rows has all its directions.
    rows = np.vstack([columns / spread, np.zeros((max(0, len(spread) - len(columns)), len(spread)))])
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    rank = int((singular > singular.max(initial=0.0) * len(columns) * EPS).sum())
    scale = np.ones(len(spread))
    scale[:rank] = singular[:rank] / np.sqrt(len(term.levels))
    Z = random_matrix(replace(term, X=left[: len(columns), : max(rank, 1)] * np.sqrt(len(term.levels)) * bool(rank)))
    return Coordinates(Z, max(rank, 1), inner=scale[:, None] * right * spread, outer=right.T / scale)


def directions(
    terms: Sequence[RandomTerm], of: Sequence[Coordinates], theta: Array
) -> tuple[list[Change], tuple[str, ...]]:
    """The changes of the Gamma_j and sigma^2 that the terms allow, and their names where a term has a structure.

    Of a structure these are those by its par, or by the square of a standard deviation of zero.
    """
    widths = [*(len(one.inner) for one in of), 1]
    if not is_structured(terms):
        count = sum(len(lower_triangle(width)[0]) for width in widths)
        return [matrices(unit, widths) for unit in np.eye(count)], ()
    none = [np.zeros((width, width)) for width in widths]
    changes: list[Change] = []
    names: list[str] = []
    for k, (term, group, one, par) in enumerate(zip(terms, group_names(terms), of, pars(terms, theta), strict=True)):
        width = len(term.columns)
        own = symmetric_units(width).reshape(-1, width, width) if term.is_free else moves(term.structure, par, width)
        changes += [[*none[:k], one.inner @ E @ one.inner.T, *none[k + 1 :]] for E in own]
        names += par_names([replace(term, group=group)])
    return [*changes, [*none[:-1], np.ones((1, 1))]], (*names, "sigma")


def combined(moving: Sequence[Change], c: Array) -> Change | None:
    """The sum of changes times c; None if that is nothing."""
    found = [np.tensordot(c, np.array(each), 1) for each in zip(*moving, strict=True)]
    return found if any(each.any() for each in found) else None


def unseen_combinations(terms: Sequence[Coordinates], moving: Sequence[Change], Q: Array) -> Array:
    """A basis (k, d) of the sums E of k changes with K'D K = 0, K of what is orthogonal to Q (n, p).

    Of a space of d matrices one is zero on as many random vectors only by an accident of probability zero: each vector
    takes at least one dimension from those that are zero on all before it. So K'D K is looked at from d random vectors
    on either side.
    """
    count = len(moving)
    left, right = orthogonal_to(Q, np.random.default_rng(0).normal(size=(2, len(Q), count)))
    images = np.zeros((count * count, count))
    for k, E in enumerate(moving):
        image = form(terms, E, right)
        seen = orthogonal_to(Q, image)
        if np.linalg.norm(seen) > APART * np.linalg.norm(image):
            images[:, k] = (left.T @ seen).ravel()
    length = np.linalg.norm(images, axis=0)
    length[length == 0] = 1.0
    _, singular, directions = np.linalg.svd(images / length)
    null = directions[np.r_[singular, np.zeros(count - len(singular))] <= APART].T / length[:, None]
    return np.asarray(np.linalg.qr(null)[0])


def orthogonal_to(Q: Array, rows: Array) -> Array:
    """Rows (..., n, m) without what lies along the orthonormal Q (n, p); twice, so that only rounding is left of it."""
    once = rows - Q @ (Q.T @ rows)
    return np.asarray(once - Q @ (Q.T @ once))


def form(terms: Sequence[Coordinates], E: Change, rows: Array) -> Array:
    """D times rows (n, m), for D = sum Z_j (I x E_j) Z_j' + s I."""
    return np.asarray(sum((term.times(each, rows) for term, each in zip(terms, E, strict=False)), E[-1] * rows))


def admissible(Gamma: Change, unseen: list[Change]) -> list[Change]:
    """A basis of the span of the unseen changes E for which Gamma + E is positive semi-definite.

    Let N span the null space of Gamma. Then N'E N is positive semi-definite, so that E vanishes wherever all N'E N do
    that are: facial reduction. What is left has a Gamma + E that is regular on all of its range, so its span is whole.
    """
    kept = [np.eye(len(each)) for each in Gamma]
    while unseen:
        null = [W @ null_space(W.T @ A @ W) for W, A in zip(kept, Gamma, strict=True)]
        if not any(N.shape[1] for N in null):
            break
        compressed = [[N.T @ each @ N for N, each in zip(null, E, strict=True)] for E in unseen]
        spectra = [np.linalg.eigh(each) for each in most_interior(compressed)]
        never = [N @ vectors[:, values <= POSITIVE] for N, (values, vectors) in zip(null, spectra, strict=True)]
        image = np.array([np.concatenate([(e @ N).ravel() for e, N in zip(E, never, strict=True)]) for E in unseen])
        left, singular, _ = np.linalg.svd(image, full_matrices=True)
        zero = left[:, int((singular > APART).sum()) :]
        if zero.shape[1] == len(unseen):
            break
        unseen = [[np.tensordot(c, [E[j] for E in unseen], 1) for j in range(len(Gamma))] for c in zero.T]
        kept = [linalg.null_space(N.T) if N.shape[1] else W for N, W in zip(never, kept, strict=True)]
    return unseen


def null_space(A: Array) -> Array:
    """Basis (c, m) of the directions that have negligible variance, as in the search."""
    values, vectors = np.linalg.eigh(A)
    return np.asarray(vectors[:, values <= RANK * max(1.0, values.max(initial=0.0))])


def most_interior(spanning: list[Change]) -> Change:
    """A positive semi-definite matrix, block by block, of the largest rank in a space of symmetric ones.

    It is where log|S + delta I| - |c|^2 / 2 is largest over S = sum of c_i S_i, for a delta that falls to INTERIOR: a
    concave function, whose |c|^2 is no more than the order of S. Where the space has no positive semi-definite matrix
    along a direction, S is of the order of delta there, or of its root.
    """
    whole = np.array([linalg.block_diag(*each) for each in spanning])
    order, c = whole.shape[1], np.zeros(len(whole))

    def at(c: Array, delta: float) -> Array:
        return np.asarray(np.tensordot(c, whole, 1) + delta * np.eye(order))

    def value(c: Array, delta: float) -> float:
        sign = np.linalg.eigvalsh(at(c, delta))
        return float(np.log(sign).sum() - c @ c / 2) if sign[0] > 0 else -np.inf

    for delta in 10.0 ** np.arange(0.0, np.log10(INTERIOR) - 1, -1.0):
        # What the last delta let below zero is taken back: c = 0 is always within.
        while value(c, delta) == -np.inf:
            c = c / 2
        for _ in range(30):
            half = np.linalg.inv(np.linalg.cholesky(at(c, delta)))
            along = (half @ whole @ half.T).reshape(len(c), -1).T
            # Newton's step is that of least squares, whose matrix of squares would lose the identity beside 1/delta^2.
            step = np.linalg.lstsq(np.vstack([along, np.eye(len(c))]), np.concatenate([np.eye(order).ravel(), -c]))[0]
            gradient = along.T @ np.eye(order).ravel() - c
            fraction = 1.0
            while fraction > 1e-10 and value(c + fraction * step, delta) < value(c, delta):
                fraction /= 2
            if fraction <= 1e-10:
                break
            c = c + fraction * step
            if gradient @ step < 1e-6:
                break
    found, sizes = at(c, 0.0), np.cumsum([0, *(len(each) for each in spanning[0])])
    return [found[i:j, i:j] for i, j in pairwise(sizes)]


def moved_by(terms: Sequence[Coordinates], E: Change, Q: Array, x: Array, residual: Array) -> tuple[Array, Array]:
    """Which estimates (p,), and which standard errors (p,), a change moves; x (n, p) as the module's docstring says."""
    least = ROUNDED**2 * max(float(np.abs(each).max()) for each in E)
    E = [np.where(np.abs(each) > least, each, 0.0) for each in E]
    sizes = [replace(term, Z=abs(term.Z)) for term in terms]
    D = form(terms, E, x)
    size = form(sizes, [np.abs(each) for each in E], np.abs(x) + ROUNDED * np.abs(x).max(axis=0))
    rounding = ROUNDED * np.linalg.norm(size, axis=0)
    outside = np.linalg.norm(orthogonal_to(Q, D), axis=0) > rounding
    own = np.abs((x * D).sum(axis=0)) > rounding * np.linalg.norm(x, axis=0)
    # The residual is orthogonal to X, so that a D x_j within X does not move beta_j.
    return outside & (np.abs(residual @ D) > rounding * np.linalg.norm(residual)), outside | own


def named(terms: Sequence[RandomTerm], of: Sequence[Coordinates], changes: list[Change]) -> tuple[tuple[str, ...], ...]:
    """Names of the covariances, and of sigma, that change along each of a reduced basis of the changes."""
    groups = group_names(terms)
    names = [
        name for term, group in zip(terms, groups, strict=True) for name in theta_names([replace(term, group=group)])
    ]
    rows = []
    for E in changes:
        back = [one.outer @ each @ one.outer.T for one, each in zip(of, E, strict=False)]
        row = np.concatenate([each[lower_triangle(len(each))] for each in [*back, E[-1]]])
        rows.append(row / np.abs(row).max())
    reduced = row_reduced(np.array(rows)) if rows else np.zeros((0, 0))
    return tuple(tuple(name for name, part in zip([*names, "sigma"], row, strict=True) if part) for row in reduced)


def named_along(names: Sequence[str], combinations: Array) -> tuple[tuple[str, ...], ...]:
    """Names of the changes that a reduced basis of their combinations (k, d) is made of."""
    rows = row_reduced(combinations.T / np.abs(combinations.T).max(axis=1, initial=0.0)[:, None])
    return tuple(tuple(name for name, part in zip(names, row, strict=True) if part) for row in rows if row.any())


def row_reduced(rows: Array) -> Array:
    """The rows combined such that each has a one where all others have a zero, and as few other entries as may be."""
    rows = rows.copy()
    free = list(range(len(rows)))
    while free:
        best = np.abs(rows[free])
        if not best.any():
            break
        i, j = np.unravel_index(int(best.argmax()), best.shape)
        pivot = free.pop(int(i))
        rows[pivot] /= rows[pivot, j]
        others = np.arange(len(rows)) != pivot
        rows[others] -= np.outer(rows[others, j], rows[pivot])
        rows[np.abs(rows) <= APART] = 0.0
    return rows
