"""The design of a mixed model: y, X, Z and the template of the relative covariance factor Lambda.

The random effects of one term have l levels and c columns; their relative covariance factor is T, lower triangular
c x c, repeated l times along the diagonal of Lambda. theta lists the lower triangles of all T, column by column,
term after term (Bates et al. 2015, section 2.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relmer.solver.errors import ModelError
from relmer.solver.frame import ModelFrame
from relmer.solver.matrix import RandomTerm, fixed_matrix, full_rank_columns, random_terms

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Template:
    """Where theta goes in Lambda: entry (rows[k], columns[k]) is theta[Lind[k]].

    Attributes
    ----------
    rows, columns, Lind
        Positions in the q x q factor and, counted from 0, in theta.
    q
        Number of random effects.
    diagonal
        For each entry of theta, whether it stands on the diagonal of its T.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    Lind: NDArray[np.int64]
    q: int
    diagonal: NDArray[np.bool_]


@dataclass(frozen=True)
class Design:
    """All that the criterion needs.

    Attributes
    ----------
    y
        Response (n,).
    X
        Fixed-effects matrix (n, p) of full column rank, columns named by `coefficients`.
    terms
        The random-effects terms in lme4's order.
    weights, offset
        (n,) or None.
    dropped
        Names of the columns of X that were dropped because others determine them.
    """

    y: Array
    X: Array
    terms: tuple[RandomTerm, ...]
    coefficients: tuple[str, ...]
    weights: Array | None = None
    offset: Array | None = None
    dropped: tuple[str, ...] = ()

    @cached_property
    def Z(self) -> sparse.csc_array:
        """Random-effects matrix (n, q), sparse; term after term, level after level, column after column."""
        blocks = [random_matrix(term) for term in self.terms]
        Z = sparse.csc_array(sparse.hstack(blocks) if blocks else sparse.csc_array((len(self.y), 0)))
        Z.sort_indices()
        return Z

    @cached_property
    def template(self) -> "Template":
        """Where theta goes in Lambda."""
        return template([(len(term.levels), len(term.columns)) for term in self.terms])


