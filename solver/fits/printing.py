"""A fit, and its summary, as lme4 prints them."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from relmer.solver.fits.components import VarCorr
from relmer.solver.fits.criteria import AIC, BIC, df_residual
from relmer.solver.fits.effects import per_factor
from relmer.solver.fits.html import html_text
from relmer.solver.fits.r_format import (
    WIDTH,
    abbreviated,
    format_numbers,
    matrix,
    named_vector,
    quantiles,
    rounded,
    zapped,
)
from relmer.solver.fits.remarking import components, remarks
from relmer.solver.model import is_structured, varcorr_names

if TYPE_CHECKING:
    from relmer.solver.fits.fit import Fit

DIGITS = 4
"""R's seven less three."""
OPERATOR, BREAK = re.compile(r" [-+*~|] "), 60
"""Where R breaks a formula, and from which length of a line on."""
MOST_TEXT = 20_000
"""Bytes of a summary in a notebook."""
MOST_CORRELATED = 12
"""Coefficients of which the correlations are printed: lme4.summary.cor.max."""


@dataclass(frozen=True, repr=False)
class Summary:
    """What `summary` makes: the table of the fixed effects, and the text that lme4 prints.

    Attributes
    ----------
    coefficients
        Estimate, Std. Error, t value (p, 3).
    text
        The lines.
    """

    coefficients: pd.DataFrame
    text: str

    def __repr__(self) -> str:
        """The text."""
        return self.text

    def _repr_html_(self) -> str:
        """The text, harmless in a notebook."""
        return f"<pre>{html_text(self.text, MOST_TEXT)}</pre>"


def printed(fit: "Fit") -> str:
    r"""What lme4's print shows, without the names of the data and of the optimiser; and what has to be known.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> fit = lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff").frame)
    >>> print("\n".join(line.rstrip() for line in str(fit).split("\n")))
    Linear mixed model fit by REML ['lmerMod']
    Formula: Yield ~ 1 + (1 | Batch)
    REML criterion at convergence: 319.6543
    Random effects:
     Groups   Name        Std.Dev.
     Batch    (Intercept) 42.00
     Residual             49.51
    Number of obs: 30, groups:  Batch, 6
    Fixed Effects:
    (Intercept)
           1528
    """
    names, fixed = list(fit.beta.index), format_numbers(fit.beta.tolist(), DIGITS)
    told = ["Fixed Effects:", *named_vector(names, fixed, 2)] if names else ["No fixed effect coefficients"]
    return "\n".join([*head(fit), *criteria_of(fit, 4), *random_effects(fit, False), *told, *notes(fit)])


def summary(fit: "Fit", correlation: bool | None = None) -> Summary:
    """What lme4's summary shows, without the names of the data and of the optimiser; and what has to be known.

    Parameters
    ----------
    fit
        Of any model.
    correlation
        Whether the correlations of the fixed effects are shown; of up to 12 if None.

    Returns
    -------
    Summary
        Prints as lme4's, and has the table of coefficients.

    Examples
    --------
    >>> from relmer.datasets import load
    >>> from relmer.solver import lmer
    >>> summary(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)).coefficients.round(3)
                 Estimate  Std. Error  t value
    (Intercept)   251.405       6.825   36.838
    Days           10.467       1.546    6.771
    """
    table = pd.DataFrame({"Estimate": fit.beta, "Std. Error": fit.se, "t value": fit.t})
    scaled = fit.residuals("pearson", scaled=True).dropna().tolist()
    spread = format_numbers(zapped(quantiles(scaled), DIGITS + 1), DIGITS)
    lines = [*head(fit), "", *criteria_of(fit, 1), "", "Scaled residuals: "]
    lines += [*named_vector(["Min", "1Q", "Median", "3Q", "Max"], spread), "", *random_effects(fit, True)]
    if len(table):
        lines += ["", "Fixed effects:", *matrix(list(table.index), list(table.columns), cells_of(table), right=True)]
    if (len(table) <= MOST_CORRELATED if correlation is None else correlation) and len(table) > 1:
        lines += ["", "Correlation of Fixed Effects:", *correlations(fit)]
    return Summary(table, "\n".join([*lines, *notes(fit)]))


def head(fit: "Fit") -> list[str]:
    """The method and the formula."""
    how = "REML" if fit.REML else "maximum likelihood "
    return [f"Linear mixed model fit by {how} ['lmerMod']", *broken(fit.formula)]


def broken(formula: str) -> list[str]:
    """A formula in lines: R's deparse breaks it after the operator at which a piece is longer than 60, cat fills 80."""
    pieces, text = ["Formula:"], formula
    while (at := next((k.end() for k in OPERATOR.finditer(text) if k.end() > BREAK), len(text))) < len(text):
        pieces.append(text[:at])
        text = f"    {text[at:]}"
    lines = [""]
    for piece in [*pieces, text]:
        if lines[-1] and len(lines[-1]) + len(piece) + 1 > WIDTH:
            lines.append("")
        lines[-1] += f"{piece} "
    return [*lines[:-1], lines[-1][:-1]]


