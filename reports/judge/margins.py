"""How far an estimate may be from a reference: the rounding of an evaluation, and what is harmless beyond it."""

from collections.abc import Sequence

import numpy as np

from relmer.reports.evidence import Landscape, Uncentred, allowance, carried, condition, tolerances
from relmer.reports.judge.hearing import Hearing
from relmer.solver.arrays import Array
from relmer.solver.paths import degrees_of_freedom, marginal_root

# Entries of theta that a row of V has in it, at most: each is rounded.
ENTRIES = 8
# Of a fitted value, a sum of some terms.
ROUNDINGS = 16


def close(hearing: Hearing, name: str, value: Array, reference: Array, allowed: Array) -> bool:
    """Whether every entry is within the allowance and the rounding of an evaluation."""
    if value.shape != reference.shape:
        return False
    return bool(np.all(np.abs(value - reference) <= allowed + margin(hearing, name, reference)))


def margin(hearing: Hearing, name: str, reference: Array) -> Array:
    """The rounding of an evaluation, entry by entry.

    Relative to the largest entry, of fitted values about their mean; of a coefficient to itself, or its standard error
    if that is larger, but no more than is harmless; of a covariance of coefficients to their standard errors. Of theta,
    a variance component or a random effect the largest is that of what they do in V or in the fitted values, in units
    of sigma: so that a column's own units count for nothing. An entry of V is a sum of squares, a row's sum one of
    products: each is relative to the sum of their sizes, so that no large entry of V hides a small one.
    """
    view = hearing.view
    at = view.fit.optimum.theta.tolist()
    lost = max(tolerances.EPS * condition(view, at), ENTRIES * carried(view, at))
    relative = max(tolerances.EVALUATION, lost)
    size, se = np.abs(reference), view.fit.se.to_numpy()
    if name == "beta":
        largest = np.maximum(size, se)
        most = np.maximum(lost * largest, np.sqrt(tolerances.EARLY) * se)
        return np.asarray(np.minimum(relative * largest, most) + ROUNDINGS * tolerances.EPS * size)
    if name == "se":
        return np.asarray(relative * np.maximum(size, se))
    if name == "vcov" and size.size == se.size**2:
        return np.asarray(relative * np.outer(se, se).ravel())
    if name in ("fitted", "V_diagonal", "V_rowsum") and size.shape == view.fit.design.y.shape:
        return margin_by_row(view, name, reference, relative)
    unit = units(hearing, name, size.shape)
    if unit.shape == size.shape and unit.all():
        return np.asarray(relative * max((size / unit).max(initial=0.0), 1.0) * unit)
    return np.full(size.shape, relative * size.max(initial=0.0))


def margin_by_row(view: Landscape, name: str, reference: Array, relative: float) -> Array:
    """The rounding of what has an entry for each row; sigma^2, a sum over all rows, is in every entry of V."""
    size = np.abs(reference)
    match name:
        case "V_diagonal":
            return np.asarray(relative * size)
        case "V_rowsum":
            return np.asarray(relative * np.maximum(size, absolute_sums(view)))
    spread = float(np.abs(reference - reference.mean()).max(initial=0.0)) + view.fit.sigma
    return np.asarray(relative * spread + ROUNDINGS * tolerances.EPS * size)


def conditioned_at(hearing: Hearing, theta: Sequence[float], name: str, value: Array) -> Array:
    """What the condition of V at an engine's own theta takes from an evaluation there: of value and error."""
    error = harmless(hearing, name, value) / np.sqrt(tolerances.EARLY)
    return np.asarray(tolerances.EPS * condition(hearing.view, theta) * (np.abs(value) + error))


def absolute_sums(view: Landscape) -> Array:
    """sigma^2 (|Z Lambda| |Z Lambda|'1 + 1/w) at the optimum: no row's sum of |V_ij| is larger.

    Where covariates change their sign, entries of V cancel in a row's sum, which is known to the rounding of these.
    """
    fit = view.fit
    root = abs(fit.sigma * marginal_root(fit.prepared, fit.optimum.theta, fit.optimum.roots))
    return np.asarray(root @ (root.T @ np.ones(root.shape[0])) + fit.R.diagonal())


