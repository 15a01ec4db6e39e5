"""The pictures of a case: its criterion with every engine's answer in it, Z and V."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from relmer.reports.pictures import cells, marked_contours, marked_curve
from relmer.reports.records import CaseRun
from relmer.reports.sights import Sight

SIDE = 200.0
# Rises below it are told as powers of ten.
SMALL = 1e-3


@dataclass(frozen=True)
class Legend:
    """A spot in a picture: its letter, and how far above the optimum whose answers lie there."""

    letter: str
    told: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Picture:
    """A picture: its SVG, and what to see in it."""

    svg: Markup
    caption: str
    legend: tuple[Legend, ...] = ()
    outside: tuple[str, ...] = ()


def pictures(sight: Sight, run: CaseRun) -> Iterator[Picture]:
    """The pictures of a case, as far as there is something to draw."""
    if sight.axes:
        yield criterion(sight, run)
    sorted_by = f"; rows sorted by {', '.join(sight.sorted_by)}" if sight.sorted_by else ""
    if sight.Z:
        told = f"Z, {size(run.rows, run.random_effects)}, the largest entry {sight.largest['Z']:g}{sorted_by}."
        shown = coarse(sight.Z, "its largest entry")
        yield matrix(sight.Z, (run.rows, run.random_effects), f"Z of {run.name}", f"{told}{shown}")
    if sight.V:
        told = f"V = ZGZ′ + R at the optimum, {size(run.rows, run.rows)}{sorted_by}."
        shown = coarse(sight.V, "the mean of its entries") if run.rows > len(sight.V) else ""
        largest = f" The darkest is {sight.largest['V']:g}."
        yield matrix(sight.V, (run.rows, run.rows), f"V of {run.name}", f"{told}{shown}{largest}")


def criterion(sight: Sight, run: CaseRun) -> Picture:
    """The curve or the contours."""
    called = "REML criterion" if run.REML else "deviance"
    highest_first = dict(sorted(sight.marks.items(), key=lambda item: -item[1][-1]))
    marks = {name: (mark[0], mark[1]) for name, mark in highest_first.items()}
    above = f"above the lowest {called}, {sight.lowest:.10g}"
    if len(sight.axes) == 2:
        drawn = marked_contours(
            sight.x,
            sight.y,
            sight.rise,
            marks,
            names=(sight.axes[0], sight.axes[1]),
            title=f"Contours of the {called} of {run.name}",
            description=f"Contours of the {called} over two theta, with the engines' answers.",
        )
        caption = (
            f"Contours of the profiled {called} over theta, by how far they lie {above}, and where each engine stopped."
        )
    else:
        drawn = marked_curve(
            sight.x,
            sight.rise,
            marks,
            bound=sight.bound,
            names=(sight.axes[0], f"above the optimum ({called})"),
            title=f"Curve of the {called} of {run.name}",
            description=f"A curve of the {called} with the engines' answers.",
        )
        caption = f"The profiled {called} {above}: {sight.axes[0]}, and where each engine stopped."
        if sight.bound is not None:
            caption += (
                " Beyond the chart a diagonal element of theta is negative: the same covariances with the sign of a "
                "column turned. Where the curve falls there, the chart has a false minimum at its edge."
            )
    legend = tuple(Legend(spot.letter, by_height(sight, spot.names)) for spot in drawn.spots)
    return Picture(Markup(drawn.svg), caption, legend, sight.outside)


def by_height(sight: Sight, names: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """How far above the optimum, in words, and who; those that are as high as each other stand together."""
    told: dict[str, list[str]] = {}
    for name in names:
        told.setdefault(height(sight.marks[name][-1]), []).append(name)
    return tuple((words, tuple(who)) for words, who in told.items())


def height(rise: float) -> str:
    """How far above the optimum.

    Examples
    --------
    >>> height(135.98), height(1.3e-10), height(0.0)
    ('136 above', '1.3e-10 above', 'at the optimum')
    """
    if rise == 0:
        return "at the optimum"
    return f"{rise:.3g} above" if rise >= SMALL else f"{rise:.1e} above"


def matrix(rows: tuple[str, ...], shape: tuple[int, int], title: str, caption: str) -> Picture:
    """The pattern of a matrix."""
    return Picture(Markup(cells(rows, shape, title, caption, side=SIDE)), caption)


def coarse(rows: tuple[str, ...], told: str) -> str:
    """What a cell stands for."""
    return f" Each of the {len(rows)} × {max(map(len, rows))} cells tells {told}; blue is positive, orange negative."


def size(rows: int, columns: int) -> str:
    """Rows × columns."""
    return f"{rows:,} × {columns:,}"