def criteria_of(fit: "Fit", digits: int) -> list[str]:
    """The REML criterion, or the table of information criteria."""
    if fit.REML:
        return [f"REML criterion at convergence: {format_numbers([round(fit.criterion, digits)])[0]}"]
    values = rounded([AIC(fit), BIC(fit), fit.loglik, fit.criterion, df_residual(fit)], digits)
    texts = [*format_numbers(values)[:4], format_numbers(values[4:])[0]]
    return named_vector(["AIC", "BIC", "logLik", "deviance", "df.resid"], texts)


def random_effects(fit: "Fit", variances: bool) -> list[str]:
    """Standard deviations and correlations of each term, and the numbers of rows and levels."""
    if is_structured(fit.design.terms):
        lines = components(fit).to_string(index=False, float_format="{:f}".format).split("\n")
    else:
        lines = variance_table(fit, variances)
    counts = [f"{group}, {len(levels)}" for group, levels, *_ in per_factor(fit)]
    start, groups = f"Number of obs: {len(fit.design.y)}, groups: ", "; ".join(counts)
    ended = [f"{start} {groups}"] if len(start) + 1 + len(groups) <= WIDTH else [start, groups]
    return ["Random effects:", *lines, *ended]


def variance_table(fit: "Fit", variances: bool) -> list[str]:
    """The table of standard deviations and correlations, as formatVC makes it."""
    table = VarCorr(fit)
    sizes = [len(term.columns) for term in fit.design.terms]
    alone = table[table["var2"].isna()]
    groups = [
        name if k == 0 else "" for name, c in zip(varcorr_names(fit.design.terms), sizes, strict=True) for k in range(c)
    ]
    columns = ["Groups", "Name", *(["Variance"] if variances else []), "Std.Dev."]
    parts = [[*groups, "Residual"], [*alone["var1"].tolist()[:-1], ""]]
    parts += [format_numbers(alone["vcov"].tolist(), DIGITS)] if variances else []
    parts.append(format_numbers(alone["sdcor"].tolist(), DIGITS))
    cells = [list(row) for row in zip(*parts, strict=True)]
    widest = max(sizes, default=1)
    if widest > 1:
        columns += ["Corr", *[""] * (widest - 2)]
        own = correlation_cells(table, sizes)
        cells = [
            [*row, *(found[j] if j < len(found) else "" for j in range(widest - 1))]
            for row, found in zip(cells, [*own, []], strict=True)
        ]
    return matrix([""] * len(cells), columns, cells, right=False)


def correlation_cells(table: pd.DataFrame, sizes: list[int]) -> list[list[str]]:
    """For each row of each term the correlations with those before it, spelled in a width of the term's own."""
    found, first = [], 0
    for c in sizes:
        values = table["sdcor"].iloc[first + c : first + c * (c + 1) // 2].tolist()
        first += c * (c + 1) // 2
        # The diagonal of ones, and the other triangle, have a part in the width.
        texts = format_numbers(rounded([*values, 1.0], 2), nsmall=2)
        lower = [["" for _ in range(c)] for _ in range(c)]
        places = [(i, j) for j in range(c) for i in range(j + 1, c)]
        for (i, j), text in zip(places, texts[:-1], strict=True):
            lower[i][j] = text
        found += lower
    return found


def cells_of(table: pd.DataFrame) -> list[list[str]]:
    """Estimates, standard errors and t as printCoefmat spells them."""
    both = table[["Estimate", "Std. Error"]].to_numpy()
    sizes = np.abs(both[np.isfinite(both) & (both != 0)])
    powers = [1 + math.floor(math.log10(each)) for each in (sizes.min(), sizes.max())] if len(sizes) else [1]
    places = max(1, *(DIGITS - power for power in powers))
    texts = format_numbers(rounded(both.T.ravel().tolist(), places), DIGITS)
    # A number that was rounded to zero is spelled by itself.
    for k, value in enumerate(both.T.ravel().tolist()):
        if (value == 0) != (float(texts[k]) == 0):
            texts[k] = format_numbers([value], DIGITS - 1)[0]
    t = format_numbers(rounded(table["t value"].tolist(), min(5, DIGITS - 1)), DIGITS)
    p = len(table)
    return [list(row) for row in zip(texts[:p], texts[p:], t, strict=True)]


def correlations(fit: "Fit") -> list[str]:
    """The lower triangle of the correlations of the fixed effects."""
    names = list(fit.beta.index)
    p = len(names)
    sd = np.sqrt(np.diagonal(fit.vcov.to_numpy()))
    found = fit.vcov.to_numpy() / np.outer(sd, sd)
    texts = format_numbers(rounded(found.ravel().tolist(), 3), nsmall=3)
    cells = [[texts[i * p + j] if j < i else "" for j in range(p - 1)] for i in range(1, p)]
    return matrix(abbreviated(names, 11)[1:], abbreviated(names, 6)[:-1], cells, right=False)


def notes(fit: "Fit") -> list[str]:
    """lme4's words on what was dropped, then what has to be known of the fit."""
    said = ["fit warnings:", *fit.messages] if fit.messages else []
    dropped = [f"dropped: {', '.join(fit.dropped)}"] if fit.dropped else []
    return [*said, *dropped, *remarks(fit)[len(fit.messages) :]]
