"""What a fit is made of, by the names of lme4's getME."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from relmer.solver.arrays import Array, Integers
from relmer.solver.errors import ModelError
from relmer.solver.model import Design, factors, group_names, random_matrix, theta_names
from relmer.solver.paths import criterion, degrees_of_freedom, solve_at

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


def by_column(fit: "Fit") -> dict[str, sparse.csc_array]:
    """Z' of each column of each term, (l, n), by group.column."""
    found = {}
    for group, term in zip(group_names(fit.design.terms), fit.design.terms, strict=True):
        whole = sparse.csr_array(random_matrix(term).T)
        for k, column in enumerate(term.columns):
            found[f"{group}.{column}"] = sparse.csc_array(whole[k :: len(term.columns)])
    return found


def by_term(fit: "Fit") -> dict[str, pd.DataFrame]:
    """Raw model matrices (n, c)."""
    rows, terms = fit.index[fit._places], fit.design.terms
    return {
        group: pd.DataFrame(term.X, columns=list(term.columns), index=rows)
        for group, term in zip(group_names(terms), terms, strict=True)
    }


def entries(fit: "Fit") -> Integers:
    """Which entry of theta each number of Lambdat is, in the order in which a csc_array has them."""
    template = fit.design.template
    return np.asarray(template.Lind[np.lexsort((template.columns, template.rows))])


def roots(fit: "Fit") -> dict[str, Array]:
    """T (c, c) of each term."""
    return dict(zip(group_names(fit.design.terms), factors(fit.design.terms, fit.optimum.theta), strict=True))


def parted(fit: "Fit") -> dict[str, Array]:
    """T taken apart, (c, c): below the diagonal T over that of its column, NaN where that is 0; on it T's own."""
    found = {}
    for group, T in roots(fit).items():
        with np.errstate(divide="ignore", invalid="ignore"):
            unit = np.where(T.diagonal() == 0, np.nan, T / T.diagonal())
        found[group] = np.tril(unit, -1) + np.diag(T.diagonal())
    return found


def flist(fit: "Fit") -> pd.DataFrame:
    """The grouping factors, each once."""
    columns = {t.group: pd.Categorical.from_codes(t.codes, pd.Index(t.levels)) for t in fit.design.terms}
    return pd.DataFrame(columns, index=fit.index[fit._places])


def devcomp(fit: "Fit") -> "dict[str, pd.Series[Any]]":
    """The parts of the criterion, and the sizes of the model."""
    design, at, (n, p) = fit.design, fit.solution, fit.design.X.shape
    weights = np.ones(n) if design.weights is None else design.weights
    cmp = {
        "ldL2": at.logdet_L,
        "ldRX2": at.logdet_RX,
        "wrss": float(weights @ (design.y - fit.mu) ** 2),
        "ussq": float(at.u @ at.u),
        "pwrss": at.pwrss,
        "drsum": math.nan,
        "REML": fit.criterion if fit.REML else math.nan,
        "dev": math.nan if fit.REML else fit.criterion,
        "sigmaML": math.sqrt(at.pwrss / degrees_of_freedom(design, False)),
        "sigmaREML": math.sqrt(at.pwrss / degrees_of_freedom(design, True)),
    }
    dims = {"N": n, "n": n, "p": p, "nmp": n - p, "q": design.template.q, "nth": len(fit.optimum.theta), "useSc": 1}
    dims |= {"reTrms": len(design.terms), "spFe": 0, "REML": p * fit.REML, "GLMM": 0, "NLMM": 0}
    return {"cmp": pd.Series(cmp, dtype=float), "dims": pd.Series(dims)}


def devfun(fit: "Fit") -> Callable[[ArrayLike], float]:
    """The criterion as a function of theta."""

    def criterion_at(theta: ArrayLike) -> float:
        """REML criterion or deviance at theta, beta and sigma at their optimum."""
        try:
            values = np.asarray(theta, dtype=float)
        except (TypeError, ValueError):
            raise ModelError(f"theta is {theta!r:.60}; give numbers") from None
        if not np.isfinite(values).all():
            raise ModelError(f"theta has the entry {values[~np.isfinite(values)].flat[0]}; give finite numbers")
        return criterion(fit.design, solve_at(fit.prepared, values), fit.REML)

    return criterion_at


def per_term(of: Callable[[int, int], int]) -> "Callable[[Fit], pd.Series[int]]":
    """A number of each term that follows from how many levels and columns it has."""

    def found(fit: "Fit") -> "pd.Series[int]":
        terms = fit.design.terms
        values = [of(len(term.levels), len(term.columns)) for term in terms]
        return pd.Series(values, index=list(group_names(terms)), dtype=int)

    return found


def ends(numbers: "pd.Series[int]") -> Integers:
    """0, and the sums up to each."""
    return np.concatenate([[0], np.cumsum(numbers.to_numpy(dtype=np.int64))])


def triangles(fit: "Fit") -> "pd.Series[int]":
    """Where theta of each term ends."""
    sizes = TRIANGLE(fit)
    return pd.Series(ends(sizes), index=["beg__", *sizes.index])


