"""Pictures with two axes: points with their lines, and the profiled criterion as a curve or as contours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import contourpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from relmer.reports.pictures.svg import label, number, path, polyline, rectangle, svg, text, ticks

Array = NDArray[np.float64]
Line = tuple[float, float]
Range = tuple[float, float]

LEFT, TOP, RIGHT, BELOW = 56.0, 10.0, 14.0, 40.0
PANEL_WIDTH, PANEL_HEIGHT, STRIP, GAP = 120.0, 210.0, 20.0, 6.0
PLOT_WIDTH, PLOT_HEIGHT = 270.0, 210.0
MARGIN = 0.04


@dataclass(frozen=True)
class Axes:
    """A plot's rectangle in pixels, and the values at its edges."""

    x: Range
    y: Range
    left: float = LEFT
    top: float = TOP
    width: float = PLOT_WIDTH
    height: float = PLOT_HEIGHT

    def across(self, values: ArrayLike) -> Array:
        """Pixels from the left of the picture."""
        low, high = self.x
        return np.asarray(self.left + (np.asarray(values, dtype=float) - low) / (high - low) * self.width)

    def down(self, values: ArrayLike) -> Array:
        """Pixels from the top of the picture."""
        low, high = self.y
        return np.asarray(self.top + (high - np.asarray(values, dtype=float)) / (high - low) * self.height)

    def line(self, xs: ArrayLike, ys: ArrayLike) -> str:
        """Path data through points given by their values."""
        return polyline(self.across(xs), self.down(ys))

    def frame(self) -> str:
        """The rectangle."""
        return path("frame", rectangle(self.left, self.top, self.width, self.height))

    def x_ticks(self, count: int = 5) -> list[str]:
        """Ticks and labels below."""
        bottom = self.top + self.height
        pieces = []
        for value in ticks(*self.x, count):
            x = float(self.across(value))
            pieces += [
                path("frame", f"M{number(x)} {number(bottom)}v4"),
                text(x, bottom + 16, label(value), "tick"),
            ]
        return pieces

    def y_ticks(self, count: int = 5) -> list[str]:
        """Ticks and labels on the left."""
        pieces = []
        for value in ticks(*self.y, count):
            y = float(self.down(value))
            pieces += [
                path("frame", f"M{number(self.left)} {number(y)}h-4"),
                text(self.left - 7, y + 4, label(value), "tick", "end"),
            ]
        return pieces

    def names(self, x: str, y: str) -> list[str]:
        """Names of both axes."""
        middle = number(self.top + self.height / 2)
        return [
            text(self.left + self.width / 2, self.top + self.height + 34, x, "axis"),
            f'<g transform="translate(12 {middle}) rotate(-90)">{text(0, 0, y, "axis")}</g>',
        ]


def lattice(
    x: ArrayLike,
    y: ArrayLike,
    group: Sequence[str],
    lines: Mapping[str, Line],
    *,
    names: tuple[str, str],
    title: str,
    description: str,
) -> str:
    """Draw a panel per group, with its points and its least-squares line, as xyplot(type = c("p", "r")) does.

    Parameters
    ----------
    x, y, group
        (n,) each.
    lines
        A second line, dashed, of some groups: intercept and slope.
    names
        Names of the two axes.
    title, description
        Name, and what it shows in words.
    """
    xs, ys, labels = np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(group, dtype=str)
    x_range, y_range = widened(xs), widened(ys)
    body: list[str] = []
    levels = list(dict.fromkeys(labels.tolist()))
    for k, level in enumerate(levels):
        left = LEFT + k * (PANEL_WIDTH + GAP)
        axes = Axes(x_range, y_range, left=left, top=TOP + STRIP, width=PANEL_WIDTH, height=PANEL_HEIGHT)
        own = labels == level
        ends = np.array([xs[own].min(), xs[own].max()])
        body += [
            path("strip", rectangle(left, TOP, PANEL_WIDTH, STRIP)),
            text(left + PANEL_WIDTH / 2, TOP + 14, level, "axis"),
            axes.frame(),
            path("first", axes.line(ends, on_line(least_squares(xs[own], ys[own]), ends))),
        ]
        if level in lines:
            body.append(path("second", axes.line(ends, on_line(lines[level], ends))))
        body += [dot(axes, *point) for point in zip(xs[own].tolist(), ys[own].tolist(), strict=True)]
        body += axes.x_ticks() + (axes.y_ticks() + axes.names("", names[1]) if k == 0 else [])
    width = LEFT + len(levels) * (PANEL_WIDTH + GAP) + RIGHT
    height = TOP + STRIP + PANEL_HEIGHT + BELOW
    body.append(text((LEFT + width - RIGHT) / 2, height - 6, names[0], "axis"))
    return svg(width, height, title, description, body)


