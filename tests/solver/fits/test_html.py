"""A fit in a notebook: what it says, and that no name of the data does harm."""

import numpy as np
import pandas as pd

from relmer.datasets import load
from relmer.solver import lmer

RNG = np.random.default_rng(3)
HOSTILE = ("z<script>alert(1)</script>", "z\"quoted' & more", "z\u202eturned\u2066", "z" * 300)


def test_it_has_the_estimates_and_the_criterion() -> None:
    text = lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)._repr_html_()
    for each in ("1743.6283", "converged", "251.405", "10.4673", "1.54579", "6.77148", "24.7405", "25.5918"):
        assert each in text


def test_levels_and_columns_of_any_text_are_harmless_and_the_whole_is_small() -> None:
    levels = np.array([*HOSTILE, *(f"{k:03d}{HOSTILE[0] * 5}" for k in range(60))])
    data = pd.DataFrame({"y": RNG.normal(size=256), "g": np.repeat([*"abcdefgh"], 32), "<script>'&": 1.0})
    data["f"] = levels[np.arange(256) % 64]
    data["<script>'&"] = RNG.normal(size=256)
    for formula in ("y ~ f + (1 | g)", "y ~ `<script>'&` + (1 | g)"):
        text = lmer(formula, data)._repr_html_()
        assert "<script" not in text and "&lt;script&gt;" in text and len(text.encode()) < 20_000
        assert not {"\u202e", "\u2066"} & {*text}


def test_dropped_rows_and_columns_are_told() -> None:
    data = load("sleepstudy").frame.assign(twice=lambda d: 2 * d["Days"])
    data.loc[3, "Reaction"] = np.nan
    text = lmer("Reaction ~ Days + twice + (1 | Subject)", data)._repr_html_()
    assert "179 rows" in text and "rank deficient" in text and "twice" in text and "1 of 180 rows dropped" in text
