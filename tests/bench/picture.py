"""The benchmark's picture: seconds per fit over rows, and by model, both on logarithmic axes."""

from collections.abc import Sequence

import numpy as np
from results import Result

from relmer.reports.pictures.svg import number, polyline, safe, text

WIDTH, HEIGHT, LEFT, TOP, BELOW, GAP = 900.0, 360.0, 52.0, 34.0, 40.0, 150.0
MARK = 4.0
# Colour-blind safe (Okabe and Ito), on light and on dark.
COLOURS = {
    "lme4": "#d55e00",
    "lme4-openblas": "#e69f00",
    "mixedlm": "#0072b2",
    "lme-python": "#009e73",
    "relmer": "#cc0066",
}
STYLE = """
text{font:12px sans-serif;fill:#333}.head{font-weight:600}.grid{stroke:#8884;fill:none}.line{fill:none;stroke-width:1.6}
@media(prefers-color-scheme:dark){text{fill:#ccc}}
"""


class Axis:
    """A logarithmic axis: data from low to high go to pixels from start to stop."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self.low, self.high = np.floor(np.log10(low)), np.ceil(np.log10(high))
        self.start, self.stop = start, stop

    def at(self, value: float) -> float:
        """Pixel of a value."""
        share = (np.log10(value) - self.low) / max(self.high - self.low, 1)
        return float(self.start + share * (self.stop - self.start))

    def decades(self) -> list[float]:
        """Powers of ten on the axis."""
        return [10.0**k for k in np.arange(self.low, self.high + 1)]


def draw(results: Sequence[Result]) -> str:
    """Draw the nested series on the left and every other model on the right; a standalone SVG."""
    nested = [result for result in results if result.model.series]
    others = [result for result in results if not result.model.series]
    pieces = [f"<style>{STYLE}</style>"]
    middle = WIDTH / 2 - 40 if nested and others else WIDTH if nested else 0.0
    if nested:
        pieces += over_rows(nested, middle - 110)
    if others:
        pieces += by_model(others, middle + GAP)
    height = number(HEIGHT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{number(WIDTH)}" height="{height}" '
        f'viewBox="0 0 {number(WIDTH)} {height}"><title>Seconds per fit</title>'
        f"<desc>{safe(words(results))}</desc>{''.join(pieces)}</svg>\n"
    )


def over_rows(results: Sequence[Result], right: float) -> list[str]:
    """Lines of time over rows, each named at its end."""
    seconds = [one.seconds for result in results for one in result.engines.values() if one.rounds]
    x = Axis(min(r.rows for r in results), max(r.rows for r in results), LEFT, right)
    y = Axis(min(seconds), max(seconds), HEIGHT - BELOW, TOP)
    pieces = [text(LEFT, 18, "nested groups: time over rows", "head", "start")]
    for decade in y.decades():
        pieces.append(grid(LEFT, y.at(decade), right, y.at(decade)))
        pieces.append(text(LEFT - 6, y.at(decade) + 4, unit(decade), anchor="end"))
    pieces += [text(x.at(decade), HEIGHT - BELOW + 18, f"{decade:,.0f}") for decade in x.decades()]
    ends: list[float] = []
    for engine, colour in COLOURS.items():
        points = [(x.at(r.rows), y.at(r.engines[engine].seconds)) for r in results if r.engines[engine].rounds]
        if not points:
            continue
        pieces.append(f'<path class="line" stroke="{colour}" d="{polyline(*zip(*points, strict=True))}"/>')
        pieces += [mark(*point, colour) for point in points]
        end = apart(points[-1][1] + 4, ends)
        ends.append(end)
        pieces.append(text(points[-1][0] + 9, end, engine, anchor="start"))
    return pieces


def by_model(results: Sequence[Result], left: float) -> list[str]:
    """One line per model, one mark per engine."""
    seconds = [one.seconds for result in results for one in result.engines.values() if one.rounds]
    x = Axis(min(seconds), max(seconds), left, WIDTH - 20)
    step = (HEIGHT - TOP - BELOW) / len(results)
    pieces = [text(left, 18, "time per model", "head", "start")]
    for decade in x.decades():
        pieces.append(grid(x.at(decade), TOP, x.at(decade), HEIGHT - BELOW))
        pieces.append(text(x.at(decade), HEIGHT - BELOW + 18, unit(decade)))
    for i, result in enumerate(results):
        height = TOP + (i + 0.5) * step
        pieces.append(text(left - 8, height + 4, result.model.name, anchor="end"))
        pieces.append(grid(left, height, WIDTH - 20, height))
        for engine, colour in COLOURS.items():
            if result.engines[engine].rounds:
                pieces.append(mark(x.at(result.engines[engine].seconds), height, colour))
    place = left - GAP + 40
    for engine, colour in COLOURS.items():
        pieces += [mark(place, HEIGHT - 8, colour), text(place + 8, HEIGHT - 4, engine, anchor="start")]
        place += 8 + 7.2 * len(engine) + 12
    return pieces


def apart(end: float, others: Sequence[float]) -> float:
    """Move a name down until it is clear of the others."""
    while any(abs(end - other) < 13 for other in others):
        end += 1
    return end


def mark(x: float, y: float, colour: str) -> str:
    """A point."""
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(MARK)}" fill="{colour}"/>'


def grid(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line."""
    return f'<path class="grid" d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"/>'


def unit(seconds: float) -> str:
    """A power of ten of a second, short."""
    for name, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 - 1e-9:
            return f"{seconds * factor:.0f} {name}"
    return f"{seconds:.0e} s"


def words(results: Sequence[Result]) -> str:
    """The picture in words: each model's fastest and slowest engine."""
    said = []
    for result in results:
        times = {name: one.seconds for name, one in result.engines.items() if one.rounds}
        if times:
            said.append(f"{result.model.name}: {min(times, key=times.__getitem__)} is the fastest")
    return "; ".join(said)
