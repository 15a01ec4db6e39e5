"""Degrees of freedom against their definitions: dense matrices of 40 digits, the rows' I in the basis, differences.

Nothing of the solver is used but y, X, Z, theta and sigma. Derivatives are central differences at 40 digits with a step
of 1e-10: they are right to 1e-18.
"""

from collections.abc import Callable
from itertools import combinations_with_replacement

import mpmath
import numpy as np
import pandas as pd
import pytest
from bounds import SOLVED
from mpmath import mpf

from relmer.solver import Fit, coef_table, contest, lmer
from relmer.solver.fits import at_theta
from relmer.solver.inference import kenward_roger, satterthwaite
from relmer.solver.model import Lambda

DIGITS, STEP = 40, mpf(10) ** -10
# Degrees of freedom divide by the gradient of a variance squared, taken by a Hessian of condition below 1e4.
DEGREES = 1e-9

FORMULAS = {
    "y ~ x + (1 | g)": {},
    "y ~ x + f + (x | g)": {},
    "y ~ x + (x || g)": {},
    "y ~ f + (1 | g) + (1 | h)": {},
    "y ~ x + (1 | g/k)": {},
    "y ~ f + (0 + f | g)": {},
    "y ~ x * f + (1 | h)": {"weights": "w"},
    "y ~ 0 + f + (1 | g) + (0 + x | g)": {"weights": "w", "offset": "x"},
}


def data(seed: int, n: int = 13) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    g, h, k = np.arange(n) % 4, random.integers(0, 3, n), random.integers(0, 2, n)
    f, x = np.arange(n) // 4 % 2, random.normal(size=n)
    y = 4 * random.normal(size=4)[g] + 3 * random.normal(size=3)[h] + 2 * random.normal(size=4)[g] * x
    frame = pd.DataFrame({"y": y + random.normal(size=n), "x": x, "w": random.uniform(0.5, 2, n)})
    return frame.assign(g=pd.Categorical(g), h=pd.Categorical(h), k=pd.Categorical(k), f=pd.Categorical(f))


class Dense:
    """The model of a fit in dense matrices of mpmath."""

    def __init__(self, fit: Fit) -> None:
        design = fit.design
        self.fit, self.REML = fit, fit.REML
        offset = 0 if design.offset is None else design.offset
        self.y = mpmath.matrix((design.y - offset).tolist())
        self.X = mpmath.matrix(design.X.tolist())
        self.Z = mpmath.matrix(design.Z.toarray().tolist())
        weights = np.ones(len(design.y)) if design.weights is None else design.weights
        self.noise = mpmath.diag([1 / mpf(w) for w in weights.tolist()])
        self.n, self.p = design.X.shape

    def V(self, varpar: list[mpf]) -> mpmath.matrix:
        """Of theta and sigma."""
        *theta, sigma = varpar
        template = self.fit.design.template
        factor = mpmath.zeros(template.q)
        for i, j, entry in zip(template.rows, template.columns, template.Lind, strict=True):
            factor[int(i), int(j)] = theta[int(entry)]
        root = self.Z * factor
        return sigma**2 * (root * root.T + self.noise)

    def at(self, V: mpmath.matrix) -> tuple[mpmath.matrix, mpmath.matrix, mpmath.matrix]:
        """V^-1, the covariance of beta, and beta."""
        inverse = V**-1
        Phi = (self.X.T * inverse * self.X) ** -1
        return inverse, Phi, Phi * (self.X.T * (inverse * self.y))

    def criterion(self, varpar: list[mpf]) -> mpf:
        """Minus twice the (restricted) log-likelihood but for constants, sigma not profiled out."""
        V = self.V(varpar)
        inverse, Phi, beta = self.at(V)
        residual = self.y - self.X * beta
        value = mpmath.log(mpmath.det(V)) + (residual.T * inverse * residual)[0]
        return value - mpmath.log(mpmath.det(Phi)) if self.REML else value


def slopes(function: Callable[[list[mpf]], mpmath.matrix], at: list[mpf]) -> list[mpmath.matrix]:
    return [(function(moved(at, {k: 1})) - function(moved(at, {k: -1}))) / (2 * STEP) for k in range(len(at))]


def moved(at: list[mpf], steps: dict[int, int]) -> list[mpf]:
    return [value + steps.get(k, 0) * STEP for k, value in enumerate(at)]


def hessian(function: Callable[[list[mpf]], mpf], at: list[mpf]) -> mpmath.matrix:
    k, here = len(at), function(at)
    H = mpmath.zeros(k)
    for i, j in combinations_with_replacement(range(k), 2):
        if i == j:
            H[i, i] = (function(moved(at, {i: 1})) + function(moved(at, {i: -1})) - 2 * here) / STEP**2
            continue
        corners = [(a * b) * function(moved(at, {i: a, j: b})) for a in (1, -1) for b in (1, -1)]
        H[i, j] = H[j, i] = sum(corners) / (4 * STEP**2)
    return H


def fits(formula: str, REML: bool) -> Fit:
    """A fit in the interior, a little off its optimum, so that gradients do not vanish."""
    for seed in range(100):
        given = data(seed)
        fit = lmer(formula, given, REML=REML, **FORMULAS[formula])
        if not fit.singular and np.abs(fit.theta).min() > 0.1:
            return at_theta(fit, fit.optimum.theta * (1 + 0.003 * np.cos(np.arange(len(fit.theta)))))
    raise AssertionError(formula)


