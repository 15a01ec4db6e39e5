"""Two fits beside each other: what they share, and what makes them two models."""

import numpy as np
import pandas as pd
import pytest

import relmer
from relmer.reports.python import compare

RNG = np.random.default_rng(5)
DATA = pd.DataFrame(
    {"y": RNG.normal(size=30), "x": RNG.normal(size=30), "w": 1 + RNG.random(30), "g": np.repeat([*"abcde"], 6)}
)
FIT = relmer.lmer("y ~ x + (1 | g)", DATA)


def test_a_fit_agrees_with_itself_in_every_digit() -> None:
    found = compare(FIT, FIT)
    assert found.same and {row.difference for row in found.rows} == {0.0} and {row.digits for row in found.rows} == {16}
    assert list(dict.fromkeys(row.quantity for row in found.rows)) == [
        "criterion", "theta", "beta", "SE", "sigma", "varcomp", "V",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "formula, data, REML, weights, differs",
    [
        ("y ~ x + (1 | g)", DATA, False, None, ("REML (True, False)",)),
        ("y ~ 1 + (1 | g)", DATA, True, None, ("X",)),
        ("y ~ x + (x | g)", DATA, True, None, ("Z",)),
        ("y ~ x + (1 | g)", DATA, True, "w", ("weights",)),
        ("y ~ x + (1 | g)", DATA.assign(y=DATA.y + 1), True, None, ("y",)),
        ("y ~ x + (1 | g)", DATA.iloc[1:], True, None, ("rows", "y", "X", "Z")),
    ],
)
def test_what_differs_is_named(
    formula: str, data: pd.DataFrame, REML: bool, weights: str | None, differs: tuple[str, ...]
) -> None:
    given = None if weights is None else data[weights]
    found = compare(FIT, relmer.lmer(formula, data, REML=REML, weights=given))
    assert found.differs == differs
    assert repr(found).splitlines()[0] == f"the models differ in {', '.join(differs)}"


def test_a_shift_of_y_moves_the_intercept_alone() -> None:
    rows = {
        (r.quantity, r.name): r for r in compare(relmer.lmer("y ~ x + (1 | g)", DATA.assign(y=DATA.y + 1)), FIT).rows
    }
    assert rows["beta", "(Intercept)"].difference == pytest.approx(1, abs=1e-9)
    assert rows["beta", "x"].digits > 8 and rows["sigma", ""].digits > 8


def test_a_number_that_one_lacks_has_no_digits() -> None:
    (row,) = [
        r for r in compare(FIT, relmer.lmer("y ~ 1 + (1 | g)", DATA)).rows if (r.quantity, r.name) == ("beta", "x")
    ]
    assert np.isnan([row.b, row.difference, row.digits]).all() and row.a == FIT.beta["x"]


def test_names_are_escaped_in_html() -> None:
    level = "z<script>alert('x')</script>\""
    odd = DATA.assign(x=np.where(DATA.x > 0, level, "a"))
    fit = relmer.lmer("y ~ x + (1 | g)", odd)
    html = compare(fit, fit)._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html and "&quot;" in html


def test_one_fit_is_refused_in_a_line() -> None:
    with pytest.raises(TypeError, match="two fits"):
        relmer.compare(FIT, "docs/*")
