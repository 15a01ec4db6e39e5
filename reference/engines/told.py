"""What other packages say of a fit, made into estimates; and a model as plain numeric columns, which all can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from relmer.reference.answers import Estimates
from relmer.solver.algebra import lower_triangle, root_by_columns
from relmer.solver.arrays import Array
from relmer.solver.model import Design, Lambda, covariance, factors, response, theta_of


@dataclass(frozen=True)
class Told:
    """A fit in the order of a design's coefficients, terms and levels.

    Attributes
    ----------
    criterion, sigma, beta, vcov
        As in `Estimates`; `vcov` (p, p).
    theta
        Its own, or that of its covariance matrices: `theta_of_G`.
    b
        Random effects (q,).
    fitted
        X beta + Z b and the offset (n,).
    se
        Where it is not the root of the diagonal of `vcov`.
    warnings
        All that was said.
    """

    criterion: float
    sigma: float
    beta: Array
    vcov: Array
    theta: Array
    b: Array
    fitted: Array
    se: Array | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """A model as numeric columns of a table: `formula` with `bars` is y ~ 0 + x1 + … + (0 + z1 + … | g1) + ….

    A column of ones is spelled 1; a column of a term that is one of X has its name. Every term has a grouping factor of
    its own, whose labels sort as its levels stand.

    Attributes
    ----------
    table
        By name y without the offset, x1, …, z1.1, …: numbers (n,); and g1, …: labels.
    fixed
        What stands for each coefficient: its column, or 1.
    terms
        For each term what stands for its columns.
    """

    table: Mapping[str, Array | list[str]]
    fixed: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def formula(self) -> str:
        """The fixed part."""
        return f"y ~ {spelled(self.fixed)}"

    @property
    def bars(self) -> tuple[str, ...]:
        """The random part."""
        return tuple(f"({spelled(term)} | {self.group(k)})" for k, term in enumerate(self.terms))

    @staticmethod
    def group(k: int) -> str:
        """Name of the grouping factor of a term, counted from 0."""
        return f"g{k + 1}"


def spelled(names: Sequence[str]) -> str:
    """A sum of columns, with the intercept said or taken away.

    Examples
    --------
    >>> spelled(("x1", "1")), spelled(("x1",))
    ('1 + x1', '0 + x1')
    """
    rest = [name for name in names if name != "1"]
    return " + ".join(["1" if len(rest) < len(names) else "0", *rest])


def columns_of(design: Design) -> Columns:
    """The columns of a design.

    Examples
    --------
    >>> from relmer.reference.own_fits import design_of
    >>> from relmer.datasets import case
    >>> told = columns_of(design_of(case("sleepstudy/slopes-reml")))
    >>> told.formula, told.bars
    ('y ~ 1 + x2', ('(1 + x2 | g1)',))
    """
    table: dict[str, Array | list[str]] = {"y": response(design)}

    def names(prefix: str, X: Array) -> tuple[str, ...]:
        ones = np.flatnonzero((X == 1.0).all(axis=0))[:1]
        found = []
        for j, column in enumerate(X.T):
            there = (name for name in table if name.startswith("x") and np.array_equal(table[name], column))
            found.append("1" if j in ones else next(there, f"{prefix}{j + 1}"))
            table.update({} if found[-1] == "1" else {found[-1]: column})
        return tuple(found)

    fixed, terms = names("x", design.X), []
    for k, term in enumerate(design.terms):
        terms.append(names(f"z{k + 1}x", term.X))
        wide = len(str(len(term.levels)))
        table[Columns.group(k)] = [f"L{code:0{wide}d}" for code in term.codes.tolist()]
    return Columns(table=table, fixed=fixed, terms=tuple(terms))


def places(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where each of the wanted columns stands among a package's names, whatever it calls the intercept.

    Raises
    ------
    ValueError
        One of them is not there.

    Examples
    --------
    >>> places(["x2", "Intercept"], ["1", "x2"])
    [1, 0]
    """
    plain = ["1" if "ntercept" in name else name for name in names]
    return [plain.index(name) for name in wanted]


def theta_of_G(blocks: Sequence[Array], sigma: float) -> Array:
    """theta of the covariance matrices of the terms: the roots by columns of G / sigma^2."""
    return theta_of([root_by_columns(np.asarray(block, dtype=float) / sigma**2) for block in blocks])


def estimates_of(design: Design, said: Told) -> Estimates:
    """Estimates in lme4's order, with G and V of the package's own theta and sigma."""
    theta, sigma = np.asarray(said.theta, dtype=float), float(said.sigma)
    blocks = [covariance(T, sigma) for T in factors(design.terms, theta)]
    root = sigma * (design.Z @ Lambda(design.template, theta))
    n = len(design.y)
    noise = sigma**2 / (np.ones(n) if design.weights is None else design.weights)
    vcov = np.asarray(said.vcov, dtype=float)
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.diag(vcov)) if said.se is None else np.asarray(said.se)
    return Estimates(
        theta=tuple(theta),
        criterion=float(said.criterion),
        sigma=sigma,
        beta=tuple(said.beta),
        se=tuple(se),
        vcov=tuple(map(tuple, vcov)),
        varcomp=tuple(value for G in blocks for value in G[lower_triangle(len(G))]),
        b=tuple(said.b),
        fitted=tuple(said.fitted),
        V_diagonal=tuple(root.multiply(root).sum(axis=1) + noise),
        V_rowsum=tuple(root @ (root.T @ np.ones(n)) + noise),
    )
