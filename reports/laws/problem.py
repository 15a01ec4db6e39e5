"""A problem: a frame and the model on it, which a law changes into another."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from relmer.datasets import Case, data_of, keep_frame
from relmer.reference.engines import temporary_folder
from relmer.solver.language import build, model_frame, parse
from relmer.solver.model import Design

BAR = re.compile(r"\w*\([^()]*\|[^()]*\)")
NAME = re.compile(r"[A-Za-z.][\w.]*")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Data and a model, without a file.

    Attributes
    ----------
    name
        Of the case that it comes from.
    frame
        (n, columns).
    formula, reml, weights, contrasts
        As of a `Case`.
    """

    name: str
    frame: pd.DataFrame
    formula: str
    reml: bool
    weights: str = ""
    contrasts: dict[str, str] = field(default_factory=dict)

    @property
    def response(self) -> str:
        """The response, as it is written.

        Examples
        --------
        >>> Problem(name="", frame=pd.DataFrame(), formula="log(y) ~ x + (x | g)", reml=True).response
        'log(y)'
        """
        return self.formula.partition("~")[0].strip()

    @property
    def bars(self) -> tuple[str, ...]:
        """The random terms.

        Examples
        --------
        >>> Problem(name="", frame=pd.DataFrame(), formula="y ~ x + (x | g) + (1 | a/b)", reml=True).bars
        ('(x | g)', '(1 | a/b)')
        """
        return tuple(BAR.findall(self.formula.partition("~")[2]))

    @property
    def fixed(self) -> tuple[str, ...]:
        """The summands of the fixed effects.

        Examples
        --------
        >>> Problem(name="", frame=pd.DataFrame(), formula="y ~ x*z + w + (x | g)", reml=True).fixed
        ('x*z', 'w')
        """
        parts = BAR.sub("", self.formula.partition("~")[2]).split("+")
        return tuple(part.strip() for part in parts if part.strip())

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns that group rows."""
        found = (name for bar in self.bars for name in NAME.findall(bar.rpartition("|")[2]))
        return tuple(dict.fromkeys(found))

    @property
    def covariates(self) -> tuple[str, ...]:
        """The numeric columns that stand alone in the fixed effects."""
        numeric = self.frame.select_dtypes("number").columns
        return tuple(name for name in self.fixed if name in numeric)

    @property
    def movable(self) -> tuple[str, ...]:
        """The covariates that stand nowhere but alone, beside an intercept, with which they are correlated.

        Examples
        --------
        >>> frame = pd.DataFrame({"y": [1.0], "x": [2.0], "z": [3.0], "w": [4.0], "g": ["a"]})
        >>> Problem(name="", frame=frame, formula="y ~ x + z + w + (x | g) + (0 + w | g)", reml=True).movable
        ('x', 'z')
        """
        if {"0", "-1"} & {*self.fixed}:
            return ()
        words = [word for text in (*self.fixed, *self.bars) for word in NAME.findall(text)]
        return tuple(
            name
            for name in self.covariates
            if words.count(name) == 1 + sum(bar.startswith(f"({name} | ") for bar in self.bars)
        )


def problem_of(case: Case) -> Problem:
    """The problem of a case that asks no more than formula, criterion, weights and contrasts."""
    return Problem(
        name=case.name,
        frame=data_of(case).reset_index(drop=True),
        formula=case.formula,
        reml=case.reml,
        weights=case.weights,
        contrasts=dict(case.contrasts),
    )


def design(problem: Problem) -> Design:
    """Its matrices."""
    asked: dict[str, Any] = {"weights": problem.weights, "contrasts": problem.contrasts}
    given = {name: value for name, value in asked.items() if value}
    return build(model_frame(parse(problem.formula), problem.frame, **given))


@contextmanager
def case_of(problem: Problem) -> Iterator[Case]:
    """The problem as a case, which every engine takes, for as long as the context lasts."""
    with temporary_folder() as folder:
        yield Case(
            name="my/1",
            dataset=keep_frame(problem.frame, folder),
            formula=problem.formula,
            reml=problem.reml,
            document="",
            source="a law",
            weights=problem.weights,
            contrasts=problem.contrasts,
        )
