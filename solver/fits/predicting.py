"""Predictions for the rows of the fit, or of other data, and their standard errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError, shortened
from relmer.solver.fits.effects import half_of, per_factor
from relmer.solver.language import bars_of, new_rows, same_rows
from relmer.solver.model import RandomTerm

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

NO_EFFECTS = ("~0", "~ 0", "NA")
# Rows for which L is solved at once: 256 x q doubles.
AT_ONCE = 256


@dataclass(frozen=True)
class Rows:
    """Rows that are predicted, of which there are m.

    Attributes
    ----------
    X
        (m, p).
    Z
        Which of the q random effects they have, sparse (m, q).
    unseen
        What effects of levels that the fit has not seen add to the variance (m,).
    offset
        (m,).
    """

    X: Array
    Z: sparse.csr_array
    unseen: Array
    offset: Array


def predict(
    fit: "Fit",
    newdata: pd.DataFrame | None = None,
    re_form: str | None = None,
    allow_new_levels: bool = False,
    se_fit: bool = False,
) -> "pd.Series[float] | pd.DataFrame":
    """Predict X beta + Z b + offset, for the rows of the fit or for other data.

    What the formula learnt from the data it was fitted to is kept: the levels and contrasts of factors, polynomials,
    splines, scales, and every other number that depends on all rows, such as a mean. Weights change nothing.

    Parameters
    ----------
    fit
        The model.
    newdata
        One row per prediction, with the columns of the formula; the response is not needed.
    re_form
        Which random effects are added: None for all, "~0" or "NA" for none, or a formula of bars, such as
        "~ (1 | Subject)", whose effects the model has.
    allow_new_levels
        Whether a grouping factor may have levels that the fit has not seen; their effects are predicted as 0.
    se_fit
        Whether standard errors are given: of beta and b together, given theta, from the inverse of the matrix of the
        mixed model equations; an effect of a new level has the whole variance that the model gives it.

    Returns
    -------
    (m,) Series
        Under the labels of the data; NaN where a row lacks a value.
    (m, 2) DataFrame
        Columns fit and se.fit, if standard errors are asked for.

    Raises
    ------
    ModelError
        A column is missing or of another kind, a level is new, or re_form names effects that the model has not.

    References
    ----------
    Henderson (1975), Best linear unbiased estimation and prediction under a selection model, Biometrics 31, 423-447.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> new = pd.DataFrame({"Days": [10, 10], "Subject": ["308", "new"]})
    >>> predict(fit, new, allow_new_levels=True).round(2).tolist()
    [450.33, 356.08]
    >>> print(predict(fit, new, re_form="~0", se_fit=True).round(3))
           fit  se.fit
    0  356.078  16.016
    1  356.078  16.016
    """
    bars = None if re_form in NO_EFFECTS else fit.frame.formula.bars if re_form is None else bars_of(fit.frame, re_form)
    if newdata is None:
        if re_form is None and not se_fit:
            return fit.padded(fit.mu)
        terms = () if bars is None else same_rows(fit.frame, bars)
        rows = rows_of(fit, fit.design.X, terms, fit.design.offset, allow_new_levels)
        index, places = fit.index, fit._places
    else:
        new = new_rows(fit.frame, newdata, () if bars is None else bars)
        X = new.X[:, kept(fit, new.coefficients)] if len(new.rows) else fit.design.X[:0]
        rows = rows_of(fit, X, new.terms, new.offset, allow_new_levels)
        index, places = newdata.index, new.rows
    values = rows.X @ fit.solution.beta + rows.Z @ fit.b.to_numpy() + rows.offset
    found = pd.Series(spread(values, places, len(index)), index=index)
    if not se_fit:
        return found
    return pd.DataFrame({"fit": found, "se.fit": spread(deviations(fit, rows), places, len(index))}, index=index)


def spread(values: Array, places: Integers, n: int) -> Array:
    """Values at their places among n; NaN elsewhere."""
    whole = np.full(n, np.nan)
    whole[places] = values
    return whole


def kept(fit: "Fit", names: Sequence[str]) -> list[int]:
    """Which columns of X the fit has kept."""
    left = list(fit.dropped)
    places = []
    for k, name in enumerate(names):
        if name in left:
            left.remove(name)
        else:
            places.append(k)
    return places


def rows_of(fit: "Fit", X: Array, terms: Sequence[RandomTerm], offset: Array | None, allow: bool) -> Rows:
    """The rows with what the fit knows of their levels.

    Raises
    ------
    ModelError
        A term has an effect that the fit has not, or a level is new and may not be.
    """
    m, q = len(X), fit.design.Z.shape[1]
    known = {group: (levels, columns, places) for group, levels, columns, places in per_factor(fit)}
    at, columns_of, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    unseen = np.zeros(m)
    used = dict[str, set[int]]()
    for term in terms:
        levels, columns, places = known.get(term.group, ((), (), np.zeros((0, 0), dtype=np.int64)))
        chosen = [column_of(term, name, columns, used.setdefault(term.group, set())) for name in term.columns]
        of_level = {level: k for k, level in enumerate(levels)}
        own = np.array([of_level.get(level, -1) for level in term.levels], dtype=np.int64)[term.codes]
        fresh = np.flatnonzero(own < 0)
        if len(fresh):
            if not allow:
                level = term.levels[term.codes[fresh[0]]]
                raise ModelError(
                    f"grouping factor '{shortened(term.group)}' has the new level '{shortened(level)}': give "
                    "allow_new_levels=True to predict with effects of 0"
                )
            # Any level has this covariance.
            G = fit.G[places[0][chosen]][:, places[0][chosen]].toarray()
            unseen[fresh] += np.einsum("nc,cd,nd->n", term.X[fresh], G, term.X[fresh])
        seen = np.flatnonzero(own >= 0)
        for k, column in enumerate(chosen):
            at.append(seen)
            columns_of.append(places[own[seen], column])
            values.append(term.X[seen, k])
    entries = (np.concatenate(values), (np.concatenate(at), np.concatenate(columns_of)))
    return Rows(X, sparse.csr_array(entries, shape=(m, q)), unseen, np.zeros(m) if offset is None else offset)


def column_of(term: RandomTerm, name: str, columns: Sequence[str], used: set[int]) -> int:
    """The place of an effect among those of its factor: the first of its name that no term has yet."""
    places = [k for k, column in enumerate(columns) if column == name]
    free = [k for k in places if k not in used] or places
    if not free:
        raise ModelError(f"re_form has an effect '{name:.60}' of '{shortened(term.group)}', which the model has not")
    used.add(free[0])
    return free[0]


def deviations(fit: "Fit", rows: Rows) -> Array:
    """Standard errors (m,) of X beta + Z b, given theta.

    The matrix [Lambda'Z'WZ Lambda + I, Lambda'Z'WX; X'WZ Lambda, X'WX] is the factor [L, 0; RZX', RX'] times
    its transpose. So they are the lengths of a = L^-1 P Lambda'z and RX^-T (x - RZX'a), times sigma (theory.md, 11).
    """
    found = np.zeros(len(rows.X))
    right = sparse.csc_array(fit.Lambda.T @ rows.Z.T)
    RZX, RX = fit.RZX, fit.RX
    for first in range(0, len(found), AT_ONCE):
        own = slice(first, first + AT_ONCE)
        half = half_of(fit, right[:, own])
        rest = rows.X[own].T - RZX.T @ half
        if len(RX):
            rest = linalg.solve_triangular(RX, rest, trans="T")
        found[own] = (half**2).sum(axis=0) + (rest**2).sum(axis=0)
    variance: Any = fit.sigma**2 * found + rows.unseen
    return np.asarray(np.sqrt(variance))
