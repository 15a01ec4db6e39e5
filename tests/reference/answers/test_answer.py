"""Answers as plain data: fingerprints, JSON and back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from relmer.datasets import case
from relmer.reference.answers import recorded
from relmer.reference.answers.answer import Answer, Status, data_seen, fingerprint, from_json, to_json


def matrix(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(7, 4)) * (random.random((7, 4)) < 0.6)


@given(st.integers(0, 10**6))
def test_fingerprint_is_of_the_values_not_of_the_storage(seed: int) -> None:
    dense = matrix(seed)
    rows, columns = np.indices(dense.shape)
    stored = sparse.coo_array((dense.ravel()[::-1], (rows.ravel()[::-1], columns.ravel()[::-1])), shape=dense.shape)
    assert fingerprint(dense) == fingerprint(stored) == fingerprint(sparse.csr_array(dense))


@given(st.integers(0, 10**6), st.integers(0, 6), st.integers(0, 3))
def test_fingerprint_sees_the_last_bit(seed: int, row: int, column: int) -> None:
    dense = matrix(seed)
    changed = dense.copy()
    changed[row, column] = np.nextafter(changed[row, column], np.inf)
    assert fingerprint(changed).sha256 != fingerprint(dense).sha256


def test_fingerprint_sees_swapped_columns_and_leaves_its_input_alone() -> None:
    stored = sparse.csc_array(matrix(1))
    stored.data[0] = 0.0
    before = stored.data.copy()
    one, other = fingerprint(stored), fingerprint(stored.toarray()[:, ::-1])
    assert one.sha256 != other.sha256
    assert one.weighted != other.weighted
    np.testing.assert_array_equal(stored.data, before)


def test_data_seen_tells_levels_and_codes_apart() -> None:
    y = np.array([1.0, 2.0])
    seen = [
        data_seen(y, {"g": (["a", "b"], np.array([0, 1]))}),
        data_seen(y, {"g": (["b", "a"], np.array([0, 1]))}),
        data_seen(y, {"g": (["a", "b"], np.array([1, 0]))}),
        data_seen(y, {"g": (["ab"], np.array([0, 1]))}),
        data_seen(y[::-1], {"g": (["a", "b"], np.array([0, 1]))}),
    ]
    assert len({(d.response_sha256, d.groupings["g"].sha256) for d in seen}) == 5


def test_json_and_back() -> None:
    answer = recorded.read("lme4", case("docs/sleepstudy"))
    assert from_json(to_json(answer)) == answer
    assert from_json(to_json(answer)).status is Status.FITTED
    assert json.loads(to_json(answer))["status"] == "fitted"


BROKEN = {
    "not JSON": ("{", "not JSON"),
    "no schema": ("{}", "schema"),
    "missing field": (json.dumps({"schema": "relmer-answer/1", "case": "a"}), "engine is missing"),
    "unknown field": (
        json.dumps(
            {
                "schema": "relmer-answer/1",
                "case": "a",
                "engine": "b",
                "version": "1",
                "status": "fitted",
                "x": 1,
            }
        ),
        "'x' is not known",
    ),
    "wrong type": (
        json.dumps({"schema": "relmer-answer/1", "case": 3, "engine": "b", "version": "1", "status": "fitted"}),
        "answer.case must be str",
    ),
    "unknown status": (
        json.dumps({"schema": "relmer-answer/1", "case": "a", "engine": "b", "version": "1", "status": "fine"}),
        'answer.status must be one of "fitted", "unsupported", "failed", not \'fine\'',
    ),
    "NaN": ('{"schema": "relmer-answer/1", "case": NaN}', "NaN"),
    "a boolean for a number": (
        json.dumps(
            {
                "schema": "relmer-answer/1",
                "case": "a",
                "engine": "b",
                "version": "1",
                "status": "fitted",
                "criterion": [{"theta": [], "value": True}],
            }
        ),
        r"answer.criterion\[0\].value must be a number",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers_are_refused_by_field(name: str) -> None:
    text, message = BROKEN[name]
    with pytest.raises(ValueError, match=message):
        from_json(text)


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(Answer("a", "b", "1", Status.FITTED, criterion=(replace_value(float("inf")),)))


def replace_value(value: float):
    answer = recorded.read("lme4", case("docs/sleepstudy"))
    return replace(answer.criterion[0], value=value)
