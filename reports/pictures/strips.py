"""Pictures of counts: one strip of decades for each engine, and shares with their ranges beside a nominal value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relmer.reports.pictures.svg import label, number, path, rectangle, svg, text, ticks

TOP, RIGHT, BELOW = 24.0, 10.0, 26.0
CELL, ROW, CHARACTER = 44.0, 22.0, 6.6
NARROWEST, WIDEST = 60.0, 170.0
SHADES = 6
BAR_WIDTH = 190.0
# A share that is missing the nominal one by as little as this is still drawn beside it.
MARGIN = 0.02


@dataclass(frozen=True)
class Bar:
    """A share, the ends of its Monte Carlo range, and its name."""

    name: str
    value: float
    low: float
    high: float


def strips(rows: Sequence[tuple[str, Sequence[int]]], columns: Sequence[str], title: str, description: str) -> str:
    """Draw counts as a row of cells for each name; a cell is darker the larger its share of the row, and says it.

    Parameters
    ----------
    rows
        Names, and counts by column.
    columns
        What the cells stand for.
    title, description
        Name, and what it shows in words.
    """
    left = margin(name for name, _ in rows)
    body = [text(left + (k + 0.5) * CELL, TOP - 8, name, "tick") for k, name in enumerate(columns)]
    for i, (name, counts) in enumerate(rows):
        y, total = TOP + i * ROW, sum(counts)
        body.append(text(left - 8, y + ROW / 2 + 4, shortened(name), "", "end"))
        for k, count in enumerate(counts):
            if count:
                step = min(SHADES, 1 + int(SHADES * count / total))
                body.append(path(f"positive pale{step}", rectangle(left + k * CELL + 1, y + 1, CELL - 2, ROW - 2)))
                body.append(text(left + (k + 0.5) * CELL, y + ROW / 2 + 4, share(count, total), ""))
            else:
                body.append(text(left + (k + 0.5) * CELL, y + ROW / 2 + 4, "·", "tick"))
    return svg(left + len(columns) * CELL + RIGHT, TOP + len(rows) * ROW + 4, title, description, body)


def bars(rows: Sequence[Bar], nominal: float, title: str, description: str) -> str:
    """Draw shares as dots with bars, a row for each, and the nominal share as a dashed line."""
    left, width = margin(bar.name for bar in rows), BAR_WIDTH
    low = max(0.0, min([nominal, *(bar.low for bar in rows)]) - MARGIN)
    high = min(1.0, max([nominal, *(bar.high for bar in rows)]) + MARGIN)

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * width

    bottom = TOP + len(rows) * ROW
    body = [path("frame", f"M{number(left)} {number(bottom)}h{number(width)}")]
    for value in ticks(low, high, 5).tolist():
        body.append(path("frame", f"M{number(across(value))} {number(bottom)}v4"))
        body.append(text(across(value), bottom + 16, label(100 * value), "tick"))
    body.append(path("second", f"M{number(across(nominal))} {number(TOP - 4)}V{number(bottom)}"))
    body.append(text(across(nominal), TOP - 9, f"nominal {label(100 * nominal)} %", "tick"))
    for i, bar in enumerate(rows):
        y = TOP + (i + 0.5) * ROW
        ends = [across(end) for end in (bar.low, bar.high)]
        data = f"M{number(ends[0])} {number(y)}H{number(ends[1])}" + "".join(
            f"M{number(end)} {number(y - 4)}v8" for end in ends
        )
        body.append(text(left - 8, y + 4, shortened(bar.name), "", "end"))
        body.append(path("first", data))
        body.append(f'<circle class="point" cx="{number(across(bar.value))}" cy="{number(y)}" r="3.5"/>')
    return svg(left + width + 2 * RIGHT, bottom + BELOW, title, description, body)


def share(count: int, total: int) -> str:
    """A share in percent, short, and never 0 of something or 100 of less than all.

    Examples
    --------
    >>> share(1, 3), share(1, 10_000), share(9_999, 10_000), share(5, 5)
    ('33 %', '<1 %', '>99 %', '100 %')
    """
    percent = 100 * count / total
    if percent < 1:
        return "<1 %"
    return ">99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def margin(names: Iterable[str]) -> float:
    """Pixels for the names on the left."""
    longest = max((len(shortened(name)) for name in names), default=0)
    return min(max(NARROWEST, 16 + CHARACTER * longest), WIDEST)


def shortened(name: str) -> str:
    """A name that has room on the left: its beginning, if it is too long.

    Examples
    --------
    >>> shortened("lme4"), shortened("a" * 40)
    ('lme4', 'aaaaaaaaaaaaaaaaaaaaaa…')
    """
    most = int((WIDEST - 16) / CHARACTER)
    return name if len(name) <= most else name[: most - 1] + "…"
