"""What this project's own fits conclude, as engines and judges take it."""

from collections.abc import Sequence

import numpy as np

from relmer.reference.answers import Inference, Tested
from relmer.solver.algebra import triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference import coef_table

# Names of the methods in an answer, and the solver's.
METHODS = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "residual": "residual",
    "between-within": "between-within",
}
# What the own paths tell of themselves; the others count, and are there to name what an engine took.
TOLD = ("satterthwaite", "kenward-roger")
# Random effects up to which conditional variances are taken, from a dense q x q matrix of 72 MB.
MOST_EFFECTS = 3000


def tested(fit: Fit, method: str) -> Tested:
    """The t tests of a fit by a method.

    Raises
    ------
    ModelError
        The method is not defined for the fit.
    """
    table = coef_table(fit, METHODS[method])
    se, df, t, p = (tuple(map(float, table[name])) for name in ("Std. Error", "df", "t value", "Pr(>|t|)"))
    return Tested(se=se, df=df, t=t, p=p)


def parameters(fit: Fit) -> int:
    """Coefficients, parameters of the covariances, sigma."""
    return len(fit.beta) + len(fit.par) + 1


def condsd(fit: Fit) -> Array | None:
    """sigma times the root of the diagonal of Lambda (Lambda'Z'WZ Lambda + I)^-1 Lambda' (q,): of b given y and beta.

    With L L' = P (Lambda'Z'WZ Lambda + I) P' it is that of C'C, C = L^-1 P Lambda'. None where q is too large, or L
    has no digits.
    """
    q = fit.design.Z.shape[1]
    if q > MOST_EFFECTS:
        return None
    if q == 0:
        return np.zeros(0)
    try:
        half = triangular_solve(fit.L.toarray(), (fit.P @ fit.Lambda.T).toarray(), lower=True)
    except (ModelError, np.linalg.LinAlgError):
        return None
    found = fit.sigma * np.sqrt((half**2).sum(axis=0))
    return found if np.isfinite(found).all() else None


def inference_of(fit: Fit, methods: Sequence[str] = TOLD) -> Inference:
    """All that rung 6 has of a fit."""
    tests, refused = dict[str, Tested](), dict[str, str]()
    for method in methods:
        try:
            tests[method] = tested(fit, method)
        except ModelError as error:
            refused[method] = str(error)
    df, deviations = parameters(fit), condsd(fit)
    return Inference(
        logLik=-fit.criterion / 2,
        df=df,
        AIC=fit.criterion + 2 * df,
        BIC=fit.criterion + df * float(np.log(len(fit.design.y))),
        t=tuple(map(float, fit.t)),
        tests=tests,
        condsd=None if deviations is None else tuple(deviations.tolist()),
        refused=refused,
    )
