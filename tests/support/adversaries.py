"""Designs that break solvers: redundant, constant, huge, tiny, shifted, seen once, nearly exact, exact, and mixed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

COLUMNS = (
    "plain",
    "zero",
    "constant",
    "double",
    "converted",
    "sum",
    "shifted",
    "huge",
    "tiny",
    "far",
    "level",
    "step",
    "within",
    "single",
)
TERMS = (
    "(1 | g)",
    "({a} | g)",
    "({a} + {b} | g)",
    "({a} || g)",
    "({a} + {b} || g)",
    "(0 + {a} | g)",
    "(0 + {a} + {b} | g)",
    "({a} | g) + ({b} | h)",
    "({a} | g) + (0 + {b} | g)",
    "(1 | g) + (0 + {a} | g)",
    "({a} | g/k)",
    "(f:{a} | g)",
    "(f | g)",
    "(1 | g) + (f || h)",
    "(1 | once)",
    "(1 | once) + ({a} | h)",
)
# What the response is made of: noise of a size that all paths see, of one that only some digits are left of, or none,
# where the groups' means, these with a covariate, or with slopes, are all there is; and one number.
RESPONSES = ("seen", "seen", "seen", "seen", "small", "means", "means and covariate", "slopes", "constant")
WEIGHTS = ("none", "none", "even", "tiny", "huge", "uneven", "one huge", "one tiny")


@dataclass(frozen=True)
class Adversary:
    """A formula, its data and weights."""

    formula: str
    data: pd.DataFrame
    weights: np.ndarray | None


def columns(random: np.random.Generator, g: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of every kind in COLUMNS for rows of the levels g."""
    n = len(g)
    plain = random.normal(size=n)
    days = random.integers(0, 10, n).astype(float)
    return {
        "plain": plain,
        "zero": np.zeros(n),
        "constant": np.full(n, random.uniform(0.1, 9.0)),
        "double": 2.0 * plain,
        "converted": plain * 0.453592,
        "sum": plain + days,
        "shifted": days + 10.0 ** random.integers(2, 12),
        "huge": plain * 10.0 ** random.integers(3, 40),
        "tiny": plain * 10.0 ** -random.integers(3, 40.0),
        "far": 1.7e9 + 86400.0 * days,
        "level": 2010.0 + 1e-5 * plain,
        "step": (days > 4).astype(float),
        "within": random.normal(size=g.max() + 1)[g],
        "single": (np.arange(n) == n - 1).astype(float),
    }


def response(random: np.random.Generator, kind: str, g: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """A response of one of the kinds in RESPONSES."""
    means, slopes = random.normal(size=(2, g.max() + 1)).round(3)
    if kind == "constant":
        return np.full(len(g), 5.0)
    if kind in ("means", "means and covariate", "slopes"):
        along = {"means": 0.0, "means and covariate": 3.0, "slopes": slopes[g]}[kind]
        return np.asarray(means[g] + along * plain)
    noise = 10.0 ** random.integers(-3, 2) if kind == "seen" else 10.0 ** random.integers(-9, -3)
    return np.asarray(means[g] + slopes[g] * plain + noise * random.normal(size=len(g)))


def weights_of(random: np.random.Generator, kind: str, n: int) -> np.ndarray | None:
    """Weights of one of the kinds in WEIGHTS."""
    if kind == "none":
        return None
    weights = random.uniform(0.3, 3.0, n)
    if kind in ("tiny", "huge"):
        weights *= 10.0 ** (random.choice([12.0, 100.0]) * (1 if kind == "huge" else -1))
    if kind == "uneven":
        weights *= 10.0 ** random.uniform(-5.0, 5.0, n)
    if kind in ("one huge", "one tiny"):
        weights[random.integers(n)] *= 1e8 if kind == "one huge" else 1e-8
    return np.asarray(weights)


def made(whole: Callable[[int, int], int], one_of: Callable[[Sequence[Any]], Any]) -> Adversary:
    """A model of few rows, out of whole numbers (ends included) and choices; of a response without residual too."""
    random = np.random.default_rng(whole(0, 2**32 - 1))
    n, groups = whole(20, 45), whole(3, 6)
    g, h, k = random.integers(0, groups, n), random.integers(0, 3, n), random.integers(0, 2, n)
    if one_of([False, True]):
        # The last level is seen once.
        g[g == groups - 1] = 0
    g[:groups] = np.arange(groups)
    known = columns(random, g)
    a, b, fixed = (one_of(COLUMNS) for _ in range(3))
    y = response(random, one_of(RESPONSES), g, known["plain"])
    unit = 10.0 ** one_of([0, 0, 0, 30, -30, 100, -100])
    data = pd.DataFrame({"y": unit * (y + one_of([0.0, 0.0, 1e6])), **known})
    f = random.integers(0, 2, n)
    if one_of([False, True]):
        f[random.integers(n)] = 2
    data["f"] = pd.Categorical.from_codes(f, ["low", "high", "seen once"]).remove_unused_categories()
    once = np.where(np.arange(n) < n // 3, np.arange(n), n + g)
    for name, codes in (("g", g), ("h", h), ("k", k), ("once", once)):
        data[name] = pd.Categorical(codes.astype(str))
    weights = weights_of(random, one_of(WEIGHTS), n)
    term = one_of(TERMS).format(a=a, b=b)
    return Adversary(f"y ~ {one_of(['1', 'f', fixed])} + {term}", data, weights)


@st.composite
def adversaries(draw: st.DrawFn) -> Adversary:
    """A model that hypothesis draws, and makes smaller where it breaks something."""
    return made(lambda low, high: draw(st.integers(low, high)), lambda options: draw(st.sampled_from(options)))


def adversary_of(random: np.random.Generator) -> Adversary:
    """A model of a seed; what hypothesis draws depends on the modules that are loaded, whose constants it tries."""
    return made(
        lambda low, high: int(random.integers(low, high, endpoint=True)),
        lambda options: options[int(random.integers(len(options)))],
    )
