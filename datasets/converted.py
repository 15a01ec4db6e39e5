"""What a text field of a CSV file stands for, by the grammar of R's `type.convert`."""

import re
from functools import cache

LOGICAL = {"TRUE": True, "FALSE": False, "T": True, "F": False}
LONGEST_WHOLE = 400
"""Digits of a whole number that is still read exactly; beyond the doubles it is of no use anyway."""
NUMBER = (
    r"(?P<sign>[+-]?)(?:"
    r"(?P<word>NaN|nan|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
    r"|(?P<hexadecimal>0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?[0-9]+)?)"
    r"|(?P<whole>[0-9]+)"
    r"|(?P<real>(?:[0-9]+POINT?[0-9]*|POINT[0-9]+)(?:[eE][+-]?[0-9]*)?))"
)


@cache
def grammar(decimal: str) -> "re.Pattern[str]":
    """The grammar of a number with this decimal point."""
    return re.compile(NUMBER.replace("POINT", re.escape(decimal)))


def is_hexadecimal(text: str) -> bool:
    """Whether a text is a number in hexadecimal digits.

    Examples
    --------
    >>> is_hexadecimal("0x1F"), is_hexadecimal("1F")
    (True, False)
    """
    found = grammar(".").fullmatch(text.strip())
    return found is not None and found["hexadecimal"] is not None


def number(text: str, decimal: str = ".") -> int | float | None:
    """The number that a text spells, whole numbers exactly; None if it spells none.

    Examples
    --------
    >>> [number(text) for text in ("12345678901234567", " .5", "0x1F", "-1e3", "1_000", "1,5")]
    [12345678901234567, 0.5, 31.0, -1000.0, None, None]
    >>> number("1,5", decimal=",")
    1.5
    """
    found = grammar(decimal).fullmatch(text.strip())
    if found is None:
        return None
    if found["whole"]:
        return int(found[0]) if len(found[0]) <= LONGEST_WHOLE else float(found[0])
    if found["hexadecimal"]:
        try:
            return float.fromhex(found[0])
        except OverflowError:
            return float(f"{found['sign']}inf")
    # R reads "1e" as 1.
    return float(found[0].replace(decimal, ".").rstrip("eE+-") if found["real"] else found[0])
