"""Two fits, quantity by quantity; or what the harness judges, for a pattern of cases."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from relmer.reports.evidence import relative_digits, scales
from relmer.reports.python.judged import Judged, judged
from relmer.reports.run import compare as judged_by
from relmer.reports.text import one_line
from relmer.solver.fits import Fit, html_table, html_text

HEAD = ("quantity", "name", "a", "b", "difference", "digits")
# V of crossed factors is dense: n^2 doubles, 200 MB each here.
MOST_ROWS = 5000
# Rows of a notebook's table, and bytes of its sentences.
MOST_SHOWN, MOST_SAID = 200, 800


@dataclass(frozen=True)
class Row:
    """One number of two fits.

    Attributes
    ----------
    quantity, name
        Such as "beta" and "Days"; the name is empty where there is but one number.
    a, b
        The number of each fit; NaN where a fit has none of this name.
    difference
        a - b; of V the largest |difference| of an entry, and a and b the largest entries.
    digits
        Digits in which a agrees with b, from 0 to 16; NaN where one has no such number.
    """

    quantity: str
    name: str
    a: float
    b: float
    difference: float
    digits: float


@dataclass(frozen=True, repr=False)
class Compared:
    """Two fits beside each other; it shows as a table.

    Attributes
    ----------
    differs
        What makes the models two: of rows, y, weights, offset, X, Z, REML; empty where they are one model.
    rows
        Criterion, theta, beta, SE, sigma, varcomp and V, in this order.
    notes
        What was not compared, and why.
    """

    differs: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both are fits of one model to the same data."""
        return not self.differs

    @property
    def said(self) -> str:
        """Whether the models are the same, in a line."""
        return f"the models differ in {', '.join(self.differs)}" if self.differs else "the same model and data"

    def __repr__(self) -> str:
        """The line, and a table."""
        table = [HEAD, *(tuple(map(one_line, cells(row))) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = (
            "  ".join(c.ljust(w) if k < 2 else c.rjust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True)))
            for line in table
        )
        return "\n".join([one_line(self.said), *lines, *self.notes])

    def _repr_html_(self) -> str:
        """The line, and a table, for a notebook."""
        notes = "".join(f"<p>{html_text(note, MOST_SAID)}</p>" for note in self.notes)
        table = html_table(HEAD, [cells(row) for row in self.rows], MOST_SHOWN)
        return f"<p>{html_text(self.said, MOST_SAID)}</p>{table}{notes}"


def cells(row: Row) -> tuple[str, ...]:
    """A row as text."""
    numbers = ("" if math.isnan(value) else f"{value:.10g}" for value in (row.a, row.b))
    difference = "" if math.isnan(row.difference) else f"{row.difference:.2g}"
    return (row.quantity, row.name, *numbers, difference, "" if math.isnan(row.digits) else f"{row.digits:.1f}")


@overload
def compare(what: Fit, other: Fit) -> Compared: ...
@overload
def compare(what: str = "*", other: Sequence[str] = (), jobs: int = 1) -> Judged: ...
def compare(what: Any = "*", other: Any = (), jobs: int = 1) -> Compared | Judged:
    """Hold a fit against another; or judge the cases that match a pattern, on some engines or all.

    Parameters
    ----------
    what, other
        Two fits, of which the second is what the digits are counted against; or a pattern and names of engines.
    jobs
        Processes, of cases that are judged.

    Raises
    ------
    TypeError
        One is a fit, and the other is not.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)
    >>> compare(fit, fit).said
    'the same model and data'
    """
    if isinstance(what, Fit) and isinstance(other, Fit):
        return compared(what, other)
    if isinstance(what, Fit) or isinstance(other, Fit):
        raise TypeError("compare takes two fits, or a pattern of cases and names of engines: compare(fit_a, fit_b)")
    return judged(judged_by(what, other, jobs))


def compared(a: Fit, b: Fit) -> Compared:
    """Two fits, quantity by quantity."""
    rows = [
        row for name, of_a, of_b in zip(NAMES, numbers(a), numbers(b), strict=True) for row in each(name, of_a, of_b)
    ]
    notes = []
    if len(a.design.y) != len(b.design.y):
        notes.append("V is not compared: the fits have not the same number of rows")
    elif len(a.design.y) > MOST_ROWS:
        notes.append(f"V is not compared: it is not formed above {MOST_ROWS} rows")
    else:
        V, W = a.V, b.V
        apart, largest = float(abs(V - W).max()), float(abs(W).max())
        same = relative_digits(apart / largest) if largest else math.nan
        rows.append(Row("V", "largest entry", float(abs(V).max()), largest, apart, same))
    return Compared(tuple(differences(a, b)), tuple(rows), tuple(notes))


NAMES = ("criterion", "theta", "beta", "se", "sigma", "varcomp")


def numbers(fit: Fit) -> tuple[dict[str, float], ...]:
    """The quantities of `NAMES`, each by its names."""
    parts = fit.VarCorr()
    labels = [
        " ".join(str(x) for x in parts_of if isinstance(x, str))
        for parts_of in zip(parts["grp"], parts["var1"], parts["var2"], strict=True)
    ]
    named = (
        ([""], [fit.criterion]),
        (fit.theta.index, fit.theta),
        (fit.beta.index, fit.beta),
        (fit.se.index, fit.se),
        ([""], [fit.sigma]),
        (labels, parts["vcov"]),
    )
    return tuple({str(k): float(v) for k, v in zip(names, values, strict=True)} for names, values in named)


def each(quantity: str, a: dict[str, float], b: dict[str, float]) -> Iterator[Row]:
    """The numbers of one quantity, those that both have with their digits."""
    scale = dict(zip(b, scales(quantity, np.array(list(b.values()))), strict=True))
    for name in dict.fromkeys([*a, *b]):
        of_a, of_b = a.get(name, math.nan), b.get(name, math.nan)
        apart = of_a - of_b
        if apart == 0:
            same = relative_digits(0.0)
        elif math.isnan(apart):
            same = math.nan
        else:
            same = relative_digits(abs(apart) / float(scale[name])) if scale[name] else 0.0
        yield Row("SE" if quantity == "se" else quantity, name, of_a, of_b, apart, same)


def differences(a: Fit, b: Fit) -> Iterator[str]:
    """What makes two models two."""
    one, two = a.design, b.design
    if not a.X.index.equals(b.X.index):
        yield "rows"
    if not np.array_equal(one.y, two.y):
        yield "y"
    for name in ("weights", "offset"):
        first, second = getattr(one, name), getattr(two, name)
        if (first is None) != (second is None) or (first is not None and not np.array_equal(first, second)):
            yield name
    if one.coefficients != two.coefficients or not np.array_equal(one.X, two.X):
        yield "X"
    if list(a.theta.index) != list(b.theta.index) or one.Z.shape != two.Z.shape or abs(one.Z - two.Z).sum() != 0:
        yield "Z"
    if a.REML != b.REML:
        yield f"REML ({a.REML}, {b.REML})"
