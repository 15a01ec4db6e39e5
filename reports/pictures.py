"""Where the marks of the page's picture stand: digits over cases, a panel per quantity, a mark per engine.

The template digits.svg draws it; text and colours are the page's own, so that it suits light, dark and paper.
"""

import re
from dataclasses import dataclass
from statistics import median

from relmer.reports.digits import MOST
from relmer.reports.records import Comparison, Report
from relmer.reports.summary import ESTIMATES, digits_text, lowest_digits

PANELS = ("criterion", "beta", "sigma", "se", "theta")
CRITERION = 3
SHAPES = 8

LABELS, PANEL, GAP = 180, 150, 18
TOP, ROW, BOTTOM = 30, 20, 24
SPREAD = 11
TICKS = (0, 4, 8, 12, 16)
LONGEST_LABEL = 26


@dataclass(frozen=True)
class Mark:
    """The fewest digits of one engine on one case in one panel, at (x, y); `broken` if it disagrees."""

    x: float
    y: float
    shape: int
    broken: bool


@dataclass(frozen=True)
class Panel:
    """One quantity: its name, the x of 0 digits, its ticks (digits, x), and its marks."""

    name: str
    left: float
    ticks: tuple[tuple[int, float], ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Picture:
    """A dot plot.

    Attributes
    ----------
    width, height, top, row
        Sizes in pixels: the whole, the space above the first row, and one row.
    cases
        Label and middle of each row.
    engines
        Name and shape (0 to SHAPES - 1) of each engine.
    description
        The same in words, for those who do not see it.
    """

    width: float
    height: float
    top: float
    row: float
    cases: tuple[tuple[str, float], ...]
    engines: tuple[tuple[str, int], ...]
    panels: tuple[Panel, ...]
    description: str


def draw(report: Report) -> Picture | None:
    """Lay the picture out; None if no comparison of these quantities has digits."""
    rows = {case.name: TOP + ROW * (k + 0.5) for k, case in enumerate(report.cases)}
    engines = [engine.name for engine in report.engines]
    shown = grouped(report)
    names = [name for name in PANELS if any(panel == name for panel, _, _ in shown)]
    if not names:
        return None
    panels = []
    for k, name in enumerate(names):
        left = LABELS + k * (PANEL + GAP)
        marks = [
            Mark(
                x=round(left + scaled(digits), 1),
                y=round(rows[case] + dodge(engines.index(engine), len(engines)), 1),
                shape=engines.index(engine) % SHAPES,
                broken=any(c.verdict == "disagree" for c in comparisons),
            )
            for (panel, case, engine), comparisons in shown.items()
            if panel == name and (digits := lowest_digits(comparisons)) is not None
        ]
        panels.append(Panel(name, left, tuple((t, left + scaled(t)) for t in TICKS), tuple(marks)))
    return Picture(
        width=LABELS + len(names) * (PANEL + GAP),
        height=TOP + ROW * len(rows) + BOTTOM,
        top=TOP,
        row=ROW,
        cases=tuple((shortened(name), y) for name, y in rows.items()),
        engines=tuple((name, k % SHAPES) for k, name in enumerate(engines)),
        panels=tuple(panels),
        description=describe(names, engines, shown),
    )


def grouped(report: Report) -> dict[tuple[str, str, str], list[Comparison]]:
    """The comparisons that have digits, by (panel, case, engine)."""
    shown: dict[tuple[str, str, str], list[Comparison]] = {}
    for c in report.comparisons:
        name = panel_of(c)
        if name and lowest_digits([c]) is not None:
            shown.setdefault((name, c.case, c.engine), []).append(c)
    return shown


def panel_of(comparison: Comparison) -> str:
    """The panel of a comparison: all of rung 3 is one, four estimates are told by their first word."""
    if comparison.rung == CRITERION:
        return PANELS[0]
    word = re.sub("[^a-z].*", "", comparison.quantity.lower(), flags=re.DOTALL)
    return word if comparison.rung == ESTIMATES and word in PANELS[1:] else ""


def scaled(digits: float) -> float:
    """Digits as pixels from the left edge of a panel."""
    return PANEL * min(max(digits, 0.0), MOST) / MOST


def dodge(index: int, count: int) -> float:
    """How far an engine's mark stands off the middle of its row, lest equal digits hide each other."""
    return SPREAD * (index / (count - 1) - 0.5) if count > 1 else 0.0


def shortened(name: str) -> str:
    """A label that fits its column."""
    return name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…"


def describe(names: list[str], engines: list[str], shown: dict[tuple[str, str, str], list[Comparison]]) -> str:
    """Median and lowest digits of every engine in every panel, in words."""
    told = []
    for engine in engines:
        parts = []
        for name in names:
            digits = [
                lowest
                for (panel, _, judged), comparisons in shown.items()
                if panel == name and judged == engine and (lowest := lowest_digits(comparisons)) is not None
            ]
            if digits:
                parts.append(f"{name} {digits_text(median(digits))} (lowest {digits_text(min(digits))})")
        told.append(f"{engine}: {', '.join(parts) or 'no digits'}.")
    return "Median correct digits over the cases. " + " ".join(told)
