"""Small mixed-model problems for hypothesis: unbalanced, unsorted, crossed, nested, with numeric and factor slopes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.model.design import Design

FORMULAS = (
    "y ~ 1 + (1 | g)",
    "y ~ x + (x | g)",
    "y ~ x + (0 + x | g)",
    "y ~ x + (x || g)",
    "y ~ f + (1 | g/h)",
    "y ~ x + f + (1 | g) + (1 | k)",
    "y ~ x + (x | g) + (1 | k)",
    "y ~ f + (f | g)",
    "y ~ f + (0 + f | k) + (1 | g:h)",
)


@dataclass(frozen=True)
class Problem:
    """Data, a formula, the design that they make, and a theta."""

    formula: str
    data: pd.DataFrame
    design: Design
    theta: np.ndarray


def mixed_data(seed: int, rows: int) -> pd.DataFrame:
    """Rows in random order; group sizes differ, h is nested in g, k crosses it."""
    random = np.random.default_rng(seed)
    g = np.concatenate([np.repeat(np.arange(4), 2), random.choice(4, rows - 8, p=[0.5, 0.3, 0.15, 0.05])])
    h = np.concatenate([np.tile([0, 1], 4), random.integers(0, 2, rows - 8)])
    k = np.concatenate([np.tile([0, 1, 2], 3)[:8], random.integers(0, 3, rows - 8)])
    f = np.concatenate([np.tile([0, 1], 4), random.integers(0, 2, rows - 8)])
    x = random.normal(size=rows)
    y = x + random.normal(size=4)[g] + random.normal(size=3)[k] + random.normal(size=rows)
    data = pd.DataFrame(
        {
            "y": y,
            "x": x,
            "f": pd.Categorical.from_codes(f, ["low", "high"]),
            "g": pd.Categorical.from_codes(g, list("pqrs")),
            "h": pd.Categorical.from_codes(h, ["1", "2"]),
            "k": pd.Categorical.from_codes(k, list("uvw")),
        }
    )
    return data.iloc[random.permutation(rows)].reset_index(drop=True)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A problem whose fixed-effects matrix is well conditioned, with a theta that may be singular."""
    formula = draw(st.sampled_from(FORMULAS))
    data = mixed_data(draw(st.integers(0, 2**32 - 1)), draw(st.integers(24, 60)))
    design = build(model_frame(parse(formula), data))
    entry = st.one_of(st.just(0.0), st.floats(0.01, 3.0))
    other = st.floats(-2.0, 2.0)
    theta = np.array([draw(entry if on_diagonal else other) for on_diagonal in design.template.diagonal])
    return Problem(formula, data, design, theta)
