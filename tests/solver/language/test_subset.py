"""Which rows are asked for, and what becomes of those that lack a value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver.errors import ModelError
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.subset import NaAction, na_action_of, selected

N = 12
LETTERS = ("a", "b", "c")


def table(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.integers(-3, 4, N).astype(float),
            "u": np.where(np.arange(N) % 4 == 1, np.nan, rng.integers(-2, 3, N)),
            "l": rng.integers(0, 2, N).astype(bool),
            "g": rng.choice(LETTERS, N),
        },
        index=[f"row {k}" for k in range(N)],
    )


def rows(subset: Any, data: pd.DataFrame, formula: str = "y ~ 1", **more: Any) -> list[int]:
    return list(model_frame(parse(formula), data, subset=subset, **more).rows.tolist())


ATOMS = {
    "x > 0": lambda row: row.x > 0,
    "u > 0": lambda row: None if np.isnan(row.u) else row.u > 0,
    "l": lambda row: bool(row.l),
    "g == 'a'": lambda row: row.g == "a",
    "is.na(u)": lambda row: bool(np.isnan(row.u)),
    "g %in% c('b', 'c')": lambda row: row.g in "bc",
}


def both(a: bool | None, b: bool | None) -> bool | None:
    """R's and: false where either is, whatever the other."""
    return False if a is False or b is False else None if a is None or b is None else True


def opposite(a: bool | None) -> bool | None:
    return None if a is None else not a


Condition = tuple[str, Callable[[Any], bool | None]]


def negated(one: Condition) -> Condition:
    return f"!({one[0]})", lambda row: opposite(one[1](row))


def joined(pair: tuple[Condition, Condition]) -> Condition:
    (left, a), (right, b) = pair
    return f"({left}) & ({right})", lambda row: both(a(row), b(row))


def either(pair: tuple[Condition, Condition]) -> Condition:
    """R's or, by the law of de Morgan."""
    (left, a), (right, b) = pair
    return f"({left}) | ({right})", lambda row: opposite(both(opposite(a(row)), opposite(b(row))))


CONDITIONS = st.recursive(
    st.sampled_from(sorted(ATOMS.items())),
    lambda inner: st.one_of(inner.map(negated), *(st.tuples(inner, inner).map(each) for each in (joined, either))),
    max_leaves=6,
)


@settings(deadline=None)
@given(CONDITIONS, st.integers(0, 50))
def test_a_condition_by_kleenes_logic(condition: tuple[str, Any], seed: int) -> None:
    """True rows are taken; a row of which the condition is not known is a row without values, which is dropped."""
    text, law = condition
    data = table(seed)
    said = [law(row) for row in data.itertuples()]
    if not any(value is not False for value in said):
        with pytest.raises(ModelError, match="asks for none of the 12 rows"):
            rows(text, data)
        return
    found = selected(text, data)
    assert found.rows.tolist() == [value is not False for value in said]
    assert np.flatnonzero(found.missing if found.missing is not None else [False]).tolist() == [
        k for k, value in enumerate(said) if value is None
    ]
    wanted = [k for k, value in enumerate(said) if value is True]
    if wanted:
        assert rows(text, data) == wanted


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=N, max_size=N).filter(any), st.randoms(use_true_random=False))
def test_logicals_go_by_labels_or_by_position(mask: list[bool], random: Any) -> None:
    data = table()
    wanted = np.flatnonzero(mask).tolist()
    order = list(range(N))
    random.shuffle(order)
    series = pd.Series(mask, index=data.index)
    for given_ in (mask, np.array(mask), series, series.iloc[order], series.astype("boolean").iloc[order]):
        assert rows(given_, data) == wanted


def test_what_sees_all_rows_and_what_the_subset() -> None:
    data = table()
    made = model_frame(parse("y ~ scale(x) + g"), data, weights="exp(x)/mean(exp(x))", subset="g != 'a'")
    kept = (data["g"] != "a").to_numpy()
    x = data["x"].to_numpy()
    scaled = np.ravel(getattr(made.columns["scale(x)"], "values", made.columns["scale(x)"]))
    np.testing.assert_allclose(scaled, ((x - x.mean()) / x.std(ddof=1))[kept], rtol=1e-14)
    np.testing.assert_allclose(made.weights, (np.exp(x) / np.exp(x).mean())[kept], rtol=1e-14)
    assert made.columns["g"].levels == ("b", "c")


