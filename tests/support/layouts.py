"""Balanced designs for hypothesis, each with its exact answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pandas as pd
from hypothesis import reject
from hypothesis import strategies as st

from relmer.reference.exact.estimates import Exact, exact
from relmer.reference.exact.layouts import INTERCEPT, Layout, NotExact, Term
from relmer.reference.exact.rational import Vector, rational, transpose
from relmer.solver import Fit

Rows = Sequence[Mapping[str, int]]


@dataclass(frozen=True)
class Plan:
    """A balanced design: every combination of the levels of `sizes` is one row.

    Attributes
    ----------
    formula
        In lme4's grammar.
    sizes
        Fewest and most levels of each factor; x stands for a covariate 0, 1, 2 and so on, unit for replicates.
    fixed
        The fixed effects as products of factors and covariates; a factor stands for its treatment contrasts.
    terms
        For each random term, in lme4's order: name, factors whose combination is the group, columns as in `fixed`
        but with all levels of a factor if there is no intercept.
    REML_only
        Whether maximum likelihood has no closed form.
    mirrored
        Whether each group comes twice, the second time with its rows in the order of falling x: intercept (at the
        mean of x) and slope are then uncorrelated, and a singular covariance of theirs is rational.
    """

    formula: str
    sizes: Mapping[str, tuple[int, int]]
    fixed: Sequence[str]
    terms: Sequence[tuple[str, str, Sequence[str]]]
    REML_only: bool = False
    mirrored: bool = False


ONE = ("",)
PLANS = {
    "one-way": Plan("y ~ 1 + (1 | g)", {"g": (2, 5), "unit": (2, 4)}, ONE, [("g", "g", ONE)]),
    "nested": Plan(
        "y ~ 1 + (1 | a/b)",
        {"a": (2, 4), "b": (2, 3), "unit": (2, 3)},
        ONE,
        [("b:a", "a b", ONE), ("a", "a", ONE)],
    ),
    "nested three deep": Plan(
        "y ~ 1 + (1 | a/b/c)",
        {"a": (2, 3), "b": (2, 3), "c": (2, 2), "unit": (2, 2)},
        ONE,
        [("c:(b:a)", "a b c", ONE), ("b:a", "a b", ONE), ("a", "a", ONE)],
    ),
    "crossed": Plan(
        "y ~ 1 + (1 | r) + (1 | k)",
        {"r": (2, 5), "k": (2, 4), "unit": (1, 2)},
        ONE,
        [("r", "r", ONE), ("k", "k", ONE)],
        REML_only=True,
    ),
    "crossed with interaction": Plan(
        "y ~ 1 + (1 | r) + (1 | k) + (1 | r:k)",
        {"r": (2, 4), "k": (2, 3), "unit": (2, 2)},
        ONE,
        [("r:k", "r k", ONE), ("r", "r", ONE), ("k", "k", ONE)],
        REML_only=True,
    ),
    "blocks": Plan("y ~ f + (1 | g)", {"g": (2, 5), "f": (2, 4), "unit": (1, 2)}, ("", "f"), [("g", "g", ONE)]),
    "blocks with interaction": Plan(
        "y ~ f + (1 | g) + (1 | g:f)",
        {"g": (2, 5), "f": (2, 3), "unit": (2, 3)},
        ("", "f"),
        [("g:f", "g f", ONE), ("g", "g", ONE)],
    ),
    "split-plot": Plan(
        "y ~ w * s + (1 | k/w)",
        {"k": (2, 4), "w": (2, 3), "s": (2, 3)},
        ("", "w", "s", "w s"),
        [("w:k", "k w", ONE), ("k", "k", ONE)],
    ),
    "growth": Plan("y ~ x + (x | g)", {"g": (3, 6), "x": (3, 5)}, ("", "x"), [("g", "g", ("", "x"))]),
    "growth, mirrored": Plan(
        "y ~ x + (x | g)", {"g": (2, 3), "x": (3, 5)}, ("", "x"), [("g", "g", ("", "x"))], mirrored=True
    ),
    "growth, curved": Plan(
        "y ~ x + I(x^2) + (x | g)", {"g": (3, 6), "x": (4, 5)}, ("", "x", "x x"), [("g", "g", ("", "x"))]
    ),
    "slope": Plan("y ~ 0 + x + (0 + x | g)", {"g": (2, 6), "x": (3, 5)}, ("x",), [("g", "g", ("x",))]),
    "cells": Plan("y ~ f + (0 + f | g)", {"g": (3, 6), "f": (2, 3), "unit": (2, 3)}, ("", "f"), [("g", "g", ("f",))]),
}
# Chance alone brings these: all values of a cell alike, or a covariance that is singular but neither zero nor rational.
CHANCE = ("without residual", "null space not rational")


@dataclass(frozen=True)
class Case:
    """Data, a formula, and the exact estimates."""

    formula: str
    data: pd.DataFrame
    exact: Exact

    def __repr__(self) -> str:
        return f"lmer({self.formula!r}, {self.data.to_dict('list')}, REML={self.exact.REML})"


@st.composite
def cases(draw: st.DrawFn, kinds: Sequence[str] = tuple(PLANS), most: int = 60) -> Case:
    """A balanced design of one of the kinds with at most so many rows, and a response of multiples of 1 or 1/8."""
    plan = PLANS[draw(st.sampled_from(kinds))]
    sizes = {name: draw(st.integers(*bounds)) for name, bounds in plan.sizes.items()}
    if prod(sizes.values()) * (1 + plan.mirrored) > most:
        sizes = {name: least for name, (least, _) in plan.sizes.items()}
    rows = [dict(zip(sizes, levels, strict=True)) for levels in product(*map(range, sizes.values()))]
    y = draw(responses(plan, rows))
    if plan.mirrored:
        rows += [row | {"g": row["g"] + sizes["g"]} for row in rows]
        y += [value for group in np.reshape(y, (sizes["g"], -1)).tolist() for value in reversed(group)]
    order = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).permutation(len(rows))
    rows, y = [rows[k] for k in order], [y[k] for k in order]
    try:
        return answered(plan, rows, y, plan.REML_only or draw(st.booleans()))
    except NotExact as error:
        assert str(error).endswith(CHANCE), error
        reject()


def answered(plan: Plan, rows: Rows, y: Sequence[float], REML: bool) -> Case:
    """The case of a design's rows and a response, which is taken at the value of its doubles."""
    fixed = columns(plan.fixed, rows, 1)
    terms = tuple(term(name, group.split(), effects, rows) for name, group, effects in plan.terms)
    layout = Layout(rational(y, False), transpose(tuple(fixed.values())), tuple(fixed), terms)
    return Case(plan.formula, frame(rows, y), exact(layout, REML))


