"""Pictures of a criterion around its optimum, with the places where engines stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import contourpy
import numpy as np
from numpy.typing import ArrayLike

from relmer.reports.pictures.plots import BELOW, LEFT, RIGHT, TOP, Axes, widened
from relmer.reports.pictures.svg import label, number, path, rectangle, svg, text

WIDTH, HEIGHT = 460.0, 250.0
# Answers nearer than this, in pixels, are one spot.
NEAR = 10.0
LINE_HEIGHT = 13.0
LONGEST = 26
LONGEST_AXIS = 64
# Contours lie so far above the optimum, as far as the surface goes, and these many at most.
RISES = tuple(2.0**k for k in range(-1, 40))
MOST_CONTOURS = 8


@dataclass(frozen=True)
class Spot:
    """Where some answers lie together: their letter in the picture, its place in pixels, and whose they are."""

    letter: str
    x: float
    y: float
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """What stands beside it: the letter, and who, as far as there is room."""
        who = ", ".join(self.names) if len(self.names) < 3 else f"{len(self.names)} engines"
        return f"{self.letter} {clipped(who, LONGEST)}"


@dataclass(frozen=True)
class Landscape:
    """A picture, and the spots in it."""

    svg: str
    spots: tuple[Spot, ...]


def marked_curve(
    x: ArrayLike,
    y: Sequence[float | None],
    marks: Mapping[str, tuple[float, float]],
    *,
    bound: float | None,
    names: tuple[str, str],
    title: str,
    description: str,
) -> Landscape:
    """Draw a function of one variable, with an answer at each mark.

    Parameters
    ----------
    x, y
        (m,) each; None where the function is no finite number.
    marks
        Place and height by engine.
    bound
        Where the curve leaves its chart; what lies beyond is shaded.
    names, title, description
        Names of the axes; name of the picture, and what it shows in words.
    """
    xs, ys = np.asarray(x, dtype=float), np.array([np.nan if v is None else v for v in y], dtype=float)
    finite = np.isfinite(ys)
    places = np.array([*marks.values()], dtype=float).reshape(-1, 2)
    axes = Axes(
        widened(np.append(xs, places[:, 0])),
        widened(np.concatenate([ys[finite], places[:, 1]])),
        LEFT,
        TOP,
        WIDTH,
        HEIGHT,
    )
    body = []
    if bound is not None:
        left = float(axes.across(bound))
        body += [
            path("strip", rectangle(left, TOP, LEFT + WIDTH - left, HEIGHT)),
            text(left + 4, TOP + HEIGHT - 6, "beyond the chart", "tick", "start"),
        ]
    pieces = np.split(np.arange(len(xs)), np.flatnonzero(np.diff(finite)) + 1)
    drawn = [axes.line(xs[piece], ys[piece]) for piece in pieces if len(piece) and finite[piece[0]]]
    body += [axes.frame(), path("first", "".join(drawn))]
    return finished(axes, body, marks, names, title, description)


def marked_contours(
    x: ArrayLike,
    y: ArrayLike,
    z: Sequence[float | None],
    marks: Mapping[str, tuple[float, float]],
    *,
    names: tuple[str, str],
    title: str,
    description: str,
) -> Landscape:
    """Draw the rise of a function of two variables by its contours, with an answer at each mark.

    Parameters
    ----------
    x, y
        The grid, (m,) and (k,).
    z
        Values (k m,), row by row; None where the function is no finite number.
    marks
        x and y by engine.
    names, title, description
        As for a curve.
    """
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    values = np.array([np.nan if v is None else v for v in z], dtype=float).reshape(len(ys), len(xs))
    masked = np.ma.masked_invalid(values)
    axes = Axes((xs[0], xs[-1]), (ys[0], ys[-1]), LEFT, TOP, WIDTH, HEIGHT)
    made, body, labels = contourpy.contour_generator(xs, ys, masked), [axes.frame()], []
    for rise in rises_within(float(np.nanmin(values)), float(np.nanmax(values))):
        lines = [np.asarray(line) for line in made.lines(rise)]
        if lines:
            body.append(path("first", "".join(axes.line(line[:, 0], line[:, 1]) for line in lines)))
            top = max((tuple(p) for line in lines for p in line.tolist()), key=lambda p: p[1])
            labels.append(text(float(axes.across(top[0])), float(axes.down(top[1])) + 12, label(rise), "halo"))
    return finished(axes, [*body, *labels], marks, names, title, description)


def rises_within(low: float, high: float) -> tuple[float, ...]:
    """At what rises contours are drawn.

    Examples
    --------
    >>> rises_within(0.0, 20.0)
    (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    """
    within = [rise for rise in RISES if low < rise < high]
    return tuple(within[:: max(1, -(-len(within) // MOST_CONTOURS))])


def finished(
    axes: Axes,
    body: Sequence[str],
    marks: Mapping[str, tuple[float, float]],
    names: tuple[str, str],
    title: str,
    description: str,
) -> Landscape:
    """Put ticks, names and spots on a plot."""
    found = spots(axes, marks)
    told = "; ".join(f"{spot.letter}: {', '.join(spot.names)}" for spot in found)
    x, y = (clipped(name, LONGEST_AXIS) for name in names)
    pieces = [*body, *axes.x_ticks(), *axes.y_ticks(), *axes.names(x, y), *dots(found)]
    drawn = svg(
        LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW, title, f"{description} {told}." if told else description, pieces
    )
    return Landscape(drawn, found)


def spots(axes: Axes, marks: Mapping[str, tuple[float, float]]) -> tuple[Spot, ...]:
    """Gather the marks that lie together, lettered in their order."""
    groups: list[tuple[float, float, list[str]]] = []
    for name, (x, y) in marks.items():
        at = float(axes.across(x)), float(axes.down(y))
        near = next((group for group in groups if np.hypot(group[0] - at[0], group[1] - at[1]) <= NEAR), None)
        if near is None:
            groups.append((*at, [name]))
        else:
            near[2].append(name)
    return tuple(Spot(letter_of(k), x, y, tuple(who)) for k, (x, y, who) in enumerate(groups))


def letter_of(k: int) -> str:
    """A to Z, then A1, B1, ..."""
    return chr(ord("A") + k % 26) + (str(k // 26) if k >= 26 else "")


def dots(found: Sequence[Spot]) -> list[str]:
    """A dot and a label for each spot; labels that would lie on one another move down."""
    pieces: list[str] = []
    taken: list[tuple[float, bool]] = []
    for spot in found:
        left = spot.x > LEFT + WIDTH / 2
        y = max(spot.y - 7, TOP + LINE_HEIGHT)
        while any(abs(y - other) < LINE_HEIGHT and left == side for other, side in taken):
            y += LINE_HEIGHT
        taken.append((y, left))
        at = spot.x + (-7 if left else 7)
        pieces += [
            f'<circle class="point" cx="{number(spot.x)}" cy="{number(spot.y)}" r="4"/>',
            text(at, y, spot.label, "halo", "end" if left else "start"),
        ]
    return pieces


def clipped(content: str, longest: int) -> str:
    """A text of bounded length.

    Examples
    --------
    >>> clipped("lme4-bobyqa", 6)
    'lme4-…'
    """
    return content if len(content) <= longest else f"{content[: longest - 1]}…"
