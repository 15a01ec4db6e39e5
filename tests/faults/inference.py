"""Faults of rung 6: what is concluded from a fit that is right."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from relmer.reference.answers import Answer, Inference, Tested
from relmer.reports.evidence import p_of

from .court import Court
from .fault import ANYWHERE, FIXED, GROUPED, RESTRICTED, Fault, Where, table
from .telling import Plant, Vector, plain

SATTERTHWAITE, ROGER = "satterthwaite", "kenward-roger"
TESTED = FIXED & GROUPED & Where("Satterthwaite's method is defined", lambda c: SATTERTHWAITE in c.concluded.tests)
BOTH = TESTED & Where("Kenward and Roger's method is defined", lambda c: ROGER in c.concluded.tests)
CONDITIONAL = GROUPED & Where("conditional variances are given", lambda c: bool(c.concluded.condsd))
NEGATIVE = FIXED & Where("a coefficient is negative", lambda c: min(c.concluded.t or (0.0,)) < 0)


def concludes(**changes: Callable[[Court, Inference], Any]) -> Plant:
    """Another value of something that is concluded."""

    def plant(court: Court) -> Answer | None:
        honest = court.concluded
        changed = {name: change(court, honest) for name, change in changes.items()}
        return replace(court.honest, inference=replace(honest, **changed))

    return plant


def tests(method: str, name: str, change: Callable[[Court, Tested, Vector], Any]) -> Plant:
    """Another vector of a method's t tests; p goes with the degrees of freedom that are told."""

    def plant(court: Court) -> Answer | None:
        right = court.concluded.tests[method]
        value = np.asarray(change(court, right, np.array(getattr(right, name))), dtype=float)
        changed = replace(right, **{name: plain(value)})
        if name == "df":
            changed = replace(changed, p=plain(p_of(np.array(right.t), value)))
        return replace(
            court.honest, inference=replace(court.concluded, tests={**court.concluded.tests, method: changed})
        )

    return plant


def criterion(found: Inference) -> float:
    """-2 logLik."""
    assert found.logLik is not None
    return -2 * found.logLik


def df(found: Inference) -> int:
    """Number of parameters."""
    assert found.df is not None
    return found.df


def constants(court: Court) -> float:
    """d log(2 pi)."""
    return float((court.n - court.p * court.REML) * np.log(2 * np.pi))


def count(court: Court, found: Inference) -> int:
    """Parameters of the covariances and sigma."""
    return df(found) - court.p


def roger(name: str) -> Callable[[Court, Tested, Vector], Any]:
    """What Kenward and Roger's method gives."""
    return lambda c, right, v: getattr(c.concluded.tests[ROGER], name)


def of_the_likelihood() -> Iterator[Fault]:
    """logLik, df, AIC, BIC."""
    yield from table(
        6,
        [
            ("logLik times -2", "-2 logLik", ANYWHERE, concludes(logLik=lambda c, i: criterion(i)), "logLik"),
            (
                "logLik without its constants",
                "constant",
                ANYWHERE,
                concludes(logLik=lambda c, i: -(criterion(i) - constants(c)) / 2),
                "logLik",
            ),
            ("df without sigma", "without sigma", ANYWHERE, concludes(df=lambda c, i: df(i) - 1), "df"),
            (
                "df of the covariances alone under REML",
                "without the coefficients",
                FIXED & RESTRICTED,
                concludes(df=count),
                "df",
            ),
            ("df of theta left out", "without the parameters", GROUPED, concludes(df=lambda c, i: c.p + 1), "df"),
            (
                "AIC without sigma",
                "without sigma",
                ANYWHERE,
                concludes(AIC=lambda c, i: criterion(i) + 2 * (df(i) - 1)),
                "AIC",
            ),
            (
                "AIC of the covariances alone under REML",
                "without the coefficients",
                FIXED & RESTRICTED,
                concludes(AIC=lambda c, i: criterion(i) + 2 * count(c, i)),
                "AIC",
            ),
            (
                "AICc for AIC",
                "AICc",
                Where("there are more rows than parameters and one", lambda c: c.n > df(c.concluded) + 1),
                concludes(AIC=lambda c, i: criterion(i) + 2 * df(i) + 2 * df(i) * (df(i) + 1) / (c.n - df(i) - 1)),
                "AIC",
            ),
            (
                "BIC by n - p",
                "n - p in the place of n",
                FIXED,
                concludes(BIC=lambda c, i: criterion(i) + df(i) * np.log(c.n - c.p)),
                "BIC",
            ),
            (
                "BIC by the levels of the first factor",
                "the levels of",
                GROUPED,
                concludes(BIC=lambda c, i: criterion(i) + df(i) * np.log(len(c.design.terms[0].levels))),
                "BIC",
            ),
            (
                "BIC without sigma",
                "without sigma",
                ANYWHERE,
                concludes(BIC=lambda c, i: criterion(i) + (df(i) - 1) * np.log(c.n)),
                "BIC",
            ),
        ],
    )


