"""What a frame tells: dropped rows, levels that R would merge, text that R may sort otherwise, and what it refuses."""

import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver.errors import ModelError
from relmer.solver.language.build import build
from relmer.solver.language.dropped import Dropped, Lost, Shrunk
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import ModelFrame, model_frame
from relmer.solver.language.notes import order_notes

BIG = 10**400
N = 24


def data() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    columns = {"y": rng.normal(size=N), "x": rng.normal(size=N), "z": rng.uniform(1, 2, N), "g": np.arange(N) % 4}
    return pd.DataFrame(columns)


def frame(text: str, changed: pd.DataFrame, **extras: object) -> ModelFrame:
    return model_frame(parse(text), changed, **extras)  # type: ignore[arg-type]


def test_nothing_is_told_of_plain_data() -> None:
    made = frame("log(z) ~ x + (x | g)", data())
    assert made.dropped == Dropped(rows=0, given=N)
    assert made.notes == ()


@settings(deadline=None)
@given(st.sets(st.integers(0, N - 1), max_size=6), st.sets(st.integers(0, N - 1), max_size=6))
def test_dropped_rows_are_counted_with_their_reason(absent: set[int], negative: set[int]) -> None:
    changed = data()
    changed.loc[list(negative), "z"] = -1.0
    changed.loc[list(absent), "z"] = np.nan
    negative -= absent
    made = frame("y ~ log(z) + (1 | g)", changed)
    assert made.dropped.rows == len(absent | negative) == N - len(made.rows)
    lost = Lost(
        variable="log(z)", missing=len(absent), undefined=len(negative), first=min(absent | negative, default=-1) + 1
    )
    assert made.dropped.lost == ((lost,) if absent | negative else ())
    assert len(made.notes) == bool(absent | negative)
    for note in made.notes:
        assert note.startswith(f"{len(absent | negative)} of {N} rows dropped: log(z) is ") and "\n" not in note


def test_every_variable_that_lacks_values_is_named() -> None:
    changed = data()
    changed.loc[[1, 2], "x"] = np.nan
    changed.loc[[2, 5], "y"] = np.nan
    changed["g"] = changed["g"].astype("Int64")
    changed.loc[7, "g"] = None
    made = frame("y ~ x + I(x^2) + (1 | g)", changed)
    assert made.dropped.rows == 4
    counts = {lost.variable: (lost.missing, lost.undefined, lost.first) for lost in made.dropped.lost}
    assert counts == {"y": (2, 0, 3), "x": (2, 0, 2), "I(x^2)": (2, 0, 2), "g": (1, 0, 8)}


@pytest.mark.parametrize("formula", ["y ~ tr + x + (1 | g)", "y ~ x + (0 + tr | g)", "y ~ factor(tr) + x"])
def test_one_level_for_missing_values_elsewhere(formula: str) -> None:
    changed = data().assign(tr=["a"] * 8 + ["b"] * 8 + ["c"] * 8)
    changed.loc[8:, "x"] = np.nan
    made = frame(formula, changed)
    assert made.dropped.shrunk == (Shrunk(variable="factor(tr)" if "factor" in formula else "tr", levels=3),)
    with pytest.raises(ModelError, match=r"level, 'a' \(in all rows 3; 16 of 24 rows dropped: x is missing in 16"):
        build(made)
    changed["x"] = 1.5
    with pytest.raises(ModelError, match="has one level, 'a': contrasts"):
        build(frame(formula, changed.assign(tr="a", x=data()["x"])))


@pytest.mark.parametrize("labels", [[1, 2, 3], [0.5, 1.5, 2.5], ["p", "q", "r"]])
def test_one_group_for_missing_values_elsewhere(labels: list[object]) -> None:
    changed = data().assign(h=[label for label in labels for _ in range(8)])
    changed.loc[8:, "x"] = np.nan
    with pytest.raises(ModelError, match=r"grouping factor h has one level .in all rows 3; 16 of 24 rows dropped"):
        build(frame("y ~ x + (1 | h)", changed))


