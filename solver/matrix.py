"""From a model frame to X and to the random terms, column by column as R names them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, lapack

from relmer.solver.columns import Column, Factor, Floats, Integers, as_factor, distinct
from relmer.solver.contrasts import coding
from relmer.solver.errors import ModelError
from relmer.solver.formula import Bar
from relmer.solver.frame import ModelFrame
from relmer.solver.syntax import Call, Node, deparse
from relmer.solver.terms import Terms

# Squared norms whose products neither overflow nor lose digits to underflow.
SAFE_SQUARES = (1e-150, 1e150)
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class RandomTerm:
    """One random term: every level of a grouping factor has its own coefficients.

    Attributes
    ----------
    group : str
        lme4's name of the grouping factor.
    columns : tuple of str
        Names of the c coefficients.
    levels : tuple of str
        The levels that occur, in order.
    codes : (n,) int64 array
        Index of each row's level.
    X : (n, c) float64 array
        The model matrix left of the bar.
    """

    group: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    codes: Integers
    X: Floats


def model_matrix(terms: Terms, frame: ModelFrame) -> tuple[Floats, tuple[str, ...]]:
    """Code a right-hand side as R's ``model.matrix`` does.

    Parameters
    ----------
    terms : Terms
        Terms whose variables are in the frame.
    frame : ModelFrame
        The n rows.

    Returns
    -------
    X : (n, p) float64 array
        The columns.
    names : tuple of str
        Their p names in R's spelling.

    Raises
    ------
    ModelError
        If a factor has one level only.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.formula import parse
    >>> from relmer.solver.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0], "x": [3.0, 4.0], "f": ["a", "b"]})
    >>> frame = model_frame(parse("y ~ f + f:x"), data)
    >>> model_matrix(frame.formula.fixed, frame)
    (array([[1., 0., 3., 0.],
           [1., 1., 0., 4.]]), ('(Intercept)', 'fb', 'fa:x', 'fb:x'))
    """
    return _model_matrix(terms, frame.columns, frame.y.size)


def fixed_matrix(frame: ModelFrame) -> tuple[Floats, tuple[str, ...]]:
    """Code the fixed part of the frame's formula; see `model_matrix`.

    Parameters
    ----------
    frame : ModelFrame
        The n rows.

    Returns
    -------
    X : (n, p) float64 array
        All columns, also linearly dependent ones.
    names : tuple of str
        Their p names.
    """
    return model_matrix(frame.formula.fixed, frame)


def _model_matrix(terms: Terms, columns: Mapping[str, Column], n: int) -> tuple[Floats, tuple[str, ...]]:
    variables = [_coded(columns[name]) for name in terms.names]
    for name, variable in zip(terms.names, variables, strict=True):
        if isinstance(variable, Factor) and len(variable.levels) < 2:
            raise ModelError(
                f"factor '{name}' has one level, '{variable.levels[0]}': "
                "contrasts can be applied only to factors with 2 or more levels; remove it"
            )
    full = _full_dummies(terms, [isinstance(variable, Factor) for variable in variables])
    blocks, labels = [np.empty((0, n))], []
    if terms.intercept:
        blocks.append(np.ones((1, n)))
        labels.append("(Intercept)")
    for j, (first, *others) in enumerate(terms.terms):
        block, suffixes = _variable_rows(variables[first], full=(j, first) in full)
        block_labels = [f"{terms.names[first]}{suffix}" for suffix in suffixes]
        for i in others:
            rows, suffixes = _variable_rows(variables[i], full=(j, i) in full)
            block = (rows[:, None, :] * block).reshape(-1, n)
            block_labels = [f"{label}:{terms.names[i]}{suffix}" for suffix in suffixes for label in block_labels]
        blocks.append(block)
        labels.extend(block_labels)
    return np.concatenate(blocks).T, tuple(labels)


def _coded(column: Column) -> Floats | Factor:
    if isinstance(column, Factor):
        return column
    if column.dtype == np.bool_:
        return Factor(("FALSE", "TRUE"), column.astype(np.int64))
    return column.astype(np.float64, copy=False)


def _variable_rows(variable: Floats | Factor, *, full: bool) -> tuple[Floats, tuple[str, ...]]:
    """The columns that stand for a variable in a term, as rows (c, n), and what R appends to its name."""
    if not isinstance(variable, Factor):
        return variable[None, :], ("",)
    columns, suffixes = coding(variable, full=full)
    return np.take(columns.T, variable.codes, axis=1), suffixes


def _full_dummies(terms: Terms, is_factor: list[bool]) -> set[tuple[int, int]]:
    """Decide which (term, variable) pairs get an indicator per level instead of contrasts.

    Contrasts suffice where the term without the variable is empty or part of a preceding term. Without an
    intercept, the first factor of the first term that has one is coded in full.
    """
    sets = [frozenset(term) for term in terms.terms]
    full = {
        (j, i)
        for j, term in enumerate(sets)
        for i in term
        if len(term) > 1 and not any(term - {i} <= preceding for preceding in sets[:j])
    }
    if not terms.intercept:
        factors = ((j, i) for j, term in enumerate(terms.terms) for i in term if is_factor[i])
        full.update([first] if (first := next(factors, None)) else [])
    return full


def full_rank_columns(X: Floats, tol: float = 1e-7) -> Integers:
    """Choose the columns that R's ``qr(X, tol, LAPACK = FALSE)`` keeps.

    LINPACK's ``dqrdc2`` takes the columns from left to right and moves one to the end when what is left of
    it after the reflections so far has a norm below `tol` times its original norm.

    Parameters
    ----------
    X : (n, p) float64 array
        The columns; it is not changed.
    tol : float
        The relative norm below which a column counts as dependent.

    Returns
    -------
    (rank,) int64 array
        Increasing indices of the columns kept.

    Examples
    --------
    >>> full_rank_columns(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0]]))
    array([0, 2])
    """
    if _well_conditioned(X, tol):
        return np.arange(X.shape[1])
    largest = np.abs(X).max(axis=0)
    # The triangular factor has the columns' norms and angles: what is left of a column is the same.
    A = np.asfortranarray(np.linalg.qr(X / np.where(largest == 0, 1.0, largest), mode="r"))
    n, p = A.shape
    norms = np.linalg.norm(A, axis=0)
    original = np.where(norms == 0, 1.0, norms)
    kept: list[int] = []
    for j in range(p):
        l = len(kept)
        if l == n or norms[j] < original[j] * tol:
            continue
        kept.append(j)
        length = np.linalg.norm(A[l:, j])
        if l + 1 == n or length == 0:
            continue
        _reflect(A, norms, l, j, float(length))
    return np.array(kept, dtype=np.int64)


def _well_conditioned(X: Floats, tol: float) -> bool:
    """Whether the cross products alone show that every column is kept.

    With the columns scaled to norm 1, what is left of any column has a squared norm of at least the smallest
    eigenvalue of X'X. Each entry of X'X, a sum of n products, is off by less than (n + 3) eps after the scaling
    (Higham 2002, equation 3.5), so the eigenvalue is by less than p (n + 3) eps (Weyl). It is above a bound where X'X
    less the bound has a Cholesky factor, which is that of a matrix within p (p + 1) eps (theorem 10.3).
    """
    n, p = X.shape
    if p == 0:
        return True
    products = blas.dsyrk(1.0, X, trans=1)
    squares = products.diagonal()
    if not SAFE_SQUARES[0] < squares.min() <= squares.max() < SAFE_SQUARES[1]:
        return False
    scale = np.sqrt(squares)
    correlations = products / scale / scale[:, None]
    correlations.flat[:: p + 1] -= tol**2 + p * (n + p + 4) * EPS
    return bool(lapack.dpotrf(correlations)[1] == 0)


def _reflect(A: Floats, norms: Floats, l: int, j: int, length: float) -> None:
    """Apply column j's Householder reflection from row l on to the columns after it; update their norms."""
    v = A[l:, j] / np.copysign(length, A[l, j])
    v[0] += 1
    later = A[l:, j + 1 :]
    later -= np.outer(v, v @ later / v[0])
    left = norms[j + 1 :]
    share = np.divide(np.abs(later[0]), left, out=np.zeros_like(left), where=left != 0)
    shrunk = np.maximum(1 - share**2, 0)
    recomputed = np.linalg.norm(later[1:], axis=0)
    norms[j + 1 :] = np.where(left == 0, left, np.where(shrunk < 1e-6, recomputed, left * np.sqrt(shrunk)))


