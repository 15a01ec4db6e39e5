"""The model frame: which rows, which values, which types; and what is refused."""

import numpy as np
import pandas as pd
import pytest
from bounds import EPS

from relmer.solver.errors import ModelError
from relmer.solver.language.factors import Factor
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, model_frame


def data() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "y": [1.0, 2.0, 4.0, 8.0, 16.0],
            "x": [3, 1, 2, 5, 4],
            "f": ["b", "a", "b", "Z", "a"],
            "g": pd.Categorical(["u", "v", "u", "v", "w"], categories=["w", "v", "u", "t"]),
        }
    )


def frame(text: str, changed: pd.DataFrame | None = None, **extras: object) -> ModelFrame:
    return model_frame(parse(text), data() if changed is None else changed, **extras)  # type: ignore[arg-type]


def factor(text: str, values: object) -> Factor:
    """The column `text`, evaluated on data with `values` as x."""
    column = frame(f"y ~ {text}", pd.DataFrame({"y": np.arange(len(pd.Series(values))), "x": values}))
    found = column.columns[text]
    assert isinstance(found, Factor)
    return found


def test_values_of_a_complete_frame() -> None:
    made = frame("log(y) ~ x + (x | g)", offset=[1, 2, 3, 4, 5])
    np.testing.assert_allclose(made.y, np.arange(5) * np.log(2), rtol=2 * EPS)  # two logarithms and a product
    assert made.rows.tolist() == [0, 1, 2, 3, 4]
    assert list(made.columns) == ["x", "g"]
    assert made.weights is None
    assert made.offset is not None and made.offset.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_text_sorts_by_code_point_and_categories_keep_their_order() -> None:
    made = frame("y ~ f + (1 | g)")
    f, g = made.columns["f"], made.columns["g"]
    assert isinstance(f, Factor) and isinstance(g, Factor)
    assert (f.levels, f.codes.tolist()) == (("Z", "a", "b"), [2, 1, 2, 0, 1])
    assert (g.levels, g.codes.tolist()) == (("w", "v", "u"), [2, 1, 2, 1, 0])


@pytest.mark.parametrize("dtype", [None, "object", "string", "category"])
def test_all_kinds_of_text_are_factors(dtype: str | None) -> None:
    text = pd.Series(["b", None, "a", "b"], dtype=dtype)  # type: ignore[call-overload]
    found = factor("x", text)
    assert (found.levels, found.codes.tolist()) == (("a", "b"), [1, 0, 1])


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        # R 4.2.2: levels(factor(c(...)))
        ([100000, 7, 20], ("7", "20", "100000")),
        ([100000.0, 0.1, -2.0, 1e-5, 1 / 3], ("-2", "1e-05", "0.1", "0.333333333333333", "1e+05")),
        ([0.3, 0.1 + 0.2], ("0.3",)),
        ([3000000000, 5], ("5", "3e+09")),
        ([True, False], ("FALSE", "TRUE")),
        ([True, True], ("TRUE",)),
        (pd.array([2, None, 1], dtype="Int64"), ("1", "2")),
        (pd.array([2.5, None, 1.0], dtype="Float64"), ("1", "2.5")),
        (pd.array([True, None, False], dtype="boolean"), ("FALSE", "TRUE")),
        (np.array([True, None, False], dtype=object), ("FALSE", "TRUE")),
        (pd.Categorical([2.0, 10.0], categories=[10.0, 7.0, 2.0]), ("10", "2")),
    ],
)
def test_levels_of_numbers_and_logicals(values: object, levels: tuple[str, ...]) -> None:
    assert factor("factor(x)", values).levels == levels


def test_factor_keeps_the_order_of_an_ordered_factor() -> None:
    values = pd.Categorical(["b", "a"], categories=["b", "unused", "a"], ordered=True)
    found = factor("factor(x)", values)
    assert (found.levels, found.ordered) == (("b", "a"), True)


@pytest.mark.parametrize(
    ("text", "extras"),
    [
        ("y ~ x", {}),
        ("y ~ 1 + (x || f)", {}),
        ("y ~ f - x", {}),
        ("y ~ log(x)", {}),
        ("y ~ factor(x)", {}),
        ("y ~ 1 + (1 | f/x)", {}),
        ("x ~ f", {}),
        ("y ~ f", {"weights": [1, np.nan, 1, 1, 1]}),
        ("y ~ f", {"offset": pd.array([1, None, 1, 1, 1], dtype="Int64")}),
    ],
)
def test_a_missing_value_anywhere_drops_the_row(text: str, extras: dict[str, object]) -> None:
    changed = data()
    changed["x"] = [3, None, 2, 5, 4]
    assert frame(text, changed, **extras).rows.tolist() == [0, 2, 3, 4]


def test_what_the_formula_does_not_use_may_be_missing() -> None:
    changed = data()
    changed["x"] = np.nan
    assert frame("y ~ f + (1 | g)", changed).rows.size == 5


def test_nan_of_a_transformation_drops_the_row_and_its_levels() -> None:
    changed = data()
    changed["x"] = [3, 1, 2, -5, 4]
    made = frame("y ~ log(x) + f", changed)
    f = made.columns["f"]
    assert made.rows.tolist() == [0, 1, 2, 4]
    assert isinstance(f, Factor) and f.levels == ("a", "b")


