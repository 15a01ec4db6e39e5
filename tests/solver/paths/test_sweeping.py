"""What is left of a response far from zero is known to its own last digit."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.paths.sweeping import FAR, UNEVEN, is_graded, swept


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 3.0, 24)])
@pytest.mark.parametrize("mean", [0.0, 1e9])
@pytest.mark.parametrize("unit", [1.0, 2.0**-40])
def test_what_is_left_is_the_difference_exactly(
    unit: float, mean: float, weights: np.ndarray | None, offset: bool
) -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=24)
    frame = pd.DataFrame({"x": x, "y": unit * (mean + x + random.normal(size=24)), "g": np.arange(24) % 4})
    o = unit * (0.25 * mean + random.normal(size=24))
    design = build(model_frame(parse("y ~ x + (1 | g)"), frame, weights=weights, offset=o if offset else None))
    found = swept(design)
    root = np.ones(24) if weights is None else np.sqrt(weights)
    exact = []
    for i in range(24):
        left = Fraction(design.y[i]) - (Fraction(o[i]) if offset else 0)
        exact.append(float(left - sum(Fraction(a) * Fraction(b) for a, b in zip(design.X[i], found.beta, strict=True))))
    # Far from zero to two roundings of a difference; near it to those of sums of 24 terms.
    unit = 2.0**-52 * np.abs(exact) if mean else 24 * 2.0**-52 * np.abs(design.y).max() * np.ones(24)
    assert np.all(np.abs(found.residual - root * exact) <= 2 * root * unit)
    assert (np.abs(design.y - (o if offset else 0)).max() > FAR * np.abs(found.residual).max()) == bool(mean)


def test_rows_of_small_weights_keep_their_digits_beside_heavy_ones() -> None:
    """Q R is X in every row, to the rounding of that row: theory.md, 12."""
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"x": random.normal(size=24), "y": random.normal(size=24), "g": np.arange(24) % 4})
    weights = 10.0 ** random.uniform(-16.0, 16.0, 24)
    design = build(model_frame(parse("y ~ x + (1 | g)"), frame, weights=weights))
    found, X = swept(design), np.sqrt(weights)[:, None] * design.X
    assert np.all(np.abs(found.Q @ found.R - X) <= 4 * 2.0**-52 * (np.abs(found.Q) @ np.abs(found.R)))


def test_rows_are_graded_by_their_weights() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], "g": [0, 1, 1]})
    for least, graded in ((1.0, False), (1.01 / UNEVEN, False), (0.99 / UNEVEN, True)):
        design = build(model_frame(parse("y ~ 1 + (1 | g)"), frame, weights=np.array([1.0, least, 1.0])))
        assert is_graded(design) is graded
    assert not is_graded(build(model_frame(parse("y ~ 1 + (1 | g)"), frame)))
