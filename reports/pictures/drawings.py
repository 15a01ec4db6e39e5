"""Pictures of matrices as R's `image` shows them: the pattern, shaded by size, positive and negative apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from relmer.reports.pictures.svg import label, number, path, rectangle, svg, text, ticks

SIDE, LARGEST_CELL = 300.0, 18.0
LEFT, TOP, RIGHT, BELOW = 54.0, 10.0, 14.0, 54.0
SHADES = 6
SMALLEST_MARK = 0.9
LEAST_LABELLED = 15.0
TONES = {
    letter: f"{sign} tone{k}"
    for sign, letters in (("positive", "123456"), ("negative", "abcdef"))
    for k, letter in enumerate(letters, start=1)
}


@dataclass(frozen=True)
class Canvas:
    """Where the entries of a rows × columns matrix go: squares of `cell` pixels from (LEFT, TOP).

    If `step` is not 1, a square stands for so many rows and columns.
    """

    rows: int
    columns: int
    cell: float
    step: tuple[float, float] = (1.0, 1.0)

    def tile(self, row: float, column: float, height: float, width: float) -> str:
        """Path data of a rectangle of squares; never too thin to be seen."""
        across, down = (max(size * self.cell, SMALLEST_MARK) for size in (width, height))
        return rectangle(LEFT + column * self.cell, TOP + row * self.cell, across, down)


def image(
    matrix: Any, title: str, description: str, *, first_row: int = 1, numbers: bool = False, side: float = SIDE
) -> str:
    """Draw a sparse matrix as its pattern.

    Parameters
    ----------
    matrix
        Dense or sparse (m, n).
    title, description
        Name, and what it shows in words.
    first_row
        Number of the first row and column of a matrix that was cut out of a larger one.
    numbers
        Write the entries, which must be short, and a dot where none is stored.
    side
        Pixels of the longer side.
    """
    entries = sparse.coo_array(matrix)
    entries.sum_duplicates()
    rows, columns = map(int, entries.shape)
    canvas = Canvas(rows, columns, min(side / max(rows, columns, 1), LARGEST_CELL))
    pieces = shaded(canvas, entries, "pale" if numbers else "tone")
    if numbers:
        pieces += written(canvas, entries)
    return framed(canvas, pieces, title, description, first_row)


def cells(rows: Sequence[str], shape: tuple[int, int], title: str, description: str, *, side: float = SIDE) -> str:
    """Draw a matrix that is told in cells, as a string for each row of them.

    Parameters
    ----------
    rows
        Of a cell "." says that there is nothing in it, "1" to "6" how large it is, "a" to "f" of negative ones.
    shape
        Of the matrix, of which a cell may hold many entries.
    title, description, side
        As in `image`.
    """
    height, width = len(rows), max(map(len, rows), default=0)
    cell = min(side / max(height, width, 1), LARGEST_CELL)
    canvas = Canvas(*shape, cell, (shape[0] / max(height, 1) or 1.0, shape[1] / max(width, 1) or 1.0))
    tiles: dict[str, list[str]] = {}
    for i, row in enumerate(rows):
        first = 0
        for letter, run in groupby(row):
            count = len(list(run))
            if kind := TONES.get(letter):
                tiles.setdefault(kind, []).append(canvas.tile(i, first, 1, count))
            first += count
    pieces = [path(kind, "".join(data)) for kind, data in sorted(tiles.items())]
    return framed(canvas, pieces, title, description)


def blocks(matrix: Any, title: str, description: str, *, side: float = SIDE) -> str:
    """Draw a large block-diagonal matrix: each block as one square, shaded by its mean entry off the diagonal.

    The diagonal is a line, shaded by its own mean. Entries that belong together must stand together.
    """
    entries = sparse.csr_array(matrix)
    size = int(entries.shape[0])
    canvas = Canvas(size, size, side / size)
    spans = block_spans(entries)
    diagonal = entries.diagonal()
    means = [mean_off_diagonal(entries, diagonal, start, stop) for start, stop in spans]
    most = float(np.abs(diagonal).max())
    tiles: dict[str, list[str]] = {}
    for (start, stop), mean in zip(spans, means, strict=True):
        if mean:
            tiles.setdefault(shade(mean, most, "tone"), []).append(
                canvas.tile(start, start, stop - start, stop - start)
            )
    pieces = [path(kind, "".join(data)) for kind, data in sorted(tiles.items())]
    end_x, end_y = LEFT + size * canvas.cell, TOP + size * canvas.cell
    pieces.append(path("diagonal", f"M{number(LEFT)} {number(TOP)}L{number(end_x)} {number(end_y)}"))
    return framed(canvas, pieces, title, description)


def block_spans(matrix: Any) -> list[tuple[int, int]]:
    """First and last + 1 row of each block of a block-diagonal matrix.

    Raises
    ------
    ValueError
        The rows of some block do not stand together.

    Examples
    --------
    >>> block_spans(sparse.csr_array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]))
    [(0, 2), (2, 3)]
    """
    _, found = connected_components(matrix, directed=False)
    edges = [0, *(np.flatnonzero(np.diff(found)) + 1).tolist(), len(found)]
    if len(edges) - 1 != len(set(found.tolist())):
        raise ValueError("the rows of a block do not stand together")
    return list(pairwise(edges))


def mean_off_diagonal(matrix: Any, diagonal: NDArray[np.float64], start: int, stop: int) -> float:
    """Mean of the entries of one block that are not on its diagonal; 0 for a block of one."""
    size = stop - start
    total = matrix[start:stop, start:stop].sum() - diagonal[start:stop].sum()
    return float(total / (size * (size - 1))) if size > 1 else 0.0


def shaded(canvas: Canvas, entries: Any, scale: str) -> list[str]:
    """Tiles of the entries that are not 0, a path for each shade; equal neighbours in a row are one tile."""
    order = np.lexsort((entries.col, entries.row))
    values = entries.data[order].astype(float)
    rows, columns = entries.row[order].tolist(), entries.col[order].tolist()
    most = float(np.abs(values).max(initial=0.0))
    kinds = [shade(value, most, scale) if value else "" for value in values.tolist()]
    tiles: dict[str, list[str]] = {}
    start = 0
    for k in range(1, len(kinds) + 1):
        joined = k < len(kinds) and kinds[k] == kinds[start] and rows[k] == rows[start]
        if joined and columns[k] == columns[k - 1] + 1:
            continue
        if kinds[start]:
            tile = canvas.tile(rows[start], columns[start], 1, columns[k - 1] - columns[start] + 1)
            tiles.setdefault(kinds[start], []).append(tile)
        start = k
    return [path(kind, "".join(data)) for kind, data in sorted(tiles.items())]


def shade(value: float, most: float, scale: str) -> str:
    """Classes of an entry: its sign, and its size in SHADES steps up to the largest.

    Examples
    --------
    >>> shade(2.0, 2.0, "tone"), shade(-0.1, 2.0, "tone")
    ('positive tone6', 'negative tone1')
    """
    step = min(int(np.ceil(abs(value) / most * SHADES)), SHADES)
    return f"{'positive' if value > 0 else 'negative'} {scale}{step}"


def written(canvas: Canvas, entries: Any) -> list[str]:
    """The entries as text, and a dot where none is stored."""
    stored = {(int(i), int(j)): float(v) for i, j, v in zip(entries.row, entries.col, entries.data, strict=True)}
    lines = []
    for i in range(canvas.rows):
        y = TOP + (i + 0.5) * canvas.cell + 3
        for j in range(canvas.columns):
            content = label(stored[i, j]) if (i, j) in stored else "·"
            lines.append(text(LEFT + (j + 0.5) * canvas.cell, y, content, "entry" if (i, j) in stored else "none"))
    return lines


def framed(canvas: Canvas, pieces: Sequence[str], title: str, description: str, first_row: int = 1) -> str:
    """Put R's frame around the entries: ticks, Row, Column and the dimensions."""
    down, across = (canvas.cell / step for step in canvas.step)
    width, height = canvas.columns * across, canvas.rows * down
    body = [*pieces, path("frame", rectangle(LEFT, TOP, width, height))]
    for position in tick_positions(canvas.columns, across, first_row):
        x = LEFT + (position - first_row + 0.5) * across
        body += [
            path("frame", f"M{number(x)} {number(TOP + height)}v4"),
            text(x, TOP + height + 16, str(position), "tick"),
        ]
    for position in tick_positions(canvas.rows, down, first_row):
        y = TOP + (position - first_row + 0.5) * down
        body += [path("frame", f"M{number(LEFT)} {number(y)}h-4"), text(LEFT - 7, y + 4, str(position), "tick", "end")]
    middle = LEFT + width / 2
    body += [
        f'<g transform="translate(11 {number(TOP + height / 2)}) rotate(-90)">{text(0, 0, "Row", "axis")}</g>',
        text(middle, TOP + height + 32, "Column", "axis"),
        text(max(middle, 70), TOP + height + 48, f"Dimensions: {canvas.rows:,} × {canvas.columns:,}", "tick"),
    ]
    return svg(max(LEFT + width + RIGHT, 150), TOP + height + BELOW, title, description, body)


def tick_positions(count: int, cell: float, first: int = 1) -> list[int]:
    """Numbers of the rows or columns that get a tick: all of a few, else round ones."""
    if count <= 6 and cell >= LEAST_LABELLED:
        return list(range(first, first + count))
    chosen = ticks(first, first + count - 1, max(2, min(6, int(count * cell / 20))))
    return [int(t) for t in chosen if t == int(t) and t >= 1]
