"""The words of programs, by kind; the warnings are those that the programs print."""

import pytest

from relmer.reports.doubts import Doubt, doubt_of

SAID = {
    Doubt.CONVERGENCE: (
        "Model failed to converge with max|grad| = 0.192644 (tol = 0.002, component 1)",
        "convergence code 1 from bobyqa: bobyqa -- maximum number of function evaluations exceeded",
        "Maximum Likelihood optimization failed to converge. Check mle_retvals",
        "Gradient optimization failed, |grad| = 3.4",
        "nlminb problem, convergence error code = 1: iteration limit reached without convergence (10)",
        "false convergence (8)",
        "singular convergence (7)",
    ),
    Doubt.HESSIAN: (
        "Model is nearly unidentifiable: very large eigenvalue - Rescale variables?",
        "Model failed to converge: degenerate  Hessian with 1 negative eigenvalues",
        "Hessian is numerically singular: parameters are not uniquely determined",
        "The Hessian matrix at the estimated parameter values is not positive definite.",
        "Model convergence problem; non-positive-definite Hessian matrix. See vignette('troubleshooting')",
    ),
    Doubt.SINGULAR: (
        "boundary (singular) fit: see help('isSingular')",
        "The MLE may be on the boundary of the parameter space.",
        "The random effects covariance matrix is singular.",
    ),
    Doubt.SCALES: ("Some predictor variables are on very different scales: consider rescaling",),
    Doubt.RANK: ("fixed-effect model matrix is rank deficient so dropping 1 column / coefficient",),
    None: ("package 'lme4' was built under R version 4.3.0", ""),
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SAID.items() for text in texts])
def test_the_kind_of_a_warning(kind: Doubt | None, text: str) -> None:
    assert doubt_of(text) is kind