@pytest.mark.parametrize(("formula", "REML"), list(zip(FORMULAS, 4 * [True, False], strict=True)))
def test_satterthwaite(formula: str, REML: bool) -> None:
    fit = fits(formula, REML)
    with mpmath.workdps(DIGITS):
        dense = Dense(fit)
        # sigma profiled out to all digits: that of the fit is a double.
        sigma = mpf(fit.sigma)
        at = [*map(mpf, fit.optimum.theta.tolist()), sigma]
        for _ in range(3):
            step = slopes(lambda s: mpmath.matrix([dense.criterion([*at[:-1], s[0]])]), [at[-1]])[0][0]
            at[-1] -= step / hessian(lambda s: dense.criterion([*at[:-1], s[0]]), [at[-1]])[0, 0]
        A = 2 * hessian(dense.criterion, at) ** -1
        Phi = dense.at(dense.V(at))[1]
        changes = slopes(lambda varpar: dense.at(dense.V(varpar))[1], at)
        expected = []
        for k in range(dense.p):
            g = mpmath.matrix([change[k, k] for change in changes])
            expected.append(float(2 * Phi[k, k] ** 2 / (g.T * A * g)[0]))
    assert float(at[-1]) == pytest.approx(fit.sigma, rel=SOLVED)
    np.testing.assert_allclose(coef_table(fit)["df"], expected, rtol=DEGREES)


@pytest.mark.parametrize("formula", FORMULAS)
def test_kenward_roger(formula: str) -> None:
    """Kenward and Roger (1997) letter by letter, with R_ij = 0, in the variances of all G and sigma^2."""
    fit = fits(formula, True)
    rows = np.eye(len(fit.beta))[-2:]
    with mpmath.workdps(DIGITS):
        dense = Dense(fit)
        inverse, Phi, beta = dense.at(dense.V([*map(mpf, fit.optimum.theta.tolist()), mpf(fit.sigma)]))
        G = [dense.noise, *changes_of_V(fit, dense)]
        X = dense.X
        P = [-X.T * inverse * each * inverse * X for each in G]
        m, p = len(G), dense.p
        Q = [[X.T * inverse * a * inverse * b * inverse * X for b in G] for a in G]
        halves = [inverse * each for each in G]
        information = mpmath.zeros(m)
        for i in range(m):
            for j in range(m):
                trace = sum((halves[i] * halves[j])[k, k] for k in range(dense.n))
                left = 2 * Phi * Q[i][j] - Phi * P[i] * Phi * P[j]
                information[i, j] = (trace - sum(left[k, k] for k in range(p))) / 2
        W = information**-1
        middle = mpmath.zeros(p)
        for i in range(m):
            for j in range(m):
                middle += W[i, j] * (Q[i][j] - P[i] * Phi * P[j])
        adjusted = Phi + 2 * Phi * middle * Phi
        L = mpmath.matrix(rows.tolist())
        q = len(rows)
        Theta = L.T * (L * Phi * L.T) ** -1 * L
        each = [Theta * Phi * one * Phi for one in P]
        trace = lambda M: sum(M[k, k] for k in range(p))  # noqa: E731
        A1 = sum(W[i, j] * trace(each[i]) * trace(each[j]) for i in range(m) for j in range(m))
        A2 = sum(W[i, j] * trace(each[i] * each[j]) for i in range(m) for j in range(m))
        B = (A1 + 6 * A2) / (2 * q)
        g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
        c1, c2, c3 = (each / (3 * q + 2 * (1 - g)) for each in (g, q - g, q + 2 - g))
        E = 1 / (1 - A2 / q)
        spread = mpf(2) / q * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
        rho = spread / (2 * E**2)
        nu = 4 + (q + 2) / (q * rho - 1)
        factor = nu / (E * (nu - 2))
        distance = L * beta
        F = factor / q * (distance.T * (L * adjusted * L.T) ** -1 * distance)[0]
    found = contest(fit, rows, ddf="Kenward-Roger").iloc[0]
    expected = np.array([[float(adjusted[i, j]) for j in range(p)] for i in range(p)])
    np.testing.assert_allclose(kenward_roger(fit).vcov, expected, rtol=0, atol=SOLVED * np.abs(expected).max())
    np.testing.assert_allclose([found["DenDF"], found["F value"]], [float(nu), float(F)], rtol=DEGREES)


def changes_of_V(fit: Fit, dense: Dense) -> list[mpmath.matrix]:
    """Z E Z' for a unit of every entry of the G."""
    found, first = [], 0
    for term in fit.design.terms:
        l, c = len(term.levels), len(term.columns)
        for i, j in combinations_with_replacement(range(c), 2):
            E = mpmath.zeros(dense.Z.cols)
            for level in range(l):
                a, b = first + level * c + i, first + level * c + j
                E[a, b] = E[b, a] = 1
            found.append(dense.Z * E * dense.Z.T)
        first += l * c
    return found


def test_the_chart_of_a_singular_fit_moves_nothing_along_a_column_of_zeros() -> None:
    """At G = 0 the degrees of freedom are those of least squares, n - p; and lmerTest's."""
    for seed in range(100):
        given = data(seed).assign(y=lambda d: d["x"] + np.random.default_rng(0).normal(size=len(d)))
        fit = lmer("y ~ x + (1 | g)", given)
        if not fit.theta.any():
            break
    assert coef_table(fit)["df"].to_numpy() == pytest.approx([11.0, 11.0], rel=DEGREES)
    assert not Lambda(fit.design.template, fit.optimum.theta).count_nonzero()
    assert satterthwaite(fit).d == 11