def bundle(lines: Mapping[str, Line], x: Range, *, names: tuple[str, str], title: str, description: str) -> str:
    """Draw labelled lines (intercept and slope) over one range of x."""
    ends = np.array(x)
    heights = np.concatenate([on_line(line, ends) for line in lines.values()])
    axes = Axes((x[0], x[1] + 0.2 * (x[1] - x[0])), widened(heights))
    body = [axes.frame(), *axes.x_ticks(), *axes.y_ticks(), *axes.names(*names)]
    for name, line in lines.items():
        ys = on_line(line, ends)
        body += [
            path("first", axes.line(ends, ys)),
            text(float(axes.across(ends[1])) + 6, float(axes.down(ys[1])) + 4, name, "tick", "start"),
        ]
    return svg(LEFT + PLOT_WIDTH + RIGHT, TOP + PLOT_HEIGHT + BELOW, title, description, body)


def curve(
    x: ArrayLike, y: ArrayLike, minimum: tuple[float, float], *, names: tuple[str, str], title: str, description: str
) -> str:
    """Draw a function of one variable, its minimum marked."""
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    axes = Axes(widened(xs), widened(np.append(ys, minimum[1])))
    bottom = number(axes.top + axes.height)
    body = [
        axes.frame(),
        path("second", f"M{number(float(axes.across(minimum[0])))} {number(float(axes.down(minimum[1])))}V{bottom}"),
        path("first", axes.line(xs, ys)),
        dot(axes, *minimum),
        *axes.x_ticks(),
        *axes.y_ticks(),
        *axes.names(*names),
    ]
    return svg(LEFT + PLOT_WIDTH + RIGHT, TOP + PLOT_HEIGHT + BELOW, title, description, body)


def contour(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    *,
    rises: Sequence[float],
    minimum: tuple[float, float, float],
    names: tuple[str, str],
    title: str,
    description: str,
) -> str:
    """Draw a function of two variables by its contours, its minimum marked.

    Parameters
    ----------
    x, y
        The grid, (m,) and (n,).
    z
        Values (n, m).
    rises
        How far above the minimum the contours lie; each is labelled with it.
    minimum
        x, y and value.
    names, title, description
        Names of the axes; name of the picture, and what it shows in words.
    """
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    axes = Axes((xs[0], xs[-1]), (ys[0], ys[-1]))
    made = contourpy.contour_generator(xs, ys, np.asarray(z, dtype=float) - minimum[2])
    body, labels = [axes.frame()], []
    for rise in rises:
        lines = [np.asarray(line) for line in made.lines(rise)]
        if lines:
            body.append(path("first", "".join(axes.line(line[:, 0], line[:, 1]) for line in lines)))
            point = max((tuple(p) for line in lines for p in line.tolist()), key=lambda p: p[1])
            labels.append(text(float(axes.across(point[0])), float(axes.down(point[1])) - 3, label(rise), "halo"))
    body += [*labels, dot(axes, *minimum[:2]), *axes.x_ticks(), *axes.y_ticks(), *axes.names(*names)]
    return svg(LEFT + PLOT_WIDTH + RIGHT, TOP + PLOT_HEIGHT + BELOW, title, description, body)


def dot(axes: Axes, x: float, y: float) -> str:
    """A point."""
    return f'<circle class="point" cx="{number(float(axes.across(x)))}" cy="{number(float(axes.down(y)))}" r="3"/>'


def least_squares(x: Array, y: Array) -> Line:
    """Intercept and slope of the line through points.

    Examples
    --------
    >>> [round(value, 9) for value in least_squares(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))]
    [1.0, 2.0]
    """
    slope, intercept = np.polyfit(x, y, 1)
    return float(intercept), float(slope)


def on_line(line: Line, x: Array) -> Array:
    """Heights of a line."""
    return line[0] + line[1] * x


def widened(values: Array) -> Range:
    """Range of values with a margin."""
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 1.0
    return low - margin, high + margin
