"""Satterthwaite's degrees of freedom from exact derivatives (inference.md, 5 to 8).

The variance v = l'(sigma^2 Phi) l of a contrast is a random number, of which 2 v^2 / var(v) is the nu of a chi-square.
The asymptotic covariance of (theta, sigma) is 2 H^-1, with H the Hessian of the criterion before sigma is profiled out.
H falls apart: with f the profiled criterion, d = n - p (REML) or n, and s = log sigma,

    var(theta) = 2 (d2f/dtheta2)^-1,   s = log(pwrss(theta) / d) / 2 plus a part of its own, of variance 1 / (2 d).

So, with the relative slope g = d log(pwrss l'Phi l)/dtheta of the variance along the profile,

    nu = 1 / (g' (d2f/dtheta2)^-1 g + 1 / d).

It is never more than d, and that of ordinary least squares where no variance but sigma^2 matters. lmerTest (Kuznetsova,
Brockhoff and Christensen 2017) takes differences of both derivatives in place of the exact ones.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.solver.algebra import full_rank_columns, lower_triangle
from relmer.solver.arrays import Array
from relmer.solver.elimination import expected, weights
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference.expansion import Expansion, expansion
from relmer.solver.inference.methods import KNOWN, OPEN, ROUNDED, Curved, curved, independent
from relmer.solver.model import Carrier, Covariance, gamma_of, pars
from relmer.solver.paths import degrees_of_freedom

# What is left of a column that others determine exactly is rounding.
EXACT = ROUNDED
# Degrees of freedom that count as the same, as in lmerTest.
SAME = 1e-8


@dataclass(frozen=True)
class Satterthwaite:
    """The covariance of beta and its derivatives in coordinates x of theta at a fit.

    Attributes
    ----------
    at
        The covariance, and its derivatives in gamma.
    slopes
        dPhi/dx of R beta (k, p, p).
    slope_of_pwrss
        d log pwrss/dx (k,).
    curved
        d2f/dx2 (k, k).
    d
        Degrees of freedom of sigma.
    """

    at: Expansion
    slopes: Array
    slope_of_pwrss: Array
    curved: Curved
    d: int

    def whitened(self, L: Array) -> Array:
        """Rows L vcov^1/2 (m, p)."""
        return self.at.whitened(L, self.at.Phi)

    def degrees(self, l: Array) -> float:
        """1 / (g'(d2f/dx2)^-1 g + 1 / d), for a contrast l (p,).

        Raises
        ------
        ModelError
            The data leave the variance of the contrast open.
        """
        own = self.at.of(l[None])[0]
        g = own @ self.slopes @ own / (own @ self.at.Phi @ own) + self.slope_of_pwrss
        form, error = self.curved.form(g[:, None])
        share = float(form[0, 0]) + 1.0 / self.d
        if error > KNOWN * share:
            raise ModelError(OPEN)
        return 1.0 / share

    def joint(self, L: Array) -> tuple[float, float]:
        """Of F for rows L (m, p): from the nu of the eigenvectors of L vcov L' (Fai and Cornelius 1996).

        t_i^2 of the m uncorrelated contrasts have the expectation nu_i / (nu_i - 2), and F that of an F distribution:

            E = sum of nu_i / (nu_i - 2),   nu = 2 E / (E - m);   2 where some nu_i <= 2.

        The eigenvectors, and so nu, are those of the rows as they stand: F does not depend on their units, nu does.
        """
        white = self.whitened(L)
        axes = linalg.svd(white, full_matrices=False)[0]
        rows = axes.T[: len(independent(white))] @ L
        return joined(np.array([self.degrees(row) for row in rows])), 1.0


def joined(nu: Array) -> float:
    """The nu of F from those of its uncorrelated parts (m,).

    Examples
    --------
    >>> joined(np.array([5.0, 5.0])), joined(np.array([2.0, 9.0])), joined(np.array([4.0, 6.0])).__round__(3)
    (5.0, 2.0, 4.667)
    """
    if np.all(np.abs(np.diff(nu)) < SAME):
        return float(nu.mean())
    if np.any(nu <= 2):
        return 2.0
    E = float((nu / (nu - 2)).sum())
    return 2 * E / (E - len(nu))


@dataclass(frozen=True)
class Chart:
    """Coordinates x of what theta, or the par of a structure, can move of one term.

    Attributes
    ----------
    changes
        d(C'G C)/dx, the lower triangle of each, (k, m).
    bend
        tr(Delta d2(C'G C)/dx2) (k, k).
    """

    changes: Array
    bend: Array


def by_columns(basis: Array, C: Array, root: Array, dual: Array) -> Chart:
    """The chart of a term without structure, for its C (c, r), C'T (r, c) and dual (r, r).

    Column j of T moves in its rows from j on, and that of C'T in the span of rows j to c of C, for which orthonormal
    columns are taken: x is linear in theta, so that the chart is that of theta but for its units. What is redundant is
    told by the exact basis (c, r) of the term's columns.
    """
    rows, columns = lower_triangle(C.shape[1])
    spans = [np.linalg.qr(C[j + full_rank_columns(basis[j:].T, EXACT)].T)[0] for j in range(len(C))]
    outer = [np.einsum("ak,b->kab", Q, t) for Q, t in zip(spans, root.T, strict=True)]
    moved = np.concatenate(outer)
    return Chart(
        (moved + moved.transpose(0, 2, 1))[:, rows, columns],
        np.asarray(linalg.block_diag(*(2.0 * Q.T @ dual @ Q for Q in spans))),
    )


def by_structure(structure: Covariance, C: Array, par: Array, dual: Array) -> Chart:
    """The chart of a term with a structure: those of its par that are at no bound."""
    lower, upper = structure.bounds(len(C))
    inside = np.flatnonzero((par > lower) & (par < upper))
    carrier = Carrier(structure, C)
    return Chart(carrier.changes(par)[inside], carrier.bend(par, dual)[inside[:, None], inside])


def satterthwaite(fit: Fit) -> Satterthwaite:
    """The exact derivatives that Satterthwaite's degrees of freedom take, at a fit.

    A par of a structure that is at its bound stays there; an entry of theta is in the chart of lme4, where the
    criterion is even in a column of zeros, so that a variance of zero moves nothing.

    Raises
    ------
    ModelError
        The criterion curves down: this is no minimum.
    """
    terms, at, sound = fit.design.terms, expansion(fit), fit.prepared.sound
    n, p = fit.design.X.shape
    duals, second = at.curvature(weights(p, n, fit.REML))
    par = pars(terms, fit.optimum.theta)
    units, whole = at.curvature(expected(p, False))
    charts, sums = (
        [
            by_columns(sound.bases[k].C, at.scales[k], root, dual)
            if terms[k].is_free
            else by_structure(terms[k].structure, at.scales[k], par[k], dual)
            for k, root, dual in zip(sound.present, at.roots, each, strict=bool(duals))
        ]
        for each in (duals, units)
    )
    names = [terms[k].group for k, chart in zip(sound.present, charts, strict=bool(duals)) for _ in chart.bend]
    J = linalg.block_diag(*(chart.changes for chart in charts)) if charts else np.zeros((0, 0))
    bends = linalg.block_diag(*(chart.bend for chart in charts)) if charts else np.zeros((0, 0))
    hessian = J @ second @ J.T + bends
    summed = np.abs(J) @ (np.abs(second) + np.abs(whole)) @ np.abs(J).T + np.abs(bends)
    summed += linalg.block_diag(*(np.abs(chart.bend) for chart in sums)) if sums else 0.0
    gradient = J @ gamma_of(duals) if duals else np.zeros(0)
    return Satterthwaite(
        at=at,
        slopes=np.tensordot(J, at.Phi @ at.P @ at.Phi, 1),
        slope_of_pwrss=J @ at.slope_of_pwrss,
        curved=curved(hessian, summed.diagonal(), names, at.lost, gradient),
        d=degrees_of_freedom(fit.design, fit.REML),
    )
