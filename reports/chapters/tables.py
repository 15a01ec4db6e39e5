"""Tables of the chapters: printed matrices in their shape, and what the practical and the slides compute."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import groupby

from relmer.datasets import parse_key
from relmer.reports.records import PublishedFigure

MORE_DIGITS = 3
LEAST_CELLS = 9


@dataclass(frozen=True)
class Table:
    """A small table of text: the first cell of a row is its head."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Grid:
    """Figures that were printed as a matrix, in its shape; None where nothing is printed."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[PublishedFigure | None, ...]], ...]

    @property
    def figures(self) -> tuple[PublishedFigure, ...]:
        """The cells that show a figure."""
        return tuple(cell for _, cells in self.rows for cell in cells if cell is not None)


def arranged(figures: Sequence[PublishedFigure]) -> tuple[tuple[PublishedFigure, ...] | Grid, ...]:
    """Part figures, in their order, into those that are listed and those that were printed as a matrix."""
    parts: list[tuple[PublishedFigure, ...] | Grid] = []
    listed: tuple[PublishedFigure, ...] = ()
    for label, group in groupby(figures, key=lambda figure: figure.label):
        own = tuple(group)
        found = grid(label, own)
        if found is None:
            listed += own
        else:
            parts += [listed, found] if listed else [found]
            listed = ()
    return (*parts, listed) if listed else tuple(parts)


def grid(label: str, figures: Sequence[PublishedFigure]) -> Grid | None:
    """Arrange figures such as "V[26, 27]" as a matrix; None if they are few or are none."""
    cells: dict[tuple[str, str], PublishedFigure] = {}
    quantities = set()
    for figure in figures:
        try:
            quantity, names = parse_key(figure.quantity)
        except ValueError:
            return None
        if len(names) != 2:
            return None
        quantities.add(quantity)
        row, column = names[::-1] if quantity == "data" else names
        cells[row, column] = figure
    rows, columns = (tuple(dict.fromkeys(place[axis] for place in cells)) for axis in (0, 1))
    if len(quantities) > 1 or len(cells) < max(LEAST_CELLS, len(figures)) or min(len(rows), len(columns)) < 2:
        return None
    if all(name.isdecimal() for name in columns):
        columns = tuple(sorted(columns, key=int))
    return Grid(label, columns, tuple((row, tuple(cells.get((row, column)) for column in columns)) for row in rows))


def tally(figures: Sequence[PublishedFigure]) -> str:
    """How many figures were reproduced, in words."""
    seen = Counter(figure.verdict for figure in figures)
    told = f"{len(figures):,} {'figure' if len(figures) == 1 else 'figures'}"
    if len(seen) == 1:
        return f"{told}, {'' if len(figures) == 1 else 'all '}{figures[0].verdict}"
    return f"{told}: " + ", ".join(f"{count:,} {verdict}" for verdict, count in seen.most_common())


def rounded(value: float | None, printed: str) -> str:
    """A value to three digits more than were printed; a dash where there is none.

    Examples
    --------
    >>> rounded(1743.628271959, "1743.6"), rounded(5.84347749e-13, "5.843e-13"), rounded(None, "1")
    ('1743.6283', '5.843477e-13', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    try:
        exponent = Decimal(printed.replace(",", "")).as_tuple().exponent
    except InvalidOperation:
        exponent = "n"
    if not isinstance(exponent, int) or abs(exponent) > 300:
        return f"{value:.10g}"
    if "." not in printed and value == int(value):
        return f"{int(value):,}" if "," in printed else str(int(value))
    mantissa, scientific, power = printed.lower().partition("e")
    if scientific:
        return f"{value:.{max(int(power) - exponent, 0) + MORE_DIGITS}e}" if mantissa else f"{value:.10g}"
    return f"{value:{',' if ',' in printed else ''}.{max(-exponent, 0) + MORE_DIGITS}f}"