@pytest.mark.parametrize(
    ("subset", "wanted"),
    [
        ("1:3", [0, 1, 2]),
        ("-(1:9)", [9, 10, 11]),
        ("c(2, 5)", [1, 4]),
        ("seq(1, 12, 4)", [0, 4, 8]),
        ("-1", [*range(1, 12)]),
    ],
)
def test_numbers_of_rows_count_from_one(subset: str, wanted: list[int]) -> None:
    assert rows(subset, table()) == wanted


@pytest.mark.parametrize(
    ("subset", "told"),
    [
        ("x", "condition"),
        ("c(2, 1)", "in ascending order"),
        ("c(1, 1)", "each once"),
        ("0:3", "from 1 to 12"),
        ("1:13", "from 1 to 12"),
        ("c(-1, 2)", "from 1 to 12"),
        ("c(1.5, 2)", "no numbers of rows"),
        ("g", "True or False"),
        ("x > 99", "asks for none"),
        ("TRUE", "subset has 1 values"),
        ("x > 0 || l", "it is one |"),
        ("x > 0 && l", "cannot read subset"),
        ("z > 0", "no column 'z'"),
        ("system('ls')", "cannot read subset at character 1"),
        ("x[[1]]", "cannot read subset"),
        ("x = 1", "cannot read subset"),
        ("y ~ x", "not arithmetic"),
        (np.arange(N), "True or False"),
        ([True] * 3, "subset has 3 values"),
        (pd.Series([True] * N), "by its index"),
        ({"a": True}, "not dict"),
        (np.ones((N, 1), dtype=bool), "not ndarray"),
        (True, "not bool"),
        (pd.Series([1.0] * N, index=table().index), "True or False"),
    ],
)
def test_what_is_no_subset_is_one_line(subset: Any, told: str) -> None:
    with pytest.raises(ModelError, match=r".") as error:
        rows(subset, table())
    assert told in str(error.value) and "\n" not in str(error.value)


def test_notes_count_within_the_subset() -> None:
    made = model_frame(parse("y ~ u"), table(), subset="-(1:2)")
    assert made.notes[:2] == (
        "subset -(1:2) takes 10 of 12 rows",
        "2 of 10 rows dropped: u is missing in 2, first in row 6",
    )
    assert (made.dropped.rows, made.dropped.given) == (2, 10)


def test_a_level_that_the_subset_leaves_out_is_not_lost_by_missing_values() -> None:
    data = table()
    data["f"] = ["p"] * 6 + ["q"] * 6
    made = model_frame(parse("y ~ u + f"), data, subset="-(7:12)")
    assert made.dropped.shrunk == ()
    later = model_frame(parse("y ~ u + f"), data.assign(u=np.where(np.arange(N) < 6, np.nan, 1.0)))
    assert later.dropped.shrunk[-1].variable == "f"


@pytest.mark.parametrize("action", ["fail", "na.fail", "pass", "na.pass"])
def test_rows_without_a_value_are_refused_by_name(action: str) -> None:
    with pytest.raises(
        ModelError, match=r"na\.(fail|pass): u is missing in 3, first in row 2.*na\.omit leaves 3 of 12"
    ):
        rows(None, table(), "y ~ u", na_action=action)
    assert rows(None, table(), "y ~ x", na_action=action) == [*range(N)]
    assert rows("!is.na(u)", table(), "y ~ u", na_action=action) == [k for k in range(N) if k % 4 != 1]


def test_actions_by_name() -> None:
    assert na_action_of(None) is NaAction.OMIT
    assert [na_action_of(str(each)) for each in NaAction] == [*NaAction]
    for wrong in ("", "na.", "drop", 3):
        with pytest.raises(ModelError, match=r"na_action is .*: give one of na\.omit"):
            na_action_of(wrong)
