"""The deviance with one parameter held fixed and all others at their optimum: the profile likelihood.

For theta and sigma apart, with s = log(sigma), -2 log-likelihood is (theory.md, 8, before sigma is profiled out)

    F(theta, s) = log|L|^2 + n log(2 pi) + 2 n s + pwrss / sigma^2 - log|W|.

A coefficient is held fixed by its column's leaving X for the offset. A standard deviation comes first in its T, so
that it is sigma T_11; a correlation of the first two columns is T_21 / r, r^2 = T_21^2 + T_22^2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import Design, factors, theta_of
from relmer.solver.paths import Prepared, criterion, derivatives_at, prepare, solve_at
from relmer.solver.search import optimise

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

# A step that promises this is the last: Newton's method squares it, and what is left of the deviance is below rounding.
DECREMENT = 1e-9
STEPS = 100
# A relative SD of 0 is stationary whether or not it is least, so that no search begins there.
LIFTED = 0.3


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model by maximum likelihood.

    Attributes
    ----------
    name, old
        As lme4 names it with oldNames=FALSE, and with oldNames=TRUE.
    estimate
        Where the deviance is least.
    least, largest
        What it can be.
    width
        A first guess of how far the ends of an interval are.
    deviance
        By its value the least deviance.
    """

    name: str
    old: str
    estimate: float
    least: float
    largest: float
    width: float
    deviance: Callable[[float], float]


def parameters(fit: "Fit") -> list[Parameter]:
    """Those of a fit by maximum likelihood, in lme4's order: term by term as theta, sigma, beta.

    Raises
    ------
    ModelError
        A term has a structure, or the data leave covariances open: their profiles are flat.
    """
    design = fit.design
    if bad := [term.structure.name for term in design.terms if not term.is_free]:
        raise ModelError(f"the profile of a term with the structure {bad[0]} is not there: give its par by at_par")
    if fit.unidentified.names:
        raise ModelError(f"the profile is flat: the data leave {', '.join(sorted(fit.unidentified.names))} open")
    found: list[Parameter] = []
    for k, (term, T) in enumerate(zip(design.terms, factors(design.terms, fit.optimum.theta), strict=True)):
        names, sd = term.columns, fit.sigma * np.sqrt((T**2).sum(axis=1))
        for j, column in enumerate(names):
            old = f".sig{len(found) + 1:02d}"
            at, span = float(sd[j]), float(sd[j]) or fit.sigma
            search = Held(*reordered(fit, k, [j]), first_of(design, k), False)
            found.append(Parameter(f"sd_{column}|{term.group}", old, at, 0.0, math.inf, span / 4, search))
            for i in range(j + 1, len(names)):
                old, rho = f".sig{len(found) + 1:02d}", float(T[j] @ T[i]) * fit.sigma**2
                if sd[i] * sd[j] == 0:
                    raise ModelError(f"the correlation of {column} and {names[i]} is open: a standard deviation is 0")
                pair = Held(*reordered(fit, k, [j, i]), first_of(design, k), True)
                name = f"cor_{names[i]}.{column}|{term.group}"
                found.append(Parameter(name, old, rho / float(sd[i] * sd[j]), -1.0, 1.0, 0.25, pair))
    n = len(design.y)
    spread = fit.sigma / math.sqrt(2 * n)
    found.append(
        Parameter("sigma", ".sigma", fit.sigma, 0.0, math.inf, spread, Held(fit.prepared, fit.optimum.theta, -1, False))
    )
    for j, name in enumerate(design.coefficients):
        b, se = float(fit.beta.iloc[j]), float(fit.se.iloc[j])
        found.append(Parameter(name, name, b, -math.inf, math.inf, se, of_coefficient(fit, j)))
    return found


