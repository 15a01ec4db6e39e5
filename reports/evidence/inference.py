"""What is concluded from a fit, by the definition at any theta; how far differences for derivatives move it.

Everything is evaluated at the engine's own theta, so that where its search stopped moves nothing here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, special, stats

from relmer.reference.answers import Tested
from relmer.reference.own_inference import METHODS, condsd, parameters, tested
from relmer.reports.evidence import tolerances
from relmer.reports.evidence.conditioning import condition
from relmer.reports.evidence.landscape import Landscape
from relmer.reports.evidence.uncentred import products, uncentred
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit, at_theta
from relmer.solver.model import group_names, is_structured
from relmer.solver.paths import degrees_of_freedom

Known = Iterator[tuple[str, Array]]
# numDeriv's Richardson extrapolation: first steps relative to |x|, and that of an x below ZERO; three halvings.
HESSIAN, JACOBIAN, BESIDE_ZERO, ZERO, HALVED = 0.1, 1e-4, 1e-4, 1.8e-5, 8.0
# An eigenvalue of the Hessian that lmerTest counts as zero.
FLAT = 1e-8
# Relative step of the derivatives of a bound, which need no digits.
STEP = 1e-4
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

    @cached_property
    def differences(self) -> Array:
        """How far differences in the place of derivatives may move 1 / nu of every coefficient (p,).

        With x = (theta, sigma), f the criterion, v the variance of the coefficient and H = d2f/dx2, 1 / nu = z'Hz for
        z = H^-1 dlog(v)/dx. numDeriv's Richardson extrapolation ends at steps h = (0.1 |x|) / 8 for H, (1e-4 |x|) / 8
        for dv/dx. f rounded by delta moves a second difference by 4 delta / h^2, the extrapolation at most doubles
        that, and a mixed one, which takes off the two plain ones, is known to 20 delta / (h_i h_j). |E| is no more, so

            |d(1/nu)| <= z'|E|z / (1 - r) + 4 sum |z_i| eps_v / h_i,   r = sum |H^-1|_ij |E_ij|;

        infinite where r reaches 1/2. What the extrapolation leaves out is 1e-12 of H: f is analytic as far as |x|.
        """
        fit = self.fit
        p, theta = len(fit.beta), np.asarray(self.theta)
        if is_structured(fit.design.terms) or p == 0:
            return np.zeros(p)
        d = degrees_of_freedom(fit.design, fit.REML)
        delta = max(tolerances.GAP * self.view.size, products(self.view, self.theta))
        eps = 64 * tolerances.EPS + tolerances.EPS * condition(self.view, self.theta)
        lost = tolerances.EPS * condition(self.view, self.theta) * len(fit.design.y)
        delta = max(delta, lost, uncentred(self.view, self.theta).criterion)
        H = self.view.derivatives(theta).hessian
        # In log sigma = s: f_ss = 4 d, f_xs = -2 d dlog(pwrss)/dx, dlog(v)/ds = 2.
        steps = STEP * np.maximum(np.abs(theta), STEP)
        ends = [
            [at_theta(fit, theta + side * step * row) for side in (1, -1)]
            for step, row in zip(steps, np.eye(len(theta)), strict=True)
        ]
        slope_of_v = np.array(
            [2 * np.log(up.se / down.se) / (2 * step) for (up, down), step in zip(ends, steps, strict=True)]
        )
        slope_of_s = np.array(
            [2 * np.log(up.sigma / down.sigma) / (2 * step) for (up, down), step in zip(ends, steps, strict=True)]
        )
        sizes, axes = linalg.eigh(H)
        seen = sizes > FLAT
        inverse = (axes[:, seen] / sizes[seen]) @ axes[:, seen].T
        z = inverse @ slope_of_v.reshape(len(theta), p)
        s = 1 / (2 * d) + slope_of_s @ z / 2
        z, x = np.vstack([z, s[None]]), np.append(np.abs(theta), 1.0)
        beside = np.where(x < ZERO, BESIDE_ZERO, 0.0)
        h, j = (HESSIAN * x + beside) / HALVED, (JACOBIAN * x + beside) / HALVED
        E = 20 * delta / np.outer(h, h)
        r = float((np.abs(inverse) * E[:-1, :-1]).sum())
        moved = np.einsum("ip,ij,jp->p", np.abs(z), E, np.abs(z))
        moved = moved / (1 - r) if r < 0.5 else np.full(p, np.inf)
        return np.asarray(moved + 4 * (eps / j) @ np.abs(z))


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
    return np.asarray(stats.t.ppf((1 + level) / 2, df))


def normal_quantile(level: float) -> float:
    """That of a two-sided interval of a level.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(special.ndtri((1 + level) / 2))
