"""What an engine returned is checked: a slip in any field is found, and what is right comes out as plain floats."""

import math
import re
from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relmer.reference.answers import Estimates, FTests, Inference, Intervals, Predictions
from relmer.reference.engines.checks import plain_criterion, plain_estimates, plain_inference, texts
from relmer.reference.engines.contract import UNDEFINED
from relmer.reference.engines.errors import EngineError

ROWS = 4
GOOD = Estimates(
    theta=(1.0, 0.5, 2.0),
    criterion=10.0,
    sigma=1.5,
    beta=(1.0, 2.0),
    se=(0.1, 0.2),
    vcov=((0.01, 0.0), (0.0, 0.04)),
    varcomp=(2.25, 1.125, 9.5625),
    b=(0.0, 1.0),
    fitted=(1.0,) * ROWS,
    V_diagonal=(2.0,) * ROWS,
    V_rowsum=(3.0,) * ROWS,
)
NAMES = [field.name for field in fields(Estimates)]
SCALARS = ("criterion", "sigma")
# b follows from the levels of the engine's own model.
FREE = ("theta", "beta", "b")


def with_entry(name: str, entry: object) -> Estimates:
    value = getattr(GOOD, name)
    if name in SCALARS:
        return replace(GOOD, **{name: entry})
    changed = (*value[:-1], (*value[-1][:-1], entry) if name == "vcov" else entry)
    return replace(GOOD, **{name: changed})


@given(
    name=st.sampled_from(NAMES),
    entry=st.sampled_from([math.nan, math.inf, -math.inf, None, "1", 1j, Fraction(1), Decimal(1), [], object()]),
)
def test_an_entry_that_is_no_finite_number_is_named(name: str, entry: object) -> None:
    with pytest.raises(EngineError, match=rf"\A{name}[ \[]"):
        plain_estimates(with_entry(name, entry), ROWS)


@given(
    name=st.sampled_from([name for name in NAMES if name not in (*SCALARS, "b")]),
    change=st.sampled_from([-1, 1, 5]),
)
def test_a_length_that_fits_nothing_is_refused(name: str, change: int) -> None:
    value = getattr(GOOD, name)
    longer = value[:change] if change < 0 else (*value, *value[:1] * change)
    with pytest.raises(EngineError, match=r"entries|must be"):
        plain_estimates(replace(GOOD, **{name: longer}), ROWS)


@given(name=st.sampled_from([name for name in NAMES if name not in SCALARS]), value=st.sampled_from([None, 7.0, "a"]))
def test_what_is_no_vector_is_refused(name: str, value: object) -> None:
    with pytest.raises(EngineError, match=f"{name} must be"):
        plain_estimates(replace(GOOD, **{name: value}), ROWS)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_numbers_of_numpy_become_plain_floats(kind: type) -> None:
    """Of a model of another size as well, as long as it fits together."""
    given_in = replace(
        GOOD, **{name: np.asarray(getattr(GOOD, name)).astype(kind) for name in NAMES if name not in SCALARS}
    )
    made = plain_estimates(given_in, ROWS)
    assert type(made.theta[0]) is type(made.vcov[1][1]) is type(made.sigma) is float
    assert made.beta == tuple(map(float, np.asarray(GOOD.beta).astype(kind)))
    smaller = replace(GOOD, theta=(1.0,), varcomp=(2.25,), b=(0.0,))
    assert plain_estimates(smaller, ROWS).theta == (1.0,)
    assert plain_estimates(GOOD, None) == GOOD


def test_no_random_effects_and_no_coefficients() -> None:
    empty = replace(GOOD, theta=(), varcomp=(), b=(), beta=(), se=(), vcov=())
    assert plain_estimates(empty, ROWS) == empty


def test_undefined_is_one_object() -> None:
    assert plain_criterion([1, UNDEFINED, None], [0, 1, 2]) == (1.0, None, None)
    with pytest.raises(EngineError, match=r"criterion\(\)\[2\] is nan"):
        plain_criterion([1.0, float("nan")], [0, 1])


@given(st.lists(st.text(max_size=700), max_size=120))
def test_texts_are_cleaned_once(said: list[str]) -> None:
    made = texts(said, "warnings")
    assert texts(made, "warnings") == made
    assert len(made) <= 50
    assert all(len(text) <= 500 and text.isprintable() for text in made)


ENDS = Intervals(0.95, (0.0, 1.0), (2.0, 3.0))
CONCLUDED = Inference(t=(10.0, 10.0), intervals={"wald": ENDS}, predictions=Predictions((1.0,), (1.5,)))
REFUSED = [
    ({"intervals": {"wald": replace(ENDS, level=95.0)}}, "intervals.wald.level is 95.0"),
    ({"intervals": {"wald": replace(ENDS, lower=(0.0,))}}, "intervals.wald.lower must have 2 entries"),
    ({"intervals": {"wald": replace(ENDS, upper=(0.0, math.inf))}}, "intervals.wald.upper[2] is inf"),
    ({"predictions": Predictions((1.0,), (math.nan,))}, "predictions.conditional[1] is nan"),
]


def test_intervals_and_predictions_that_are_right_come_out_as_they_are() -> None:
    assert plain_inference(CONCLUDED, GOOD) == CONCLUDED


@pytest.mark.parametrize(("change", "told"), REFUSED)
def test_an_interval_or_a_prediction_that_is_none_is_refused_by_name(change: dict[str, object], told: str) -> None:
    with pytest.raises(EngineError, match=re.escape(told)):
        plain_inference(replace(CONCLUDED, **change), GOOD)


TESTS = FTests("III", ("a", "b"), (1.0, 2.0), (10.0, 10.0), (3.0, 4.0), (0.1, 0.05))
NO_TESTS = [
    (replace(TESTS, type="IV"), "F_tests.satterthwaite.type is 'IV'"),
    (replace(TESTS, F=(3.0,)), "F_tests.satterthwaite.F must have 2 entries, not 1"),
    (replace(TESTS, p=(math.nan, 0.05)), "F_tests.satterthwaite.p[1] is nan"),
]


@pytest.mark.parametrize(("tests", "told"), NO_TESTS)
def test_an_F_test_that_is_none_is_refused_by_name(tests: FTests, told: str) -> None:
    right = Inference(F_tests={"satterthwaite": TESTS})
    assert plain_inference(right, GOOD) == right
    with pytest.raises(EngineError, match=re.escape(told)):
        plain_inference(Inference(F_tests={"satterthwaite": tests}), GOOD)
