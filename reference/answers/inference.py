"""What an engine concludes from its fit: likelihood and penalties, tests, intervals, conditional SDs, predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tested:
    """The t tests of the coefficients by one method of degrees of freedom: vectors in the order of beta.

    Attributes
    ----------
    se
        Standard errors; Kenward and Roger's are those of the adjusted covariance.
    df
        Degrees of freedom of t.
    t
        beta / se.
    p
        Two-sided.
    """

    se: tuple[float, ...]
    df: tuple[float, ...]
    t: tuple[float, ...]
    p: tuple[float, ...]


@dataclass(frozen=True)
class Intervals:
    """Confidence intervals by one method: vectors of their ends.

    Attributes
    ----------
    level
        Of confidence, such as 0.95.
    lower, upper
        By Wald in the order of beta; of the profile first, in the order of theta, standard deviations and correlations,
        then sigma, then beta.
    """

    level: float
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class FTests:
    """F tests of the terms of the fixed effects, by one method of degrees of freedom: vectors in the order of `terms`.

    Attributes
    ----------
    type
        "I", "II" or "III": what is tested of a term that others contain, or stand before.
    terms
        As R labels them; those without a column are left out.
    NumDF
        Rows of the hypothesis.
    DenDF
        Degrees of freedom of the denominator.
    F, p
        Kenward and Roger's F is scaled.
    """

    type: str
    terms: tuple[str, ...]
    NumDF: tuple[float, ...]
    DenDF: tuple[float, ...]
    F: tuple[float, ...]
    p: tuple[float, ...]


@dataclass(frozen=True)
class Predictions:
    """What is predicted for the first rows that take part, as many as are told.

    Attributes
    ----------
    population
        X beta and the offset, without random effects: lme4's ``predict(fit, re.form = NA)``.
    conditional
        With all random effects: ``predict(fit)``.
    """

    population: tuple[float, ...]
    conditional: tuple[float, ...]


@dataclass(frozen=True)
class Inference:
    """Rung 6: what is concluded from the fit. What an engine does not tell is null, or left out.

    Attributes
    ----------
    theta
        At which theta; null where the estimates tell it.
    logLik
        Log-likelihood with all constants; of a REML fit the restricted one.
    df
        Number of parameters: coefficients, parameters of the covariances, sigma.
    AIC
        -2 logLik + 2 df.
    BIC
        -2 logLik + df log(n), n all rows that take part.
    t
        beta / se, in the order of beta.
    tests
        By method: "satterthwaite", "kenward-roger", "residual" or "between-within".
    F_tests
        Of the terms of the fixed effects, by method as `tests`.
    condsd
        Conditional standard deviations of the random effects given theta and beta, in the order of b.
    intervals
        By method: "wald", those of beta by the normal quantile; "profile", those of all parameters by the profile
        likelihood.
    predictions
        For the first rows.
    refused
        What is not told of this model and why, in the engine's words, by the name of the field or of the method.
    """

    theta: tuple[float, ...] | None = None
    logLik: float | None = None
    df: int | None = None
    AIC: float | None = None
    BIC: float | None = None
    t: tuple[float, ...] | None = None
    tests: Mapping[str, Tested] = field(default_factory=dict)
    F_tests: Mapping[str, FTests] = field(default_factory=dict)
    condsd: tuple[float, ...] | None = None
    intervals: Mapping[str, Intervals] = field(default_factory=dict)
    predictions: Predictions | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
