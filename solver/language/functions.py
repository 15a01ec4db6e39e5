"""The functions that a formula may call."""

from collections.abc import Callable

import numpy as np

from relmer.solver.arrays import Array

ARITHMETIC_FUNCTIONS = ("log", "exp", "sqrt", "log2", "log10", "log1p", "abs")
FUNCTIONS = (*ARITHMETIC_FUNCTIONS, "I", "scale", "factor", "as.factor")
_HINTS = {
    "cbind": "a model has one response",
    "offset": "give the offset as an argument of its own",
}


def _scale(values: Array) -> Array:
    """Centre and divide by the standard deviation of all values there are, before rows are dropped."""
    present = values[~np.isnan(values)]
    if present.size == 0:
        return values
    with np.errstate(all="ignore"):
        centre = present.mean()
        spread = np.sqrt(np.sum((present - centre) ** 2) / max(1, present.size - 1))
        scaled: Array = (values - centre) / spread
    return scaled


def _power(base: Array, exponent: Array) -> Array:
    # R squares by multiplying; pow() need not round the same way.
    return np.where(exponent == 2, base * base, np.power(base, exponent))


_ARITHMETIC: dict[tuple[str, int], Callable[..., Array]] = {
    ("log", 1): np.log,
    ("exp", 1): np.exp,
    ("sqrt", 1): np.sqrt,
    ("log2", 1): np.log2,
    ("log10", 1): np.log10,
    ("log1p", 1): np.log1p,
    ("abs", 1): np.abs,
    ("+", 2): np.add,
    ("-", 2): np.subtract,
    ("*", 2): np.multiply,
    ("/", 2): np.divide,
    ("^", 2): _power,
    ("+", 1): np.positive,
    ("-", 1): np.negative,
}