def offset(design: Design) -> Array:
    """The known part of the mean, 0 where there is none."""
    return np.zeros(len(design.y)) if design.offset is None else design.offset


def on_rows(values: Array, fit: "Fit") -> "pd.Series[float]":
    """Values of the rows that were fitted."""
    return pd.Series(values, index=fit.index[fit._places])


COLUMNS, EFFECTS = per_term(lambda l, c: c), per_term(lambda l, c: l * c)
TRIANGLE = per_term(lambda l, c: c * (c + 1) // 2)
NAMES: Mapping[str, Callable[["Fit"], Any]] = MappingProxyType(
    {
        "X": lambda fit: fit.X,
        "Z": lambda fit: fit.Z,
        "Zt": lambda fit: sparse.csc_array(fit.Z.T),
        "Ztlist": by_column,
        "mmList": by_term,
        "y": lambda fit: on_rows(fit.design.y, fit),
        "mu": lambda fit: on_rows(fit.mu, fit),
        "u": lambda fit: fit.u,
        "b": lambda fit: fit.b,
        "Gp": lambda fit: ends(EFFECTS(fit)),
        "Tp": triangles,
        "L": lambda fit: fit.L,
        "Lambda": lambda fit: fit.Lambda,
        "Lambdat": lambda fit: sparse.csc_array(fit.Lambda.T),
        "Lind": entries,
        "Tlist": roots,
        "A": lambda fit: sparse.csc_array(fit.Lambda.T @ fit.Z.T),
        "RX": lambda fit: pd.DataFrame(fit.RX, list(fit.design.coefficients), list(fit.design.coefficients)),
        "RZX": lambda fit: pd.DataFrame(fit.RZX, columns=list(fit.design.coefficients)),
        "sigma": lambda fit: fit.sigma,
        "flist": flist,
        "fixef": lambda fit: fit.beta,
        "beta": lambda fit: fit.solution.beta,
        "theta": lambda fit: fit.theta,
        "ST": parted,
        "REML": lambda fit: fit.design.X.shape[1] * fit.REML,
        "is_REML": lambda fit: bool(fit.REML),
        "n_rtrms": lambda fit: len(fit.design.terms),
        "n_rfacs": lambda fit: len({term.group for term in fit.design.terms}),
        "N": lambda fit: len(fit.design.y),
        "n": lambda fit: len(fit.design.y),
        "p": lambda fit: fit.design.X.shape[1],
        "q": lambda fit: fit.design.template.q,
        "p_i": COLUMNS,
        "l_i": lambda fit: pd.Series({term.group: len(term.levels) for term in fit.design.terms}, dtype=int),
        "q_i": EFFECTS,
        "k": lambda fit: len(fit.design.terms),
        "m_i": TRIANGLE,
        "m": lambda fit: len(fit.optimum.theta),
        "cnms": lambda fit: dict(
            zip(group_names(fit.design.terms), [list(term.columns) for term in fit.design.terms], strict=True)
        ),
        "devcomp": devcomp,
        "offset": lambda fit: on_rows(offset(fit.design), fit),
        "lower": lambda fit: pd.Series(
            np.where(fit.design.template.diagonal, 0.0, -np.inf), index=list(theta_names(fit.design.terms))
        ),
        "devfun": devfun,
        "glmer.nb.theta": lambda fit: math.nan,
    }
)
"""lme4's names, in its order, and what each is of a fit."""


@overload
def getME(fit: "Fit", name: str) -> Any: ...


@overload
def getME(fit: "Fit", name: Sequence[str]) -> dict[str, Any]: ...


def getME(fit: "Fit", name: str | Sequence[str]) -> Any:
    """What a fit is made of, by lme4's names.

    Parameters
    ----------
    fit : Fit
        At any theta.
    name : str or sequence of str
        One of the 45 names of lme4's `getME`, several, or "ALL".

    Returns
    -------
    object
        Of several names a dict. Sparse matrices are csc_arrays; what belongs to terms is a dict or Series by grouping
        factor, `.1`, `.2` and so on at the end of one that comes again; "devfun" is a function of theta.

    Raises
    ------
    ModelError
        A name is not known.

    Notes
    -----
    Lind counts theta from 0, so that ``theta[Lind]`` are the numbers of Lambdat in their order. L and RZX are those of
    rows in the order ``fit.P``, which need not be CHOLMOD's. q_i is the effects of each term: lme4 1.1-31 has it wrong
    where a factor has several terms, as it multiplies vectors of other lengths.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> getME(fit, ["n", "q", "m", "REML"])
    {'n': 180, 'q': 36, 'm': 3, 'REML': 2}
    >>> f"{getME(fit, 'devfun')([1.0, 0.0, 0.2]):.4f}"
    '1744.2441'
    """
    if isinstance(name, str):
        return getME(fit, list(NAMES)) if name == "ALL" else of_name(fit, name)
    return {each: of_name(fit, each) for each in name}


def of_name(fit: "Fit", name: str) -> Any:
    """One of them."""
    if not isinstance(name, str) or name not in NAMES:
        raise ModelError(f"getME has no {name!r:.40}; it has {', '.join(NAMES)}")
    return NAMES[name](fit)
