"""A fit as a notebook shows it, and the tables and texts that are safe there."""

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING

from relmer.solver.fits.remarking import components, remarks

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

# Rows of a table, remarks, and bytes of a text that are shown. At most 30 rows of three names and a number (300 bytes
# with their marks), 30 of a name and three numbers (150), 10 remarks of 240 and a formula of 800: below 18 kB.
MOST_ROWS, MOST_REMARKS, MOST_TEXT = 30, 10, 80
# Unicode's categories of characters that control, turn the direction of what stands beside them, are not seen, end a
# line, or are half of one; but for line ends, tabs, and the joiners of emoji and of Persian.
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SEEN = {"\n", "\t", "\u200c", "\u200d"}


def html(fit: "Fit") -> str:
    """Formula, method, criterion, estimates and remarks of a fit, at most 20 kB; names are harmless.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> html(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)).split("<p>")[2].split("</p>")[0]
    'REML criterion 1743.6283, 180 rows, method pls, converged'
    """
    name = "REML criterion" if fit.REML else "deviance"
    ended = ", converged" if fit.optimum.converged else ""
    random = components(fit)
    fixed = zip(fit.beta.index, fit.beta, fit.se, fit.t, strict=True)
    spread = random[["group", "var1", "var2", "sdcor"]].itertuples(index=False)
    told = [*remarks(fit), *fit.frame.notes]
    told = [*told[:MOST_REMARKS], f"and {len(told) - MOST_REMARKS} more remarks"] if len(told) > MOST_REMARKS else told
    return "".join(
        [
            f"<p><code>{html_text(fit.formula, 10 * MOST_TEXT)}</code></p>",
            f"<p>{name} {fit.criterion:.4f}, {len(fit.design.y)} rows, method {fit.method}{ended}</p>",
            html_table(("fixed effect", "beta", "SE", "t"), list(fixed)),
            html_table(("group", "variable", "with", "SD or correlation"), list(spread)),
            *(f"<p>{html_text(each, 3 * MOST_TEXT)}</p>" for each in told),
        ]
    )


def html_table(head: Iterable[str], rows: Sequence[Iterable[object]], most: int = MOST_ROWS) -> str:
    """A table of names and numbers in the notebook's own colours; how many rows are left out is said."""
    lines = "".join(f"<tr>{''.join(f'<td>{cell(each)}</td>' for each in row)}</tr>" for row in rows[:most])
    left = f"<p>and {len(rows) - most} more rows</p>" if len(rows) > most else ""
    return f"<table><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{lines}</table>{left}"


def cell(value: object) -> str:
    """A name or a number."""
    return f"{value:.6g}" if isinstance(value, float) else html_text(str(value))


def html_text(text: str, most: int = MOST_TEXT) -> str:
    r"""A text that is safe in HTML: shortened, and what turns its direction or controls, by its code.

    Examples
    --------
    >>> html_text("<b>\u202e", 60)
    '&lt;b&gt;U+202E'
    """
    safe = [f"U+{ord(c):04X}" if unicodedata.category(c) in UNSEEN and c not in SEEN else escape(c) for c in text]
    ends = accumulate(len(piece.encode(errors="replace")) for piece in safe)
    kept = sum(end <= most for end in ends)
    return "".join(safe) if kept == len(safe) else f"{''.join(safe[:kept])}…"
