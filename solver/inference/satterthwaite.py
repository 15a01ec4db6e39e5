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

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.fits import Fit
from relmer.solver.inference.expansion import Expansion, expansion
from relmer.solver.inference.methods import OPEN, SLOPE, independent, open_inverse, whitened
from relmer.solver.model import Carrier, par_bounds, par_names, pars
from relmer.solver.paths import degrees_of_freedom, working_scales

# Degrees of freedom that count as the same, as in lmerTest.
SAME = 1e-8


@dataclass(frozen=True)
class Satterthwaite:
    """The covariance of beta and its derivatives in par at a fit.

    Attributes
    ----------
    at
        The covariance, and its derivatives in gamma.
    vcov
        sigma^2 Phi of beta (p, p).
    slopes
        dPhi/dpar of R beta (k, p, p).
    slope_of_pwrss
        d log pwrss/dpar (k,).
    inverse
        (d2f/dpar2)^-1 (k, k).
    flat
        Directions of par along which the criterion does not curve (k, m).
    d
        Degrees of freedom of sigma.
    """

    at: Expansion
    vcov: Array
    slopes: Array
    slope_of_pwrss: Array
    inverse: Array
    flat: Array
    d: int

    def degrees(self, l: Array) -> float:
        """1 / (g'(d2f/dpar2)^-1 g + 1 / d), for a contrast l (p,).

        Raises
        ------
        ModelError
            The data leave the variance of the contrast open.
        """
        own = self.at.of(l[None])[0]
        g = own @ self.slopes @ own / (own @ self.at.Phi @ own) + self.slope_of_pwrss
        if np.abs(g @ self.flat).max(initial=0.0) > SLOPE:
            raise ModelError(OPEN)
        return float(1.0 / (g @ self.inverse @ g + 1.0 / self.d))

    def joint(self, L: Array) -> tuple[float, float]:
        """Of F for rows L (m, p): from the nu of the eigenvectors of L vcov L' (Fai and Cornelius 1996).

        t_i^2 of the m uncorrelated contrasts have the expectation nu_i / (nu_i - 2), and F that of an F distribution:

            E = sum of nu_i / (nu_i - 2),   nu = 2 E / (E - m);   2 where some nu_i <= 2.

        The eigenvectors, and so nu, are those of the rows as they stand: F does not depend on their units, nu does.
        """
        axes = linalg.svd(whitened(L, self.vcov), full_matrices=False)[0]
        rows = axes.T[: len(independent(L, self.vcov))] @ L
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


def satterthwaite(fit: Fit) -> Satterthwaite:
    """The exact derivatives that Satterthwaite's degrees of freedom take, at a fit.

    A par of a structure that is at its bound stays there; an entry of theta is in the chart of lme4, where the
    criterion is even in a column of zeros, so that a variance of zero moves nothing.

    Raises
    ------
    ModelError
        The criterion curves down: this is no minimum.
    """
    terms, at = fit.design.terms, expansion(fit)
    each, names = pars(terms, fit.optimum.theta), par_names(terms)
    changes = [
        Carrier(term.structure, C).changes(own)
        for term, C, own in zip(terms, working_scales(fit.prepared), each, strict=True)
    ]
    free = np.repeat([term.is_free for term in terms], [len(own) for own in each]).astype(bool)
    par = np.concatenate([np.zeros(0), *each])
    lower, upper = par_bounds(terms)
    moving = np.flatnonzero(free | ((par > lower) & (par < upper)))
    J = linalg.block_diag(*changes)[moving] if changes else np.zeros((0, 0))
    hessian = fit.derivatives.hessian[moving[:, None], moving]
    inverse, flat = open_inverse(hessian, tuple(names[k] for k in moving))
    return Satterthwaite(
        at=at,
        vcov=fit.vcov.to_numpy(),
        slopes=np.tensordot(J, at.Phi @ at.P @ at.Phi, 1),
        slope_of_pwrss=J @ at.slope_of_pwrss,
        inverse=inverse,
        flat=flat,
        d=degrees_of_freedom(fit.design, fit.REML),
    )
