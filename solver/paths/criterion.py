"""The profiled criterion, the only place where it is put together.

Every path reduces a design and a theta to the same six (`Solution`); from these come the profiled deviance and the REML
criterion (theory.md, 8: Bates 2011, slides 13 and 15; Bates et al. 2015, equations 35 and 42 as in lme4's vignette).
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from relmer.solver.algebra import logdet_triangle
from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError
from relmer.solver.model import (
    Design,
    Sound,
    checked_theta,
    factors,
    inwards,
    par_names,
    pars,
    root,
    sounded,
    theta_names,
)
from relmer.solver.paths import gls, pls, qr
from relmer.solver.paths.solution import Path, Solution

Method = Literal["pls", "qr", "gls"]
PATHS: Mapping[str, Callable[[Design], Path]] = {"pls": pls.prepare, "qr": qr.prepare, "gls": gls.prepare}


@dataclass(frozen=True)
class Prepared:
    """A design, the same in sound coordinates, and what one path made of these once and for all theta."""

    design: Design
    sound: Sound
    method: Method
    path: Path

    @cached_property
    def reduced(self) -> pls.Reduced:
        """The reduced rows, from which derivatives, and so the search, come whatever the path."""
        return cast(pls.Reduced, self.path) if self.method == "pls" else pls.prepare(self.sound.design)


def prepare(design: Design, method: str = "pls") -> Prepared:
    """Do once what does not depend on theta.

    Raises
    ------
    ModelError
        The method is none of "pls", "qr" and "gls", or a number is so large or small that its square is none.
    """
    if not isinstance(method, str) or method not in PATHS:
        raise ModelError(f"method {method!r:.60} is not known; choose one of {', '.join(get_args(Method))}")
    at = sounded(design)
    return Prepared(design=design, sound=at, method=cast(Method, method), path=PATHS[method](at.design))


def working_scales(prepared: Prepared) -> list[Array]:
    """C (c, r) of every term: its working G is C'G C for the G of the columns as they were given; r may be 0."""
    sound = prepared.sound
    scales = [np.zeros((len(term.columns), 0)) for term in prepared.design.terms]
    for k, C in zip(sound.present, prepared.reduced.scales, strict=True):
        scales[k] = C if sound.plain else sound.w_unit * sound.bases[k].C @ C
    return scales


def solve_at(prepared: Prepared, theta: ArrayLike) -> Solution:
    """Profile the likelihood at theta: beta and u at their optimum, and the pieces of the criterion.

    Raises
    ------
    ModelError
        Theta has not one value for each of its names, or is so large that rounding leaves no digits.
    """
    terms, sound = prepared.design.terms, prepared.sound
    return given(sound, prepared.path.solve_at(inwards(sound, factors(terms, checked_theta(terms, theta)))))


def solve_at_par(prepared: Prepared, par: Sequence[ArrayLike]) -> Solution:
    """As `solve_at`, given the par of every term: the path "gls" takes G as it is defined, the others T by its theta.

    Raises
    ------
    ModelError
        A term has another number of par, or par is so large that rounding leaves no digits.
    """
    terms, sound = prepared.design.terms, prepared.sound
    values = [np.asarray(own, dtype=float) for own in par]
    if [each.shape for each in values] != [own.shape for own in pars(terms, np.zeros(len(theta_names(terms))))]:
        raise ModelError(f"par has other lengths than its names, term by term: {', '.join(par_names(terms))}")
    defined = prepared.method == "gls"
    blocks = [root(term.structure, own, len(term.columns), defined) for term, own in zip(terms, values, strict=True)]
    return given(sound, prepared.path.solve_at(inwards(sound, blocks)))


def given(sound: Sound, at: Solution) -> Solution:
    """A solution in sound coordinates in those of the design as it was given.

    Raises
    ------
    ModelError
        The penalized weighted sum of squares is no double.
    """
    if sound.plain:
        return at
    p, scale = len(at.beta), sound.y_unit * sound.w_unit
    C, pwrss = sound.fixed.C, scale * (scale * at.pwrss)
    if at.pwrss > 0 and not sys.float_info.min <= pwrss < math.inf:
        raise ModelError(
            "weights times the squared residual are no doubles: "
            f"{'divide' if scale > 1 else 'multiply'} the weights by a constant, which changes sigma and theta alone"
        )
    u = np.zeros(sum(sound.counts))
    present = np.array([k in sound.present for k in range(len(sound.counts))], dtype=bool)
    u[np.repeat(present, sound.counts)] = scale * at.u
    return Solution(
        logdet_L=at.logdet_L,
        logdet_RX=at.logdet_RX + logdet_triangle(C) + 2 * p * math.log(sound.w_unit),
        pwrss=pwrss,
        beta=sound.y_unit * sound.fixed.outwards(at.beta[:, None])[:, 0],
        u=u,
        RX=sound.w_unit * at.RX @ C.T,
        inner=at,
    )


def degrees_of_freedom(design: Design, REML: bool) -> int:
    """d, the divisor of pwrss in sigma^2: n - p for REML, n for maximum likelihood."""
    n, p = map(int, design.X.shape)
    return n - p if REML else n


def criterion(design: Design, at: Solution, REML: bool) -> float:
    """Profiled deviance (REML=False) or REML criterion (REML=True).

    log|L|^2 + [log|RX|^2] + d (1 + log(2 pi pwrss / d)) - log|W|, with d = n - p for REML and n otherwise (theory.md,
    8).
    """
    return sum(parts(design, REML, at.logdet_L, at.logdet_RX, at.pwrss))


def size(design: Design, at: Solution, REML: bool) -> float:
    """What the rounding of the criterion is relative to: its parts without their signs."""
    return sum(map(abs, parts(design, REML, at.logdet_L, at.logdet_RX, at.pwrss)))


def parts(design: Design, REML: bool, logdet_L: float, logdet_RX: float, pwrss: float) -> list[float]:
    """What the criterion is the sum of."""
    d = degrees_of_freedom(design, REML)
    found = [logdet_L, float(d), d * math.log(2 * math.pi * pwrss / d)]
    if REML:
        found.append(logdet_RX)
    if design.weights is not None:
        found.append(-float(np.log(design.weights).sum()))
    return found
