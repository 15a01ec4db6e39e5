"""The sample of CI: one of each kind by checksum, a third of the examples; all of both with RELMER_ALL."""

from types import SimpleNamespace

import pytest
import sample
from hypothesis import given, settings
from hypothesis import strategies as st

# CRC-32 of a, b, c and d: e8b7be43, 71beeff9, 06b9df6f, 98dd4acc.
CHECKED = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("everything", "taken"), [(False, ["c", "d"]), (True, CHECKED)], ids=["a sample", "RELMER_ALL"]
)
def test_of_each_kind_the_lowest_checksum_is_taken(
    monkeypatch: pytest.MonkeyPatch, everything: bool, taken: list[str]
) -> None:
    monkeypatch.setattr(sample, "EVERYTHING", everything)
    assert sample.one_of_each(iter(CHECKED), lambda one: one == "d", str) == taken


@pytest.mark.parametrize(
    ("everything", "taken"),
    [(False, [("a", "b")]), (True, [("a", "b"), ("a",), ("b",)])],
    ids=["a sample", "RELMER_ALL"],
)
def test_what_has_no_effect_is_tried_together(
    monkeypatch: pytest.MonkeyPatch, everything: bool, taken: list[tuple[str, ...]]
) -> None:
    monkeypatch.setattr(sample, "EVERYTHING", everything)
    assert sample.together_or_one_by_one({"a": 1, "b": 2}) == taken


@pytest.mark.parametrize(
    ("everything", "asked", "drawn"),
    [(False, 90, 30), (False, 20, 12), (False, 8, 8), (True, 90, 90), (True, 8, 8)],
)
def test_a_property_draws_so_many(monkeypatch: pytest.MonkeyPatch, everything: bool, asked: int, drawn: int) -> None:
    monkeypatch.setattr(sample, "EVERYTHING", everything)
    seen: list[int] = []

    @settings(max_examples=asked, database=None)
    @given(st.integers())
    def held(value: int) -> None:
        seen.append(value)

    sample.with_examples(SimpleNamespace(obj=held), sample.examples)
    held()
    assert len(seen) == drawn


def test_what_draws_nothing_is_left_alone() -> None:
    def plain() -> None:
        """No property."""

    sample.with_examples(SimpleNamespace(obj=plain), sample.examples)
    assert not hasattr(plain, "_hypothesis_internal_use_settings")
