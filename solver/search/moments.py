"""The moment equations at G = 0: where the search begins, and which covariances the data cannot tell apart.

For the changes E_a of G by a unit of each entry a of gamma, the expectations at G = 0 (theory.md, 38) are

    that of e'E_a e is sigma^2 (tr(H_X E_a) + sum over o of tr(H_X E_a H_X E_o) gamma_o),
    that of pwrss is sigma^2 (n - p + sum over o of tr(H_X E_o) gamma_o),

and with the observed values in their place, gamma is the REML estimate of balanced data, and near it for most other
data. The matrix of these equations, for sigma^2 gamma and sigma^2, holds the inner products of the forms that V, swept
by X, is a sum of. Where it is singular, a change of gamma changes no distribution: (1 | g) + (x | g) has two variances
of which only the sum counts. REML sees V swept by X, ML sees V itself, of which the same matrix has H for H_X and n for
n - p.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array, Booleans
from relmer.solver.elimination import Corner, Eliminated, expected
from relmer.solver.model import gamma_of, group_names, is_structured, matrices, par_names, theta_names
from relmer.solver.paths import Prepared, Spanned
from relmer.solver.search.coordinates import Coordinates

# Eigenvalue of the matrix, scaled to a unit diagonal, that counts for zero: its entries are sums of products of sums
# over the rows, rounded to some 1e-13.
DEPENDENT = 1e-10
# One from which on a direction is no valley: Newton's steps follow it.
NEARLY = 1e-4
# Part of the largest square below which a form is swept away by X: what is left of it is that rounding.
SWEPT = 1e-12
# Mean square over the rows of what X leaves of the columns of Z, of unit length per level, that is rounding: some
# hundred eps. A G that REML would see through less is beyond what a search may end at, 1e7 times sigma.
UNSEEN = 1e-13
# Part of a direction, in standard units, that counts for zero.
ABSENT = 1e-5


@dataclass(frozen=True)
class Moments:
    """What the moment equations give.

    Attributes
    ----------
    at
        What is left at G = 0.
    G
        The working covariances, not always positive semi-definite; None if the equations give no positive sigma^2.
    unidentified
        Per direction in which the covariances can change without any change of V the names of those that do; of a
        model with structures it is asked at the optimum.
    level
        Directions in which the covariances can change while V hardly does, or not at all.
    unseen
        Whether REML sees nothing of the random effects, all of them in the span of X: any G has the same criterion.
    """

    at: Corner
    G: list[Array] | None
    unidentified: tuple[tuple[str, ...], ...]
    level: tuple["Level", ...] = ()
    unseen: bool = False


@dataclass(frozen=True)
class Level:
    """A change of sigma^2 G, (c, c) of every term, and of sigma^2, that leaves V as it is, or nearly so."""

    changes: list[Array]
    residual: float

    def at(self, G: Sequence[Array]) -> list[Array]:
        """The same as a change of G, which goes on a straight line: (G + t E) / (1 + t e) for any t."""
        return [E - self.residual * each for E, each in zip(self.changes, G, strict=True)]


def moments(prepared: Prepared, REML: bool = True) -> Moments:
    """Set up the equations of a model, and solve them; for a sparse structure they are too costly: there are none."""
    reduced = prepared.reduced
    widths = [len(C) for C in reduced.scales]
    n, p = reduced.design.X.shape
    structure = reduced.structure
    at = structure.solve([np.zeros((width, width)) for width in widths])
    left = Corner(at.logdet, at.RXy, at.inverse)
    by = reduced.spanned
    if structure.elimination.is_sparse:
        return Moments(left, None, ())
    border, products = forms(prepared, at)
    equations = system(border, products, n - p)
    observed = gamma_of([e @ e.T for e in structure.effects(at)])
    scale, known = equations.scale, equations.known
    along = equations.vectors[:, known].T @ (scale * np.concatenate([observed, [at.root_pwrss**2]]))
    solution = scale * (equations.vectors[:, known] @ (along / equations.values[known]))
    G = matrices(solution[:-1] / solution[-1], widths) if solution[-1] > 0 else None
    if by is not None:
        G = covariances_of(prepared, by)
    unseen = REML and by is None and bool(np.abs(border).max() <= UNSEEN * n)
    if is_structured(prepared.design.terms):
        return Moments(left, G, (), unseen=unseen)
    level: tuple[Level, ...] = ()
    if equations.values[0] < NEARLY and by is None:
        level = tuple(
            Level(matrices(each[:-1], widths), float(each[-1])) for each in level_directions(prepared, at, equations).T
        )
    if not known.all() and not REML:
        equations = system(*forms(prepared, at, False), n)
    unknown = [named(prepared, direction, equations.scale) for direction in equations.vectors[:, ~equations.known].T]
    return Moments(left, G, tuple(unknown), level, unseen)


def level_directions(prepared: Prepared, at: Eliminated, equations: "Equations") -> Array:
    """Directions of gamma and sigma^2, as columns (k + 1, m), along which V hardly changes.

    What the equations do not know may change V much, within the span of X alone: of `g + (1 | g)` REML sees no variance
    of g. Its criterion is constant there, however large V grows, and what it seems to gain is rounding. So of these
    directions those remain along which V itself, not swept by X, changes by less than NEARLY.
    """
    directions = equations.scale[:, None] * equations.vectors
    nearly, open_ = directions[:, equations.known & (equations.values < NEARLY)], directions[:, ~equations.known]
    if not open_.size:
        return nearly
    whole = system(*forms(prepared, at, False), len(prepared.design.X))
    along = whole.vectors.T @ (open_ / whole.scale[:, None])
    changes, turned = linalg.eigh((along.T * whole.values) @ along, along.T @ along)
    return np.hstack([open_ @ turned[:, changes < NEARLY], nearly])


def covariances_of(prepared: Prepared, by: Spanned) -> list[Array]:
    """Working covariances of the effects that least squares finds, over the mean square that it leaves.

    Of a response of which X and Z leave little the moments at G = 0 are the effects' alone.
    """
    reduced, first, found = prepared.reduced, 0, []
    square = float(by.residual @ by.residual) / (len(by.residual) - by.rank)
    for term, C in zip(reduced.design.terms, reduced.scales, strict=True):
        count = len(term.levels) * len(C)
        b = by.effects[first : first + count, -1].reshape(-1, len(C)) @ C
        found.append(b.T @ b / len(b) / square)
        first += count
    return found


def unidentified_at(prepared: Prepared, at: Eliminated, G: Sequence[Array], REML: bool) -> tuple[tuple[str, ...], ...]:
    """The same directions from the inner products at another G (theory.md, 38).

    At G = 0 the rows of large weights are all that is seen where weights are very uneven. At V = I + sum of gamma_a E_a
    the equations are those of the forms E_a and V, and V in a direction is I and gamma_a of every E_a.
    """
    n, p = prepared.reduced.design.X.shape
    equations = system(*forms(prepared, at, REML), n - p if REML else n)
    gamma = np.append(entries_of(G), 0.0) / equations.scale
    found = []
    for direction in equations.vectors[:, ~equations.known].T:
        moved = direction + direction[-1] * equations.scale[-1] * gamma
        found.append(named(prepared, moved / np.linalg.norm(moved), equations.scale))
    return tuple(found)


def unidentified_par(
    prepared: Prepared, coordinates: Coordinates, parts: Sequence[Array], at: Eliminated, REML: bool
) -> tuple[tuple[str, ...], ...]:
    """The same at parts of terms with structures: V changes by dG/dpar, so that the forms are J E (theory.md, 47).

    Of a sparse elimination nothing is asked.
    """
    if prepared.reduced.structure.elimination.is_sparse:
        return ()
    n, p = prepared.reduced.design.X.shape
    border, products = forms(prepared, at, REML)
    J, gamma = coordinates.forms(parts)
    # In parts of themselves: where sigma is all but zero, a unit of a large standard deviation moves nothing.
    sizes = np.maximum(1.0, np.abs(gamma))
    J, gamma = sizes[:, None] * J, gamma / sizes
    equations = system(J @ border, J @ products @ J.T, n - p if REML else n)
    whole = np.append(gamma, 0.0) / equations.scale
    terms, groups = prepared.design.terms, group_names(prepared.design.terms)
    present = [replace(terms[k], group=groups[k]) for k in prepared.sound.present]
    names = [*par_names(present), "sigma"]
    found = []
    for direction in equations.vectors[:, ~equations.known].T:
        moved = direction + direction[-1] * equations.scale[-1] * whole
        size = np.abs(moved) > ABSENT * np.linalg.norm(moved)
        found.append(tuple(name for name, here in zip(names, size, strict=True) if here))
    return tuple(found)


def forms(prepared: Prepared, at: Eliminated, REML: bool = True) -> tuple[Array, Array]:
    """tr(H_X E_a) (m,) and -tr(H_X E_a H_X E_o) (m, m); of H for maximum likelihood."""
    p = prepared.reduced.design.X.shape[1]
    traces, products = prepared.reduced.structure.curvature(at, expected(p, REML))
    return gamma_of(traces), products


def entries_of(G: Sequence[Array]) -> Array:
    """gamma (k,): the lower triangles of the covariances."""
    return np.concatenate([each[lower_triangle(len(each))] for each in G])


@dataclass(frozen=True)
class Equations:
    """The matrix (k + 1, k + 1), scaled to a unit diagonal: scale, eigenvalues and, as columns, eigenvectors."""

    scale: Array
    values: Array
    vectors: Array

    @property
    def known(self) -> Booleans:
        """Which eigenvalues do not count for zero."""
        return np.asarray(self.values > DEPENDENT)


def system(border: Array, products: Array, n: int) -> Equations:
    """The equations of the traces tr(H_X E_a), of -tr(H_X E_a H_X E_o), and of n less the rank of what is swept."""
    matrix = np.empty((len(border) + 1, len(border) + 1))
    matrix[:-1, :-1], matrix[-1, :-1], matrix[:-1, -1], matrix[-1, -1] = -products, border, border, n
    squares = matrix.diagonal()
    scale = 1.0 / np.sqrt(np.where(squares > SWEPT * squares.max(), squares, 1.0))
    values, vectors, _ = lapack.dsyev(matrix * scale * scale[:, None])
    return Equations(scale=scale, values=values, vectors=vectors)


def named(prepared: Prepared, direction: Array, scale: Array) -> tuple[str, ...]:
    """Names of the covariances, and of sigma, that change along a direction of the scaled gamma and sigma^2."""
    scales, sound, terms = prepared.reduced.scales, prepared.sound, prepared.design.terms
    gamma = np.where(np.abs(direction[:-1]) > ABSENT, direction[:-1], 0.0) * scale[:-1]
    changes = matrices(gamma, [len(C) for C in scales])
    groups = group_names(terms)
    names: list[str] = []
    for k, C, change in zip(sound.present, scales, changes, strict=True):
        term, kept = terms[k], sound.bases[k].kept
        back = sound.bases[k].outwards(np.asarray(np.linalg.inv(C).T, dtype=float))
        spread = np.sqrt((term.X[:, kept] ** 2).mean(axis=0))
        size = np.zeros((len(term.columns), len(term.columns)))
        size[np.ix_(kept, kept)] = np.abs(back @ change @ back.T) * np.outer(spread, spread)
        moved = size[lower_triangle(len(size))] > ABSENT * max(size.max(), np.finfo(float).tiny)
        owned = theta_names([replace(term, group=groups[k])])
        names += [name for name, here in zip(owned, moved, strict=True) if here]
    return tuple(names + ["sigma"] * bool(abs(direction[-1]) > ABSENT))
