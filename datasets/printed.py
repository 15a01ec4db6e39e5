"""Figures as documents and programs print them: which value, to which digit, and which are bounds only.

R, Stata, SAS and SPSS print 0.0390124, .0390124, 1,430.5, 1.2e-3 and 1.2E+03; a figure such as <.0001 is a bound.
"""

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

PRINTED = re.compile(
    r"(?P<bound><=?|>=?|≤|≥)? ?(?P<sign>[-+−]?)"
    r"(?P<digits>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+|(?=\.[0-9]))(?:\.[0-9]*)?)(?:[eE](?P<power>[-+−]?[0-9]{1,3}))?"
)
# The decimals of the smallest double, with a sign, a point and a bound: nobody prints more.
LONGEST = 1100
SPACED_BOUND = re.compile(r"(?<=[<>=≤≥]) +(?=\S)")


class Printed(NamedTuple):
    """A printed figure: "<", ">", "<=" or ">=" where it is a bound, its value, and half a unit of its last digit."""

    bound: str
    value: float
    half_unit: float


@lru_cache(maxsize=4096)
def read_printed(text: str) -> Printed:
    """Read a printed figure.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> read_printed("1,430.5"), read_printed("< .0001").bound
    (Printed(bound='', value=1430.5, half_unit=0.05), '<')
    """
    found = PRINTED.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError(f"{text[:60]!r:.60} is no printed figure, such as 0.5, .5, 1,430.5, 1.2e-3 or <.0001")
    power = int((found["power"] or "0").replace("−", "-"))
    digits = Decimal(found["digits"].replace(",", "")).scaleb(power)
    value = float(-digits if found["sign"] in ("-", "−") else digits)
    if not math.isfinite(value):
        raise ValueError(f"{text!r:.60} is no printed figure: it is beyond the doubles")
    last = int(digits.as_tuple().exponent)
    bound = (found["bound"] or "").replace("≤", "<=").replace("≥", ">=")
    return Printed(bound=bound, value=value, half_unit=float(Decimal(5).scaleb(last - 1)))


def is_printed(text: str) -> bool:
    """Whether a text is a printed figure.

    Examples
    --------
    >>> [is_printed(text) for text in ("-.5", "1.2E+03", "0.05*", "about 3", "1,43")]
    [True, True, False, False, False]
    """
    try:
        read_printed(text)
    except ValueError:
        return False
    return True


def is_bound(text: str) -> bool:
    """Whether a printed figure is a bound only.

    Examples
    --------
    >>> is_bound("<.0001"), is_bound(".0001")
    (True, False)
    """
    return bool(read_printed(text).bound)


def number(text: str) -> float:
    """Value of a printed figure, or of the bound that it is.

    Examples
    --------
    >>> number("2,287"), number("<.0001")
    (2287.0, 0.0001)
    """
    return read_printed(text).value


def half_unit(text: str) -> float:
    """Half a unit of the last printed digit.

    Examples
    --------
    >>> half_unit("24.74"), half_unit("1.2E+03")
    (0.005, 50.0)
    """
    return read_printed(text).half_unit


def outside(value: float, text: str) -> float:
    """How far a value lies outside of what a printed figure says: its last digit's half unit, or its side of a bound.

    What is no number is infinitely far.

    Examples
    --------
    >>> outside(24.7425, "24.74"), outside(0.00003, "<.0001"), outside(0.5, ">.75")
    (0.0, 0.0, 0.25)
    >>> outside(float("nan"), "24.74")
    inf
    """
    printed = read_printed(text)
    if math.isnan(value):
        return math.inf
    if not printed.bound:
        return max(0.0, abs(value - printed.value) - printed.half_unit)
    return max(0.0, value - printed.value if printed.bound.startswith("<") else printed.value - value)


def may_print(value: float, text: str, rounding: float = 0.0) -> bool:
    """Whether a value, with an error of `rounding` relative to half a unit, may be printed as a figure.

    Examples
    --------
    >>> may_print(24.7449, "24.74"), may_print(24.7451, "24.74"), may_print(3e-5, "<.0001")
    (True, False, True)
    """
    printed = read_printed(text)
    if printed.bound in ("<", ">") and value == printed.value:
        return False
    return outside(value, text) <= printed.half_unit * rounding


def printed_cells(line: str) -> list[str]:
    """The figures of a line of a table, which blanks separate; a bound stays with its figure.

    Examples
    --------
    >>> printed_cells("12.5  < .0001  3")
    ['12.5', '<.0001', '3']
    """
    return SPACED_BOUND.sub("", line).split()
