"""y swept by X (theory.md, 12), row by row to the last digit of what is left."""

from dataclasses import replace

import numpy as np

from relmer.solver.algebra import Swept, less, sweep
from relmer.solver.arrays import Array
from relmer.solver.model import Design, response

# Largest weight over the least, from which on rows count as graded: rounding is eps times its root beside small rows.
UNEVEN = 1e4
# Size of the response, relative to what is left of it, from which on the difference is taken with twice the digits.
FAR = 1e3


def is_graded(design: Design) -> bool:
    """Whether the weights are so uneven that the rows of small ones lose digits beside the others."""
    return design.weights is not None and bool(design.weights.max() > UNEVEN * design.weights.min())


def weighted_rows(design: Design) -> tuple[Array, Array]:
    """y without the offset, and X, every row times the square root of its weight."""
    y, X = response(design), design.X
    if design.weights is None:
        return y, X
    root = np.sqrt(design.weights)
    return root * y, root[:, None] * X


def swept(design: Design) -> Swept:
    """The weighted rows swept: Q, RX0, beta0 and y0.

    What is left of a response far from zero is y - offset - X beta0 to its own last digit, before it is weighted.
    """
    y, X = weighted_rows(design)
    found = sweep(X, y, is_graded(design))
    if np.abs(y).max(initial=0.0) <= FAR * np.abs(found.residual).max(initial=0.0):
        return found
    columns, coefficients = design.X, found.beta
    if design.offset is not None:
        columns, coefficients = np.column_stack([columns, design.offset]), np.append(coefficients, 1.0)
    left = less(design.y, columns, coefficients)
    return replace(found, residual=left if design.weights is None else np.sqrt(design.weights) * left)
