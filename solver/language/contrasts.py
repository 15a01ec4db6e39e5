"""R's default contrasts: treatment for unordered factors, orthogonal polynomials for ordered ones."""

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.language.factors import Factor

MAX_POLYNOMIAL_LEVELS = 95

POLYNOMIAL_NAMES = (".L", ".Q", ".C")


def treatment(levels: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
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
    return np.eye(len(levels))[:, 1:], levels[1:]


def polynomial(levels: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """Orthonormal polynomials in the level's index with positive leading coefficients, as ``contr.poly``.

    R decomposes the powers of the centred index t, which become collinear: from about 20 levels on its
    columns of high degree are wrong. Here t times the column of degree j is made orthogonal to the columns
    of degree 0 to j (Lanczos with full reorthogonalisation), which loses no digits.

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
    t = np.arange(k) - (k - 1) / 2
    Q = np.zeros((k, k))
    Q[:, 0] = 1 / np.sqrt(k)
    for j in range(1, k):
        column = t * Q[:, j - 1]
        for _ in range(2):
            column -= Q[:, :j] @ (column @ Q[:, :j])
        Q[:, j] = column / np.linalg.norm(column)
    names = tuple(POLYNOMIAL_NAMES[j] if j < 3 else f"^{j + 1}" for j in range(k - 1))
    return Q[:, 1:], names


def coding(factor: Factor, *, full: bool) -> tuple[Array, tuple[str, ...]]:
    """Choose the columns that stand for a factor in a term.

    Parameters
    ----------
    factor : Factor
        With k levels, at least two.
    full : bool
        One indicator per level instead of contrasts.

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
    return polynomial(factor.levels) if factor.ordered else treatment(factor.levels)
