"""What this project's own fits conclude, as engines and judges take it."""

from collections.abc import Sequence

import numpy as np

from relmer.reference.answers import FTests, Inference, Intervals, Predictions, Tested
from relmer.solver.algebra import triangular_solve
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, confint, predict
from relmer.solver.inference import anova_table, coef_table

# Names of the methods in an answer, and the solver's.
METHODS = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "residual": "residual",
    "between-within": "between-within",
}
# What the own paths tell of themselves; the others count, and are there to name what an engine took.
TOLD = ("satterthwaite", "kenward-roger")
# Vectors of the F tests, and the columns of lmerTest's table that they are.
COLUMNS = {"NumDF": "NumDF", "DenDF": "DenDF", "F": "F value", "p": "Pr(>F)"}
# Level of the intervals that are told, and rows whose predictions are.
LEVEL, ROWS = 0.95, 10
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


def F_tested(fit: Fit, method: str, type: str = "III") -> FTests:
    """The F tests of the terms of a fit by a method.

    Raises
    ------
    ModelError
        The method is not defined for the fit.
    """
    table = anova_table(fit, type, METHODS[method])
    table = table[table["NumDF"] > 0]
    vectors = {name: tuple(map(float, table[column])) for name, column in COLUMNS.items()}
    return FTests(type=type, terms=tuple(table.index), **vectors)


def wald(fit: Fit, level: float = LEVEL) -> Intervals:
    """Wald intervals of the coefficients."""
    ends = confint(fit, level, "Wald", "beta_").to_numpy()
    return Intervals(level=level, lower=tuple(ends[:, 0].tolist()), upper=tuple(ends[:, 1].tolist()))


def profiled(fit: Fit, level: float = LEVEL) -> Intervals:
    """Profile intervals of all parameters, by maximum likelihood; they take seconds, so that no path tells them itself.

    Raises
    ------
    ModelError
        A profile is flat, or a term has a structure.
    """
    ends = confint(fit, level, "profile").to_numpy()
    return Intervals(level=level, lower=tuple(ends[:, 0].tolist()), upper=tuple(ends[:, 1].tolist()))


def predictions(fit: Fit) -> Predictions:
    """Predictions for the first rows that take part."""
    told = [np.asarray(predict(fit, re_form=of), dtype=float) for of in ("NA", None)]
    population, conditional = (tuple(values[~np.isnan(values)][:ROWS].tolist()) for values in told)
    return Predictions(population, conditional)


def inference_of(fit: Fit, methods: Sequence[str] = TOLD) -> Inference:
    """All that rung 6 has of a fit."""
    tests, terms, refused = dict[str, Tested](), dict[str, FTests](), dict[str, str]()
    for method in methods:
        try:
            tests[method] = tested(fit, method)
            terms[method] = F_tested(fit, method)
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
        F_tests=terms,
        condsd=None if deviations is None else tuple(deviations.tolist()),
        intervals={"wald": wald(fit)},
        predictions=predictions(fit),
        refused=refused,
    )