def harmless(hearing: Hearing, name: str, value: Array) -> Array:
    """What moves no conclusion: a stop 1e-3 above the optimum, or 3 % of a quantity's own standard error.

    3 % is the root of 1e-3. A coefficient has its standard error; sigma and what goes with it has at least that of
    the residual variance, sigma^2 sqrt(2 / d); a random effect and a fitted value at least that of a mean of n rows.
    """
    view, part = hearing.view, np.sqrt(tolerances.EARLY)
    n, sigma = len(view.fit.design.y), view.fit.sigma
    size, relative = np.abs(value), 1 / np.sqrt(2 * degrees_of_freedom(view.fit.design, view.fit.REML))
    match name:
        case "beta":
            own = view.fit.se.to_numpy()
        case "sigma" | "se":
            own = relative * size
        case "b":
            own = units(hearing, "b", value.shape) / np.sqrt(n)
        case "fitted":
            own = np.full(value.shape, sigma / np.sqrt(n))
        case _:
            own = 2 * relative * size
    return np.asarray(np.maximum(tolerances.SLACK * allowance(view, name, tolerances.EARLY), part * own))


@np.errstate(over="ignore")
def units(hearing: Hearing, name: str, shape: tuple[int, ...]) -> Array:
    """The size of an entry whose effect on V or on the fitted values is that of sigma^2 or sigma; of zeros infinite."""
    design, sigma = hearing.view.fit.design, hearing.view.fit.sigma
    reach = [1.0 / np.maximum(np.abs(term.X).max(axis=0), np.finfo(float).tiny) for term in design.terms]
    pairs = [[(one[i], one[i] * one[j]) for j in range(len(one)) for i in range(j, len(one))] for one in reach]
    flat = [pair for term in pairs for pair in term]
    match name:
        case "theta":
            return np.array([one for one, _ in flat])
        case "G":
            return np.array([two for _, two in flat])
        case "varcomp":
            return sigma**2 * np.array([two for _, two in flat])
        case "b":
            return sigma * np.concatenate(
                [np.tile(one, len(term.levels)) for one, term in zip(reach, design.terms, strict=True)] or [np.zeros(0)]
            )
    return np.zeros(shape)


def rounded_by(hearing: Hearing, name: str, value: Array, moved: Uncentred) -> Array:
    """How far an evaluation moves that knows d log(pwrss) and a residual only to what rounding moves them.

    sigma goes with the root of pwrss, every variance and covariance with pwrss itself; X beta, Z b and the fitted
    values move with the residual, coefficients and random effects as `Uncentred` derives it.
    """
    view = hearing.view
    relative = np.expm1(moved.criterion / degrees_of_freedom(view.fit.design, view.fit.REML))
    match name:
        case "sigma" | "se":
            return np.asarray(relative / 2 * np.abs(value))
        case "vcov" | "varcomp" | "V_diagonal" | "V_rowsum":
            return np.asarray(relative * np.abs(value))
        case "fitted":
            alone = np.full(value.shape, moved.residual)
            return np.asarray(tolerances.SLACK * np.maximum(alone, moved.fitted if moved.fitted.size else 0.0))
        case "b":
            alone = moved.residual * units(hearing, "b", value.shape) / view.fit.sigma
            return np.asarray(tolerances.SLACK * np.maximum(alone, moved.b if moved.b.size else 0.0))
        case "beta":
            alone = moved.residual / np.maximum(np.abs(view.fit.design.X).max(axis=0), np.finfo(float).tiny)
            return np.asarray(tolerances.SLACK * np.maximum(alone, moved.beta if moved.beta.size else 0.0))
    return np.zeros(value.shape)
