"""Models side by side: likelihood ratio tests and single deletions, as lme4's anova and drop1."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from relmer.solver.errors import ModelError
from relmer.solver.fits.criteria import logLik
from relmer.solver.fits.intervals import by_ml
from relmer.solver.language import FixedTerms
from relmer.solver.paths import criterion, prepare
from relmer.solver.search import optimise
from relmer.solver.threads import one_thread

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

TABLE = ["npar", "AIC", "BIC", "logLik", "deviance", "Chisq", "Df", "Pr(>Chisq)"]


def upper_tail(chisq: float, df: int) -> float:
    """The probability that a chi-squared variable of df exceeds a value; NaN of none."""
    return float(special.chdtrc(df, max(0.0, chisq))) if df > 0 else math.nan


def anova(fit: "Fit", *others: "Fit", refit: bool = True) -> pd.DataFrame:
    """Compare models by likelihood ratios, each with the one before it in the number of parameters.

    Parameters
    ----------
    fit, others
        Of the same response.
    refit
        Whether models by REML are fitted again by maximum likelihood.

    Returns
    -------
    (m, 8) DataFrame
        With the columns of lme4's `anova`, a row for each model, under its formula, by the number of parameters.

    Raises
    ------
    ModelError
        There is one model alone, or they are of other responses or weights, or REML and ML are mixed.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> data = load("sleepstudy").frame
    >>> one, two = (lmer(f"Reaction ~ Days + ({slope} | Subject)", data) for slope in ("1", "Days"))
    >>> print(anova(one, two)[["npar", "deviance", "Chisq", "Df"]].round(3).reset_index(drop=True))
       npar  deviance   Chisq   Df
    0     4  1794.079     NaN  NaN
    1     6  1751.939  42.139  2.0
    """
    fits = [fit, *others]
    if len(fits) < 2:
        raise ModelError("anova compares models: give two or more; anova_table has the F tests of one")
    for other in others:
        check_same(fit, other)
    if refit:
        fits = [by_ml(each) for each in fits]
    elif len({each.REML for each in fits}) > 1:
        raise ModelError("some models are by REML and some by ML: their criteria do not compare; give refit=True")
    fits.sort(key=lambda each: logLik(each).df)
    n = len(fit.design.y)
    rows = []
    for k, each in enumerate(fits):
        count, deviance = logLik(each).df, each.criterion
        row = [count, deviance + 2 * count, deviance + math.log(n) * count, -deviance / 2, deviance]
        if k:
            chisq, df = fits[k - 1].criterion - deviance, count - logLik(fits[k - 1]).df
            row += [max(0.0, chisq), df, upper_tail(chisq, df)]
        else:
            row += [math.nan] * 3
        rows.append(row)
    return pd.DataFrame(rows, [each.formula for each in fits], TABLE).astype({"npar": int})


def lrt(a: "Fit", b: "Fit") -> pd.DataFrame:
    """The likelihood ratio test of two models: `anova` of them.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> data = load("sleepstudy").frame
    >>> one, two = (lmer(f"Reaction ~ {x} + (Days | Subject)", data, REML=False) for x in ("1", "Days"))
    >>> f"{lrt(one, two)['Chisq'].iloc[1]:.4f}"
    '23.5365'
    """
    return anova(a, b)


def check_same(a: "Fit", b: "Fit") -> None:
    """Refuse models of other rows, responses or weights."""
    if len(a.design.y) != len(b.design.y):
        raise ModelError(
            f"{a.formula:.60} has {len(a.design.y)} rows and {b.formula:.60} {len(b.design.y)}: fit both to the same"
        )
    if not np.array_equal(a.design.y, b.design.y):
        raise ModelError(f"{a.formula:.60} and {b.formula:.60} have other responses: their likelihoods do not compare")
    ones = np.ones(len(a.design.y))
    first, second = (ones if each.design.weights is None else each.design.weights for each in (a, b))
    if not np.array_equal(first, second):
        raise ModelError(f"{a.formula:.60} and {b.formula:.60} have other weights: their likelihoods do not compare")


def drop1(fit: "Fit", scope: Sequence[str] | None = None, test: str = "none") -> pd.DataFrame:
    """Drop each term of the fixed effects that no other contains, by maximum likelihood.

    Parameters
    ----------
    fit
        By REML it is fitted again.
    scope
        Labels of terms; all that no other term contains if None.
    test : {"none", "Chisq"}
        Whether there are likelihood ratios.

    Returns
    -------
    DataFrame
        With the columns of lme4's `drop1`, npar and AIC, LRT and Pr(Chi) beside them.

    Raises
    ------
    ModelError
        A term is not in the model, or another contains it; or it has no intercept but factors, or dependent columns.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("score ~ Machine + (1 | Worker)", load("Machines").frame, REML=False)
    >>> print(drop1(fit, test="Chisq").round(3))
             npar      AIC     LRT  Pr(Chi)
    <none>    NaN  303.703     NaN      NaN
    Machine   2.0  375.170  75.466      0.0
    """
    if test not in ("none", "Chisq"):
        raise ModelError(f"test {test!r:.40} is not known; choose none or Chisq")
    whole, terms = by_ml(fit), FixedTerms(fit.frame)
    if fit.dropped or not terms.terms.intercept:
        raise ModelError("drop1 needs an intercept and columns of X that are independent: fit the smaller model itself")
    variables = [set(each) for each in terms.terms.terms]
    free = [
        label for label, own in zip(terms.labels, variables, strict=True) if not any(own < each for each in variables)
    ]
    wanted = free if scope is None else [scope] if isinstance(scope, str) else list(scope)
    for label in wanted:
        if label not in terms.labels:
            raise ModelError(f"{label!r:.60} is no term of the model; there are {', '.join(terms.labels)}")
        if label not in free:
            raise ModelError(f"{label!r:.60} is contained in another term: drop that first")
    rows = [[math.nan, whole.criterion + 2 * logLik(whole).df, math.nan, math.nan]]
    for label in wanted:
        keep = np.flatnonzero(terms.of_columns != terms.labels.index(label))
        names = tuple(whole.design.coefficients[k] for k in keep)
        less = replace(whole.design, X=np.ascontiguousarray(whole.design.X[:, keep]), coefficients=names)
        with one_thread():
            _, found = optimise(prepare(less, whole.method), False, whole.optimum.theta, alone=False)
        deviance, df = criterion(less, found, False), len(whole.beta) - len(keep)
        rise = deviance - whole.criterion
        rows.append([df, deviance + 2 * (logLik(whole).df - df), max(0.0, rise), upper_tail(rise, df)])
    table = pd.DataFrame(rows, ["<none>", *wanted], ["npar", "AIC", "LRT", "Pr(Chi)"])
    return table if test == "Chisq" else table[["npar", "AIC"]]
