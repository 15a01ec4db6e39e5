"""How a function is computed for other rows by what it learnt from those of a fit: one learner each.

It takes what computes the function, and the arguments on all rows of the fit, and gives what computes it elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.language import bases, intervals
from relmer.solver.language.factors import Variable, as_factor

Compute = Callable[..., Any]


def of_scale(_: Compute, *values: Any) -> Compute:
    """The numbers that are taken away and divided by."""
    return partial(scaled_by, *bases.center_and_scale(*values))


def of_polynomials(_: Compute, *values: Any) -> Compute:
    """The recursions."""
    return partial(polynomials_by, bases.recursions(*values[:4]))


def of_b_splines(_: Compute, *values: Any) -> Compute:
    """The knots."""
    return partial(b_splines_by, *bases.knots_of_bs(*values))


def of_natural_splines(_: Compute, *values: Any) -> Compute:
    """The knots."""
    return partial(natural_splines_by, *bases.knots_of_ns(*values))


def of_cut(_: Compute, *values: Any) -> Compute:
    """The breaks."""
    return partial(cut_by, intervals.breaks_of(*values[:2]))


def of_factor(compute: Compute, variable: Variable, levels: Any, *_: Any) -> Compute:
    """The levels, unless they are given."""
    return compute if levels is not None else partial(factor_by, as_factor(*variable).levels, compute)


def of_levels(compute: Compute, variable: Variable) -> Compute:
    """The levels of what is turned into a factor."""
    return partial(levels_by, compute(variable)[0].levels, compute)


def scaled_by(center: bool | Array, scale: bool | Array, x: Array, *_: Any) -> Any:
    """`scale` by numbers that are known."""
    return bases.scaled(x, center, scale)


def polynomials_by(known: Any, x: Array, others: Sequence[Array], degree: float, raw: bool, *_: Any) -> Any:
    """`poly` by recursions that are known."""
    return bases.polynomials(x, others, degree, raw, known=known)


def b_splines_by(
    knots: Array, ends: Array, x: Array, _: Any, __: Any, degree: float, intercept: bool, *___: Any
) -> Any:
    """`bs` by knots that are known."""
    return bases.b_splines(x, None, knots, degree, intercept, ends)


def natural_splines_by(knots: Array, ends: Array, x: Array, *others: Any) -> Any:
    """`ns` by knots that are known."""
    _, _, intercept, _ = others
    return bases.natural_splines(x, None, knots, intercept, ends)


def cut_by(breaks: Any, x: Any, given: Any, *others: Any) -> Any:
    """`cut` by breaks that are known; dates are cut anew, their periods are those of the calendar."""
    return intervals.cut(x, given if breaks is None else (breaks, None), *others)


def factor_by(levels: tuple[str, ...], compute: Any, variable: Variable, _: Any, *others: Any) -> Any:
    """`factor` with levels that are known, and new ones after them; what is missing may be the last of all."""
    own = as_factor(*variable)
    last = [None] if own.codes.min(initial=0) < 0 else []
    return compute(variable, (*levels, *(each for each in own.levels if each not in levels), *last), *others)


def levels_by(levels: tuple[str, ...], compute: Any, variable: Variable) -> Any:
    """What is turned into a factor, with levels that are known, and new ones after them."""
    made, missing = compute(variable)
    every = (*levels, *(each for each in made.levels if each not in levels))
    places = np.array([*(every.index(each) for each in made.levels), -1], dtype=np.int64)
    return replace(made, levels=every, codes=places[made.codes]), missing
