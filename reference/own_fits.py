"""This project's own fits of cases: designs, fits and estimates, as engines and judges take them."""

from functools import lru_cache

import numpy as np

from relmer.datasets import Case, data_of
from relmer.reference.answers import (
    Data,
    Estimates,
    Model,
    Term,
    data_seen,
    each_column,
    fingerprint,
    random_columns,
    shared_thetas,
)
from relmer.solver.algebra import lower_triangle
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, lmer
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import (
    Design,
    Lambda,
    checks_of,
    covariance,
    factors,
    is_structured,
    par_bounds,
    theta_names,
    theta_of_par,
)
from relmer.solver.paths import block_sizes, effects, marginal_root

# Multiplications for the Cholesky factors of V, some seconds: beyond, the definition is not evaluated.
MOST_OPERATIONS = 10**10


@lru_cache(maxsize=2)
def design_of(case: Case) -> Design:
    """Design of a case."""
    return build(model_frame(parse(case.formula), data_of(case), **case.arguments), checks_of(case.checks))


def stages_of(design: Design) -> tuple[Data, Model]:
    """What the solver saw and built: the identities of the data and of the model's matrices."""
    factors_seen = {term.group: (term.levels, term.codes) for term in design.terms}
    template = Lambda(design.template, np.arange(1.0, len(design.template.diagonal) + 1))
    terms = tuple(Term(term.group, term.columns, len(term.levels)) for term in design.terms)
    model = Model(
        X=fingerprint(design.X, each_column(design.X)),
        Z=fingerprint(design.Z, random_columns(terms)),
        Lambda=fingerprint(template),
        coefficients=design.coefficients,
        terms=terms,
        theta_names=theta_names(design.terms),
    )
    return data_seen(design.y, factors_seen, design.weights, design.offset), model


def shared_points(design: Design) -> dict[str, tuple[tuple[float, ...], ...]]:
    """`shared_thetas` of a design: of a structure they are drawn in par, within its bounds, and theta follows.

    Examples
    --------
    >>> model = Case("one", "sleepstudy", "Reaction ~ Days + diag(Days | Subject)", True, "", "")
    >>> shared_points(design_of(model))["start"]
    ((1.0, 1.0),)
    """
    terms = design.terms
    if not is_structured(terms):
        return shared_thetas(design.template.diagonal.tolist())
    lower, upper = par_bounds(terms)
    points = shared_thetas(((lower == 0) & np.isinf(upper)).tolist())

    def theta(par: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(theta_of_par(terms, np.clip(par, lower, upper)).tolist())

    return {kind: tuple(map(theta, each)) for kind, each in points.items()}


def sizes_of(case: Case) -> tuple[int | None, int | None]:
    """Rows of a case that take part, and its variances and covariances where they have structures.

    None stands for what is not known: its design is refused here, or the covariances are as many as theta has entries.
    """
    try:
        design = design_of(case)
    except ModelError:
        return None, None
    widths = [len(term.columns) for term in design.terms]
    covariances = sum(width * (width + 1) // 2 for width in widths)
    return len(design.y), covariances if is_structured(design.terms) else None


@lru_cache(maxsize=4)
def fit_of(case: Case, method: str) -> Fit:
    """Fit of a case by one path."""
    return lmer(case.formula, data_of(case), REML=case.reml, method=method, checks=case.checks, **case.arguments)


def is_small(design: Design) -> bool:
    """Whether V can be written out: the cubes of the sizes of its independent blocks add up to seconds."""
    return sum(size**3 for size in block_sizes(design)) <= MOST_OPERATIONS


def estimates(fit: Fit) -> Estimates:
    """Estimates of a fit, as plain tuples."""
    G = [covariance(T, fit.sigma) for T in factors(fit.design.terms, fit.optimum.theta)]
    root = fit.sigma * marginal_root(fit.prepared, fit.optimum.theta, fit.optimum.roots)
    residual_variance = fit.R.diagonal()
    total = root.T @ np.ones(root.shape[0])
    return Estimates(
        theta=tuple(fit.optimum.theta.tolist()),
        criterion=fit.criterion,
        sigma=fit.sigma,
        beta=tuple(fit.beta.tolist()),
        se=tuple(fit.se.tolist()),
        vcov=tuple(map(tuple, fit.vcov.to_numpy().tolist())),
        varcomp=tuple(float(value) for block in G for value in block[lower_triangle(len(block))]),
        b=tuple(effects(fit.prepared, fit.optimum.theta, fit.optimum.roots, fit.solution).tolist()),
        fitted=tuple(fit.mu.tolist()),
        V_diagonal=tuple((root.multiply(root).sum(axis=1) + residual_variance).tolist()),
        V_rowsum=tuple((root @ total + residual_variance).tolist()),
    )
