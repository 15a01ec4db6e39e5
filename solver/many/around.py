"""Where else minima of few rows may be: at zero, and where v of a nearly singular G = v v' goes round (`starts`)."""

from itertools import combinations

import numpy as np

from relmer.solver.algebra import lower_triangle
from relmer.solver.arrays import Array, Booleans, Integers
from relmer.solver.many.criterion import values_at
from relmer.solver.many.rows import Responses, Shared, lower
from relmer.solver.search import ANGLES, ASIDE, LEANING, LENGTHS, NOISE, RAISED, WIDE, is_constant, is_told_by_few

Starts = list[tuple[Integers, Array]]


def at_zero(shared: Shared, of: Responses, REML: bool, value: Array) -> Starts:
    """Zero, for the responses whose criterion is lower there than `value` (m,)."""
    zero = np.zeros((len(of), shared.N.shape[1]))
    at = values_at(shared, of, REML, zero)
    which = np.flatnonzero(at.value < value - NOISE * at.size)
    return [(which, zero[which])]


def around_circles(shared: Shared, of: Responses, REML: bool, theta: Array, singular: Booleans) -> Starts:
    """Lowest of circles, for responses whose minimum theta (m, k) is singular, or all where `search` takes all."""
    found: Starts = []
    first = 0
    for width, term in zip(shared.widths, shared.design.terms, strict=True):
        i, j = lower_triangle(width)
        own = slice(first, first + len(i))
        first += len(i)
        if not 1 < width < WIDE:
            continue
        constant = is_constant(term)
        which = np.flatnonzero(singular | constant | is_told_by_few(term, shared.design.weights))
        if not len(which):
            continue
        T = np.zeros((len(which), width, width))
        T[:, i, j] = theta[which, own]
        length = np.maximum(np.sqrt((T**2).sum(axis=(1, 2))), RAISED)
        leading = np.linalg.svd(T)[0][:, :, 0]
        for pair in combinations(range(width), 2):
            circle = np.eye(width)[:, pair] @ np.vstack([np.cos(ANGLES), np.sin(ANGLES)])
            aside = constant | (np.abs(leading @ circle) < ASIDE)
            for scale in LENGTHS if constant else (1.0,):
                values, there = np.empty((len(which), len(ANGLES))), np.empty((len(which), len(ANGLES), theta.shape[1]))
                for k, v in enumerate(circle.T):
                    root = np.hstack([v[:, None], LEANING * np.eye(width)])
                    there[:, k] = theta[which]
                    there[:, k, own] = lower(scale * length[:, None, None] * root)[:, i, j]
                    values[:, k] = values_at(shared, of.taken(which), REML, there[:, k]).value
                lowest = (values <= np.roll(values, 1, axis=1)) & (values <= np.roll(values, -1, axis=1)) & aside
                best = np.argmin(np.where(lowest, values, np.inf), axis=1)
                some = np.flatnonzero(lowest.any(axis=1))
                found.append((which[some], there[some, best[some]]))
    return found
