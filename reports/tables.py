"""Tables of the chapters: printed matrices in their shape, and what the practical and the slides compute."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import groupby

import numpy as np

from relmer.reports.records import PublishedFigure, Report
from relmer.reports.scenes import fit_of
from relmer.reports.summary import SYMBOLS, digits_text
from relmer.solver.paths.criterion import degrees_of_freedom

MORE_DIGITS = 3
LEAST_CELLS = 9
TWO_NAMES = re.compile(r"(?P<quantity>\w+)\[(?P<first>[^,\[\]]+), (?P<second>[^,\[\]]+)\]")
PRACTICAL, SLIDES = "docs/machines", "docs/sleepstudy"
COMPARED = {4: "criterion", 5: "estimates"}


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
        parts = TWO_NAMES.fullmatch(figure.quantity)
        if parts is None:
            return None
        quantities.add(parts["quantity"])
        place = (parts["first"], parts["second"])
        cells[place[::-1] if parts["quantity"] == "data" else place] = figure
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


def practical_estimates(report: Report) -> Table:
    """What `lmm` of document 003 returns: beta, and theta as log standard deviations."""
    fit = fit_of(PRACTICAL)
    spread = fit.varcorr
    beta = [(f"beta {name}", f"{value:.7f}") for name, value in fit.beta.items()]
    logs = [("theta₁ log σ", fit.sigma)] + [
        (f"theta log σ of {group}", deviation)
        for group, deviation in zip(spread["group"], spread["sdcor"], strict=True)
        if group != "Residual"
    ]
    theta = [(name, f"{float(np.log(value)):.7f}") for name, value in logs]
    return Table("What lmm returns: beta and theta, fitted here", ("Parameter", "Value"), tuple(beta + theta))


def practical_agreement(report: Report) -> Table:
    """How each engine of the run does on the model of document 003."""
    rows = []
    for engine in report.engines:
        for rung, name in COMPARED.items():
            own = [
                c
                for c in report.comparisons
                if (c.case, c.engine, c.rung) == (PRACTICAL, engine.name, rung) and c.kind != "published"
            ]
            digits = [c for c in own if c.digits is not None]
            worst = min(digits, key=lambda c: c.digits or 0.0, default=None)
            verdicts = ", ".join(f"{SYMBOLS[v]} {v}" for v in dict.fromkeys(c.verdict for c in own))
            if own:
                fewest = f"{digits_text(worst.digits)} ({worst.quantity})" if worst else ""
                rows.append((engine.name, name, fewest, verdicts))
    return Table(
        "The same estimates by every engine of this run: the fewest correct digits, and of what",
        ("Engine", "Compared", "Fewest digits", "Verdicts"),
        tuple(rows),
    )


def pieces_of_the_criterion(report: Report) -> Table:
    """The symbols of document 004 with their values for the sleepstudy model."""
    fit = fit_of(SLIDES)
    n, p = fit.design.X.shape
    d = degrees_of_freedom(fit.design, fit.REML)
    last = d * (1 + math.log(2 * math.pi * fit.profile.pwrss / d))
    rows = (
        ("n, p, q", "observations, fixed effects, random effects", f"{n}, {p}, {fit.Z.shape[1]}"),
        ("θ", "relative covariance parameters", ", ".join(f"{value:.6f}" for value in fit.theta)),
        ("log |L|²", "twice the sum of the logs of the diagonal of L", f"{fit.profile.logdet_L:.6f}"),
        ("log |RX|²", "the same of RX", f"{fit.profile.logdet_RX:.6f}"),
        ("r²", "the least penalized sum of squares", f"{fit.profile.pwrss:.6f}"),
        ("(n − p)[1 + log(2π r²/(n − p))]", "the last term", f"{last:.6f}"),
        ("−2 ℓ(θ)", "their sum, the profiled REML criterion", f"{fit.criterion:.6f}"),
        ("σ̂²", "r² / (n − p)", f"{fit.sigma**2:.6f}"),
    )
    return Table("The pieces of the REML criterion of the sleepstudy model", ("Symbol", "Meaning", "Value"), rows)