@lru_cache(maxsize=64)
def lower_triangle(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a lower triangle, column by column; read-only.

    Examples
    --------
    >>> lower_triangle(2)
    (array([0, 1, 1]), array([0, 0, 1]))
    """
    columns, rows = np.triu_indices(size)
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns


def template(shapes: Sequence[tuple[int, int]]) -> Template:
    """Template of Lambda for terms of the given (levels, columns).

    Examples
    --------
    >>> template([(2, 1)]).Lind
    array([0, 0])
    """
    rows, columns, Lind, diagonal = [], [], [], []
    first_effect = first_theta = 0
    for levels, width in shapes:
        i, j = lower_triangle(width)
        offsets = first_effect + width * np.repeat(np.arange(levels), len(i))
        rows.append(offsets + np.tile(i, levels))
        columns.append(offsets + np.tile(j, levels))
        Lind.append(first_theta + np.tile(np.arange(len(i)), levels))
        diagonal.append(i == j)
        first_effect += levels * width
        first_theta += len(i)
    none = [np.zeros(0, dtype=np.int64)]
    return Template(
        np.concatenate(rows or none),
        np.concatenate(columns or none),
        np.concatenate(Lind or none),
        first_effect,
        np.concatenate(diagonal or none).astype(bool),
    )


def random_matrix(term: RandomTerm) -> sparse.csr_array:
    """Z of one term: row i holds X[i] in the columns of its level, the Khatri-Rao product (J' * X')'.

    Returns a sparse (n, levels * columns) matrix (Bates et al. 2015, equation 6).
    """
    n, width = term.X.shape
    columns = (term.codes[:, None] * width + np.arange(width)).ravel()
    starts = np.arange(0, n * width + 1, width)
    shape = (n, len(term.levels) * width)
    Z = sparse.csr_array((term.X.flatten(), columns, starts), shape=shape)
    Z.eliminate_zeros()
    return Z


def build(frame: ModelFrame) -> Design:
    """Design of a model frame, checked as lme4 checks it.

    Raises
    ------
    ModelError
        A grouping factor has one level, or as many as there are rows; a term has as many random effects as there
        are rows; there are no more rows than coefficients.
    """
    X, names = fixed_matrix(frame)
    kept = full_rank_columns(X)
    terms = random_terms(frame)
    n = len(frame.y)
    for term in terms:
        check_term(term, n)
    if n <= len(kept):
        raise ModelError(f"{n} rows do not determine {len(kept)} coefficients; give more rows or fewer fixed effects")
    whole = len(kept) == len(names)
    return Design(
        y=frame.y,
        X=X if whole else X[:, kept],
        terms=terms,
        coefficients=tuple(names[k] for k in kept),
        weights=frame.weights,
        offset=frame.offset,
        dropped=tuple(name for k, name in enumerate(names) if k not in set(kept)),
    )


def check_term(term: RandomTerm, n: int) -> None:
    """Refuse a random-effects term that n rows cannot tell from the residual."""
    levels, width = len(term.levels), len(term.columns)
    if levels < 2:
        raise ModelError(f"grouping factor {term.group} has one level; it needs at least two, or leave the term out")
    if levels >= n:
        raise ModelError(
            f"grouping factor {term.group} has {levels} levels for {n} rows; levels must be fewer than rows"
        )
    if levels * width >= n:
        raise ModelError(
            f"term ({' + '.join(term.columns)} | {term.group}) has {levels * width} random effects for {n} rows; "
            "they must be fewer than rows: leave out a slope"
        )


def weighted(design: Design) -> tuple[Array, Array, sparse.csc_array]:
    """Give y, X and Z with the offset taken from y and every row times the square root of its weight."""
    y = response(design)
    if design.weights is None:
        return y, design.X, design.Z
    root = np.sqrt(design.weights)
    return root * y, root[:, None] * design.X, sparse.csc_array(sparse.diags_array(root) @ design.Z)


def start(design: Design) -> Array:
    """lme4's starting theta: every T the identity."""
    return theta_of([np.eye(len(term.columns)) for term in design.terms])


def Lambda(pattern: Template, theta: Array) -> sparse.csc_array:
    """Relative covariance factor (q, q), sparse lower triangular, at theta.

    Examples
    --------
    >>> Lambda(template([(2, 1)]), np.array([3.0])).toarray()
    array([[3., 0.],
           [0., 3.]])
    """
    values = np.asarray(theta, dtype=float)[pattern.Lind]
    return sparse.csc_array((values, (pattern.rows, pattern.columns)), shape=(pattern.q, pattern.q))


def factors(terms: Sequence[RandomTerm], theta: Array) -> list[Array]:
    """Split theta into the lower triangular T (c, c) of each term."""
    return split(theta, [len(term.columns) for term in terms])


def split(theta: Array, widths: Sequence[int]) -> list[Array]:
    """Split theta into lower triangles of the given widths.

    Examples
    --------
    >>> split(np.array([1.0, 2.0, 3.0]), [2])[0]
    array([[1., 0.],
           [2., 3.]])
    """
    blocks, first = [], 0
    for width in widths:
        rows, columns = lower_triangle(width)
        T = np.zeros((width, width))
        T[rows, columns] = theta[first : first + len(rows)]
        blocks.append(T)
        first += len(rows)
    return blocks


def response(design: Design) -> Array:
    """Y without the offset."""
    return design.y if design.offset is None else design.y - design.offset


def theta_of(blocks: Sequence[Array]) -> Array:
    """Join the lower triangles of the given T, column by column, into theta."""
    return np.concatenate([T[lower_triangle(len(T))] for T in blocks] or [np.zeros(0)])


def group_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """Names of the terms; where a grouping factor comes again it gets .1, .2 and so on, as R's make.unique does."""
    seen: dict[str, int] = {}
    names = []
    for term in terms:
        count = seen.get(term.group, 0)
        seen[term.group] = count + 1
        names.append(f"{term.group}.{count}" if count else term.group)
    return tuple(names)


def theta_names(terms: Sequence[RandomTerm]) -> tuple[str, ...]:
    """lme4's names of theta: group.column on the diagonal, group.row.column below it."""
    names = []
    for term in terms:
        for i, j in zip(*lower_triangle(len(term.columns)), strict=True):
            row, column = term.columns[i], term.columns[j]
            names.append(f"{term.group}.{row}" if i == j else f"{term.group}.{row}.{column}")
    return tuple(names)
