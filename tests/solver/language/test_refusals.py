"""What is refused says what to do instead."""

import numpy as np
import pandas as pd
import pytest

from relmer.solver import lmer
from relmer.solver.errors import LONGEST, ModelError
from relmer.solver.language import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame

CURES = [
    ("reorder(f, x)", "'reorder'", "relevel(f, ref = ...)"),
    ('factor(x, base = "a")', "no argument 'base'", "factor() takes x, levels, labels, exclude, ordered"),
    ("loess(x)", "'loess'", "a column of the data first"),
    ("toep(x | g)", "'toep'", "us(x | g), diag(x | g), cs(x | g) and ar1(x | g)"),
    ("rr(x | g, d = 2)", "'rr'", "us(x | g), diag(x | g), cs(x | g) and ar1(x | g)"),
    ("system(x)", "'system'", "a formula runs nothing"),
    ("d$x", "'$'", "name the column alone"),
    ("d[[1]]", "'[['", "name the column alone"),
    ("x %o% 2", "'%'", "%in%"),
    ("x <- 2", "'<-'", "nothing is assigned"),
    ("4_var", "an operator was expected", "if '4_var' is one name, put it in backticks"),
    ("4var + x", "an operator was expected", "if '4var' is one name, put it in backticks"),
    ("Soil pH", "an operator was expected", "if 'Soil pH' is one name, put it in backticks"),
    ("x + x_1 ", "", ""),
    ("x + a.b 2.c", "an operator was expected", "if 'a.b 2.c' is one name, put it in backticks"),
    ("`Soil pH", "'`'", "a beginning and an end"),
    ('x + "f', "'\"'", "a beginning and an end"),
    ('x + "f"', "'\"f\"'", "uses no column"),
]


@pytest.mark.parametrize(("text", "offender", "cure"), CURES)
def test_a_refusal_names_the_offender_and_the_cure(text: str, offender: str, cure: str) -> None:
    if not cure:
        assert parse(f"y ~ {text}").columns == ("y", "x", "x_1")
        return
    with pytest.raises(ModelError) as caught:
        parse(f"y ~ {text} + (1 | g)")
    said = str(caught.value)
    assert offender in said and cure in said, said
    assert "\n" not in said and len(said) <= LONGEST


@pytest.mark.parametrize("formula", [None, b"y ~ x", ["y ~ x"], {"y": "x"}, 3, 2.5, pd.Series(["y ~ x"]), object])
def test_a_formula_is_text(formula: object) -> None:
    with pytest.raises(ModelError, match=r"^a formula is text, such as 'y ~ x \+ \(x \| g\)', not \w+$"):
        parse(formula)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "argument", ["REML", "method", "checks", "contrasts", "subset", "na_action", "start", "control"]
)
@pytest.mark.parametrize(
    "given",
    [b"x", 1.5, [], [None], {1: 2}, {"a": []}, object(), np.array([[1.0]])],
    ids=lambda given: type(given).__name__,
)
def test_what_no_argument_is_is_refused_in_one_line(argument: str, given: object) -> None:
    """Whatever is given; an empty list or a number may be an argument, and is not refused then."""
    data = pd.DataFrame({"y": [1.0, 2.5, 2.0, 5.0, 4.0, 3.0], "g": list("aabbcc")})
    try:
        lmer("y ~ 1 + (1 | g)", data, **{argument: given})  # type: ignore[arg-type]
    except ModelError as error:
        assert "\n" not in str(error)
        assert len(str(error)) <= LONGEST


@pytest.mark.parametrize("columns", [[0, 1], [0.5, 1.5], [True, False], [None, 7]])
def test_a_column_that_is_not_named_by_text(columns: object) -> None:
    data = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    data.columns = pd.Index(columns)
    name = str(data.columns[1])
    with pytest.raises(ModelError, match=r"named by \w+, not by text: data\.columns\.map\(str\)") as caught:
        model_frame(parse(f"`{name}` ~ 1"), data)
    assert "did you mean" not in str(caught.value)
    data.columns = data.columns.map(str)
    assert model_frame(parse(f"`{name}` ~ 1"), data).y.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("reml", ["ML", "REML", 1, None, 0.0, [True]])
def test_the_criterion_is_true_or_false(reml: object) -> None:
    with pytest.raises(ModelError, match=r"^REML is .*: give True for REML or False for maximum likelihood$"):
        lmer("y ~ 1", pd.DataFrame({"y": [1.0, 2.0, 4.0]}), REML=reml)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["ns(x, knots = 4)", "ns(x, knots = c(1, 9))", "ns(x, knots = 0, Boundary.knots = c(-9, 0))"]
)
def test_a_natural_spline_with_a_knot_at_its_upper_end_is_refused_as_in_r(text: str) -> None:
    """R: "NA/NaN/Inf in foreign function call"; a knot at the lower end, or below, is none to it."""
    data = pd.DataFrame({"y": np.arange(8.0), "x": [-2, -1, 0, 1, 1.5, 2, 3, 4], "g": list("aabbccdd")})
    with pytest.raises(ModelError, match=r"a knot at or beyond its upper boundary"):
        build(model_frame(parse(f"y ~ {text} + (1 | g)"), data))
    build(model_frame(parse("y ~ ns(x, knots = c(-5, -2)) + (1 | g)"), data))
