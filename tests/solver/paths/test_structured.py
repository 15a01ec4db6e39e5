"""Structured covariances on every path: the criterion and its derivatives in par against the definition in balls."""

import numpy as np
import pytest
from bounds import EPS
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import mixed_data
from structured import derivatives_in_balls, pars_of, value_in_balls, width

from relmer.reports.evidence import tolerances
from relmer.solver.errors import ModelError
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import Lambda, theta_at
from relmer.solver.paths import criterion, derivatives_at, prepare, size, solve_at, solve_at_par

FORMULAS = (
    "y ~ x + cs(x | g)",
    "y ~ x + cs(f + x | g, hom = TRUE)",
    "y ~ x + diag(f + x | g)",
    "y ~ x + diag(x | g, hom = TRUE)",
    "y ~ x + ar1(0 + t | g)",
    "y ~ f + ar1(0 + t | g, hom = FALSE) + (1 | k)",
    "y ~ x + cs(0 + t | g/h)",
    "y ~ x + us(x | k) + cs(0 + t | g)",
    "y ~ x + (x | k) + diag(f | g) + ar1(1 | h)",
)
# Derivatives have twice the parts of the criterion, and V of n < 30 rows a condition below 1e5 (par at most 3, x of
# order one): eps times that and some hundred operations, relative to the largest of them.
DERIVATIVE = 1e5 * 100 * EPS


@st.composite
def problems(draw: st.DrawFn, least: float = 0.0):
    """A design with structures, and the par of every term."""
    data = mixed_data(draw(st.integers(0, 2**32 - 1)), draw(st.integers(18, 28)))
    random = np.random.default_rng(len(data))
    data["t"] = random.permutation(np.resize(list("uvw"), len(data)))
    weights = random.uniform(0.5, 2.0, len(data)) if draw(st.booleans()) else None
    design = build(model_frame(parse(draw(st.sampled_from(FORMULAS))), data, weights=weights))
    par = [draw(pars_of(term.structure.name, term.structure.hom, width(term))) for term in design.terms]
    return design, par


@given(problems(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_path_is_the_definition(problem, REML: bool) -> None:
    design, par = problem
    expected = value_in_balls(design, par, REML)
    for method in ("pls", "qr", "gls"):
        prepared = prepare(design, method)
        for at in (solve_at_par(prepared, par), solve_at(prepared, theta_at(design.terms, par))):
            assert abs(criterion(design, at, REML) - expected) <= tolerances.CRITERION * size(design, at, REML)


@given(problems(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_derivatives_are_those_of_the_definition(problem, REML: bool) -> None:
    """At a par that theta shows: no correlation of effects that are zero."""
    design, par = problem
    par = [
        np.where(np.isinf(term.structure.bounds(width(term))[1]) & (own == 0), 0.3, own)
        for term, own in zip(design.terms, par, strict=True)
    ]
    gradient, hessian = derivatives_in_balls(design, par, REML)
    found = derivatives_at(prepare(design), theta_at(design.terms, par), REML)
    np.testing.assert_allclose(found.gradient, gradient, rtol=0, atol=DERIVATIVE * max(1.0, np.abs(gradient).max()))
    np.testing.assert_allclose(found.hessian, hessian, rtol=0, atol=DERIVATIVE * max(1.0, np.abs(hessian).max()))


@given(problems())
@settings(max_examples=40, deadline=None)
def test_Lambda_has_the_structure(problem) -> None:
    """Z Lambda Lambda'Z' by the template, level by level."""
    design, par = problem
    factor = Lambda(design.template, theta_at(design.terms, par)).toarray()
    first = 0
    for term, own in zip(design.terms, par, strict=True):
        G = term.structure.G(own, width(term))
        size = len(term.levels) * width(term)
        block = factor[first : first + size, first : first + size]
        np.testing.assert_allclose(block @ block.T, np.kron(np.eye(len(term.levels)), G), rtol=0, atol=1e3 * EPS)
        first += size


def test_par_of_another_length_is_refused() -> None:
    design = build(model_frame(parse("y ~ x + cs(x | g) + (1 | k)"), mixed_data(1, 30)))
    for par in ([[1.0, 1.0], [1.0]], [[1.0, 1.0, 0.0]], [[1.0, 1.0, 0.0], [1.0, 0.0]]):
        with pytest.raises(ModelError, match=r"^par has other lengths .*: g\.\(Intercept\), g\.x, g\.rho, k\."):
            solve_at_par(prepare(design), par)
