"""t and F of contrasts, with R's labels (inference.md, 3)."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import linalg, special

from relmer.solver.algebra import is_regular
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference.classical import between_within, residual
from relmer.solver.inference.kenward_roger import kenward_roger
from relmer.solver.inference.methods import Method, independent
from relmer.solver.inference.satterthwaite import satterthwaite
from relmer.solver.inference.terms import hypotheses, rows_of
from relmer.solver.model import factors
from relmer.solver.paths import working_scales

METHODS: Mapping[str, Callable[[Fit], Method]] = {
    "Satterthwaite": satterthwaite,
    "Kenward-Roger": kenward_roger,
    "residual": residual,
    "between-within": between_within,
}
T_TABLE = ["Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"]
F_TABLE = ["Sum Sq", "Mean Sq", "NumDF", "DenDF", "F value", "Pr(>F)"]


def method_of(fit: Fit, ddf: str) -> Method:
    """The method of that name, for a fit.

    Raises
    ------
    ModelError
        There is none of that name, or it is not defined for the fit.
    """
    if not isinstance(ddf, str) or ddf not in METHODS:
        raise ModelError(f"ddf {ddf!r:.60} is not known; choose one of {', '.join(METHODS)}")
    return METHODS[ddf](fit)


def coef_table(fit: Fit, ddf: str = "Satterthwaite") -> pd.DataFrame:
    """Estimate, standard error, degrees of freedom, t and p of every coefficient.

    Parameters
    ----------
    fit : Fit
        Of p coefficients.
    ddf : {"Satterthwaite", "Kenward-Roger", "residual", "between-within"}
        Where degrees of freedom come from; Kenward and Roger's standard errors are those of the adjusted covariance.

    Returns
    -------
    (p, 5) DataFrame
        With the labels of lmerTest's ``coef(summary(fit))``; ``attrs["boundary"]`` names the grouping factors whose
        covariance has not full rank.

    Raises
    ------
    ModelError
        The method is not known, or not defined for the fit.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> print(coef_table(fit).iloc[:, :4].round(4))
                 Estimate  Std. Error    df  t value
    (Intercept)  251.4051      6.8246  17.0  36.8383
    Days          10.4673      1.5458  17.0   6.7715
    """
    names = list(fit.design.coefficients)
    return t_table(fit, pd.DataFrame(np.eye(len(names)), names, names), method_of(fit, ddf))


def contest(
    fit: Fit,
    L: "pd.DataFrame | Sequence[float] | Array",
    joint: bool = True,
    ddf: str = "Satterthwaite",
    rhs: float | Sequence[float] = 0.0,
) -> pd.DataFrame:
    """Test contrasts L beta = rhs of the coefficients.

    Parameters
    ----------
    fit : Fit
        Of p coefficients.
    L : (m, p) array or DataFrame, or (p,) sequence
        A contrast in each row.
    joint : bool
        One F test of all rows; if not, a t test of each.
    ddf : {"Satterthwaite", "Kenward-Roger", "residual", "between-within"}
        Where degrees of freedom come from.
    rhs : float or (m,) sequence
        What they are under the hypothesis.

    Returns
    -------
    DataFrame
        (1, 6) with the labels of lmerTest's ``contestMD``, or (m, 5) with those of ``contest1D``; ``attrs`` as in
        `coef_table`.

    Raises
    ------
    ModelError
        L or rhs has another shape; rows that depend on others have another right side; or the method is not defined.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("score ~ Machine + (1 | Worker/Machine)", load("Machines").frame)
    >>> contest(fit, [[0, 1, 0], [0, 0, 1]])[["NumDF", "DenDF", "F value"]].round(3).to_numpy().tolist()
    [[2.0, 10.0, 20.576]]
    """
    rows = rows_of(L, len(fit.design.coefficients))
    right = checked_right(rhs, len(rows))
    method = method_of(fit, ddf)
    if joint:
        return named(fit, pd.DataFrame([F_test(fit, rows, method, right)], columns=F_TABLE))
    index = list(L.index) if isinstance(L, pd.DataFrame) else range(len(rows))
    return t_table(fit, pd.DataFrame(rows, index), method, right)


def anova_table(fit: Fit, type: str | int = "III", ddf: str = "Satterthwaite") -> pd.DataFrame:
    """F tests of the terms of the fixed effects.

    Parameters
    ----------
    fit : Fit
        Of any number of terms.
    type : {"I", "II", "III", 1, 2, 3}
        What is tested of a term that others contain, or stand before; see `hypotheses`.
    ddf : {"Satterthwaite", "Kenward-Roger", "residual", "between-within"}
        Where degrees of freedom come from.

    Returns
    -------
    DataFrame
        A row for each term, with the labels of lmerTest's ``anova(fit)``; NaN for one without columns; ``attrs`` as
        in `coef_table`.

    Raises
    ------
    ModelError
        The type or the method is not known, or not defined for the fit.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("yield ~ nitro + Variety + (1 | Block/Variety)", load("Oats").frame)
    >>> print(anova_table(fit, ddf="Kenward-Roger").iloc[:, 2:5].round(3))
             NumDF  DenDF  F value
    nitro      1.0   53.0  118.003
    Variety    2.0   10.0    1.485
    """
    method = method_of(fit, ddf)
    each = hypotheses(fit, type)
    rows = [F_test(fit, L.to_numpy(), method, np.zeros(len(L))) for L in each.values()]
    return named(fit, pd.DataFrame(np.array(rows).reshape(len(rows), len(F_TABLE)), list(each), F_TABLE))


def named(fit: Fit, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the boundary of the fit in its attrs: Satterthwaite's method counts a variance of zero as known.

    Of a given theta, it is where the working G has not full rank.
    """
    terms, at = fit.design.terms, fit.optimum
    roots = [C.T @ T for C, T in zip(working_scales(fit.prepared), factors(terms, at.theta), strict=True)]
    singular = np.isfinite(at.duals) if at.duals else [len(root) > 0 and not is_regular(root) for root in roots]
    groups = [term.group for term, yes in zip(terms, singular, strict=True) if yes]
    table.attrs["boundary"] = tuple(dict.fromkeys(groups))
    return table