@st.composite
def responses(draw: st.DrawFn, plan: Plan, rows: Rows) -> list[float]:
    """Whole numbers: noise, and for each column of each term an effect per level of no, the same or ten times its size.

    They may be shifted, and divided by 8, so that they are doubles exactly.
    """

    def numbers(count: int) -> list[int]:
        return draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count))

    y = numbers(len(rows))
    for name, group, effects in plan.terms:
        built = term(name, group.split(), effects, rows)
        for column in transpose(built.Z):
            scale, level = draw(st.sampled_from([0, 1, 10])), numbers(max(built.codes) + 1)
            y = [old + scale * level[code] * int(z) for old, code, z in zip(y, built.codes, column, strict=True)]
    shift, unit = draw(st.sampled_from([0, 1000])), draw(st.sampled_from([1, 8]))
    return [(value + shift) / unit for value in y]


def frame(rows: Rows, y: Sequence[float]) -> pd.DataFrame:
    """The rows as an engine reads them: factors with levels p, q, r and so on, x a number."""
    data = {
        name: [row["x"] for row in rows] if name == "x" else pd.Categorical([label(row[name]) for row in rows])
        for name in rows[0]
        if name != "unit"
    }
    return pd.DataFrame({"y": y, **data})


def label(level: int) -> str:
    """Name of a level."""
    return "pqrstuvwxyz"[level]


def term(name: str, group: Sequence[str], effects: Sequence[str], rows: Rows) -> Term:
    """A random term whose groups are the combinations of factors."""
    found = [tuple(row[factor] for factor in group) for row in rows]
    codes = {levels: k for k, levels in enumerate(sorted(set(found)))}
    made = columns(effects, rows, 0)
    return Term(name, tuple(codes[levels] for levels in found), tuple(made), transpose(tuple(made.values())))


def columns(effects: Sequence[str], rows: Rows, first: int) -> dict[str, Vector]:
    """Columns under R's names: products of covariates and of the indicators of levels from `first` on."""
    made: dict[str, Vector] = {}
    for effect in effects:
        parts: list[dict[str, list[int]]] = []
        for name in effect.split():
            levels = range(first, max(row[name] for row in rows) + 1)
            indicators = {name + label(level): [int(row[name] == level) for row in rows] for level in levels}
            parts.append({"x": [row["x"] for row in rows]} if name == "x" else indicators)
        for backwards in product(*(part.items() for part in reversed(parts))):
            chosen = backwards[::-1]
            name = "I(x^2)" if effect == "x x" else ":".join(name for name, _ in chosen) or INTERCEPT
            made[name] = tuple(Fraction(prod(values[k] for _, values in chosen)) for k in range(len(rows)))
    return made


def estimates(fit: Fit) -> dict[str, float]:
    """What the solver found, under the keys of a certificate."""
    found = {"criterion": fit.criterion, "sigma": fit.sigma, "sigma2": fit.sigma**2}
    found |= {f"theta[{name}]": value for name, value in fit.theta.items()}
    for group, one, other, value, _ in fit.VarCorr().iloc[:-1].itertuples(index=False):
        alone = pd.isna(other)
        name = f"{group}, {one}" if alone else f"{group}, {one}, {other}"
        found[f"{'var' if alone else 'cov'}[{name}]"] = value
        found[f"G[{name}]"] = value / fit.sigma**2
    names = list(fit.beta.index)
    for i, name in enumerate(names):
        found[f"beta[{name}]"], found[f"se[{name}]"] = fit.beta.iloc[i], fit.se.iloc[i]
        found |= {f"vcov[{name}, {names[j]}]": fit.vcov.iloc[i, j] for j in range(i, len(names))}
    return found
