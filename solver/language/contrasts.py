"""R's contrasts: by default treatment for unordered factors and orthogonal polynomials for ordered ones."""

import numbers
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.factors import Coding, Factor

MAX_POLYNOMIAL_LEVELS = 95
POLYNOMIAL_NAMES = (".L", ".Q", ".C")


def treatment(levels: tuple[str, ...]) -> Coding:
    """Compare each level with the first.

    Parameters
    ----------
    levels : tuple of str
        The k levels.

    Returns
    -------
    contrasts : (k, k-1) array
        One row per level.
    names : tuple of str
        The levels but the first.

    Examples
    --------
    >>> treatment(("a", "b"))
    (array([[0.],
           [1.]]), ('b',))
    """
    return treatment_on(levels, 0)


def treatment_on(levels: tuple[str, ...], base: int) -> Coding:
    """Compare each level with one of them.

    Examples
    --------
    >>> treatment_on(("a", "b", "c"), 1)[1]
    ('a', 'c')
    """
    return np.delete(np.eye(len(levels)), base, axis=1), levels[:base] + levels[base + 1 :]


def polynomial(levels: tuple[str, ...]) -> Coding:
    """Orthonormal polynomials in the level's index with positive leading coefficients, as ``contr.poly``.

    R decomposes the powers of the centred index, which become collinear: from about 20 levels on its
    columns of high degree are wrong. See `orthogonal_polynomials`, which loses no digits.

    Parameters
    ----------
    levels : tuple of str
        The k levels, at most 95 as in R.

    Returns
    -------
    contrasts : (k, k-1) array
        One row per level, orthonormal columns.
    names : tuple of str
        ``.L .Q .C ^4 ^5`` and so on.

    Raises
    ------
    ModelError
        If there are more than 95 levels.

    Examples
    --------
    >>> contrasts, names = polynomial(("low", "middle", "high"))
    >>> contrasts.round(3), names
    (array([[-0.707,  0.408],
           [ 0.   , -0.816],
           [ 0.707,  0.408]]), ('.L', '.Q'))
    """
    k = len(levels)
    if k > MAX_POLYNOMIAL_LEVELS:
        raise ModelError(
            f"an ordered factor has {k} levels; polynomial contrasts take {MAX_POLYNOMIAL_LEVELS}: "
            "use an unordered factor or a number"
        )
    Q = orthogonal_polynomials(np.arange(float(k)) - (k - 1) / 2, k - 1)
    names = tuple(POLYNOMIAL_NAMES[j] if j < 3 else f"^{j + 1}" for j in range(k - 1))
    return Q[:, 1:], names


def polynomial_at(scores: Array, levels: tuple[str, ...]) -> Coding:
    """Orthonormal polynomials in scores of the levels, as ``contr.poly`` with scores."""
    k = len(levels)
    if scores.size != k or np.unique(scores).size != k or k > MAX_POLYNOMIAL_LEVELS:
        raise ModelError(f"contr.poly takes {k} different scores, one for each level")
    _, names = polynomial(levels)
    return orthogonal_polynomials(scores - scores.mean(), k - 1)[:, 1:], names


def orthogonal_polynomials(t: Array, degree: int) -> Array:
    """Orthonormal polynomials in t with positive leading coefficients (n, degree + 1).

    t times the column of degree j is made orthogonal to the columns of degree 0 to j (Lanczos with full
    reorthogonalisation).
    """
    n = t.size
    Q = np.zeros((n, degree + 1))
    Q[:, 0] = 1 / np.sqrt(n)
    for j in range(1, degree + 1):
        column = t * Q[:, j - 1]
        for _ in range(2):
            column -= Q[:, :j] @ (column @ Q[:, :j])
        Q[:, j] = column / np.linalg.norm(column)
    return Q


def sums(levels: tuple[str, ...]) -> Coding:
    """Compare each level but the last with the mean of all, as ``contr.sum``.

    Examples
    --------
    >>> sums(("a", "b", "c"))[0].tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    k = len(levels)
    return np.vstack([np.eye(k - 1), -np.ones((1, k - 1))]), numbered(k - 1)


def helmert(levels: tuple[str, ...]) -> Coding:
    """Compare each level but the first with the mean of those before it, as ``contr.helmert``.

    Examples
    --------
    >>> helmert(("a", "b", "c"))[0].tolist()
    [[-1.0, -1.0], [1.0, -1.0], [0.0, 2.0]]
    """
    k = len(levels)
    return np.diag(np.arange(k, dtype=float))[:, 1:] - np.triu(np.ones((k, k - 1))), numbered(k - 1)


def last_as_reference(levels: tuple[str, ...]) -> Coding:
    """Compare each level with the last, as ``contr.SAS``.

    Examples
    --------
    >>> last_as_reference(("a", "b"))
    (array([[1.],
           [0.]]), ('a',))
    """
    return np.eye(len(levels))[:, :-1], levels[:-1]


def numbered(count: int) -> tuple[str, ...]:
    """What R appends for columns without names: 1, 2 and so on."""
    return tuple(str(j + 1) for j in range(count))


NAMED: Mapping[str, Callable[[tuple[str, ...]], Coding]] = {
    "contr.treatment": treatment,
    "contr.sum": sums,
    "contr.helmert": helmert,
    "contr.poly": polynomial,
    "contr.SAS": last_as_reference,
}
"""R's contrasts by their names."""


