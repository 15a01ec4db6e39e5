"""This project's own fits of cases: designs, fits and estimates, as engines and judges take them."""

from functools import lru_cache

import numpy as np

from relmer.datasets import Case, data_of
from relmer.reference.answers import Data, Estimates, Model, Term, data_seen, each_column, fingerprint, random_columns
from relmer.solver.algebra import lower_triangle
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, lmer
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import Design, Lambda, covariance, factors, theta_names
from relmer.solver.paths import block_sizes, marginal_root

# Multiplications for the Cholesky factors of V, some seconds: beyond, the definition is not evaluated.
MOST_OPERATIONS = 10**10


@lru_cache(maxsize=2)
def design_of(case: Case) -> Design:
    """Design of a case."""
    return build(model_frame(parse(case.formula), data_of(case), **case.arguments))


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


def rows_of(case: Case) -> int | None:
    """Rows of a case that take part; None if its design is refused here."""
    try:
        return len(design_of(case).y)
    except ModelError:
        return None


@lru_cache(maxsize=4)
def fit_of(case: Case, method: str) -> Fit:
    """Fit of a case by one path."""
    return lmer(case.formula, data_of(case), REML=case.reml, method=method, **case.arguments)


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
        b=tuple(fit.b.tolist()),
        fitted=tuple(fit.mu.tolist()),
        V_diagonal=tuple((root.multiply(root).sum(axis=1) + residual_variance).tolist()),
        V_rowsum=tuple((root @ total + residual_variance).tolist()),
    )
