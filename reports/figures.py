"""A printed figure's key, such as "beta[Days]", and its value in an engine's estimates."""

import re

import numpy as np

from relmer.reference.answer import Estimates
from relmer.solver.design import Array, Design, Lambda, factors, group_names

KEY = re.compile(r"(?P<quantity>\w+)(?:\[(?P<names>.*)\])?")


def figure(design: Design, of: Estimates, key: str) -> float:
    """Value of a published key, such as "beta[Days]" or "cov[Subject, (Intercept), Days]", in an engine's estimates.

    Raises
    ------
    ValueError
        The key names no quantity of this model.
    """
    parts = KEY.fullmatch(key)
    assert parts is not None
    quantity = parts["quantity"]
    names = parts["names"].split(", ") if parts["names"] else []
    scalar = {
        "criterion": of.criterion,
        "logLik": -of.criterion / 2,
        "sigma": of.sigma,
        "sigma2": of.sigma**2,
    }
    if quantity in scalar:
        return scalar[quantity]
    if quantity in ("beta", "se", "t", "vcov"):
        at = [design.coefficients.index(name) for name in names]
        if quantity == "vcov":
            return of.vcov[at[0]][at[1]]
        beta, se = of.beta[at[0]], of.se[at[0]]
        return {"beta": beta, "se": se, "t": beta / se}[quantity]
    if quantity == "V":
        return marginal_covariance(design, of, int(names[0]) - 1, int(names[1]) - 1)
    if quantity == "b":
        return random_effect(design, of, *names)
    return covariance_figure(design, of, quantity, names)


def marginal_covariance(design: Design, of: Estimates, row: int, column: int) -> float:
    """V[row, column] = sigma^2 (Z Lambda Lambda' Z' + W^-1), rows counted from 0."""
    root = (design.Z.tocsr()[[row, column]] @ Lambda(design.template, np.array(of.theta))).toarray()
    residual = 0.0 if row != column else 1.0 if design.weights is None else 1.0 / design.weights[row]
    return float(of.sigma**2 * (root[0] @ root[1] + residual))


def random_effect(design: Design, of: Estimates, group: str, level: str, column: str) -> float:
    """B of one group, level and column."""
    first = 0
    for name, term in zip(group_names(design.terms), design.terms, strict=True):
        if name == group:
            return of.b[first + term.levels.index(level) * len(term.columns) + term.columns.index(column)]
        first += len(term.levels) * len(term.columns)
    raise ValueError(f"no grouping factor is called {group}")


def covariance_figure(design: Design, of: Estimates, quantity: str, names: list[str]) -> float:
    """var, sd, cov or corr of a term's random effects."""
    blocks = dict(zip(group_names(design.terms), factors(design.terms, np.array(of.theta)), strict=True))
    columns = dict(zip(group_names(design.terms), (term.columns for term in design.terms), strict=True))
    group, *chosen = names
    G: Array = of.sigma**2 * blocks[group] @ blocks[group].T
    at = [columns[group].index(name) for name in chosen]
    i, j = at[0], at[-1]
    if quantity in ("var", "cov"):
        return float(G[i, j])
    if quantity == "sd":
        return float(np.sqrt(G[i, i]))
    product = G[i, i] * G[j, j]
    return float(G[i, j] / np.sqrt(product)) if product > 0 else float("nan")