def of_the_tests() -> Iterator[Fault]:
    """t, degrees of freedom, p, conditional SDs."""
    t = "t"
    yield from table(
        6,
        [
            (
                "t by variances",
                "variances, not standard errors",
                FIXED,
                concludes(t=lambda c, i: plain(np.array(c.said.beta) / np.array(c.said.se) ** 2)),
                t,
            ),
            ("t without its sign", "entry", NEGATIVE, concludes(t=lambda c, i: plain(np.abs(i.t or ()))), t),
            (
                "df of Kenward-Roger for Satterthwaite",
                "Kenward-Roger's in the place",
                BOTH,
                tests(SATTERTHWAITE, "df", roger("df")),
                "df (satterthwaite)",
            ),
            (
                "df n - p for Satterthwaite",
                "residual, n - p",
                TESTED,
                tests(SATTERTHWAITE, "df", lambda c, r, v: np.full(len(v), c.n - c.p)),
                "df (satterthwaite)",
            ),
            (
                "df n - p for Kenward-Roger",
                "residual, n - p",
                BOTH,
                tests(ROGER, "df", lambda c, r, v: np.full(len(v), c.n - c.p)),
                "df (kenward-roger)",
            ),
            (
                "df one too few",
                "entry",
                TESTED,
                tests(SATTERTHWAITE, "df", lambda c, r, v: v * 0.97),
                "df (satterthwaite)",
            ),
            (
                "Kenward-Roger without the adjusted covariance",
                "not adjusted",
                BOTH,
                tests(ROGER, "se", lambda c, r, v: np.array(c.said.se)),
                "se (kenward-roger)",
            ),
            ("p one-sided", "one-sided", TESTED, tests(SATTERTHWAITE, "p", lambda c, r, v: v / 2), "p (satterthwaite)"),
            (
                "p of z",
                "infinite: z",
                TESTED,
                tests(SATTERTHWAITE, "p", lambda c, r, v: p_of(np.array(r.t), np.full(len(v), np.inf))),
                "p (satterthwaite)",
            ),
            (
                "p by Kenward-Roger's df",
                "Kenward-Roger's in the place",
                BOTH,
                tests(SATTERTHWAITE, "p", lambda c, r, v: p_of(np.array(r.t), np.array(c.concluded.tests[ROGER].df))),
                "p (satterthwaite)",
            ),
            (
                "conditional SD without sigma",
                "without sigma",
                CONDITIONAL,
                concludes(condsd=lambda c, i: plain(np.array(i.condsd) / c.fit.sigma)),
                "conditional SD",
            ),
            (
                "conditional variances for SDs",
                "variances, not standard deviations",
                CONDITIONAL,
                concludes(condsd=lambda c, i: plain(np.array(i.condsd) ** 2)),
                "conditional SD",
            ),
            (
                "SDs of G for conditional ones",
                "not given y",
                CONDITIONAL,
                concludes(condsd=lambda c, i: plain(np.sqrt(c.fit.G.diagonal()))),
                "conditional SD",
            ),
        ],
    )


FAULTS = (*of_the_likelihood(), *of_the_tests())