def chosen_contrasts(name: str, given: Any, factor: Factor) -> Coding:
    """Read what a user gives as the contrasts of a factor.

    Parameters
    ----------
    name : str
        The factor's, for messages.
    given : str, DataFrame or array-like
        The name of R's contrasts; or a matrix with a row per level, those of a DataFrame by the labels of its index if
        these are the levels, and named by its columns.
    factor : Factor
        With k levels.

    Returns
    -------
    Coding
        (k, c) array and c names.

    Raises
    ------
    ModelError
        It is neither, or has another number of rows than there are levels.
    """
    levels, what = factor.levels, f"contrasts of '{shortened(name)}'"
    if isinstance(given, str):
        if given not in NAMED:
            raise ModelError(f"{what} are {given!r:.60}: give one of {', '.join(NAMED)}, or a matrix")
        return NAMED[given](levels)
    names = None
    if isinstance(given, pd.DataFrame):
        if set(given.index) == set(levels):
            given = given.loc[list(levels)]
        elif not isinstance(given.index, pd.RangeIndex):
            raise ModelError(f"{what} have other rows than its levels, {shortened(', '.join(levels), 200)}")
        names = None if isinstance(given.columns, pd.RangeIndex) else tuple(map(str, given.columns))
    try:
        raw = np.asarray(given)
        # NumPy would read text, and drop imaginary parts.
        matrix = raw.astype(np.float64) if all(map(is_real, raw.flat)) else None
    except (TypeError, ValueError, OverflowError):
        matrix = None
    if matrix is None:
        raise ModelError(f"{what} are no matrix of numbers and no name: give one of {', '.join(NAMED)}")
    vector = matrix.ndim == 1
    matrix = matrix[:, None] if vector else matrix
    if matrix.ndim != 2 or len(matrix) != len(levels) or not matrix.shape[1] or not np.isfinite(matrix).all():
        raise ModelError(f"{what} need {len(levels)} rows of finite numbers, one for each level that occurs")
    if vector and len(levels) > 2:
        matrix = with_what_lacks(matrix, what)
    return matrix, names or numbered(matrix.shape[1])


def with_what_lacks(matrix: Array, what: str) -> Array:
    """Contrasts (k, c) and the columns that k levels lack, orthogonal to them (k, k - 1), as R's ``contrasts<-``."""
    k, present = matrix.shape
    Q, R = np.linalg.qr(np.column_stack([np.ones(k), matrix]), mode="complete")
    if np.abs(np.diag(R)).min() <= np.finfo(float).eps * k * np.abs(R).max():
        raise ModelError(f"{what} are linearly dependent")
    return np.column_stack([matrix, Q[:, present + 1 : k]])


def is_real(entry: object) -> bool:
    """Whether an entry of a matrix is a real number, or misses; True and False are none, as in R."""
    return entry is None or (
        isinstance(entry, numbers.Real | np.integer | np.floating) and not isinstance(entry, bool | np.bool_)
    )


def coding(factor: Factor, *, full: bool, chosen: Coding | None = None) -> Coding:
    """Choose the columns that stand for a factor in a term.

    Parameters
    ----------
    factor : Factor
        With k levels, at least two.
    full : bool
        One indicator per level instead of contrasts.
    chosen : Coding, optional
        Contrasts other than R's default.

    Returns
    -------
    coding : (k, c) array
        One row per level, c = k for indicators and k-1 for contrasts.
    names : tuple of str
        What R appends to the variable's name.

    Examples
    --------
    >>> coding(Factor(("a", "b"), np.array([0, 1])), full=True)[1]
    ('a', 'b')
    """
    if full:
        return np.eye(len(factor.levels)), factor.levels
    if chosen is not None:
        return chosen
    if factor.contrasts is not None:
        return factor.contrasts
    return polynomial(factor.levels) if factor.ordered else treatment(factor.levels)
