"""Leverages, residuals over their own standard deviation, and a fit without some of its rows: as lme4 defines them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from relmer.solver.algebra import inverse_of_cross_product, lower_triangle
from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.fits.refitting import Progress
from relmer.solver.model import Design, RandomTerm, assemble, checks_of, covariance, factors, varcorr_names
from relmer.solver.paths import degrees_of_freedom, leverages, prepare
from relmer.solver.search import optimise
from relmer.solver.threads import one_thread

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

CASE = "case"
# A model of fewer rows is fitted wherever there is a criterion.
UNCHECKED = {"check.nobs.vs.nlev": "ignore", "check.nobs.vs.nRE": "ignore"}


def hatvalues(fit: "Fit") -> "pd.Series[float]":
    """The leverage of each row: how far its fitted value goes with its own response, theta held fixed.

    Parameters
    ----------
    fit
        At any theta.

    Returns
    -------
    (m,) Series
        As `Fit.fitted`, NaN where that is. They are from 0 to 1.

    Notes
    -----
    lme4's `hatvalues`. They are the squared lengths of the rows of an orthonormal basis, so that none loses digits.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> hatvalues(lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)).head(2).round(6).tolist()
    [0.163754, 0.163754]
    """
    with one_thread():
        return fit.padded(leverages(fit.prepared, fit.optimum.roots))


def cooks_distance(fit: "Fit") -> "pd.Series[float]":
    """Cook's distance of each row, theta held fixed: (e / (1 - h))^2 h / (p sigma^2), e weighted residuals.

    Parameters
    ----------
    fit
        At any theta.

    Returns
    -------
    (m,) Series
        NaN of a row of leverage 1.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> int(cooks_distance(fit).idxmax()), f"{cooks_distance(fit).max():.4f}"
    (59, '4.3322')
    """
    e, h = residuals_and_leverages(fit)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(fit, (e / (1 - h)) ** 2 * h / (fit.sigma**2 * len(fit.solution.beta)))


def rstudent(fit: "Fit") -> "pd.Series[float]":
    """Residuals over their standard deviation: e / (sigma sqrt(1 - h)), e weighted residuals, as lme4's `rstudent`.

    Sigma is that of the fit, with the row in it.

    Parameters
    ----------
    fit
        At any theta.

    Returns
    -------
    (m,) Series
        NaN of a row of leverage 1.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> rstudent(fit).abs().nlargest(2).round(3).tolist()
    [5.527, 4.57]
    """
    e, h = residuals_and_leverages(fit)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(fit, e / np.sqrt(np.maximum(1 - h, 0.0)) / fit.sigma)


def finite(fit: "Fit", values: Array) -> "pd.Series[float]":
    """Values of the rows that were fitted, NaN in place of what is infinite."""
    return fit.padded(np.where(np.isfinite(values), values, np.nan))


def residuals_and_leverages(fit: "Fit") -> tuple[Array, Array]:
    """sqrt(weight) (y - fitted) and h of the rows that were fitted, (n,) each."""
    weights, left = fit.design.weights, fit.design.y - fit.mu
    with one_thread():
        h = leverages(fit.prepared, fit.optimum.roots)
    return left if weights is None else np.sqrt(weights) * left, h


@dataclass(frozen=True)
class Influence:
    """A model fitted again without the rows of each group in turn; a row for each group that was left out.

    Attributes
    ----------
    groups
        What was left out: "case" for single rows.
    beta, components, vcov
        Of the whole fit: lme4's ``fixed.effects``, ``var.cov.comps`` and ``vcov``.
    beta_without
        (l, p): lme4's ``fixed.effects[-group]``; NaN where the rows that are left do not determine a coefficient.
    components_without
        (l, k): sigma^2 first, then variances and covariances term by term, as lme4's ``var.cov.comps[-group]``.
    vcov_without
        By group the covariance matrix of the coefficients.
    converged
        Whether each fit is shown to be a minimum (l,).
    failures
        By group that has no fit without it, why; its numbers are NaN.
    """

    groups: str
    beta: "pd.Series[float]"
    components: "pd.Series[float]"
    vcov: pd.DataFrame
    beta_without: pd.DataFrame
    components_without: pd.DataFrame
    vcov_without: dict[Any, pd.DataFrame]
    converged: "pd.Series[bool]"
    failures: dict[Any, str]

    def __len__(self) -> int:
        """How many groups were left out."""
        return len(self.beta_without)

    def __repr__(self) -> str:
        """In a line: what was left out, and what became of it."""
        missing = f", {len(self.failures)} without a fit" if self.failures else ""
        return f"{len(self)} fits, each without one {self.groups}{missing}"

    def dfbeta(self) -> pd.DataFrame:
        """What leaving a group out adds to each coefficient (l, p), as lme4's `dfbeta`."""
        return self.beta_without - self.beta

    def dfbetas(self) -> pd.DataFrame:
        """The same over the standard errors of the fit without the group (l, p), as lme4's `dfbetas`."""
        se = [np.sqrt(np.diagonal(self.vcov_without[group])) for group in self.beta_without.index]
        d = self.dfbeta()
        return pd.DataFrame(d.to_numpy() / np.array(se).reshape(d.shape), index=d.index, columns=d.columns)

    def cooks_distance(self) -> "pd.Series[float]":
        """d'(vcov^-1) d (l - p) / (l p) of d = dfbeta (l,), as lme4's `cooks.distance` of an influence."""
        d, (l, p) = self.dfbeta().to_numpy(), self.beta_without.shape
        scaled = np.linalg.solve(self.vcov.to_numpy(), d.T).T * ((l - p) / (l * p)) if p else d
        return pd.Series((d * scaled).sum(axis=1), index=self.beta_without.index)