@pytest.mark.parametrize("text", ["y ~ 1 + (1 | id)", "y ~ factor(id)", "y ~ x + (1 | g/id)"])
def test_whole_numbers_that_R_would_merge_are_told(text: str) -> None:
    made = frame(text, data().assign(id=10**16 + 2 * (np.arange(N) // 2)))
    name = "factor(id)" if "factor" in text else "id"
    assert made.notes == (
        f"{name}: 12 whole numbers are 12 levels; R labels numbers by 15 digits and would see 1: for R, make them text",
    )


def test_numbers_that_merge_here_are_told() -> None:
    made = frame("y ~ x + (1 | id)", data().assign(id=10.0**16 + 2.0 * (np.arange(N) // 4) + 1e9 * (np.arange(N) % 2)))
    (note,) = made.notes
    assert note.startswith("id: numbers that agree in 15 digits are one level, as in R, which leaves 2")
    assert frame("y ~ id + x", data().assign(id=10.0**16 + np.arange(N))).notes == ()


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        (["a", "b", "c"], False),
        (["A", "B"], False),
        (["1", "10", "2"], False),
        (["None", "hi", "lo"], True),
        (["Zeta", "alpha"], True),
        (["b", "z", "é"], True),
        (["a-z", "ab"], False),
        (["low", "very high"], False),
        (["ab", "a b"], False),
    ],
)
def test_text_that_another_locale_may_sort_otherwise_is_told(levels: list[str], told: bool) -> None:
    changed = data().assign(f=[levels[i % len(levels)] for i in range(N)])
    notes = frame("y ~ f", changed).notes
    assert len(notes) == told == len(list(order_notes("f", sorted(levels))))
    assert all("pandas.Categorical" in note for note in notes)
    # Nothing depends on the order of groups, and categories have their own.
    assert frame("y ~ x + (1 | f)", changed).notes == ()
    assert frame("y ~ f", changed.assign(f=pd.Categorical(changed["f"]))).notes == ()


TEN_WAYS = {
    "response": ("big ~ x", {}),
    "covariate": ("y ~ big", {}),
    "group": ("y ~ x + (1 | big)", {}),
    "slope": ("y ~ x + (big | g)", {}),
    "factor": ("y ~ factor(big)", {}),
    "logarithm": ("y ~ log(big)", {}),
    "arithmetic": ("y ~ I(big / 2)", {}),
    "nested": ("y ~ x + (1 | g/big)", {}),
    "weights": ("y ~ x", {"weights": "big"}),
    "offset": ("y ~ x", {"offset": "log(big)"}),
}


@pytest.mark.parametrize("way", TEN_WAYS)
@pytest.mark.parametrize("value", [BIG, -BIG, 2**1024, 10**5000, pd.Categorical([BIG])], ids=lambda v: type(v).__name__)
def test_a_whole_number_beyond_the_doubles_is_refused_in_one_line(way: str, value: object) -> None:
    text, extras = TEN_WAYS[way]
    column = [BIG] + [1] * (N - 1) if isinstance(value, pd.Categorical) else [1, 2, value] + [3] * (N - 3)
    changed = data().assign(
        big=pd.Categorical(column) if isinstance(value, pd.Categorical) else pd.Series(column, dtype=object)
    )
    with pytest.raises(ModelError, match=r"beyond a double|text or categories|not numeric") as caught:
        build(frame(text, changed, **extras))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["big ~ x", "y ~ big", "y ~ log(big)", "y ~ x + (1 | big)"])
def test_a_whole_number_of_more_than_64_bits_is_read(text: str) -> None:
    big = [10**30 + 10**20 * i for i in range(N)]
    made = frame(text, data().assign(big=pd.Series(big, dtype=object)))
    if text == "big ~ x":
        assert made.y.tolist() == [float(b) for b in big]
    if text == "y ~ big":
        assert [float(v) for v in made.columns["big"]] == [float(b) for b in big]  # type: ignore[union-attr]


def test_the_records_can_be_copied() -> None:
    changed = data()
    changed.loc[3, "x"] = np.nan
    made = frame("y ~ x", changed).dropped
    assert copy.deepcopy(made) == made


@pytest.mark.parametrize(
    ("text", "overflows"),
    [
        ("I(i * i)", True),
        ("I(i * -i)", True),
        ("I(i + i * j)", True),
        ("I((i + i) * i)", True),
        ("I(abs(i) * i)", True),
        ("I(i + top)", True),
        # R 4.2.2: a number in a formula is a double, and so is what / and ^ make.
        ("I(1 * i * i)", False),
        ("I(i^2)", False),
        ("I(i * x)", False),
        ("I(i / 2 * i)", False),
        ("I(i + j)", False),
        ("I(log(i) * i)", False),
        ("I(long * i)", False),
    ],
)
def test_what_R_loses_to_the_overflow_of_integers_is_refused(text: str, overflows: bool) -> None:
    whole = np.arange(N) + 100_000
    changed = data().assign(i=whole, j=whole[::-1] // 3, top=2**31 - 1, long=whole + 2**31)
    if not overflows:
        assert frame(f"y ~ {text}", changed).dropped.rows == 0
        return
    with pytest.raises(ModelError, match="beyond R's integers, so that R has NA in 24 of 24 rows; write 1 \\* "):
        frame(f"y ~ {text}", changed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y ~ (1 | g) - 1", "'- 1' after random terms alone is read as '+ 1'"),
        ("y ~ x * (1 | g)", "'*' before the random term '(1 | g)' is read as '+'"),
        ("y ~ x - (1 | g)", "'-' before the random term '(1 | g)' is read as '+'"),
        ("y ~ x + (1 | g)", ""),
        ("y ~ x - 1 + (1 | g)", ""),
        ("y ~ x + (1 | g) - 1", ""),
    ],
)
def test_a_bar_where_lme4_reads_something_else_is_told(text: str, said: str) -> None:
    notes = parse(text).notes
    assert (said in notes[0] and len(notes) == 1) if said else not notes
