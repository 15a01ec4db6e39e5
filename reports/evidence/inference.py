"""What is concluded from a fit, by the definition at any theta.

Everything is evaluated at the engine's own theta, so that where its search stopped moves nothing here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from relmer.reference.answers import FTests, Tested
from relmer.reference.own_inference import METHODS, F_tested, condsd, parameters, tested
from relmer.reports.evidence.differences import by_differences
from relmer.reports.evidence.landscape import Landscape
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, at_theta
from relmer.solver.model import group_names

Known = Iterator[tuple[str, Array]]
NAMED = {
    method: name.replace("Satterthwaite", "Satterthwaite's").replace("Roger", "Roger's")
    for method, name in METHODS.items()
}


def p_of(t: Array, df: Array) -> Array:
    """Two-sided p-values of t.

    Examples
    --------
    >>> p_of(np.array([12.7062047]), np.array([1.0])).round(9).tolist()
    [0.05]
    """
    return np.asarray(2.0 * special.stdtr(df, -np.abs(t)))


@dataclass(frozen=True)
class Concluded:
    """The definition's inference at a theta.

    Attributes
    ----------
    view
        Whose model it is.
    theta
        Where.
    """

    view: Landscape
    theta: tuple[float, ...]

    @cached_property
    def fit(self) -> Fit:
        """The model there."""
        return at_theta(self.view.fit, np.asarray(self.theta))

    @cached_property
    def tests(self) -> dict[str, Tested | str]:
        """What was asked for so far, by method."""
        return {}

    def by(self, method: str) -> Tested | str:
        """The t tests by a method, or why there are none."""
        if method not in METHODS:
            return "this project has no such method"
        if method not in self.tests:
            try:
                self.tests[method] = tested(self.fit, method)
            except ModelError as error:
                self.tests[method] = str(error)
        return self.tests[method]

    @cached_property
    def df(self) -> int:
        """Number of parameters."""
        return parameters(self.fit)

    @cached_property
    def condsd(self) -> Array | None:
        """Conditional standard deviations of b."""
        return condsd(self.fit)

    def counts(self) -> Known:
        """The number of parameters as others count them."""
        p, m = len(self.fit.beta), len(self.fit.par)
        yield "counted without sigma", np.array([p + m])
        yield "counted without the coefficients, as SAS does under REML", np.array([m + 1])
        yield "counted without the coefficients and sigma", np.array([m])
        yield "counted without the parameters of the covariances", np.array([p + 1])
        yield "counted by the coefficients alone", np.array([p])

    def sizes(self) -> Known:
        """The number of observations as others count it."""
        n, p = self.fit.design.X.shape
        yield "n - p in the place of n", np.array([n - p])
        terms = self.fit.design.terms
        for group, term in zip(group_names(terms), terms, strict=True):
            yield f"the levels of {group} in the place of n", np.array([len(term.levels)])

    def penalties(self, name: str) -> Known:
        """What AIC or BIC adds to -2 logLik by other counts."""
        n = len(self.fit.design.y)
        k = float(self.df)
        if name == "AIC":
            yield "AICc", np.array([2 * k + 2 * k * (k + 1) / max(n - k - 1, 1.0)])
            yield "BIC in its place", np.array([np.log(n) * k])
            yield from ((told, 2.0 * count) for told, count in self.counts())
            return
        yield "AIC in its place", np.array([2 * k])
        yield from ((told, np.log(n) * count) for told, count in self.counts())
        for told, size in self.sizes():
            each = np.log(np.maximum(size, 1.0))
            yield told, each * k
            yield from ((f"{told}, {other}", each * count) for other, count in self.counts())

    def degrees(self, method: str) -> Known:
        """Degrees of freedom by what is not the method that was named."""
        n, p = self.fit.design.X.shape
        yield "infinite: z, not t", np.full(p, np.inf)
        for other in METHODS:
            found = self.by(other) if other != method else ""
            if isinstance(found, Tested):
                told = "residual, n - p," if other == "residual" else NAMED[other]
                yield f"{told} in the place of {NAMED[method]}", np.array(found.df)
        yield f"n in the place of {NAMED[method]}", np.full(p, float(n))

    def deviations(self, right: Array) -> Known:
        """Conditional SDs as others have them."""
        with np.errstate(over="ignore"):
            yield "without sigma", right / self.fit.sigma
            yield "variances, not standard deviations", right**2
        G = self.fit.G.diagonal()
        yield "those of G: not given y", np.sqrt(G)

    def F_by(self, method: str, type: str) -> FTests | str:
        """The F tests of the terms by a method, or why there are none."""
        if method not in METHODS:
            return "this project has no such method"
        if (method, type) not in self.F_tests:
            try:
                self.F_tests[method, type] = F_tested(self.fit, method, type)
            except ModelError as error:
                self.F_tests[method, type] = str(error)
        return self.F_tests[method, type]

    @cached_property
    def F_tests(self) -> dict[tuple[str, str], FTests | str]:
        """What was asked for so far, by method and type."""
        return {}

    @cached_property
    def differences(self) -> Array:
        """How far differences in the place of derivatives may move 1 / nu of every coefficient (p,)."""
        return by_differences(self.view, self.fit, np.eye(len(self.fit.beta)))


def concluded(view: Landscape, theta: Sequence[float]) -> Concluded:
    """The definition's inference at a theta, kept for the next who asks."""
    at = tuple(map(float, theta))
    found: Concluded = view.concluded.setdefault(at, Concluded(view, at))
    return found


def quantile(df: Array, level: float = 0.95) -> Array:
    """The t of p = 0.05, or of another level.

    Examples
    --------
    >>> quantile(np.array([1.0])).round(4).tolist()
    [12.7062]
    """
    return np.asarray(special.stdtrit(df, (1 + level) / 2))


def normal_quantile(level: float) -> float:
    """That of a two-sided interval of a level.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(special.ndtri((1 + level) / 2))
