"""Pieces of the page's vector pictures: the root with its title, text, ticks. Colours are classes of page.css."""

from collections.abc import Iterable
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relmer.reports.text import printable

STEPS = (1.0, 2.0, 5.0, 10.0)


def svg(width: float, height: float, title: str, description: str, body: Iterable[str]) -> str:
    """A whole picture: its size in pixels, its name, what it shows, and its pieces."""
    w, h = number(width), number(height)
    return (
        f'<svg class="drawing" role="img" width="{w}" height="{h}" viewBox="0 0 {w} {h}">'
        f"<title>{safe(title)}</title><desc>{safe(description)}</desc>{''.join(body)}</svg>"
    )


def safe(text: str) -> str:
    """Text for an element or a quoted attribute, without control characters."""
    return escape(printable(text))


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "middle") -> str:
    """One line of text at (x, y); `kind` is a class."""
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">{safe(content)}</text>'


def path(kind: str, data: str) -> str:
    """One path of a class."""
    return f'<path class="{kind}" d="{data}"/>'


def polyline(xs: ArrayLike, ys: ArrayLike) -> str:
    """Path data through points.

    Examples
    --------
    >>> polyline([0, 1.25], [2, 3.0])
    'M0 2L1.2 3'
    """
    points = zip(np.asarray(xs, dtype=float), np.asarray(ys, dtype=float), strict=True)
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Path data of a rectangle."""
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel, as short as it goes.

    Examples
    --------
    >>> number(3.04), number(-0.01), number(12.5)
    ('3', '0', '12.5')
    """
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def ticks(low: float, high: float, count: int = 5) -> NDArray[np.float64]:
    """Round values between low and high, about `count` of them.

    Examples
    --------
    >>> ticks(0, 9).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    if not high > low:
        return np.array([low])
    raw = (high - low) / count
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(s * power for s in STEPS if s * power >= raw * (1 - 1e-9))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return np.asarray(np.arange(first, last + 1) * step + 0.0)


def label(value: float) -> str:
    """A tick's label: a true minus, no tail of rounding.

    Examples
    --------
    >>> label(-0.30000000000000004), label(1750.0), label(-0.0)
    ('−0.3', '1750', '0')
    """
    return f"{round(value, 10) + 0.0:.10g}".replace("-", "−")
