"""Exact first and second derivatives of the profiled criterion, in the covariances G and in theta.

With d = n - p for REML and n for maximum likelihood, write

    H = Z'V^-1 Z,   H_X = H - Z'V^-1 X (X'V^-1 X)^-1 X'V^-1 Z,   e = Z'V^-1 (y - X beta).

Along symmetric changes E, F of G, with H in place of H_X in the two traces for maximum likelihood (theory.md, 27),

    f_E  = tr(H_X E) - d e'E e / pwrss,
    f_EF = -tr(H_X E H_X F) + 2 d e'E H_X F e / pwrss - d (e'E e)(e'F e) / pwrss^2.

These hold at every positive semi-definite G, singular ones too, because G is never inverted. `nested` and `crossed`
find the traces without H, which is dense (theory.md, 28 to 32); `chart` carries the derivatives over to theta
(theory.md, 35 and 36).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from relmer.solver.arrays import Array
from relmer.solver.elimination import expected, weights
from relmer.solver.model import (
    Carrier,
    carried,
    chain,
    chain_of,
    checked_theta,
    factors,
    inwards,
    is_structured,
    pars,
)
from relmer.solver.paths.criterion import Prepared, working_scales
from relmer.solver.paths.pls import working_roots


@dataclass(frozen=True)
class Derivatives:
    """Derivatives at one theta.

    Attributes
    ----------
    duals
        Per term the symmetric dual Delta (c, c) = df/dG: f_E = tr(Delta E).
    gradient, hessian
        With respect to par, which is theta where no term has a structure.
    """

    duals: tuple[Array, ...]
    gradient: Array
    hessian: Array


def derivatives_at(prepared: Prepared, theta: ArrayLike, REML: bool, of_logdet: bool = False) -> Derivatives:
    """Duals, gradient and Hessian of the criterion, or of log|L|^2 alone, at theta, or at the par that it stands for.

    Raises
    ------
    ModelError
        Theta has not one value for each of its names.
    """
    terms, sound, reduced = prepared.design.terms, prepared.sound, prepared.reduced
    values = checked_theta(terms, theta)
    blocks, par = factors(terms, values), pars(terms, values)
    if not sound.present:
        k = sum(map(len, par))
        return Derivatives(tuple(np.zeros(T.shape) for T in blocks), np.zeros(k), np.zeros((k, k)))
    scales = working_scales(prepared)
    structure = reduced.structure
    n, p = reduced.design.X.shape
    roots = working_roots(reduced.scales, inwards(sound, blocks))
    duals, second = structure.curvature(
        structure.at_roots(roots), expected(p, swept=False) if of_logdet else weights(p, n, REML)
    )
    original = [np.zeros(T.shape) for T in blocks]
    for k, dual in zip(sound.present, duals, strict=True):
        original[k] = scales[k] @ dual @ scales[k].T
    if not is_structured(terms):
        return Derivatives(tuple(original), *chain(blocks, original, carried(scales, second)))
    inner = [np.zeros((0, 0)) for _ in blocks]
    for k, dual in zip(sound.present, duals, strict=True):
        inner[k] = dual
    carriers = [Carrier(term.structure, C) for term, C in zip(terms, scales, strict=True)]
    return Derivatives(tuple(original), *chain_of(carriers, par, inner, second))
