"""What a fit prints without R: what stands below lme4's lines, and names that are harmless in a notebook."""

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import lmer, summary
from relmer.solver.fits.r_format import format_numbers, zapped


def test_sleepstudy_as_printed() -> None:
    """Of summary(lmer(Reaction ~ Days + (Days | Subject), sleepstudy)), as lme4's help pages show it."""
    text = str(summary(lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy").frame)))
    for line in (
        "REML criterion at convergence: 1743.6",
        "-3.9536 -0.4634  0.0231  0.4634  5.1793 ",
        "Number of obs: 180, groups:  Subject, 18",
        "(Intercept)  251.405      6.825  36.838",
        "Days          10.467      1.546   6.771",
        "Days -0.138",
    ):
        assert line in text.split("\n")


def test_what_has_to_be_known_stands_below() -> None:
    text = str(lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2").frame)).split("\n")
    assert text[-1].startswith("singular: ")
    fit = lmer("Reaction ~ Days + I(2 * Days) + (1 | Subject)", load("sleepstudy").frame)
    assert str(fit).split("\n")[-1] == "dropped: I(2 * Days)" == str(summary(fit)).split("\n")[-1]


def test_names_are_harmless_in_a_notebook() -> None:
    data = load("sleepstudy").frame.rename(columns={"Days": "<b>"})
    shown = summary(lmer("Reaction ~ `<b>` + (1 | Subject)", data))._repr_html_()
    assert "<b>" not in shown and "&lt;b&gt;" in shown and shown.startswith("<pre>")


@pytest.mark.parametrize("correlation", [None, True, False])
def test_correlations_are_shown_of_up_to_twelve_or_as_asked(correlation: bool | None) -> None:
    random = np.random.default_rng(1)
    data = pd.DataFrame(random.normal(size=(60, 12)), columns=[f"x{k}" for k in range(12)])
    data = data.assign(y=random.normal(size=60), g=np.arange(60) % 6)
    fit = lmer("y ~ " + " + ".join(f"x{k}" for k in range(12)) + " + (1 | g)", data)
    shown = "Correlation of Fixed Effects:" in str(summary(fit, correlation))
    assert shown == bool(correlation)
    assert all(len(line) <= 80 for line in str(summary(fit, correlation)).split("\n"))


def test_what_is_no_number_is_spelled() -> None:
    assert format_numbers([float("nan"), 1.5, float("-inf")]) == [" NaN", " 1.5", "-Inf"]
    assert format_numbers([float("nan")]) == ["NaN"] and format_numbers([]) == []
    assert zapped([0.0, 0.0], 5) == [0.0, 0.0]
