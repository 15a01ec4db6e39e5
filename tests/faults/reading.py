"""How a fault of rung 2 reads a formula."""

import re
from collections.abc import Callable

import pandas as pd

from relmer.reference.answers import Answer

from .court import Court
from .fault import Where, slopes

VARIABLES = re.compile(r"[A-Za-z_.][\w.]*")


def fixed_factors(court: Court, ordered: bool) -> list[str]:
    """Factors in the fixed effects alone, ordered or not, of three levels or more."""
    right = court.formula.partition("~")[2]
    grouped = {*VARIABLES.findall(" ".join(re.findall(r"\|([^()]*)\)", right)))}
    fixed = {*VARIABLES.findall(re.sub(r"\([^()]*\|[^()]*\)", "", right))} - grouped
    return [
        name
        for name in court.frame
        if name in fixed and is_ordered(court.frame[name]) is ordered and court.frame[name].nunique() > 2
    ]


def is_ordered(column: pd.Series) -> bool | None:
    """Whether a factor is ordered; None of what is none."""
    if pd.api.types.is_numeric_dtype(column):
        return None
    return bool(getattr(column.dtype, "ordered", False))


def by_formula(change: Callable[[Court], str]) -> Callable[[Court], Answer | None]:
    """Another formula, where the change makes one."""

    def plant(court: Court) -> Answer | None:
        text = change(court)
        return court.reads(text) if text != court.formula else None

    return plant


def fixed_part(court: Court, change: Callable[[str], str]) -> str:
    """The formula with other fixed effects."""
    left, _, right = court.formula.partition("~")
    place = right.find("(") if "(" in right else len(right)
    return f"{left}~ {change(right[:place])}{right[place:]}"


def fixed_numbers(court: Court) -> list[str]:
    """Numeric covariates that stand bare in the formula."""
    return [name for name in slopes(court) if re.search(rf"(?<![(\w]){re.escape(name)}\b(?!\))", court.formula)]


COVARIATE = Where("a covariate is in the fixed effects", lambda c: bool(fixed_numbers(c)))
