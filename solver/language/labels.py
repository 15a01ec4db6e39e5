"""How R spells a number."""

import math

LARGEST_INTEGER = 2**31 - 1
"""Of R's integers; a whole number beyond it is a double there."""
NUMBER_DIGITS = 15
"""So many significant digits of a number are in R's label of it."""


def number_label(value: float) -> str:
    """Spell a double as R's ``as.character`` does: 15 significant digits, the shorter notation.

    Examples
    --------
    >>> [number_label(value) for value in (100000.0, 123456.0, 0.1 + 0.2, 0.0001)]
    ['1e+05', '123456', '0.3', '1e-04']
    """
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    mantissa, exponent_text = f"{abs(value):.{NUMBER_DIGITS - 1}e}".split("e")
    digits = len(mantissa.replace(".", "").rstrip("0"))
    exponent = int(exponent_text)
    decimals = max(0, digits - exponent - 1)
    fixed_width = max(exponent, 0) + 1 + (decimals + 1 if decimals else 0)
    scientific_width = digits + (digits > 1) + (5 if abs(exponent) >= 100 else 4)
    return f"{value:.{decimals}f}" if fixed_width <= scientific_width else f"{value:.{digits - 1}e}"
