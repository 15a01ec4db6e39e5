"""Log-likelihood, deviance and information criteria of a fit, by R's names."""

import math
from typing import TYPE_CHECKING, NamedTuple

from relmer.solver.paths import criterion

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit


class LogLik(NamedTuple):
    """A log-likelihood, with what AIC and BIC need beside it.

    Attributes
    ----------
    value
        The log-likelihood, restricted where REML was asked for.
    df
        Number of parameters: fixed effects, theta (par where terms have a structure), and sigma.
    nobs
        Number of rows.
    """

    value: float
    df: int
    nobs: int


def nobs(fit: "Fit") -> int:
    """Number of rows that the fit rests on, dropped ones not counted.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> nobs(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame))
    180
    """
    return len(fit.design.y)


def logLik(fit: "Fit", REML: bool | None = None) -> LogLik:
    """Log-likelihood at the fit's theta, as lme4's logLik.

    Parameters
    ----------
    fit : Fit
        Of either criterion.
    REML : bool, optional
        Which criterion to tell; as the fit was asked for where not given.

    Returns
    -------
    LogLik
        Its value, df and nobs. nobs is n for REML too, as in lme4.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> value, df, n = logLik(fit)
    >>> print(f"{value:.4f}", df, n)
    -871.8141 6 180
    """
    asked = fit.REML if REML is None else REML
    df = len(fit.design.coefficients) + len(fit.par) + 1
    return LogLik(-criterion(fit.design, fit.solution, asked) / 2, df, nobs(fit))


def deviance(fit: "Fit") -> float:
    """-2 log-likelihood, not restricted, at the fit's theta; of a REML fit lme4's deviance(fit, REML = FALSE).

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame, REML=False)
    >>> print(f"{deviance(fit):.4f}")
    1751.9393
    """
    return -2 * logLik(fit, REML=False).value


def REMLcrit(fit: "Fit") -> float:
    """-2 restricted log-likelihood at the fit's theta.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> print(f"{REMLcrit(fit):.4f}")
    1743.6283
    """
    return -2 * logLik(fit, REML=True).value


def AIC(fit: "Fit") -> float:
    """-2 logLik + 2 df, of the criterion that the fit was asked for.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> print(f"{AIC(lmer('Reaction ~ Days + (Days | Subject)', load('sleepstudy').frame)):.4f}")
    1755.6283
    """
    value, df, _ = logLik(fit)
    return 2 * df - 2 * value


def BIC(fit: "Fit") -> float:
    """-2 logLik + df log(nobs), of the criterion that the fit was asked for.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> print(f"{BIC(lmer('Reaction ~ Days + (Days | Subject)', load('sleepstudy').frame)):.4f}")
    1774.7860
    """
    value, df, n = logLik(fit)
    return df * math.log(n) - 2 * value


def df_residual(fit: "Fit") -> int:
    """Nobs less the number of parameters, as lme4's df.residual.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> df_residual(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame))
    174
    """
    return nobs(fit) - logLik(fit).df
