"""The dot, and offsets in the formula, as lme4 reads them."""

import numpy as np
import pandas as pd
import pytest

from relmer.solver.errors import ModelError
from relmer.solver.language.build import build
from relmer.solver.language.formula import canonical, filled, parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.matrix import fixed_matrix


def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    columns = {"y": rng.normal(size=40), "g": pd.Categorical(np.arange(40) % 4 + 1), "x": rng.normal(size=40)}
    return pd.DataFrame({**columns, "z": rng.normal(size=40), "w": rng.uniform(1, 2, 40)})


def frame(text: str, changed: pd.DataFrame | None = None, **extras: object) -> ModelFrame:
    return model_frame(parse(text), data() if changed is None else changed, **extras)  # type: ignore[arg-type]


# lme4 1.1-31: names(fixef(lmer(..., d))), where d has the columns y, g (a factor of 4 levels), x, z, w.
DOTS = [
    ("y ~ . + (1 | g)", "(Intercept) g2 g3 g4 x z w"),
    ("y ~ . + (x | g)", "(Intercept) g2 g3 g4 x z w"),
    ("y ~ . - g + (1 | g)", "(Intercept) x z w"),
    ("y ~ . - w + (1 | g)", "(Intercept) g2 g3 g4 x z"),
    ("y ~ 0 + . + (1 | g)", "g1 g2 g3 g4 x z w"),
    ("y ~ x * . + (1 | g)", "(Intercept) x g2 g3 g4 z w x:g2 x:g3 x:g4 x:z x:w"),
    (
        "y ~ (.)^2 - w + (1 | g)",
        "(Intercept) g2 g3 g4 x z g2:x g3:x g4:x g2:z g3:z g4:z g1:w g2:w g3:w g4:w x:z x:w z:w",
    ),
]


@pytest.mark.parametrize(("text", "names"), DOTS)
def test_the_dot_is_every_column_but_the_response(text: str, names: str) -> None:
    made = frame(text)
    assert list(fixed_matrix(made)[1]) == names.split()
    assert made.notes == ("'.' stands for 4 columns, grouping factors too, as in lme4: g, x, z, w",) or "x * ." in text
    assert not made.formula.dotted


def test_a_missing_value_in_a_column_that_is_taken_away_drops_its_row() -> None:
    """As in lme4 1.1-31: nobs is 39, and x is not in the model."""
    changed = data()
    changed.loc[2, "x"] = np.nan
    made = frame("y ~ z + . - x + (1 | g)", changed)
    assert len(made.y) == 39
    assert list(fixed_matrix(made)[1]) == ["(Intercept)", "z", "g2", "g3", "g4", "w"]


def test_the_filled_formula_is_spelled_for_R() -> None:
    read = parse("y ~ . + (1 | g)")
    assert read.dotted and not parse("y ~ x.1 + .a").dotted
    assert canonical(filled(read, ["y", "my x", "g"])) == "y ~ (`my x` + g) + (1 | g)"
    assert filled(parse("y ~ x"), ["y", "z"]) is parse("y ~ x")


@pytest.mark.parametrize(
    ("text", "extras", "message"),
    [
        # lme4 takes log(y), (weights), (offset) and offset(w) for predictors, and y for a random slope.
        ("log(y) ~ . + (1 | g)", {}, "beside the response 'log"),
        ("y ~ x + (. | g)", {}, "in a random term"),
        ("y ~ x + (1 | .)", {}, "in a random term"),
        ("y ~ . + offset(w) + (1 | g)", {}, "beside an offset"),
        ("y ~ . + (1 | g)", {"weights": "w"}, "beside weights"),
        ("y ~ . + (1 | g)", {"offset": "w"}, "beside weights or an offset"),
        ("y ~ log(.) + (1 | g)", {}, "stands for columns"),
        ("y ~ I(. + 1) + (1 | g)", {}, "stands for columns"),
    ],
)
def test_a_dot_that_lme4_misreads_is_refused(text: str, extras: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        frame(text, **extras)
    assert "write the columns out" in str(caught.value)


def test_a_dot_without_columns() -> None:
    with pytest.raises(ModelError, match="the data have none but the response"):
        frame("y ~ .", data()[["y"]])


@pytest.mark.parametrize("argument", [None, "w", "list"])
def test_offsets_are_added_up_and_are_no_terms(argument: str | None) -> None:
    w = data()["w"]
    given = {None: None, "w": "w", "list": w.tolist()}[argument]
    made = frame("y ~ offset(x * 2) + z + offset(w) + (1 | g)", offset=given)
    assert list(fixed_matrix(made)[1]) == ["(Intercept)", "z"]
    x = data()["x"]
    assert made.offset is not None
    assert made.offset.tolist() == (x * 2 + w if argument is None else w + x * 2 + w).tolist()
    assert build(made).offset is made.offset


def test_an_offset_without_a_value_drops_its_row() -> None:
    changed = data()
    changed.loc[[4, 9], "w"] = -1.0
    made = frame("y ~ x + offset(log(w)) + (1 | g)", changed)
    assert len(made.y) == 38 and made.offset is not None and np.isfinite(made.offset).all()
    assert [(lost.variable, lost.undefined) for lost in made.dropped.lost] == [("offset(log(w))", 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ x * offset(w)", "can only be added as a term of its own"),
        ("y ~ x - offset(w)", "can only be added"),
        ("y ~ log(offset(w))", "can only be added"),
        ("offset(y) ~ x", "can only be added"),
        ("y ~ x + (x + offset(w) | g)", "can only be added"),
        ("y ~ x + (1 | offset(g))", "is no grouping factor"),
        ("y ~ x + offset(g)", "offset must be numbers"),
        ("y ~ x + offset(x:z)", "not arithmetic"),
        ("y ~ x + offset(w, z)", "takes one argument"),
        ("y ~ x + offset(1)", "uses no column"),
    ],
)
def test_an_offset_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        frame(text)