def test_scale_sees_the_rows_that_others_drop() -> None:
    # R 4.2.2: x <- c(1, 2, 3, 6); y <- c(1, NA, 3, 4); model.frame(y ~ scale(x))[[2]]; its quotient and root may round
    # the other way.
    changed = pd.DataFrame({"y": [1, None, 3, 4], "x": [1, 2, 3, 6]})
    column = frame("y ~ scale(x)", changed).columns["scale(x)"]
    expected = np.array([-0.92582009977255142, 0.0, 1.3887301496588271])
    np.testing.assert_allclose(column, expected, rtol=2 * EPS)  # type: ignore[arg-type]


def test_a_repeated_index_means_nothing_to_numbers_that_go_by_position() -> None:
    changed = data().set_axis([7, 7, 7, 1, 0])
    for weights in ([1.0, 2.0, 3.0, 4.0, 5.0], pd.Series([1.0, 2.0, 3.0, 4.0, 5.0], index=changed.index)):
        made = frame("y ~ x + (1 | g)", changed, weights=weights)
        assert made.rows.tolist() == [0, 1, 2, 3, 4]
        assert made.weights is not None and made.weights.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_data_are_left_alone() -> None:
    original = data()
    frame("y ~ log(x) + f + (x | g)", original, weights=original["y"])
    pd.testing.assert_frame_equal(original, data())


def test_what_happens_to_the_data_later_leaves_the_frame_alone() -> None:
    changed = data().assign(x=[0.5, 1.5, 2.5, 3.5, 4.5])
    w = np.ones(5)
    made = frame("y ~ x + (1 | g)", changed, weights=w)
    changed.iloc[:, [0, 1]] = -1.0
    w[:] = -1.0
    assert made.y.tolist() == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert made.columns["x"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]  # type: ignore[union-attr]
    assert made.weights is not None and made.weights.tolist() == [1.0] * 5


def test_columns_called_weights_are_ordinary() -> None:
    changed = data().assign(weights=[1, 2, np.inf, 4, 5])
    with pytest.raises(ModelError, match="'weights' is Inf in row 3 "):
        frame("y ~ weights", changed, weights=[1, 1, 1, 1, 1])


REFUSED = [
    ("y ~ xx", {}, "no column 'xx'; did you mean x"),
    ("y ~ 1 + (1 | absent)", {}, "no column 'absent'"),
    ("f ~ x", {}, "response 'f' is not numeric"),
    ("date ~ x", {}, "response 'date' is not numeric"),
    ("poly(x, 2) ~ g", {}, "response 'poly\\(x, 2\\)' is not numeric"),
    ("y ~ mixed", {}, "'mixed' holds mixed"),
    ("y ~ dates", {}, "column 'dates' has a category"),
    ("y ~ log(f)", {}, "'f' is a factor"),
    ("y ~ scale(factor(x))", {}, "'factor\\(x\\)' is a factor"),
    ("y ~ I(x / 0)", {}, "'I\\(x/0\\)' is Inf in row 1 "),
    ("y ~ infinite", {}, "'infinite' is -Inf in row 4 "),
    ("infinite ~ x", {}, "'infinite' is -Inf in row 4 "),
    ("y ~ 1 + (infinite | g)", {}, "'infinite' is -Inf in row 4 "),
    ("y ~ none + x", {}, "no rows left.*'none' in 5 of 5"),
    ("y ~ scale(one)", {}, "no rows left"),
    ("y ~ twice", {}, "2 columns 'twice'"),
    ("y ~ x", {"weights": [1, 1, -0.5, 1, 1]}, "negative weight -0.5 in row 3 "),
    ("y ~ x", {"weights": [1, 0, 1, 0, 1]}, "zero in 2 rows.*drop these rows"),
    ("y ~ x", {"weights": [1, 1, 1]}, "weights has 3 values, but the data have 5 rows"),
    ("y ~ x", {"weights": 2.0}, "weights has 1 values"),
    ("y ~ x", {"weights": [1, 1, np.inf, 1, 1]}, "'weights' is Inf in row 3 "),
    ("y ~ x", {"offset": ["a"] * 5}, "offset must be numbers"),
    ("y ~ x", {"offset": np.ones((5, 1))}, "offset must be numbers"),
]


@pytest.mark.parametrize(("text", "extras", "message"), REFUSED)
def test_refused_in_one_line(text: str, extras: dict[str, object], message: str) -> None:
    dates = pd.date_range("2024-01-01", periods=5)
    changed = data().assign(
        l=[True, False, True, True, False],
        date=dates,
        dates=pd.Categorical(dates),
        mixed=["a", 1, 2.5, None, "b"],
        infinite=[1, 2, 3, -np.inf, np.inf],
        none=None,
        one=1,
        twice=1,
        other=1,
    )
    changed = changed.rename(columns={"other": "twice"})
    with pytest.raises(ModelError, match=message) as caught:
        frame(text, changed, **extras)
    assert "\n" not in str(caught.value)


def test_no_rows_and_no_frame() -> None:
    with pytest.raises(ModelError, match="have no rows"):
        frame("y ~ x", data().iloc[:0])
    with pytest.raises(ModelError, match="DataFrame, not dict"):
        frame("y ~ x", {"y": [1.0], "x": [2.0]})  # type: ignore[arg-type]
