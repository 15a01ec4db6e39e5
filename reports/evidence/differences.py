"""How far degrees of freedom move that are had by differences in the place of derivatives."""

import numpy as np
from scipy import linalg

from relmer.reports.evidence import tolerances
from relmer.reports.evidence.conditioning import condition
from relmer.reports.evidence.landscape import Landscape
from relmer.reports.evidence.uncentred import products, uncentred
from relmer.solver.arrays import Array
from relmer.solver.fits import Fit, at_theta
from relmer.solver.model import is_structured
from relmer.solver.paths import degrees_of_freedom

# numDeriv's Richardson extrapolation: first steps relative to |x|, and that of an x below ZERO; three halvings.
HESSIAN, JACOBIAN, BESIDE_ZERO, ZERO, HALVED = 0.1, 1e-4, 1e-4, 1.8e-5, 8.0
# An eigenvalue of the Hessian that lmerTest counts as zero.
FLAT = 1e-8
# Relative step of the derivatives of a bound, which need no digits.
STEP = 1e-4


def by_differences(view: Landscape, fit: Fit, L: Array) -> Array:
    """How far differences in the place of derivatives may move 1 / nu of contrasts L (m, p) at a fit: (m,).

    With x = (theta, sigma), f the criterion, v the variance of the contrast and H = d2f/dx2, 1 / nu = z'Hz for
    z = H^-1 dlog(v)/dx. numDeriv's Richardson extrapolation ends at steps h = (0.1 |x|) / 8 for H, (1e-4 |x|) / 8
    for dv/dx. f rounded by delta moves a second difference by 4 delta / h^2, the extrapolation at most doubles
    that, and a mixed one, which takes off the two plain ones, is known to 20 delta / (h_i h_j). |E| is no more, so

        |d(1/nu)| <= z'|E|z / (1 - r) + 4 sum |z_i| eps_v / h_i,   r = sum |H^-1|_ij |E_ij|;

    infinite where r reaches 1/2. What the extrapolation leaves out is 1e-12 of H: f is analytic as far as |x|.
    """
    m, theta = len(L), fit.optimum.theta
    if is_structured(fit.design.terms) or m == 0:
        return np.zeros(m)
    d = degrees_of_freedom(fit.design, fit.REML)
    delta = max(tolerances.GAP * view.size, products(view, theta.tolist()))
    eps = 64 * tolerances.EPS + tolerances.EPS * condition(view, theta.tolist())
    lost = tolerances.EPS * condition(view, theta.tolist()) * len(fit.design.y)
    delta = max(delta, lost, uncentred(view, theta.tolist()).criterion)
    H = view.derivatives(theta).hessian
    # In log sigma = s: f_ss = 4 d, f_xs = -2 d dlog(pwrss)/dx, dlog(v)/ds = 2.
    steps = STEP * np.maximum(np.abs(theta), STEP)
    ends = [
        [at_theta(fit, theta + side * step * row) for side in (1, -1)]
        for step, row in zip(steps, np.eye(len(theta)), strict=True)
    ]
    slope_of_v = np.array(
        [
            np.log(variances(up, L) / variances(down, L)) / (2 * step)
            for (up, down), step in zip(ends, steps, strict=True)
        ]
    )
    slope_of_s = np.array(
        [2 * np.log(up.sigma / down.sigma) / (2 * step) for (up, down), step in zip(ends, steps, strict=True)]
    )
    sizes, axes = linalg.eigh(H)
    seen = sizes > FLAT
    inverse = (axes[:, seen] / sizes[seen]) @ axes[:, seen].T
    z = inverse @ slope_of_v.reshape(len(theta), m)
    s = 1 / (2 * d) + slope_of_s @ z / 2
    z, x = np.vstack([z, s[None]]), np.append(np.abs(theta), 1.0)
    beside = np.where(x < ZERO, BESIDE_ZERO, 0.0)
    h, j = (HESSIAN * x + beside) / HALVED, (JACOBIAN * x + beside) / HALVED
    E = 20 * delta / np.outer(h, h)
    r = float((np.abs(inverse) * E[:-1, :-1]).sum())
    moved = np.einsum("ip,ij,jp->p", np.abs(z), E, np.abs(z))
    moved = moved / (1 - r) if r < 0.5 else np.full(m, np.inf)
    return np.asarray(moved + 4 * (eps / j) @ np.abs(z))


def variances(fit: Fit, L: Array) -> Array:
    """Of contrasts L beta (m,)."""
    return np.asarray(((L @ fit.vcov.to_numpy()) * L).sum(axis=1))
