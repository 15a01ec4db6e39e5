"""The hypotheses about the terms of the fixed effects, type I, II and III, as lmerTest defines them (inference.md, 14).

Type I, of a term after those before it: X = Q R, and the rows of the term of diag(R)^-1 R, the upper triangle of
Doolittle's X'X = U'diag U. Type II, of a term after those that do not contain it: the same with the columns of the term
and those that contain it put last; of a term that none contains, its coefficients. Type III: a term's columns of all
cells as they are by X, orthogonal to those of the terms that contain it, so that these are averaged over their cells.
Rows and weights of the data make no difference to type III, as long as no cell is empty.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import linalg

from relmer.solver.algebra import full_rank_columns
from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.language import FixedTerms

TYPES = {"I": "I", "1": "I", "II": "II", "2": "II", "III": "III", "3": "III"}
# An entry of a hypothesis that is rounding: cells are made of X by whole numbers.
ROUNDING = 1e-8


def hypotheses(fit: Fit, type: str | int = "III") -> dict[str, pd.DataFrame]:
    """The contrasts L of each term of the fixed effects, of which the hypothesis is L beta = 0.

    Parameters
    ----------
    fit : Fit
        Of p coefficients.
    type : {"I", "II", "III", 1, 2, 3}
        Sums of squares in the words of SAS.

    Returns
    -------
    dict of str to (m, p) DataFrame
        By term; one all of whose columns were dropped has no rows.

    Raises
    ------
    ModelError
        The type is none of these.

    Notes
    -----
    lmerTest's `show_tests(anova(fit))`, which rounds those of type II and III to six or seven decimals.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("score ~ Machine + (1 | Worker)", load("Machines").frame)
    >>> print(hypotheses(fit, "I")["Machine"])
              (Intercept)  MachineB  MachineC
    MachineB          0.0       1.0      -0.5
    MachineC          0.0       0.0       1.0
    """
    chosen = TYPES.get(str(type))
    if chosen is None:
        raise ModelError(f"type {type!r:.60} is not known; choose one of I, II and III")
    terms = FixedTerms(fit.frame)
    columns = terms.of_columns[kept_columns(fit)]
    X, names = fit.design.X, list(fit.design.coefficients)
    order = range(len(terms.labels))
    single = len(names) <= 1 or len(terms.labels) <= 1
    found: dict[str, pd.DataFrame] = {}
    by_cells = None if single or chosen != "III" else type_III(fit, terms, columns)
    eye = np.eye(len(names))
    for j, label in zip(order, terms.labels, strict=True):
        own = np.flatnonzero(columns == j)
        inside = terms.contained_in(j)
        if single or chosen == "I":
            found[label] = pd.DataFrame(unit_triangle(X)[own], [names[k] for k in own], names)
        elif by_cells is not None:
            found[label] = by_cells[label]
        elif not inside:
            found[label] = pd.DataFrame(eye[own], [names[k] for k in own], names)
        else:
            L = last(X, own, np.flatnonzero(np.isin(columns, inside)))
            found[label] = pd.DataFrame(L, [names[k] for k in own], names)
    return found


def kept_columns(fit: Fit) -> Integers:
    """Which columns of the whole X the design keeps: those that are dropped are named."""
    if not fit.dropped:
        return np.arange(len(fit.design.coefficients))
    X, _ = FixedTerms(fit.frame).whole
    return full_rank_columns(X)


def unit_triangle(X: Array) -> Array:
    """diag(R)^-1 R (p, p) of X = Q R."""
    R = np.asarray(np.linalg.qr(X / lengths(X), mode="r"))
    return np.asarray(R / R.diagonal()[:, None] * lengths(X) / lengths(X)[:, None])


def lengths(X: Array) -> Array:
    """Of the columns (p,), 1 for zeros."""
    found = np.sqrt((X**2).sum(axis=0))
    found[found == 0] = 1.0
    return np.asarray(found)


def last(X: Array, own: Integers, inside: Integers) -> Array:
    """Rows of a term (m, p) after all columns but its own and those that contain it."""
    late = np.concatenate([own, inside])
    order = np.concatenate([np.setdiff1d(np.arange(X.shape[1]), late), late])
    triangle = unit_triangle(X[:, order])
    found = np.zeros((len(own), X.shape[1]))
    found[:, order] = triangle[np.flatnonzero(np.isin(order, own))]
    return found


def type_III(fit: Fit, terms: FixedTerms, columns: Integers) -> dict[str, pd.DataFrame]:
    """The contrasts of every term, from those of the cells."""
    X, names = fit.design.X, list(fit.design.coefficients)
    plain = terms.is_treatment
    if not plain:
        whole, labels = terms.by_treatment
        kept = full_rank_columns(whole)
        X, names = whole[:, kept], [labels[k] for k in kept]
        columns = terms.of_treatment[kept]
    cells, cell_names = terms.cells
    L = solved(X, cells).T
    for j in sorted(range(len(terms.labels)), key=lambda j: -len(terms.terms.terms[j])):
        own, inside = columns == j, np.isin(columns, terms.contained_in(j))
        if own.any() and inside.any():
            L[:, own] = rest(L[:, inside], L[:, own])
    row = {name: k for k, name in reversed(list(enumerate(cell_names)))}
    L = L[[row[name] for name in names]]
    back = np.eye(len(names)) if plain else solved(X, fit.design.X)
    found = {}
    for j, label in enumerate(terms.labels):
        own = np.flatnonzero(columns == j)
        rows = L[:, own].T
        keep = np.abs(rows).sum(axis=1) > ROUNDING
        index = [names[k] for k in own[keep]]
        found[label] = pd.DataFrame(rows[keep] @ back, index, list(fit.design.coefficients))
    return found


def solved(X: Array, columns: Array) -> Array:
    """The coefficients (p, k) of columns (n, k) that X (n, p) makes; rounding is taken for the zero that it is."""
    unit = lengths(X)
    Q, R = np.linalg.qr(X / unit)
    found = linalg.solve_triangular(R, Q.T @ columns) / unit[:, None]
    relative = np.abs(found) * unit[:, None]
    found[relative < ROUNDING * lengths(columns)] = 0.0
    return np.asarray(found)


def rest(columns: Array, own: Array) -> Array:
    """What columns (k, m) leave of others (k, r) by least squares; rounding is taken for zero."""
    left = own - columns @ np.linalg.lstsq(columns, own, rcond=ROUNDING)[0]
    left[np.abs(left) < ROUNDING * np.abs(own).max(initial=0.0)] = 0.0
    return np.asarray(left)


def rows_of(L: "pd.DataFrame | Sequence[float] | Array", p: int) -> Array:
    """Contrasts (m, p) as they are given: a vector is one row.

    Raises
    ------
    ModelError
        They have another number of columns, or hold what is no number.
    """
    try:
        rows = np.atleast_2d(np.asarray(L, dtype=float))
    except (TypeError, ValueError):
        raise ModelError(f"L must be numbers, a row for each contrast, not {L!r:.60}") from None
    if rows.ndim != 2 or rows.shape[1] != p:
        raise ModelError(f"L has shape {rows.shape}; it needs {p} columns, one for each coefficient")
    if not np.isfinite(rows).all():
        raise ModelError("L has an entry that is no finite number")
    return rows
