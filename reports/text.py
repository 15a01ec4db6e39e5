"""What every voice spells alike."""

import math
import re

UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def number(count: int, noun: str, several: str = "") -> str:
    """A count with its noun, as "1 case" or "45 cases"; `several` is its plural if that is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def digits_text(digits: float | None) -> str:
    """Digits to one decimal, never rounded up; empty where there are none.

    Examples
    --------
    >>> digits_text(7.99), digits_text(None)
    ('7.9', '')
    """
    if digits is None or not math.isfinite(digits):
        return ""
    return f"{math.floor(digits * 10) / 10:.1f}"


def printable(text: str) -> str:
    """Text without control characters and lone surrogates, which XML forbids and a terminal would obey."""
    return UNPRINTABLE.sub("", text)
