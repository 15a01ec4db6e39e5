"""A printed figure's key, such as "beta[Days]", and its value in an engine's estimates, or in data and matrices."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy import linalg, special

from relmer.datasets import parse_key
from relmer.reference.answers import Estimates
from relmer.solver.arrays import Array
from relmer.solver.model import Design, Lambda, RandomTerm, covariance, factors, group_names, theta_names

QUANTILES = {"Min": 0.0, "1Q": 0.25, "Median": 0.5, "3Q": 0.75, "Max": 1.0}


def figure(design: Design, of: Estimates, key: str) -> float:
    """Value of a published key, such as "beta[Days]" or "cov[Subject, (Intercept), Days]", in an engine's estimates.

    Raises
    ------
    ValueError, KeyError, IndexError
        The key names no quantity of this model.
    """
    quantity, names = parse_key(key)
    return OF_A_FIT[quantity](design, of, quantity, names)


def has_figure(design: Design, of: Estimates, key: str) -> bool:
    """Whether a key names a quantity of this model."""
    try:
        figure(design, of, key)
    except (KeyError, ValueError, IndexError):
        return False
    return True


def figure_of_data(design: Design, frame: pd.DataFrame, key: str) -> float:
    """Value of a key that no estimate enters, such as "dim[Z, 1]" or "data[y, 30]", in a model's matrices and data.

    Raises
    ------
    ValueError, KeyError, IndexError
        The key names no quantity of this model.
    """
    quantity, names = parse_key(key)
    (n, p), q = design.X.shape, design.Z.shape[1]
    match quantity:
        case "nobs":
            return float(n)
        case "groups":
            return float(len(term_of(design, names[0]).levels))
        case "size":
            term = term_of(design, names[0])
            return float(np.sum(term.codes == term.levels.index(names[1])))
        case "data":
            return float(frame[names[0]].iloc[place(names[1])])
        case "Zt":
            return float(design.Z.tocsr()[place(names[1]), place(names[0])])
        case "dim":
            width = sum(len(term.columns) for term in design.terms)
            shapes = {"X": (n, p), "Z": (n, q), "Zt": (q, n), "G": (width, width), "Gm": (q, q), "V": (n, n)}
            shapes |= {"R": (n, n), "beta": (p, 1), "b": (q, 1), "vcov": (p, p)}
            return float(shapes[names[0]][place(names[1])])
    raise ValueError(f"{quantity} is no quantity of data or matrices")


def term_of(design: Design, group: str) -> RandomTerm:
    """The first term of a grouping factor.

    Raises
    ------
    ValueError
        There is none.
    """
    for term in design.terms:
        if term.group == group:
            return term
    raise ValueError(f"no grouping factor is called {group}")


def place(name: str) -> int:
    """A row or column from 0, of one that is counted from 1.

    Raises
    ------
    ValueError
        It is no number, or none of a row.
    """
    if (number := int(name)) < 1:
        raise ValueError(f"{name} is no row or column: they are counted from 1")
    return number - 1


def scalar_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """One of criterion, logLik, sigma and sigma2."""
    return {"criterion": of.criterion, "logLik": -of.criterion / 2, "sigma": of.sigma, "sigma2": of.sigma**2}[quantity]


def theta_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """theta of a name."""
    return of.theta[theta_names(design.terms).index(names[0])]


def fixed_effect_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """One of beta, se, t and p of a coefficient, vcov or correlation of two."""
    i, j = (design.coefficients.index(name) for name in (names[0], names[-1]))
    if quantity == "vcov":
        return of.vcov[i][j]
    if quantity == "correlation":
        return of.vcov[i][j] / float(np.sqrt(of.vcov[i][i] * of.vcov[j][j]))
    beta, se = of.beta[i], of.se[i]
    if quantity == "p":
        n, p = design.X.shape
        return float(2 * special.stdtr(n - p, -abs(beta / se)))
    return {"beta": beta, "se": se, "t": beta / se}[quantity]


def residual_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """The residual of a row, or a quantile of residual / sigma as R's quantile gives it (its type 7)."""
    residuals = design.y - np.array(of.fitted)
    if quantity == "residual":
        return float(residuals[place(names[0])])
    return float(np.quantile(residuals / of.sigma, QUANTILES[names[0]]))


def matrix_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """V, G or Gm of a row and a column, counted from 1."""
    row, column = map(place, names)
    if quantity == "V":
        return marginal_covariance(design, of, row, column)
    if quantity == "G":
        return float(linalg.block_diag(*term_covariances(design, of))[row, column])
    root = Lambda(design.template, np.array(of.theta)).tocsr()[[row, column]].toarray()
    return float(of.sigma**2 * root[0] @ root[1])


def random_effect_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """b of a group, level and column, or coef, the fixed effect and b."""
    fixed = of.beta[design.coefficients.index(names[2])] if quantity == "coef" else 0.0
    return fixed + random_effect(design, of, *names)


def marginal_covariance(design: Design, of: Estimates, row: int, column: int) -> float:
    """V[row, column] = sigma^2 (Z Lambda Lambda' Z' + W^-1), rows counted from 0."""
    root = (design.Z.tocsr()[[row, column]] @ Lambda(design.template, np.array(of.theta))).toarray()
    residual = 0.0 if row != column else 1.0 if design.weights is None else 1.0 / design.weights[row]
    return float(of.sigma**2 * (root[0] @ root[1] + residual))


def random_effect(design: Design, of: Estimates, group: str, level: str, column: str) -> float:
    """b of one group, level and column."""
    first = 0
    for name, term in zip(group_names(design.terms), design.terms, strict=True):
        if name == group:
            return of.b[first + term.levels.index(level) * len(term.columns) + term.columns.index(column)]
        first += len(term.levels) * len(term.columns)
    raise ValueError(f"no grouping factor is called {group}")


def term_covariances(design: Design, of: Estimates) -> list[Array]:
    """sigma^2 T T' of every term."""
    return [covariance(T, of.sigma) for T in factors(design.terms, np.array(of.theta))]


def covariance_figure(design: Design, of: Estimates, quantity: str, names: tuple[str, ...]) -> float:
    """var, sd, cov or corr of a term's random effects."""
    columns = dict(zip(group_names(design.terms), (term.columns for term in design.terms), strict=True))
    group, *chosen = names
    G = dict(zip(group_names(design.terms), term_covariances(design, of), strict=True))[group]
    at = [columns[group].index(name) for name in chosen]
    i, j = at[0], at[-1]
    if quantity in ("var", "cov"):
        return float(G[i, j])
    if quantity == "sd":
        return float(np.sqrt(G[i, i]))
    product = G[i, i] * G[j, j]
    return float(G[i, j] / np.sqrt(product)) if product > 0 else float("nan")


OF_A_FIT: Mapping[str, Callable[[Design, Estimates, str, tuple[str, ...]], float]] = {
    **dict.fromkeys(("criterion", "logLik", "sigma", "sigma2"), scalar_figure),
    "theta": theta_figure,
    **dict.fromkeys(("beta", "se", "t", "p", "vcov", "correlation"), fixed_effect_figure),
    **dict.fromkeys(("residual", "scaled_residual"), residual_figure),
    **dict.fromkeys(("V", "G", "Gm"), matrix_figure),
    **dict.fromkeys(("b", "coef"), random_effect_figure),
    **dict.fromkeys(("var", "sd", "cov", "corr"), covariance_figure),
}
