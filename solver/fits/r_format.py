"""Numbers and tables as R prints them: digits, widths, columns, abbreviated names."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

WIDTH = 80
"""Of a line."""


def format_numbers(values: Sequence[float], digits: int = 7, nsmall: int = 0) -> list[str]:
    """R's format(): the fewest digits that show each to so many significant ones, in a common width.

    Examples
    --------
    >>> format_numbers([612.1, 35.0716, 654.94], 4)
    ['612.10', ' 35.07', '654.94']
    >>> format_numbers([1e-10, 1.5], 4)
    ['1.0e-10', '1.5e+00']
    """
    # A zero has no sign in R's print.
    values = [value if value else 0.0 for value in values]
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        found = [spelled(value) for value in values]
    else:
        parts = [significant(value, digits) for value in finite]
        right = max(max(0, count - power - 1) for power, count in parts)
        left = max((value < 0) + max(1, power + 1) for value, (power, _) in zip(finite, parts, strict=True))
        most = max(count for _, count in parts)
        exponent = 3 if max(abs(power) for power, _ in parts) >= 100 else 2
        scientific = any(value < 0 for value in finite) + (most > 1) + most + 2 + exponent
        if left + right + (right > 0) <= scientific:
            right = max(right, nsmall)
            found = [f"{value:.{right}f}" if math.isfinite(value) else spelled(value) for value in values]
        else:
            found = [f"{value:.{most - 1}e}" if math.isfinite(value) else spelled(value) for value in values]
    width = max(map(len, found), default=0)
    return [each.rjust(width) for each in found]


def spelled(value: float) -> str:
    """What is no finite number."""
    return "NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf"


def significant(value: float, digits: int) -> tuple[int, int]:
    """The power of ten of a number, and how many of its first digits it takes, without zeros at the end."""
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    return int(power), max(1, len(mantissa.lstrip("-").replace(".", "").rstrip("0")))


def rounded(values: Sequence[float], digits: int) -> list[float]:
    """Each to so many places after the point."""
    return [round(float(value), digits) if math.isfinite(value) else float(value) for value in values]


def zapped(values: Sequence[float], digits: int) -> list[float]:
    """R's zapsmall: to as many places as the largest has left of so many digits, as R before 4.4 counts them."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return rounded(values, math.floor(max(0.0, digits - math.log10(largest)) + 0.5) if largest > 0 else digits)


def named_vector(names: Sequence[str], texts: Sequence[str], gap: int = 1) -> list[str]:
    """The lines of a named vector: names over values, both to the right, each followed by a gap.

    Examples
    --------
    >>> named_vector(["a", "long"], ["1.5", "2.0"])
    ['   a long ', ' 1.5  2.0 ']
    """
    width = max(map(len, (*names, *texts)), default=0)
    lines = []
    step = max(1, WIDTH // (width + gap))
    for first in range(0, len(names), step):
        own = slice(first, first + step)
        lines += ["".join(each.rjust(width) + " " * gap for each in row[own]) for row in (names, texts)]
    return lines


def matrix(rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[str]], right: bool) -> list[str]:
    """The lines of a matrix of texts without quotes; columns that a line has no place for follow below.

    Examples
    --------
    >>> matrix(["x", "ab"], ["n"], [["1"], ["22"]], right=True)
    ['    n', 'x   1', 'ab 22']
    """
    side = max(map(len, rows), default=0)
    widths = [max(len(name), *(len(row[j]) for row in cells)) for j, name in enumerate(columns)]
    cuts, used = [0], side
    for j, width in enumerate(widths):
        if used + width + 1 > WIDTH and j > cuts[-1]:
            cuts.append(j)
            used = side
        used += width + 1
    lines = []
    for first, last in pairwise([*cuts, len(columns)]):
        for name, row in zip(["", *rows], [columns, *cells], strict=True):
            told = [row[j].rjust(widths[j]) if right else row[j].ljust(widths[j]) for j in range(first, last)]
            lines.append(" ".join([name.ljust(side), *told]))
    return lines


def abbreviated(names: Sequence[str], least: int) -> list[str]:
    """R's abbreviate: names of at least so many letters, as different as they were.

    Examples
    --------
    >>> abbreviated(["(Intercept)", "MachineB", "MachineC"], 6)
    ['(Intr)', 'MachnB', 'MachnC']
    """
    given = list(dict.fromkeys(name.strip(" ") for name in names))
    short = [stripped(name, least) for name in given]
    while len(set(short)) < len(short):
        least += 1
        twice = {each for k, each in enumerate(short) if each in short[:k]}
        short = [stripped(name, least) if each in twice else each for name, each in zip(given, short, strict=True)]
    of = dict(zip(given, short, strict=True))
    return [of[name.strip(" ")] for name in names]


def stripped(name: str, least: int) -> str:
    """A name without lower case vowels, then letters, then anything, from the end on, until it is short enough.

    First those at the end of a word go, then those that do not begin one.
    """
    text = list(name)

    def begins(i: int) -> bool:
        return text[i - 1].isspace()

    def ends(i: int) -> bool:
        return not begins(i) and (i + 1 >= len(text) or text[i + 1].isspace())

    def size() -> int:
        return sum(not each.isspace() for each in text)

    if len(text) < least:
        return name
    vowel, lower = (lambda c: c in "aeiou"), (lambda c: c.isascii() and c.islower())
    passes = [(kind, last) for kind in (vowel, lower) for last in (True, False)] + [(lambda c: not c.isspace(), False)]
    for kind, last in passes:
        for i in range(len(text) - 1, 0, -1):
            if size() <= least:
                break
            if i < len(text) and kind(text[i]) and (ends(i) if last else not begins(i)):
                del text[i]
    return "".join(text if len(text) <= least else [text[0], *(each for each in text[1:] if not each.isspace())])


def quantiles(values: Sequence[float]) -> list[float]:
    """Minimum, quartiles and maximum, as R's quantile gives them."""
    return [float(each) for each in np.quantile(np.asarray(values, dtype=float), [0, 0.25, 0.5, 0.75, 1])]
