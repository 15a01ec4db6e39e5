"""Designs that break solvers: redundant, constant, huge, tiny, shifted, one-level, empty, nearly exact, and mixed."""

from dataclasses import dataclass

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
    "step",
    "within",
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
)


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
        "step": (days > 4).astype(float),
        "within": random.normal(size=g.max() + 1)[g],
    }


@st.composite
def adversaries(draw: st.DrawFn) -> Adversary:
    """A model of few rows, with a response whose residual is neither nothing nor all there is."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, groups = draw(st.integers(20, 45)), draw(st.integers(3, 6))
    g, h, k = random.integers(0, groups, n), random.integers(0, 3, n), random.integers(0, 2, n)
    g[:groups] = np.arange(groups)
    made = columns(random, g)
    a, b, fixed = (draw(st.sampled_from(COLUMNS)) for _ in range(3))
    noise = 10.0 ** draw(st.integers(-3, 1))
    y = random.normal(size=groups)[g] + made["plain"] * random.normal(size=groups)[g] + noise * random.normal(size=n)
    unit = 10.0 ** draw(st.sampled_from([0, 0, 0, 30, -30, 100, -100]))
    data = pd.DataFrame({"y": unit * (y + draw(st.sampled_from([0.0, 0.0, 1e6]))), **made})
    data["f"] = pd.Categorical.from_codes(random.integers(0, 2, n), ["low", "high"])
    for name, codes in (("g", g), ("h", h), ("k", k)):
        data[name] = pd.Categorical(codes.astype(str))
    weights = None
    if draw(st.booleans()):
        weights = random.uniform(0.3, 3.0, n) * 10.0 ** draw(st.sampled_from([0, -12, 12, -100, 100]))
    term = draw(st.sampled_from(TERMS)).format(a=a, b=b)
    return Adversary(f"y ~ {draw(st.sampled_from(['1', fixed]))} + {term}", data, weights)
