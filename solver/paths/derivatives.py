"""Exact first and second derivatives of the profiled criterion, in the covariances G and in theta.

With V = I + Z G Z' and N = n or n - p, write

    H = Z'V^-1 Z,   P = H - Z'V^-1 X (X'V^-1 X)^-1 X'V^-1 Z,   e = Z'V^-1 (y - X beta),   r2 = pwrss,

and K = P for REML, H for maximum likelihood. For symmetric changes E, F of G

    df  = tr(K E) - N e'E e / r2,
    d2f = -tr(K E K F) + 2 N e'E P F e / r2 - N (e'E e)(e'F e) / r2^2.

These hold at every positive semi-definite G, singular ones too, because G is never inverted. `nested` and `crossed`
find the traces without H, which is dense; `chart` carries the derivatives over to theta.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.elimination import structure, weights
from relmer.solver.model import Design, carried, chain, factors
from relmer.solver.paths import pls


@dataclass(frozen=True)
class Derivatives:
    """Derivatives at one theta.

    Attributes
    ----------
    duals
        Per term the symmetric (c, c) matrix S with df = tr(S dG).
    gradient, hessian
        With respect to theta.
    """

    duals: tuple[Array, ...]
    gradient: Array
    hessian: Array


def derivatives(state: pls.State, blocks: Sequence[Array], REML: bool) -> Derivatives:
    """Duals, gradient and Hessian at the factors T (one per term), all in the units of the design."""
    if not blocks:
        return Derivatives((), np.zeros(0), np.zeros((0, 0)))
    roots = [C.T @ T for C, T in zip(state.scales, blocks, strict=True)]
    G = [root @ root.T for root in roots]
    n, p = state.design.X.shape
    at = structure.solve(state.structure, G)
    duals, second = structure.curvature(state.structure, at, weights(p, n, REML))
    original = [C @ S @ C.T for C, S in zip(state.scales, duals, strict=True)]
    return Derivatives(tuple(original), *chain(blocks, original, carried(state.scales, second)))


def derivatives_at(design: Design, theta: Array, REML: bool) -> Derivatives:
    """Duals, gradient and Hessian of the criterion of a design at theta."""
    return derivatives(pls.prepare(design), factors(design.terms, theta), REML)