def first_of(design: Design, k: int) -> int:
    """Where theta of term k begins."""
    return sum(len(term.columns) * (len(term.columns) + 1) // 2 for term in design.terms[:k])


def reordered(fit: "Fit", k: int, first: list[int]) -> tuple[Prepared, Array]:
    """The model with columns of term k put first, and its theta."""
    design, terms = fit.design, list(fit.design.terms)
    order = first + [j for j in range(len(terms[k].columns)) if j not in first]
    blocks = factors(terms, fit.optimum.theta)
    R = np.asarray(linalg.qr(blocks[k][order].T, mode="r")[0], dtype=float)
    signs = np.where(R.diagonal() < 0, -1.0, 1.0)
    blocks[k] = np.asarray((signs[:, None] * R).T, dtype=float)
    columns = tuple(terms[k].columns[j] for j in order)
    terms[k] = replace(terms[k], columns=columns, X=np.ascontiguousarray(terms[k].X[:, order]))
    return prepare(replace(design, terms=tuple(terms)), fit.method), theta_of(blocks)


def of_coefficient(fit: "Fit", j: int) -> Callable[[float], float]:
    """The least deviance with coefficient j held fixed: a search over theta of the model without its column."""
    design = fit.design
    keep = np.delete(np.arange(design.X.shape[1]), j)
    names = tuple(design.coefficients[i] for i in keep)

    def deviance(value: float) -> float:
        offset = value * design.X[:, j] + (0.0 if design.offset is None else design.offset)
        without = replace(design, X=np.ascontiguousarray(design.X[:, keep]), coefficients=names, offset=offset)
        prepared = prepare(without, fit.method)
        _, found = optimise(prepared, False, fit.optimum.theta, alone=False)
        return criterion(without, found, False)

    return deviance


class Held:
    """The least deviance with sigma, the SD sigma T_11 or the correlation of two first columns of a term held fixed.

    Newton's method with exact derivatives, from where the last search ended and from the optimum; the lower end counts.
    """

    def __init__(self, prepared: Prepared, theta: Array, place: int, is_correlation: bool) -> None:
        self.prepared, self.place, self.is_correlation = prepared, place, is_correlation
        design = prepared.design
        self.second = place + (first_width(design, place) if place >= 0 else 0)
        free = np.ones(len(theta), dtype=bool)
        if place >= 0:
            free[place + 1 if is_correlation else place] = False
        self.free = np.flatnonzero(free)
        begin = np.where(design.template.diagonal & (theta == 0), LIFTED, theta)
        # A sign of T's column means nothing; but of the two that a correlation is of it does.
        low = np.full(len(theta), -np.inf)
        if is_correlation:
            begin[self.second] = math.hypot(theta[place + 1], theta[self.second])
            low[[place, self.second]] = 0.0
        s = [] if place < 0 else [0.5 * math.log(solve_at(prepared, theta).pwrss / len(design.y))]
        self.low = np.concatenate([low[self.free], np.full(len(s), -np.inf)])
        self.begin = self.last = np.concatenate([begin[self.free], s])

    def __call__(self, value: float) -> float:
        """The least deviance at a value."""
        ends = [self.search(value, x) for x in (self.last, self.begin)]
        least, self.last = min(ends, key=lambda end: end[0])
        return least

    def search(self, value: float, x: Array) -> tuple[float, Array]:
        """The deviance where Newton's steps from x end, and where that is."""
        here, g, H = self.at(value, x)
        for _ in range(STEPS):
            free = (x > self.low) | (g < 0)
            sizes, axes = linalg.eigh(H[np.ix_(free, free)])
            sizes = np.maximum(np.abs(sizes), 1e-12 * np.abs(sizes).max(initial=1e-300))
            lengths = axes.T @ g[free] / sizes
            decrement = float(sizes @ lengths**2)
            step = np.zeros(len(x))
            step[free] = -axes @ lengths
            fraction = 1.0
            if decrement <= DECREMENT:
                # What this step promises is below rounding but for a last digit: no shorter one is tried.
                there = self.at(value, np.maximum(x + step, self.low))
                return (there[0], np.maximum(x + step, self.low)) if there[0] < here else (here, x)
            while fraction > 1e-8:
                trial = np.maximum(x + fraction * step, self.low)
                there = self.at(value, trial)
                if there[0] < here:
                    break
                fraction /= 2
            else:
                break
            x, (here, g, H) = trial, there
        return here, x

    def at(self, value: float, x: Array) -> tuple[float, Array, Array]:
        """F, its gradient and its Hessian in what is free (theta, s)."""
        n, k = len(self.prepared.design.y), len(self.free)
        s = math.log(value) if self.place < 0 else float(x[-1])
        theta = np.zeros(len(self.prepared.design.template.diagonal))
        theta[self.free] = x[:k]
        J = np.zeros((len(theta) + 1, len(x)))
        J[self.free, np.arange(k)] = 1.0
        J[-1, k:] = 1.0
        if self.is_correlation:
            r, other = theta[self.second], math.sqrt(max(0.0, 1.0 - value**2))
            column = int(np.flatnonzero(self.free == self.second)[0])
            theta[self.place + 1], theta[self.second] = value * r, other * r
            J[self.place + 1, column], J[self.second, column] = value, other
        elif self.place >= 0:
            theta[self.place] = value * math.exp(-s)
            J[self.place, -1] = -theta[self.place]
        at = solve_at(self.prepared, theta)
        whole = derivatives_at(self.prepared, theta, False)
        logdet = derivatives_at(self.prepared, theta, False, of_logdet=True)
        relative, of_y = at.pwrss * math.exp(-2 * s) / n, whole.gradient - logdet.gradient
        f = criterion(self.prepared.design, at, False) + n * (2 * s - math.log(at.pwrss / n) + relative - 1.0)
        g = np.append(logdet.gradient + relative * of_y, 2 * n * (1.0 - relative))
        H = np.empty((len(g), len(g)))
        H[:-1, :-1] = logdet.hessian + relative * (whole.hessian - logdet.hessian + np.outer(of_y, of_y) / n)
        H[-1, :-1] = H[:-1, -1] = -2 * relative * of_y
        H[-1, -1] = 4 * n * relative
        inner = J.T @ H @ J
        if self.place >= 0 and not self.is_correlation:
            inner[-1, -1] += g[self.place] * theta[self.place]
        return f, J.T @ g, inner


def first_width(design: Design, place: int) -> int:
    """The columns of the term whose theta begins at a place."""
    return next(len(term.columns) for k, term in enumerate(design.terms) if first_of(design, k) == place)