def random_terms(frame: ModelFrame) -> tuple[RandomTerm, ...]:
    """Make the random terms of the frame's formula in the order of lme4's ``mkReTrms``.

    Parameters
    ----------
    frame : ModelFrame
        The n rows.

    Returns
    -------
    tuple of RandomTerm
        By decreasing number of levels if they are not so already; the sort turns the order of ties around.

    Raises
    ------
    ModelError
        If two combinations of an interaction would have the same label.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.formula import parse
    >>> from relmer.solver.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "a": ["u", "u", "v"], "b": [1, 2, 1]})
    >>> frame = model_frame(parse("y ~ 1 + (1 | a/b)"), data)
    >>> [(term.group, term.columns, term.levels) for term in random_terms(frame)]
    [('b:a', ('(Intercept)',), ('1:u', '1:v', '2:u')), ('a', ('(Intercept)',), ('u', 'v'))]
    """
    terms = [_random_term(bar, frame) for bar in frame.formula.bars]
    counts = np.array([len(term.levels) for term in terms])
    if np.any(np.diff(counts) > 0):
        return tuple(terms[i] for i in np.argsort(counts, kind="stable")[::-1])
    return tuple(terms)


def _random_term(bar: Bar, frame: ModelFrame) -> RandomTerm:
    factors = {name: _factor(frame.columns[name]) for name in bar.factors}
    group = _grouping_factor(bar.group, factors)
    # lme4 turns the grouping columns into factors before it codes the left side.
    X, names = _model_matrix(bar.terms, {**frame.columns, **factors}, frame.y.size)
    return RandomTerm(bar.label, names, group.levels, group.codes, X)


def _factor(column: Column) -> Factor:
    return column if isinstance(column, Factor) else as_factor(column)


def _grouping_factor(group: Node, factors: Mapping[str, Factor]) -> Factor:
    match group:
        case Call("(", (inner,)):
            return _grouping_factor(inner, factors)
        case Call(":", (left, right)):
            return _interaction(_grouping_factor(left, factors), _grouping_factor(right, factors))
    return factors[deparse(group)]


def _interaction(first: Factor, second: Factor) -> Factor:
    """Combine two factors as lme4's ``%i%``: the combinations that occur, the first factor leading."""
    combined = first.codes * len(second.levels) + second.codes
    observed, codes = distinct(combined)
    leading, trailing = (part.tolist() for part in np.divmod(observed, len(second.levels)))
    levels = tuple([f"{first.levels[i]}:{second.levels[j]}" for i, j in zip(leading, trailing, strict=True)])
    if len(set(levels)) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        raise ModelError(f"two combinations of grouping levels are both labelled '{twice}'; rename the levels")
    return Factor(levels, codes)