def t_table(fit: Fit, L: pd.DataFrame, method: Method, right: Array | float = 0.0) -> pd.DataFrame:
    """A t test of each row of L."""
    rows = L.to_numpy()
    estimate = rows @ fit.solution.beta
    error = np.sqrt((method.whitened(rows) ** 2).sum(axis=1))
    df = np.array([method.degrees(row) for row in rows])
    t = (estimate - right) / error
    p = 2 * special.stdtr(df, -np.abs(t))
    return named(fit, pd.DataFrame(np.column_stack([estimate, error, df, t, p]), L.index, T_TABLE))


def F_test(fit: Fit, L: Array, method: Method, right: Array) -> list[float]:
    """Sum and mean of squares, degrees of freedom, F and p of the hypothesis L beta = right.

    Raises
    ------
    ModelError
        The right side of a row that others determine is not theirs.
    """
    halves = method.whitened(L)
    kept = independent(halves)
    if not len(kept):
        return [np.nan] * len(F_TABLE)
    if len(kept) < len(L) and np.any(right != 0):
        least = np.setdiff1d(np.arange(len(L)), kept)[0]
        raise ModelError(f"row {least + 1} of L depends on those before it: leave it out where rhs is not zero")
    q, rows = len(kept), L[kept]
    half = np.linalg.qr(halves[kept].T, mode="r")
    white = linalg.solve_triangular(half, rows @ fit.solution.beta - right[kept], trans="T")
    plain = float(white @ white) / q
    nu, factor = method.joint(L)
    square = plain * fit.sigma**2
    return [square * q, square, float(q), nu, plain * factor, float(special.fdtrc(q, nu, plain * factor))]


def checked_right(rhs: float | Sequence[float], count: int) -> Array:
    """The right side (m,) of as many contrasts."""
    try:
        right = np.asarray(rhs, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"rhs must be a number, or one for each row of L, not {rhs!r:.60}") from None
    if right.shape not in ((), (count,)) or not np.isfinite(right).all():
        raise ModelError(f"rhs must be a number, or {count} of them, one for each row of L")
    return np.broadcast_to(right, (count,))
