"""The criterion at any covariances, and its derivatives near them, of data in rationals and of data in balls alike."""

from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, ctx

from relmer.reference.verify.blocks import Blocks
from relmer.reference.verify.criterion import (
    covariance,
    derivatives,
    estimates,
    log_det,
    origin,
    orthogonal,
    step,
    turned,
)
from relmer.reference.verify.data import Data
from relmer.reference.verify.inference import modes_of
from relmer.reference.verify.jets import centred, jet_at, jet_near, profiled
from relmer.reference.verify.values import value_at

BITS = 256
Derivatives = tuple[list[arb], list[list[arb]]]
"""First and second derivatives in gamma (K, K x K)."""


def evaluate(
    data: Data | Blocks, REML: bool, factors: Sequence[Sequence[Sequence[float]]], precision: int = BITS
) -> dict[str, arb]:
    """Enclose the values at any G_j = R_j R_j', by their keys, theta apart.

    Parameters
    ----------
    data
        As `relmer.reference.verify.read` gives them: read once, for many evaluations.
    REML
        The REML criterion, or the deviance.
    factors
        R_j of each term, rows of doubles (taken for their binary values) or balls.
    precision
        Bits.
    """
    with ctx.workprec(precision):
        R = [[[arb(entry) for entry in row] for row in factor] for factor in factors]
        return values_at(data, REML, covariance(data, R))


def effects(
    data: Data, factors: Sequence[Sequence[Sequence[float]]], precision: int = BITS
) -> dict[tuple[int, Any, int], arb]:
    """Enclose b at any G_j = R_j R_j', by term, level and column; `factors` and `precision` as for `evaluate`.

    Raises
    ------
    ZeroDivisionError
        The precision does not tell V from a singular matrix.
    """
    with ctx.workprec(precision):
        G = covariance(data, [[[arb(entry) for entry in row] for row in factor] for factor in factors])
        return modes_of(data, step(data, origin(data), G), G)


def values_at(data: Data | Blocks, REML: bool, G: Sequence[arb]) -> dict[str, arb]:
    """The values at G (as gamma), by their keys, theta apart."""
    if isinstance(data, Blocks):
        jet = jet_at(data, G, value=True)
        return estimates(data, jet.C, jet.log_det, REML, G)
    try:
        C, log_V = value_at(data, G)
    except ZeroDivisionError:
        state = step(data, origin(data), G)
        C, log_V = state.C, log_det(state)
    return estimates(data, C, log_V, REML, G)


def near(
    data: Data | Blocks, REML: bool, G: Sequence[arb]
) -> Callable[[Sequence[arb], bool], tuple[Derivatives, dict[str, arb]]]:
    """What gives the derivatives, and if asked for the values, on a box of balls about G (as gamma).

    A step from G keeps the balls small; in a large model only that of the inner factor is a step, so that the box must
    be small. [X y] is replaced by [X y] W, orthogonal at the centre: that adds a constant to f.
    """
    if isinstance(data, Blocks):
        centre = centred(data, G)

        def entered(box: Sequence[arb], values: bool) -> tuple[Derivatives, dict[str, arb]]:
            jet = jet_near(centre, box, values)
            C = centre.back.transpose() * jet.C * centre.back
            found = estimates(data, C, jet.log_det, REML, box) if values else {}
            return profiled(data, jet, REML), found

        return entered
    middle = step(data, origin(data), G)
    W = orthogonal(middle.C)
    middle, back = turned(middle, W), W.inv()

    def moved(box: Sequence[arb], values: bool) -> tuple[Derivatives, dict[str, arb]]:
        state = middle if box is G else step(data, middle, [wide - g for wide, g in zip(box, G, strict=True)])
        found = estimates(data, turned(state, back).C, log_det(state), REML, box) if values else {}
        return derivatives(data, state, REML), found

    return moved
