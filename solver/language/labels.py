"""How R spells a number, and reads one."""

import math
import re

LARGEST_INTEGER = 2**31 - 1
"""Of R's integers; a whole number beyond it is a double there."""
NUMBER_DIGITS = 15
"""So many significant digits of a number are in R's label of it."""
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?(?P<power>[0-9]*))?")
HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?[0-9]+)?")
INFINITE = re.compile(r"(?P<minus>[+-]?)inf(?:inity)?", re.IGNORECASE)


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


def number_of(text: str) -> float:
    """The number that a text spells; NaN if it spells none, as R has it.

    Examples
    --------
    >>> [number_of(text) for text in ("0x1F", " 12 ", "1e", "-inf", "1_0")]
    [31.0, 12.0, 1.0, -inf, nan]
    """
    text = text.strip()
    if match := DECIMAL.fullmatch(text):
        return float(text if match["power"] != "" else re.split("[eE]", text)[0])
    if HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text)
        except OverflowError:
            return -math.inf if text[0] == "-" else math.inf
    if match := INFINITE.fullmatch(text):
        return -math.inf if match["minus"] == "-" else math.inf
    return math.nan