def influence(fit: "Fit", groups: "str | Sequence[Any] | None" = None, progress: Progress | None = None) -> Influence:
    """Fit the model again without each row in turn, or without each level of a factor.

    Parameters
    ----------
    fit
        The model.
    groups
        A grouping factor of the model, by its name; or a label for each row that was fitted; single rows if None.
    progress
        Called with the number of fits that are done, and of all.

    Returns
    -------
    Influence
        In the order in which groups come in the rows, as lme4's `influence`.

    Raises
    ------
    ModelError
        There is no such factor, or the labels are as many as other rows.

    Notes
    -----
    The columns of X and Z are those of the whole fit, as where lme4 updates a fit with a subset of its data: a mean
    that `scale` took is that of all rows. A factor keeps its coding too.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> found = influence(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame), "Subject")
    >>> found
    18 fits, each without one Subject
    >>> found.cooks_distance().nlargest(1).round(3).to_dict()
    {'309': 0.132}
    """
    name, labels, codes = groups_of(fit, groups)
    design, l = fit.design, len(labels)
    beta = np.full((l, len(design.coefficients)), np.nan)
    parts, vcovs, failures = np.full((l, len(components(fit))), np.nan), {}, {}
    converged = np.zeros(l, dtype=bool)
    coefficients = list(design.coefficients)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=l))
    for k, label in enumerate(labels):
        out = order[ends[k - 1] if k else 0 : ends[k]]
        vcov = pd.DataFrame(np.nan, index=coefficients, columns=coefficients)
        try:
            less = without_rows(design, out)
            with one_thread():
                optimum, at = optimise(prepare(less, fit.method), fit.REML, fit.optimum.theta, alone=False)
        except (ModelError, np.linalg.LinAlgError) as error:
            failures[label] = str(error)
        else:
            sigma = np.sqrt(at.pwrss / degrees_of_freedom(less, fit.REML))
            own = [coefficients.index(each) for each in less.coefficients]
            beta[k, own], converged[k] = at.beta, optimum.converged
            parts[k] = component_values(design.terms, optimum.theta, float(sigma))
            vcov.iloc[own, own] = inverse_of_cross_product(at.RX, float(sigma) ** 2)
        vcovs[label] = vcov
        if progress is not None:
            progress(k + 1, l)
    whole = components(fit)
    return Influence(
        groups=name,
        beta=fit.beta,
        components=whole,
        vcov=fit.vcov,
        beta_without=pd.DataFrame(beta, index=labels, columns=coefficients),
        components_without=pd.DataFrame(parts, index=labels, columns=whole.index),
        vcov_without=vcovs,
        converged=pd.Series(converged, index=labels, dtype=bool),
        failures=failures,
    )


def groups_of(fit: "Fit", groups: "str | Sequence[Any] | None") -> "tuple[str, pd.Index[Any], Integers]":
    """The name of what is left out, its levels in the order of the rows, and the level of each row."""
    n = len(fit.design.y)
    if groups is None:
        return CASE, fit.index[fit._places], np.arange(n)
    if isinstance(groups, str):
        for term in fit.design.terms:
            if term.group == groups:
                codes, levels = pd.factorize(np.array(term.levels, dtype=object)[term.codes])
                return groups, pd.Index(levels), codes.astype(np.int64)
        known = ", ".join(dict.fromkeys(term.group for term in fit.design.terms))
        raise ModelError(f"{groups!r:.60} is no grouping factor; there are {known or 'none'}: or give a label per row")
    if isinstance(groups, pd.Series) and fit.index[fit._places].isin(groups.index).all():
        groups = groups.loc[fit.index[fit._places]]
    values = pd.Series(groups).reset_index(drop=True)
    if len(values) != n or bool(values.isna().any()):
        raise ModelError(f"groups have {len(values)} labels, {int(values.isna().sum())} missing; give one for {n} rows")
    numbers, found = pd.factorize(values)
    return "group", pd.Index(found), numbers.astype(np.int64)


def without_rows(design: Design, out: Integers) -> Design:
    """The design without some rows, and without the levels that none of the others has."""
    keep = np.delete(np.arange(len(design.y)), out)
    terms = []
    for term in design.terms:
        used, codes = np.unique(term.codes[keep], return_inverse=True)
        levels = tuple(term.levels[k] for k in used)
        terms.append(replace(term, levels=levels, codes=codes.astype(np.int64).ravel(), X=term.X[keep]))
    return assemble(
        design.y[keep],
        design.X[keep],
        design.coefficients,
        tuple(terms),
        None if design.weights is None else design.weights[keep],
        None if design.offset is None else design.offset[keep],
        checks_of(UNCHECKED),
    )


def components(fit: "Fit") -> "pd.Series[float]":
    """sigma^2, and the variances and covariances of each term, under the names of lme4's `influence`."""
    terms, names = fit.design.terms, ["sigma^2"]
    for group, term in zip(varcorr_names(terms), terms, strict=True):
        before = f"{group}:" if len(terms) > 1 else ""
        for i, j in zip(*lower_triangle(len(term.columns)), strict=True):
            a, b = term.columns[i], term.columns[j]
            names.append(f"{before}v[{a}]" if i == j else f"{before}C[{a},{b}]")
    return pd.Series(component_values(terms, fit.optimum.theta, fit.sigma), index=names)


def component_values(terms: Sequence[RandomTerm], theta: Array, sigma: float) -> Array:
    """sigma^2, and the lower triangle of each term's covariance matrix, column by column."""
    blocks = factors(terms, theta)
    return np.concatenate([[sigma**2], *(covariance(T, sigma)[lower_triangle(len(T))] for T in blocks)])
