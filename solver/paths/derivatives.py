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

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array
from relmer.solver.elimination import weights
from relmer.solver.model import carried, chain, checked_theta, factors, inwards
from relmer.solver.paths.criterion import Prepared
from relmer.solver.paths.pls import working_roots


@dataclass(frozen=True)
class Derivatives:
    """Derivatives at one theta.

    Attributes
    ----------
    duals
        Per term the symmetric dual Delta (c, c) = df/dG: f_E = tr(Delta E).
    gradient, hessian
        With respect to theta.
    """

    duals: tuple[Array, ...]
    gradient: Array
    hessian: Array


def derivatives_at(prepared: Prepared, theta: ArrayLike, REML: bool) -> Derivatives:
    """Duals, gradient and Hessian of the criterion at theta.

    Raises
    ------
    ModelError
        Theta has not one value for each of its names.
    """
    terms, sound, reduced = prepared.design.terms, prepared.sound, prepared.reduced
    blocks = factors(terms, checked_theta(terms, theta))
    if not sound.present:
        k = sum(len(lower_triangle(len(T))[0]) for T in blocks)
        return Derivatives(tuple(np.zeros(T.shape) for T in blocks), np.zeros(k), np.zeros((k, k)))
    scales = [np.zeros((len(T), 0)) for T in blocks]
    for k, C in zip(sound.present, reduced.scales, strict=True):
        scales[k] = C if sound.plain else sound.w_unit * sound.bases[k].C @ C
    structure = reduced.structure
    n, p = reduced.design.X.shape
    roots = working_roots(reduced.scales, inwards(sound, blocks))
    duals, second = structure.curvature(structure.solve([root @ root.T for root in roots]), weights(p, n, REML))
    original = [np.zeros(T.shape) for T in blocks]
    for k, dual in zip(sound.present, duals, strict=True):
        original[k] = scales[k] @ dual @ scales[k].T
    return Derivatives(tuple(original), *chain(blocks, original, carried(scales, second)))
