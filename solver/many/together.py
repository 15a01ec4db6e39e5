"""Responses of one design, searched side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from relmer.solver.arrays import Array, Booleans
from relmer.solver.many.criterion import values_at
from relmer.solver.many.rows import Shared, original_theta, reduced, with_responses, working_theta
from relmer.solver.many.search import is_plain, lowest
from relmer.solver.model import Design

# Shared of a block, and numbers of all blocks of one response, beyond which one response by itself takes less time.
WIDEST, MOST = 32, 2**14
# Effects whose blocks, eliminated all at once, are written out.
EFFECTS = 512
# Variance of working effects, in units of sigma^2, up to which D^-1 keeps the digits that A is made of: 1e4 times eps.
LARGE = 1e4
# Part of a response's square that X leaves, from which on what is left of it has 8 digits of its own: eps^(1/2).
SEEN = 1e-16
# Sizes of a response whose squares, and sums of these over any number of rows, are doubles.
LEAST, LARGEST = 1e-140, 1e140


@dataclass(frozen=True)
class Together:
    """Minima of m responses.

    Attributes
    ----------
    theta
        (m, k).
    beta
        (m, p).
    inverse
        (RX'RX)^-1, (m, p, p): times sigma^2 the covariance of beta.
    pwrss, criterion
        (m,).
    singular
        Whether a G has not full rank (m,).
    shown
        Whether it is shown that all this is a minimum (m,); what isn't shown is no answer.
    """

    theta: Array
    beta: Array
    inverse: Array
    pwrss: Array
    criterion: Array
    singular: Booleans
    shown: Booleans


def together(design: Design) -> Shared | None:
    """The rows for a search side by side; None where each response takes less time, or has more digits, by itself.

    The design is one that needs no other coordinates (theory.md, 42), with terms whose covariances have no structure.
    """
    terms = design.terms
    effects = sum(len(term.levels) * len(term.columns) for term in terms)
    if not terms or not all(term.is_free for term in terms) or len(design.y) <= effects_of_one(design):
        return None
    crossed = len({term.group for term in terms}) > 1
    if crossed and effects > EFFECTS:
        return None
    shared = reduced(design)
    K, k, r, _ = shared.N.shape
    return shared if r <= WIDEST and K * k * r * r <= MOST else None


def effects_of_one(design: Design) -> int:
    """Columns of X and of one level of every term: rows that no criterion can do without."""
    return int(design.X.shape[1]) + sum(len(term.columns) for term in design.terms)


def minima(shared: Shared, REML: bool, Y: Array, theta: Array) -> Iterator[Together]:
    """The minima of responses Y (n, m), without offset, in pieces that bound memory; the search begins at theta too."""
    start = working_theta(shared, theta)
    for first in range(0, Y.shape[1], shared.together):
        yield minima_of(shared, REML, Y[:, first : first + shared.together], start)


def minima_of(shared: Shared, REML: bool, Y: Array, start: Array) -> Together:
    """The minima of one piece, from theta in working coordinates."""
    weights = shared.design.weights
    size = np.abs(Y).max(axis=0)
    usual = (size > LEAST) & (size < LARGEST)
    # A power of two, which changes no digit.
    unit = np.exp2(np.round(np.log2(np.where(usual, size, 1.0))))
    scaled = np.where(usual, Y, 0.0) / unit
    own = with_responses(shared, scaled)
    found = lowest(shared, own, REML, start)
    at = values_at(shared, own, REML, found.theta)
    n, p = shared.Q.shape
    back = linalg.solve_triangular(shared.RX0, np.eye(p)) if p else np.zeros((0, 0))
    weighted = scaled if weights is None else np.sqrt(weights)[:, None] * scaled
    whole = (weighted**2).sum(axis=0)
    y0 = ((weighted - shared.Q @ (shared.Q.T @ weighted)) ** 2).sum(axis=0)
    small = (np.abs(found.theta).max(axis=1, initial=0.0) ** 2 < LARGE) & (y0 > SEEN * whole)
    return Together(
        theta=original_theta(shared, found.theta),
        beta=unit[:, None] * ((own.beta0 + at.beta) @ back.T),
        inverse=back @ at.inverse @ back.T,
        pwrss=unit**2 * at.pwrss,
        criterion=at.value + 2.0 * (n - p if REML else n) * np.log(unit),
        singular=found.singular,
        shown=found.shown & usual & small & is_plain(shared, own, y0) & np.isfinite(at.value),
    )
